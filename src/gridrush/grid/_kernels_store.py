# mypy: disable-error-code="no-untyped-def"
"""The best schedule of one store against the response of everything else.

`table[t, m]` is the surplus the rest of the system offers to the store's zone at a price between steps m - 1 and m. For
a worth of stored energy the store sells where the price would be above worth / discharge efficiency and buys where it
would be below worth * charge efficiency. The worth stays the same until the store is full (then it may rise) or empty
(then it may fall): each stretch is found by bisection on the finite list of worths at which anything changes, and
within it the levels that can be reached are an interval carried forward and walked back from its end.
"""

from __future__ import annotations

import numba as nb
import numpy as np

SLACK_MWH = 1e-7


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def _gain(t, c, sell, buy, table, moved, most_in, most_out, eff_in, eff_out):
    """Change of stored energy in hour t when the worth lies in interval c. [MWh]"""
    need = -(table[t, sell[c]] + moved[t])
    if need > 0.0:
        return -min(need, most_out) / eff_out
    surplus = table[t, buy[c]] + moved[t]
    return min(surplus, most_in) * eff_in if surplus > 0.0 else 0.0


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def schedule(table, moved, sell, buy, most_in, most_out, eff_in, eff_out, size, first, level, interval):
    """Level at the end of each hour (T,) and the interval of worth in force (T,).

    table (T, M); moved (T,): net power that the other stores of the zone put in; sell, buy (C,): columns of the table
    that hold for each interval of worth, rising; first: level before the first hour and after the last.
    """
    T, C = table.shape[0], sell.size
    low, high, less, more = np.empty(T + 1), np.empty(T + 1), np.empty(T), np.empty(T)
    t0, e0 = 0, first
    while t0 < T:
        left, right = 0, C - 1  # smallest interval whose path fills up, or ends no lower than wanted
        while left < right:
            mid = (left + right) // 2
            e, over = e0, -1
            for t in range(t0, T):
                e += _gain(t, mid, sell, buy, table, moved, most_in, most_out, eff_in, eff_out)
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
            else:
                left = mid + 1
        c = max(left, 1)
        low[t0], high[t0] = e0, e0
        end, at, last_empty, last_full = T, first, -1, -1
        for t in range(t0, T):
            less[t] = _gain(t, c - 1, sell, buy, table, moved, most_in, most_out, eff_in, eff_out)
            more[t] = _gain(t, c, sell, buy, table, moved, most_in, most_out, eff_in, eff_out)
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
