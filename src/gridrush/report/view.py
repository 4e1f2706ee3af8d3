"""What the figures need from a Study, looked up once: the main run, the counterfactual, the year and weeks to show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from gridrush.policy.fiscal import balances
from gridrush.report.words import MONTHS, day_name, fuel_order, number
from gridrush.study.run import Run, Study

Floats = NDArray[np.float64]
WEEK = 168  # hours
_DRAWN_AS = {"uranium": "nuclear"}


@dataclass(frozen=True, eq=False)
class Week:
    """A week of hours to look at, summed over zones; flows stay by link."""

    key: str
    title: str
    note: str
    time: pd.DatetimeIndex  # local
    supply: Mapping[str, Floats]  # fuel, then imports and storage
    wanted_mw: Floats
    wanted_without_miners_mw: Floats
    unserved_mw: Floats
    interrupted_mw: Floats
    flow_mw: Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class View:
    """A study as the report reads it."""

    study: Study

    @cached_property
    def main(self) -> Run:
        """The run the story is told with: the first."""
        return next(iter(self.study.runs.values()))

    @cached_property
    def without_rush(self) -> Run | None:
        """The run in which miners never came, where there is one."""
        return next((r for r in self.study.runs.values() if r.scenario.freeze and r is not self.main), None)

    @cached_property
    def gallery(self) -> Mapping[str, pd.DataFrame]:
        """Close-ups of the main run that have rows; see `gridrush.study.gallery`."""
        return {name: table for name, table in self.study.gallery.items() if len(table)}

    @cached_property
    def plan(self) -> Mapping[str, Any] | None:
        """What the planner found for this case, where it was asked; see `gridrush.study.plan_store`."""
        return self.study.plan

    @cached_property
    def focus(self) -> int:
        """The year of the crisis: the last one known to the case, else the riskiest one simulated."""
        years, known = self.main.years, self.study.case.as_of.year
        if known in years:
            return known
        risk = system_risk(self.main)
        return worst_year(risk) if len(risk) else years[0]

    @cached_property
    def years(self) -> list[int]:
        """Years of the main run."""
        return self.main.years

    @cached_property
    def fuels(self) -> list[str]:
        """Fuels from the base of a stack up."""
        return fuel_order(str(f) for f in self.main.annual["fuel"].values) if "fuel" in self.main.annual.coords else []

    @cached_property
    def fuel_of(self) -> dict[str, str]:
        """Fuel of a technology."""
        return {t.technology: _DRAWN_AS.get(t.fuel, t.fuel) for t in self.study.case.technologies}

    @cached_property
    def recent_months(self) -> list[int]:
        """The season that ended when the case's knowledge ends: three months of the focus year."""
        last = self.study.case.as_of.month if self.study.case.as_of.year == self.focus else 12
        return [m for m in (last - 2, last - 1, last) if m >= 1]

    @property
    def season(self) -> str:
        """Those months in words."""
        months = self.recent_months
        known: dict[tuple[int, ...], str] = {(9, 10, 11): "autumn", (6, 7, 8): "summer", (3, 4, 5): "spring"}
        if word := known.get(tuple(months)):
            return f"{word} {self.focus}"
        return f"{MONTHS[months[0] - 1]} to {MONTHS[months[-1] - 1]} {self.focus}"

    @property
    def metered(self) -> bool:
        """Whether the case's hours of load were read from meters."""
        shape = self.study.case.series.get("demand_shape")
        return shape is not None and shape.grade == "measured"

    @cached_property
    def remedies(self) -> pd.DataFrame:
        """Remedies by year of arrival, the most useful of a year first; the main scenario itself is no remedy."""
        table = self.study.relief
        if not len(table):
            return table
        best = pd.to_numeric(table["first_year_best"], errors="coerce")
        keep = best.notna()
        if "scenario" in table:
            keep &= table["scenario"] != self.main.name
        order = pd.DataFrame({"year": np.floor(best), "gwh": -pd.to_numeric(table["eue_avoided_gwh"], errors="coerce")})
        return table.loc[order[keep].sort_values(["year", "gwh"], kind="stable").index].reset_index(drop=True)

    @cached_property
    def balances(self) -> dict[str, pd.DataFrame]:
        """What each party takes in less what it pays, by run and year. [USD]"""
        return {name: balances(run.ledger) for name, run in self.study.runs.items() if len(run.ledger)}

    @cached_property
    def local(self) -> pd.DatetimeIndex:
        """Legal time of each hour of the main run."""
        return local_time(self.study, self.main.hourly)

    @cached_property
    def fullest_hour(self) -> int | None:
        """Row of the season's evening hour in which lines carried most."""
        ds, t = self.main.hourly, self.local
        evening = (t.year == self.focus) & np.isin(t.month, self.recent_months) & (t.hour >= 17) & (t.hour <= 22)
        rows = np.flatnonzero(evening)
        if not rows.size:
            return None
        part = ds.isel(time=rows)
        flow = np.abs(part["flow_mw"].values).sum(1) if "flow_mw" in part else 0.0
        return int(rows[np.argmax(flow + 1e-3 * _national(part, "load_mw"))])

    @cached_property
    def weeks(self) -> list[Week]:
        """Weeks worth a look: the worst, the replays, the dated events, the coldest, and the year before."""
        t, ds = self.local, self.main.hourly
        monday = np.flatnonzero((t.dayofweek == 0) & (t.hour == 0))
        monday = monday[monday + WEEK <= len(t)]
        monday = monday[t.values[monday + WEEK - 1] - t.values[monday] == np.timedelta64(WEEK - 1, "h")]
        if not monday.size:
            return []
        load = _national(ds, "load_mw") + _national(ds, "registered_mw")
        cut = _national(ds, "unserved_mw") + _national(ds, "interrupted_mw")
        mean_load = np.array([load[m : m + WEEK].mean() for m in monday])
        lost = np.array([cut[m : m + WEEK].sum() for m in monday])
        start_year, start_month = t.year.to_numpy()[monday], t.month.to_numpy()[monday]
        season = np.flatnonzero((start_year == self.focus) & np.isin(start_month, self.recent_months))
        year = np.flatnonzero(start_year == self.focus)
        picks: list[tuple[str, str, int]] = []
        if season.size:
            worst = season[np.argmax(lost[season] + 1e-6 * mean_load[season])]
            note = f"The week of {self.season} in which most load could not be met."
            picks.append(("Worst week", note if lost[worst] else f"The tightest week of {self.season}.", int(worst)))
        for day, text in self._dated_events():
            hit = np.flatnonzero((t[monday] <= day) & (day < t[monday] + pd.Timedelta(days=7)))
            if hit.size:
                picks.append((f"Week of {day.day} {MONTHS[day.month - 1]}", text, int(hit[0])))
        if year.size:
            peak = int(year[np.argmax(mean_load[year])])
            picks.append(("Highest load", f"The week of {self.focus} with the most load.", peak))
        if picks:
            before = t[monday[picks[0][2]]] - pd.Timedelta(days=364)
            same = np.flatnonzero(abs(t[monday] - before) < pd.Timedelta(days=4))
            if same.size:
                picks.append(("A year earlier", "The same week one year before the worst one.", int(same[0])))
        out: list[Week] = []
        for title, replay in self.study.events.items():
            if {"generation_mw", "load_mw"} <= set(replay.data_vars) and replay.sizes.get("time", 0) > 1:
                when = local_time(self.study, replay)
                name = day_name(date.fromisoformat(title)) if _is_day(title) else title
                out.append(
                    week_of(replay, when, slice(None), f"Replay, {name}", "The event played again in the model.")
                )
        seen: set[int] = set()
        for title, note, at in picks:
            if at not in seen:
                seen.add(at)
                hours = slice(int(monday[at]), int(monday[at]) + WEEK)
                out.append(week_of(ds, t, hours, title, note))
        return sorted(out, key=lambda w: not w.title.startswith("Worst"))

    def _dated_events(self) -> list[tuple[pd.Timestamp, str]]:
        replays = set(self.study.events)
        out = []
        for e in self.study.case.events:
            if _is_day(e.on) and e.power_mw and e.on not in replays and e.on.startswith(str(self.focus)):
                out.append((pd.Timestamp(e.on), e.event))
        return out[-2:]

    def hours_at(self, run: Run, time: pd.DatetimeIndex) -> dict[str, Floats] | None:
        """National load not met of some hours (UTC), of all and of miners; None where the run lacks one."""
        rows = pd.DatetimeIndex(run.hourly["time"].values).get_indexer(time)
        if (rows < 0).any():
            return None
        part = run.hourly.isel(time=rows)
        return {name: _national(part, name) for name in ("unserved_mw", "interrupted_mw")}

    def month_of_event(self, pattern: str) -> str | None:
        """Month, `2021-05`, of the first dated event that speaks of something."""
        found = [e.on[:7] for e in self.study.case.events if len(e.on) >= 7 and re.search(pattern, e.event, re.I)]
        return min(found, default=None)

    def mining_at(self, month: str) -> float | None:
        """Best estimate of miners' load wanted in a month. [MW]"""
        table = mining_months(self.main)
        return float(row_of(table, month)["best"]) if "best" in table and month in table.index else None

    def power_price_marks(self) -> list[tuple[float, str, str]]:
        """What a miner of the country pays and may pay: USD per MWh, what it is, source key."""
        case = self.study.case
        paid = [p for p in case.power_prices if p.country == case.mining_country and p.start <= case.as_of]
        if not paid:
            return []
        now = max(paid, key=lambda p: p.start)
        price = now.price_usd_per_mwh
        out = [(price, f"Paid in {case.mining_country}: {number(price / 10)} ¢", now.source)]
        for item, words, added in (("mining_fee_flat", "with the fee of", True),
                                   ("mining_fee_scale_ceiling", "fee and price together from", False)):  # fmt: skip
            for fact in case.policies:
                rate = [x.kzt_per_usd for x in sorted(case.exchange, key=lambda x: x.on) if x.on <= fact.on]
                if fact.item == item and rate:
                    value = fact.value / rate[-1] * 1e3 + (price if added else 0.0)
                    text = f"{words} {fact.on.year}: {number(value / 10)} ¢"
                    out.append((value, text[:1].upper() + text[1:], fact.source))
        return out

    def limit_mw(self, link: str, on: datetime | date) -> tuple[float, float] | None:
        """Forward and backward limit of a link on a day."""
        day = on.date() if isinstance(on, datetime) else on
        for row in self.study.case.links:
            if row.link == link and row.start <= day and (row.end is None or day < row.end):
                return row.forward_mw, row.backward_mw
        return None

    def ends(self, link: str) -> tuple[str, str] | None:
        """The two zones a link joins."""
        return next(((r.zone_from, r.zone_to) for r in self.study.case.links if r.link == link), None)

    @property
    def main_link(self) -> str | None:
        """The link used most in the weeks shown."""
        flows: dict[str, float] = {}
        for week in self.weeks:
            for link, flow in week.flow_mw.items():
                flows[link] = flows.get(link, 0.0) + float(np.abs(flow).sum())
        return max(flows, key=lambda k: flows[k]) if flows and max(flows.values()) > 0 else None


def local_time(study: Study, ds: xr.Dataset) -> pd.DatetimeIndex:
    """Legal time of the hours of a data set (UTC inside)."""
    return local_stamps(study, pd.DatetimeIndex(ds["time"].values))


def local_stamps(study: Study, utc: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Legal time of some stamps in UTC."""
    offset = np.zeros(len(utc), dtype="timedelta64[h]")
    for clock in sorted(study.case.clock, key=lambda c: c.start):
        offset[np.asarray(utc >= pd.Timestamp(clock.start))] = np.timedelta64(clock.utc_offset_h, "h")
    return pd.DatetimeIndex(utc.values + offset)


def week_of(ds: xr.Dataset, local: pd.DatetimeIndex, hours: slice, title: str, note: str) -> Week:
    """Hours of a data set summed over zones."""
    part, when = ds.isel(time=hours), local[hours]
    gen = part["generation_mw"].sum("zone").transpose("time", "fuel")
    supply: dict[str, Floats] = {f: gen.sel(fuel=f).values for f in fuel_order(str(x) for x in gen["fuel"].values)}
    supply = {f: v for f, v in supply.items() if v.max(initial=0.0) > 0.5}
    for name, key in (("storage", "discharged_mw"), ("imports", "import_mw")):
        if (extra := _national(part, key)).max(initial=0.0) > 0.5:
            supply[name] = extra
    registered = _national(part, "registered_mw")
    wanted = _national(part, "load_mw") + registered
    flows: dict[str, Floats] = {}
    if "flow_mw" in part:
        flows = {str(k): part["flow_mw"].sel(link=k).values for k in part["link"].values}
    first, last = when[0], when[-1]
    span = f"{first.day} {MONTHS[first.month - 1][:3]} to {last.day} {MONTHS[last.month - 1][:3]} {last.year}"
    return Week(
        f"{first:%Y-%m-%d}",
        f"{title}, {span}",
        note,
        when,
        supply,
        wanted,
        wanted - registered - _national(part, "unregistered_mw"),
        _national(part, "unserved_mw"),
        _national(part, "interrupted_mw"),
        flows,
    )


def system_risk(run: Run) -> pd.DataFrame:
    """Risk of the whole system by year: mean and stderr columns."""
    if "zone" not in run.risk.coords or "system" not in run.risk["zone"].values:
        return pd.DataFrame(columns=["LOLE_h", "LOLE_h_stderr", "EUE_mwh", "EUE_mwh_stderr"])
    part = run.risk.sel(zone="system")
    return pd.DataFrame({str(k): part[k].values for k in part.data_vars}, index=part["year"].values)


def row_of(table: pd.DataFrame, key: object) -> dict[str, float]:
    """One row of a table of numbers, by column."""
    at = list(table.index).index(key)
    return dict(zip((str(c) for c in table.columns), table.iloc[at].to_numpy(dtype=float).tolist(), strict=True))


def worst_year(risk: pd.DataFrame) -> int:
    """Year with most hours short."""
    return int(risk.index[int(np.argmax(risk["LOLE_h"].to_numpy()))])


def annual(run: Run, name: str) -> pd.Series[float]:
    """A yearly quantity summed over zones or fuels; empty where the run has none."""
    if name not in run.annual:
        return pd.Series(dtype=float)
    values = run.annual[name]
    other = [d for d in values.dims if d != "year"]
    return pd.Series(values.sum(other).values, index=values["year"].values.astype(int), dtype=float)


def mining_months(run: Run) -> pd.DataFrame:
    """National mining MW by month: low, best, high, registered, unregistered."""
    out = pd.DataFrame(index=[str(m)[:7] for m in run.monthly["month"].values])
    if "mining_mw" in run.monthly:
        for bound in ("low", "best", "high"):
            out[bound] = run.monthly["mining_mw"].sel(bound=bound).values
    for status in ("registered", "unregistered"):
        if f"{status}_mw" in run.monthly:
            out[status] = run.monthly[f"{status}_mw"].sum("zone").values
    return out


def _national(ds: xr.Dataset, name: str) -> Floats:
    if name not in ds:
        return np.zeros(ds.sizes["time"])
    return np.asarray(ds[name].sum("zone").values, np.float64)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10
