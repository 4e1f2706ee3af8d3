# mypy: disable-error-code="no-untyped-def, assignment"
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
from gridrush.grid._kernels_merit import arrange, price_lists
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
    b, c, top, size = np.ones(H + 1), np.zeros(n), np.ones(n), np.empty(H)
    entries = K * (H + 1) + 2 * H
    begin, index, value = np.empty(n + 1, np.int64), np.empty(entries, np.int64), np.empty(entries)
    basis, where = np.zeros(H + 1, np.int64), np.empty(n, np.int64)
    money = 1.0
    for k in range(K):
        money = max(money, abs(cost[k]))
    for k in range(K):
        begin[k], index[k * (H + 1)], value[k * (H + 1)], c[k] = k * (H + 1), 0, 1.0, cost[k] / money
    for j in range(K, n + 1):
        begin[j] = K * (H + 1) + j - K
    for h in range(H):
        most = 0.0
        for k in range(K):
            most = max(most, used[k, h])
        size[h] = max(1.0, most)
        for k in range(K):
            index[k * (H + 1) + h + 1], value[k * (H + 1) + h + 1] = h + 1, used[k, h] / size[h]
        left, bought = K + h, K + H + h
        c[left], top[left], c[bought] = -low[h] * size[h] / money, energy[h] / size[h], high[h] * size[h] / money
        index[begin[left]], value[begin[left]] = h + 1, 1.0
        index[begin[bought]], value[begin[bought]] = h + 1, -1.0
        b[h + 1], basis[h + 1] = energy[h] / size[h], left
    inverse, d, x = np.empty((H + 1, H + 1)), np.empty(n), np.zeros(n)
    price_out(begin, index, value, c, basis, inverse, d)
    for j in range(n):
        where[j] = 0 if d[j] >= 0.0 else 1
    for r in range(H + 1):
        where[basis[r]] = 2
    if mend(begin, index, value, b, np.zeros(n), top, basis, where, inverse, d, x, 50 * (n + 4)) < 0:
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
        for t in range(n):
            same[t] = True
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
def whole(past, k, r, n):
    """Sum of the first n of a row."""
    total = 0.0
    for i in range(n):
        total += past[np.uint64(k), np.uint64(r), i]
    return total


@kernel
def settle(
    order, edges, step, energies, start, follows, own_cost, box, gap_share, ceiling, reservoir, fed, fed_zone, fed_cost,
    is_tree, series, items, net, given, price, values, first_cost, first_used, used,
):
    """For each period, dispatch its hours at one set of water values after the other, until the best mix that keeps the
    energy and the best bound are no further apart than gap_share of the cost, or there were as many as used has rows.

    order (T,): hours by period, those of p from edges[p] to edges[p + 1]; one of `step` is looked at, and a like share
    of energies (H, P). start (P, H): where to begin, or in the first period only where others follow the one before.
    box: half the width of the box, as a share of what the water's power is worth; own_cost (H,): what it costs;
    ceiling: above all that water can be worth. reservoir (G,); fed, fed_zone, fed_cost: units with a reservoir (F,).
    series, items, net: arguments of `tree` and `mesh`. Fills given (F, T), price (Z, T) and values (P, H) with what was
    found, first_cost (P,) and first_used (H, P) with the first dispatch, used (K, H) with those of the last period.
    Gives a number above 0, and that period; where nothing was found, values are where it began, but if all hours were
    looked at it stops and gives 0, or less than 0 where must-run needs more water than there is: row -1 - it of used.
    """
    unit, block, cap, avail, must, base, begins, zone, parent, keep, free, pair, pair_mw, pair_start = items[:14]
    usd, head, most, first, of, stop, factor, first_row, rows = items[14:]
    N, F, (H, P), K, G, Z = unit.size, fed.size, energies.shape, used.shape[0], reservoir.size, price.shape[0]
    wanted, owner, longest, places = np.zeros(G + 1, np.bool_), np.empty(F, np.int64), 0, 0
    for f in range(F):
        wanted[fed[f]], owner[f] = True, reservoir[fed[f]]
    for p in range(P):
        longest = max(longest, (edges[p + 1] - edges[p] + step - 1) // step)
    generation, served = np.empty((G, longest)), np.empty((series[3].shape[1], longest))
    flow, prices, spill = np.empty((net[1].size, longest)), np.empty((Z, longest)), np.empty((Z, longest))
    when, hours, todo = np.empty(longest, np.int64), np.empty(longest, np.int64), np.empty(longest, np.int64)
    usd_h, place, dear = np.empty(longest), np.empty(N, np.int64), np.empty(N)
    for e in range(of.size):
        places += begins[of[e] + 1] - begins[of[e]]
    usd, listed = np.empty(places + Z), np.empty(places + Z + 1, np.int64)
    changed, item = np.empty(places, np.int64), np.empty(places, np.int64)
    head, most, free, first_row = head.copy(), most.copy(), free.copy(), first_row.copy()
    rows = np.empty(of.size * (places + 1) if is_tree else 0, np.int64)
    arranged, costs = (unit.copy(), block.copy(), cap.copy(), avail.copy(), must.copy()), base.copy()
    past = np.empty((K, F + Z + 1, longest))  # generation of the fed units, prices, cost without water
    worths, cost, bounds, mix = np.empty((K, H)), np.empty(K), np.empty(K), np.empty(K)
    low, high, now, reach, energy = np.empty(H), np.empty(H), np.empty(H), np.empty(H), np.empty(H)
    found, p = 1, 0
    for p in range(P):
        a, b = edges[p], edges[p + 1]
        n = (b - a + step - 1) // step
        if n == 0:
            continue
        for i in range(n):
            when[i] = order[a + i * step]
        for h in range(H):
            if p == 0 or not follows:
                now[h] = start[p, h]
            worths[0, h], low[h], high[h], energy[h] = now[h], 0.0, np.inf, energies[h, p] * (n / (b - a))
            reach[h] = box * (now[h] + abs(own_cost[h]) + 1.0)
        best, tries, found = 0, np.int64(0), 1  # a plain 0 has `known` compiled twice
        while True:
            left = known(n, past, tries, worths, owner, fed_zone, fed_cost, todo)
            if left:
                for i in range(N):
                    dear[i] = base[i]
                    if unit[i] >= 0 and reservoir[unit[i]] >= 0:
                        dear[i] += worths[tries, reservoir[unit[i]]]
                for i in range(left):
                    hours[i] = when[np.uint64(todo[i])]
            if left and is_tree:
                arrange(items[:5], dear, begins, place, arranged, costs)
                price_lists(costs, begins, parent, first, of, stop, factor, usd, head, most, free, listed, changed,
                            item, first_row, rows)
                _TREE(*series, *arranged, costs, begins, zone, parent, keep, free, pair,
                      pair_mw, pair_start, usd, head, most, first, of, stop, factor, first_row, rows, hours, 0, left,
                      generation, served, flow, prices, spill, usd_h, wanted)
            elif left and _MESH(*series, unit, block, cap, avail, must, dear, *net, hours, 0, left, generation, served,
                                flow, prices, spill, usd_h, -1, 0.0, usd_h):
                found = 0
                break
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
                used[tries, owner[f]] += whole(past, tries, f, n)
            cost[tries] = whole(past, tries, F + Z, n)
            bounds[tries] = cost[tries]
            for h in range(H):
                over = used[tries, h] - energy[h]
                if worths[tries, h] >= ceiling and over > 1e-9 * energy[h] + 1e-6:
                    found = -tries - 1
                bounds[tries] += worths[tries, h] * over
            if found < 0:
                break
            if bounds[tries] >= bounds[best] - FLAT * abs(bounds[best]):
                for h in range(H):
                    if worths[tries, h] == high[h] or worths[tries, h] == low[h] > 0.0:
                        reach[h] *= GROWTH
                best = tries
            tries += 1
            last = tries == K
            for h in range(H):
                low[h] = 0.0 if last else max(worths[best, h] - reach[h], 0.0)
                high[h] = ceiling if last else min(worths[best, h] + reach[h], ceiling)
            total, traded = cheapest_mix(cost[:tries], used[:tries], energy, low, high, mix, now)
            if total == np.inf or (last and traded):
                found = 0
                break
            if last or (not traded and total - bounds[best] <= gap_share * max(1.0, abs(total))):
                break
            for h in range(H):
                worths[tries, h] = now[h]
        if found <= 0 and step == 1:
            break
        first_cost[p] = cost[0]
        for h in range(H):
            now[h] = worths[best if found > 0 else 0, h]
            values[p, h], first_used[h, p] = now[h], used[0, h]
        if found <= 0:
            continue
        for f in range(F):
            for i in range(n):
                given[f, np.uint64(when[i])] = 0.0
            for k in range(tries):
                if mix[k] > 0.0:
                    for i in range(n):
                        given[f, np.uint64(when[i])] += mix[k] * past[k, f, i]
        for z in range(Z):
            for i in range(n):
                price[z, np.uint64(when[i])] = past[best, F + z, i]
    return found, p
