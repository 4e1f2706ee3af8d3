# mypy: disable-error-code="no-untyped-def,assignment,arg-type"
"""Compiled: outages of components that are more than two states at constant rates.

Partial outages, hourly failure rates, common causes and the units they take. Compiled only for systems that have them.
"""

from __future__ import annotations

import numpy as np

from gridrush._jit import small_kernel
from gridrush.adequacy._kernels_draw import draw, lose


@small_kernel
def up_until(t, x, stress, row, T):
    """First hour after t in which the unit is down again; `stress` holds cumulated multipliers, (K, T + 1)."""
    if row < 0:
        return t + 1 + np.int64(x) if x < T else T
    goal = stress[row, min(t + 1, T)] + x
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


@small_kernel
def other_events(
    n, who, comp, start, state, T, off, seg_hour, seg_full, seg_part, stress, common, c_ptr, key, value,
    ev, ev_word, head, net, rise,
):  # fmt: skip
    """Events of the components `who`; arguments as in `plain_events`.

    Forward from `start`, and backward as well when start > 0: an hourly chain of up, down and derated states that
    meet only through "up" is reversible. A common cause (they come first) only leaves its outages in `common`; its
    units lose their capacity over those, and over their own outages what those have left.
    """
    nc = 0
    for j in range(c_ptr.shape[0]):
        c_ptr[j, 0], c_ptr[j, 1] = 0, 0
    for i in range(who.size):
        g = who[i]
        c = comp[g]
        p = c.slot
        first = np.int64(-1)
        if state is not None:
            first = np.int64(state[g])
        if first < 0:
            e = draw(p, c, key, value)
            first = 1 if e < c.start_full else 2 if e < c.start_any else 0
        p += 1
        o, o_end = np.int64(0), np.int64(0)  # outages of the common cause
        if c.common_of >= 0:
            o, o_end = c_ptr[c.common_of, 0], c_ptr[c.common_of, 1]
        for m in range(o, o_end):
            n = lose(n, common[m, 0], common[m, 1], T, c, seg_hour, seg_full, off, ev, ev_word, head, net, rise)
        kind = first
        b = start  # going back: hour b is known to be in state `kind`
        while b > 0:
            hi = b
            if kind == 0:
                x = draw(p, c, key, value) * c.scale_up
                p += 1
                if x >= b:
                    break
                b -= np.int64(x)
                if b <= 0:
                    break
                kind = 1
                if c.part_draw > 0.0:
                    if draw(p, c, key, value) < c.part_draw:
                        kind = 2
                    p += 1
                hi = b
                b -= 1
            lo = b
            if b > 0:
                x = draw(p, c, key, value) * (c.scale_part if kind == 2 else c.scale_down)
                p += 1
                lo = b - np.int64(x) if x < b else np.int64(0)
            word = seg_part if kind == 2 else seg_full
            n = lose(n, lo, hi, T, c, seg_hour, word, off, ev, ev_word, head, net, rise)
            b = lo - 1
            kind = 0
        if c.is_common >= 0:
            c_ptr[c.is_common, 0] = nc
        kind = first
        a = start
        while a < T:
            if kind == 0:
                e = draw(p, c, key, value)
                p += 1
                a = up_until(a, e * c.scale_up, stress, c.stress_row, T)
                if a >= T:
                    break
                kind = 1
                if c.part_draw > 0.0:
                    e = draw(p, c, key, value)
                    p += 1
                    if e < c.part_draw:
                        kind = 2
            e = draw(p, c, key, value)
            p += 1
            x = e * (c.scale_part if kind == 2 else c.scale_down)
            b = a + 1 + np.int64(x) if x < T else np.int64(T)
            word = seg_part if kind == 2 else seg_full
            if c.is_common >= 0:
                if nc < common.shape[0]:
                    common[nc, 0] = a
                    common[nc, 1] = b
                    nc += 1
            else:
                m = o
                while a < b:  # what the common cause has left of [a, b)
                    while m < o_end and common[m, 1] <= a:
                        m += 1
                    end, then = b, b
                    if m < o_end and common[m, 0] < b:
                        end, then = common[m, 0], common[m, 1]
                    n = lose(n, a, end, T, c, seg_hour, word, off, ev, ev_word, head, net, rise)
                    a = then
            a = b
            kind = 0
        if c.is_common >= 0:
            c_ptr[c.is_common, 1] = nc
    return n
