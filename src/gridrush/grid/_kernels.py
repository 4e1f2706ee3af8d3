"""Exact hourly dispatch of zones joined as a tree, for many hours.

Every zone is a supply curve: items (units, and demand blocks as load that can be given up) sorted by cost. At a price p
a zone's surplus lies between the sum of the items cheaper than p and the sum of those not dearer. A child zone hands its
surplus to its parent, cut to the limits of the link and shrunk by its loss, so the surplus of a whole subtree at a price is
one pass over its zones; the market price is where the surplus of the root is zero. A link that is cut leaves the subtree
below it a market of its own with a fixed export, solved the same way.

Arrays: items N sorted by node then cost; nodes Z in preorder (a subtree is a contiguous range); curve rows N + Z, row
``i + k`` is the surplus of node k before its item i. Hours are handled W at a time so that curves stay in cache.
"""

from __future__ import annotations

import numba as nb
import numpy as np

HOURS_AT_ONCE = 32
TIE = 1e-11  # relative distance below which two prices are the same step
SLACK_MW = 1e-9  # power below which a balance is met
WALK = 4  # steps to the neighbouring price before bisecting


@nb.njit(cache=True, nogil=True, boundscheck=False)
def curves(t0, n, profiles, up, load, unit, block, cap, avail, must, start, curve, low, width):
    """Fill low and width (N, W) of the items and curve (N + Z, W) of the nodes for hours t0 to t0 + n."""
    has_up = up.shape[0] > 0
    for k in range(start.size - 1):
        base = start[k] + k
        for h in range(n):
            curve[base, h] = 0.0
        for i in range(start[k], start[k + 1]):
            if block[i] >= 0:
                b = block[i]
                for h in range(n):
                    width[i, h] = load[t0 + h, b]
                    low[i, h] = 0.0
                    curve[base, h] -= load[t0 + h, b]
                continue
            g, c, a, m = unit[i], cap[i], avail[i], must[i]
            if m == 1:  # the row of zeros: nothing must run
                for h in range(n):
                    width[i, h] = c * profiles[a, t0 + h]
                    low[i, h] = 0.0
            else:
                for h in range(n):
                    top = c * profiles[a, t0 + h]
                    low[i, h] = min(top, c * profiles[m, t0 + h])
                    width[i, h] = top - low[i, h]
            if has_up:
                for h in range(n):
                    width[i, h] *= up[t0 + h, g]
                    low[i, h] *= up[t0 + h, g]
            if m != 1:
                for h in range(n):
                    curve[base, h] += low[i, h]
        for i in range(start[k], start[k + 1]):
            for h in range(n):
                curve[i + k + 1, h] = curve[i + k, h] + width[i, h]


@nb.njit(cache=True, nogil=True, boundscheck=False, inline="always")
def _span(cost, first, last, at, price):
    """Items of a node cheaper than price, and not dearer: (first <= below <= upto <= last), near the hint `at`."""
    under, over = price - TIE * price, price + TIE * price
    k = at
    while k > first and cost[k - 1] >= under:
        k -= 1
    while k < last and cost[k] < under:
        k += 1
    j = k
    while j < last and cost[j] <= over:
        j += 1
    return k, j


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _count(steps, price):
    """How many steps are not above price."""
    left, right = 0, steps.size
    while left < right:
        mid = (left + right) // 2
        if steps[mid] <= price:
            left = mid + 1
        else:
            right = mid
    return left


@nb.njit(cache=True, nogil=True, boundscheck=False)
def surplus(root, price, h, cost, start, stop, parent, keep, out_mw, in_mw, curve, alone, at, upto, p, rate, lo, hi, xlo, xhi):
    """Surplus of the subtree of `root` at a price: fills p, rate, lo, hi, xlo, xhi of its nodes; next price below and above.

    keep: 1 - loss of the link to the parent; out_mw, in_mw: its limits from and to the node, measured where the flow
    enters; alone: price of the subtree on its own (only read for lossy links); rate: price here over
    price at the root, 0 where it does not follow; xlo, xhi: what the parent gets.
    """
    below, above = -1.0, np.inf
    p[root], rate[root] = price, 1.0
    for k in range(root, stop[root]):
        if k > root:
            q, r, a = p[parent[k]], rate[parent[k]], keep[k]
            if a < 1.0:
                if r > 0.0:
                    for edge in (alone[k] / a / r, alone[k] * a / r):  # starts to send, stops to receive
                        if edge > price * (1.0 + 4.0 * TIE):
                            above = min(above, edge)
                        elif edge < price * (1.0 - 4.0 * TIE):
                            below = max(below, edge)
                if q * a >= alone[k] * (1.0 - TIE):
                    q, r = q * a, r * a
                elif q / a <= alone[k] * (1.0 + TIE):
                    q, r = q / a, r / a
                else:
                    q, r = alone[k], 0.0
            p[k], rate[k] = q, r
        first, last, r = start[k], start[k + 1], rate[k]
        i, j = _span(cost, first, last, at[k], p[k])
        at[k], upto[k] = i, j
        hi[k] = curve[j + k, h]
        lo[k] = curve[i + k, h] if p[k] > 0.0 else -np.inf
        if r > 0.0:
            if j < last:
                above = min(above, cost[j] / r)
            if i > first and cost[i - 1] > 0.0:
                below = max(below, cost[i - 1] / r)
            elif p[k] > 0.0:
                below = max(below, 0.0)
    for k in range(stop[root] - 1, root, -1):
        a = keep[k]
        if a == 1.0:
            xlo[k] = min(max(lo[k], -in_mw[k]), out_mw[k])
            xhi[k] = min(max(hi[k], -in_mw[k]), out_mw[k])
        else:
            q = p[parent[k]]
            if q * a >= alone[k] * (1.0 - TIE):  # sends
                xlo[k] = min(max(lo[k], 0.0), out_mw[k]) * a
                xhi[k] = min(max(hi[k], 0.0), out_mw[k]) * a
                if q <= 0.0:
                    xlo[k] = -in_mw[k]
            elif q / a <= alone[k] * (1.0 + TIE):  # receives
                xlo[k] = -min(max(-lo[k] / a, 0.0), in_mw[k])
                xhi[k] = -min(max(-hi[k] / a, 0.0), in_mw[k])
            else:
                xlo[k] = 0.0
                xhi[k] = 0.0
        lo[parent[k]] += xlo[k]
        hi[parent[k]] += xhi[k]
    return below, above


@nb.njit(cache=True, nogil=True, boundscheck=False)
def clear(root, target, guess, h, steps, cost, start, stop, parent, keep, out_mw, in_mw, curve, alone, at, upto, p, rate, lo, hi, xlo, xhi):
    """Price at which the subtree of `root` has the surplus `target`; leaves the subtree evaluated there. steps: all costs."""
    price, bottom, top, turn = guess, 0.0, np.inf, 0
    while True:
        below, above = surplus(
            root, price, h, cost, start, stop, parent, keep, out_mw, in_mw, curve, alone, at, upto, p, rate, lo, hi, xlo, xhi
        )
        if hi[root] < target - SLACK_MW:
            if above == np.inf or above > top:
                return price
            bottom, price = above, above
        elif lo[root] > target + SLACK_MW:
            if below < bottom:
                return price
            top, price = below, below
        else:
            return price
        turn += 1
        if turn > WALK:
            left, right = _count(steps, bottom), _count(steps, top)
            if right - left > 2:
                price = steps[(left + right) // 2]


@nb.njit(cache=True, nogil=True, boundscheck=False)
def settle(root, h, start, stop, parent, keep, curve, alone, at, upto, p, rate, lo, hi, xlo, xhi, need, own, sent):
    """Share out the surplus need[root] between the node's own items and its children.

    Children first stop sending, then own items are held back, then children receive, then power is spilled: no flow
    is made that is worth nothing. Fills own[root] and, for the children, need (their side) and sent (flow entering the
    link, positive from the child).
    """
    k = root
    over = hi[k] - need[k]
    own_hi = curve[upto[k] + k, h]
    own_lo = curve[at[k] + k, h]
    got = own_hi
    c = k + 1
    while c < stop[k]:
        x = xhi[c]
        if x > 0.0 and over > 0.0:
            cut = min(over, x - max(xlo[c], 0.0))
            x -= cut
            over -= cut
        sent[c] = x
        c = stop[c]
    if over > 0.0:
        cut = min(over, own_hi - own_lo)
        got -= cut
        over -= cut
    if over > 0.0 and p[k] <= 0.0:  # nothing is worth anything here: spill
        got -= over
        over = 0.0
    c = k + 1
    while c < stop[k]:
        x = sent[c]
        if over > 0.0 and x > xlo[c]:
            cut = min(over, x - xlo[c])
            x -= cut
            over -= cut
        if x > 0.0:
            need[c] = x / keep[c]
            sent[c] = need[c]
        else:
            need[c] = x * keep[c]
            sent[c] = x
        c = stop[c]
    own[k] = got - over


@nb.njit(cache=True, nogil=True, boundscheck=False)
def tree(
    profiles, up, load, unit, block, cap, avail, must, cost, start, steps,
    stop, parent, zone, keep, pair_out, pair_in, pair_rows, pair_start, link_up,
    t_first, t_last, generation, served, flow, price, spill, cost_usd, detail,
):  # profiles (K, T), up (T, G) or (0, 0), load (T, B), pair_*: the links that make up each node's link to its parent
    """Dispatch hours t_first to t_last of a forest. Outputs run along time: generation (G, T), served (B, T), flow (L, T),
    price and spill (Z, T), cost_usd (T,); generation and served are left alone unless `detail`."""
    N, Z, W = unit.size, zone.size, HOURS_AT_ONCE
    curve, low, width = np.empty((N + Z, W)), np.empty((N, W)), np.empty((N, W))
    at, upto = start[:-1].copy(), start[:-1].copy()
    p, rate, lo, hi, xlo, xhi = np.zeros(Z), np.ones(Z), np.zeros(Z), np.zeros(Z), np.zeros(Z), np.zeros(Z)
    alone, need, own, sent, guess = np.zeros(Z), np.zeros(Z), np.zeros(Z), np.zeros(Z), np.zeros(Z)
    own_all = np.empty((Z, W))
    out_mw, in_mw = np.zeros(Z), np.zeros(Z)
    has_link_up = link_up.shape[0] > 0
    for t0 in range(t_first, t_last, W):
        n = min(W, t_last - t0)
        curves(t0, n, profiles, up, load, unit, block, cap, avail, must, start, curve, low, width)
        for h in range(n):
            t = t0 + h
            for k in range(Z):
                out_mw[k] = 0.0
                in_mw[k] = 0.0
                for e in range(pair_start[k], pair_start[k + 1]):
                    share = profiles[pair_rows[e, 1], t]
                    if has_link_up:
                        share *= link_up[t, pair_rows[e, 0]]
                    out_mw[k] += pair_out[e] * share
                    in_mw[k] += pair_in[e] * share
            for k in range(Z - 1, -1, -1):
                if keep[k] < 1.0 and parent[k] >= 0:
                    alone[k] = clear(
                        k, 0.0, alone[k], h, steps, cost, start, stop, parent, keep, out_mw, in_mw, curve, alone,
                        at, upto, p, rate, lo, hi, xlo, xhi,
                    )
            for k in range(Z):
                if parent[k] < 0:
                    need[k] = 0.0
                    sent[k] = 0.0
                if parent[k] < 0 or need[k] < lo[k] - SLACK_MW or need[k] > hi[k] + SLACK_MW:
                    guess[k] = clear(
                        k, need[k], guess[k], h, steps, cost, start, stop, parent, keep, out_mw, in_mw, curve, alone,
                        at, upto, p, rate, lo, hi, xlo, xhi,
                    )
                settle(k, h, start, stop, parent, keep, curve, alone, at, upto, p, rate, lo, hi, xlo, xhi, need, own, sent)
                z = zone[k]
                price[z, t] = p[k]
                floor = curve[at[k] + k, h]
                if own[k] < floor and p[k] <= 0.0:
                    spill[z, t] = floor - own[k]
                    own[k] = floor
                else:
                    spill[z, t] = 0.0
                own_all[k, h] = own[k]
                x = sent[k]
                for e in range(pair_start[k], pair_start[k + 1]):
                    link = pair_rows[e, 0]
                    limit = out_mw[k] if x > 0.0 else in_mw[k]
                    share = profiles[pair_rows[e, 1], t] / limit if limit > 0.0 else 0.0
                    if has_link_up:
                        share *= link_up[t, link]
                    part = share * (pair_out[e] if x > 0.0 else pair_in[e])
                    flow[link, t] = x * part if pair_rows[e, 2] == 1 else -x * part
        for h in range(n):
            cost_usd[t0 + h] = 0.0
        for k in range(Z):
            for i in range(start[k], start[k + 1]):
                c = cost[i]
                if detail and unit[i] >= 0:
                    g = unit[i]
                    for h in range(n):
                        x = low[i, h] + min(max(own_all[k, h] - curve[i + k, h], 0.0), width[i, h])
                        generation[g, t0 + h] = x
                        cost_usd[t0 + h] += c * x
                elif detail:
                    b = block[i]
                    for h in range(n):
                        x = min(max(own_all[k, h] - curve[i + k, h], 0.0), width[i, h])
                        served[b, t0 + h] = width[i, h] - x
                        cost_usd[t0 + h] += c * x
                else:
                    for h in range(n):
                        cost_usd[t0 + h] += c * (low[i, h] + min(max(own_all[k, h] - curve[i + k, h], 0.0), width[i, h]))
