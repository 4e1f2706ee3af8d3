# mypy: disable-error-code="no-untyped-def,assignment,arg-type"
"""Compiled: energy spent on the peaks."""

from __future__ import annotations

import numpy as np

from gridrush.adequacy._jit import kernel


@kernel
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
        spent, slope = 0.0, 0
        for t in range(n):
            x = need[t] - level
            if x <= low[t]:
                spent += low[t]
            elif x >= high[t]:
                spent += high[t]
            else:
                spent += x
                slope += 1
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


@kernel
def wanted(load, zone, counted, out):
    """Load of each zone, of the blocks that are counted: out (Z, T). load: (T, B); zone, counted: (B,)"""
    for z in range(out.shape[0]):
        for t in range(out.shape[1]):
            out[z, t] = 0.0
    for b in range(zone.size):
        if counted[b]:
            for t in range(out.shape[1]):
                out[zone[b], t] += load[t, b]


@kernel
def take_off(short, zone, capacity, row, profiles, up):
    """Subtract what units can give from what zones lack, in place. short: (Z, T), profiles: (K, T), up: (G, T)"""
    for g in range(zone.size):
        z, k, c = zone[g], row[g], capacity[g]
        if c != 0.0:
            for t in range(short.shape[1]):
                short[z, t] -= c * profiles[k, t] * up[g, t]


@kernel
def give(members, capacity, row, profiles, up, out):
    """Add to `out` what some units can give: capacity x profile x share up. members: (N,), up: (G, T), out: (T,)"""
    for i in range(members.size):
        g = members[i]
        c, k = capacity[g], row[g]
        for t in range(out.size):
            out[t] += c * profiles[k, t] * up[g, t]


@kernel
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


@kernel
def spend(short, energy, order, begin, count, node, parent, out_mw, in_mw, can, must, rounds, run, side, work):
    """Reservoirs take turns to spend their energy where their zone lacks most, each against what the others leave.

    short, side: (Z, T); energy: (H, P); order: (T,) hours by period, of which p has begin[p] to begin[p + 1]; count:
    (H,) and node to in_mw: (H, N) as in `lack`, from the zone of each reservoir; can, must, run: (H, T), work: (4, T).
    In the end `run` holds what is run as a share of what could be.
    """
    for _ in range(rounds):
        for h in range(can.shape[0]):
            n, z = count[h], node[h, 0]
            for t in range(order.size):
                short[z, t] += run[h, t]
            lack(short, node[h, :n], parent[h, :n], out_mw[h, :n], in_mw[h, :n], side)
            for p in range(energy.shape[1]):
                a, b = begin[p], begin[p + 1]
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
