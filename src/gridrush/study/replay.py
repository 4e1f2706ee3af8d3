"""Dated trips of a case played again: the hours with and without what was lost, and the first minute of each trip."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from gridrush.adequacy.history import OutageHistory
from gridrush.case.estimate import Estimate
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.case.schema import DatedOutage, Event
from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.grid.dispatch import Dispatch, dispatch, merit_order
from gridrush.grid.lp import unit_limits_mw
from gridrush.grid.security import Swing, swing
from gridrush.study.networks import system_of
from gridrush.study.shocks import frequency_of

KINDS = ("firm", "interruptible", "export")
DRAWS = 100
"""Draws of the other units' forced outages."""
LEAST_MWH = 1e-6
"""Less than this is rounding."""


@dataclass(frozen=True, eq=False)
class Trip:
    """Units that go out in the same hour of an event."""

    time: np.datetime64
    units: tuple[str, ...]
    lost_mw: float  # what they gave in the hour, had they stayed
    swing: Swing | None


@dataclass(frozen=True, eq=False)
class Draws:
    """Load shed because of an event when the other units fail at random around it, as they do all year; D draws."""

    shed_mwh: dict[str, np.ndarray]  # of each class, (D,)
    most_shed_mw: dict[str, np.ndarray]  # in any one hour, (D,)

    def to_dict(self) -> dict[str, object]:
        """Means with their errors, how often firm load is shed, and the worst draw in twenty."""
        firm = self.shed_mwh["firm"]
        return {
            "draws": firm.size,
            "shed_mwh": {k: _mean(x, "MWh").to_dict() for k, x in self.shed_mwh.items()},
            "most_shed_mw": {k: _mean(x, "MW").to_dict() for k, x in self.most_shed_mw.items()},
            "most_shed_mw_in_1_of_20": {k: float(np.quantile(x, 0.95)) for k, x in self.most_shed_mw.items()},
            "firm_shed_share": _share(int((firm > LEAST_MWH).sum()), firm.size).to_dict(),
        }


@dataclass(frozen=True, eq=False)
class Replay:
    """The hours of a dated event as they were, beside the same hours had nothing tripped."""

    event: str
    case: str
    scenario: str
    trips: tuple[Trip, ...]
    calm: Dispatch
    tripped: Dispatch
    reported: tuple[Event, ...]  # what the case's table of events says of those days
    drawn: Draws | None = None

    def shed_mw(self, kind: str) -> np.ndarray:
        """Load of a class shed because of the event. [MW] (T,)"""
        return np.asarray((self.tripped.unserved_mw((kind,)) - self.calm.unserved_mw((kind,))).sum(axis=1))

    def to_dict(self) -> dict[str, object]:
        """The replay as names and numbers."""
        zones = self.calm.system.zones
        time = self.calm.system.time
        firm = self.tripped.unserved_mw() - self.calm.unserved_mw()
        rise = self.tripped.price_usd_per_mwh - self.calm.price_usd_per_mwh
        return {
            "event": self.event, "case": self.case, "scenario": self.scenario, "first_hour": str(time[0]),
            "hours": time.size,
            "trips": [
                {"time": str(t.time), "units": list(t.units), "lost_mw": t.lost_mw,
                 "nadir_hz": None if t.swing is None else t.swing.nadir_hz,
                 "relays_shed_mw": None if t.swing is None else t.swing.total_shed_mw}
                for t in self.trips
            ],
            "shed_mwh": {kind: float(self.shed_mw(kind).sum()) for kind in KINDS},
            "most_shed_mw": {kind: float(self.shed_mw(kind).max()) for kind in KINDS},
            "firm_by_zone_mwh": {z: float(firm[:, i].sum()) for i, z in enumerate(zones)},
            "price_rise_usd_per_mwh": {z: float(rise[:, i].mean()) for i, z in enumerate(zones)},
            "cost_usd": self.tripped.cost_usd - self.calm.cost_usd,
            "reported": [{"on": e.on, "event": e.event, "power_mw": e.power_mw, "source": e.source}
                         for e in self.reported],
            "other_units_failing": None if self.drawn is None else self.drawn.to_dict(),
        }  # fmt: skip


def replays(case: Case) -> dict[str, tuple[DatedOutage, ...]]:
    """Events of a case that can be played again: its dated outages by name of the event, first trip first."""
    rows = sorted(case.outages, key=lambda o: (o.event, o.start))
    found = {name: tuple(group) for name, group in groupby(rows, key=lambda o: o.event)}
    return {name: rows for name, rows in found.items() if rows[0].start.year in case.years}


def replay(
    case: Case, event: str, *, scenario: str | Scenario | None = None, seed: int = 1, draws: int = DRAWS
) -> Replay:
    """Play a dated event of a case again, from the day of the first trip until all is back.

    Once with every unit up that is not named in a dated outage, which is the least that was shed, and in draws in
    which those units fail and are repaired at the rates of the case. A unit of the event was up until its trip.

    Parameters
    ----------
    event : str
        Name of the event in the case's table of outages, or the day of its first trip, as in 2021-10-14.
    scenario : str or Scenario, optional
        Default: the case's.
    seed : int
        Of the year's weather and water, and of the draws.
    draws : int
        How many; 0 for none.

    Raises
    ------
    CaseError
        When the case has no such event.
    """
    if draws < 0:
        raise CaseError([Problem("draws", draws, "a whole number >= 0")])
    known = replays(case)
    names = [n for n, rows in known.items() if event in (n, rows[0].start.date().isoformat())]
    if not names:
        told = "; ".join(f"{rows[0].start.date()} ({n})" for n, rows in known.items()) or "none: no dated outages"
        raise CaseError([Problem("event", event, f"a dated event of the case: {told}")])
    rows = known[names[0]]
    first, last = (np.datetime64(x.replace(tzinfo=None), "h") for x in (rows[0].start, max(o.end for o in rows)))
    year = rows[0].start.year
    others = tuple(o for o in case.outages if o not in rows)
    calm_system = system_of(case.model_copy(update={"outages": others}), scenario, year=year, seed=seed)
    system = system_of(case, scenario, year=year, seed=seed)
    at = np.flatnonzero((system.time >= first.astype("datetime64[D]")) & (system.time < last))
    calm, tripped = (dispatch(_hours(s, at)) for s in (calm_system, system))
    trips = []
    for start, together in groupby(rows, key=lambda o: o.start):
        hour = int(np.searchsorted(calm.system.time, np.datetime64(start.replace(tzinfo=None), "h")))
        trips.append(_trip(calm, tripped, hour, list(together)))
    days = {str(t.time)[:10] for t in trips}
    return Replay(
        names[0], case.name, str(getattr(scenario, "name", scenario) or case.default_scenario), tuple(trips), calm,
        tripped, tuple(e for e in case.events if e.on in days),
        _draws(calm.system, tripped.system, {o.unit for o in case.outages}, draws, seed) if draws else None,
    )  # fmt: skip


def _draws(calm: System, tripped: System, dated: set[str], draws: int, seed: int) -> Draws:
    """The hours with and without the event, in each draw with the same outages of the units that are not `dated`."""
    T, u = calm.time.size, calm.units
    fails = [g for g, name in enumerate(u.name) if np.isfinite(u.mttf_h[g]) and name not in dated]
    names = [u.name[g] for g in fails]
    history = OutageHistory(names, samples=draws, seed=seed)
    share = history.advance(history.rows(names), T, mttf_h=u.mttf_h[fails], mttr_h=u.mttr_h[fails])
    drawn = share.reshape(len(fails), draws, T)
    merits = merit_order(calm), merit_order(tripped)
    same = [tripped.units.name.index(name) for name in u.name]
    more, most = {k: np.zeros(draws) for k in KINDS}, {k: np.zeros(draws) for k in KINDS}
    for d in range(draws):
        up = np.ones((T, len(u)))
        up[:, fails] = drawn[:, d].T
        there = np.ones((T, len(tripped.units)))
        there[:, same] = up
        without = dispatch(calm, up=up, merit=merits[0])
        found = dispatch(tripped, up=there, merit=merits[1])
        for k in KINDS:
            shed = (found.unserved_mw((k,)) - without.unserved_mw((k,))).sum(axis=1)
            more[k][d], most[k][d] = shed.sum(), shed.max()
    return Draws(more, most)


def _share(hits: int, of: int) -> Estimate:
    """Share of draws; its error as if one more hit and one more miss had been seen, so that none seen is not certain
    (Agresti and Coull 1998 do so with two)."""
    seen = (hits + 1.0) / (of + 2.0)
    return Estimate(hits / of, float(np.sqrt(seen * (1.0 - seen) / of)), "share")


def _mean(x: np.ndarray, unit: str) -> Estimate:
    return Estimate(float(x.mean()), float(x.std(ddof=1) / np.sqrt(x.size)) if x.size > 1 else np.inf, unit)


def _hours(system: System, at: np.ndarray) -> System:
    from gridrush.planning.aggregate import hours_of_system

    return hours_of_system(system, at, np.zeros(at.size, np.int64))


def _trip(calm: Dispatch, tripped: Dispatch, hour: int, rows: list[DatedOutage]) -> Trip:
    """The loss of the rows' units in an hour, from where the hours without the event stand."""
    s = calm.system
    units = [s.units.name.index(o.unit) for o in rows if o.unit in s.units.name]
    left = unit_limits_mw(tripped.system)[1][hour, [tripped.system.units.name.index(s.units.name[g]) for g in units]]
    lost = float(np.maximum(calm.generation_mw[hour, units] - left, 0.0).sum())
    moved = swing(lost, frequency_of(calm, hour, without=units)) if lost > 0 else None
    return Trip(s.time[hour], tuple(o.unit for o in rows), lost, moved)
