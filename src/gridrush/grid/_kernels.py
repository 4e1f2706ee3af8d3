"""Exact hourly dispatch of zones joined as a tree, for many hours.

Every zone is a supply curve: items (units, and demand blocks as load that can be given up) sorted by cost. At a price p
a zone's surplus lies between the sum of the items cheaper than p and the sum of those not dearer. A child zone hands
its surplus to its parent, cut to the limits of the link and shrunk by its loss, so the surplus of a whole subtree at a
price is one pass over its zones; the market price is where the surplus of the root is zero. A link that is cut leaves
the subtree below it a market of its own with a fixed export, solved the same way.

Arrays: items N sorted by node then cost; nodes Z in preorder (a subtree is a contiguous range); curve rows N + Z, row
``i + k`` is the surplus of node k before its item i. Hours are handled W at a time so that curves stay in cache.
"""

from __future__ import annotations

import numba as nb
import numpy as np

HOURS_AT_ONCE = 32
TIE = 1e-11  # relative distance below which two prices are the same step
SLACK_MW = 1e-9  # power below which a balance is met
WALK = 6  # steps to the neighbouring price before bisecting

# Columns of `node` (Z, 8): first item, end of items, end of subtree, parent (-1 at a root); then, moving with the
# price, the items cheaper than it and the items not dearer, and where both were last time under the root's price and
# under its own.
FIRST, LAST, STOP, PARENT, BELOW, UPTO, SEEN, HELD = range(8)
# Columns of `state` (Z, 13). KEEP: 1 - loss of the link to the parent; OUT, IN: its limits from and to the node, where
# the flow enters; ALONE: price of the subtree on its own (lossy links only); PRICE; LIFT: price at the root of the
# search over price here, 0 where it does not follow; LO, HI: range of the subtree's surplus; XLO, XHI: range the
# parent gets; NEED: surplus the subtree must have; OWN: surplus of the node's own items; SENT: flow to the parent
# where it enters.
KEEP, OUT, IN, ALONE, PRICE, LIFT, LO, HI, XLO, XHI, NEED, OWN, SENT = range(13)


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def curves(t0, n, profiles, up, load, inject, zone, unit, block, cap, avail, must, start, curve, low, width):
    """Fill low and width (N, W) of the items and curve (N + Z, W) of the nodes for hours t0 to t0 + n."""
    has_up = up.shape[0] > 0
    for k in range(start.size - 1):
        base = start[k] + k
        for h in range(n):
            curve[base, h] = inject[zone[k], t0 + h] if inject.shape[0] > 0 else 0.0
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


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
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


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy", inline="always")
def surplus(root, price, h, cost, curve, node, state):
    """Evaluate the subtree of `root` at a price: fills BELOW, UPTO, PRICE, LIFT, LO, HI, XLO, XHI."""
    stop = node[root, STOP]
    state[root, PRICE], state[root, LIFT] = price, 1.0
    for k in range(root, stop):
        if k > root:
            q, r, a = state[node[k, PARENT], PRICE], state[node[k, PARENT], LIFT], state[k, KEEP]
            if a < 1.0:
                alone = state[k, ALONE]
                if q * a >= alone * (1.0 - TIE):
                    q, r = q * a, r / a
                elif q / a <= alone * (1.0 + TIE):
                    q, r = q / a, r * a
                else:
                    q, r = alone, 0.0
            state[k, PRICE], state[k, LIFT] = q, r
        q, r = state[k, PRICE], state[k, LIFT]
        first, last = node[k, FIRST], node[k, LAST]
        under, over = q - TIE * q, q + TIE * q
        i = node[k, SEEN]
        while i > first and cost[i - 1] >= under:
            i -= 1
        while i < last and cost[i] < under:
            i += 1
        j = i
        while j < last and cost[j] <= over:
            j += 1
        node[k, BELOW], node[k, UPTO], node[k, SEEN] = i, j, i
        state[k, HI] = curve[j + k, h]
        state[k, LO] = curve[i + k, h] if q > 0.0 else -np.inf
    for k in range(stop - 1, root, -1):
        a, low, high, up = state[k, KEEP], state[k, LO], state[k, HI], node[k, PARENT]
        top, bottom = state[k, OUT], state[k, IN]
        if a == 1.0:
            low, high = min(max(low, -bottom), top), min(max(high, -bottom), top)
        else:
            q = state[up, PRICE]
            if q * a >= state[k, ALONE] * (1.0 - TIE):  # sends
                low = min(max(low, 0.0), top) * a if q > 0.0 else -bottom
                high = min(max(high, 0.0), top) * a
            elif q / a <= state[k, ALONE] * (1.0 + TIE):  # receives
                low, high = -min(max(-low / a, 0.0), bottom), -min(max(-high / a, 0.0), bottom)
            else:
                low, high = 0.0, 0.0
        state[k, XLO], state[k, XHI] = low, high
        state[up, LO] += low
        state[up, HI] += high


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy", inline="always")
def _above(root, cost, node, state):
    """Next price at the root above the present one at which anything in the subtree changes; inf when there is none."""
    price, best = state[root, PRICE], np.inf
    for k in range(root, node[root, STOP]):
        r, j = state[k, LIFT], node[k, UPTO]
        if r > 0.0 and j < node[k, LAST]:
            best = min(best, cost[j] * r)
        if state[k, KEEP] < 1.0 and k > root:
            for edge in _edges(k, node, state):
                if edge > price * (1.0 + 4.0 * TIE):
                    best = min(best, edge)
    return best


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy", inline="always")
def _below(root, cost, node, state):
    """Next price at the root below the present one; -1 when the present one is zero."""
    price, best = state[root, PRICE], 0.0 if state[root, PRICE] > 0.0 else -1.0
    for k in range(root, node[root, STOP]):
        r, i = state[k, LIFT], node[k, BELOW]
        if r > 0.0 and i > node[k, FIRST]:
            best = max(best, cost[i - 1] * r)
        if state[k, KEEP] < 1.0 and k > root:
            for edge in _edges(k, node, state):
                if edge < price * (1.0 - 4.0 * TIE):
                    best = max(best, edge)
    return best


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def _edges(k, node, state):
    """Prices at the root of the search at which a lossy node starts to send and stops to receive."""
    r = state[node[k, PARENT], LIFT]
    return state[k, ALONE] / state[k, KEEP] * r, state[k, ALONE] * state[k, KEEP] * r


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy", inline="always")
def _clear_leaf(k, target, h, cost, curve, node, state):
    """`clear` of a node without children: a walk along its own curve."""
    first, last = node[k, FIRST], node[k, LAST]
    i = min(node[k, HELD], last - 1)
    while i > first and curve[i + k, h] >= target - SLACK_MW:
        i -= 1
    while i < last - 1 and curve[i + 1 + k, h] < target - SLACK_MW:
        i += 1
    price = 0.0
    if last > first and curve[first + k, h] < target - SLACK_MW:
        price = max(cost[i], 0.0)
    i, j, under, over = max(i, first), max(i, first), price - TIE * price, price + TIE * price
    while i > first and cost[i - 1] >= under:
        i -= 1
    while i < last and cost[i] < under:
        i += 1
    while j < last and cost[j] <= over:
        j += 1
    node[k, BELOW], node[k, UPTO], node[k, HELD] = i, j, i
    state[k, PRICE], state[k, LIFT] = price, 1.0
    state[k, HI] = curve[j + k, h]
    state[k, LO] = curve[i + k, h] if price > 0.0 else -np.inf
    return price


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def clear(root, target, guess, h, steps, cost, curve, node, state):
    """Price at which the subtree of `root` has the surplus `target`, and leave the subtree evaluated there.

    steps: all different costs above zero, to bisect on when the guess is far off.
    """
    price, bottom, top, turn = guess, 0.0, np.inf, 0
    while True:
        surplus(root, price, h, cost, curve, node, state)
        if state[root, HI] < target - SLACK_MW:
            bottom = _above(root, cost, node, state)
            if bottom == np.inf or bottom > top:
                return price
            price = bottom
        elif state[root, LO] > target + SLACK_MW:
            top = _below(root, cost, node, state)
            if top < bottom:
                return price
            price = top
        else:
            return price
        turn += 1
        if turn > WALK:
            left, right = _count(steps, bottom), _count(steps, top)
            if right - left > 2:
                price = steps[(left + right) // 2]


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy", inline="always")
def settle(k, h, curve, node, state):
    """Share out the surplus NEED of a node between its own items and its children; gives the power spilled here.

    Children first stop sending, then own items are held back, then power is spilled, then children receive: no flow is
    made that is worth nothing. Fills OWN here, NEED and SENT of the children.
    """
    over = state[k, HI] - state[k, NEED]
    stop = node[k, STOP]
    own, least = curve[node[k, UPTO] + k, h], curve[node[k, BELOW] + k, h]
    c = k + 1
    while c < stop:
        x = state[c, XHI]
        if x > 0.0 and over > 0.0:
            cut = min(over, x - max(state[c, XLO], 0.0))
            x -= cut
            over -= cut
        state[c, SENT] = x
        c = node[c, STOP]
    spilled = 0.0
    if over > 0.0:
        cut = min(over, own - least)
        own -= cut
        over -= cut
        if state[k, PRICE] <= 0.0:
            spilled = over
            over = 0.0
    c = k + 1
    while c < stop:
        x = state[c, SENT]
        if over > 0.0 and x > state[c, XLO]:
            cut = min(over, x - state[c, XLO])
            x -= cut
            over -= cut
        state[c, NEED] = x / state[c, KEEP] if x > 0.0 else x * state[c, KEEP]
        state[c, SENT] = state[c, NEED] if x > 0.0 else x
        c = node[c, STOP]
    state[k, OWN] = own - over
    return spilled


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy", inline="always")
def limits(t, profiles, link_up, pair, pair_mw, pair_start, state):
    """Fill OUT and IN of every node for one hour from the links that join it to its parent."""
    for k in range(state.shape[0]):
        out, back = 0.0, 0.0
        for e in range(pair_start[k], pair_start[k + 1]):
            share = profiles[pair[e, 1], t]
            if link_up.shape[0] > 0:
                share *= link_up[t, pair[e, 0]]
            out += pair_mw[e, 0] * share
            back += pair_mw[e, 1] * share
        state[k, OUT], state[k, IN] = out, back


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy", inline="always")
def evaluate_alone(h, steps, cost, curve, node, state):
    """Fill ALONE of every node that hangs on a lossy link, leaves first."""
    for k in range(node.shape[0] - 1, -1, -1):
        if state[k, KEEP] < 1.0 and node[k, PARENT] >= 0:
            if node[k, STOP] == k + 1:
                state[k, ALONE] = _clear_leaf(k, 0.0, h, cost, curve, node, state)
            else:
                state[k, ALONE] = clear(k, 0.0, state[k, ALONE], h, steps, cost, curve, node, state)


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def one_hour(h, steps, cost, curve, node, state, guess, spilled):
    """Clear all markets of one hour, parents before children; fills PRICE, OWN, SENT and spilled (Z,)."""
    evaluate_alone(h, steps, cost, curve, node, state)
    for k in range(node.shape[0]):
        root = node[k, PARENT] < 0
        if root:
            state[k, NEED] = 0.0
            state[k, SENT] = 0.0
        need = state[k, NEED]
        if root or need < state[k, LO] - SLACK_MW or need > state[k, HI] + SLACK_MW:
            if node[k, STOP] == k + 1:
                _clear_leaf(k, need, h, cost, curve, node, state)
            else:
                guess[k] = clear(k, need, guess[k], h, steps, cost, curve, node, state)
        spilled[k] = settle(k, h, curve, node, state)


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def workspace(start, stop, parent, keep):
    """node and state before the first hour."""
    Z = stop.size
    node, state = np.empty((Z, 8), np.int64), np.zeros((Z, 13))
    for k in range(Z):
        node[k, FIRST], node[k, LAST], node[k, STOP], node[k, PARENT] = start[k], start[k + 1], stop[k], parent[k]
        node[k, BELOW:] = start[k]
        state[k, KEEP] = keep[k]
    return node, state


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def tree(
    profiles, up, link_up, load, inject, unit, block, cap, avail, must, cost, start, steps, stop, parent, zone, keep,
    pair, pair_mw, pair_start, t_first, t_last, generation, served, flow, price, spill, cost_usd, detail,
):
    """Dispatch hours t_first to t_last of a forest.

    profiles (K, T), up (T, G) or (0, 0), link_up (T, L) or (0, 0), load (T, B), inject (Z, T) or (0, 0): power from
    elsewhere. Outputs run along time: generation (G, T), served (B, T), flow (L, T), price and spill (Z, T), cost_usd
    (T,); generation and served are left alone unless `detail`.
    """
    N, Z, W = unit.size, zone.size, HOURS_AT_ONCE
    curve, low, width = np.empty((N + Z, W)), np.empty((N, W)), np.empty((N, W))
    node, state = workspace(start, stop, parent, keep)
    guess, spilled, own = np.zeros(Z), np.zeros(Z), np.empty((Z, W))
    for t0 in range(t_first, t_last, W):
        n = min(W, t_last - t0)
        curves(t0, n, profiles, up, load, inject, zone, unit, block, cap, avail, must, start, curve, low, width)
        for h in range(n):
            t = t0 + h
            limits(t, profiles, link_up, pair, pair_mw, pair_start, state)
            one_hour(h, steps, cost, curve, node, state, guess, spilled)
            for k in range(Z):
                price[zone[k], t] = state[k, PRICE]
                spill[zone[k], t] = spilled[k]
                own[k, h] = state[k, OWN]
                x = state[k, SENT]
                side = 0 if x > 0.0 else 1
                limit = state[k, OUT] if x > 0.0 else state[k, IN]
                for e in range(pair_start[k], pair_start[k + 1]):
                    share = pair_mw[e, side] * profiles[pair[e, 1], t] / limit if limit > 0.0 else 0.0
                    if link_up.shape[0] > 0:
                        share *= link_up[t, pair[e, 0]]
                    flow[pair[e, 0], t] = x * share if pair[e, 2] == 1 else -x * share
        for h in range(n):
            cost_usd[t0 + h] = 0.0
        for k in range(Z):
            for i in range(start[k], start[k + 1]):
                c, g, b = cost[i], unit[i], block[i]
                if detail and g >= 0:
                    for h in range(n):
                        x = low[i, h] + min(max(own[k, h] - curve[i + k, h], 0.0), width[i, h])
                        generation[g, t0 + h] = x
                        cost_usd[t0 + h] += c * x
                elif detail:
                    for h in range(n):
                        x = min(max(own[k, h] - curve[i + k, h], 0.0), width[i, h])
                        served[b, t0 + h] = width[i, h] - x
                        cost_usd[t0 + h] += c * x
                else:
                    for h in range(n):
                        cost_usd[t0 + h] += c * (low[i, h] + min(max(own[k, h] - curve[i + k, h], 0.0), width[i, h]))


@nb.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def response(
    profiles, up, link_up, load, inject, unit, block, cap, avail, must, cost, start, steps, stop, parent, zone, keep,
    pair, pair_mw, pair_start, t_first, t_last, ladder, table,
):
    """Surplus that everything together offers to the zone of node 0 at each price of the ladder (rising): table (T,

    M)."""
    N, Z, W = unit.size, zone.size, HOURS_AT_ONCE
    curve, low, width = np.empty((N + Z, W)), np.empty((N, W)), np.empty((N, W))
    node, state = workspace(start, stop, parent, keep)
    for t0 in range(t_first, t_last, W):
        n = min(W, t_last - t0)
        curves(t0, n, profiles, up, load, inject, zone, unit, block, cap, avail, must, start, curve, low, width)
        for h in range(n):
            limits(t0 + h, profiles, link_up, pair, pair_mw, pair_start, state)
            evaluate_alone(h, steps, cost, curve, node, state)
            for m in range(ladder.size):
                surplus(0, ladder[m], h, cost, curve, node, state)
                table[t0 + h, m] = state[0, HI]
