"""Close-ups of one run that its `Run` does not keep: gathered while its years are simulated, kept as small tables.

Name      Columns
heat      year, zone, month, hour (local), lole_h, lole_stderr_h, eue_mwh, eue_stderr_mwh: risk of the year by month
          and hour of day, zone "system" counting an hour once
weeks     rank, sample, time (local), wanted_mw, without_miners_mw, short_ZONE_mw ..., short_mw: hours around the worst
          events of the focus year's Monte Carlo; short is firm load not met
headroom  year, zone, cut_share, load_mw: the largest flat load that the zone could serve after everybody else, if it
          may be cut in so much of the hours
shocks    contingency, time (UTC), lost_mw, miners_cut_mw, firm_mw, firm_alone_mw, nadir_hz, relays_mw: the worst
          losses in tight hours, what was cut before within; `firm_alone_mw` if miners could not be told to stop
replay    event, time (UTC), out_mw, spare_mw: what a dated event took away, and what was left unused
rush      month, country, forecast, ehs_mean, ehs_p05, ehs_p95, mw_mean, mw_p05, mw_p95
stays     month, hashprice_usd_per_ph_day, price_usd_per_mwh, running_share: part of the fleet of the case's last month
          that still pays at a power price, at the hashprice of some months
evidence  name, width_without_mw, width_with_mw, shift_mw: what each statement did to the census
lessons   quantity, std_share, width_now_mw, width_expected_mw: what a new measurement would do to it

From a study with draws, where one is asked for (`of_study`):

bands        scenario, quantity, item, year, unit, mean, stderr, q05, q50, q95, draws: sums over the years of each draw
sensitivity  quantity, scenario, unknown, first, first_stderr, total, total_stderr: Sobol indices

Zones, losses and hours are those of the model; errors stand where a number is sampled.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gridrush.adequacy.assess import assess
from gridrush.adequacy.replay import replay
from gridrush.adequacy.schedule import planned_supply
from gridrush.case.model import Case
from gridrush.case.system import BlockKind, System
from gridrush.grid.dispatch import Dispatch, dispatch
from gridrush.grid.hourly import utc_offset_h
from gridrush.grid.security import contingencies, worst_hours
from gridrush.planning.aggregate import hours_of_system
from gridrush.study.hours import MonthHours, room_mw
from gridrush.study.miners import Miners
from gridrush.study.risk import assess_year, year_system
from gridrush.units import Floats

if TYPE_CHECKING:
    from gridrush.study.query import StudyResults

WEEK_H = 168
WEEK_SAMPLES = 1_000
"""Monte Carlo years searched for the worst events."""

CUT_SHARES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2)
"""Points of the headroom curve: a quarter of a percent is 22 hours of a year."""

HEAT_SAMPLES = 500
"""Monte Carlo years behind a heat map."""

SHOCK_DAYS = 6
"""Days in whose tightest hour losses are tried."""

SHOCKS = 10
"""Losses listed."""

DAYS_AROUND = 1
"""Days shown before and after a dated event."""

RUSH_MONTHS = 25
"""Months after the case closes to which the rush by country is foreseen."""

PRICE_TOP, PRICE_STEP = 400.0, 2.5
"""Power prices tried on the fleet. [USD/MWh]"""

Gathered = Mapping[str, pd.DataFrame]


@dataclass(eq=False)
class Gallery:
    """Told every year of a run (a `YearHook`); `tables` gives what it kept.

    Parameters
    ----------
    case, miners : Case, Miners
    years : sequence of int
        Years reported.
    seed : int
        Of the run.
    """

    case: Case
    miners: Miners
    years: Sequence[int]
    seed: int
    _parts: dict[str, list[pd.DataFrame]] = field(default_factory=dict)

    @property
    def focus(self) -> int:
        """Year looked at most closely: the last one the case knows, else the first reported."""
        known = self.case.as_of.year
        return known if known in self.years else min(self.years)

    @property
    def closer(self) -> tuple[int, ...]:
        """Years with a heat map and headroom: the crisis, four years on, and ten-year marks."""
        f = self.focus
        return tuple(y for y in self.years if y == f or y == f + 4 or (y > f + 4 and y % 10 == 0))

    def __call__(self, year: int, months: Sequence[MonthHours]) -> None:
        """Look at a simulated year."""
        if year not in self.years:
            return
        if year in self.closer:
            self._keep("heat", self._heat(year, months))
            self._keep("headroom", headroom_left(year, months))
        if year == self.focus:
            whole = planned_supply(year_system(months, exports=True))[0]
            expected = np.broadcast_to(1.0 - whole.units.forced_outage_share, (whole.time.size, len(whole.units)))
            before = dispatch(whole, up=np.ascontiguousarray(expected))
            self._keep("shocks", losses(before, self.case))
            self._keep("weeks", self._weeks(year, months))
            self._keep("replay", self._replay(months))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Everything gathered; a table with nothing to say is left out."""
        found = {name: pd.concat(parts, ignore_index=True) for name, parts in self._parts.items()}
        found |= of_miners(self.case, self.miners, self.seed)
        return {name: table for name, table in found.items() if len(table)}

    def _keep(self, name: str, table: pd.DataFrame) -> None:
        self._parts.setdefault(name, []).append(table)

    def _heat(self, year: int, months: Sequence[MonthHours]) -> pd.DataFrame:
        offset = int(utc_offset_h(self.case.clock, months[6].system.time[:1])[0])
        found = assess_year(months, year, samples=HEAT_SAMPLES, seed=self.seed, utc_offset_h=offset)[1]
        tables = (found.lole_month_hour_h, found.lole_month_hour_stderr_h, found.eue_month_hour_mwh,
                  found.eue_month_hour_stderr_mwh)  # fmt: skip
        names = ("lole_h", "lole_stderr_h", "eue_mwh", "eue_stderr_mwh")
        zones = [*self.case.zone_names, "system"]
        grid = pd.MultiIndex.from_product([[year], zones, range(1, 13), range(24)],
                                          names=["year", "zone", "month", "hour"])  # fmt: skip
        values = {n: np.asarray(t).reshape(-1) for n, t in zip(names, tables, strict=True) if t is not None}
        return pd.DataFrame(values, index=grid).reset_index() if values else pd.DataFrame()

    def _weeks(self, year: int, months: Sequence[MonthHours]) -> pd.DataFrame:
        """The Monte Carlo years' worst events, each in the seven days around it, hour by hour."""
        system = year_system(months)
        offset = int(utc_offset_h(self.case.clock, system.time[:1])[0])
        found = assess(system, samples=WEEK_SAMPLES, seed=self.seed + year, utc_offset_h=offset)
        parts = []

        def first_path(name: str, at: slice) -> Floats:
            return np.concatenate([getattr(m, name)[: m.hours].sum(axis=1) for m in months])[at]

        for rank, week in enumerate(replay(system, found, hours=WEEK_H, utc_offset_h=offset)):
            first = int(np.searchsorted(system.time, week.time[0]))
            at = slice(first, first + week.time.size)
            local = week.time + utc_offset_h(self.case.clock, week.time).astype("timedelta64[h]")
            others = first_path("consumers_mw", at)
            wanted = others + first_path("registered_mw", at) + first_path("unregistered_mw", at)
            part = pd.DataFrame({"rank": rank + 1, "sample": week.event.sample, "time": local.astype(str),
                                 "wanted_mw": wanted, "without_miners_mw": others})  # fmt: skip
            names = [*(f"short_{z}_mw" for z in system.zones), "short_mw"]
            parts.append(part.assign(**dict(zip(names, week.short_mw, strict=True))))
        return pd.concat(parts, ignore_index=True).round(1) if parts else pd.DataFrame()

    def _replay(self, months: Sequence[MonthHours]) -> pd.DataFrame:
        """What dated events of the focus year took away, and what was left unused on the first path."""
        size = {u.unit: u.capacity_mw for u in self.case.units}
        known = [o for o in self.case.outages if o.start.year == self.focus and o.unit in size]
        parts = []
        for event in dict.fromkeys(o.event for o in known):
            of = [o for o in known if o.event == event]
            day = np.timedelta64(DAYS_AROUND, "D")
            first = np.datetime64(min(o.start for o in of), "D") - day
            last = np.datetime64(max(o.start for o in of), "D") + 2 * day
            for m in months:
                time = m.system.time[: m.hours]
                at = np.flatnonzero((time >= first) & (time < last))
                if not at.size:
                    continue
                spare = room_mw(m, imports=True)[0][at].sum(axis=1)
                out = np.zeros(at.size)
                for o in of:
                    inside = (time[at] >= np.datetime64(o.start, "h")) & (time[at] < np.datetime64(o.end, "h"))
                    out += inside * o.lost_share * size[o.unit]
                parts.append(pd.DataFrame({"event": event, "time": time[at].astype(str), "out_mw": out.round(1),
                                           "spare_mw": spare.round(1)}))  # fmt: skip
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def headroom_left(year: int, months: Sequence[MonthHours]) -> pd.DataFrame:
    """Flat load that a zone could serve after everybody else, against the share of hours in which it is cut."""
    reach = np.maximum(np.concatenate([room_mw(m, imports=True)[1] for m in months]), 0.0)
    load = np.quantile(reach, CUT_SHARES, axis=0, method="lower")
    zones = months[0].system.zones
    return pd.DataFrame([
        {"year": year, "zone": z, "cut_share": share, "load_mw": round(float(load[i, k]), 1)}
        for k, z in enumerate(zones) for i, share in enumerate(CUT_SHARES)
    ])  # fmt: skip


def losses(before: Dispatch, case: Case) -> pd.DataFrame:
    """The worst losses in the tightest hour of each of the tightest days of a `year_system` that was dispatched.

    Each is tried twice: with every registered miner told to stop first, and with none that can be told. Fleets under
    one name are no single loss and are left out.
    """
    from gridrush.study.shocks import worst_shocks

    circuits, known = {k.link: k.circuits for k in case.links}, {u.unit for u in case.units}

    s = before.system
    order = worst_hours(before, s.time.size)
    tightest = np.unique(s.time[order].astype("datetime64[D]"), return_index=True)[1]  # place of each day's hour
    hours = np.sort(order[np.sort(tightest)[:SHOCK_DAYS]])
    some = hours_of_system(s, hours, np.zeros(hours.size, np.int64))
    every, up = np.arange(hours.size), None if before.up is None else np.asarray(before.up, np.float64)[hours]
    soft = dispatch(_miners_as(some, "interruptible"), up=up)
    firm = dispatch(_miners_as(some, "firm"), up=up)
    shocks = [k for k in worst_shocks(soft, hours=every, circuits=circuits, worst=4 * SHOCKS)
              if all(s.units.name[g] in known for g in k.shed.contingency.units)]  # fmt: skip
    after = {(x.contingency.name, x.hour): x.firm_mw
             for x in contingencies(firm, [k.shed.contingency for k in shocks], hours=every)}  # fmt: skip
    had, had_miners, had_alone = (d.unserved_mw((kind,)).sum(axis=1) for d, kind in (
        (soft, "firm"), (soft, "interruptible"), (firm, "firm")))  # fmt: skip
    rows: dict[tuple[float, ...], tuple[object, ...]] = {}
    for k in shocks:
        x, t = k.shed, k.shed.hour
        row = (x.contingency.name, str(k.time)[:13], x.lost_mw, had_miners[t] + x.interruptible_mw,
               had[t] + x.firm_mw, had_alone[t] + after[x.contingency.name, t],
               np.nan if k.nadir_hz is None else k.nadir_hz,
               np.nan if k.swing is None else k.swing.total_shed_mw)  # fmt: skip
        rows.setdefault(tuple(round(v, 3) for v in (x.lost_mw, x.interruptible_mw, x.firm_mw)), row)
    columns = ["contingency", "time", "lost_mw", "miners_cut_mw", "firm_mw", "firm_alone_mw", "nadir_hz", "relays_mw"]
    table = pd.DataFrame(list(rows.values()), columns=columns).round(3)
    worst = ["firm_mw", "firm_alone_mw", "miners_cut_mw", "lost_mw"]
    return table.sort_values(worst, ascending=False, kind="stable", ignore_index=True).head(SHOCKS)


def _miners_as(system: System, kind: BlockKind) -> System:
    """Registered miners of a `year_system`, all of one kind: told to stop first, or the last to be cut."""
    d, Z = system.demand, len(system.zones)
    miners = slice(2 * Z, 4 * Z)
    kinds, value = list(d.kind), d.value_usd_per_mwh.copy()
    kinds[miners] = [kind] * (2 * Z)
    value[miners] = value[3 * Z] if kind == "interruptible" else 2.0 * value.max()
    return replace(system, demand=replace(d, kind=tuple(kinds), value_usd_per_mwh=value))


def of_miners(case: Case, miners: Miners, seed: int) -> dict[str, pd.DataFrame]:
    """Tables about mining; none for a case without miners."""
    if miners.census is None:
        return {}
    from gridrush.mining.evidence import value_of_measurement

    evidence = [(e.name, e.width_without_mw, e.width_with_mw, e.shift_mw) for e in miners.census.evidence]
    lessons = [(x.quantity, x.std_share, x.width_now_mw, x.width_expected_mw)
               for x in value_of_measurement(miners.census, seed=seed)]  # fmt: skip
    return {
        "rush": _rush(case, seed), "stays": _stays(case),
        "evidence": pd.DataFrame(evidence, columns=["name", "width_without_mw", "width_with_mw", "shift_mw"]).round(2),
        "lessons": pd.DataFrame(lessons, columns=["quantity", "std_share", "width_now_mw", "width_expected_mw"])
        .round(4),
    }  # fmt: skip


def _rush(case: Case, seed: int) -> pd.DataFrame:
    from gridrush.mining.rush import rush

    last = np.datetime64(f"{case.as_of:%Y-%m}", "M") + RUSH_MONTHS
    found = rush(case, last=str(min(last, np.datetime64(f"{case.last_year}-12", "M"))), seed=seed).to_dict()
    return pd.DataFrame([
        {"month": m["month"], "country": m["country"], "forecast": m["forecast"]}
        | {f"{short}_{k}": m[name][k] for short, name in (("ehs", "hashrate_ehs"), ("mw", "power_mw"))
           for k in ("mean", "p05", "p95")}
        for m in found["months"]
    ])  # fmt: skip


def _stays(case: Case) -> pd.DataFrame:
    """Part of the last known fleet that pays at a power price: at hashprices a year before, then, and at their low."""
    from gridrush.mining.fleet import break_even_curve
    from gridrush.mining.network import network_of

    network, now = network_of(case), np.datetime64(f"{case.as_of:%Y-%m}", "M")
    months = [m for m in (now - 12, now) if network.months[0] <= m <= network.months[-1]]
    later = np.flatnonzero((network.months > now) & (network.months < now + RUSH_MONTHS))
    if later.size:
        months.append(network.months[later[np.argmin(network.hashprice_usd_per_ph_day[later])]])
    price = np.arange(0.0, PRICE_TOP + 0.5 * PRICE_STEP, PRICE_STEP)
    parts = []
    for month in months:
        hashprice = float(network.hashprice_usd_per_ph_day[network.at(month)])
        curve = break_even_curve(case, now, hashprice_usd_per_ph_day=hashprice, paid_usd_per_mwh=0.0)
        parts.append(pd.DataFrame({"month": str(month), "hashprice_usd_per_ph_day": round(hashprice, 2),
                                   "price_usd_per_mwh": price, "running_share": curve.share_at(price)}))  # fmt: skip
    return pd.concat(parts, ignore_index=True).round(4)


DOUBTED = (("EUE_mwh", "system"), ("unserved_gwh", "all"), ("system_cost_present_usd", ""))
"""Results whose doubt is shown: quantity and item."""


def of_study(results: StudyResults) -> dict[str, pd.DataFrame]:
    """Bands over the draws of a stored study, and Sobol indices where it was drawn for them."""
    from gridrush.study.uncertainty import bands

    drawn = results.table(quantities=[q for q, _ in DOUBTED])
    wanted = [(q, i) for q, i in DOUBTED if ((drawn["quantity"] == q) & (drawn["item"].astype(str) == i)).any()]
    if ("EUE_mwh", "system") in wanted:
        wanted = [w for w in wanted if w[0] != "unserved_gwh"]
    by = ["scenario", "draw", "quantity", "item", "unit"]
    parts, indices = [], []
    saltelli = (results.about["spec"].get("draws") or {}).get("method") == "saltelli"
    for quantity, item in wanted:
        rows = drawn[(drawn["quantity"] == quantity) & (drawn["item"].astype(str) == item) & (drawn["draw"] >= 0)]
        if rows.empty:
            continue
        sums = rows.groupby(by, observed=True)["value"].sum().reset_index()
        parts.append(bands(sums.assign(year=int(rows["year"].min()))))
        if saltelli:
            indices.append(results.sensitivity(quantity, item=item).reset_index().assign(quantity=quantity))
    found = {"bands": parts, "sensitivity": indices}
    return {name: pd.concat(tables, ignore_index=True) for name, tables in found.items() if tables}


def to_bytes(tables: Gathered) -> bytes:
    """Tables as they are stored."""
    return json.dumps({name: t.to_csv(index=False) for name, t in tables.items()}).encode()


def from_bytes(content: bytes) -> dict[str, pd.DataFrame]:
    """Tables read back; text columns stay text."""
    return {name: pd.read_csv(io.StringIO(text), dtype={"month": str} if name in ("rush", "stays") else None)
            for name, text in json.loads(content).items()}  # fmt: skip
