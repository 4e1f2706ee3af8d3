"""The fleet and the links of a scenario, with the months in which each serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from gridrush.case.model import Case
from gridrush.case.scenario import Build
from gridrush.case.schema import Project

NEVER = 12 * 10_000
"""Month number that no simulation reaches."""

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class Plant:
    """One unit of the fleet with the months (12 year + month - 1) in which it serves."""

    name: str
    technology: str
    zone: int
    capacity_mw: float
    first_month: int
    last_month: int  # exclusive
    captive: bool = False


@dataclass(frozen=True)
class Wire:
    """One transfer limit with the months in which it holds."""

    name: str
    source: int
    target: int
    forward_mw: float
    backward_mw: float
    loss_share: float
    first_month: int
    last_month: int


def months_in_force(start: date, end: date | None) -> tuple[int, int]:
    """First month in which something dated serves, and the one after its last."""
    return month_number(start), NEVER if end is None else month_number(end)


def _closing(case: Case, end: date | None, life_extra_years: float) -> int:
    """Month from which a unit is gone; closings that lie ahead of the case's date move with the life of plants."""
    if end is None:
        return NEVER
    return month_number(end) + (round(12 * life_extra_years) if end > case.as_of else 0)


def month_number(day: date) -> int:
    """Months since year 0 of the first whole month from a day on."""
    return 12 * day.year + day.month - 1 + (day.day > 15)


def online_date(project: Project, *, build: Build | None = None, slip_extra_years: float = 0.0) -> date:
    """Day a project serves: as overridden, or as announced plus the expected slip."""
    if build is not None and build.online is not None:
        return build.online
    return project.planned + timedelta(days=DAYS_PER_YEAR * (project.slip_years + slip_extra_years))


def build_fleet(
    case: Case, builds: Sequence[Build], *, slip_extra_years: float = 0.0, life_extra_years: float = 0.0
) -> tuple[tuple[Plant, ...], tuple[Wire, ...]]:
    """Units and links of a scenario: what stands, plus the projects it builds, less what they replace."""
    zone = {name: i for i, name in enumerate(case.zone_names)}
    plants = [
        Plant(u.unit, u.technology, zone[u.zone], u.capacity_mw, month_number(u.start),
              _closing(case, u.end, life_extra_years), u.captive)
        for u in case.units
    ]  # fmt: skip
    owner = {u.unit: u.plant for u in case.units}
    wires = [
        Wire(k.link, zone[k.zone_from], zone[k.zone_to], k.forward_mw, k.backward_mw, k.loss_share,
             month_number(k.start), NEVER if k.end is None else month_number(k.end))
        for k in case.links
    ]  # fmt: skip
    projects = {p.project: p for p in case.projects}
    for build in builds:
        p = projects[build.project]
        month = month_number(online_date(p, build=build, slip_extra_years=slip_extra_years))
        capacity_mw = build.capacity_mw if build.capacity_mw is not None else p.capacity_mw
        if p.technology == "line":
            ends = zone[p.zone], zone[p.zone_to]
            wires.append(Wire(p.project, *ends, capacity_mw, capacity_mw, 0.0, month, NEVER))
            continue
        number = max(1, round(capacity_mw / p.unit_mw))
        plants += [
            Plant(p.project if number == 1 else f"{p.project} {i + 1}", p.technology, zone[p.zone],
                  capacity_mw / number, month, NEVER)
            for i in range(number)
        ]  # fmt: skip
        if p.replaces:
            plants = [
                replace(x, last_month=min(x.last_month, month)) if owner.get(x.name) == p.replaces else x
                for x in plants
            ]
    return tuple(plants), tuple(wires)
