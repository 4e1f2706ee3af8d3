# mypy: disable-error-code="no-untyped-def,assignment,arg-type"
"""Compiled: counter-based random numbers and the outages of one sample, written as events.

A draw is a hash of (seed, sample, component, count): no state is carried, so a sample is the same in any batch,
thread or order, and a component keeps its draws when others are added.

Components are records (fields: `COMPONENT` in plan.py); so one argument holds what is known of them, and few arguments
are what keeps compilation short.
"""

from __future__ import annotations

import numpy as np

from gridrush._jit import small_kernel

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


@small_kernel
def mix(z):
    """SplitMix64 finaliser (Steele, Lea and Flood 2014)."""
    z = (z ^ (z >> S30)) * MIX1
    z = (z ^ (z >> S27)) * MIX2
    return z ^ (z >> S31)


@small_kernel
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


@small_kernel
def uniform(key, counter):
    """One uniform draw in [0, 1)."""
    return np.float64(mix(mix(key + counter) + counter) >> np.uint64(11)) * HALF_ULP


@small_kernel
def draw(p, c, key, value):
    """Draw at slot p of component c: from the slots already filled, else computed now."""
    if p < c.slot_end:
        return value[p]
    u = uniform(key, mix(c.id + np.uint64(p - c.slot) * GOLDEN)) + 0.5 * HALF_ULP
    return -np.log(u)


@small_kernel
def put(n, hour, row, word, off, ev, ev_word, head, net, rise):
    """Write one change of a row's loss into its day's list."""
    if n < ev_word.size:
        d = ((hour + off) * np.int64(2863311531)) >> np.int64(36)  # hour // 24 below 2^31, by a multiplication
        ev[n, 0] = hour
        ev[n, 1] = row
        ev[n, 2] = head[d]
        ev_word[n] = word
        head[d] = n
        net[row, d] += word
        if word > 0:
            rise[row, d] += word
    return n + 1


@small_kernel
def lose(n, a, b, T, c, seg_hour, seg_word, off, ev, ev_word, head, net, rise):
    """Loss of component c over [a, b), following its capacity from segment to segment."""
    if a < 0:
        a = 0
    if b > T:
        b = T
    s, end = c.seg, c.seg_end
    if end - s > 1:
        hi = end
        while hi - s > 1:
            mid = (s + hi) // 2
            if seg_hour[mid] <= a:
                s = mid
            else:
                hi = mid
    w = np.int64(0)
    while a < b:
        v = np.int64(0)
        if s < end:
            v = seg_word[s]
            s += 1
        if v != w:
            n = put(n, a, c.row, v - w, off, ev, ev_word, head, net, rise)
            w = v
        a = b
        if s < end and seg_hour[s] < b:
            a = seg_hour[s]
    if w != 0 and b < T:
        n = put(n, b, c.row, -w, off, ev, ev_word, head, net, rise)
    return n


@small_kernel
def plain_events(n, who, comp, start, state, T, off, seg_hour, seg_full, key, value, ev, ev_word, head, net, rise):
    """Events of two-state components at constant rates: the common case, kept short.

    start, state: hour and states (1 down, 0 up, -1 to be drawn) a sample is known in; `state` None: hour 0, all drawn.
    An hourly chain of two states is reversible, so the past of `start` is drawn like its future.
    """
    room = ev_word.size
    for i in range(who.size):
        g = who[i]
        c = comp[g]
        p = c.slot
        up, down = c.scale_up, c.scale_down
        s, q = c.seg, c.row
        w = seg_full[s]
        change = seg_hour[s + 1] if s + 1 < c.seg_end else T  # first hour of the next segment
        if state is None:
            kind = np.int64(value[p] < c.start_full)
        else:
            kind = np.int64(state[g])
            if kind < 0:
                kind = np.int64(value[p] < c.start_full)
        p += 1
        a, t = start, start  # the outage under way began at a, and is known to last to t
        if state is not None:  # noqa: SIM102 (numba prunes a branch on None alone)
            if start > 0:
                b = start
                if kind == 1:
                    x = draw(p, c, key, value) * down
                    p += 1
                    a = start - np.int64(x) if x < start else np.int64(0)  # written with its future below
                    b = a - 1
                while b > 0:
                    x = draw(p, c, key, value) * up
                    p += 1
                    if x >= b:
                        break
                    b -= np.int64(x)
                    if b <= 0:
                        break
                    x = draw(p, c, key, value) * down
                    p += 1
                    z = b - 1 - np.int64(x) if x < b - 1 else np.int64(0)
                    if n + 2 > room:
                        n += 2
                        continue
                    n = lose(n, z, b, T, c, seg_hour, seg_full, off, ev, ev_word, head, net, rise)
                    b = z - 1
        if kind == 0:
            x = draw(p, c, key, value) * up
            p += 1
            t = start + 1 + np.int64(x) if x < T else T
            a = t
        while t < T:
            x = draw(p, c, key, value) * down
            p += 1
            z = t + 1 + np.int64(x) if x < T else T
            while change <= a:
                s += 1
                w = seg_full[s]
                change = seg_hour[s + 1] if s + 1 < c.seg_end else T
            if n + 2 > room:
                n += 2
            elif change < z:
                n = lose(n, a, z, T, c, seg_hour, seg_full, off, ev, ev_word, head, net, rise)
            elif w != 0:
                t, v = a, w
                for side in range(2):  # as `lose` does, within one segment
                    d = ((t + off) * np.int64(2863311531)) >> np.int64(36)
                    ev[n, 0] = t
                    ev[n, 1] = q
                    ev[n, 2] = head[d]
                    ev_word[n] = v
                    head[d] = n
                    net[q, d] += v
                    if side == 0:
                        rise[q, d] += v
                    n += 1
                    if z >= T:
                        break
                    t, v = z, -w
            if z >= T:
                break
            x = draw(p, c, key, value) * up
            p += 1
            t = z + 1 + np.int64(x) if x < T else T
            a = t
    return n
