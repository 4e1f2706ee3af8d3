"""Merit order of the items of a system and the shape of its network: what the kernels need besides the hours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridrush.case.system import Ints, System
from gridrush.errors import CaseError, Problem
from gridrush.grid import _kernels_merit
from gridrush.units import Floats

_RANK: Any = _kernels_merit.rank  # numba's types do not know about unpacked arguments
_LISTS: Any = _kernels_merit.price_lists
_KIND_RANK = {"export": 1, "interruptible": 2, "firm": 3}  # who is cut first among blocks of equal value


MOST_PLACES = 4_000_000
"""Longest table of rows by copy and price; forests of deep lossy trees beyond it are solved as meshes."""


@dataclass(frozen=True, eq=False)
class Copies:
    """A forest written out so that every copy of a node sees the root's price times one factor; E copies."""

    of: Ints  # (E,) node
    stop: Ints  # (E,) end of what hangs below
    factor: Floats  # (E,) price at the copy over price at the root
    first: Ints  # (Z,) first copy of each node


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices at the root at which anything in a tree changes, and the row of the curve of each copy at each."""

    usd_per_mwh: Floats  # the list of each tree, zero first, rising
    head: Ints  # (Z,) where the list of the node's tree begins
    most: Ints  # (Z,) last place of that list
    free: Ints  # (Z,) row of the curve after the items of negative cost
    first_row: Ints  # (E,)
    rows: Ints


_NO_INTS = np.zeros(0, np.int64)
NO_COPIES = Copies(_NO_INTS, _NO_INTS, np.zeros(0), _NO_INTS)
NO_PRICES = Prices(np.zeros(0), *(_NO_INTS,) * 5)


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
    reservoir: Ints  # (N,) of the unit, -1 for none
    start: Ints  # (Z + 1,) first item of each node
    tree: bool  # zones form a forest, parallel links having equal losses, and the price list is not too long
    zone: Ints  # (Z,) zone of each node, parents before children
    stop: Ints  # (Z,) end of the node's subtree
    parent: Ints  # (Z,) -1 at a root
    keep_share: Floats  # (Z,) 1 - loss of the link to the parent
    pair_start: Ints  # (Z + 1,) first link of each node to its parent
    pair: Ints  # (L, 3) link, profile row of its availability, 1 when it points to the parent
    pair_mw: Floats  # (L, 2) limit towards the parent, and from it
    copies: Copies
    prices: Prices

    @property
    def steps(self) -> Floats:
        """Different costs above zero, rising."""
        return np.unique(self.cost_usd_per_mwh[self.cost_usd_per_mwh > 0])

    @property
    def listed(self) -> int:
        """Items of all copies: more prices than zero and these there are not."""
        return int(np.diff(self.start)[self.copies.of].sum())

    @cached_property
    def hung(self) -> dict[int, Merit]:
        """The same order hung from other zones, as far as they were asked for."""
        return {}

    @cached_property
    def leader(self) -> Ints:
        """For each item the first of those alike: same node, cost, profiles and reservoir. A block is alone."""
        N = self.unit.size
        alone = np.where(self.unit >= 0, -1, np.arange(N))
        node = np.repeat(np.arange(self.zone.size), np.diff(self.start))
        keys = alone, self.reservoir, self.must_run, self.available, self.cost_usd_per_mwh, node
        order, begins = np.lexsort(keys), np.ones(N, np.bool_)  # lexsort keeps the order of equals
        begins[1:] = np.any([np.diff(k[order]) != 0 for k in keys], axis=0)
        out = np.empty(N, np.int64)
        out[order] = order[begins][np.cumsum(begins) - 1]
        return out

    @cached_property
    def alike(self) -> Merit:
        """The same order with items alike as one, which goes by the first: the same prices and flows if all are up."""
        kept = np.flatnonzero(self.leader == np.arange(self.unit.size))
        if kept.size == self.unit.size:
            return self
        capacity = np.bincount(self.leader, self.capacity_mw)[kept].astype(np.float64)
        cost, start = self.cost_usd_per_mwh[kept], np.searchsorted(kept, self.start)
        return replace(
            self, unit=self.unit[kept], block=self.block[kept], capacity_mw=capacity, available=self.available[kept],
            must_run=self.must_run[kept], cost_usd_per_mwh=cost, reservoir=self.reservoir[kept], start=start,
            prices=_prices(cost, start, self.parent, self.copies, self.prices.rows.size) if self.tree else self.prices,
        )  # fmt: skip

    @cached_property
    def members(self) -> Ints:
        """Items that share with others what `alike` gives, a group after the other."""
        size = np.bincount(self.leader, minlength=self.unit.size)[self.leader]
        order = np.argsort(self.leader, kind="stable")
        return order[size[order] > 1]

    def dearer(self, extra_usd_per_mwh: Floats) -> Merit:
        """The order when each unit (G,) costs so much more."""
        extra = np.where(self.unit >= 0, extra_usd_per_mwh[self.unit] if extra_usd_per_mwh.size else 0.0, 0.0)
        p = self.prices
        cost, order = self.cost_usd_per_mwh + extra, np.empty(self.unit.size, np.int64)
        _RANK(cost, self.start, order)
        cost = cost[order]
        return replace(
            self,
            unit=self.unit[order],
            block=self.block[order],
            capacity_mw=self.capacity_mw[order],
            available=self.available[order],
            must_run=self.must_run[order],
            cost_usd_per_mwh=cost,
            reservoir=self.reservoir[order],
            prices=_prices(cost, self.start, self.parent, self.copies, p.rows.size) if self.tree else p,
        )

    def tree_arrays(self) -> tuple[Any, ...]:
        """Arguments of the tree kernel that do not run along time."""
        c, p = self.copies, self.prices
        return (
            self.unit, self.block, self.capacity_mw, self.available, self.must_run, self.cost_usd_per_mwh, self.start,
            self.zone, self.parent, self.keep_share, p.free, self.pair, self.pair_mw, self.pair_start, p.usd_per_mwh,
            p.head, p.most, c.first, c.of, c.stop, c.factor, p.first_row, p.rows,
        )  # fmt: skip

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
    zone, stop, parent, edges = _preorder(len(system.zones), tuple(k.source.tolist()), tuple(k.target.tolist()), root)
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
    start = np.searchsorted(nodes, np.arange(zone.size + 1))
    copies = _copies(stop, parent, keep) if tree else None
    tree = copies is not None and copies.of.size * (order.size + 1) <= MOST_PLACES
    return Merit(
        unit=np.where(is_unit, order, -1),
        block=np.where(is_unit, -1, order - G),
        capacity_mw=np.asarray(of_unit(u.capacity_mw, 0.0), np.float64),
        available=np.asarray(of_unit(u.available, 0), np.int64),
        must_run=np.asarray(of_unit(u.must_run, 1), np.int64),
        cost_usd_per_mwh=cost[order],
        reservoir=np.asarray(of_unit(u.reservoir, -1), np.int64),
        start=start,
        tree=tree,
        zone=zone,
        stop=stop,
        parent=parent,
        keep_share=keep,
        pair_start=np.array(pair_start, np.int64),
        pair=np.array([p[:3] for p in pairs], np.int64).reshape(-1, 3),
        pair_mw=np.array([p[3:] for p in pairs], np.float64).reshape(-1, 2),
        copies=copies if copies is not None and tree else NO_COPIES,
        prices=_prices(cost[order], start, parent, copies, 0) if copies is not None and tree else NO_PRICES,
    )


def _copies(stop: Ints, parent: Ints, keep: Floats) -> Copies | None:
    """The forest written out with two copies of what hangs below a lossy link; None when that would be too many."""
    size = np.ones(stop.size)
    for k in range(stop.size - 1, 0, -1):
        if parent[k] >= 0:
            size[parent[k]] += size[k] * (2.0 if keep[k] < 1.0 else 1.0)
    if size[parent < 0].sum() > MOST_PLACES:
        return None
    of: list[int] = []
    factor: list[float] = []
    todo = [(int(k), 1.0) for k in np.flatnonzero(parent < 0)[::-1]]
    while todo:
        k, share = todo.pop()
        of.append(k)
        factor.append(share)
        below, c = [], k + 1
        while c < stop[k]:
            below += [(c, x) for x in ((share * keep[c], share / keep[c]) if keep[c] < 1.0 else (share,))]
            c = int(stop[c])
        todo += below[::-1]
    nodes = np.array(of, np.int64)
    first = np.full(stop.size, -1, np.int64)
    first[nodes[::-1]] = np.arange(nodes.size)[::-1]
    ends = np.arange(nodes.size) + size[nodes].astype(np.int64)
    return Copies(nodes, ends, np.array(factor, np.float64), first)


def _prices(cost: Floats, start: Ints, parent: Ints, copies: Copies, rows: int) -> Prices:
    """Price lists of the trees: at the root, every cost seen through the links between. rows: their likely number."""
    Z, items = parent.size, int(np.diff(start)[copies.of].sum())
    usd, begin = np.empty(items + Z), np.empty(items + Z + 1, np.int64)
    changed, item = np.empty(items, np.int64), np.empty(items, np.int64)
    head, most, free = (np.empty(Z, np.int64) for _ in range(3))
    first_row, rows_of = np.empty(copies.of.size, np.int64), np.empty(rows, np.int64)
    while True:
        listed, rows = _LISTS(cost, start, parent, copies.first, copies.of, copies.stop, copies.factor, usd, head, most,
                              free, begin, changed, item, first_row, rows_of)  # fmt: skip
        if rows <= rows_of.size:
            return Prices(usd[:listed], head, most, free, first_row, rows_of[:rows])
        rows_of = np.empty(rows, np.int64)


@lru_cache(maxsize=64)
def _preorder(
    n_zones: int, source: tuple[int, ...], target: tuple[int, ...], first: int | None
) -> tuple[Ints, Ints, Ints, dict[tuple[int, int], list[int]]]:
    """Zones, ends of subtrees and parents of a spanning forest as flat as can be, and the links of each pair of

    zones."""
    edges: dict[tuple[int, int], list[int]] = {}
    for i, (a, b) in enumerate(zip(source, target, strict=True)):
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
