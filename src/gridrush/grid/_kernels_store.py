# mypy: disable-error-code="no-untyped-def,assignment"
"""The best schedule of one store against the response of everything else.

The response of an hour is a short list of prices and the surplus the rest offers to the store's zone at each (see
`_kernels.response`). For a worth of stored energy the store sells where the price would be above worth / discharge
efficiency and buys where it would be below worth * charge efficiency. The worth stays the same until the store is full
(then it may rise) or empty (then it may fall): each stretch is found by bisection on a list of worths, and within it
the levels that can be reached are an interval carried forward and walked back from its end.
"""

from __future__ import annotations

import numpy as np

from gridrush._jit import kernel

BLOCK = 4
"""Bins are passed over by blocks of 2 to this power."""
LAST = (1 << BLOCK) - 1


@kernel
def gains(begin, place, offered, draw, step, moved, most_in, most_out, eff_in, eff_out, steps, least, start, row, more):
    """What the store does in each hour as its energy is worth more: least (T,) change of stored energy [MWh] when it is
    worth nothing, and in entries start[t] to start[t + 1] how much `more` it is past each step: row p (`steps` + p)
    where it no longer sells (begins to buy) at step p."""
    k = 0
    for t in range(begin.size - 1):
        start[t] = k
        x = -draw + moved[t]
        sold, bought = min(max(-x, 0.0), most_out), min(max(x, 0.0), most_in)
        least[t] = bought * eff_in - sold / eff_out
        for i in range(begin[t], begin[t + 1]):
            x, p = offered[i] + moved[t], step[place[i]]
            s, b = min(max(-x, 0.0), most_out), min(max(x, 0.0), most_in)
            if s < sold:
                if p == 0:  # free: not sold for
                    least[t] += (sold - s) / eff_out
                else:
                    row[k], more[k] = p, (sold - s) / eff_out
                    k += 1
            if b > bought:
                row[k], more[k] = steps + p, (b - bought) * eff_in
                k += 1
            sold, bought = s, b
    start[begin.size - 1] = k


@kernel
def schedule(least, start, row, more, bins, share, since, until, size, first, last, level, worth):
    """Level at the end of each hour (T,) and the bin of the worth of stored energy in it (T,).

    share (R, most + 1): of the change of each row, what happens before bin since[R] and those after it; all of it has
    happened before bin until[R]. first, last: level before the first hour and after the last.

    The least cost of holding an amount of energy is convex and made of pieces of one slope each, so how much energy
    has which slope (a length for each bin) is all that is known of it. An hour adds its pieces and shifts the ends;
    what would be less than nothing or more than the store holds is cut off at the cheap or the dear end. Walking back,
    the worth stays as it is unless it lies outside what was cut off; then the levels that can be reached at these
    worths are an interval carried forward between changes, and the way back keeps to its middle.
    """
    T, B, most = level.size, bins, share.shape[1] - 1
    length, lo, hi = np.zeros(B + most), B, -1  # bins without length outside lo to hi
    held = np.zeros((B + most >> BLOCK) + 2, np.bool_)  # blocks of bins that may have some with length
    gain = np.empty((share.shape[0], most))
    for r in range(share.shape[0]):
        for i in range(most):
            gain[r, i] = share[r, i + 1] - share[r, i]
    bottom, top = first, first
    floor, roof = np.empty(T, np.int64), np.empty(T, np.int64)
    for t in range(T):
        bottom += least[t]
        top += least[t]
        for j in range(start[t], start[t + 1]):
            k = np.uint64(j)
            r, x = np.uint64(row[k]), more[k]
            top += x
            a, b = since[r], until[r] - 1
            lo, hi = min(lo, a), max(hi, b)
            held[np.uint64(a >> BLOCK)], held[np.uint64(b >> BLOCK)] = True, True
            at = np.uint64(a)
            if most == 1:
                length[at] += x
                continue
            for i in range(most):
                length[at + np.uint64(i)] += x * gain[r, np.uint64(i)]
        floor[t], roof[t] = -1, B
        if t == T - 1:
            break
        while bottom < 0.0 and lo <= hi:
            i = np.uint64(lo)
            x = length[i]
            floor[t] = lo if x > 0.0 else floor[t]
            if bottom + x > 0.0:
                length[i] = bottom + x
                bottom = 0.0
                break
            length[i] = 0.0
            bottom += x
            lo += 1
            if lo & LAST == 0:  # nothing below has length
                held[np.uint64(lo >> BLOCK) - np.uint64(1)] = False
                while lo <= hi and not held[np.uint64(lo >> BLOCK)]:
                    lo += LAST + 1
        while top > size and lo <= hi:
            i = np.uint64(hi)
            x = length[i]
            roof[t] = hi if x > 0.0 else roof[t]
            if top - x < size:
                length[i] = x - (top - size)
                top = size
                break
            length[i] = 0.0
            top -= x
            hi -= 1
            if hi & LAST == LAST:
                held[np.uint64(hi + 1 >> BLOCK)] = False
                while hi >= lo and not held[np.uint64(hi >> BLOCK)]:
                    hi -= LAST + 1
        if lo > hi:
            lo, hi = B, -1
        bottom, top = min(max(bottom, 0.0), size), max(min(top, size), 0.0)
    now = max(hi, 0)
    for b in range(lo, hi + 1):
        bottom += length[b]
        if bottom >= last:
            now = b
            break
    low, high, less, much = np.empty(T + 1), np.empty(T + 1), np.empty(T), np.empty(T)
    for t in range(T - 1, -1, -1):
        now = min(max(now, floor[t]), roof[t])
        worth[t] = now
        x, y = least[t], least[t]
        for j in range(start[t], start[t + 1]):
            k = np.uint64(j)
            r = np.uint64(row[k])
            i = now - since[r]
            x += more[k] * share[r, np.uint64(min(max(i, 0), most))]
            y += more[k] * share[r, np.uint64(min(max(i + 1, 0), most))]
        less[t], much[t] = x, y
    low[0], high[0] = first, first
    for t in range(T):
        low[t + 1] = min(max(low[t] + less[t], 0.0), size)
        high[t + 1] = max(min(high[t] + much[t], size), 0.0)
        if t < T - 1 and worth[t] != worth[t + 1]:
            low[t + 1] = 0.0 if worth[t] > worth[t + 1] else size
            high[t + 1] = low[t + 1]
    e = last
    for t in range(T - 1, -1, -1):
        level[t] = e
        least_before, most_before = max(low[t], e - much[t]), min(high[t], e - less[t])
        e = min(max(e - 0.5 * (less[t] + much[t]), least_before), max(most_before, least_before))


@kernel
def moves(stored, which, first, eff_in, eff_out, most_in, most_out, charge, discharge):
    """Fill what some stores take from the zone and give to it: charge, discharge (T, J), of what is stored (T, J) in
    stores which (N,), and was, first (N,), before the first hour."""
    for i in range(which.size):
        j, before = np.uint64(which[i]), first[i]
        for t in range(stored.shape[0]):
            gain = stored[t, j] - before
            before = stored[t, j]
            charge[t, j] = min(max(gain / eff_in[j], 0.0), most_in[j])
            discharge[t, j] = min(max(-gain * eff_out[j], 0.0), most_out[j])
