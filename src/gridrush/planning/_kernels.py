"""Clearing of many hours at given values of stored energy, and the bound that any prices give.

A zone is a curve: items (units, and blocks as load that can be given up) sorted by cost; at price p its surplus is
what the cheaper items give. A zone hands its surplus up the tree of zones, cut to the limits of the link. The price
of a market is the first step at which its surplus is not negative; everybody's best answer is known just below and
just above it, and the dispatch is the mixture of the two that balances. A link at its limit makes the subtree below
it a market of its own.
"""

from __future__ import annotations

import numpy as np

from gridrush._jit import kernel

SLACK_MW = 1e-7
SPILL, NOTHING = -1, -2  # slots that are no item


@kernel
def _count(cost, n, p, plus):
    """How many of the first n sorted costs are < p, or <= p when plus."""
    a, b = 0, n
    while a < b:
        m = (a + b) // 2
        if cost[m] < p or (plus and cost[m] <= p):
            a = m + 1
        else:
            b = m
    return a


@kernel
def _answer(root, p, plus, stop, parent, keep, out_mw, in_mw, alone, cost, cum, count, price, flow, net):
    """Surplus of the subtree at a price of its root; fills price, flow (at the parent's end) and net of its nodes."""
    price[root] = p
    net[root] = cum[root, _count(cost[root], count[root], p, plus)]
    for k in range(root + 1, stop[root]):
        q, a = price[parent[k]], keep[k]
        if a < 1.0:
            q = min(max(q * a, min(alone[k], q / a)), q / a)
        price[k] = q
        net[k] = cum[k, _count(cost[k], count[k], q, plus)]
    for k in range(stop[root] - 1, root, -1):
        x, a = net[k], keep[k]
        if a < 1.0:
            q = price[parent[k]]
            if q * a >= alone[k]:
                x = min(max(x, 0.0), out_mw[k]) * a
            elif q / a <= alone[k]:
                x = -min(max(-x / a, 0.0), in_mw[k])
            else:
                x = 0.0
        else:
            x = min(max(x, -in_mw[k]), out_mw[k])
        flow[k] = x
        net[parent[k]] += x
    return net[root]


@kernel
def _solve(
    root,
    target,
    floor,
    lossy,
    steps,
    n_steps,
    stop,
    parent,
    keep,
    out_mw,
    in_mw,
    alone,
    cost,
    cum,
    count,
    price_lo,
    flow_lo,
    net_lo,
    price_hi,
    flow_hi,
    net_hi,
):
    """Price not under floor at which the subtree's surplus is target; share of the answer above in the mixture."""
    if not lossy:
        a, b = _count(steps, n_steps, floor, False), n_steps - 1
        while a < b:
            m = (a + b) // 2
            x = _answer(
                root,
                steps[m],
                True,
                stop,
                parent,
                keep,
                out_mw,
                in_mw,
                alone,
                cost,
                cum,
                count,
                price_hi,
                flow_hi,
                net_hi,
            )
            if x >= target - SLACK_MW:
                b = m
            else:
                a = m + 1
        left, right, plus = steps[b], steps[b], False
    else:
        left, right, plus = floor - 1e-9 * (1.0 + floor), steps[n_steps - 1], True
        while right - left > 1e-14 * steps[n_steps - 1]:
            p = 0.5 * (left + right)
            x = _answer(
                root, p, True, stop, parent, keep, out_mw, in_mw, alone, cost, cum, count, price_hi, flow_hi, net_hi
            )
            if x >= target - SLACK_MW:
                right = p
            else:
                left = p
    low = _answer(
        root, left, plus, stop, parent, keep, out_mw, in_mw, alone, cost, cum, count, price_lo, flow_lo, net_lo
    )
    high = _answer(
        root, right, True, stop, parent, keep, out_mw, in_mw, alone, cost, cum, count, price_hi, flow_hi, net_hi
    )
    share = 1.0
    if high - low > SLACK_MW:
        share = min(max((target - low) / (high - low), 0.0), 1.0)
    return right, share


@kernel
def clear(
    profiles,
    cap,
    avail,
    must,
    start,
    item_cost,
    block,
    load,
    steps,
    inject,
    dyn_node,
    dyn_cost,
    dyn_mw,
    stop,
    parent,
    keep,
    out_mw,
    in_mw,
    price,
    own,
    sent,
    cost_usd,
    detail,
    y,
):
    """Clear T hours. Nodes in preorder; items N sorted by node and cost, `start` (Z + 1,) their first; block >= 0:
    load.

    inject (Z, T): power already decided; dyn_*: (D,), (D, T), (D, T) items whose cost changes by hour; out_mw, in_mw
    (Z, T): limits of the link to the parent; steps: all costs, rising, the last one the price of power that does not
    exist. Fills price and own (Z, T), sent (Z, T) entering the link to the parent (negative: entering it there),
    cost_usd (T,) of the items and y (N, T) if detail. Returns the largest power [MW] that had to be made from nothing.
    """
    Z, N, D, T = stop.size, cap.size, dyn_node.size, inject.shape[1]
    M = D + 2
    for k in range(Z):
        M = max(M, start[k + 1] - start[k] + D + 2)
    cost, cum, slot, count = np.empty((Z, M)), np.empty((Z, M + 1)), np.empty((Z, M), np.int64), np.zeros(Z, np.int64)
    merged = np.empty(steps.size + D)
    price_lo, flow_lo, net_lo = np.zeros(Z), np.zeros(Z), np.zeros(Z)
    price_hi, flow_hi, net_hi = np.zeros(Z), np.zeros(Z), np.zeros(Z)
    alone, target, out, into = np.zeros(Z), np.zeros(Z), np.zeros(Z), np.zeros(Z)
    cut, part = np.zeros(Z, np.bool_), np.zeros(Z)
    lossy = False
    for k in range(Z):
        lossy |= keep[k] < 1.0
    most = 1.0
    for i in range(N):
        most += cap[i] if block[i] < 0 else load[block[i]].max()
    for k in range(Z):
        most += np.abs(inject[k]).max() + out_mw[k].max() + in_mw[k].max()
    for d in range(D):
        most += dyn_mw[d].max()
    worst, top = 0.0, steps[-1]
    for t in range(T):
        for k in range(Z):
            # the first slot is spill, load worth nothing; the last is power that does not exist
            base, n = inject[k, t] - most, 1
            cost[k, 0], cum[k, 1], slot[k, 0] = 0.0, most, SPILL
            for i in range(start[k], start[k + 1]):
                if block[i] >= 0:
                    w = load[block[i], t]
                    base -= w
                else:
                    low = cap[i] * profiles[must[i], t]
                    w = max(cap[i] * profiles[avail[i], t] - low, 0.0)
                    base += low
                cost[k, n], cum[k, n + 1], slot[k, n] = item_cost[i], w, i
                n += 1
            for d in range(D):
                if dyn_node[d] == k and dyn_mw[d, t] > 0.0:
                    j = n
                    while j > 1 and cost[k, j - 1] > dyn_cost[d, t]:
                        cost[k, j], cum[k, j + 1], slot[k, j] = cost[k, j - 1], cum[k, j], slot[k, j - 1]
                        j -= 1
                    cost[k, j], cum[k, j + 1], slot[k, j] = dyn_cost[d, t], dyn_mw[d, t], NOTHING
                    n += 1
            cost[k, n], cum[k, n + 1], slot[k, n] = top, most, NOTHING
            n += 1
            count[k], cum[k, 0] = n, base
            for j in range(n):
                cum[k, j + 1] += cum[k, j]
            out[k], into[k] = out_mw[k, t], in_mw[k, t]
        n_steps = steps.size
        for j in range(n_steps):
            merged[j] = steps[j]
        for d in range(D):
            j = n_steps
            while j > 0 and merged[j - 1] > dyn_cost[d, t]:
                merged[j] = merged[j - 1]
                j -= 1
            merged[j] = dyn_cost[d, t]
            n_steps += 1
        for k in range(Z - 1, -1, -1):
            if keep[k] < 1.0 and parent[k] >= 0:
                alone[k], _ = _solve(
                    k,
                    0.0,
                    0.0,
                    lossy,
                    merged,
                    n_steps,
                    stop,
                    parent,
                    keep,
                    out,
                    into,
                    alone,
                    cost,
                    cum,
                    count,
                    price_lo,
                    flow_lo,
                    net_lo,
                    price_hi,
                    flow_hi,
                    net_hi,
                )
        cost_usd[t] = 0.0
        for k in range(Z):
            if parent[k] < 0 or cut[k]:
                floor = 0.0
                if parent[k] < 0:
                    target[k] = 0.0
                elif sent[k, t] < 0.0:  # takes all the link can bring: power is worth no less than brought from above
                    floor = price[parent[k], t] / keep[k]
                elif sent[k, t] < out[k] - SLACK_MW:  # could send and does not: power is worth no less than sent
                    floor = price[parent[k], t] * keep[k]
                p, share = _solve(
                    k,
                    target[k],
                    floor,
                    lossy,
                    merged,
                    n_steps,
                    stop,
                    parent,
                    keep,
                    out,
                    into,
                    alone,
                    cost,
                    cum,
                    count,
                    price_lo,
                    flow_lo,
                    net_lo,
                    price_hi,
                    flow_hi,
                    net_hi,
                )
                price[k, t] = p
                part[k] = share
                for c in range(k + 1, stop[k]):
                    # a node's own share of the answer above follows from what it must hand up
                    x, a = flow_lo[c] + part[parent[c]] * (flow_hi[c] - flow_lo[c]), keep[c]
                    sent[c, t] = x / a if x > 0.0 else x
                    target[c] = x / a if x > 0.0 else x * a
                    cut[c] = x >= out[c] * a - SLACK_MW or x <= SLACK_MW - into[c] or a < 1.0
                    price[c, t] = price_hi[c]
                    part[c] = 1.0
                    if net_hi[c] - net_lo[c] > SLACK_MW:
                        part[c] = min(max((target[c] - net_lo[c]) / (net_hi[c] - net_lo[c]), 0.0), 1.0)
            x = target[k]
            c = k + 1
            while c < stop[k]:
                x -= sent[c, t] * keep[c] if sent[c, t] > 0.0 else sent[c, t]
                c = stop[c]
            own[k, t] = x
            for j in range(count[k]):
                i = slot[k, j]
                g = min(max(x - cum[k, j], 0.0), cum[k, j + 1] - cum[k, j])
                if i >= 0:
                    low = 0.0 if block[i] >= 0 else cap[i] * profiles[must[i], t]
                    cost_usd[t] += item_cost[i] * (g + low)
                    if detail:
                        y[i, t] = g + low
            worst = max(worst, x - cum[k, count[k] - 1])
    return worst


@kernel
def item_worth(profiles, weight, zone, cost, avail, must, price, water, reservoir, period):
    """Least value, per MW of limit, of (cost - price) y with y between must-run and availability. (N,)"""
    N, T = zone.size, price.shape[1]
    out = np.zeros(N)
    for i in range(N):
        z, r = zone[i], reservoir[i]
        for t in range(T):
            d = weight[t] * (cost[i] - price[z, t])
            if r >= 0:
                d += water[r, period[t]]
            out[i] += d * (profiles[avail[i], t] if d < 0.0 else profiles[must[i], t])
    return out


@kernel
def link_worth(profiles, weight, source, target, keep, avail, price):
    """Least value, per MW of limit, of what a link can carry forwards and backwards. (L,), (L,)"""
    L, T = source.size, price.shape[1]
    forward, backward = np.zeros(L), np.zeros(L)
    for i in range(L):
        for t in range(T):
            a = weight[t] * profiles[avail[i], t]
            p, q = price[source[i], t], price[target[i], t]
            forward[i] += a * min(0.0, p - q * keep[i])
            backward[i] += a * min(0.0, q - p * keep[i])
    return forward, backward


@kernel
def store_worth(weight, zone, eta_in, eta_out, start_share, stored, price):
    """Least value, per MW and MWh, of charging, discharging and holding at a value of stored energy. (J,) each"""
    J, T = stored.shape
    charge, discharge, energy = np.zeros(J), np.zeros(J), np.zeros(J)
    for j in range(J):
        for t in range(T):
            p, v = weight[t] * price[zone[j], t], stored[j, t]
            charge[j] += min(0.0, p - eta_in[j] * v)
            discharge[j] += min(0.0, v / eta_out[j] - p)
            if t + 1 < T:
                energy[j] += min(0.0, v - stored[j, t + 1])
        energy[j] += start_share[j] * (stored[j, T - 1] - stored[j, 0])
    return charge, discharge, energy
