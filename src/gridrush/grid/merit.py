"""Merit order of the items of a system and the shape of its network: what the kernels need besides the hours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridrush.case.system import Ints, System
from gridrush.errors import CaseError, Problem
from gridrush.units import Floats

_KIND_RANK = {"export": 1, "interruptible": 2, "firm": 3}  # who is cut first among blocks of equal value


@dataclass(frozen=True, eq=False)
class Merit:
    """Order in which units run and blocks are cut, and the shape of the network: all that does not change by hour.

    Made once by `merit_order` and handed to `dispatch` when the same units, values and links are dispatched again with
    other loads, profiles or outages.
    """

    unit: Ints  # (N,) unit of each item, -1 for a block
    block: Ints  # (N,)
    capacity_mw: Floats  # (N,)
    available: Ints  # (N,) profile row
    must_run: Ints  # (N,) profile row
    cost_usd_per_mwh: Floats  # (N,) cost of a unit, value of a block
    start: Ints  # (Z + 1,) first item of each node
    steps: Floats  # different costs above zero, rising
    tree: bool  # zones form a forest, parallel links having equal losses
    zone: Ints  # (Z,) zone of each node, parents before children
    stop: Ints  # (Z,) end of the node's subtree
    parent: Ints  # (Z,) -1 at a root
    keep_share: Floats  # (Z,) 1 - loss of the link to the parent
    pair_start: Ints  # (Z + 1,) first link of each node to its parent
    pair: Ints  # (L, 3) link, profile row of its availability, 1 when it points to the parent
    pair_mw: Floats  # (L, 2) limit towards the parent, and from it

    def dearer(self, extra_usd_per_mwh: Floats) -> Merit:
        """The order when each unit (G,) costs so much more."""
        extra = np.where(self.unit >= 0, extra_usd_per_mwh[self.unit] if extra_usd_per_mwh.size else 0.0, 0.0)
        cost = self.cost_usd_per_mwh + extra
        node = np.repeat(np.arange(self.zone.size), np.diff(self.start))
        order = np.lexsort((cost, node))
        cost = cost[order]
        return replace(
            self,
            unit=self.unit[order],
            block=self.block[order],
            capacity_mw=self.capacity_mw[order],
            available=self.available[order],
            must_run=self.must_run[order],
            cost_usd_per_mwh=cost,
            steps=np.unique(cost[cost > 0]),
        )

    def tree_arrays(self) -> tuple[Any, ...]:
        """Arguments of the tree kernel that do not run along time."""
        return (
            self.unit,
            self.block,
            self.capacity_mw,
            self.available,
            self.must_run,
            self.cost_usd_per_mwh,
            self.start,
            self.steps,
            self.stop,
            self.parent,
            self.zone,
            self.keep_share,
            self.pair,
            self.pair_mw,
            self.pair_start,
        )

    def mesh_arrays(self, system: System) -> tuple[Any, ...]:
        """Arguments of the mesh kernel that do not run along time."""
        k = system.links
        return (
            self.unit,
            self.block,
            self.capacity_mw,
            self.available,
            self.must_run,
            self.cost_usd_per_mwh,
            np.repeat(self.zone, np.diff(self.start)),
            k.source,
            k.target,
            k.loss_share,
            np.stack([k.forward_mw, k.backward_mw], axis=1),
            k.available,
        )


def merit_order(system: System, *, root: int | None = None) -> Merit:
    """Merit order and network shape of a system.

    Items are sorted by node (zones in preorder of the tree) and cost; blocks of equal value are cut in the order
    export, interruptible, firm.

    Parameters
    ----------
    system : System
        Only its units, values and links are read, not its hours.
    root : int, optional
        Zone to hang the network from; by default the middle of each part of it.
    """
    u, d, k = system.units, system.demand, system.links
    if not np.isfinite(d.value_usd_per_mwh).all():
        raise CaseError(
            Problem(
                f"demand[{d.name[b]}].value_usd_per_mwh", float(d.value_usd_per_mwh[b]), "a finite value of lost load"
            )
            for b in np.flatnonzero(~np.isfinite(d.value_usd_per_mwh))
        )
    zone, stop, parent, edges = _preorder(len(system.zones), k.source, k.target, root)
    node_of = np.empty_like(zone)
    node_of[zone] = np.arange(zone.size)
    G = len(u)
    item_zone = np.concatenate([u.zone, d.zone]).astype(np.int64)
    cost = np.concatenate([u.cost_usd_per_mwh, d.value_usd_per_mwh])
    rank = np.array([0] * G + [_KIND_RANK[kind] for kind in d.kind], np.int64)
    order = np.lexsort((rank, cost, node_of[item_zone] if item_zone.size else item_zone))
    nodes = node_of[item_zone[order]] if item_zone.size else np.zeros(0, np.int64)
    is_unit = order < G

    def of_unit(values: NDArray[np.generic], other: float) -> NDArray[np.generic]:
        out = np.full(order.size, other, values.dtype)
        out[is_unit] = values[order[is_unit]]
        return out

    tree = bool(len(edges) == sum(p >= 0 for p in parent))
    keep = np.ones(zone.size)
    pairs: list[tuple[int, int, int, float, float]] = []
    pair_start = [0]
    for node in range(zone.size):
        losses = set()
        for i in (
            edges.get((min(zone[node], zone[parent[node]]), max(zone[node], zone[parent[node]])), [])
            if parent[node] >= 0
            else []
        ):
            up = int(k.source[i] == zone[node])
            limits = (k.forward_mw[i], k.backward_mw[i]) if up else (k.backward_mw[i], k.forward_mw[i])
            pairs.append((i, int(k.available[i]), up, *limits))
            losses.add(float(k.loss_share[i]))
            keep[node] = 1.0 - float(k.loss_share[i])
        tree &= len(losses) < 2
        pair_start.append(len(pairs))
    return Merit(
        unit=np.where(is_unit, order, -1),
        block=np.where(is_unit, -1, order - G),
        capacity_mw=np.asarray(of_unit(u.capacity_mw, 0.0), np.float64),
        available=np.asarray(of_unit(u.available, 0), np.int64),
        must_run=np.asarray(of_unit(u.must_run, 1), np.int64),
        cost_usd_per_mwh=cost[order],
        start=np.searchsorted(nodes, np.arange(zone.size + 1)),
        steps=np.unique(cost[cost > 0]),
        tree=tree,
        zone=zone,
        stop=stop,
        parent=parent,
        keep_share=keep,
        pair_start=np.array(pair_start, np.int64),
        pair=np.array([p[:3] for p in pairs], np.int64).reshape(-1, 3),
        pair_mw=np.array([p[3:] for p in pairs], np.float64).reshape(-1, 2),
    )


def _preorder(
    n_zones: int, source: Ints, target: Ints, first: int | None
) -> tuple[Ints, Ints, Ints, dict[tuple[int, int], list[int]]]:
    """Zones, ends of subtrees and parents of a spanning forest as flat as can be, and the links of each pair of

    zones."""
    edges: dict[tuple[int, int], list[int]] = {}
    for i, (a, b) in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
        edges.setdefault((min(a, b), max(a, b)), []).append(i)
    near: list[list[int]] = [[] for _ in range(n_zones)]
    for a, b in edges:
        near[a].append(b)
        near[b].append(a)

    def reach(root: int) -> dict[int, tuple[int, int]]:
        """Parent and depth of every zone reached from root, nearest first."""
        seen, queue = {root: (-1, 0)}, [root]
        for a in queue:
            for b in near[a]:
                if b not in seen:
                    seen[b] = (a, seen[a][1] + 1)
                    queue.append(b)
        return seen

    zones: list[int] = []
    stops: list[int] = []
    parents: list[int] = []
    todo = set(range(n_zones))
    while todo:
        members = list(reach(first if first in todo else min(todo)))
        root = members[0]
        if first is None or root != first:
            root = min(members, key=lambda z: (max(depth for _, depth in reach(z).values()), z))
        above = reach(root)
        stack = [(root, -1)]
        while stack:
            z, up = stack.pop()
            here = len(zones)
            zones.append(z)
            parents.append(up)
            stack.extend((b, here) for b in near[z] if above[b][0] == z)
        todo -= set(members)
    stops = [here + 1 for here in range(n_zones)]
    for here in range(n_zones - 1, -1, -1):
        if parents[here] >= 0:
            stops[parents[here]] = max(stops[parents[here]], stops[here])
    return np.array(zones, np.int64), np.array(stops, np.int64), np.array(parents, np.int64), edges
