"""The cost of operation at given capacities, bounded from both sides, hour by hour.

With stored energy priced, hours come apart: each is cleared exactly in microseconds, and its prices bound the cost
of *any* capacities from below (weak duality), whoever made the prices. With the schedule of stores and reservoirs
held, the same clearing is a dispatch that exists, hence an upper bound. Neither bound trusts a solver.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridrush.case.system import Ints
from gridrush.planning import _kernels
from gridrush.planning.operation import Operation
from gridrush.units import Floats


@dataclass(frozen=True, eq=False)
class Cut:
    """Cost of a year of operation >= const + slope @ standing_mw, for any capacities. [USD]"""

    const: float
    slope: Floats  # (C,)

    def at(self, standing_mw: Floats) -> float:
        """The bound at given capacities. [USD]"""
        return self.const + float(self.slope @ standing_mw)


@dataclass(frozen=True, eq=False)
class Values:
    """Worth of a MWh in each store at the end of each hour and in each reservoir in each period, USD by weight."""

    stored: Floats  # (J, T)
    water: Floats  # (H, P)


@dataclass(frozen=True, eq=False)
class Schedule:
    """What stores and reservoir plants do; charge and discharge per MW of the store's limit."""

    charge: Floats  # (J, T)
    discharge: Floats  # (J, T)
    water_mw: Floats  # (N, T) of items with a reservoir, zero elsewhere


@dataclass(frozen=True, eq=False)
class Cleared:
    """Hours cleared: prices, static cost, and (if asked) what items do."""

    price: Floats  # (Z, T) USD/MWh
    cost_usd: float
    missing_mw: float  # power that had to be made from nothing; above 0 the dispatch does not exist
    item_mw: Floats  # (N, T) zero unless asked
    unserved_mw: Floats  # (B, T) zero unless asked
    sent_mw: Floats  # (Z, T) into the link of each zone to its parent, tree order


@dataclass(frozen=True, eq=False)
class Tree:
    """Zones in preorder and the links between each and its parent."""

    node_zone: Ints  # (Z,)
    stop: Ints
    parent: Ints  # (Z,) node
    keep: Floats
    links: tuple[tuple[tuple[int, bool], ...], ...]  # of each node: (link, points to the parent)


def tree_of(op: Operation) -> Tree | None:
    """The tree of zones, or None when links form a loop or parallel links lose differently."""
    near: dict[int, dict[int, list[tuple[int, bool]]]] = {z: {} for z in range(op.Z)}
    for i, (a, b) in enumerate(zip(op.source.tolist(), op.target.tolist(), strict=True)):
        near[a].setdefault(b, []).append((i, False))
        near[b].setdefault(a, []).append((i, True))
    order: list[int] = []
    parents: list[int] = []
    seen: set[int] = set()
    for root in sorted(near, key=lambda z: -len(near[z])):
        if root in seen:
            continue
        stack = [(root, -1)]
        while stack:
            z, up = stack.pop()
            if z in seen:
                return None
            seen.add(z)
            here = len(order)
            order.append(z)
            parents.append(up)
            above = order[up] if up >= 0 else -1
            stack.extend((b, here) for b in near[z] if b != above)
    keep = np.ones(op.Z)
    links: list[tuple[tuple[int, bool], ...]] = []
    for k, z in enumerate(order):
        if parents[k] < 0:
            links.append(())
            continue
        # near[parent][z] lists links with True when the parent is the target, i.e. the link points to the parent
        mine = near[order[parents[k]]][z]
        losses = {float(op.loss[i]) for i, _ in mine}
        if len(losses) > 1:
            return None
        keep[k] = 1.0 - losses.pop()
        links.append(tuple(mine))
    stop = np.arange(1, op.Z + 1)
    for k in range(op.Z - 1, -1, -1):
        if parents[k] >= 0:
            stop[parents[k]] = max(stop[parents[k]], stop[k])
    return Tree(np.array(order, np.int64), stop.astype(np.int64), np.array(parents, np.int64), keep, tuple(links))


class Clearing:
    """Clears one operation again and again at other capacities."""

    def __init__(self, op: Operation, tree: Tree) -> None:
        self.op, self.tree = op, tree
        node_of = np.empty(op.Z, np.int64)
        node_of[tree.node_zone] = np.arange(op.Z)
        N, B = op.zone.size, op.value.size
        self.static = np.flatnonzero(op.reservoir < 0)
        self.reservoir = np.flatnonzero(op.reservoir >= 0)
        cost = np.concatenate([op.cost[self.static], op.value])
        node = node_of[np.concatenate([op.zone[self.static], op.block_zone]).astype(np.int64)]
        order = np.lexsort((cost, node))
        S = self.static.size
        self.slot_item = np.where(order < S, self.static[np.minimum(order, max(S - 1, 0))] if S else -1, -1)
        self.slot_block = np.where(order < S, -1, order - S).astype(np.int64)
        is_item = self.slot_item >= 0
        self.cost = np.ascontiguousarray(cost[order])
        self.avail = np.where(is_item, op.avail[self.slot_item] if N else 0, 0).astype(np.int64)
        self.must = np.where(is_item, op.must[self.slot_item] if N else 0, 0).astype(np.int64)
        self.must = np.where(is_item & (self.cost < 0), self.avail, self.must)  # paid to run: runs
        self.start = np.searchsorted(node[order], np.arange(op.Z + 1)).astype(np.int64)
        top = 10.0 * max(1.0, float(np.abs(cost).max(initial=1.0)))
        self.steps = np.unique(np.concatenate([[0.0], cost[cost > 0], [top]]))
        self.node_of = node_of
        self.load = op.load if B else np.zeros((1, op.T))
        self.dyn_node = np.concatenate(
            [node_of[op.store_zone], node_of[op.store_zone], node_of[op.zone[self.reservoir]]]
        ).astype(np.int64)

    def run(self, standing_mw: Floats, *, values: Values | None = None, schedule: Schedule | None = None,
            detail: bool = False) -> Cleared:  # fmt: skip
        """Clear all hours, stores and reservoirs either priced (`values`) or held (`schedule`)."""
        op, tree = self.op, self.tree
        cap = op.mw.at(standing_mw)
        slot_cap = np.where(self.slot_item >= 0, cap[self.slot_item] if cap.size else 0.0, 0.0)
        inject = np.zeros((op.Z, op.T))
        charge, discharge = op.charge.at(standing_mw), op.discharge.at(standing_mw)
        extra = 0.0
        item_mw = np.zeros((op.zone.size if detail else 0, op.T))
        if schedule is not None:
            np.add.at(inject, self.node_of[op.store_zone],
                      discharge[:, None] * schedule.discharge - charge[:, None] * schedule.charge)  # fmt: skip
            for i in self.reservoir:
                inject[self.node_of[op.zone[i]]] += schedule.water_mw[i]
                extra += float(op.weight @ schedule.water_mw[i]) * op.cost[i]
                if detail:
                    item_mw[i] = schedule.water_mw[i]
            dyn_node = np.zeros(0, np.int64)
            dyn_cost = dyn_mw = np.zeros((0, op.T))
        else:
            assert values is not None
            dyn_node = self.dyn_node
            worth = np.maximum(values.stored, 0.0) / op.weight
            np.add.at(inject, self.node_of[op.store_zone], -np.repeat(charge[:, None], op.T, axis=1))
            costs = [worth * op.eta_in[:, None], worth / op.eta_out[:, None]]
            widths = [np.repeat(charge[:, None], op.T, axis=1), np.repeat(discharge[:, None], op.T, axis=1)]
            for i in self.reservoir:
                low = cap[i] * op.profiles[op.must[i]]
                inject[self.node_of[op.zone[i]]] += low
                costs.append((op.cost[i] + values.water[op.reservoir[i]][op.period] / op.weight)[None, :])
                widths.append(np.maximum(cap[i] * op.profiles[op.avail[i]] - low, 0.0)[None, :])
            dyn_cost = np.ascontiguousarray(np.maximum(np.vstack(costs), 0.0)) if costs else np.zeros((0, op.T))
            dyn_mw = np.ascontiguousarray(np.vstack(widths)) if widths else np.zeros((0, op.T))
        out_mw, in_mw = np.zeros((op.Z, op.T)), np.zeros((op.Z, op.T))
        forward, backward = op.forward.at(standing_mw), op.backward.at(standing_mw)
        for k, mine in enumerate(tree.links):
            for link, up in mine:
                share = op.profiles[op.link_avail[link]]
                out_mw[k] += (forward[link] if up else backward[link]) * share
                in_mw[k] += (backward[link] if up else forward[link]) * share
        price, own, sent = np.empty((op.Z, op.T)), np.empty((op.Z, op.T)), np.zeros((op.Z, op.T))
        cost_usd, y = np.empty(op.T), np.zeros((slot_cap.size if detail else 0, op.T))
        missing = _kernels.clear(
            op.profiles, slot_cap, self.avail, self.must, self.start, self.cost, self.slot_block, self.load,
            self.steps, inject, dyn_node, dyn_cost, dyn_mw, tree.stop, tree.parent, tree.keep, out_mw, in_mw, price,
            own, sent, cost_usd, detail, y,
        )  # fmt: skip
        by_zone = np.empty_like(price)
        by_zone[tree.node_zone] = price
        unserved = np.zeros((op.value.size if detail else 0, op.T))
        if detail:
            for n, (i, b) in enumerate(zip(self.slot_item, self.slot_block, strict=True)):
                if i >= 0:
                    item_mw[i] = y[n]
                else:
                    unserved[b] = y[n]
        missing = float(missing) if missing > _kernels.SLACK_MW else 0.0
        return Cleared(by_zone, float(op.weight @ cost_usd) + extra, missing, item_mw, unserved, sent)


def price_cut(op: Operation, price: Floats, values: Values) -> Cut:
    """Bound on the cost of operation from any prices of power, stored energy and water: weak duality.

    Each term is the least that one thing can cost at those prices, so the sum bounds the cost at any capacities.

    Parameters
    ----------
    price : ndarray, shape (Z, T)
        Price of power in each zone; negative ones count as zero. [USD/MWh]
    values : Values

    References
    ----------
    A. M. Geoffrion, "Generalized Benders decomposition", J. Optimization Theory and Applications 10 (1972) 237-260.
    """
    p = np.ascontiguousarray(np.maximum(price, 0.0))
    water = np.maximum(values.water, 0.0) if op.water.size else np.zeros((1, 1))
    stored = np.ascontiguousarray(np.maximum(values.stored, 0.0))
    h = _kernels.item_worth(
        op.profiles, op.weight, op.zone, op.cost, op.avail, op.must, p, water, op.reservoir, op.period
    )
    const, slope = float(op.mw.base @ h), op.mw.slope.T @ h
    for b in range(op.value.size):
        const += float((op.weight * np.minimum(p[op.block_zone[b]], op.value[b])) @ op.load[b])
    f, g = _kernels.link_worth(op.profiles, op.weight, op.source, op.target, 1.0 - op.loss, op.link_avail, p)
    c, d, e = _kernels.store_worth(op.weight, op.store_zone, op.eta_in, op.eta_out, op.start_share, stored, p)
    for limit, worth in ((op.forward, f), (op.backward, g), (op.charge, c), (op.discharge, d), (op.energy, e)):
        const += float(limit.base @ worth)
        slope = slope + limit.slope.T @ worth
    if op.water.size:
        const -= float((water * op.water).sum())
    return Cut(const, np.asarray(slope))

