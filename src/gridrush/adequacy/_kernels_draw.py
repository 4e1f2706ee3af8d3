# mypy: disable-error-code="no-untyped-def,assignment,arg-type"
"""Compiled: counter-based random numbers and the outages of one sample, written as events.

A draw is a hash of (seed, sample, component, count): no state is carried, so a sample is the same in any batch,
thread or order, and a component keeps its draws when others are added.
"""

from __future__ import annotations

import numba as nb
import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX1 = np.uint64(0xBF58476D1CE4E5B9)
MIX2 = np.uint64(0x94D049BB133111EB)
S30, S27, S31, S12, S52 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12), np.uint64(52)
ONE_BITS = np.uint64(0x3FF0000000000000)
FRACTION = np.uint64(0x000FFFFFFFFFFFFF)
INT_BITS = np.uint64(0x4330000000000000)
EXPONENT_SHIFT = 4503599627370496.0 + 1023.0
HALF_ULP = 2.0**-53
LN2 = 0.6931471805599453
SQRT2 = 1.4142135623730951

EV_HOUR, EV_ROW, EV_NEXT = 0, 1, 2


@nb.njit(inline="always")
def mix(z):
    """SplitMix64 finaliser (Steele, Lea and Flood 2014)."""
    z = (z ^ (z >> S30)) * MIX1
    z = (z ^ (z >> S27)) * MIX2
    return z ^ (z >> S31)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def fill_exponentials(key, counter, a, a_value, b, b_value, out):
    """Exponential draws of mean one into `out`, one per counter; a and a_value share memory, and so do b and b_value.

    -log(u) by exponent and mantissa, in loops that the compiler turns into vector code (no array is read through one
    name and written through the other in the same loop).
    """
    n = counter.size
    for i in range(n):
        a[i] = (mix(mix(key + counter[i]) + counter[i]) >> S12) | ONE_BITS
    for i in range(n):
        b_value[i] = a_value[i] - 1.0 + HALF_ULP
    for i in range(n):
        a[i] = (b[i] >> S52) | INT_BITS
    for i in range(n):
        b[i] = (b[i] & FRACTION) | ONE_BITS
    for i in range(n):
        m = b_value[i]
        e = a_value[i] - EXPONENT_SHIFT
        high = m > SQRT2
        m = 0.5 * m if high else m
        e = e + 1.0 if high else e
        s = (m - 1.0) / (m + 1.0)
        q = s * s
        p = 1.0 / 15.0
        p = p * q + 1.0 / 13.0
        p = p * q + 1.0 / 11.0
        p = p * q + 1.0 / 9.0
        p = p * q + 1.0 / 7.0
        p = p * q + 1.0 / 5.0
        p = p * q + 1.0 / 3.0
        p = p * q + 1.0
        out[i] = -(e * LN2 + 2.0 * s * p)


@nb.njit(inline="always")
def uniform(key, counter):
    """One uniform draw in [0, 1)."""
    return np.float64(mix(mix(key + counter) + counter) >> np.uint64(11)) * HALF_ULP


@nb.njit(cache=True, nogil=True)
def draw(k, base, end, id_, key, value):
    """Draw number k of a component: from the slots already filled, else computed now."""
    if base + k < end:
        return value[base + k]
    c = mix(id_ + np.uint64(k) * GOLDEN)
    u = uniform(key, c) + 0.5 * HALF_ULP
    return -np.log(u)


@nb.njit(inline="always")
def day_of(hour):
    """hour // 24 for 0 <= hour < 2^31, by a multiplication."""
    return (hour * np.int64(2863311531)) >> np.int64(36)


@nb.njit(inline="always")
def put(n, hour, row, word, off, ev, ev_word, head, net, rise):
    """Write one change of a row's loss into its day's list."""
    if n < ev_word.size:
        d = day_of(hour + off)
        ev[n, EV_HOUR] = hour
        ev[n, EV_ROW] = row
        ev[n, EV_NEXT] = head[d]
        ev_word[n] = word
        head[d] = n
        net[row, d] += word
        if word > 0:
            rise[row, d] += word
    return n + 1


@nb.njit(cache=True, nogil=True)
def lose(n, a, b, T, row, s0, s1, seg_hour, seg_word, off, ev, ev_word, head, net, rise):
    """Loss of a component over [a, b), following its capacity from segment to segment."""
    if a < 0:
        a = 0
    if b > T:
        b = T
    if a >= b:
        return n
    s = s0
    if s1 - s0 > 1:
        lo, hi = s0, s1
        while hi - lo > 1:
            mid = (lo + hi) // 2
            if seg_hour[mid] <= a:
                lo = mid
            else:
                hi = mid
        s = lo
    w = seg_word[s]
    if w != 0:
        n = put(n, a, row, w, off, ev, ev_word, head, net, rise)
    s += 1
    while s < s1 and seg_hour[s] < b:
        if seg_word[s] != w:
            n = put(n, seg_hour[s], row, seg_word[s] - w, off, ev, ev_word, head, net, rise)
            w = seg_word[s]
        s += 1
    if w != 0 and b < T:
        n = put(n, b, row, -w, off, ev, ev_word, head, net, rise)
    return n


@nb.njit(cache=True, nogil=True)
def lose_apart(n, a, b, T, row, s0, s1, seg_hour, seg_word, off, ev, ev_word, head, net, rise, common, c0, c1):
    """Loss over [a, b) less the intervals common[c0:c1], which another cause has already taken."""
    for c in range(c0, c1):
        if common[c, 1] <= a:
            continue
        if common[c, 0] >= b:
            break
        if common[c, 0] > a:
            n = lose(n, a, common[c, 0], T, row, s0, s1, seg_hour, seg_word, off, ev, ev_word, head, net, rise)
        a = common[c, 1]
        if a >= b:
            return n
    return lose(n, a, b, T, row, s0, s1, seg_hour, seg_word, off, ev, ev_word, head, net, rise)


@nb.njit(inline="always")
def up_until(t, e, scale, stress, row, T):
    """First hour after t in which the unit is down again; `stress` holds cumulated multipliers, (K, T + 1)."""
    if row < 0:
        x = e * scale
        return t + 1 + np.int64(x) if x < T else T
    goal = stress[row, min(t + 1, T)] + e * scale
    if stress[row, T] <= goal:
        return T
    lo, hi = t + 1, T
    while lo < hi:  # smallest h with stress[h + 1] > goal
        mid = (lo + hi) // 2
        if stress[row, mid + 1] > goal:
            hi = mid
        else:
            lo = mid + 1
    return lo


@nb.njit(cache=True, nogil=True)
def component_events(n, g, start, state, k, key, value, P, ev, ev_word, head, net, rise, common, c0, c1, record):
    """Events of component g over the horizon, given its state in hour `start`. record: append outages to `common`.

    Forward from `start`, and backward as well when start > 0: an hourly chain of up, down and derated states that
    meet only through "up" is reversible, so the past has the law of the future.
    """
    T = P.T
    base, end, id_ = P.slot[g], P.slot[g + 1], P.id[g]
    s0, s1, row, off = P.seg_ptr[g], P.seg_ptr[g + 1], P.row[g], P.off
    up, down, part, q, hz = P.scale_up[g], P.scale_down[g], P.scale_part[g], P.part_draw[g], P.stress_row[g]
    nc = c1
    kind = state
    b = start  # going back: hour b is known to be in state `kind`
    while b > 0:
        if kind == 0:
            x = draw(k, base, end, id_, key, value) * up
            k += 1
            if x >= b:
                break
            b -= np.int64(x)
            if b <= 0:
                break
            kind = 1
            if q > 0.0:
                if draw(k, base, end, id_, key, value) < q:
                    kind = 2
                k += 1
            b -= 1
            n = lose(
                n,
                b,
                b + 1,
                T,
                row,
                s0,
                s1,
                P.seg_hour,
                P.seg_part if kind == 2 else P.seg_full,
                off,
                ev,
                ev_word,
                head,
                net,
                rise,
            )
        else:
            x = draw(k, base, end, id_, key, value) * (part if kind == 2 else down)
            k += 1
            lo = b - np.int64(x) if x < b else np.int64(0)
            n = lose(
                n,
                lo,
                b,
                T,
                row,
                s0,
                s1,
                P.seg_hour,
                P.seg_part if kind == 2 else P.seg_full,
                off,
                ev,
                ev_word,
                head,
                net,
                rise,
            )
            b = lo - 1
            kind = 0
    kind = state
    a = start
    while a < T:
        if kind == 0:
            e = draw(k, base, end, id_, key, value)
            k += 1
            a = up_until(a, e, up, P.stress, hz, T)
            if a >= T:
                break
            kind = 1
            if q > 0.0:
                e = draw(k, base, end, id_, key, value)
                k += 1
                if e < q:
                    kind = 2
        e = draw(k, base, end, id_, key, value)
        k += 1
        x = e * (part if kind == 2 else down)
        b = a + 1 + np.int64(x) if x < T else np.int64(T)
        word = P.seg_part if kind == 2 else P.seg_full
        if record:
            if nc < common.shape[0]:
                common[nc, 0] = a
                common[nc, 1] = b
                nc += 1
        elif c1 > c0:
            n = lose_apart(n, a, b, T, row, s0, s1, P.seg_hour, word, off, ev, ev_word, head, net, rise, common, c0, c1)
        else:
            n = lose(n, a, b, T, row, s0, s1, P.seg_hour, word, off, ev, ev_word, head, net, rise)
        a = b
        kind = 0
    return n, nc


@nb.njit(cache=True, nogil=True, error_model="numpy")
def plain_events(
    n,
    who,
    start,
    state,
    T,
    off,
    slot,
    id_,
    up_scale,
    down_scale,
    start_full,
    seg_ptr,
    seg_hour,
    seg_full,
    row,
    key,
    value,
    ev,
    ev_word,
    head,
    net,
    rise,
):
    """Events of two-state components at constant rates: the common case, kept short.

    state: 1 down, 0 up, -1 to be drawn; other components of `who` are as in `component_events`.
    """
    room = ev_word.size
    for c in range(who.size):
        g = who[c]
        p, end, first = slot[g], slot[g + 1], slot[g]
        s0, s1, q = seg_ptr[g], seg_ptr[g + 1], row[g]
        w = seg_full[s0]
        many = s1 - s0 > 1
        up, down = up_scale[g], down_scale[g]
        kind = np.int64(state[g])
        if kind < 0:
            kind = np.int64(value[p] < start_full[g])
        p += 1
        a = start
        if start > 0:
            b = start
            lo = start
            if kind == 1:
                x = (value[p] if p < end else draw(p - first, first, end, id_[g], key, value)) * down
                p += 1
                lo = start - np.int64(x) if x < start else np.int64(0)
                a = lo  # written with its future below
                b = lo - 1
            while b > 0:
                x = (value[p] if p < end else draw(p - first, first, end, id_[g], key, value)) * up
                p += 1
                if x >= b:
                    break
                b -= np.int64(x)
                if b <= 0:
                    break
                x = (value[p] if p < end else draw(p - first, first, end, id_[g], key, value)) * down
                p += 1
                z = b - 1 - np.int64(x) if x < b - 1 else np.int64(0)
                if n + 2 > room:
                    n += 2
                    continue
                if many:
                    n = lose(n, z, b, T, q, s0, s1, seg_hour, seg_full, off, ev, ev_word, head, net, rise)
                else:
                    n = pair(n, z, b, q, w, off, ev, ev_word, head, net, rise)
                b = z - 1
        t = start
        if kind == 0:
            x = (value[p] if p < end else draw(p - first, first, end, id_[g], key, value)) * up
            p += 1
            t = start + 1 + np.int64(x) if x < T else T
            a = t
        while t < T:
            x = (value[p] if p < end else draw(p - first, first, end, id_[g], key, value)) * down
            p += 1
            z = t + 1 + np.int64(x) if x < T else T
            if n + 2 > room:
                n += 2
            elif many:
                n = lose(n, a, z, T, q, s0, s1, seg_hour, seg_full, off, ev, ev_word, head, net, rise)
            elif z >= T:
                d = day_of(a + off)
                ev[n, 0] = a
                ev[n, 1] = q
                ev[n, 2] = head[d]
                ev_word[n] = w
                head[d] = n
                net[q, d] += w
                rise[q, d] += w
                n += 1
                break
            else:
                n = pair(n, a, z, q, w, off, ev, ev_word, head, net, rise)
            if z >= T:
                break
            x = (value[p] if p < end else draw(p - first, first, end, id_[g], key, value)) * up
            p += 1
            t = z + 1 + np.int64(x) if x < T else T
            a = t
    return n


@nb.njit(inline="always")
def pair(n, a, z, q, w, off, ev, ev_word, head, net, rise):
    """Loss w of row q from hour a to hour z, both within the horizon."""
    d = day_of(a + off)
    ev[n, 0] = a
    ev[n, 1] = q
    ev[n, 2] = head[d]
    ev_word[n] = w
    head[d] = n
    net[q, d] += w
    rise[q, d] += w
    n += 1
    d = day_of(z + off)
    ev[n, 0] = z
    ev[n, 1] = q
    ev[n, 2] = head[d]
    ev_word[n] = -w
    head[d] = n
    net[q, d] -= w
    return n + 1
