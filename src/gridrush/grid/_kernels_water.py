# mypy: disable-error-code="no-untyped-def"
"""Water values of one period: dispatches at one set of values after the other, and the cheapest mix of them.

Every dispatch bounds the cost from below, and tells how it changes with the values nearby; the mix is the best that
these tell together. It is looked for in a box about the best values so far (Marsten, Hogan and Blankenship 1975), which
moves and grows as long as that pays. Hours whose dispatch cannot have changed are not dispatched again.

References
----------
Marsten, R. E., Hogan, W. W. and Blankenship, J. W. (1975), The boxstep method for large-scale optimization, Operations
Research 23(3).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gridrush._jit import kernel
from gridrush.grid import _kernels, _kernels_mesh
from gridrush.grid._kernels_merit import price_lists, rank
from gridrush.grid._kernels_mesh import mend, price_out

_TREE: Any = _kernels.tree  # numba's types do not know about unpacked arguments
_MESH: Any = _kernels_mesh.mesh
NEAR = 1e-8
"""Share of a margin within which a unit may be at its price."""
GROWTH = 4.0
"""The box grows so many times wider where its edge is the best yet."""
FLAT = 1e-12
"""Share of a bound that is rounding."""
USED = 1e-9
"""Share of the water that counts as bought or sold at the edge of the box."""


@kernel
def cheapest_mix(cost, used, energy, low, high, mix, worth):
    """Fill the weights (K,) of the cheapest mix of dispatches that keeps the energy, and the worth (H,) of water.

    Water may be left over for `low` (H,) and bought for `high` (H,), so that the worth lies between. Gives what it
    all costs, infinite when that was not found, and whether any was sold or bought.
    """
    K, H = used.shape
    n = K + 2 * H
    A, b, c, top = np.zeros((H + 1, n)), np.ones(H + 1), np.zeros(n), np.ones(n)
    basis, where, size = np.zeros(H + 1, np.int64), np.empty(n, np.int64), np.empty(H)
    money = 1.0
    for k in range(K):
        money = max(money, abs(cost[k]))
    for k in range(K):
        A[0, k], c[k] = 1.0, cost[k] / money
    for h in range(H):
        most = 0.0
        for k in range(K):
            most = max(most, used[k, h])
        size[h] = max(1.0, most)
        for k in range(K):
            A[h + 1, k] = used[k, h] / size[h]
        left, bought = K + h, K + H + h
        A[h + 1, left], c[left], top[left] = 1.0, -low[h] * size[h] / money, energy[h] / size[h]
        A[h + 1, bought], c[bought] = -1.0, high[h] * size[h] / money
        b[h + 1], basis[h + 1] = energy[h] / size[h], left
    inverse, d, x = np.empty((H + 1, H + 1)), np.empty(n), np.zeros(n)
    price_out(A, c, basis, inverse, d)
    for j in range(n):
        where[j] = 0 if d[j] >= 0.0 else 1
    for r in range(H + 1):
        where[basis[r]] = 2
    if mend(A, b, c, np.zeros(n), top, basis, where, inverse, d, x, 500) < 0:
        return np.inf, False
    total, whole, traded = 0.0, 0.0, False
    for k in range(K):
        mix[k] = x[k] if x[k] > 1e-12 else 0.0
        whole += mix[k]
    for k in range(K):
        mix[k] /= whole
        total += mix[k] * cost[k]
    for h in range(H):
        left, bought = K + h, K + H + h
        total += (c[left] * x[left] + c[bought] * x[bought]) * money
        traded |= x[bought] > USED or (low[h] > 0.0 and x[left] > USED)
        y = 0.0
        for r in range(H + 1):
            y += c[basis[r]] * inverse[r, h + 1]
        worth[h] = min(max(-y * money / size[h], low[h]), high[h])
    return total, traded


@kernel
def known(n, past, tries, worths, owner, zone, cost, todo):
    """Those of n hours whose dispatch at water values worths[tries] is one of those found before, past[:tries].

    A dispatch stays the best, and its prices with it, as long as no fed unit gets to the other side of the price of its
    zone. past (K, F + Z + 1, n): generation of the fed units, prices, cost without water; row `tries` is filled in the
    hours that are known, the others go to todo. worths (K, H); owner, zone, cost: of the fed units (F,). Gives the
    number of hours to do.
    """
    F, left = owner.size, 0
    from_try, same = np.full(n, -1), np.empty(n, np.bool_)
    for k in range(tries - 1, -1, -1):
        same[:] = True
        for f in range(F):
            z, worth, next_worth = F + zone[f], worths[k, owner[f]], worths[tries, owner[f]]
            for t in range(n):
                margin = past[k, z, t] - cost[f]
                near = NEAR * (1.0 + abs(margin))
                before, now = margin - worth, margin - next_worth
                same[t] &= ((before > near) & (now > near)) | ((before < -near) & (now < -near))
        for t in range(n):
            if same[t] and from_try[t] < 0:
                from_try[t] = k
    for r in range(past.shape[1]):
        for t in range(n):
            if from_try[t] >= 0:
                past[tries, r, t] = past[np.uint64(from_try[t]), r, t]
    for t in range(n):
        if from_try[t] < 0:
            todo[left] = t
            left += 1
    return left


@kernel
def settle(
    when, energy, worth, reach, gap_share, ceiling, reservoir, fed, fed_zone, fed_cost, is_tree, series, items, net,
    past, worths, used, cost, bounds, given, price, values,
):
    """Dispatch hours `when` (n,) at one set of water values after the other, until the best mix that keeps the energy
    (H,) and the best bound are no further apart than gap_share of the cost, or past is full.

    worth, reach (H,): where to begin, and half the width of the box about it; ceiling: above all that water can be
    worth. reservoir (G,); fed, fed_zone, fed_cost: units with a reservoir (F,). series, items, net: arguments of
    `tree` and `mesh`. Fills a row of past (K, F + Z + 1, n), worths and used (K, H), cost and bounds (K,) for each
    dispatch, and given (F, T) and price (Z, T) in these hours and values (H,) with what was found. Gives the number of
    dispatches, less than 0 when must-run needs more water than there is, 0 when nothing was found.
    """
    unit, block, cap, avail, must, base, start, zone, parent, keep, free, pair, pair_mw, pair_start = items[:14]
    usd, head, most, first, of, stop, factor, first_row, rows = items[14:]
    N, n, F, H, G = unit.size, when.size, fed.size, energy.size, reservoir.size
    Z = past.shape[1] - F - 1
    wanted = np.zeros(G + 1, np.bool_)
    for f in range(F):
        wanted[fed[f]] = True
    owner = reservoir[fed]
    generation, served, flow = np.empty((G, n)), np.empty((series[3].shape[1], n)), np.empty((net[1].size, n))
    prices, spill, usd_h = np.empty((Z, n)), np.empty((Z, n)), np.empty(n)
    todo, order, dear = np.empty(n, np.int64), np.empty(N, np.int64), np.empty(N)
    places = 0
    for e in range(of.size):
        places += start[of[e] + 1] - start[of[e]]
    usd, begin = np.empty(places + Z), np.empty(places + Z + 1, np.int64)
    changed, item = np.empty(places, np.int64), np.empty(places, np.int64)
    head, most, free = head.copy(), most.copy(), free.copy()
    first_row, rows = first_row.copy(), np.empty(of.size * (places + 1) if is_tree else 0, np.int64)
    low, high, now, mix, reach = np.empty(H), np.empty(H), np.empty(H), np.empty(past.shape[0]), reach.copy()
    worths[0], low[:], high[:] = worth, 0.0, np.inf
    best, tries = 0, 0
    while True:
        left = known(n, past, tries, worths, owner, fed_zone, fed_cost, todo)
        if left:
            for i in range(N):
                dear[i] = base[i]
                if unit[i] >= 0 and reservoir[unit[i]] >= 0:
                    dear[i] += worths[tries, reservoir[unit[i]]]
            hours = when[todo[:left]]
            if is_tree:
                rank(dear, start, order)
                price_lists(dear[order], start, parent, first, of, stop, factor, usd, head, most, free, begin, changed,
                            item, first_row, rows)
                _TREE(*series, unit[order], block[order], cap[order], avail[order], must[order], dear[order], start,
                     zone, parent, keep, free, pair, pair_mw, pair_start, usd, head, most, first, of, stop, factor,
                     first_row, rows, hours, 0, left, generation, served, flow, prices, spill, usd_h, wanted)
            elif _MESH(*series, unit, block, cap, avail, must, dear, *net, hours, 0, left, generation, served, flow,
                      prices, spill, usd_h, -1, 0.0, usd_h):
                return 0
            for f in range(F):
                g, water = fed[f], worths[tries, owner[f]]
                for i in range(left):
                    past[tries, f, np.uint64(todo[i])] = generation[g, i]
                    usd_h[i] -= water * generation[g, i]
            for z in range(Z):
                for i in range(left):
                    past[tries, F + z, np.uint64(todo[i])] = prices[z, i]
            for i in range(left):
                past[tries, F + Z, np.uint64(todo[i])] = usd_h[i]
        for h in range(H):
            used[tries, h] = 0.0
        for f in range(F):
            used[tries, owner[f]] += past[tries, f, :n].sum()
        cost[tries] = past[tries, F + Z, :n].sum()
        bounds[tries] = cost[tries]
        for h in range(H):
            over = used[tries, h] - energy[h]
            if worths[tries, h] >= ceiling and over > 1e-9 * energy[h] + 1e-6:
                return -tries - 1
            bounds[tries] += worths[tries, h] * over
        if bounds[tries] >= bounds[best] - FLAT * abs(bounds[best]):
            for h in range(H):
                if worths[tries, h] == high[h] or worths[tries, h] == low[h] > 0.0:
                    reach[h] *= GROWTH
            best = tries
        tries += 1
        last = tries == past.shape[0]
        for h in range(H):
            low[h] = 0.0 if last else max(worths[best, h] - reach[h], 0.0)
            high[h] = ceiling if last else min(worths[best, h] + reach[h], ceiling)
        total, traded = cheapest_mix(cost[:tries], used[:tries], energy, low, high, mix, now)
        if total == np.inf or (last and traded):
            return 0
        if last or (not traded and total - bounds[best] <= gap_share * max(1.0, abs(total))):
            break
        worths[tries] = now
    for f in range(F):
        for i in range(n):
            given[f, when[i]] = 0.0
        for k in range(tries):
            if mix[k] > 0.0:
                for i in range(n):
                    given[f, np.uint64(when[i])] += mix[k] * past[k, f, i]
    for z in range(Z):
        for i in range(n):
            price[z, np.uint64(when[i])] = past[best, F + z, i]
    values[:] = worths[best]
    return tries
