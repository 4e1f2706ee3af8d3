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
market inside it is searched on the same list. Hours are handled W at a time so that curves stay in cache.
"""

from __future__ import annotations

import numba as nb
import numpy as np

HOURS_AT_ONCE = 32
SLACK_MW = 1e-9  # power below which a balance is met


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
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
                        low[i, h] *= up[np.uint64(when[h]), g]
                for h in range(n):
                    curve[base, h] += low[i, h]
            if has_up and in_a_row:
                for h in range(n):
                    width[i, h] *= up[first + np.uint64(h), g]
            elif has_up:
                for h in range(n):
                    width[i, h] *= up[np.uint64(when[h]), g]
        for i in range(start[k], start[k + 1]):
            for h in range(n):
                curve[i + k + 1, h] = curve[i + k, h] + width[i, h]


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
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


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def evaluate(market, n, hours, at, of, stop, first_row, rows, keep, out, back, curve, value):
    """Surplus of copy `market` and all below it at places `at` (W,) of the prices: value (E, W) in the given hours.

    No argument here or in `search` may be a plain number: numba compiles a version for each.
    """
    for e in range(stop[market] - 1, market - 1, -1):
        row, own = first_row[e], value[e]
        for j in range(n):
            h = np.uint64(hours[j])
            own[h] = curve[np.uint64(rows[np.uint64(row + at[h])]), h]
        c = e + 1
        while c < stop[e]:
            k = of[c]
            a, sends, most, least = keep[k], value[c], out[k], back[k]
            if a == 1.0:
                for j in range(n):
                    h = np.uint64(hours[j])
                    own[h] += min(max(sends[h], -least[h]), most[h])
                c = stop[c]
            else:
                d = stop[c]
                receives, more = value[d], 1.0 / a
                for j in range(n):
                    h = np.uint64(hours[j])
                    own[h] += min(max(sends[h], 0.0), most[h]) * a - min(max(-receives[h], 0.0) * more, least[h])
                c = stop[d]


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def search(market, most, n, hours, need, at, top, of, stop, first_row, rows, keep, out, back, curve, value):
    """Lowest place at (W,), 0 to `most`, at which the surplus of copy `market` is `need` (W,), in the given hours."""
    for j in range(n):
        h = np.uint64(hours[j])
        at[h], top[h] = most >> 1, most
    bottom, left = np.zeros(at.size, np.int64), most
    while left > 0:
        evaluate(market, n, hours, at, of, stop, first_row, rows, keep, out, back, curve, value)
        left >>= 1
        for j in range(n):
            h = np.uint64(hours[j])
            enough = value[market, h] >= need[h] - SLACK_MW
            top[h] = at[h] if enough else top[h]
            bottom[h] = bottom[h] if enough else min(at[h] + 1, top[h])
            at[h] = (bottom[h] + top[h]) >> 1


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def settle(
    k, n, prices, head, of, stop, factor, first_row, rows, free, keep, out, back, curve, high, low, copy, at, need,
    own, sent, price, spilled,
):
    """Share out the surplus a node must have between its own items and its children, and find out which children go on
    in its market; the others get copy -1.

    Children first stop sending, then own items are held back, then power is spilled, then children receive: no flow is
    made that is worth nothing. Rows of copy, at, need, own, sent, price, spilled (Z, W) are nodes.
    """
    for h in range(n):
        e, m = copy[k, h], at[k, h]
        row, last = first_row[e] + m, stop[e]
        q = prices[np.uint64(head[k] + m)] * factor[e]
        over = high[e, h] - need[k, h]
        x_own = curve[np.uint64(rows[np.uint64(row)]), h]
        least = curve[np.uint64(rows[np.uint64(row - 1)]), h] if m > 0 else curve[free[k], h]
        c = e + 1
        while c < last:
            z = of[c]
            a, d = keep[z], c
            if a == 1.0:
                x = min(max(high[c, h], -back[z, h]), out[z, h])
                x_least = min(max(low[c, h], -back[z, h]), out[z, h])
            else:
                d = stop[c]
                x = min(max(high[c, h], 0.0), out[z, h]) * a - min(max(-high[d, h], 0.0) / a, back[z, h])
                x_least = min(max(low[c, h], 0.0), out[z, h]) * a - min(max(-low[d, h], 0.0) / a, back[z, h])
            if m == 0:
                x_least = -back[z, h]
            if x > 0.0 and over > 0.0:
                cut = min(over, x - max(x_least, 0.0))
                x -= cut
                over -= cut
            sent[z, h], own[z, h] = x, x_least
            c = stop[d]
        if over > 0.0:
            cut = min(over, x_own - least)
            x_own -= cut
            over -= cut
        spilled[k, h] = 0.0
        if q <= 0.0 and over > 0.0:
            spilled[k, h] = over
            over = 0.0
        c = e + 1
        while c < last:
            z = of[c]
            a, d = keep[z], c
            if a < 1.0:
                d = stop[c]
            x, x_least = sent[z, h], own[z, h]
            if over > 0.0 and x > x_least:
                cut = min(over, x - x_least)
                x -= cut
                over -= cut
            want = x / a if x > 0.0 else x * a
            follows = c if x > 0.0 else d
            copy[z, h], at[z, h] = follows, m
            if (a < 1.0 and x == 0.0) or want > high[follows, h] + SLACK_MW or (
                m > 0 and want < low[follows, h] - SLACK_MW
            ):
                copy[z, h] = -1
            need[z, h], sent[z, h] = want, (want if x > 0.0 else x)
            c = stop[d]
        own[k, h], price[k, h] = x_own - over, q


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def tree(
    profiles, up, link_up, load, inject, unit, block, cap, avail, must, cost, start, zone, parent, keep, free, pair,
    pair_mw, pair_start, prices, head, most, copies, of, stop, factor, first_row, rows, which, t_first, t_last,
    generation, served, flow, price, spill, cost_usd, wanted,
):
    """Dispatch hours which[t_first] to which[t_last - 1] of a forest, into columns t_first to t_last.

    profiles (K, T), up (T, G) or (0, 0), link_up (T, L) or (0, 0), load (T, B), inject (Z, T) or (0, 0): power from
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
    hours, top, run = np.empty(W, np.int64), np.empty(W, np.int64), np.empty(W)
    for t0 in range(t_first, t_last, W):
        when = which[t0 : min(t0 + W, t_last)]
        n, begin = when.size, np.uint64(t0)
        curves(when, profiles, up, load, inject, zone, unit, block, cap, avail, must, start, curve, low, width, profile)
        limits(when, profile, link_up, pair, pair_mw, pair_start, out, back)
        for k in range(Z):
            alone = n - n
            for h in range(n):
                if parent[k] < 0:
                    copy[k, h], need[k, h], sent[k, h] = -1, 0.0, 0.0
                if copy[k, h] < 0:
                    hours[alone] = h
                    alone += 1
                    copy[k, h] = copies[k]
            if alone > 0:
                e = copies[k]
                search(e, most[k], alone, hours, need[k], at[k], top, of, stop, first_row, rows, keep, out, back, curve,
                       above)
                for j in range(alone):
                    top[hours[j]] = max(at[k, hours[j]] - 1, 0)
                evaluate(e, alone, hours, at[k], of, stop, first_row, rows, keep, out, back, curve, above)
                evaluate(e, alone, hours, top, of, stop, first_row, rows, keep, out, back, curve, below)
            settle(k, n, prices, head, of, stop, factor, first_row, rows, free, keep, out, back, curve, above, below,
                   copy, at, need, own, sent, q, spilled)
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


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def response(
    profiles, up, link_up, load, inject, unit, block, cap, avail, must, cost, start, zone, parent, keep, free, pair,
    pair_mw, pair_start, prices, head, most, copies, of, stop, factor, first_row, rows, change_from, changed, item,
    which, t_first, t_last, draw, give, begin, listed, offered,
):
    """What the rest offers to the zone of node 0, about where it stands: places of prices and the surplus at each.

    draw, give: power the zone may be short of or have over. Hour t has entries begin[t - t_first] to begin[t - t_first
    + 1] of listed and offered, from the lowest price at which the surplus is -draw to the lowest at which it is
    `give`; prices at which nothing changes are left out. Gives the number of entries; when there are more than the
    arrays hold the rest is not written.
    """
    N, Z, W = unit.size, zone.size, HOURS_AT_ONCE
    curve, low, width = np.empty((N + Z, W)), np.empty((N, W)), np.empty((N, W))
    profile = np.empty((profiles.shape[0], W))
    out, back, value = np.empty((Z, W)), np.empty((Z, W)), np.empty((of.size, W))
    hours, at, top, need = np.empty(W, np.int64), np.empty(W, np.int64), np.empty(W, np.int64), np.full(W, -draw)
    above, side = np.full(of.size, -1), np.zeros(of.size, np.int64)  # copy it hangs from; 1 sends, 2 receives, 0 both
    for e in range(copies[0], stop[copies[0]]):
        c = e + 1
        while c < stop[e]:
            above[c] = e
            if keep[of[c]] < 1.0:
                side[c] = 1
                c = stop[c]
                above[c], side[c] = e, 2
            c = stop[c]
    own = np.empty(of.size)
    filled = 0
    begin[0] = 0
    for t0 in range(t_first, t_last, W):
        when = which[t0 : min(t0 + W, t_last)]
        n = when.size
        curves(when, profiles, up, load, inject, zone, unit, block, cap, avail, must, start, curve, low, width, profile)
        limits(when, profile, link_up, pair, pair_mw, pair_start, out, back)
        for h in range(n):
            hours[h] = h
        search(copies[0], most[0], n, hours, need, at, top, of, stop, first_row, rows, keep, out, back, curve, value)
        evaluate(copies[0], n, hours, at, of, stop, first_row, rows, keep, out, back, curve, value)
        for h in range(n):
            m, e = at[h], np.uint64(copies[0])
            for c in range(e, np.uint64(stop[e])):
                own[c] = value[c, h]
            told = own[e]
            if filled < listed.size:
                listed[filled], offered[filled] = m, told
            filled += 1
            while own[e] < give and m < most[0]:
                m += 1
                for x in range(np.uint64(change_from[m]), np.uint64(change_from[m + 1])):
                    c, more = np.uint64(changed[x]), width[np.uint64(item[x]), h]
                    while more > 0.0:  # up the tree, as far as links let it
                        before = own[c]
                        own[c] = before + more
                        if c == e:
                            break
                        k = np.uint64(of[c])
                        if side[c] == 0:
                            more = min(max(own[c], -back[k, h]), out[k, h]) - min(max(before, -back[k, h]), out[k, h])
                        elif side[c] == 1:
                            more = (min(max(own[c], 0.0), out[k, h]) - min(max(before, 0.0), out[k, h])) * keep[k]
                        else:
                            more = min(max(-before, 0.0) / keep[k], back[k, h])
                            more -= min(max(-own[c], 0.0) / keep[k], back[k, h])
                        c = np.uint64(above[c])
                if own[e] > told + SLACK_MW:
                    told = own[e]
                    if filled < listed.size:
                        listed[filled], offered[filled] = m, told
                    filled += 1
            begin[t0 + h - t_first + 1] = filled
    return filled
