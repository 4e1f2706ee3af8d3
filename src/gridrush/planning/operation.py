"""A future as the arrays a year of operation is computed from, every limit being linear in what stands.

Units alike in zone, cost, availability and fuel are one *item*; a limit is `base + slope @ standing_mw`. Existing
units are taken at their expected availability: capacity times one less the forced outage share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridrush.case.system import Ints
from gridrush.planning.options import START_SHARE, Candidate, Future, Stage
from gridrush.units import Floats


@dataclass(frozen=True, eq=False)
class Limits:
    """Limits of N things as a function of what stands: base + slope @ standing_mw."""

    base: Floats  # (N,)
    slope: Floats  # (N, C)

    def at(self, standing_mw: Floats) -> Floats:
        """The limits. (N,)"""
        return np.asarray(np.maximum(self.base + self.slope @ standing_mw, 0.0))


@dataclass(frozen=True, eq=False)
class Operation:
    """Items N, blocks B, links L, stores J, reservoirs H, periods P, profile rows R, hours T, candidates C."""

    T: int
    Z: int
    weight: Floats  # (T,) hours of the year each hour stands for
    profiles: Floats  # (R, T)
    # items
    zone: Ints  # (N,)
    cost: Floats  # (N,) USD/MWh, carbon price within
    co2: Floats  # (N,)
    fuel: tuple[str, ...]
    mw: Limits
    avail: Ints  # (N,) profile row
    must: Ints  # (N,) profile row
    reservoir: Ints  # (N,)
    # blocks
    block_zone: Ints
    block_kind: tuple[str, ...]
    value: Floats  # (B,)
    load: Floats  # (B, T)
    # links
    source: Ints
    target: Ints
    loss: Floats
    link_avail: Ints
    forward: Limits
    backward: Limits
    # stores
    store_zone: Ints
    charge: Limits
    discharge: Limits
    energy: Limits
    eta_in: Floats
    eta_out: Floats
    start_share: Floats
    free_start: NDArray[np.bool_]  # begins at any level that it ends at; start_share is not used
    # reservoirs
    period: Ints  # (T,)
    water: Floats  # (H, P) MWh

    @property
    def candidates(self) -> int:
        """Number of candidates."""
        return int(self.mw.slope.shape[1])


def operation(future: Future, candidates: Sequence[Candidate], *, carbon_price_usd_per_t: float = 0.0) -> Operation:
    """The arrays of a future with the candidates in it.

    Parameters
    ----------
    future : Future
    candidates : sequence of Candidate, length C
    carbon_price_usd_per_t : float
        Added to the cost of what emits. [USD/t]
    """
    s, C, T = future.system, len(candidates), future.system.time.size
    u = s.units
    profiles = [*np.asarray(s.profiles, np.float64)]
    replaced: dict[str, list[int]] = {}
    for i, c in enumerate(candidates):
        for name in c.replaces:
            replaced.setdefault(name, []).append(i)
    kept: dict[tuple[int, int], int] = {}

    def must_row(available: int, must: int) -> int:
        """Row of what must run, never more than what can."""
        if (available, must) not in kept:
            kept[available, must] = must
            if (profiles[must] > profiles[available]).any():
                kept[available, must] = len(profiles)
                profiles.append(np.minimum(profiles[must], profiles[available]))
        return kept[available, must]

    expected = u.capacity_mw * (1.0 - u.forced_outage_share)
    groups: dict[tuple[object, ...], int] = {}
    rows: list[tuple[int, float, float, str, int, int, int]] = []
    base: list[float] = []
    slope: list[Floats] = []
    for g in range(len(u)):
        closed_by = tuple(replaced.get(u.name[g], ()))
        cost = float(u.cost_usd_per_mwh[g]) + carbon_price_usd_per_t * float(u.co2_t_per_mwh[g])
        row = (int(u.zone[g]), cost, float(u.co2_t_per_mwh[g]), u.fuel[g], int(u.available[g]),
               must_row(int(u.available[g]), int(u.must_run[g])), int(u.reservoir[g]))  # fmt: skip
        at = groups.setdefault((row, closed_by), len(rows))
        if at == len(rows):
            rows.append(row)
            base.append(0.0)
            slope.append(np.zeros(C))
        base[at] += expected[g]
        for i in closed_by:
            slope[at][i] -= expected[g] / candidates[i].max_mw
    links: list[tuple[int, int, float, int]] = []
    link_slope: list[Floats] = []
    both_ways: list[float] = []
    stores: list[Candidate] = []
    store_slope: list[Floats] = []
    for i, c in enumerate(candidates):
        mine = np.zeros(C)
        mine[i] = 1.0 - c.forced_outage_share
        avail = 0
        if future.available is not None and not (future.available[i] == 1.0).all():
            avail = len(profiles)
            profiles.append(np.asarray(future.available[i], np.float64))
        if c.kind == "unit":
            must = 1
            if c.must_run_share > 0:
                must = len(profiles)
                profiles.append(np.asarray(profiles[avail] * c.must_run_share))
            cost = c.cost_usd_per_mwh + carbon_price_usd_per_t * c.co2_t_per_mwh
            rows.append((c.zone, cost, c.co2_t_per_mwh, c.fuel or c.technology, avail, must, -1))
            base.append(0.0)
            slope.append(mine)
        elif c.kind == "link":
            links.append((c.zone, c.zone_to, c.loss_share, avail))
            link_slope.append(mine)
            both_ways.append(0.0 if c.one_way else 1.0)
        else:
            stores.append(c)
            store_slope.append(mine)
    k, j = s.links, s.storage

    def ints(old: Ints, new: Sequence[int]) -> Ints:
        return np.concatenate([old, np.array(new, np.int64)]).astype(np.int64)

    def floats(old: Floats, new: Sequence[float]) -> Floats:
        return np.concatenate([old, np.array(new, np.float64)])

    def limits(old: Floats, new: list[Floats], scale: Sequence[float] | None = None) -> Limits:
        grown = [a * b for a, b in zip(new, scale if scale is not None else [1.0] * len(new), strict=True)]
        return Limits(
            np.concatenate([old, np.zeros(len(new))]),
            np.vstack([np.zeros((old.size, C)), *(x[None, :] for x in grown)]) if new else np.zeros((old.size, C)),
        )

    column = [list(x) for x in zip(*rows, strict=True)] if rows else [[] for _ in range(7)]
    return Operation(
        T=T, Z=len(s.zones), weight=future.weight, profiles=np.ascontiguousarray(profiles),
        zone=np.array(column[0], np.int64), cost=np.array(column[1], np.float64), co2=np.array(column[2], np.float64),
        fuel=tuple(str(x) for x in column[3]), mw=Limits(np.array(base), np.array(slope).reshape(len(rows), C)),
        avail=np.array(column[4], np.int64), must=np.array(column[5], np.int64),
        reservoir=np.array(column[6], np.int64),
        block_zone=s.demand.zone.astype(np.int64), block_kind=tuple(s.demand.kind),
        value=np.asarray(s.demand.value_usd_per_mwh, np.float64), load=np.ascontiguousarray(s.demand.load_mw.T),
        source=ints(k.source, [x[0] for x in links]), target=ints(k.target, [x[1] for x in links]),
        loss=floats(k.loss_share, [x[2] for x in links]), link_avail=ints(k.available, [x[3] for x in links]),
        forward=limits(k.forward_mw, link_slope), backward=limits(k.backward_mw, link_slope, both_ways),
        store_zone=ints(j.zone, [c.zone for c in stores]), charge=limits(j.charge_mw, store_slope),
        discharge=limits(j.discharge_mw, store_slope),
        energy=limits(j.energy_mwh, store_slope, [c.storage_hours for c in stores]),
        eta_in=floats(j.charge_efficiency, [c.charge_efficiency for c in stores]),
        eta_out=floats(j.discharge_efficiency, [c.discharge_efficiency for c in stores]),
        start_share=floats(j.initial_share, [START_SHARE for _ in stores]),
        free_start=np.array([False] * len(j) + [c.free_start for c in stores], bool),
        period=s.period if len(s.reservoirs) else np.zeros(T, np.int64), water=s.reservoirs.energy_mwh,
    )  # fmt: skip


def operations(stages: Sequence[Stage], candidates: Sequence[Candidate]) -> list[list[Operation]]:
    """Operation of every future of every stage."""
    return [
        [operation(f, candidates, carbon_price_usd_per_t=s.carbon_price_usd_per_t) for f in s.futures] for s in stages
    ]
