# mypy: disable-error-code="no-untyped-def,assignment,arg-type"
"""Compiled: energy spent on the peaks."""

from __future__ import annotations

import numpy as np

from gridrush._jit import small_kernel, small_sum_kernel


@small_sum_kernel
def spending(need, low, high, level):
    """Sum of clip(need - level, low, high), and how many of it lie between the bounds. (T,) all"""
    spent, slope = 0.0, 0
    for t in range(need.size):
        x = need[t] - level
        y = min(max(x, low[t]), high[t])
        spent += y
        slope += x == y
    return spent, slope


@small_kernel
def fill(need, low, high, energy, out):
    """clip(need - level, low, high) into `out`, with the level that spends `energy`, or the nearest bound. (T,) all

    Newton's steps on the level, kept inside a bracket: spending is piecewise linear and falls with the level.
    """
    n = need.size
    most, least = 0.0, 0.0
    for t in range(n):
        most += high[t]
        least += low[t]
    if most <= energy or least >= energy:
        share = energy / least if least > 0 else 0.0
        for t in range(n):
            out[t] = high[t] if most <= energy else low[t] * share
        return
    a, b = np.inf, -np.inf
    for t in range(n):
        a = min(a, need[t] - high[t])
        b = max(b, need[t] - low[t])
    level = 0.5 * (a + b)
    for _ in range(200):
        spent, slope = spending(need, low, high, level)
        if abs(spent - energy) <= 1e-9 * energy:
            break
        if spent > energy:
            a = level
        else:
            b = level
        step = level + (spent - energy) / slope if slope else a
        level = step if a < step < b else 0.5 * (a + b)
    for t in range(n):
        out[t] = min(max(need[t] - level, low[t]), high[t])


@small_kernel
def shortage(load, block_zone, counted, zone, capacity, row, profiles, up, out):
    """What zones lack: load of the blocks that are counted less what units can give, out (Z, T).

    load: (T, B); block_zone, counted: (B,); zone, capacity, row: (G,); profiles: (K, T); up: (G, T), or (0, 0) for all.
    """
    for z in range(out.shape[0]):
        for t in range(out.shape[1]):
            out[z, t] = 0.0
    for b in range(block_zone.size):
        if counted[b]:
            for t in range(out.shape[1]):
                out[block_zone[b], t] += load[t, b]
    for g in range(zone.size):
        z, k, c = zone[g], row[g], capacity[g]
        if c == 0.0:
            continue
        if up.shape[0] > 0:
            for t in range(out.shape[1]):
                out[z, t] -= c * profiles[k, t] * up[g, t]
        else:
            for t in range(out.shape[1]):
                out[z, t] -= c * profiles[k, t]


@small_kernel
def could(of, capacity, available, must_run, profiles, up, can, must):
    """What the units of each reservoir can and must give: can, must (H, T). of: (G,) row of can and must, or -1."""
    for h in range(can.shape[0]):
        for t in range(can.shape[1]):
            can[h, t], must[h, t] = 0.0, 0.0
    for g in range(of.size):
        h, c, k, m = of[g], capacity[g], available[g], must_run[g]
        if h >= 0:
            for t in range(can.shape[1]):
                mw = c * up[g, t] if up.shape[0] > 0 else c
                can[h, t] += mw * profiles[k, t]
                must[h, t] += mw * profiles[m, t]
    for h in range(can.shape[0]):
        for t in range(can.shape[1]):
            must[h, t] = min(must[h, t], can[h, t])


@small_kernel
def lack(short, node, parent, out_mw, in_mw, side):
    """What the zone at the root of a tree lacks once its neighbours have lent what they can, see `planned_supply`.

    short, side: (Z, T); node, parent: (N,) zones from the root on; out_mw, in_mw: (N,) limits from the parent to the
    node and back. The answer is side[node[0]].
    """
    hours = short.shape[1]
    for i in range(node.size):
        for t in range(hours):
            side[node[i], t] = short[node[i], t]
    for i in range(node.size - 1, 0, -1):
        z, p, most, least = node[i], parent[i], out_mw[i], -in_mw[i]
        for t in range(hours):
            side[p, t] += min(max(side[z, t], least), most)


@small_kernel
def spend(short, energy, period, count, node, parent, out_mw, in_mw, can, must, order, begin, run, side, work):
    """Reservoirs take turns to spend their energy where their zone lacks most, each against what the others leave; two
    rounds, since the first did not know the second.

    short, side: (Z, T); energy: (H, P); period: (T,); count: (H,) and node to in_mw: (H, N) as in `lack`, from the zone
    of each reservoir; can, must, run: (H, T), work: (4, T); order: (T,), begin: (P + 2,). In the end `run` holds what
    is run as a share of what could be, and short what is lacking then.
    """
    for p in range(begin.size):
        begin[p] = 0
    for t in range(period.size):
        begin[period[t] + 2] += 1
    for p in range(2, begin.size):
        begin[p] += begin[p - 1]
    for t in range(period.size):  # hours by period; begin[p] to begin[p + 1] when this is done
        order[begin[period[t] + 1]] = t
        begin[period[t] + 1] += 1
    for turn in range(min(can.shape[0], 2)):
        for h in range(can.shape[0]):
            n, z = count[h], node[h, 0]
            if turn > 0:
                for t in range(order.size):
                    short[z, t] += run[h, t]
            lack(short, node[h, :n], parent[h, :n], out_mw[h, :n], in_mw[h, :n], side)
            for p in range(energy.shape[1]):
                a, b = begin[p], begin[p + 1]
                if b - a == order.size:  # all hours, as they are
                    fill(side[z], must[h], can[h], energy[h, p], run[h])
                    continue
                for i in range(a, b):
                    t = order[i]
                    work[0, i], work[1, i], work[2, i] = side[z, t], must[h, t], can[h, t]
                fill(work[0, a:b], work[1, a:b], work[2, a:b], energy[h, p], work[3, a:b])
                for i in range(a, b):
                    run[h, order[i]] = work[3, i]
            for t in range(order.size):
                short[z, t] -= run[h, t]
    for h in range(can.shape[0]):
        for t in range(order.size):
            run[h, t] = min(max(run[h, t] / can[h, t], 0.0), 1.0) if can[h, t] > 0.0 else 0.0


@small_kernel
def plan_water(
    load, block_zone, counted, zone, dry_mw, capacity, of, available, must_run, profiles, up, energy, period, count,
    node, parent, out_mw, in_mw, order, begin, short, run, side, work, can, must,
):
    """`shortage` of the working supply without water, what reservoirs `could` give, and how they `spend` it."""
    shortage(load, block_zone, counted, zone, dry_mw, available, profiles, up, short)
    if can.shape[0] > 0:
        could(of, capacity, available, must_run, profiles, up, can, must)
        spend(short, energy, period, count, node, parent, out_mw, in_mw, can, must, order, begin, run, side, work)
