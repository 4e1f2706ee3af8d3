# mypy: disable-error-code="no-untyped-def,assignment"
"""Exact hourly dispatch of zones joined as a tree, for many hours.

Every zone is a supply curve: items (units, and demand blocks as load that can be given up) sorted by cost, so what it
offers at a price is one entry of a running sum. A child hands its surplus to its parent, cut to the limits of the link
and shrunk by its loss; the market price is the lowest at which the root has as much as is needed. It is one of a list
that is known beforehand: each cost, divided by what its power loses on the way. So the search is by halves over places
in that list, many hours side by side. A link that is cut leaves the subtree below it a market of its own with a fixed
export, solved the same way.

Over a lossy link a child sees the price shrunk when it sends and raised when it receives, so it is looked at twice:
the tree of a market is written out with two copies of what hangs below each lossy link, first the one that sends.

Arrays: items N sorted by node then cost; nodes Z in preorder; curve rows N + Z, row ``i + k`` is the surplus of node k
before its item i; copies E of nodes in preorder (what hangs below a copy is a contiguous range), with the row of the
curve for each place of the price list from ``rows[first_row]``. Every tree has one price list, as seen at its root; a
market inside it is searched on the same list.

Hours are handled W at a time so that curves stay in cache, and all W at every step, also those that need it not: loops
over hours in a row without a branch run in vectors. What is gathered from places that differ by hour is gathered
first, in loops of its own.
"""

from __future__ import annotations

import numpy as np

from gridrush._jit import kernel, small_kernel

HOURS_AT_ONCE = 152
SLACK_MW = 1e-9  # power below which a balance is met


@kernel
def curves(
    when, profiles, up, load, inject, zone, unit, block, cap, avail, must, start, curve, low, width, profile
):
    """Fill width (N, W) of the items, low (N, W) of those that must run, curve (N + Z, W) of the nodes and profile
    (K, W) for hours when (n,), which are quicker in a row.

    Indices of hours are unsigned, here and below: numba lets others count from the end, and such loops do not run in
    vectors.
    """
    has_up, n, first = up.shape[0] > 0, when.size, np.uint64(when[0])
    in_a_row = when[n - 1] - when[0] == n - 1
    for k in range(profile.shape[0]):
        if in_a_row:
            for h in range(n):
                profile[k, h] = profiles[k, first + np.uint64(h)]
        else:
            for h in range(n):
                profile[k, h] = profiles[k, np.uint64(when[h])]
    for k in range(start.size - 1):
        base = start[k] + k
        for h in range(n):
            curve[base, h] = inject[zone[k], np.uint64(when[h])] if inject.shape[0] > 0 else 0.0
        for i in range(start[k], start[k + 1]):
            if block[i] >= 0:
                b = block[i]
                for h in range(n):
                    width[i, h] = load[np.uint64(when[h]), b]
                    curve[base, h] -= width[i, h]
                continue
            g, c, a, m = unit[i], cap[i], avail[i], must[i]
            for h in range(n):
                width[i, h] = c * profile[a, h]
            if m != 1:  # else the row of zeros: nothing must run
                for h in range(n):
                    low[i, h] = min(width[i, h], c * profile[m, h])
                    width[i, h] -= low[i, h]
                if has_up:
                    for h in range(n):
                        low[i, h] *= up[g, np.uint64(when[h])]
                for h in range(n):
                    curve[base, h] += low[i, h]
            if has_up and in_a_row:
                for h in range(n):
                    width[i, h] *= up[g, first + np.uint64(h)]
            elif has_up:
                for h in range(n):
                    width[i, h] *= up[g, np.uint64(when[h])]
        for i in range(start[k], start[k + 1]):
            for h in range(n):
                curve[i + k + 1, h] = curve[i + k, h] + width[i, h]


@kernel
def limits(when, profile, link_up, pair, pair_mw, pair_start, out, back):
    """Fill the limits of the flow from and to every node, out and back (Z, W), from the links to its parent."""
    n = when.size
    for k in range(out.shape[0]):
        for h in range(n):
            out[k, h], back[k, h] = 0.0, 0.0
        for e in range(pair_start[k], pair_start[k + 1]):
            for h in range(n):
                share = profile[pair[e, 1], h]
                if link_up.shape[0] > 0:
                    share *= link_up[np.uint64(when[h]), pair[e, 0]]
                out[k, h] += pair_mw[e, 0] * share
                back[k, h] += pair_mw[e, 1] * share


@small_kernel
def arriving(sends, needs, out, back, keep, more):
    """What a zone gets over its link: `keep` of what the one below sends, less what that needs for each of its own; the
    surplus of that one is `sends` where it sends and `needs` where it takes. more: 1 / keep."""
    return min(max(sends, 0.0), out) * keep - min(max(-needs, 0.0) * more, back)


@kernel
def evaluate(market, n, at, of, stop, first_row, rows, keep, out, back, curve, value):
    """Surplus of copy `market` and all below it at places `at` (W,) of the prices: value (E, W) in the first n hours.

    No argument here or in `search` may be a plain number: numba compiles a version for each.
    """
    for own in range(stop[market] - 1, market - 1, -1):
        e, row = np.uint64(own), first_row[own]
        for h in range(n):
            value[e, h] = curve[np.uint64(rows[np.uint64(row + at[h])]), h]
        c = own + 1
        while c < stop[own]:
            k, s = np.uint64(of[c]), np.uint64(c)
            a = keep[k]
            if a == 1.0:
                for h in range(n):
                    value[e, h] += min(max(value[s, h], -back[k, h]), out[k, h])
                c = stop[c]
            else:
                r, more = np.uint64(stop[c]), 1.0 / a
                for h in range(n):
                    value[e, h] += arriving(value[s, h], value[r, h], out[k, h], back[k, h], a, more)
                c = stop[stop[c]]


@kernel
def search(market, most, n, need, place, probe, of, stop, first_row, rows, keep, out, back, curve, value):
    """Lowest place (W,), 0 to `most`, at which the surplus of copy `market` is `need` (W,), in the first n hours."""
    step = 1
    while 2 * step <= most:
        step *= 2
    for h in range(n):
        place[h] = 0
    while 0 < step <= most:
        for h in range(n):
            probe[h] = min(place[h] + step, most) - 1
        evaluate(market, n, probe, of, stop, first_row, rows, keep, out, back, curve, value)
        for h in range(n):
            before, after = place[h], probe[h] + 1
            place[h] = after if value[market, h] < need[h] - SLACK_MW else before
        step >>= 1


@kernel
def settle(
    k, n, prices, head, copies, of, stop, factor, first_row, rows, free, keep, out, back, curve, high, low, copy, at,
    need, own, sent, price, spilled, over, least, upper, lower,
):
    """Share out the surplus a node must have between its own items and its children, and find out which children go on
    in its market; the others get copy -1.

    Children first stop sending, then own items are held back, then power is spilled, then children receive: no flow is
    made that is worth nothing. Rows of copy, at, need, own, sent, price, spilled (Z, W) are nodes.
    """
    e, base, last, k = copies[k], np.uint64(free[k]), stop[copies[k]], np.uint64(k)
    for h in range(n):
        i, m = np.uint64(copy[k, h]), at[k, h]
        row = np.uint64(first_row[i] + m)
        price[k, h] = prices[np.uint64(head[k] + m)] * factor[i]
        over[h] = high[i, h]
        own[k, h] = curve[np.uint64(rows[row]), h]
        least[k, h] = curve[np.uint64(rows[row - np.uint64(1)]) if m > 0 else base, h]
    for h in range(n):
        over[h] -= need[k, h]
    c = e + 1
    while c < last:
        z = np.uint64(of[c])
        a, more, s, r = keep[z], 1.0 / keep[z], c - e, (stop[c] if keep[z] < 1.0 else c) - e
        for h in range(n):
            i, j = np.uint64(copy[k, h] + s), np.uint64(copy[k, h] + r)
            sent[z, h], least[z, h] = high[i, h], low[i, h]
            upper[h], lower[h] = high[j, h], low[j, h]
        if a == 1.0:
            for h in range(n):
                sent[z, h] = min(max(sent[z, h], -back[z, h]), out[z, h])
            for h in range(n):
                least[z, h] = min(max(least[z, h], -back[z, h]), out[z, h])
        else:
            for h in range(n):
                sent[z, h] = arriving(sent[z, h], upper[h], out[z, h], back[z, h], a, more)
            for h in range(n):
                least[z, h] = arriving(least[z, h], lower[h], out[z, h], back[z, h], a, more)
        for h in range(n):
            least[z, h] = least[z, h] if at[k, h] > 0 else -back[z, h]
        for h in range(n):
            cut = max(min(over[h], sent[z, h] - max(least[z, h], 0.0)), 0.0)
            sent[z, h] -= cut
            over[h] -= cut
        c = stop[e + r]
    for h in range(n):
        cut = max(min(over[h], own[k, h] - least[k, h]), 0.0)
        own[k, h] -= cut
        over[h] -= cut
    for h in range(n):
        free_mw = max(over[h], 0.0) if price[k, h] <= 0.0 else 0.0
        spilled[k, h] = free_mw
        over[h] -= free_mw
    c = e + 1
    while c < last:
        z = np.uint64(of[c])
        a, more, s, r = keep[z], 1.0 / keep[z], c - e, (stop[c] if keep[z] < 1.0 else c) - e
        for h in range(n):
            cut = max(min(over[h], sent[z, h] - least[z, h]), 0.0)
            sent[z, h] -= cut
            over[h] -= cut
        for h in range(n):
            want = sent[z, h]
            need[z, h] = want * (more if want > 0.0 else a)
        for h in range(n):
            copy[z, h] = copy[k, h] + (s if sent[z, h] > 0.0 else r)
            at[z, h] = at[k, h]
        for h in range(n):
            i = np.uint64(copy[z, h])
            upper[h], lower[h] = high[i, h], low[i, h]
        for h in range(n):
            want = need[z, h]
            apart = ((a < 1.0) & (want == 0.0)) | (want > upper[h] + SLACK_MW)
            apart |= (at[k, h] > 0) & (want < lower[h] - SLACK_MW)
            copy[z, h] = -1 if apart else copy[z, h]
        for h in range(n):
            sent[z, h] = need[z, h] if sent[z, h] > 0.0 else sent[z, h]
        c = stop[e + r]
    for h in range(n):
        own[k, h] -= over[h]


@kernel
def tree(
    profiles, up, link_up, load, inject, unit, block, cap, avail, must, cost, start, zone, parent, keep, free, pair,
    pair_mw, pair_start, prices, head, most, copies, of, stop, factor, first_row, rows, which, t_first, t_last,
    generation, served, flow, price, spill, cost_usd, wanted,
):
    """Dispatch hours which[t_first] to which[t_last - 1] of a forest, into columns t_first to t_last.

    profiles (K, T), up (G, T) or (0, 0), link_up (T, L) or (0, 0), load (T, B), inject (Z, T) or (0, 0): power from
    elsewhere. Outputs run along time: generation (G, T), served (B, T), flow (L, T), price and spill (Z, T), cost_usd
    (T,). wanted (G + 1,): units whose generation is written, and in the end whether load served and flows are.
    """
    N, Z, W, G = unit.size, zone.size, HOURS_AT_ONCE, wanted.size - 1
    curve, low, width = np.empty((N + Z, W)), np.empty((N, W)), np.empty((N, W))
    profile = np.empty((profiles.shape[0], W))
    out, back, own, sent, need, q, spilled = (
        np.empty((Z, W)), np.empty((Z, W)), np.empty((Z, W)), np.empty((Z, W)), np.empty((Z, W)), np.empty((Z, W)),
        np.empty((Z, W)),
    )  # fmt: skip
    above, below = np.empty((of.size, W)), np.empty((of.size, W))
    copy, at = np.empty((Z, W), np.int64), np.empty((Z, W), np.int64)
    place, probe, run = np.empty(W, np.int64), np.empty(W, np.int64), np.empty(W)
    over, least, upper, lower = np.empty(W), np.empty((Z, W)), np.empty(W), np.empty(W)
    for t0 in range(t_first, t_last, W):
        when = which[t0 : min(t0 + W, t_last)]
        n, begin = when.size, np.uint64(t0)
        curves(when, profiles, up, load, inject, zone, unit, block, cap, avail, must, start, curve, low, width, profile)
        limits(when, profile, link_up, pair, pair_mw, pair_start, out, back)
        for k in range(Z):
            alone, e = n - n, copies[k]
            for h in range(n):
                if parent[k] < 0:
                    copy[k, h], need[k, h], sent[k, h] = -1, 0.0, 0.0
                alone += 1 if copy[k, h] < 0 else 0
            if alone > 0:
                search(e, most[k], n, need[k], place, probe, of, stop, first_row, rows, keep, out, back, curve, above)
                for h in range(n):
                    apart = copy[k, h] < 0
                    at[k, h] = place[h] if apart else at[k, h]
                    copy[k, h] = e if apart else copy[k, h]
                    probe[h] = max(at[k, h] - 1, 0)
                evaluate(e, n, at[k], of, stop, first_row, rows, keep, out, back, curve, above)
                evaluate(e, n, probe, of, stop, first_row, rows, keep, out, back, curve, below)
            settle(k, n, prices, head, copies, of, stop, factor, first_row, rows, free, keep, out, back, curve, above,
                   below, copy, at, need, own, sent, q, spilled, over, least, upper, lower)
            for h in range(n):
                price[zone[k], begin + np.uint64(h)] = q[k, h]
                spill[zone[k], begin + np.uint64(h)] = spilled[k, h]
        for h in range(n):
            cost_usd[begin + np.uint64(h)] = 0.0
        for k in range(Z):
            for i in range(start[k], start[k + 1]):
                c, g, b = cost[i], unit[i], block[i]
                for h in range(n):
                    run[h] = min(max(own[k, h] - curve[i + k, h], 0.0), width[i, h])
                if must[i] != 1:
                    for h in range(n):
                        run[h] += low[i, h]
                for h in range(n):
                    cost_usd[begin + np.uint64(h)] += c * run[h]
                if g >= 0 and wanted[g]:
                    for h in range(n):
                        generation[g, begin + np.uint64(h)] = run[h]
                elif b >= 0 and wanted[G]:
                    for h in range(n):
                        served[b, begin + np.uint64(h)] = width[i, h] - run[h]
            if wanted[G]:
                for e in range(pair_start[k], pair_start[k + 1]):
                    sign = 1.0 if pair[e, 2] == 1 else -1.0
                    for h in range(n):
                        x = sent[k, h]
                        side, limit = 0, out[k, h]
                        if x <= 0.0:
                            side, limit = 1, back[k, h]
                        share = pair_mw[e, side] * profile[pair[e, 1], h] / limit if limit > 0.0 else 0.0
                        if link_up.shape[0] > 0:
                            share *= link_up[np.uint64(when[h]), pair[e, 0]]
                        flow[pair[e, 0], begin + np.uint64(h)] = sign * x * share
