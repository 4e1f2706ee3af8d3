"""Dated trips of a case played again: the hours with and without what was lost, and the first minute of each trip."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.case.schema import DatedOutage, Event
from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.grid.dispatch import Dispatch, dispatch
from gridrush.grid.lp import unit_limits_mw
from gridrush.grid.security import Swing, swing
from gridrush.study.networks import system_of
from gridrush.study.shocks import frequency_of

KINDS = ("firm", "interruptible", "export")


@dataclass(frozen=True, eq=False)
class Trip:
    """Units that go out in the same hour of an event."""

    time: np.datetime64
    units: tuple[str, ...]
    lost_mw: float  # what they gave in the hour, had they stayed
    swing: Swing | None


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
        }  # fmt: skip


def replays(case: Case) -> dict[str, tuple[DatedOutage, ...]]:
    """Events of a case that can be played again: its dated outages by name of the event, first trip first."""
    rows = sorted(case.outages, key=lambda o: (o.event, o.start))
    found = {name: tuple(group) for name, group in groupby(rows, key=lambda o: o.event)}
    return {name: rows for name, rows in found.items() if rows[0].start.year in case.years}


def replay(case: Case, event: str, *, scenario: str | Scenario | None = None, seed: int = 1) -> Replay:
    """Play a dated event of a case again, from the day of the first trip until all is back.

    Parameters
    ----------
    event : str
        Name of the event in the case's table of outages, or the day of its first trip, as in 2021-10-14.
    scenario : str or Scenario, optional
        Default: the case's.
    seed : int
        Of the year's weather and water; units not named in a dated outage are up.

    Raises
    ------
    CaseError
        When the case has no such event.
    """
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
    )  # fmt: skip


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
