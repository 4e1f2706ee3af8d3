"""Economic dispatch: who runs, who is cut, what flows, and at what price, hour by hour.

    minimise   sum_t [ sum_g c_g p_tg + sum_b v_b (d_tb - s_tb) ]
    subject to per zone  generation - served - sent + received (1 - loss) + discharge - charge = spill >= 0

with units between must-run and availability, blocks between nothing and their load, links within their limits, reservoirs
within the energy of each period and stores within their size. Power that cannot be used is spilled at no cost, so prices are
never negative. An export sale is a block like any other: what it would have paid is a cost when it is not served.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gridrush.case.system import Ints, System
from gridrush.errors import CaseError, EngineError, Problem
from gridrush.units import Floats

Engine = Literal["fast", "lp"]
_KIND_RANK = {"export": 1, "interruptible": 2, "firm": 3}  # who is cut first among blocks of equal value
_NOTHING = np.zeros((0, 0))


@dataclass(frozen=True, eq=False)
class Dispatch:
    """What every unit, block, link and store does in each hour, and the price of each zone."""

    system: System
    engine: Engine
    generation_mw: Floats  # (T, G)
    served_mw: Floats  # (T, B)
    flow_mw: Floats  # (T, L) where it enters the link; positive from source to target
    price_usd_per_mwh: Floats  # (T, Z) cost of one more MWh of load
    spilled_mw: Floats  # (T, Z) power that had to be thrown away
    charge_mw: Floats  # (T, J) taken from the zone
    discharge_mw: Floats  # (T, J) given to the zone
    stored_mwh: Floats  # (T, J) at the end of the hour
    cost_usd_per_h: Floats  # (T,) running cost plus value of load not served
    water_value_usd_per_mwh: Floats  # (H, P) worth of one more MWh in the reservoir
    bound_usd: float  # no dispatch of the model can cost less

    @cached_property
    def cost_usd(self) -> float:
        """Running cost plus value of load not served, exports not sold included. [USD]"""
        return float(self.cost_usd_per_h.sum())

    @property
    def gap_share(self) -> float:
        """Distance of the cost from its lower bound, as a share of the cost."""
        return max(0.0, self.cost_usd - self.bound_usd) / max(abs(self.cost_usd), 1e-9)

    def unserved_mw(self, kinds: tuple[str, ...] = ("firm",)) -> Floats:
        """Load not served of blocks of the given kinds, by zone. [MW] (T, Z)"""
        d = self.system.demand
        out = np.zeros((self.system.time.size, len(self.system.zones)))
        for b, kind in enumerate(d.kind):
            if kind in kinds:
                out[:, d.zone[b]] += d.load_mw[:, b] - self.served_mw[:, b]
        return out

    @cached_property
    def unserved_mwh(self) -> float:
        """Energy that firm blocks wanted and did not get. [MWh]"""
        return float(self.unserved_mw().sum())

    @cached_property
    def received_mw(self) -> Floats:
        """Power that leaves each link, with the sign of the flow. [MW] (T, L)"""
        return self.flow_mw * (1.0 - self.system.links.loss_share)

    @cached_property
    def congestion_rent_usd(self) -> Floats:
        """What the power is worth where it leaves a link less what it is worth where it enters. [USD] (T, L)"""
        k = self.system.links
        head, tail = self.price_usd_per_mwh[:, k.target], self.price_usd_per_mwh[:, k.source]
        f, r = self.flow_mw, self.received_mw
        return np.where(f >= 0, head * r - tail * f, -(tail * r - head * f))

    @cached_property
    def balance_mw(self) -> Floats:
        """What is left of each zone's balance; zero up to rounding. [MW] (T, Z)"""
        s = self.system
        out = -self.spilled_mw
        for g, z in enumerate(s.units.zone):
            out[:, z] += self.generation_mw[:, g]
        for b, z in enumerate(s.demand.zone):
            out[:, z] -= self.served_mw[:, b]
        sent, got = self.flow_mw, self.received_mw
        for i, (a, b) in enumerate(zip(s.links.source, s.links.target, strict=True)):
            out[:, a] -= np.where(sent[:, i] >= 0, sent[:, i], got[:, i])
            out[:, b] += np.where(sent[:, i] >= 0, got[:, i], sent[:, i])
        for j, z in enumerate(s.storage.zone):
            out[:, z] += self.discharge_mw[:, j] - self.charge_mw[:, j]
        return out


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


def merit_order(system: System) -> Merit:
    """Merit order and network shape of a system.

    Items are sorted by node (zones in preorder of the tree) and cost; blocks of equal value are cut in the order export,
    interruptible, firm.

    Parameters
    ----------
    system : System
        Only its units, values and links are read, not its hours.
    """
    u, d, k = system.units, system.demand, system.links
    if not np.isfinite(d.value_usd_per_mwh).all():
        raise CaseError(
            Problem(f"demand[{d.name[b]}].value_usd_per_mwh", float(d.value_usd_per_mwh[b]), "a finite value of lost load")
            for b in np.flatnonzero(~np.isfinite(d.value_usd_per_mwh))
        )
    zone, stop, parent, edges = _preorder(len(system.zones), k.source, k.target)
    node_of = np.empty_like(zone)
    node_of[zone] = np.arange(zone.size)
    G, B = len(u), len(d)
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
        for i in edges.get((min(zone[node], zone[parent[node]]), max(zone[node], zone[parent[node]])), []) \
                if parent[node] >= 0 else []:
            up = int(k.source[i] == zone[node])
            limits = (k.forward_mw[i], k.backward_mw[i]) if up else (k.backward_mw[i], k.forward_mw[i])
            pairs.append((i, int(k.available[i]), up, *limits))
            losses.add(float(k.loss_share[i]))
            keep[node] = 1.0 - float(k.loss_share[i])
        tree &= len(losses) < 2
        pair_start.append(len(pairs))
    return Merit(
        unit=np.where(is_unit, order, -1), block=np.where(is_unit, -1, order - G),
        capacity_mw=np.asarray(of_unit(u.capacity_mw, 0.0), np.float64),
        available=np.asarray(of_unit(u.available, 0), np.int64),
        must_run=np.asarray(of_unit(u.must_run, 1), np.int64),
        cost_usd_per_mwh=cost[order], start=np.searchsorted(nodes, np.arange(zone.size + 1)),
        steps=np.unique(cost[cost > 0]), tree=tree, zone=zone, stop=stop, parent=parent, keep_share=keep,
        pair_start=np.array(pair_start, np.int64), pair=np.array([p[:3] for p in pairs], np.int64).reshape(-1, 3),
        pair_mw=np.array([p[3:] for p in pairs], np.float64).reshape(-1, 2),
    )


def _preorder(
    n_zones: int, source: Ints, target: Ints
) -> tuple[Ints, Ints, Ints, dict[tuple[int, int], list[int]]]:
    """Zones, ends of subtrees and parents of a spanning forest as flat as can be, and the links of each pair of zones."""
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
        members = list(reach(min(todo)))
        root = min(members, key=lambda z: (max(depth for _, depth in reach(z).values()), z)) if len(members) > 1 else members[0]
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


def dispatch(
    system: System, *, up: NDArray[np.generic] | None = None, links_up: NDArray[np.generic] | None = None,
    engine: Engine = "fast", merit: Merit | None = None,
) -> Dispatch:
    """Cheapest operation of a system over its hours.

    Parameters
    ----------
    system : System
    up : array, shape (T, G), optional
        Share of each unit that is up (bool or number); it scales availability and must-run. None: all up.
    links_up : array, shape (T, L), optional
        Share of each link that is in service, on top of its profile.
    engine : {"fast", "lp"}
        `fast` walks merit orders (exact without storage); `lp` hands the same model to HiGHS.
    merit : Merit, optional
        From `merit_order`, when systems with the same units, values and links are dispatched again and again.

    Returns
    -------
    Dispatch
        `generation_mw` and the other series are views of arrays that run along time.
    """
    T, Z, G = system.time.size, len(system.zones), len(system.units)
    B, L = len(system.demand), len(system.links)
    problems = [
        Problem(name, a.shape, f"shape {want}")
        for name, a, want in (("up", up, (T, G)), ("links_up", links_up, (T, L))) if a is not None and a.shape != want
    ]
    if problems:
        raise CaseError(problems)
    if engine == "lp":
        from gridrush.grid.lp import dispatch_lp

        return dispatch_lp(system, up=up, links_up=links_up)
    from gridrush.grid import _kernels

    m = merit_order(system) if merit is None else merit
    J, H, P = len(system.storage), len(system.reservoirs), system.reservoirs.energy_mwh.shape[1]
    if J or H:
        raise EngineError("this network needs engine='lp'")
    k = system.links
    generation, served, flow = np.empty((G, T)), np.empty((B, T)), np.empty((L, T))
    price, spill, cost = np.empty((Z, T)), np.empty((Z, T)), np.empty(T)
    profiles, up_, links_up_ = np.ascontiguousarray(system.profiles), _NOTHING if up is None else up, _NOTHING if links_up is None else links_up
    if m.tree:
        _kernels.tree(
            profiles, up_, system.demand.load_mw, m.unit, m.block, m.capacity_mw, m.available, m.must_run,
            m.cost_usd_per_mwh, m.start, m.steps, m.stop, m.parent, m.zone, m.keep_share, m.pair, m.pair_mw, m.pair_start,
            links_up_, 0, T, generation, served, flow, price, spill, cost, True,
        )
    else:
        from gridrush.grid import _kernels_mesh
        item_zone = np.repeat(m.zone, np.diff(m.start))
        failed = _kernels_mesh.mesh(
            profiles, up_, system.demand.load_mw, m.unit, m.block, m.capacity_mw, m.available, m.must_run,
            m.cost_usd_per_mwh, item_zone, k.source, k.target, k.loss_share,
            np.stack([k.forward_mw, k.backward_mw], axis=1), k.available, links_up_, 0, T,
            generation, served, flow, price, spill, cost,
        )
        if failed: raise EngineError(f"{failed} hours failed")
    none = np.zeros((T, J))
    return Dispatch(
        system, "fast", generation.T, served.T, flow.T, price.T, spill.T, none, none, none, cost, np.zeros((H, P)),
        float(cost.sum()),
    )
