"""From facts to arrays: the fleet of a scenario and the `System` of any span of its hours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gridrush.case.model import Case
from gridrush.case.scenario import ImportContract
from gridrush.case.schema import TechnologyParameter
from gridrush.case.system import (
    NO_RESERVOIRS,
    NO_STORAGE,
    BlockKind,
    Demand,
    Ints,
    Links,
    Reservoirs,
    Storage,
    System,
    Units,
)
from gridrush.grid.fleet import DAYS_PER_YEAR, Plant, Wire, in_force
from gridrush.grid.hourly import Hours, hours_of_year, load_shape, month_of
from gridrush.units import Floats

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
        t = self.table
        rows = np.flatnonzero((t.first_month <= month) & (month < t.last_month))
        key = rows.tobytes()
        if key not in self._fleets:
            first, block = np.unique(t.kind[rows], return_index=True, return_inverse=True)[1:]
            total = np.bincount(block, t.capacity_mw[rows], minlength=first.size)
            share = t.capacity_mw[rows] / np.where(total > 0.0, total, 1.0)[block]
            self._fleets[key] = Fleet(rows, block, np.asarray(share, float), rows[first], np.asarray(total, float))
        return self._fleets[key]

    @cached_property
    def _fleets(self) -> dict[bytes, Fleet]:
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
        share = np.ones((len(self.case.zones), 12))
        for z, zone in enumerate(self.case.zone_names):
            for m in range(12):
                cells = [
                    r.mean_cf
                    for r in self.case.renewable_shape
                    if r.zone == zone and r.technology == "hydro_ror" and r.month == m + 1
                ]
                share[z, m] = np.mean(cells) if cells else 1.0
        flat = self.case.parameters.hydro_flat_share.value
        share = share / share.mean(axis=1, keepdims=True)
        return np.asarray((flat + (1.0 - flat) * share) / 12.0)

    def hydro_energy_mwh(self, month: int) -> Floats:
        """Expected reservoir energy of each zone in a month (12 year + month - 1). (Z,)"""
        t = self.table
        serving = t.reservoir & (t.first_month <= month) & (month < t.last_month)
        capacity = np.bincount(t.zone[serving], t.capacity_mw[serving], minlength=len(self.case.zones))
        first = 12 * self.case.first_year
        base = t.capacity_mw[t.reservoir & (t.first_month <= first) & (first < t.last_month)].sum()
        if not base:
            return np.zeros(len(self.case.zones))
        year = max(self.case.parameters.hydro_energy.value * 1e6 - self._small_hydro_mwh, 0.0) * self.hydro_share
        return np.asarray(year * capacity / base * self.hydro_month_share[:, month % 12])

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
        season: TechnologyParameter = (
            "available_winter_share" if month % 12 >= 9 or month % 12 <= 2 else "available_summer_share"
        )
        stores = ("battery", "line")
        total = 0.0
        for p in self.active(month):
            if p.technology not in stores:
                working = self.parameter(p.technology, season, 1.0) * (1.0 - out.get(p.name, 0.0))
                total += p.capacity_mw * (working if available else 1.0)
        return total

    def stress(self, year: int) -> float:
        """Failure rates of a year over those of the base year."""
        if not self.outage_stress:
            return 1.0
        known = [y for y in self.outage_stress if y <= year]
        return self.outage_stress[max(known)] if known else 1.0

    def system(
        self,
        time: Hours,
        demand: Demand,
        *,
        resources: Sequence[tuple[str, str]],
        capacity_factor: Floats,
        path: np.ndarray | None = None,
        hydrology: Floats | None = None,
        alike: bool = False,
    ) -> System:
        """The system in hours of one month, several sampled paths one after the other.

        Parameters
        ----------
        time : ndarray of datetime64[h], shape (T,)
            Hours of one calendar month, repeated for each path.
        demand : Demand
            Blocks without exports; offers to export are added here.
        resources, capacity_factor : sequence of (zone, technology), length R; ndarray, shape (R, T)
            Weather-driven capacity factors.
        path : ndarray of int, shape (T,), optional
            Sampled path each hour belongs to; hydro energy is limited in each path.
        hydrology : ndarray, shape (P,), optional
            Water of each path over the expected one.
        alike : bool
            Whether plants of one technology, zone and use are one unit, as `fleet` groups them: the same dispatch
            from a seventh of the rows.
        """
        day = time[0].astype("datetime64[D]").item()
        month = 12 * day.year + day.month - 1
        period = np.zeros(time.size, np.int64) if path is None else np.asarray(path, np.int64)
        water = np.ones(int(period.max()) + 1) if hydrology is None else hydrology
        return _assemble(self, time, month, demand, resources, capacity_factor, period, water, alike)


@dataclass(frozen=True, eq=False)
class Fleet:
    """Plants that stand at a time: n of them, in B blocks of plants of one technology, zone and use."""

    rows: Ints  # (n,) rows of the table of plants
    block: Ints  # (n,) block each belongs to
    share: Floats  # (n,) of the capacity of its block
    first: Ints  # (B,) row of the first plant of each block
    capacity_mw: Floats  # (B,)


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
    plants = tuple(p for p in model.plants if p.technology not in (*WEATHER_DRIVEN, "battery"))
    technologies = tuple(sorted({p.technology for p in plants}))
    marginal = {
        (p.technology, p.zone): model.marginal_cost(p.technology, model.case.zone_names[p.zone]) for p in plants
    }

    def of(name: TechnologyParameter, default: float) -> Floats:
        return np.array([model.parameter(p.technology, name, default) for p in plants])

    technology = np.array([technologies.index(p.technology) for p in plants], np.int64)
    zone = np.array([p.zone for p in plants], np.int64)
    captive = np.array([p.captive for p in plants], bool)
    return _Table(
        plants=plants, technologies=technologies, technology=technology, zone=zone,
        kind=(technology * len(model.case.zones) + zone) * 2 + captive, capacity_mw=np.array([p.capacity_mw for p in plants]),
        cost_usd_per_mwh=np.array([marginal[p.technology, p.zone][0] for p in plants]),
        co2_t_per_mwh=np.array([marginal[p.technology, p.zone][1] for p in plants]),
        forced_outage_share=of("forced_outage_share", 0.0), mttr_h=of("mttr_h", 24.0),
        ramp_share_per_h=of("ramp_share_per_h", 1.0), captive=captive,
        reservoir=np.array([p.technology == "hydro_reservoir" for p in plants], bool),
        first_month=np.array([p.first_month for p in plants], np.int64),
        last_month=np.array([p.last_month for p in plants], np.int64),
    )  # fmt: skip


def _assemble(
    model: GridModel,
    time: Hours,
    month: int,
    demand: Demand,
    resources: Sequence[tuple[str, str]],
    capacity_factor: Floats,
    period: Ints,
    water: Floats,
    alike: bool,
) -> System:
    case, T, t = model.case, time.size, model.table
    year, m = divmod(month, 12)
    fleet = model.fleet(month)
    serving, capacity_mw = fleet.rows, t.capacity_mw[fleet.rows]
    if alike:
        serving, capacity_mw = fleet.first, fleet.capacity_mw
    kinds = t.technology[serving]
    used = np.unique(kinds)
    profiles = np.empty((2 + 3 * used.size + len(case.zones) * (1 + len(WEATHER_DRIVEN)), T))
    profiles[0], profiles[1] = 1.0, 0.0
    rows = 2

    def row(share: float | Floats) -> int:
        nonlocal rows
        np.clip(share, 0.0, 1.0, out=profiles[rows])
        rows += 1
        return rows - 1

    available, must = np.zeros(len(t.technologies), np.int64), np.ones(len(t.technologies), np.int64)
    captive = must.copy()
    for q in used:
        name = t.technologies[q]
        available[q] = row(model.available_share(name, m + 1))
        if share := model.must_run_share(name, m + 1):
            must[q] = row(share)
        if share := model.must_run_share(name, m + 1, captive=True):
            captive[q] = row(share)
    must_run = np.where(t.captive[serving], captive[kinds], must[kinds])
    hydro_mwh = model.hydro_energy_mwh(month)
    hydro_zones = [z for z in range(len(case.zones)) if hydro_mwh[z] > 0]
    reservoir = np.full(serving.size, -1, np.int64)
    wet = t.reservoir[serving]
    for h, z in enumerate(hydro_zones):
        mine = wet & (t.zone[serving] == z)
        flat = case.parameters.hydro_flat_share.value * hydro_mwh[z] * water[period] / (T / len(water))
        reservoir[mine] = h
        must_run[mine] = row(flat / max(float(capacity_mw[mine].sum()), 1e-9))
    extra = _weather_fleets(model, month, resources, capacity_factor, row) + _offers(model, month)
    col = list(zip(*extra, strict=True)) if extra else [()] * len(_Extra._fields)
    more = len(extra)
    units = Units(
        name=(*(_block_name(model, n) if alike else t.plants[n].name for n in serving), *col[0]),
        technology=(*(t.plants[n].technology for n in serving), *col[1]),
        fuel=(*(model.fuel_of[t.plants[n].technology] for n in serving), *col[2]),
        zone=_joined(t.zone[serving], col[3]), capacity_mw=_joined(capacity_mw, col[4]),
        cost_usd_per_mwh=_joined(t.cost_usd_per_mwh[serving], col[5]),
        available=_joined(available[kinds], col[6]), must_run=_joined(must_run, [1] * more),
        reservoir=_joined(reservoir, [-1] * more), mttf_h=_joined(model.mttf_h(serving, year), [np.inf] * more),
        mttr_h=_joined(t.mttr_h[serving], [1.0] * more), maintenance_h=np.zeros(serving.size + more),
        co2_t_per_mwh=_joined(t.co2_t_per_mwh[serving], col[7]),
        ramp_share_per_h=_joined(t.ramp_share_per_h[serving], [1.0] * more),
    )  # fmt: skip
    wires = [w for w in model.wires if w.first_month <= month < w.last_month]
    links = Links(
        name=tuple(w.name for w in wires), source=np.array([w.source for w in wires], np.int64),
        target=np.array([w.target for w in wires], np.int64), forward_mw=np.array([w.forward_mw for w in wires], float),
        backward_mw=np.array([w.backward_mw for w in wires], float),
        loss_share=np.array([w.loss_share for w in wires], float), available=np.zeros(len(wires), np.int64),
        mttf_h=np.full(len(wires), np.inf), mttr_h=np.ones(len(wires)),
    )  # fmt: skip
    reservoirs = NO_RESERVOIRS
    if hydro_zones:
        names = tuple(f"{case.zone_names[z]} water" for z in hydro_zones)
        reservoirs = Reservoirs(names, hydro_mwh[hydro_zones][:, None] * water[None, :])
    stores = [p for p in model.active(month) if p.technology == "battery"]
    return System(case.zone_names, time, period, profiles[:rows], units, _with_exports(model, month, demand), links,
                  _storage(model, stores), reservoirs)  # fmt: skip


def _block_name(model: GridModel, n: int) -> str:
    p = model.table.plants[n]
    return f"{model.case.zone_names[p.zone]} {p.technology}" + (" captive" if p.captive else "")


class _Extra(NamedTuple):
    """A unit that never fails and is never told to run: a weather-driven fleet or an import offer."""

    name: str
    technology: str
    fuel: str
    zone: int
    capacity_mw: float
    cost_usd_per_mwh: float
    available: int
    co2_t_per_mwh: float


def _joined(first: NDArray[np.generic], rest: Sequence[object]) -> NDArray[Any]:
    return np.concatenate([first, np.asarray(rest, first.dtype)])


def _weather_fleets(
    model: GridModel, month: int, resources: Sequence[tuple[str, str]], capacity_factor: Floats,
    row: Callable[[Floats], int],
) -> list[_Extra]:  # fmt: skip
    """Wind, sun and small hydro of each zone as one unit each."""
    fleets: dict[tuple[str, int], float] = {}
    for p in model.weather_driven:
        if p.first_month <= month < p.last_month:
            fleets[p.technology, p.zone] = fleets.get((p.technology, p.zone), 0.0) + p.capacity_mw
    known = {name: i for i, name in enumerate(resources)}
    out = []
    for (technology, z), mw in fleets.items():
        zone = model.case.zone_names[z]
        at = known.get((zone, technology), next((i for (_, q), i in known.items() if q == technology), None))
        cost, co2 = model.marginal_cost(technology, zone)
        available = 0 if at is None else row(capacity_factor[at])
        out.append(_Extra(f"{zone} {technology}", technology, model.fuel_of[technology], z, mw, cost, available, co2))
    return out


def _offers(model: GridModel, month: int) -> list[_Extra]:
    """Import offers and contracts of a month as units."""
    case = model.case
    zone = {name: i for i, name in enumerate(case.zone_names)}
    offers = [
        (t.tie, t.zone, t.capacity_mw, t.price_usd_per_mwh, t.start, t.end)
        for t in case.ties
        if t.direction == "import"
    ]
    offers += [
        (f"{c.partner} contract {i + 1}", c.zone, c.capacity_mw, c.price_usd_per_mwh, c.start, c.end)
        for i, c in enumerate(model.contracts)
    ]
    return [
        _Extra(name, "import", "import", zone[z], mw, price, 0, 0.0)
        for name, z, mw, price, start, end in offers
        if in_force(start, end, month)
    ]


def _with_exports(model: GridModel, month: int, demand: Demand) -> Demand:
    """The demand with the month's offers to buy added as export blocks."""
    zone = {name: i for i, name in enumerate(model.case.zone_names)}
    ties = [
        t for t in model.case.ties if t.direction == "export" and in_force(t.start, t.end, month)
    ]
    if not ties:
        return demand
    sale: BlockKind = "export"
    load = np.repeat(np.array([[t.capacity_mw for t in ties]]), demand.load_mw.shape[0], axis=0)
    return Demand(
        name=demand.name + tuple(t.tie for t in ties),
        kind=(*demand.kind, *(sale for _ in ties)),
        zone=np.concatenate([demand.zone, np.array([zone[t.zone] for t in ties], np.int64)]),
        load_mw=np.concatenate([demand.load_mw, load], axis=1),
        value_usd_per_mwh=np.concatenate([demand.value_usd_per_mwh, [t.price_usd_per_mwh for t in ties]]),
    )


def _storage(model: GridModel, plants: Sequence[Plant]) -> Storage:
    if not plants:
        return NO_STORAGE
    mw = np.array([p.capacity_mw for p in plants])
    hours = np.array([model.parameter(p.technology, "storage_hours", 2.0) for p in plants])
    one_way = np.sqrt([model.parameter(p.technology, "round_trip_share", 0.9) for p in plants])
    return Storage(tuple(p.name for p in plants), np.array([p.zone for p in plants], np.int64), mw, mw, mw * hours,
                   one_way, one_way.copy(), np.full(len(plants), 0.5))  # fmt: skip
