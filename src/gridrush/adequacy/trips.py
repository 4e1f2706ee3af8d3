"""Risk by size of the largest trip: what the sudden loss of a unit, or of so many MW, would cut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridrush.adequacy.credit import Search, add_load
from gridrush.adequacy.hazards import NO_HAZARDS, Hazards
from gridrush.case.estimate import Estimate
from gridrush.case.system import System
from gridrush.errors import CaseError, Problem


@dataclass(frozen=True, slots=True)
class TripRisk:
    """What a trip of one size does, at a random hour with everything else as outages leave it.

    Attributes
    ----------
    size_mw : float
        Capacity lost at once. [MW]
    zone : str
    units : int
        Units of this size in the zone; 0 for a size that was asked for.
    trips_per_year : float
        Of all of them together; NaN for a size that was asked for. [1/yr]
    chance : Estimate
        That firm load is cut when it trips, storage and contracts called as the risk model has it. [1]
    cut_mw : Estimate
        Firm load cut when it trips, the mean over hours. [MW]
    """

    size_mw: float
    zone: str
    units: int
    trips_per_year: float
    chance: Estimate
    cut_mw: Estimate


def trip_risk(
    system: System,
    sizes_mw: Sequence[float] = (),
    *,
    zone: str | None = None,
    most: int = 8,
    method: str = "mc",
    samples: int = 5_000,
    seed: int = 1,
    hazards: Hazards = NO_HAZARDS,
    threads: int = 1,
) -> list[TripRisk]:
    """Risk by size of the largest trip, the largest first.

    A unit trips while it runs, and its outages are independent of the others': the hours it finds are those of the
    system without it. So the chance that its trip cuts firm load is LOLE / T, and the mean cut is EUE / T, of the
    system less that unit. A size that no unit has (a reactor to come, a link) is taken as so much firm load more.

    Parameters
    ----------
    system : System
    sizes_mw : sequence of float
        Sizes wanted besides those of units. [MW]
    zone : str, optional
        Where those are lost; the first zone when absent.
    most : int
        Sizes of units looked at, counted from the largest.
    method, samples, seed, hazards, threads
        As in `elcc`; every size is assessed on the same outages.

    Returns
    -------
    list of TripRisk

    Examples
    --------
    `max(trip_risk(system), key=lambda t: t.trips_per_year * t.cut_mw.mean)` is the unit size that costs most.
    """
    where = zone or system.zones[0]
    problems = [Problem("sizes_mw", x, "a finite number > 0 [MW]") for x in sizes_mw if not 0 < x < math.inf]
    if where not in system.zones:
        problems.append(Problem("zone", where, f"one of {system.zones}"))
    if problems:
        raise CaseError(problems)
    run = Search(method, samples, seed, hazards, threads)
    u, T = system.units, system.time.size
    classes: dict[tuple[float, int], list[int]] = {}
    for g in range(len(u)):
        if math.isfinite(u.mttf_h[g]) and u.capacity_mw[g] > 0:
            classes.setdefault((float(u.capacity_mw[g]), int(u.zone[g])), []).append(g)
    out = []
    for (size, z), members in sorted(classes.items(), reverse=True)[:most]:
        less = u.capacity_mw.copy()
        less[members[0]] = 0.0
        rate = float(np.sum(T / (u.mttf_h[members] + u.mttr_h[members])))
        found = run(replace(system, units=replace(u, capacity_mw=less)), _without(hazards, u.name[members[0]]))
        out.append(_row(size, system.zones[z], len(members), rate, found["LOLE_h"], found["EUE_MWh"], T))
    for size in sizes_mw:
        found = run(add_load(system, float(size), zone=where))
        out.append(_row(float(size), where, 0, math.nan, found["LOLE_h"], found["EUE_MWh"], T))
    return sorted(out, key=lambda t: -t.size_mw)


def _without(hazards: Hazards, unit: str) -> Hazards:
    """The hazards of the other units; a common cause keeps its name, and so its draws."""
    modes = tuple(replace(c, units=tuple(x for x in c.units if x != unit)) for c in hazards.common_modes)
    return replace(hazards, common_modes=modes, deratings=tuple(d for d in hazards.deratings if d.unit != unit))


def _row(size: float, zone: str, units: int, rate: float, lole: Estimate, eue: Estimate, T: int) -> TripRisk:
    chance = Estimate(lole.mean / T, lole.stderr / T, "1")
    return TripRisk(size, zone, units, rate, chance, Estimate(eue.mean / T, eue.stderr / T, "MW"))
