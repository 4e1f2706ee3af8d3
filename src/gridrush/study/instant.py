"""The same simulation again with little changed: months already simulated under the same conditions are kept.

A month of a run is a function of the fleet, rules, demand, world market and miners it meets and of the outages behind
it. `Instant` keys every month by these; what is known is not simulated again. With one path the result is that of
`simulate(case, scenario, samples=1)`, number by number.
"""

from __future__ import annotations

import hashlib
import time as clock
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from gridrush.adequacy.history import OutageHistory
from gridrush.case.load import resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.grid.network import GridModel
from gridrush.mining.migration import RushState
from gridrush.policy.fiscal import LINES, balances, system_cost_usd
from gridrush.policy.levers import MonthPolicy, PolicyCalendar
from gridrush.study.answers import Answered
from gridrush.study.collect import Collector, MonthSums
from gridrush.study.hours import MonthEngine, rationed_share, spare_mw
from gridrush.study.ledger import RunLedger
from gridrush.study.miners import Miners, MinersNow, ScenarioMiners
from gridrush.study.paths import Paths, draw_paths
from gridrush.study.risk import NO_RISK
from gridrush.study.run import Run
from gridrush.study.service import service_range
from gridrush.study.simulate import consumers_twh, grid_model
from gridrush.units import Floats

Key = bytes
_KEPT_MONTHS = 4000
"""Months in memory, about 20 KB each."""

_KEPT_RUNS = 24


class Superseded(Exception):  # noqa: N818
    """Nobody waits for this run any more."""


@dataclass(frozen=True, eq=False)
class _Month:
    """What a month leaves behind."""

    year_index: int
    month: int  # 12 year + month - 1
    sums: MonthSums
    figures: dict[str, Floats | float]
    cash: dict[str, dict[int, float]]
    cut_share: Floats
    spare_mw: Floats
    miners: RushState | None  # at its end
    outages: _Outages  # at its end
    hourly: Answered | None


@dataclass(frozen=True, eq=False)
class _Outages:
    """Where every unit's outage history stands, by the unit's name."""

    names: tuple[str, ...]  # of units that have begun to serve
    hazard: Floats
    repair_h: Floats
    count: NDArray[np.int64]
    key: Key

    @classmethod
    def of(cls, history: OutageHistory) -> _Outages:
        begun = np.flatnonzero((history._hazard >= 0).any(axis=0) | (history._count > 0).any(axis=0))
        all_names = list(history._row)
        names = tuple(all_names[i] for i in begun)
        state = history._hazard[:, begun], history._repair_h[:, begun], history._count[:, begun]
        return cls(names, *state, _digest(names, *(x.tobytes() for x in state)))

    def put_into(self, history: OutageHistory) -> None:
        known = [i for i, n in enumerate(self.names) if n in history._row]  # a unit of another scenario may be absent
        rows = [history._row[self.names[i]] for i in known]
        history._hazard[:, rows], history._repair_h[:, rows] = self.hazard[:, known], self.repair_h[:, known]
        history._count[:, rows] = self.count[:, known]


@dataclass(frozen=True, eq=False)
class _Kept:
    """The conditions of a run's months, and what they left."""

    conditions: list[Key]
    months: list[_Month]


@dataclass(eq=False)
class Instant:
    """Simulates scenarios of one case one after the other on one path, quickly where they share months."""

    case: Case
    paths: Paths
    miners: Miners
    _months: OrderedDict[Key, _Month] = field(default_factory=OrderedDict)
    _runs: OrderedDict[str, _Kept] = field(default_factory=OrderedDict)

    @classmethod
    def of(cls, case: Case, *, seed: int = 1) -> Instant:
        """Draw the path and the census of a case."""
        return cls(case, draw_paths(case, case.years, samples=1, seed=seed), Miners.of(case, seed=seed))

    def run(
        self,
        scenario: str | Scenario,
        *,
        on_part: Callable[[Run, int], None] | None = None,
        part_s: float = 0.1,
        looked_at: int | None = None,
        until: int | None = None,
        superseded: Callable[[], bool] | None = None,
    ) -> Run:
        """Simulate a scenario over all years of the case.

        Parameters
        ----------
        on_part : callable, optional
            Given the years finished so far and the last of them: after `part_s` seconds, then after ever longer spells.
        looked_at : int, optional
            A year whose end is told at once.
        until : int, optional
            Last year wanted.
        superseded : callable, optional
            Asked between months; when it says yes, `Superseded` is raised.

        Returns
        -------
        Run
            Without hours (see `hours`) and without Monte Carlo risk.
        """
        began = told = clock.perf_counter()
        chosen = resolve_scenario(self.case, scenario)
        walk = _Walk(self, chosen)
        first = 12 * self.case.first_year
        done = list(self._known(walk))
        end = walk.months if until is None else 12 * (until + 1) - first
        done = done[:end]
        if done:
            walk.resume(done[-1])
        for i in range(len(done), end):
            if superseded is not None and superseded():
                raise Superseded
            done.append(walk.step(first + i))
            year, month = divmod(first + i, 12)
            if on_part is not None and month == 11 and i + 1 < end and (
                year == looked_at or clock.perf_counter() - told > part_s
            ):  # fmt: skip
                on_part(self._joined(chosen, walk.model, done, (i + 1) // 12, clock.perf_counter() - began), year)
                told, part_s = clock.perf_counter(), 2.0 * part_s
        self._keep([walk.condition(i) for i in range(end)], done)
        return self._joined(chosen, walk.model, done, len(done) // 12, clock.perf_counter() - began)

    def hours(self, scenario: str | Scenario, first: int, last: int) -> xr.Dataset:
        """Hours of the months from `first` to `last` (12 year + month - 1), as `Run.hourly` has them."""
        chosen = resolve_scenario(self.case, scenario)
        walk = _Walk(self, chosen)
        start = 12 * self.case.first_year
        months = self._known(walk)
        if len(months) <= last - start:
            self.run(chosen, until=last // 12)
            months = self._known(walk)
        total = Collector(self.case, walk.model, tuple(self.case.years), self.paths.samples)
        if first > start:
            walk.resume(months[first - start - 1])
        for month in range(first, last + 1):
            walk.step(month, into=total)
        return total.hourly_dataset()

    def _known(self, walk: _Walk) -> list[_Month]:
        """Months of an earlier run that began under the same conditions, as far as these agree."""
        same, best = list(self._runs.values()), 0
        found: list[_Month] = []
        while same and best < walk.months:
            here = walk.condition(best)
            same = [kept for kept in same if len(kept.conditions) > best and kept.conditions[best] == here]
            if same:
                best += 1
                found = same[0].months
        return found[:best]

    def _keep(self, conditions: list[Key], months: list[_Month]) -> None:
        name = hashlib.blake2b(b"".join(conditions), digest_size=16).hexdigest()
        self._runs[name] = _Kept(conditions, months)
        self._runs.move_to_end(name)
        while len(self._runs) > _KEPT_RUNS or self._held() > _KEPT_MONTHS:
            if len(self._runs) == 1:
                break
            self._runs.popitem(last=False)
        while len(self._months) > _KEPT_MONTHS:
            self._months.popitem(last=False)

    def _held(self) -> int:
        return len({id(m) for kept in self._runs.values() for m in kept.months})

    def _joined(
        self, scenario: Scenario, model: GridModel, months: list[_Month], years: int, seconds: float
    ) -> Run:
        """The months of whole years as a `Run`."""
        span = tuple(self.case.years)[:years]
        total = Collector(self.case, model, span, self.paths.samples, hours=False)
        cash = RunLedger(self.case, scenario, model)
        for month in months[: 12 * years]:
            total.add_sums(month.year_index, month.sums)
            total.add_month(month.month, month.figures)
            for line, amounts in month.cash.items():
                so_far = cash.amounts_usd.setdefault(line, {})
                for year, usd in amounts.items():
                    so_far[year] = so_far.get(year, 0.0) + usd
        annual = total.annual_dataset()
        return Run(
            case=self.case, scenario=scenario, seed=self.paths.seed, samples=self.paths.samples,
            hourly=xr.Dataset(), monthly=total.monthly_dataset(), annual=annual,
            risk=NO_RISK, ledger=cash.table(annual, NO_RISK), seconds=seconds,
        )  # fmt: skip


@dataclass(eq=False)
class _Walk:
    """One scenario on its way through the months."""

    instant: Instant
    scenario: Scenario
    model: GridModel = field(init=False)
    state: ScenarioMiners = field(init=False)
    engine: MonthEngine = field(init=False)
    total: Collector = field(init=False)  # adds up months that nobody asked the hours of
    rules: list[MonthPolicy] = field(default_factory=list)
    last: _Month | None = None
    _conditions: list[Key] = field(default_factory=list)
    _more: Iterator[Key] = field(init=False)

    def __post_init__(self) -> None:
        case = self.instant.case
        # any name but the default's: the forecast's interval belongs to the scenario as the case has it
        named = self.scenario.model_copy(update={"name": "instant"})
        self.state = self.instant.miners.start(named)
        self.model = grid_model(case, self.scenario)
        span = tuple(case.years)
        self.twh = consumers_twh(case, self.scenario, self.state, span)
        self.engine = MonthEngine(case, self.model, self.instant.paths, self.twh)
        self.total = Collector(case, self.model, span, self.instant.paths.samples, hours=False)
        self._more = self._each_condition()

    @property
    def months(self) -> int:
        """Months of the case."""
        return 12 * len(self.instant.case.years)

    def condition(self, i: int) -> Key:
        """What the i-th month depends on beside the miners and outages it inherits."""
        while len(self._conditions) <= i:
            self._conditions.append(next(self._more))
        return self._conditions[i]

    def _each_condition(self) -> Iterator[Key]:
        """Conditions of the months, in order; notes their rules."""
        case, world, model = self.instant.case, self.state._world, self.model
        calendar = PolicyCalendar(self.scenario, case)
        always = _digest(self.scenario.assume.census_quantile, model.carbon_price_usd_per_t, model.hydro_share)
        edges = {x.first_month for x in model.plants} | {x.last_month for x in model.plants}
        edges |= {x.first_month for x in model.wires} | {x.last_month for x in model.wires}
        fleet = b""
        for y, year in enumerate(case.years):
            price = self.state.power_price(year)
            for m in range(12):
                month = 12 * year + m
                rules = calendar.month(date(year, m + 1, 1), market_price_usd_per_mwh=price)
                self.rules.append(rules)
                if not fleet or month in edges:
                    wires = [w for w in model.wires if w.first_month <= month < w.last_month]
                    serving = [(p.name, p.technology, p.zone, p.capacity_mw, p.captive) for p in model.active(month)]
                    fleet = _digest(serving, wires)
                now: tuple[object, ...] = ()
                if world is not None:
                    at = world.at(np.datetime64(f"{year:04d}-{m + 1:02d}", "M"))
                    now = (world.hashprice_usd_per_ph_day[at], world.fleet_j_per_th[at], world.hashrate_ehs[at])
                contracts = model.contracts_in(month)
                yield _digest(always, fleet, self.twh[y], model.stress(year), contracts, now, *_told(rules))

    def resume(self, month: _Month) -> None:
        """Go on after a month that is known."""
        self.state._state = month.miners
        self.state.feed_back(rationed_share=month.cut_share, spare_mw=month.spare_mw, hourly=month.hourly)
        self.last = month

    def step(self, month: int, *, into: Collector | None = None) -> _Month:
        """The next month, from memory if it was met before; simulated and added to `into` where this is given."""
        i = month - 12 * self.instant.case.first_year
        y, m = divmod(i, 12)
        condition = self.condition(i)
        rules = self.rules[i]
        now = self.state.month(month, rules)
        history = self.last.outages if self.last is not None else None
        key = _digest(condition, *_told_miners(now), b"" if history is None else history.key)
        memory = self.instant._months
        found = memory.get(key)
        if found is None or into is not None:
            found = self._simulate(y, m, now, rules, history, into)
            memory[key] = found
        memory.move_to_end(key)
        self.state.feed_back(rationed_share=found.cut_share, spare_mw=found.spare_mw, hourly=found.hourly)
        self.last = found
        return found

    def _simulate(
        self, y: int, m: int, now: MinersNow, rules: MonthPolicy, history: _Outages | None, into: Collector | None
    ) -> _Month:
        case, paths = self.instant.case, self.instant.paths
        if history is not None:
            history.put_into(self.engine.history)
        hours = self.engine.run(
            y, m + 1, now.registered_mw, now.unregistered_mw, rationing=rules.rationing, answers=now.answers
        )
        cut = rationed_share(hours)
        evening = paths.autumn_evening[y][paths.hours_of_month(y, m + 1)]
        sums = (self.total if into is None else into).add(hours, evening=evening)
        cash = RunLedger(case, self.scenario, self.model)
        cash.add_month(hours, sums, now, rules)
        return _Month(
            year_index=y, month=hours.month, sums=sums, figures={**now.figures(), "rationed_share": cut},
            cash=cash.amounts_usd, cut_share=cut, spare_mw=spare_mw(hours) - now.idle_mw, miners=self.state._state,
            outages=_Outages.of(self.engine.history), hourly=hours.answered,
        )  # fmt: skip


def party_lines() -> list[dict[str, str]]:
    """Lines a ledger may have: name, payer, payee and title."""
    return [{"line": k, "payer": x.payer, "payee": x.payee, "title": x.title} for k, x in LINES.items()]


def party_balances(run: Run) -> pd.DataFrame:
    """What each party receives less what it pays, by year. [USD]"""
    return balances(run.ledger)


def system_costs(run: Run) -> pd.Series[float]:
    """Cost of the power system to the country by year. [USD]"""
    return system_cost_usd(run.ledger)


def _holds(start: date, end: date | None, day: date) -> bool:
    return start <= day and (end is None or day < end)


def _told(rules: MonthPolicy) -> Iterator[object]:
    """What the rules of a month say, as values that compare."""
    for name in MonthPolicy.__dataclass_fields__:
        value = getattr(rules, name)
        yield value.tobytes() if isinstance(value, np.ndarray) else value


def _told_miners(now: MinersNow) -> tuple[object, ...]:
    return (now.registered_mw.tobytes(), now.unregistered_mw.tobytes(), now.bounds_mw.tobytes(), now.found_mw,
            now.idle_mw.tobytes(), b"" if now.answers is None else now.answers.key)  # fmt: skip


def _digest(*parts: object) -> Key:
    out = hashlib.blake2b(digest_size=16)
    for p in parts:
        out.update(p if isinstance(p, bytes) else repr(p).encode())
        out.update(b"\0")
    return out.digest()


def in_service(run: Run) -> list[dict[str, object]]:
    """Projects of a run's scenario: name, zone, MW, and the year each is in service (low, best, high)."""
    case, s = run.case, run.scenario
    known = {p.project: p for p in case.projects}
    out: list[dict[str, object]] = []
    for b in s.builds:
        p = known[b.project]
        low, best, high = service_range(p, b.online, s)
        out.append({"project": p.project, "technology": p.technology, "zone": p.zone, "zone_to": p.zone_to,
                    "capacity_mw": p.capacity_mw, "low": low, "best": best, "high": high})  # fmt: skip
    return sorted(out, key=lambda x: str(x["best"]))


def links_of(case: Case, names: Sequence[str], day: date) -> list[dict[str, object]]:
    """Ends and limits of links on a day; a link not in service then is left out."""
    out: list[dict[str, object]] = []
    for name in names:
        row = next((k for k in case.links if k.link == name and _holds(k.start, k.end, day)), None)
        if row is not None:
            out.append({"link": name, "from": row.zone_from, "to": row.zone_to, "forward_mw": row.forward_mw,
                        "backward_mw": row.backward_mw})  # fmt: skip
            continue
        line = next((p for p in case.projects if p.project == name and p.zone_to), None)
        if line is not None:
            out.append({"link": name, "from": line.zone, "to": line.zone_to, "forward_mw": line.capacity_mw,
                        "backward_mw": line.capacity_mw})  # fmt: skip
    return out
