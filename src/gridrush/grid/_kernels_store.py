# mypy: disable-error-code="no-untyped-def"
"""The best schedule of one store against the response of everything else.

The response of an hour is a short list of prices and the surplus the rest offers to the store's zone at each (see
`_kernels.response`). For a worth of stored energy the store sells where the price would be above worth / discharge
efficiency and buys where it would be below worth * charge efficiency. The worth stays the same until the store is full
(then it may rise) or empty (then it may fall): each stretch is found by bisection on a list of worths, and within it
the levels that can be reached are an interval carried forward and walked back from its end.
"""

from __future__ import annotations

import numba as nb
import numpy as np

SLACK_MWH = 1e-7


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def drawn(first, last, price, begin, at_price, offered, draw, room):
    """Energy that a plant with `room` (T,) [MW] sells in hours first to last at a price. [MWh]"""
    total = 0.0
    for t in range(first, last):
        x = -draw
        for i in range(begin[t], begin[t + 1]):
            if price <= at_price[i]:
                break
            x = offered[i]
        total += min(max(-x, 0.0), room[t])
    return total


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def gains(
    begin, at_price, offered, draw, spread, moved, most_in, most_out, eff_in, eff_out, start, first, last, after
):
    """What the store does in each hour as its energy is worth more: knots start[t] to start[t + 1], where the change
    of stored energy [MWh] moves from that of the knot before (full discharge at the first) to `after` as the worth
    goes from `first` to `last`; a step is spread over a share of its price to both sides."""
    k = 0
    for t in range(begin.size - 1):
        start[t] = k
        x = -draw + moved[t]
        sold, bought = min(max(-x, 0.0), most_out), min(max(x, 0.0), most_in)
        if sold < most_out:  # less than full discharge whatever the worth
            first[k], last[k], after[k] = -1.0, -1.0, bought * eff_in - sold / eff_out
            k += 1
        for i in range(begin[t], begin[t + 1]):
            p, x = at_price[i], offered[i] + moved[t]
            s, b = min(max(-x, 0.0), most_out), min(max(x, 0.0), most_in)
            if s < sold:
                first[k], last[k] = p * (1.0 - spread) * eff_out, p * (1.0 + spread) * eff_out
                after[k] = -s / eff_out
                k += 1
            if b > bought:
                first[k], last[k] = p * (1.0 - spread) / eff_in, p * (1.0 + spread) / eff_in
                after[k] = b * eff_in
                k += 1
            sold, bought = s, b
    start[begin.size - 1] = k


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def gain(t, worth, start, first, last, after, full):
    """Change of stored energy in hour t at a worth. [MWh]"""
    x = full
    for k in range(start[t], start[t + 1]):
        if worth >= last[k]:
            x = after[k]
        elif worth <= first[k]:
            break
        else:
            x += (worth - first[k]) / (last[k] - first[k]) * (after[k] - x)
    return x


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def schedule(
    worths, begin, at_price, offered, draw, spread, moved, most_in, most_out, eff_in, eff_out, size, first, level,
    interval,
):
    """Level at the end of each hour (T,) and the place in the list of worths in force (T,).

    worths (C,): rising, none at a step; moved (T,): net power that the other stores of the zone put in; first: level
    before the first hour and after the last.
    """
    T, C = level.size, worths.size
    low, high, less, more = np.empty(T + 1), np.empty(T + 1), np.empty(T), np.empty(T)
    most = at_price.size + 2 * T
    start, since, until, after = np.empty(T + 1, np.int64), np.empty(most), np.empty(most), np.empty(most)
    gains(begin, at_price, offered, draw, spread, moved, most_in, most_out, eff_in, eff_out, start, since, until, after)
    full = -most_out / eff_out
    t0, e0, c = 0, first, C // 2
    while t0 < T:
        left, right, mid = 0, C - 1, c  # smallest place whose path fills up, or ends no lower than wanted
        reach = 1
        while left < right:
            e, over = e0, -1
            for t in range(t0, T):
                e += gain(t, worths[mid], start, since, until, after, full)
                if e > size + SLACK_MWH:
                    over = 1
                    break
                if e < -SLACK_MWH:
                    over = 0
                    break
            if over < 0:
                over = 1 if e >= first - SLACK_MWH else 0
            if over == 1:
                right = mid
                mid = max(left, right - reach)
            else:
                left = mid + 1
                mid = min(right - 1, mid + reach)
            reach *= 2
            if reach > right - left:
                mid = (left + right) // 2
        c = max(left, 1)
        low[t0], high[t0] = e0, e0
        end, at, last_empty, last_full = T, first, -1, -1
        for t in range(t0, T):
            less[t] = gain(t, worths[c - 1], start, since, until, after, full)
            more[t] = gain(t, worths[c], start, since, until, after, full)
            a, b = low[t] + less[t], high[t] + more[t]
            roof = first if t == T - 1 else size
            floor = first if t == T - 1 else 0.0
            if a > roof + SLACK_MWH and last_empty > t0:
                end, at = last_empty, 0.0
                break
            if b < floor - SLACK_MWH and last_full > t0:
                end, at = last_full, size
                break
            if a <= 0.0:
                last_empty = t + 1
            if b >= size:
                last_full = t + 1
            low[t + 1], high[t + 1] = min(max(a, 0.0), size), max(min(b, size), 0.0)
        e = at
        for t in range(end - 1, t0 - 1, -1):
            level[t] = e
            interval[t] = c
            bottom, top = max(low[t], e - more[t]), min(high[t], e - less[t])
            e = min(max(e - 0.5 * (less[t] + more[t]), bottom), max(top, bottom))
        t0, e0 = end, at
