# mypy: disable-error-code="no-untyped-def"
"""Orders of merit: sorting by cost again when some costs have changed, and the price lists of the trees."""

from __future__ import annotations

import numpy as np

from gridrush._jit import kernel

TIE = 1e-11
"""Relative distance below which two prices are the same step."""
SHARED_AT_ONCE = 1024
"""Hours that are shared out at a time, so that they stay in cache."""


@kernel
def rank(cost, start, order):
    """Places of the items of each node from cheap to dear, order (N,); quick where they nearly are already."""
    for k in range(start.size - 1):
        for i in range(start[k], start[k + 1]):
            j = i
            while j > start[k] and cost[order[j - 1]] > cost[i]:
                order[j] = order[j - 1]
                j -= 1
            order[j] = i


@kernel
def arrange(items, dear, start, order, arranged, cost):
    """Items of each node from cheap to dear at other costs, dear (N,).

    items, arranged: unit, block, capacity, and profile rows of availability and must-run, (N,) each; order (N,): their
    old places; cost (N,): dear in the new order.
    """
    rank(dear, start, order)
    unit, block, cap, avail, must = items
    units, blocks, caps, avails, musts = arranged
    for i in range(order.size):
        j = np.uint64(order[i])
        units[i], blocks[i], caps[i], avails[i] = unit[j], block[j], cap[j], avail[j]
        musts[i], cost[i] = must[j], dear[j]


@kernel
def sort(key, first, last, order, spare):
    """Sort order[first:last] by key, equal ones staying as they are: what rises already, merged by pairs."""
    pairs = 2
    while pairs > 1:
        a, pairs = first, 0
        while a < last:
            middle = a + 1
            while middle < last and key[order[middle - 1]] <= key[order[middle]]:
                middle += 1
            end = min(middle + 1, last)
            while end < last and key[order[end - 1]] <= key[order[end]]:
                end += 1
            i, j = a, middle
            for k in range(a, end):
                if i < middle and (j >= end or key[order[i]] <= key[order[j]]):
                    spare[k] = order[i]
                    i += 1
                else:
                    spare[k] = order[j]
                    j += 1
            a, pairs = end, pairs + 1
        for k in range(first, last):
            order[k] = spare[k]


@kernel
def price_lists(
    cost, start, parent, first, of, stop, factor, usd_per_mwh, head, most, free, begin, changed, item, first_row, rows
):
    """Fill the arrays of `merit.Prices`; gives the length of usd_per_mwh. rows is filled when it is large enough, its
    length comes second."""
    size = changed.size
    seen, owner, which = np.empty(size), np.empty(size, np.int64), np.empty(size, np.int64)
    order, spare = np.empty(size, np.int64), np.empty(size, np.int64)
    for k in range(parent.size):
        i = start[k]
        while i < start[k + 1] and cost[i] < 0.0:
            i += 1
        free[k] = i + k
    listed, placed, filled = 0, np.int64(0), 0  # a plain 0 has `sort` compiled three times
    for r in range(parent.size):
        if parent[r] >= 0:
            continue
        n = placed
        for e in range(first[r], stop[first[r]]):
            for i in range(start[of[e]], start[of[e] + 1]):
                seen[n], owner[n], which[n], order[n] = max(cost[i] / factor[e], 0.0), e, i, n
                n += 1
        sort(seen, placed, n, order, spare)
        m, before = 0, 0.0
        usd_per_mwh[listed] = 0.0
        begin[listed] = placed
        for x in range(placed, n):
            price = seen[order[x]]
            if price - before > TIE * price:
                m += 1
                usd_per_mwh[listed + m] = price
                begin[listed + m] = x
            before = price
            changed[x], item[x] = owner[order[x]], which[order[x]]
        for e in range(first[r], stop[first[r]]):
            head[of[e]], most[of[e]] = listed, m
            first_row[e] = filled + (e - first[r]) * (m + 1)
        length = (m + 1) * (stop[first[r]] - first[r])
        if filled + length <= rows.size:
            for x in range(filled, filled + length):
                rows[x] = 0
            for p in range(m + 1):
                last = begin[listed + p + 1] if p < m else n
                for x in range(begin[listed + p], last):
                    rows[first_row[changed[x]] + p] += 1
            for e in range(first[r], stop[first[r]]):
                row = start[of[e]] + of[e]
                for p in range(m + 1):
                    row += rows[first_row[e] + p]
                    rows[first_row[e] + p] = row
        listed += m + 1
        placed = n
        filled += length
    begin[listed] = placed
    return listed, filled


@kernel
def share_out(profiles, unit, capacity, available, must_run, members, leader, generation):
    """Have units alike give in turn what was found for all of them, in the row of the first: rows of generation (G, T).

    members: items that are not alone in their group, a group after the other, its leader first; leader (N,).
    """
    T, W = generation.shape[1], SHARED_AT_ONCE
    must, more, left = np.empty(W), np.empty(W), np.empty(W)
    whole = np.zeros(leader.size)
    for x in range(members.size):
        whole[leader[members[x]]] += capacity[members[x]]
    for t0 in range(0, T, W):
        n, first = min(W, T - t0), np.uint64(t0)
        for x in range(members.size):
            i = members[x]
            g, size = np.uint64(unit[i]), capacity[i]
            if leader[i] == i:
                a, m, total = np.uint64(available[i]), np.uint64(must_run[i]), whole[i]
                for h in range(n):
                    must[h] = min(profiles[a, first + np.uint64(h)], profiles[m, first + np.uint64(h)])
                for h in range(n):
                    more[h] = profiles[a, first + np.uint64(h)] - must[h]
                for h in range(n):
                    left[h] = generation[g, first + np.uint64(h)] - total * must[h]
            for h in range(n):
                given = min(left[h], size * more[h])
                left[h] -= given
                generation[g, first + np.uint64(h)] = given + size * must[h]
