"""A system ready for the hourly kernels: run it at given costs, or ask what it offers to one of its zones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from gridrush.case.system import Ints, System
from gridrush.errors import EngineError
from gridrush.grid import _kernels, _kernels_mesh
from gridrush.grid.lp import Shares
from gridrush.grid.merit import Merit, merit_order
from gridrush.units import Floats

MESH_PRICES = 20
"""Prices at which a meshed network is asked for its response to a store; more steps are thinned out."""
LIST_PER_HOUR = 12
"""Entries an hour of a response is expected to have; the arrays grow when it has more."""
_NOTHING = np.zeros((0, 0))
_TREE: Any = _kernels.tree  # numba's types do not know about unpacked arguments
_RESPONSE: Any = _kernels.response
_MESH: Any = _kernels_mesh.mesh


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
    rooted: dict[tuple[int, bytes], Merit] = field(default_factory=dict)  # `Merit.hung` with units so much dearer

    @staticmethod
    def of(system: System, merit: Merit | None, up: Shares | None, links_up: Shares | None) -> Desk:
        m = merit_order(system) if merit is None else merit
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
        return Desk(system, self.merit, up, links_up, _NOTHING, self.rooted)

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
        return np.ascontiguousarray(s.profiles), self.up, self.links_up, s.demand.load_mw, inject

    def run(self, first: int, last: int, out: Hours, merit: Merit | None = None) -> None:
        """Dispatch hours first to last with the given merit order (costs), stores as injected."""
        m = self.merit if merit is None else merit
        if m.tree:
            wanted = np.ones(len(self.system.units) + 1, np.bool_)
            _TREE(*self.series(), *m.tree_arrays(), self.hours, first, last, *out.arrays(), wanted)
            return
        fixed = m.mesh_arrays(self.system)
        failed = _MESH(*self.series(), *fixed, self.hours, first, last, *out.arrays(), -1, 0.0, out.cost)
        if failed:
            raise EngineError(f"the network simplex gave up in {failed} hours; use engine='lp'")

    def around(self, fed: Ints, given: Floats, out: Hours) -> None:
        """Dispatch all hours around some units (F,) whose generation is given (F, T)."""
        s, u, m = self.system, self.system.units, self.merit
        inject = self.inject.copy() if self.inject.size else np.zeros((len(s.zones), s.time.size))
        for z, power in zip(u.zone[fed].tolist(), given, strict=True):
            inject[z] += power
        capacity = np.where(np.isin(m.unit, fed), 0.0, m.capacity_mw)
        Desk(s, replace(m, capacity_mw=capacity), self.up, self.links_up, inject).run(0, s.time.size, out)
        out.generation[fed] = given
        out.cost[...] += u.cost_usd_per_mwh[fed] @ given

    def response(self, merit: Merit, zone: int, first: int, last: int, draw: float, give: float) -> Response:
        """What the rest offers to a zone that may be short of `draw` or have `give` over [MW] in hours first to last.

        merit must have the zone as its first node.
        """
        hours, begin = last - first, np.empty(last - first + 1, np.int64)
        if merit.tree:
            size = LIST_PER_HOUR * hours
            while True:
                place, offered = np.empty(size, np.int64), np.empty(size)
                filled = _RESPONSE(
                    *self.series(), *merit.tree_arrays(), *merit.changes(), self.hours, first, last, draw, give,
                    begin, place, offered,
                )
                if filled <= size:
                    steps = merit.prices.usd_per_mwh[: merit.prices.most[0] + 1]
                    return Response(begin, place[:filled], offered[:filled], draw, steps)
                size = filled
        steps = merit.steps
        if steps.size > MESH_PRICES:  # keep the dearest, where a step is a cut in supply, thin out the rest
            dear = MESH_PRICES // 4
            some = np.unique(np.linspace(0, steps.size - dear - 1, MESH_PRICES - dear).astype(np.int64))
            steps = np.concatenate([steps[some], steps[-dear:]])
        above = between_steps(steps)
        out, sold = Hours.empty(self.system), np.empty(self.system.time.size)
        table = np.empty((hours, above.size))
        for m, price_here in enumerate(above):
            _MESH(*self.series(), *merit.mesh_arrays(self.system), self.hours, first, last, *out.arrays(), zone,
                  float(price_here), sold)  # fmt: skip
            table[:, m] = sold[first:last]
        steps = np.concatenate([[0.0], steps])
        places = np.tile(np.arange(steps.size), hours)
        return Response(above.size * np.arange(hours + 1), places, table.ravel(), draw, steps)


@dataclass(frozen=True, eq=False)
class Response:
    """What everything else offers to a zone, hour by hour: prices and the surplus at each; see `_kernels.response`."""

    begin: Ints  # (T + 1,) first entry of each hour
    place: Ints  # of the price in `steps`
    offered: Floats
    draw: float
    steps: Floats  # all prices at which anything may change, rising from zero

    def arrays(self) -> tuple[Any, ...]:
        return self.begin, self.place, self.offered, self.draw

    @staticmethod
    def joined(parts: list[Response]) -> Response:
        """Responses of spans of hours one after the other."""
        if len(parts) == 1:
            return parts[0]
        ends = np.cumsum([0, *(r.place.size for r in parts)])
        begin = [r.begin[:-1] + at for r, at in zip(parts, ends[:-1], strict=True)]
        steps = np.unique(np.concatenate([r.steps for r in parts]))
        return Response(
            np.concatenate([*begin, ends[-1:]]),
            np.concatenate([np.searchsorted(steps, r.steps)[r.place] for r in parts]),
            np.concatenate([r.offered for r in parts]), parts[0].draw, steps,
        )  # fmt: skip


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
    s = desk.system
    rooted = _hung(desk, zone, np.zeros(0))
    if not len(s.reservoirs):
        return desk.response(rooted, zone, 0, s.time.size, draw, give)
    parts = []
    for p, a, b in spans(s):
        extra = np.where(s.units.reservoir >= 0, water[s.units.reservoir, p], 0.0)
        parts.append(desk.response(_hung(desk, zone, extra), zone, a, b, draw, give))
    return Response.joined(parts)


def _hung(desk: Desk, zone: int, extra: Floats) -> Merit:
    """The order of merit hung from a zone, units (G,) dearer by so much."""
    hung = desk.merit.hung  # lives as long as the order does, which is longer than a dispatch
    if zone not in hung:
        hung[zone] = merit_order(desk.system, root=zone)
    if not extra.any():
        return hung[zone]
    key = zone, extra.tobytes()
    if key not in desk.rooted:
        desk.rooted[key] = hung[zone].dearer(extra)
    return desk.rooted[key]


def between_steps(steps: Floats) -> Floats:
    """A price below, between and above rising steps. (M + 1,)"""
    if not steps.size:
        return np.ones(1)
    return np.concatenate([[steps[0] / 2], (steps[1:] + steps[:-1]) / 2, [2 * steps[-1]]])
