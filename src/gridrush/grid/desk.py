"""A system ready for the hourly kernels: run it at given costs, or ask what it offers to one of its zones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from gridrush.case.system import Ints, System
from gridrush.errors import EngineError
from gridrush.grid import _kernels, _kernels_merit, _kernels_mesh, _kernels_response
from gridrush.grid.lp import Shares
from gridrush.grid.merit import Merit, merit_order
from gridrush.units import Floats

MESH_PRICES = 20
"""Prices at which a meshed network is asked for its response to a store; more steps are thinned out."""
LIST_PER_HOUR = 12
"""Entries an hour of a response is expected to have; the arrays grow when it has more."""
_NOTHING = np.zeros((0, 0))
_TREE: Any = _kernels.tree  # numba's types do not know about unpacked arguments
_RESPONSE: Any = _kernels_response.response
_MESH: Any = _kernels_mesh.mesh
_SHARE: Any = _kernels_merit.share_out


@dataclass(frozen=True, eq=False)
class Hours:
    """Outputs of the kernels, along time."""

    generation: Floats  # (G, T)
    served: Floats  # (B, T)
    flow: Floats  # (L, T)
    price: Floats  # (Z, T)
    spill: Floats  # (Z, T)
    cost: Floats  # (T,)

    @staticmethod
    def empty(system: System) -> Hours:
        T, Z = system.time.size, len(system.zones)
        rows = [0, *accumulate((len(system.units), len(system.demand), len(system.links), Z, Z))]
        block = np.empty((rows[-1] + 1, T))  # in one piece, so that memory comes in large pages
        units, blocks, links, price, spill = (block[a:b] for a, b in pairwise(rows))
        return Hours(units, blocks, links, price, spill, block[-1])

    def arrays(self) -> tuple[Floats, ...]:
        return self.generation, self.served, self.flow, self.price, self.spill, self.cost


@dataclass(eq=False)
class Desk:
    """A system ready for the kernels."""

    system: System
    merit: Merit
    up: Shares
    links_up: Shares
    inject: Floats  # (Z, T), or empty

    @staticmethod
    def of(system: System, merit: Merit | None, up: Shares | None, links_up: Shares | None) -> Desk:
        m = merit_order(system) if merit is None else merit
        if len(system.reservoirs):
            reservoir = np.where(m.unit >= 0, system.units.reservoir[m.unit], -1)
            if not np.array_equal(reservoir, m.reservoir):  # the order was made for units that run free
                m = replace(m, reservoir=reservoir)
        return Desk(system, m, _NOTHING if up is None else up, _NOTHING if links_up is None else links_up, _NOTHING)

    def part(self, period: int, first: int, last: int) -> Desk:
        """Hours first to last, which are of one period, with nothing injected."""
        s = self.system
        here = slice(first, last)
        system = replace(
            s, time=s.time[here], period=np.zeros(last - first, np.int64),
            profiles=np.ascontiguousarray(s.profiles[:, here]),
            demand=replace(s.demand, load_mw=s.demand.load_mw[here]),
            reservoirs=replace(s.reservoirs, energy_mwh=s.reservoirs.energy_mwh[:, period : period + 1]),
        )  # fmt: skip
        up, links_up = (x[here] if x.size else x for x in (self.up, self.links_up))
        return Desk(system, self.merit, up, links_up, _NOTHING)

    def alike(self, merit: Merit) -> Merit:
        """The order with units alike as one, if they are up alike: for when it does not matter what each does."""
        return merit if self.up.size else merit.alike

    @cached_property
    def hours(self) -> Ints:
        """Every hour in turn. (T,)"""
        return np.arange(self.system.time.size)

    def series(self) -> tuple[Any, ...]:
        """Arguments of the kernels that run along time."""
        s = self.system
        inject = self.inject
        if not self.merit.tree and not inject.size:
            inject = np.zeros((len(s.zones), s.time.size))
        along_time = (np.ascontiguousarray(x) for x in (s.profiles, self.up.T))
        return *along_time, self.links_up, s.demand.load_mw, inject

    def run(self, first: int, last: int, out: Hours, merit: Merit) -> None:
        """Dispatch hours first to last with the given merit order (costs), stores as injected."""
        if merit.tree:
            wanted = np.ones(len(self.system.units) + 1, np.bool_)
            _TREE(*self.series(), *merit.tree_arrays(), self.hours, first, last, *out.arrays(), wanted)
            return
        fixed = merit.mesh_arrays(self.system)
        failed = _MESH(*self.series(), *fixed, self.hours, first, last, *out.arrays(), -1, 0.0, out.cost)
        if failed:
            raise EngineError(f"the network simplex gave up in {failed} hours; use engine='lp'")

    def whole(self, out: Hours) -> None:
        """Dispatch all hours, to the unit."""
        self.run(0, self.system.time.size, out, self.alike(self.merit))
        self._share(out)

    def around(self, fed: Ints, given: Floats, out: Hours) -> None:
        """As `whole`, around units with a reservoir, one of those alike (F,), whose generation is given (F, T)."""
        s, u, m = self.system, self.system.units, self.alike(self.merit)
        inject = self.inject.copy() if self.inject.size else np.zeros((len(s.zones), s.time.size))
        for z, power in zip(u.zone[fed].tolist(), given, strict=True):
            inject[z] += power
        rest = replace(m, capacity_mw=np.where(m.reservoir >= 0, 0.0, m.capacity_mw))
        replace(self, inject=inject).run(0, s.time.size, out, rest)
        out.generation[fed] = given
        out.cost[...] += u.cost_usd_per_mwh[fed] @ given
        self._share(out)

    def _share(self, out: Hours) -> None:
        """Have units alike give what was found for all of them."""
        m, profiles = self.merit, np.ascontiguousarray(self.system.profiles)
        if self.alike(m).unit.size < m.unit.size:
            _SHARE(profiles, m.unit, m.capacity_mw, m.available, m.must_run, m.members, m.leader, out.generation)


@dataclass(frozen=True, eq=False)
class Response:
    """What everything else offers to a zone, hour by hour: prices and the surplus at each; see `_kernels_response`."""

    begin: Ints  # (T + 1,) first entry of each hour
    place: Ints  # place of the price in `of`
    offered: Floats
    draw: float
    of: Ints  # place in `steps` of each price of each span of hours
    steps: Floats  # all prices at which anything may change, rising from zero

    def arrays(self) -> tuple[Any, ...]:
        return self.begin, self.place, self.offered, self.draw, self.of


def spans(system: System) -> list[tuple[int, int, int]]:
    """Period, first and last hour (exclusive) of each run of hours of one period."""
    if not len(system.reservoirs):
        return [(0, 0, system.time.size)]
    cut = np.flatnonzero(np.diff(system.period)) + 1
    edges = [0, *cut.tolist(), system.time.size]
    return [(int(system.period[a]), a, b) for a, b in pairwise(edges) if b > a]


def respond(desk: Desk, zone: int, water: Floats, draw: float, give: float) -> Response:
    """Response of the system at a zone, with water at its values (H, P).

    draw, give: power that what is to be placed there may give and take. [MW]
    """
    s, fed = desk.system, desk.system.units.reservoir
    parts = spans(s)
    edges = np.array([0, *(b for _, _, b in parts)])
    extra = np.zeros((len(parts), fed.size))
    if len(s.reservoirs):
        extra[:, fed >= 0] = water[fed[fed >= 0]][:, [p for p, _, _ in parts]].T
    told = _tree_response if desk.merit.tree else _mesh_response
    begin, place, offered, usd = told(desk, zone, extra, edges, draw, give)
    steps, of = np.unique(usd, return_inverse=True)
    return Response(begin, place, offered, draw, of.ravel(), steps[np.isfinite(steps)])


Told = tuple[Ints, Ints, Floats, Floats]
"""Arrays `begin`, `place` and `offered` of a response, and the prices of each span (S, M), infinite after the last."""


def _tree_response(desk: Desk, zone: int, extra: Floats, edges: Ints, draw: float, give: float) -> Told:
    s, hung = desk.system, desk.merit.hung  # lives as long as the order does, which is longer than a dispatch
    if zone not in hung:
        hung[zone] = merit_order(s, root=zone)
    m, c = desk.alike(hung[zone]), hung[zone].copies
    items = (m.unit, m.block, m.capacity_mw, m.available, m.must_run, m.cost_usd_per_mwh, m.start, m.zone, m.parent,
             m.keep_share, m.pair, m.pair_mw, m.pair_start, c.first, c.of, c.stop, c.factor)  # fmt: skip
    begin, steps = np.empty(s.time.size + 1, np.int64), np.empty((len(extra), 1 + m.listed))
    size = LIST_PER_HOUR * s.time.size
    while True:
        place, offered = np.empty(size, np.int64), np.empty(size)
        filled = _RESPONSE(*desk.series(), *items, extra, edges, draw, give, begin, place, offered, steps)
        if filled <= size:
            return begin, place[:filled], offered[:filled], steps
        size = filled


def _mesh_response(desk: Desk, zone: int, extra: Floats, edges: Ints, draw: float, give: float) -> Told:
    s, T, alike = desk.system, desk.system.time.size, desk.alike(desk.merit)
    out, sold = Hours.empty(s), np.empty(T)
    usd, surplus = np.full((len(extra), MESH_PRICES + 1), np.inf), np.full((T, MESH_PRICES + 1), np.inf)
    place = np.empty((T, MESH_PRICES + 1), np.int64)
    for i, (dearer, a, b) in enumerate(zip(extra, edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        merit = alike.dearer(dearer) if dearer.any() else alike
        steps = merit.steps
        if steps.size > MESH_PRICES:  # keep the dearest, where a step is a cut in supply, thin out the rest
            dear = MESH_PRICES // 4
            some = np.unique(np.linspace(0, steps.size - dear - 1, MESH_PRICES - dear).astype(np.int64))
            steps = np.concatenate([steps[some], steps[-dear:]])
        usd[i, 0], usd[i, 1 : steps.size + 1] = 0.0, steps
        place[a:b] = i * usd.shape[1] + np.arange(usd.shape[1])
        fixed = merit.mesh_arrays(s)
        for m, price in enumerate(between_steps(steps).tolist()):
            _MESH(*desk.series(), *fixed, desk.hours, a, b, *out.arrays(), zone, price, sold)
            surplus[a:b, m] = sold[a:b]
    told = np.isfinite(surplus)
    return np.concatenate([[0], np.cumsum(told.sum(axis=1))]), place[told], surplus[told], usd


def between_steps(steps: Floats) -> Floats:
    """A price below, between and above rising steps. (M + 1,)"""
    if not steps.size:
        return np.ones(1)
    return np.concatenate([[steps[0] / 2], (steps[1:] + steps[:-1]) / 2, [2 * steps[-1]]])
