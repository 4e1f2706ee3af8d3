# mypy: disable-error-code="no-untyped-def"
"""Exact hourly dispatch of zones joined in any way: a small dual simplex that starts from the hour before.

Costs do not change between hours, only limits and loads do, so the last basis stays dual feasible and a few pivots
mend it. One row per zone; columns are items, links forward, links backward, spill. Costs are nudged by about 1e-10 of
their size so that ties do not stall the pivots; the cost of the answer is within that of the optimum.

A matrix goes by its columns: entries begin[j] to begin[j + 1] of `index`, rising, and `value` are those of column j.
"""

from __future__ import annotations

import numpy as np

from gridrush._jit import kernel

PIVOT = 1e-9  # smallest pivot
FEASIBLE_MW = 1e-8  # a basic column this far past its limit is mended
REFRESH = 64  # hours between fresh inverses


@kernel
def price_out(begin, index, value, c, basis, inverse, d):
    """Fresh inverse of the basis and reduced costs d (n,); False when the basis is singular."""
    m, n = basis.size, c.size
    work = np.zeros((m, 2 * m))
    for r in range(m):
        for k in range(begin[basis[r]], begin[basis[r] + 1]):
            work[index[k], r] = value[k]
        work[r, m + r] = 1.0
    for k in range(m):
        best = k
        for i in range(k + 1, m):
            if abs(work[i, k]) > abs(work[best, k]):
                best = i
        if abs(work[best, k]) < PIVOT:
            return False
        for j in range(2 * m):
            work[k, j], work[best, j] = work[best, j], work[k, j]
        f = 1.0 / work[k, k]
        for j in range(2 * m):
            work[k, j] *= f
        for i in range(m):
            if i != k and work[i, k] != 0.0:
                f = work[i, k]
                for j in range(2 * m):
                    work[i, j] -= f * work[k, j]
    for i in range(m):
        for j in range(m):
            inverse[i, j] = work[i, m + j]
    y = np.zeros(m)
    for r in range(m):
        for i in range(m):
            y[i] += c[basis[r]] * inverse[r, i]
    for j in range(n):
        d[j] = c[j]
        for k in range(begin[j], begin[j + 1]):
            d[j] -= y[index[k]] * value[k]
    for r in range(m):
        d[basis[r]] = 0.0
    return True


@kernel
def mend(begin, index, value, b, low, high, basis, where, inverse, d, x, most):
    """Dual simplex with long steps on min c x, A x = b, low <= x <= high, all limits finite.

    basis (m,), where (n,): 0 at low, 1 at high, 2 in the basis; inverse (m, m) and d (n,) as `price_out` leaves them.
    Fills x; gives the number of pivots, or -1 when none of `most` pivots did it (or no pivot exists).
    """
    m, n = basis.size, d.size
    rest, alpha, ratio, column = np.empty(m), np.empty(n), np.empty(n), np.empty(n, np.int64)
    for turn in range(most):
        for i in range(m):
            rest[i] = b[i]
        for j in range(n):
            if where[j] != 2:
                x[j] = low[j] if where[j] == 0 else high[j]
                for k in range(begin[j], begin[j + 1]):
                    rest[index[k]] -= value[k] * x[j]
        row, worst = -1, FEASIBLE_MW
        for r in range(m):
            j, v = basis[r], 0.0
            for i in range(m):
                v += inverse[r, i] * rest[i]
            x[j] = v
            off = max(low[j] - v, v - high[j])
            if off > worst:
                row, worst = r, off
        if row < 0:
            return turn
        out = basis[row]
        sign = 1.0 if x[out] < low[out] else -1.0
        for j in range(n):
            alpha[j] = 0.0
            if where[j] != 2:
                for k in range(begin[j], begin[j + 1]):
                    alpha[j] += inverse[row, index[k]] * value[k]
        able = 0  # columns that may enter: where[j] and the sign of alpha let them
        for j in range(n):
            a = -sign * alpha[j]
            if (where[j] == 0 and a > PIVOT) or (where[j] == 1 and a < -PIVOT):
                column[able], ratio[able] = j, abs(d[j]) / abs(a)
                able += 1
        slope, enter = worst, -1
        while able > 0:
            best = 0
            for i in range(1, able):
                if ratio[i] < ratio[best] or (
                    ratio[i] == ratio[best] and abs(alpha[column[i]]) > abs(alpha[column[best]])
                ):
                    best = i
            enter = column[best]
            slope -= (high[enter] - low[enter]) * abs(alpha[enter])
            if slope <= 0.0:
                break
            where[enter] = 1 - where[enter]  # passed: changes side
            able -= 1
            column[best], ratio[best] = column[able], ratio[able]
        if enter < 0:
            return -1
        step = d[enter] / alpha[enter]
        for j in range(n):
            if where[j] != 2:
                d[j] -= step * alpha[j]
        d[enter], d[out] = 0.0, -step
        where[out] = 0 if sign > 0.0 else 1
        where[enter] = 2
        basis[row] = enter
        pivot = 1.0 / alpha[enter]
        for i in range(m):
            inverse[row, i] *= pivot
        for r in range(m):
            if r != row:
                w = 0.0
                for k in range(begin[enter], begin[enter + 1]):  # the entering column in the old basis, but for `row`
                    w += inverse[r, index[k]] * value[k]
                for i in range(m):
                    inverse[r, i] -= w * inverse[row, i]
    return -1


@kernel
def start_from_spill(begin, index, value, c, spill, basis, where, inverse, d):
    """The basis that throws everything away: dual feasible whatever the limits."""
    for j in range(c.size):
        where[j] = 0 if c[j] >= 0.0 else 1
    for i in range(basis.size):
        basis[i] = spill + i
        where[spill + i] = 2
    price_out(begin, index, value, c, basis, inverse, d)


@kernel
def mesh(
    profiles, up, link_up, load, inject, unit, block, cap, avail, must, cost, item_zone, source, target, loss, link_mw,
    link_row, which, t_first, t_last, generation, served, flow, price, spill, cost_usd, market, market_price, sold,
):
    """Dispatch hours which[t_first] to which[t_last - 1]; arrays as in `tree`, items in any order. Gives the number of
    hours that failed: 0.

    market: a zone that can buy and sell without limit at market_price, -1 for none; what it is sold goes to sold (T,)
    and nothing else is kept.
    """
    N, L, Z = unit.size, source.size, inject.shape[0]
    n = N + 2 * L + Z + 1
    c, nudged, low, high, x, b = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(Z)
    begin, index, value = np.empty(n + 1, np.int64), np.empty(n + 2 * L, np.int64), np.empty(n + 2 * L)
    for i in range(N):
        begin[i], index[i], value[i], c[i] = i, item_zone[i], 1.0, cost[i]
    for e in range(2 * L):
        i = e if e < L else e - L
        tail, head = (source[i], target[i]) if e < L else (target[i], source[i])
        k = N + 2 * e
        first = 0 if tail < head else 1
        begin[N + e], index[k + first], value[k + first] = k, tail, -1.0
        index[k + 1 - first], value[k + 1 - first] = head, 1.0 - loss[i]
    for z in range(Z + 1):
        k = N + 4 * L + z
        begin[N + 2 * L + z], index[k], value[k] = k, z, -1.0
    begin[n] = n + 2 * L
    index[n + 2 * L - 1], value[n + 2 * L - 1] = max(market, 0), 1.0 if market >= 0 else 0.0
    if market >= 0:
        c[n - 1] = market_price
    big = 0.0
    for i in range(N):
        big += cap[i]
    for j in range(n):  # a fixed, uneven nudge
        u = (j * 0.6180339887498949) % 1.0
        nudged[j] = c[j] + (1e-10 * abs(c[j]) + 1e-10) * (0.5 + u) if c[j] >= 0.0 else c[j]
    basis, where = np.empty(Z, np.int64), np.empty(n, np.int64)
    inverse, d, y = np.empty((Z, Z)), np.empty(n), np.empty(Z)
    start_from_spill(begin, index, value, nudged, N + 2 * L, basis, where, inverse, d)
    failed = 0
    for at in range(t_first, t_last):
        t, top = which[at], big
        for z in range(Z):
            b[z] = -inject[z, t]
            top += abs(b[z])
        for i in range(N):
            g = unit[i]
            if g >= 0:
                share = up[g, t] if up.shape[0] > 0 else 1.0
                high[i] = cap[i] * profiles[avail[i], t] * share
                low[i] = min(high[i], cap[i] * profiles[must[i], t] * share)
            else:
                low[i], high[i] = 0.0, load[t, block[i]]
                b[item_zone[i]] += high[i]
                top += high[i]
        for e in range(L):
            share = profiles[link_row[e], t]
            if link_up.shape[0] > 0:
                share *= link_up[t, e]
            high[N + e], high[N + L + e] = link_mw[e, 0] * share, link_mw[e, 1] * share
        for z in range(Z):
            high[N + 2 * L + z] = 8.0 * top + 1.0
        if market >= 0:
            low[n - 1], high[n - 1] = -4.0 * top - 1.0, 4.0 * top + 1.0
        if at % REFRESH == 0 and not price_out(begin, index, value, nudged, basis, inverse, d):
            start_from_spill(begin, index, value, nudged, N + 2 * L, basis, where, inverse, d)
        if mend(begin, index, value, b, low, high, basis, where, inverse, d, x, 50 * (Z + 4)) < 0:
            start_from_spill(begin, index, value, nudged, N + 2 * L, basis, where, inverse, d)
            if mend(begin, index, value, b, low, high, basis, where, inverse, d, x, 100 * (n + 4)) < 0:
                failed += 1
        if market >= 0:
            sold[at] = -x[n - 1]
            continue
        for i in range(Z):
            y[i] = 0.0
        for r in range(Z):
            for i in range(Z):
                y[i] += c[basis[r]] * inverse[r, i]
        for z in range(Z):
            price[z, at] = max(y[z], 0.0)
            spill[z, at] = max(x[N + 2 * L + z], 0.0)
        cost_usd[at] = 0.0
        for i in range(N):
            v = min(max(x[i], low[i]), high[i])
            cost_usd[at] += c[i] * v
            if unit[i] >= 0:
                generation[unit[i], at] = v
            else:
                served[block[i], at] = high[i] - v
        for e in range(L):
            flow[e, at] = x[N + e] - x[N + L + e]
    return failed
