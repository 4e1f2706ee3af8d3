"""Risk of a year of a run: its months joined into one `System` per path, then Monte Carlo over unit outages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gridrush.adequacy.assess import assess
from gridrush.adequacy.metrics import Assessment
from gridrush.case.system import BlockKind, Demand, Links, Reservoirs, System, Units
from gridrush.study.hours import Met, MonthHours
from gridrush.units import Floats

NO_RISK = xr.Dataset(coords={"year": np.zeros(0, np.int64), "zone": np.zeros(0, str)})
"""No year was assessed."""

Part = tuple[int, float, str]
"""A month of a profile: row in the month's system, factor, unit whose outages of known date apply ("": none)."""

Recipe = tuple[Part | None, ...]
"""A year of a profile, month by month; None where there is nothing."""

Row = Callable[[Recipe], int]
"""Row of `System.profiles` that holds a recipe; made when it is new."""


def assess_year(
    months: Sequence[MonthHours], year: int, *, samples: int, seed: int, utc_offset_h: int = 0
) -> tuple[xr.Dataset, Assessment]:
    """LOLE, EUE and their errors by zone of one simulated year.

    Parameters
    ----------
    months : sequence of MonthHours, length 12
        The year's months of one run; each of its paths is a weather year of the Monte Carlo.
    samples : int
        Sample years of unit outages.

    Returns
    -------
    Dataset over (year, zone), zone "system" counting an hour once; and the whole Assessment.
    """
    paths = months[0].system.time.size // months[0].hours
    found = assess([year_system(months, path=p) for p in range(paths)], samples=samples, seed=seed + year,
                   utc_offset_h=utc_offset_h)  # fmt: skip
    zones = {"system": found.metrics, **found.zones}
    out: dict[str, tuple[tuple[str, str], Floats, dict[str, str]]] = {}
    for metric, unit in (("LOLE_h", "h/yr"), ("EUE_MWh", "MWh/yr")):
        name = metric.replace("MWh", "mwh")
        have = [metric in m for m in zones.values()]
        mean = np.array([[m[metric].mean if ok else np.nan for m, ok in zip(zones.values(), have, strict=True)]])
        error = np.array([[m[metric].stderr if ok else np.nan for m, ok in zip(zones.values(), have, strict=True)]])
        out[name] = (("year", "zone"), mean, {"units": unit})
        out[f"{name}_stderr"] = (("year", "zone"), error, {"units": unit})
    return xr.Dataset(out, coords={"year": [year], "zone": list(zones)}, attrs={"samples": samples}), found


def year_system(months: Sequence[MonthHours], *, path: int = 0, exports: bool = False) -> System:
    """One path of a year as a `System` of 8,760 hours.

    A unit in service for part of the year is out of it before and after; stores are those in service in the middle of
    the year. Reservoir units, whose output follows each path's water, do not fail: their capacity is multiplied by the
    share of time they are up.

    Parameters
    ----------
    exports : bool
        Whether sales abroad are among the demand blocks.
    """
    slices = [slice(path * m.hours, (path + 1) * m.hours) for m in months]
    parts = [m.met for m in months]
    systems = [m.system for m in parts]
    time = np.concatenate([s.time[at] for s, at in zip(systems, slices, strict=True)])
    rows: dict[Recipe, int] = {}
    profiles: list[Floats] = []

    def row(recipe: Recipe) -> int:
        if recipe not in rows:
            rows[recipe] = len(profiles)
            series = [np.zeros(m.hours) for m in months]
            for k, part in enumerate(recipe):
                if part is not None:
                    profile, scale, out = part
                    series[k] = systems[k].profiles[profile, slices[k]] * scale
                    if out:
                        series[k] = series[k] * parts[k].known_up[out]
            profiles.append(np.concatenate(series))
        return rows[recipe]

    row(((0, 1.0, ""),) * len(months))
    row((None,) * len(months))
    middle = systems[len(systems) // 2]
    return System(
        zones=middle.zones, time=time, period=np.repeat(np.arange(len(months)), [m.hours for m in months]),
        units=_units(parts, row), demand=_demand(systems, slices, exports=exports),
        links=_links(systems, row),
        storage=middle.storage, reservoirs=_reservoirs(systems, path), profiles=np.array(profiles),
    )  # fmt: skip


def _units(months: Sequence[Met], row: Row) -> Units:
    """Plants one by one, then what has no outages: weather-driven fleets and import offers."""
    systems = [m.system for m in months]
    reservoirs = _reservoir_names(systems)
    table, model = months[0].model.table, months[0].model
    plants = np.unique(np.concatenate([m.fleet.rows for m in months]))
    block = np.full((len(months), plants.size), -1)
    for k, m in enumerate(months):
        block[k, np.searchsorted(plants, m.fleet.rows)] = m.fleet.block
    dated = {name for m in months for name in m.known_up}
    names = [table.plants[n].name for n in plants]
    known: dict[tuple[bytes, str], tuple[int, int, int]] = {}
    profile = np.empty((plants.size, 3), np.int64)  # available, must run, reservoir
    for i, name in enumerate(names):
        key = block[:, i].tobytes(), name if name in dated else ""
        if key not in known:
            at = [(k, int(b)) for k, b in enumerate(block[:, i]) if b >= 0]
            can: list[Part | None] = [None] * len(months)
            must: list[Part | None] = [None] * len(months)
            water = -1
            for k, b in at:
                u, out = systems[k].units, name if name in months[k].known_up else ""
                can[k], must[k] = (int(u.available[b]), 1.0, out), (int(u.must_run[b]), 1.0, out)
                if u.reservoir[b] >= 0:
                    water = reservoirs.index(systems[k].reservoirs.name[u.reservoir[b]])
            known[key] = row(tuple(can)), row(tuple(must)), water
        profile[i] = known[key]
    wet = profile[:, 2] >= 0
    year = int(systems[0].time[0].astype("datetime64[Y]").astype(int)) + 1970
    mttf, mttr = model.mttf_h(plants, year), table.mttr_h[plants]
    working = table.capacity_mw[plants] * np.where(wet & np.isfinite(mttf), mttf / (mttf + mttr), 1.0)
    extra: dict[str, tuple[int, int]] = {}  # a month each serves in, and its row there
    for k, m in enumerate(months):
        for i in range(m.fleet.first.size, len(m.system.units)):
            extra.setdefault(m.system.units.name[i], (k, i))
    index = [{n: i for i, n in enumerate(s.units.name)} for s in systems]
    top, available = [], []
    for name in extra:
        at = [(k, ix[name]) for k, ix in enumerate(index) if name in ix]
        top.append(max(float(systems[k].units.capacity_mw[i]) for k, i in at))
        can = [None] * len(months)
        for k, i in at:
            u = systems[k].units
            can[k] = (int(u.available[i]), float(u.capacity_mw[i]) / max(top[-1], 1e-9), "")
        available.append(row(tuple(can)))

    def of(field: str, first: NDArray[Any]) -> NDArray[Any]:
        rest = [getattr(systems[k].units, field)[i] for k, i in extra.values()]
        return np.concatenate([first, np.asarray(rest, first.dtype)])

    more, nothing = len(extra), row((None,) * len(months))
    technology = [table.technologies[q] for q in table.technology[plants]]
    home = [systems[k].units for k, _ in extra.values()]
    rows = [i for _, i in extra.values()]
    return Units(
        name=(*names, *extra),
        technology=(*technology, *(u.technology[i] for u, i in zip(home, rows, strict=True))),
        fuel=(*(model.fuel_of[q] for q in technology), *(u.fuel[i] for u, i in zip(home, rows, strict=True))),
        zone=of("zone", table.zone[plants]),
        capacity_mw=np.concatenate([working, np.array(top)]),
        cost_usd_per_mwh=of("cost_usd_per_mwh", table.cost_usd_per_mwh[plants]),
        available=np.concatenate([profile[:, 0], np.array(available, np.int64)]),
        must_run=np.concatenate([profile[:, 1], np.full(more, nothing)]),
        reservoir=np.concatenate([profile[:, 2], np.full(more, -1)]),
        mttf_h=of("mttf_h", np.where(wet, np.inf, mttf)), mttr_h=of("mttr_h", mttr),
        maintenance_h=np.zeros(len(names) + more),
        co2_t_per_mwh=of("co2_t_per_mwh", table.co2_t_per_mwh[plants]),
        ramp_share_per_h=of("ramp_share_per_h", table.ramp_share_per_h[plants]),
    )  # fmt: skip


def _demand(systems: Sequence[System], slices: Sequence[slice], *, exports: bool) -> Demand:
    """Households, industry, registered miners that are firm, registered miners that are not (Z of each), sales.

    Movable loads count as industry; their flexible part, and miners who pay the hour's price, as those cut first.
    """
    Z = len(systems[0].zones)
    parts = []
    firm: BlockKind = "firm"
    soft: BlockKind = "interruptible"
    sale: BlockKind = "export"
    sales: dict[str, tuple[int, float]] = {}
    for d in (s.demand for s in systems):
        for b in _of_kind(d, sale) if exports else ():
            sales.setdefault(d.name[b], (int(d.zone[b]), float(d.value_usd_per_mwh[b])))
    for d, at in zip((s.demand for s in systems), slices, strict=True):
        load = d.load_mw[at]
        miners = load[:, 2 * Z : 3 * Z]
        is_firm = d.kind[2 * Z] == firm
        hard, soft_mw = load[:, : 2 * Z], miners * (not is_firm)
        more = [b for b in range(3 * Z, len(d)) if d.kind[b] != sale]
        if more:
            hard, soft_mw = hard.copy(), soft_mw.copy()
            for b in more:
                if d.kind[b] == firm:
                    hard[:, Z + d.zone[b]] += load[:, b]
                else:
                    soft_mw[:, d.zone[b]] += load[:, b]
        sold = np.zeros((load.shape[0], len(sales)))
        for b in _of_kind(d, sale) if exports else ():
            sold[:, list(sales).index(d.name[b])] = load[:, b]
        parts.append(np.concatenate([hard, miners * is_firm, soft_mw, sold], axis=1))
    d = systems[-1].demand
    worth = d.value_usd_per_mwh
    return Demand(
        name=(*d.name[: 3 * Z], *(f"{n}, interruptible" for n in d.name[2 * Z : 3 * Z]), *sales),
        kind=(*[firm] * (3 * Z), *[soft] * Z, *[sale] * len(sales)),
        zone=np.concatenate([np.tile(np.arange(Z), 4), [z for z, _ in sales.values()]]).astype(np.int64),
        load_mw=np.concatenate(parts),
        value_usd_per_mwh=np.concatenate(
            [worth[: 2 * Z], worth[Z : 2 * Z], worth[2 * Z : 3 * Z], [v for _, v in sales.values()]]
        ),
    )


def _of_kind(d: Demand, kind: BlockKind) -> list[int]:
    return [b for b, k in enumerate(d.kind) if k == kind]


def _links(systems: Sequence[System], row: Row) -> Links:
    names = tuple(dict.fromkeys(n for s in systems for n in s.links.name))
    cells: list[tuple[float, ...]] = []
    for name in names:
        at = {k: s.links.name.index(name) for k, s in enumerate(systems) if name in s.links.name}
        k, i = next(iter(at.items()))
        forward = max(float(systems[j].links.forward_mw[x]) for j, x in at.items())
        backward = max(float(systems[j].links.backward_mw[x]) for j, x in at.items())
        series = tuple(
            (0, float(systems[j].links.forward_mw[at[j]]) / max(forward, 1e-9), "") if j in at else None
            for j in range(len(systems))
        )
        a = systems[k].links
        cells.append((a.source[i], a.target[i], forward, backward, a.loss_share[i], row(series)))
    c = np.array(cells, dtype=np.float64).reshape(-1, 6)
    return Links(names, c[:, 0].astype(np.int64), c[:, 1].astype(np.int64), c[:, 2], c[:, 3], c[:, 4],
                 c[:, 5].astype(np.int64), np.full(len(names), np.inf), np.ones(len(names)))  # fmt: skip


def _reservoir_names(systems: Sequence[System]) -> list[str]:
    return list(dict.fromkeys(n for s in systems for n in s.reservoirs.name))


def _reservoirs(systems: Sequence[System], path: int) -> Reservoirs:
    names = _reservoir_names(systems)
    energy = np.zeros((len(names), len(systems)))
    for k, s in enumerate(systems):
        for i, n in enumerate(s.reservoirs.name):
            energy[names.index(n), k] = s.reservoirs.energy_mwh[i, path]
    return Reservoirs(tuple(names), energy)
