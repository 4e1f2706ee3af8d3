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


@nb.njit(cache=True, nogil=True)
def fill_exponentials(key, counter, bits, value, part, part_value):
    """Exponential draws of mean one into `value`, one per counter. bits and value share memory, so do part and its twin."""
    n = counter.size
    for i in range(n):
        bits[i] = (mix(mix(key + counter[i]) + counter[i]) >> S12) | ONE_BITS
    for i in range(n):
        value[i] = value[i] - 1.0 + HALF_ULP
    for i in range(n):
        part[i] = (bits[i] >> S52) | INT_BITS
        bits[i] = (bits[i] & FRACTION) | ONE_BITS
    for i in range(n):
        m = value[i]
        e = part_value[i] - EXPONENT_SHIFT
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
        value[i] = -(e * LN2 + 2.0 * s * p)


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
def put(n, hour, row, word, off, ev, ev_word, head, net, rise):
    """Write one change of a row's loss into its day's list."""
    if n < ev_word.size:
        d = (hour + off) // 24
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
            n = lose(n, b, b + 1, T, row, s0, s1, P.seg_hour, P.seg_part if kind == 2 else P.seg_full,
                     off, ev, ev_word, head, net, rise)
        else:
            x = draw(k, base, end, id_, key, value) * (part if kind == 2 else down)
            k += 1
            lo = b - np.int64(x) if x < b else np.int64(0)
            n = lose(n, lo, b, T, row, s0, s1, P.seg_hour, P.seg_part if kind == 2 else P.seg_full,
                     off, ev, ev_word, head, net, rise)
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
