"""The system of a month: what stands in it, kept while nothing changes, and its hours."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridrush.case.schema import Tie
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
from gridrush.grid._kernels_month import fill_month
from gridrush.grid.fleet import Plant, Wire
from gridrush.grid.hourly import Hours
from gridrush.grid.network import BATTERY, RESERVOIR, Fleet, GridModel
from gridrush.units import Floats

Resources = Sequence[tuple[str, str]]
"""(zone, technology) of each row of capacity factors."""


@dataclass(frozen=True, eq=False)
class Standing:
    """What stands in a month: one object for all months alike, so what is made of it need not be made again."""

    fleet: Fleet
    units: Units  # blocks of the fleet, weather-driven fleets, import offers
    links: Links
    storage: Storage
    sales: Demand  # offers to buy, over no hours
    sales_mw: Floats  # (E,)
    shares: Floats  # (12, K) each profile by month of the year, where the hours do not change it
    weather: Ints  # (N, 2) profile row, resource row
    water_row: Ints  # (W,) profile row that must run, of each reservoir
    water_zone: Ints  # (W,)
    water_mw: Floats  # (W,) capacity
    none: System  # all of it over no hours, checked


def month_system(
    model: GridModel,
    time: Hours,
    demand: Demand,
    *,
    resources: Resources,
    capacity_factor: Floats,
    path: np.ndarray | None = None,
    hydrology: Floats | None = None,
) -> System:
    """The system in hours of one month, several sampled paths one after the other; plants alike are one unit.

    Parameters
    ----------
    model : GridModel
    time : ndarray of datetime64[h], shape (T,)
        Hours of one calendar month, repeated for each path.
    demand : Demand
        Blocks without exports; offers to buy are added here.
    resources, capacity_factor : sequence of (zone, technology), length R; ndarray, shape (R, T)
        Weather-driven capacity factors, 0 to 1.
    path : ndarray of int, shape (T,), optional
        Sampled path each hour belongs to; hydro energy is limited in each path.
    hydrology : ndarray, shape (P,), optional
        Water of each path over the expected one.

    Returns
    -------
    System
        `units` is the same object in every month in which the same things stand.
    """
    first = time[0].item()
    month = 12 * first.year + first.month - 1
    T = time.size
    period = np.zeros(T, np.int64) if path is None else np.asarray(path, np.int64)
    water = np.ones(int(period.max()) + 1) if hydrology is None else np.asarray(hydrology, np.float64)
    s = standing(model, month, resources)
    profiles, load = np.empty((s.shares.shape[1], T)), np.empty((T, len(demand) + len(s.sales)))
    reservoirs, must = NO_RESERVOIRS, np.zeros(0)
    if s.water_row.size:
        mwh = model.hydro_energy_mwh(month)[s.water_zone]
        must = mwh / s.water_mw * (model.case.parameters.hydro_flat_share.value * water.size / T)
        reservoirs = Reservoirs(s.none.reservoirs.name, mwh[:, None] * water)
    sound = fill_month(s.shares[month % 12], s.weather, np.ascontiguousarray(capacity_factor), s.water_row, must, water,
                       period, demand.load_mw, s.sales_mw, profiles, load)  # fmt: skip
    made = s.none.with_parts(profiles, reservoirs, time=time, period=period, demand=_with_sales(demand, s.sales, load))
    return made if sound else replace(made)  # which checks everything, and tells


def standing(model: GridModel, month: int, resources: Resources = ()) -> Standing:
    """What stands in a month (12 year + month - 1)."""
    key = bisect_right(model.changes, month), tuple(resources)
    known: Standing | None = model.standings.get(key)
    if known is None:
        case, fleet = model.case, model.fleet(month)
        serving = [(first <= month) & (month < last) for first, last in model.spans]
        batteries, wires, ties, contracts = (np.flatnonzero(x).tolist() for x in serving[1:])
        offered = [case.ties[i] for i in ties if case.ties[i].direction == "import"]
        offers = [(x.tie, x.zone, x.capacity_mw, x.price_usd_per_mwh) for x in offered]
        bought = [(f"{model.contracts[i].partner} contract {i + 1}", model.contracts[i]) for i in contracts]
        offers += [(n, x.zone, x.capacity_mw, x.price_usd_per_mwh) for n, x in bought]
        known = model.standings[key] = _make(
            model, month // 12, fleet, model.driven_mw(serving[0]),
            [model.batteries[i] for i in batteries], resources, offers,
            tuple(case.ties[i] for i in ties if case.ties[i].direction == "export"),
            _links([model.wires[i] for i in wires]),
        )  # fmt: skip
    return known


def _make(
    model: GridModel, year: int, fleet: Fleet, capacity: dict[tuple[str, int], float], batteries: Sequence[Plant],
    resources: Resources, offers: Sequence[tuple[str, str, float, float]], sales: tuple[Tie, ...], links: Links,
) -> Standing:  # fmt: skip
    t, zones = model.table, model.case.zone_names
    shares: list[Floats] = [np.ones(12), np.zeros(12)]
    met = {share.tobytes(): i for i, share in enumerate(shares)}

    def row(share: Floats) -> int:
        """Profile with this share in each month of the year."""
        key = share.tobytes()
        if key not in met:
            met[key] = own_row(share)
        return met[key]

    def own_row(share: Floats) -> int:
        shares.append(share)
        return len(shares) - 1

    first = fleet.first
    available, must_run = np.zeros(first.size, np.int64), np.ones(first.size, np.int64)
    reservoir = np.full(first.size, -1)
    water: list[tuple[int, int, float]] = []
    for b, n in enumerate(first.tolist()):
        name = t.plants[n].technology
        can = model.available_shares(name)
        if name == RESERVOIR:
            available[b], must_run[b], reservoir[b] = own_row(can), own_row(np.zeros(12)), len(water)
            water.append((int(must_run[b]), int(t.zone[n]), float(fleet.capacity_mw[b])))
            continue
        available[b], must_run[b] = row(can), row(model.must_run_shares(name, captive=bool(t.captive[n])))
    known = {name: i for i, name in enumerate(resources)}
    weather: list[tuple[int, int]] = []
    rows: list[int] = []
    for technology, z in capacity:
        like = next((i for (_, q), i in known.items() if q == technology), None)
        at = known.get((zones[z], technology), like)
        rows.append(0 if at is None else own_row(np.zeros(12)))
        if at is not None:
            weather.append((rows[-1], at))
    blown = [(*model.marginal_cost(q, zones[z]), q, z) for q, z in capacity]
    place = {name: i for i, name in enumerate(zones)}
    kinds = [t.plants[n].technology for n in first.tolist()]
    more = len(capacity) + len(offers)
    units = Units(
        name=(*(_block_name(t.plants[n], zones) for n in first.tolist()), *(f"{zones[z]} {q}" for q, z in capacity),
              *(o[0] for o in offers)),
        technology=(*kinds, *(q for q, _ in capacity), *["import"] * len(offers)),
        fuel=(*(model.fuel_of[q] for q in (*kinds, *(q for q, _ in capacity))), *["import"] * len(offers)),
        zone=_joined(t.zone[first], [z for _, z in capacity], [place[o[1]] for o in offers]),
        capacity_mw=_joined(fleet.capacity_mw, list(capacity.values()), [o[2] for o in offers]),
        cost_usd_per_mwh=_joined(t.cost_usd_per_mwh[first], [x[0] for x in blown], [o[3] for o in offers]),
        available=_joined(available, rows, [0] * len(offers)), must_run=_joined(must_run, [1] * more, []),
        reservoir=_joined(reservoir, [-1] * more, []),
        mttf_h=_joined(model.mttf_h(first, year), [np.inf] * more, []),
        mttr_h=_joined(t.mttr_h[first], [1.0] * more, []), maintenance_h=np.zeros(first.size + more),
        co2_t_per_mwh=_joined(t.co2_t_per_mwh[first], [x[1] for x in blown], [0.0] * len(offers)),
        ramp_share_per_h=_joined(t.ramp_share_per_h[first], [1.0] * more, []),
    )  # fmt: skip
    storage = _storage(model, batteries)
    nobody = Demand((), (), np.zeros(0, np.int64), np.zeros((0, 0)), np.zeros(0))
    dry = Reservoirs(tuple(f"{zones[z]} water" for _, z, _ in water), np.zeros((len(water), 1)))
    none = System(zones, np.zeros(0, "datetime64[h]"), np.zeros(0, np.int64), np.zeros((len(shares), 0)), units, nobody,
                  links, storage, dry)  # fmt: skip
    sale: BlockKind = "export"
    sold = Demand(tuple(x.tie for x in sales), (sale,) * len(sales),
                  np.array([place[x.zone] for x in sales], np.int64), np.zeros((0, len(sales))),
                  np.array([x.price_usd_per_mwh for x in sales], float))  # fmt: skip
    sales_mw = np.array([x.capacity_mw for x in sales], float)
    return Standing(
        fleet, units, links, storage, sold, sales_mw, np.ascontiguousarray(np.array(shares).T),
        np.array(weather, np.int64).reshape(-1, 2), np.array([row for row, _, _ in water], np.int64),
        np.array([z for _, z, _ in water], np.int64), np.array([max(mw, 1e-9) for _, _, mw in water], np.float64), none,
    )  # fmt: skip


def _joined(first: NDArray[Any], *rest: Sequence[object]) -> NDArray[Any]:
    return np.concatenate([first, *(np.asarray(r, first.dtype) for r in rest)])


def _block_name(p: Plant, zones: Sequence[str]) -> str:
    return f"{zones[p.zone]} {p.technology}" + (" captive" if p.captive else "")


def _links(wires: Sequence[Wire]) -> Links:
    return Links(
        name=tuple(w.name for w in wires), source=np.array([w.source for w in wires], np.int64),
        target=np.array([w.target for w in wires], np.int64), forward_mw=np.array([w.forward_mw for w in wires], float),
        backward_mw=np.array([w.backward_mw for w in wires], float),
        loss_share=np.array([w.loss_share for w in wires], float), available=np.zeros(len(wires), np.int64),
        mttf_h=np.full(len(wires), np.inf), mttr_h=np.ones(len(wires)),
    )  # fmt: skip


def _storage(model: GridModel, plants: Sequence[Plant]) -> Storage:
    """Stores of a zone as one: they are alike, so together they can do what one of their size can."""
    if not plants:
        return NO_STORAGE
    zones = sorted({p.zone for p in plants})
    mw = np.array([sum(p.capacity_mw for p in plants if p.zone == z) for z in zones])
    hours = model.parameter(BATTERY, "storage_hours", 2.0)
    one_way = np.full(len(zones), np.sqrt(model.parameter(BATTERY, "round_trip_share", 0.9)))
    names = tuple(f"{model.case.zone_names[z]} {BATTERY}" for z in zones)
    return Storage(names, np.array(zones, np.int64), mw, mw, mw * hours, one_way, one_way, np.full(len(zones), 0.5))


def _with_sales(demand: Demand, more: Demand, load_mw: Floats) -> Demand:
    """The demand with offers to buy, whose load is given, added as export blocks."""
    if not len(more):
        return replace(demand, load_mw=load_mw)
    return Demand(
        demand.name + more.name, demand.kind + more.kind, np.concatenate([demand.zone, more.zone]), load_mw,
        np.concatenate([demand.value_usd_per_mwh, more.value_usd_per_mwh]),
    )  # fmt: skip
