# mypy: disable-error-code="no-untyped-def,assignment,arg-type"
"""Compiled: one batch of sample years, from outages to the sums the metrics are made of.

Losses are integers, so sums do not depend on their order. A day whose largest possible loss leaves every cut of the
network with a margin is never opened. An opened hour is checked against every cut; only hours that fall short, or
find a store that is not full, are dispatched.

Letters: S subsets of zones (bit masks, S = 2^Z), K the subsets that can bind, R rows of loss (zones, then links
that fail), J stores, N scenarios.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from gridrush.adequacy._kernels_anchor import COARSE, FINE_MASK, draw_anchor, next_open
from gridrush.adequacy._kernels_cuts import (
    BINS,
    histogram,
    largest,
    order_by_duration,
    raise_cuts,
    share_out,
    subset_sums,
)
from gridrush.adequacy._kernels_draw import component_events, draw, fill_exponentials, lose, mix, plain_events, uniform

HOURS, ENERGY, EVENTS, DAYS, PEAK_DAYS, DEPTH, CUT_HOURS, CUT_ENERGY, CALL_HOURS, CALL_ENERGY = range(10)
METRICS = 10
KEEP = 10


@nb.njit(cache=True, nogil=True)
def hit(n, P, g, a, z_end, ev, ev_word, head, net, rise):
    """Full loss of component g over [a, z_end): a common cause took it."""
    return lose(
        n,
        a,
        z_end,
        P.T,
        P.row[g],
        P.seg_ptr[g],
        P.seg_ptr[g + 1],
        P.seg_hour,
        P.seg_full,
        P.off,
        ev,
        ev_word,
        head,
        net,
        rise,
    )


@nb.njit(cache=True, nogil=True, error_model="numpy")
def run_batch(P, Q, seed_key, first, count):
    """Simulate samples first..first+count. P: what does not change; Q: importance tables. -> sums (see `Sums`)."""
    Z, T, off, D, C = P.Z, P.T, P.off, P.D, P.id.size
    R = P.R
    nS = 1 << Z
    K = P.cut.size
    J, H = P.st_zone.size, P.dr_zone.size
    to_mw = 1.0 / P.scale
    shift = COARSE if Q.on else np.int64(0)
    mask = FINE_MASK if Q.on else np.int64(-1)

    sums = np.zeros((Z + 1, METRICS))
    squares = np.zeros((Z + 1, METRICS))
    cross = np.zeros((Z + 1, 3))
    heat = np.zeros((Z + 1, 12, 24, 4))
    hist = np.zeros((2, BINS, 5))
    top = np.zeros((KEEP, 4))  # energy, sample, first hour, hours
    opened = 0
    overflow = 0

    slots = P.counter.size
    value = np.empty(slots)
    a_value, b_value = np.empty(slots), np.empty(slots)
    a_bits, b_bits = a_value.view(np.uint64), b_value.view(np.uint64)
    ev = np.empty((P.max_events, 3), np.int32)
    ev_word = np.empty(P.max_events, np.int64)
    head = np.full(D, -1, np.int32)
    net = np.zeros((R, D), np.int64)
    rise = np.zeros((R, D), np.int64)
    common = np.zeros((64 * (P.common_of.size + 1), 2), np.int64)
    c_ptr = np.zeros(P.n_common + 1, np.int64)
    state = np.zeros(C, np.int8)

    level = np.zeros(R, np.int64)
    bound = np.zeros(R, np.int64)
    now = np.zeros(R, np.int64)
    delta = np.zeros((24, R), np.int64)
    sub = np.zeros(nS, np.int64)
    b = np.zeros(nS)
    x_zone = np.zeros(Z)
    x_sub = np.zeros(nS)
    own = np.zeros(Z)
    r = np.zeros(Z)
    acc = np.zeros((Z + 1, METRICS))
    touched = np.zeros((Z + 1, 12, 24, 2))
    cells = np.zeros((288, 2), np.int64)
    last_short = np.zeros(Z + 1, np.int64)
    last_day = np.zeros(Z + 1, np.int64)
    ev_peak = np.zeros(Z + 1)
    energy = np.zeros(J)
    order = np.arange(J)
    budget = np.zeros(H)
    hours_left = np.zeros(H)
    calls_left = np.zeros(H)
    last_call = np.zeros(H, np.int64)

    for i in range(first, first + count):
        key = mix(seed_key + mix(np.uint64(i) + np.uint64(0x632BE59BD9B4E019)))
        fill_exponentials(key, P.counter, a_bits, a_value, b_bits, b_value, value)
        for d in range(D):
            head[d] = -1
        for q in range(R):
            for d in range(D):
                net[q, d] = 0
                rise[q, d] = 0
            level[q] = 0
        n = 0
        weight = 1.0
        start = 0
        scenario = 0
        if P.n_scenarios > 1:
            u = uniform(key, np.uint64(7))
            while scenario < P.n_scenarios - 1 and u >= P.scenario_cum[scenario]:
                scenario += 1
        for c in range(C):
            state[c] = -1
        if Q.on:
            scenario, start = draw_anchor(P, Q, key, state)
        for j in range(P.n_common):
            c_ptr[j + 1] = 0
        nc = 0
        n = plain_events(
            n,
            P.plain,
            start,
            state,
            T,
            off,
            P.slot,
            P.id,
            P.scale_up,
            P.scale_down,
            P.start_full,
            P.seg_ptr,
            P.seg_hour,
            P.seg_full,
            P.row,
            key,
            value,
            ev,
            ev_word,
            head,
            net,
            rise,
        )
        for m in range(P.other.size):
            g = P.other[m]
            kind = 0
            k = 0
            if state[g] >= 0:
                kind = state[g]
                k = 1
            else:
                e = draw(0, P.slot[g], P.slot[g + 1], P.id[g], key, value)
                k = 1
                if e < P.start_full[g]:
                    kind = 1
                elif e < P.start_any[g]:
                    kind = 2
            if P.is_common[g] >= 0:
                n, nc = component_events(
                    n, g, start, kind, k, key, value, P, ev, ev_word, head, net, rise, common, nc, nc, True
                )
                c_ptr[P.is_common[g] + 1] = nc
            elif P.common_of[g] >= 0:
                j = P.common_of[g]
                for o in range(c_ptr[j], c_ptr[j + 1]):
                    n = hit(n, P, g, common[o, 0], common[o, 1], ev, ev_word, head, net, rise)
                n, _ = component_events(
                    n,
                    g,
                    start,
                    kind,
                    k,
                    key,
                    value,
                    P,
                    ev,
                    ev_word,
                    head,
                    net,
                    rise,
                    common,
                    c_ptr[j],
                    c_ptr[j + 1],
                    False,
                )
            else:
                n, _ = component_events(
                    n, g, start, kind, k, key, value, P, ev, ev_word, head, net, rise, common, 0, 0, False
                )
        if n > ev_word.size:
            overflow = max(overflow, n)
            continue

        # the year
        if P.draws.shape[0] > 0:
            m = np.int64(uniform(key, np.uint64(13)) * P.draws.shape[0])
            for z in range(Z):
                level[z] = P.draws[m, z]
        for z in range(Z + 1):
            last_short[z] = -5
            last_day[z] = -1
            ev_peak[z] = 0.0
            for m in range(METRICS):
                acc[z, m] = 0.0
        for j in range(J):
            energy[j] = P.st_start[j]
            order[j] = j
        for h in range(H):
            budget[h] = P.dr_energy[h]
            hours_left[h] = P.dr_hours[h]
            calls_left[h] = P.dr_calls[h]
            last_call[h] = -5
        not_full = False
        for j in range(J):
            not_full |= energy[j] < P.st_energy[j]
        n_cells = 0
        hits = 0
        worst_energy, worst_start, worst_hours = 0.0, 0, 0
        event_energy, event_start, event_hours = 0.0, 0, 0
        d = -1
        while d + 1 < D:
            d += 1
            if not not_full:
                d = next_open(
                    d,
                    D,
                    Z,
                    R,
                    K,
                    shift,
                    level,
                    net,
                    rise,
                    P.day_least[scenario],
                    P.day_limit[scenario],
                    P.cut,
                    P.link_word,
                    P.all_links,
                    bound,
                    sub,
                )
                if d >= D:
                    break
            opened += 1
            t0 = max(d * 24 - off, 0)
            t1 = min(d * 24 - off + 24, T)
            m = head[d]
            while m >= 0:
                delta[ev[m, 0] - t0, ev[m, 1]] += ev_word[m]
                m = ev[m, 2]
            for q in range(R):
                now[q] = level[q]
            for t in range(t0, t1):
                down_links = False
                for q in range(R):
                    now[q] += delta[t - t0, q]
                    delta[t - t0, q] = 0
                for q in range(Z, R):
                    down_links |= now[q] > 0
                subset_sums(now, Z, sub)
                short = False
                for k in range(K):
                    x = sub[P.cut[k]]
                    if down_links:
                        for q in range(Z, R):
                            if now[q] > 0:
                                x += P.link_word[q - Z, k]
                    lim = P.limit[scenario, k, t]
                    if Q.on:
                        hits += (x >> COARSE) > (lim >> COARSE)
                        short |= (x & FINE_MASK) > Q.fine_limit[scenario, k, t]
                    else:
                        short |= x > lim
                if not (short or not_full):
                    continue
                # cuts of the hour
                for z in range(Z):
                    x_zone[z] = np.float64(now[z] & mask) - P.surplus[scenario, z, t]
                subset_sums(x_zone, Z, b)
                pat = P.link_pattern[t]
                for s in range(1, nS):
                    b[s] -= P.cut_capacity[pat, s]
                if down_links:
                    for q in range(Z, R):
                        if now[q] > 0:
                            for s in range(1, nS):
                                b[s] += P.link_loss[q - Z, pat, s]
                short_mw = largest(b, nS)
                if J > 0:
                    if short_mw > 0.5:
                        order_by_duration(J, energy, P.st_discharge, order)
                        for m in range(J):
                            j = order[m]
                            can = min(P.st_discharge[j], energy[j] * P.st_out[j])
                            if can <= 0.0:
                                continue
                            bit = 1 << P.st_zone[j]
                            low = 0.0
                            for s in range(1, nS):
                                v = b[s] - can if s & bit else b[s]
                                if v > low:
                                    low = v
                            used = short_mw - low
                            if used > 0.0:
                                energy[j] -= used / P.st_out[j]
                                if energy[j] < 0.0:
                                    energy[j] = 0.0
                                raise_cuts(b, Z, nS, P.st_zone[j], -used)
                                short_mw = low
                                if short_mw <= 0.5:
                                    break
                    for m in range(J - 1, -1, -1):
                        j = order[m]
                        want = min(P.st_charge[j], (P.st_energy[j] - energy[j]) / P.st_in[j])
                        if want <= 0.0:
                            continue
                        bit = 1 << P.st_zone[j]
                        for s in range(1, nS):
                            if s & bit and short_mw - b[s] < want:
                                want = short_mw - b[s]
                        if want > 0.0:
                            energy[j] += want * P.st_in[j]
                            raise_cuts(b, Z, nS, P.st_zone[j], want)
                    not_full = False
                    for j in range(J):
                        if energy[j] >= P.st_energy[j] * (1.0 - 1e-12):
                            energy[j] = P.st_energy[j]
                        elif P.st_charge[j] > 0.0:
                            not_full = True
                called = 0.0
                if short_mw > 0.5:
                    for h in range(H):
                        fresh = last_call[h] != t - 1
                        if budget[h] <= 0.0 or hours_left[h] < 1.0 or (fresh and calls_left[h] < 1.0):
                            continue
                        can = min(P.dr_power[h, t], budget[h])
                        bit = 1 << P.dr_zone[h]
                        low = 0.0
                        for s in range(1, nS):
                            v = b[s] - can if s & bit else b[s]
                            if v > low:
                                low = v
                        used = short_mw - low
                        if used > 0.0:
                            budget[h] -= used
                            hours_left[h] -= 1.0
                            if fresh:
                                calls_left[h] -= 1.0
                            last_call[h] = t
                            raise_cuts(b, Z, nS, P.dr_zone[h], -used)
                            called += used
                            acc[P.dr_zone[h], CALL_HOURS] += 1.0
                            acc[P.dr_zone[h], CALL_ENERGY] += used * to_mw
                            short_mw = low
                            if short_mw <= 0.5:
                                break
                    if called > 0.0:
                        acc[Z, CALL_HOURS] += 1.0
                        acc[Z, CALL_ENERGY] += called * to_mw
                if P.interruptible:
                    for z in range(Z):
                        x_zone[z] = P.flexible[scenario, z, t]
                    subset_sums(x_zone, Z, x_sub)
                    both = 0.0
                    for s in range(1, nS):
                        v = b[s] + x_sub[s]
                        if v > both:
                            both = v
                    if both - short_mw > 0.5:
                        acc[Z, CUT_HOURS] += 1.0
                        acc[Z, CUT_ENERGY] += (both - short_mw) * to_mw
                if short_mw <= 0.5:
                    continue
                if Z > 1:
                    for z in range(Z):
                        own[z] = b[1 << z] + P.cut_capacity[pat, 1 << z]
                        if down_links:
                            for q in range(Z, R):
                                if now[q] > 0:
                                    own[z] -= P.link_loss[q - Z, pat, 1 << z]
                    share_out(b, Z, own, short_mw, r)
                else:
                    r[0] = short_mw
                mo, ho = P.month[t], P.hour[t]
                new_cell = touched[Z, mo, ho, 0] == 0.0
                if new_cell:
                    cells[n_cells, 0] = mo
                    cells[n_cells, 1] = ho
                    n_cells += 1
                for z in range(Z + 1):
                    mw = (short_mw if z == Z else r[z]) * to_mw
                    if mw <= 0.5 * to_mw:
                        continue
                    acc[z, HOURS] += 1.0
                    acc[z, ENERGY] += mw
                    touched[z, mo, ho, 0] += 1.0
                    touched[z, mo, ho, 1] += mw
                    if last_day[z] != d:
                        last_day[z] = d
                        acc[z, DAYS] += 1.0
                    if P.day_peak[scenario, z, d] == t:
                        acc[z, PEAK_DAYS] += 1.0
                    if last_short[z] != t - 1:
                        acc[z, EVENTS] += 1.0
                        ev_peak[z] = 0.0
                        if z == Z:
                            event_energy, event_start, event_hours = 0.0, t, 0
                    if mw > ev_peak[z]:
                        acc[z, DEPTH] += mw - ev_peak[z]
                        ev_peak[z] = mw
                    last_short[z] = t
                    if z == Z:
                        event_energy += mw
                        event_hours += 1
                        if event_energy > worst_energy:
                            worst_energy, worst_start, worst_hours = event_energy, event_start, event_hours
            for q in range(R):
                level[q] += net[q, d]

        if Q.on:
            weight = Q.cum[-1] / max(hits, 1)
        for z in range(Z + 1):
            for m in range(METRICS):
                x_f = acc[z, m]
                if x_f != 0.0:
                    sums[z, m] += weight * x_f
                    squares[z, m] += weight * weight * x_f * x_f
            w2 = weight * weight
            cross[z, 0] += w2 * acc[z, HOURS] * acc[z, EVENTS]
            cross[z, 1] += w2 * acc[z, ENERGY] * acc[z, EVENTS]
            cross[z, 2] += w2 * acc[z, DEPTH] * acc[z, EVENTS]
        for c in range(n_cells):
            mo, ho = cells[c, 0], cells[c, 1]
            for z in range(Z + 1):
                h1, e1 = touched[z, mo, ho, 0] * weight, touched[z, mo, ho, 1] * weight
                heat[z, mo, ho, 0] += h1
                heat[z, mo, ho, 1] += h1 * h1
                heat[z, mo, ho, 2] += e1
                heat[z, mo, ho, 3] += e1 * e1
                touched[z, mo, ho, 0] = 0.0
                touched[z, mo, ho, 1] = 0.0
        if worst_energy > 0.0:
            histogram(hist, 0, acc[Z, ENERGY], weight)
            histogram(hist, 1, worst_energy, weight)
            low_at = 0
            for m in range(1, KEEP):
                if top[m, 0] < top[low_at, 0]:
                    low_at = m
            if worst_energy > top[low_at, 0]:
                top[low_at, 0] = worst_energy
                top[low_at, 1] = i
                top[low_at, 2] = worst_start
                top[low_at, 3] = worst_hours
    return sums, squares, cross, heat, hist, top, opened, overflow
