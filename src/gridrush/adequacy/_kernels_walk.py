# mypy: disable-error-code="no-untyped-def,assignment,arg-type"
"""Compiled: one batch of sample years, from outages to the sums the metrics are made of.

Losses are integers, so sums do not depend on their order. A day whose largest possible loss leaves every cut of the
network with a margin is never opened. An opened hour is checked against every cut; only hours that fall short, or
find a store that is not full, are dispatched.

Letters: S subsets of zones (bit masks, S = 2^Z), K the subsets that can bind, R rows of loss (zones, links that fail
up to Y, stores that fail), J stores, H contracts, N scenarios. `Q` (importance tables), `other` (components of
`other_events`) are None where they are not used, and what they need is not compiled then.
"""

from __future__ import annotations

import numpy as np

from gridrush._jit import small_kernel
from gridrush.adequacy._kernels_anchor import COARSE, FINE_MASK, draw_anchor
from gridrush.adequacy._kernels_cuts import histogram, lend, run_stores, share_out, subset_sums
from gridrush.adequacy._kernels_draw import fill_exponentials, mix, plain_events, uniform
from gridrush.adequacy._kernels_other import other_events

HOURS, ENERGY, EVENTS, DAYS, PEAK_DAYS, DEPTH, CUT_HOURS, CUT_ENERGY, CALL_HOURS, CALL_ENERGY = range(10)
METRICS = 10
SAMPLE_WORD, SCENARIO_WORD = np.uint64(0x632BE59BD9B4E019), np.uint64(7)
KEEP = 10


@small_kernel
def next_open(d, Z, Y, scenario, shift, level, net, rise, least, limit, cut, link_word, all_links, bound, sub):
    """First day from d on whose largest possible loss may exceed a cut; carries `level` to its start. D if none."""
    R, D = net.shape
    K = cut.size
    if R == 1 and K == 1:
        now = level[0]
        while d < D:
            if (now + rise[0, d]) >> shift > least[scenario, d]:
                break
            now += net[0, d]
            d += 1
        level[0] = now
        return d
    while d < D:
        total = np.int64(0)
        links_down = False
        for q in range(Y):
            bound[q] = level[q] + rise[q, d]
            if q < Z:
                total += max(bound[q], 0)
            else:
                links_down |= bound[q] > 0
        if links_down:
            total += all_links
        if total >> shift > least[scenario, d]:
            subset_sums(bound, Z, sub)
            for k in range(K):
                x = sub[cut[k]]
                if links_down:
                    for q in range(Z, Y):
                        if bound[q] > 0:
                            x += link_word[q - Z, k]
                if x >> shift > limit[scenario, d, k]:
                    return d
        for q in range(R):
            level[q] += net[q, d]
        d += 1
    return d


@small_kernel
def run_batch(
    seed_key, first, count, Z, Y, T, off, to_mw, interruptible, all_links, scenario_cum, cut, limit, day_limit,
    day_least, day_peak, surplus, flexible, clock, cut_capacity, link_word, link_loss, draws, comp, plain, counter,
    seg_hour, seg_full, seg_part, store, contract, contract_mw, ev, ev_word, value, bits, ints, flat, head, net, rise,
    delta, touched, cells, acc, sums, squares, cross, heat, hist, top, other, stress, common, c_ptr, Q, state,
):  # fmt: skip
    """Simulate samples first..first+count; fields are those of `KernelPlan`, work space is made by `run` (batch.py).

    Adds to sums, squares, cross, heat, hist and top. -> days opened, events that found no room (0: none)
    """
    R, D = net.shape
    nS = 1 << Z
    K = cut.size
    J, H = store.size, contract.size
    N = surplus.shape[0]
    shift, mask = np.int64(0), np.int64(-1)
    if Q is not None:
        shift, mask = COARSE, FINE_MASK
    opened = 0
    overflow = 0
    # rows of the integer and of the float work space
    level, bound, now, sub, last_short, last_day, order, last_call = (
        ints[0], ints[1], ints[2], ints[3], ints[4], ints[5], ints[6], ints[7],
    )  # fmt: skip
    b, x_zone, x_sub, own, r, ev_peak, energy, budget, hours_left, calls_left = (
        flat[0], flat[1], flat[2], flat[3], flat[4], flat[5], flat[6], flat[7], flat[8], flat[9],
    )  # fmt: skip

    for i in range(first, first + count):
        key = mix(seed_key + mix(np.uint64(i) + SAMPLE_WORD))
        fill_exponentials(key, counter, bits[0], value[0], bits[1], value[1], value[2])
        for d in range(D):
            head[d] = -1
        for q in range(R):
            for d in range(D):
                net[q, d] = 0
                rise[q, d] = 0
            level[q] = 0
        start = 0
        scenario = 0
        if N > 1:
            u = uniform(key, SCENARIO_WORD)
            while scenario < N - 1 and u >= scenario_cum[scenario]:
                scenario += 1
        if Q is not None:
            for c in range(state.size):
                state[c] = -1
            scenario, start = draw_anchor(Q, comp, limit, Q.weights, key, state)
        n = plain_events(
            0, plain, comp, start, state, T, off, seg_hour, seg_full, key, value[2], ev, ev_word, head, net, rise
        )
        if other is not None:
            n = other_events(
                n, other, comp, start, state, T, off, seg_hour, seg_full, seg_part, stress, common, c_ptr, key,
                value[2], ev, ev_word, head, net, rise,
            )  # fmt: skip
        if n > ev_word.size:
            overflow = max(overflow, n)
            continue

        # the year
        if draws.shape[0] > 0:
            m = np.int64(uniform(key, np.uint64(13)) * draws.shape[0])
            for z in range(Z):
                level[z] = draws[m, z]
        for z in range(Z + 1):
            last_short[z] = -5
            last_day[z] = -1
            for m in range(METRICS):
                acc[z, m] = 0.0
        not_full = False
        for j in range(J):
            energy[j] = store[j].start
            order[j] = j
            not_full |= energy[j] < store[j].energy
        for h in range(H):
            budget[h] = contract[h].energy
            hours_left[h] = contract[h].hours
            calls_left[h] = contract[h].calls
            last_call[h] = -5
        n_cells = 0
        hits = 0
        worst_energy, worst_start, worst_hours = 0.0, 0, 0
        event_energy, event_start, event_hours = 0.0, 0, 0
        d = -1
        while d + 1 < D:
            d += 1
            if not not_full:
                d = next_open(
                    d, Z, Y, scenario, shift, level, net, rise, day_least, day_limit, cut, link_word, all_links, bound,
                    sub,
                )  # fmt: skip
                if d >= D:
                    break
            opened += 1
            t0 = max(d * 24 - off, 0)
            m = head[d]
            while m >= 0:
                delta[ev[m, 0] - t0, ev[m, 1]] += ev_word[m]
                m = ev[m, 2]
            for q in range(R):
                now[q] = level[q]
            for t in range(t0, min(d * 24 - off + 24, T)):
                down_links = False
                for q in range(R):
                    now[q] += delta[t - t0, q]
                    delta[t - t0, q] = 0
                    if Z <= q < Y:
                        down_links |= now[q] > 0
                subset_sums(now, Z, sub)
                short = False
                for k in range(K):
                    x = sub[cut[k]]
                    if down_links:
                        for q in range(Z, Y):
                            if now[q] > 0:
                                x += link_word[q - Z, k]
                    if Q is not None:
                        hits += (x >> COARSE) > (limit[scenario, k, t] >> COARSE)
                        short |= (x & FINE_MASK) > Q.fine_limit[scenario, k, t]
                    else:
                        short |= x > limit[scenario, k, t]
                if not (short or not_full):
                    continue
                # cuts of the hour: need of each subset less what can flow into it
                for z in range(Z):
                    x_zone[z] = np.float64(now[z] & mask) - surplus[scenario, z, t]
                subset_sums(x_zone, Z, b)
                pat = clock[t, 0]
                short_mw = 0.0
                for s in range(1, nS):
                    b[s] -= cut_capacity[pat, s]
                    if down_links:
                        for q in range(Z, Y):
                            if now[q] > 0:
                                b[s] += link_loss[q - Z, pat, s]
                    if b[s] > short_mw:
                        short_mw = b[s]
                if J > 0:
                    short_mw, not_full = run_stores(J, store, now, energy, order, b, nS, short_mw)
                if short_mw > 0.5 and H > 0:
                    called = 0.0
                    for h in range(H):
                        fresh = last_call[h] != t - 1
                        if budget[h] <= 0.0 or hours_left[h] < 1.0 or (fresh and calls_left[h] < 1.0):
                            continue
                        z = contract[h].zone
                        left = lend(b, nS, z, min(contract_mw[h, t], budget[h]), short_mw)
                        if left < short_mw:
                            used = short_mw - left
                            budget[h] -= used
                            hours_left[h] -= 1.0
                            if fresh:
                                calls_left[h] -= 1.0
                            last_call[h] = t
                            called += used
                            acc[z, CALL_HOURS] += 1.0
                            acc[z, CALL_ENERGY] += used * to_mw
                            short_mw = left
                            if short_mw <= 0.5:
                                break
                    if called > 0.0:
                        acc[Z, CALL_HOURS] += 1.0
                        acc[Z, CALL_ENERGY] += called * to_mw
                if interruptible:
                    for z in range(Z):
                        x_zone[z] = flexible[scenario, z, t]
                    subset_sums(x_zone, Z, x_sub)
                    both = 0.0
                    for s in range(1, nS):
                        both = max(both, b[s] + x_sub[s])
                    if both - short_mw > 0.5:
                        acc[Z, CUT_HOURS] += 1.0
                        acc[Z, CUT_ENERGY] += (both - short_mw) * to_mw
                if short_mw <= 0.5:
                    continue
                r[0] = short_mw
                if Z > 1:
                    for z in range(Z):
                        own[z] = b[1 << z] + cut_capacity[pat, 1 << z]
                        if down_links:
                            for q in range(Z, Y):
                                if now[q] > 0:
                                    own[z] -= link_loss[q - Z, pat, 1 << z]
                    share_out(b, Z, own, short_mw, r)
                r[Z] = short_mw
                cell = clock[t, 1]
                if touched[Z, cell, 0] == 0.0:
                    cells[n_cells] = cell
                    n_cells += 1
                for z in range(Z + 1):
                    mw = r[z] * to_mw
                    if mw <= 0.5 * to_mw:
                        continue
                    acc[z, HOURS] += 1.0
                    acc[z, ENERGY] += mw
                    touched[z, cell, 0] += 1.0
                    touched[z, cell, 1] += mw
                    if last_day[z] != d:
                        last_day[z] = d
                        acc[z, DAYS] += 1.0
                    if day_peak[scenario, z, d] == t:
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
                event_energy += r[Z] * to_mw
                event_hours += 1
                if event_energy > worst_energy:
                    worst_energy, worst_start, worst_hours = event_energy, event_start, event_hours
            for q in range(R):
                level[q] += net[q, d]

        weight = 1.0
        if Q is not None:
            weight = Q.cum[Q.cum.size - 1] / max(hits, 1)
        w2 = weight * weight
        for z in range(Z + 1):
            for m in range(METRICS):
                if acc[z, m] != 0.0:
                    sums[z, m] += weight * acc[z, m]
                    squares[z, m] += w2 * acc[z, m] * acc[z, m]
            cross[z, 0] += w2 * acc[z, HOURS] * acc[z, EVENTS]
            cross[z, 1] += w2 * acc[z, ENERGY] * acc[z, EVENTS]
            cross[z, 2] += w2 * acc[z, DEPTH] * acc[z, EVENTS]
            for m in range(n_cells):
                cell = cells[m]
                for v in range(2):
                    x_f = touched[z, cell, v] * weight
                    heat[z, cell, 2 * v] += x_f
                    heat[z, cell, 2 * v + 1] += x_f * x_f
                    touched[z, cell, v] = 0.0
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
    return opened, overflow
