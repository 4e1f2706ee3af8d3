"""From facts to arrays: the fleet of a scenario and the `System` of any span of its hours."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridrush.case.model import Case
from gridrush.case.scenario import ImportContract
from gridrush.case.schema import TechnologyParameter
from gridrush.case.system import (
    Ints,
)
from gridrush.grid.fleet import DAYS_PER_YEAR, Plant, Wire, months_in_force
from gridrush.grid.hourly import hours_of_year, load_shape, month_of
from gridrush.units import Floats

RESERVOIR = "hydro_reservoir"
"""Technology whose energy is limited by the month."""

BATTERY = "battery"
"""Technology that stores."""

WEATHER_DRIVEN = ("wind", "solar", "hydro_ror")
"""Technologies whose output follows a weather resource of the case."""

MOST_OUT_SHARE = 0.95
"""Cap on a forced outage share that stress has raised."""


@dataclass(frozen=True, eq=False)
class GridModel:
    """The grid of one scenario: call `system` for any hours of one month."""

    case: Case
    plants: tuple[Plant, ...]
    wires: tuple[Wire, ...]
    contracts: tuple[ImportContract, ...] = ()
    carbon_price_usd_per_t: float = 0.0
    outage_stress: Mapping[int, float] | None = None  # failure rate multiplier by year
    hydro_share: float = 1.0

    @cached_property
    def technology(self) -> dict[tuple[str, str], float]:
        """Value of (technology, parameter)."""
        return {(t.technology, t.parameter): t.value for t in self.case.technologies}

    @cached_property
    def table(self) -> _Table:
        """Plants that fail one by one, as arrays."""
        return _table(self)

    def fleet(self, month: int) -> Fleet:
        """Plants of `table` that stand in a month (12 year + month - 1), and which of them are alike."""
        era = bisect_right(self._fleet_changes, month)
        if era not in self._fleets:
            t = self.table
            rows = np.flatnonzero((t.first_month <= month) & (month < t.last_month))
            first, block = np.unique(t.kind[rows], return_index=True, return_inverse=True)[1:]
            total = np.bincount(block, t.capacity_mw[rows], minlength=first.size)
            share = t.capacity_mw[rows] / np.where(total > 0.0, total, 1.0)[block]
            wet = rows[t.reservoir[rows]]
            stored = np.bincount(t.zone[wet], t.capacity_mw[wet], minlength=len(self.case.zones)).astype(np.float64)
            self._fleets[era] = Fleet(
                rows, block, np.asarray(share, float), rows[first], np.asarray(total, float), stored
            )
        return self._fleets[era]

    @cached_property
    def _fleet_changes(self) -> list[int]:
        """Months in which plants of `table` begin or end, rising."""
        return sorted({*self.table.first_month.tolist(), *self.table.last_month.tolist()})

    @cached_property
    def _fleets(self) -> dict[int, Fleet]:
        return {}

    def mttf_h(self, rows: Ints, year: int) -> Floats:
        """Mean time to failure of plants of `table` in a year, stress included. [h]"""
        t = self.table
        failing = np.minimum(t.forced_outage_share[rows] * self.stress(year), MOST_OUT_SHARE)
        with np.errstate(divide="ignore"):
            return np.where(failing > 0, t.mttr_h[rows] * (1.0 - failing) / failing, np.inf)

    @cached_property
    def weather_driven(self) -> tuple[Plant, ...]:
        """Plants whose output follows the weather."""
        return tuple(p for p in self.plants if p.technology in WEATHER_DRIVEN)

    def driven_mw(self, serving: NDArray[np.bool_]) -> dict[tuple[str, int], float]:
        """Capacity of the weather-driven plants that serve, by technology and zone."""
        kinds, kind, mw = self._driven
        count = np.bincount(kind[serving], minlength=len(kinds)).tolist()
        total = np.bincount(kind[serving], mw[serving], minlength=len(kinds)).tolist()
        return {k: x for k, n, x in zip(kinds, count, total, strict=True) if n}

    @cached_property
    def _driven(self) -> tuple[list[tuple[str, int]], Ints, Floats]:
        """Technologies and zones of weather-driven plants, which of them each plant is, and its capacity."""
        each = [(p.technology, p.zone) for p in self.weather_driven]
        kinds = list(dict.fromkeys(each))
        return (kinds, np.array([kinds.index(k) for k in each], np.int64),
                np.array([p.capacity_mw for p in self.weather_driven]))  # fmt: skip

    @cached_property
    def batteries(self) -> tuple[Plant, ...]:
        """Stores."""
        return tuple(p for p in self.plants if p.technology == BATTERY)

    @cached_property
    def spans(self) -> list[tuple[Ints, Ints]]:
        """First month, and the one after the last, of weather-driven plants, stores, wires, offers and contracts."""
        months = [
            *([(p.first_month, p.last_month) for p in plants] for plants in (self.weather_driven, self.batteries)),
            [(w.first_month, w.last_month) for w in self.wires],
            *([months_in_force(x.start, x.end) for x in group] for group in (self.case.ties, self.contracts)),
        ]  # fmt: skip
        return [(a[:, 0], a[:, 1]) for a in (np.array(m, np.int64).reshape(-1, 2) for m in months)]

    def contracts_in(self, month: int) -> list[ImportContract]:
        """Import contracts in force in a month (12 year + month - 1)."""
        first, last = self.spans[-1]
        return [self.contracts[i] for i in np.flatnonzero((first <= month) & (month < last))]

    @cached_property
    def changes(self) -> list[int]:
        """Months in which anything that stands may begin, end or wear differently, rising."""
        spans = *self.spans, (self.table.first_month, self.table.last_month)
        found = {month for pair in spans for months in pair for month in months.tolist()}
        return sorted(found | {12 * year for year in self.outage_stress or ()})

    @cached_property
    def standings(self) -> dict[object, Any]:
        """What stood in the months met so far, see `month.standing`."""
        return {}

    @cached_property
    def fuel_of(self) -> dict[str, str]:
        """Fuel of each technology."""
        return {t.technology: t.fuel for t in self.case.technologies}

    def parameter(self, technology: str, name: TechnologyParameter, default: float) -> float:
        """A number about a technology, or the value that stands for "not given"."""
        return self.technology.get((technology, name), default)

    def fuel_fact(self, fuel: str, zone: str, name: str) -> float:
        """Price or carbon content of a fuel in a zone."""
        values = {f.zone: f.value for f in self.case.fuels if f.fuel == fuel and f.parameter == name}
        return values.get(zone, values.get("", 0.0))

    def marginal_cost(self, technology: str, zone: str) -> tuple[float, float]:
        """Short-run cost [USD/MWh] and CO2 [t/MWh] of a technology in a zone."""
        if (technology, zone) not in self._costs:
            self._costs[technology, zone] = self._marginal_cost(technology, zone)
        return self._costs[technology, zone]

    @cached_property
    def _costs(self) -> dict[tuple[str, str], tuple[float, float]]:
        return {}

    def _marginal_cost(self, technology: str, zone: str) -> tuple[float, float]:
        fuel = self.fuel_of[technology]
        efficiency = self.parameter(technology, "efficiency_share", 1.0)
        co2 = self.fuel_fact(fuel, zone, "co2_t_per_mwh_th") / efficiency
        cost = self.fuel_fact(fuel, zone, "price_usd_per_mwh_th") / efficiency
        cost += self.parameter(technology, "variable_cost_usd_per_mwh", 0.0)
        return cost + self.carbon_price_usd_per_t * co2, co2

    @cached_property
    def maintenance_weight(self) -> Floats:
        """Planned outage of each month over the year's mean, levelled into the months of low load. (12,)"""
        time = hours_of_year(self.case.first_year)
        shape, month = load_shape(self.case, time), month_of(time) - 1
        mean = np.array([shape[month == m].mean() for m in range(12)])
        room = np.maximum(mean.max() - mean, 0.0)
        return np.asarray(room / room.mean()) if room.mean() > 1e-9 else np.ones(12)

    @cached_property
    def _by_month(self) -> dict[object, Floats]:
        return {}

    def available_shares(self, technology: str) -> Floats:
        """`available_share` of the months of the year, 0 to 1. (12,)"""
        if technology not in self._by_month:
            each = [self.available_share(technology, m) for m in range(1, 13)]
            self._by_month[technology] = np.clip(each, 0.0, 1.0)
        return self._by_month[technology]

    def must_run_shares(self, technology: str, *, captive: bool = False) -> Floats:
        """`must_run_share` of the months of the year, 0 to 1. (12,)"""
        if (technology, captive) not in self._by_month:
            each = [self.must_run_share(technology, m, captive=captive) for m in range(1, 13)]
            self._by_month[technology, captive] = np.clip(each, 0.0, 1.0)
        return self._by_month[technology, captive]

    def available_share(self, technology: str, month: int) -> float:
        """Working share of installed capacity in a month: derating times what is not in planned maintenance."""
        season: TechnologyParameter = (
            "available_winter_share" if month >= 10 or month <= 3 else "available_summer_share"
        )
        weeks = self.parameter(technology, "maintenance_weeks", 0.0)
        out = min(1.0, weeks * 7.0 / DAYS_PER_YEAR * self.maintenance_weight[month - 1])
        return float(self.parameter(technology, season, 1.0) * (1.0 - out))

    def must_run_share(self, technology: str, month: int, *, captive: bool = False) -> float:
        """Share of installed capacity tied to heat, process or voltage support in a month; industry has no summer."""
        winter = captive or month >= 10 or month <= 3
        season: TechnologyParameter = "must_run_winter_share" if winter else "must_run_summer_share"
        return min(self.parameter(technology, season, 0.0), self.available_share(technology, month))

    @cached_property
    def hydro_month_share(self) -> Floats:
        """Share of a zone's reservoir energy released in each month, after its river flow. (Z, 12)"""
        total, cells = np.zeros((2, len(self.case.zones), 12))
        place = {zone: z for z, zone in enumerate(self.case.zone_names)}
        for r in self.case.renewable_shape:
            if r.technology == "hydro_ror":
                total[place[r.zone], r.month - 1] += r.mean_cf
                cells[place[r.zone], r.month - 1] += 1.0
        share = np.where(cells > 0, total / np.maximum(cells, 1.0), 1.0)
        flat = self.case.parameters.hydro_flat_share.value
        share = share / share.mean(axis=1, keepdims=True)
        return np.asarray((flat + (1.0 - flat) * share) / 12.0)

    def hydro_energy_mwh(self, month: int) -> Floats:
        """Expected reservoir energy of each zone in a month (12 year + month - 1). (Z,)"""
        return np.asarray(self._hydro_use * self.fleet(month).reservoirs_mw * self.hydro_month_share[:, month % 12])

    @cached_property
    def _hydro_use(self) -> float:
        """Expected energy of a year over the capacity of reservoirs in the first month of the case. [MWh/MW]"""
        base = float(self.fleet(12 * self.case.first_year).reservoirs_mw.sum())
        year = max(self.case.parameters.hydro_energy.value * 1e6 - self._small_hydro_mwh, 0.0) * self.hydro_share
        return year / base if base else 0.0

    @cached_property
    def _small_hydro_mwh(self) -> float:
        ror = {s.zone: s.annual_mean_cf for s in self.case.renewable_stats if s.technology == "hydro_ror"}
        first = [p for p in self.active(12 * self.case.first_year) if p.technology == "hydro_ror"]
        return sum(8760.0 * p.capacity_mw * ror.get(self.case.zone_names[p.zone], 0.0) for p in first)

    def active(self, month: int) -> list[Plant]:
        """Units in service in a month (12 year + month - 1)."""
        return [p for p in self.plants if p.first_month <= month < p.last_month]

    def installed_mw(self, month: int, *, available: bool = False) -> float:
        """Installed capacity in a month, or the working part of it without units known to be out. [MW]

        Planned maintenance and sampled outages are left out of it.
        """
        middle = datetime(month // 12, month % 12 + 1, 15)
        out = {o.unit: o.lost_share for o in self.case.outages if o.start <= middle < o.end} if available else {}
        winter = month % 12 >= 9 or month % 12 <= 2
        first, last, capacity, *working = self._spans_mw
        there = (first <= month) & (month < last)  # summed alone: who comes later must not change the last bit
        if not available:
            return float(capacity[there].sum())
        mw = np.where(there, capacity * working[winter], 0.0)
        lost = [(share, self._row[unit]) for unit, share in out.items() if unit in self._row]
        return float(mw[there].sum() - sum(share * mw[row] for share, row in lost))

    def fixed_cost_usd_per_year(self, month: int) -> float:
        """Fixed cost of what stands in a month, for a year. [USD/yr]"""
        first, last, _, _, _ = self._spans_mw
        return float(self._fixed_usd_per_year[(first <= month) & (month < last)].sum())

    @cached_property
    def _fixed_usd_per_year(self) -> Floats:
        return np.array([p.capacity_mw * self.parameter(p.technology, "fixed_cost_usd_per_mw_year", 0.0)
                         for p in self.plants])  # fmt: skip

    @cached_property
    def _row(self) -> dict[str, int]:
        return {p.name: i for i, p in enumerate(self.plants)}

    @cached_property
    def _spans_mw(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """First month, the one after the last, capacity (none of what stores), and working share in summer and winter
        of each plant."""
        rows = [
            (p.first_month, p.last_month, 0.0 if p.technology in (BATTERY, "line") else p.capacity_mw,
             self.parameter(p.technology, "available_summer_share", 1.0),
             self.parameter(p.technology, "available_winter_share", 1.0))
            for p in self.plants
        ]  # fmt: skip
        first, last, mw, summer, winter = np.array(rows).reshape(-1, 5).T
        return first, last, mw, summer, winter

    def stress(self, year: int) -> float:
        """Failure rates of a year over those of the base year."""
        if not self.outage_stress:
            return 1.0
        known = [y for y in self.outage_stress if y <= year]
        return self.outage_stress[max(known)] if known else 1.0


@dataclass(frozen=True, eq=False)
class Fleet:
    """Plants that stand at a time: n of them, in B blocks of plants of one technology, zone and use."""

    rows: Ints  # (n,) rows of the table of plants
    block: Ints  # (n,) block each belongs to
    share: Floats  # (n,) of the capacity of its block
    first: Ints  # (B,) row of the first plant of each block
    capacity_mw: Floats  # (B,)
    reservoirs_mw: Floats  # (Z,) of hydro whose energy is limited by the month


@dataclass(frozen=True, eq=False)
class _Table:
    """Plants that are neither weather-driven nor stores, as arrays; N of them."""

    plants: tuple[Plant, ...]
    technologies: tuple[str, ...]  # Q names that occur
    technology: Ints  # (N,) row of `technologies`
    zone: Ints
    capacity_mw: Floats
    cost_usd_per_mwh: Floats
    co2_t_per_mwh: Floats
    forced_outage_share: Floats
    mttr_h: Floats
    ramp_share_per_h: Floats
    captive: NDArray[np.bool_]
    kind: Ints  # same number: same technology, zone and use
    reservoir: NDArray[np.bool_]
    first_month: Ints
    last_month: Ints


def _table(model: GridModel) -> _Table:
    plants = tuple(p for p in model.plants if p.technology not in (*WEATHER_DRIVEN, BATTERY))
    technologies = tuple(sorted({p.technology for p in plants}))
    marginal = {
        (p.technology, p.zone): model.marginal_cost(p.technology, model.case.zone_names[p.zone]) for p in plants
    }

    def of(name: TechnologyParameter, default: float) -> Floats:
        return np.array([model.parameter(p.technology, name, default) for p in plants])

    technology = np.array([technologies.index(p.technology) for p in plants], np.int64)
    zone = np.array([p.zone for p in plants], np.int64)
    captive = np.array([p.captive for p in plants], bool)
    reservoir = np.array([p.technology == RESERVOIR for p in plants], bool)
    return _Table(
        plants=plants, technologies=technologies, technology=technology, zone=zone,
        kind=(technology * len(model.case.zones) + zone) * 2 + (captive & ~reservoir),
        capacity_mw=np.array([p.capacity_mw for p in plants]),
        cost_usd_per_mwh=np.array([marginal[p.technology, p.zone][0] for p in plants]),
        co2_t_per_mwh=np.array([marginal[p.technology, p.zone][1] for p in plants]),
        forced_outage_share=of("forced_outage_share", 0.0), mttr_h=of("mttr_h", 24.0),
        ramp_share_per_h=of("ramp_share_per_h", 1.0), captive=captive,
        reservoir=reservoir,
        first_month=np.array([p.first_month for p in plants], np.int64),
        last_month=np.array([p.last_month for p in plants], np.int64),
    )  # fmt: skip
