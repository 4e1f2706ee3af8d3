"""Risk of a year of a run: its months joined into one `System` per path, then Monte Carlo over unit outages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from gridrush.adequacy.assess import assess
from gridrush.adequacy.metrics import Assessment
from gridrush.case.system import BlockKind, Demand, Links, Reservoirs, System, Units
from gridrush.study.hours import MonthHours
from gridrush.units import Floats

NO_RISK = xr.Dataset(coords={"year": np.zeros(0, np.int64), "zone": np.zeros(0, str)})
"""No year was assessed."""

Part = tuple[int, float, int]
"""A month of a profile: row in the month's system, factor, unit whose dated outages apply (-1: none)."""

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
    systems = [m.untapped for m in months]
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
                    known = months[k].known_up
                    if out >= 0 and known is not None:
                        series[k] = series[k] * known[:, out]
            profiles.append(np.concatenate(series))
        return rows[recipe]

    row(((0, 1.0, -1),) * len(months))
    row((None,) * len(months))
    middle = systems[len(systems) // 2]
    return System(
        zones=middle.zones, time=time, period=np.repeat(np.arange(len(months)), [m.hours for m in months]),
        units=_units(months, row), demand=_demand(months, slices, exports=exports),
        links=_links(systems, months, row),
        storage=middle.storage, reservoirs=_reservoirs(systems, path), profiles=np.array(profiles),
    )  # fmt: skip


def _units(months: Sequence[MonthHours], row: Row) -> Units:
    systems = [m.untapped for m in months]
    index = [{n: i for i, n in enumerate(s.units.name)} for s in systems]
    names = tuple(dict.fromkeys(n for s in systems for n in s.units.name))
    reservoirs = _reservoir_names(systems)
    home: list[tuple[int, int]] = []  # a month each unit serves in, and its row there
    capacity, water = np.zeros(len(names)), np.full(len(names), -1)
    available, must_run = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    for n, name in enumerate(names):
        at = [(k, ix[name]) for k, ix in enumerate(index) if name in ix]
        home.append(at[0])
        capacity[n] = max(float(systems[k].units.capacity_mw[i]) for k, i in at)
        can: list[Part | None] = [None] * len(months)
        must: list[Part | None] = [None] * len(months)
        for k, i in at:
            u, known = systems[k].units, months[k].known_up
            scale = float(u.capacity_mw[i]) / max(capacity[n], 1e-9)
            out = -1 if known is None or known[:, i].min() == 1.0 else i
            can[k], must[k] = (int(u.available[i]), scale, out), (int(u.must_run[i]), scale, out)
            if u.reservoir[i] >= 0:
                water[n] = reservoirs.index(systems[k].reservoirs.name[u.reservoir[i]])
        available[n], must_run[n] = row(tuple(can)), row(tuple(must))

    wet = water >= 0
    up_share = np.array([1.0 - systems[k].units.forced_outage_share[i] for k, i in home])

    def of(field: str) -> Floats:
        return np.array([float(getattr(systems[k].units, field)[i]) for k, i in home])

    return Units(
        name=names,
        technology=tuple(systems[k].units.technology[i] for k, i in home),
        fuel=tuple(systems[k].units.fuel[i] for k, i in home),
        zone=np.array([systems[k].units.zone[i] for k, i in home], np.int64),
        capacity_mw=np.where(wet, capacity * up_share, capacity),
        cost_usd_per_mwh=of("cost_usd_per_mwh"), available=available, must_run=must_run,
        reservoir=water.astype(np.int64), mttf_h=np.where(wet, np.inf, of("mttf_h")),
        mttr_h=of("mttr_h"), maintenance_h=np.zeros(len(names)),
        co2_t_per_mwh=of("co2_t_per_mwh"), ramp_share_per_h=of("ramp_share_per_h"),
    )  # fmt: skip


def _demand(months: Sequence[MonthHours], slices: Sequence[slice], *, exports: bool) -> Demand:
    """Households, industry, registered miners that are firm, registered miners that are not (Z of each), sales."""
    Z = len(months[0].system.zones)
    parts = []
    firm: BlockKind = "firm"
    soft: BlockKind = "interruptible"
    sale: BlockKind = "export"
    sales: dict[str, tuple[int, float]] = {}
    for m in months:
        d = m.untapped.demand
        for b in range(3 * Z, len(d)) if exports else ():
            sales.setdefault(d.name[b], (int(d.zone[b]), float(d.value_usd_per_mwh[b])))
    for m, at in zip(months, slices, strict=True):
        d = m.untapped.demand
        load = d.load_mw[at]
        miners = load[:, 2 * Z : 3 * Z]
        is_firm = d.kind[2 * Z] == firm
        sold = np.zeros((load.shape[0], len(sales)))
        for b in range(3 * Z, len(d)) if exports else ():
            sold[:, list(sales).index(d.name[b])] = load[:, b]
        parts.append(np.concatenate([load[:, : 2 * Z], miners * is_firm, miners * (not is_firm), sold], axis=1))
    d = months[-1].untapped.demand
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


def _links(systems: Sequence[System], months: Sequence[MonthHours], row: Row) -> Links:
    names = tuple(dict.fromkeys(n for s in systems for n in s.links.name))
    cells: list[tuple[float, ...]] = []
    for name in names:
        at = {k: s.links.name.index(name) for k, s in enumerate(systems) if name in s.links.name}
        k, i = next(iter(at.items()))
        forward = max(float(systems[j].links.forward_mw[x]) for j, x in at.items())
        backward = max(float(systems[j].links.backward_mw[x]) for j, x in at.items())
        series = tuple(
            (0, float(systems[j].links.forward_mw[at[j]]) / max(forward, 1e-9), -1) if j in at else None
            for j in range(len(months))
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
