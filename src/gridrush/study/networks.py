"""Systems by name or file: a year of a case, a PyPSA network, a PRAS file; and systems written for PyPSA."""

from __future__ import annotations

import time as clock
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gridrush.case.load import load_case, resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.grid._pypsa_open import is_network
from gridrush.grid.commitment import HOURS_PER_WEEK
from gridrush.grid.dispatch import Engine

PRAS = ".pras"
MANY_LOOPS = 20
"""Loops of links from which HiGHS is quicker than the fast dispatch, which goes through them hour by hour."""


@dataclass(frozen=True, eq=False)
class Given:
    """A system as somebody gave it: by case and year, or as a network in a file."""

    name: str
    system: System
    case: Case | None = None
    scenario: str | None = None
    year: int | None = None
    dropped: tuple[str, ...] = ()  # what the model does not know of a network
    seconds: float = 0.0  # to read and build

    def to_dict(self) -> dict[str, object]:
        """What it is, for the head of a result in JSON."""
        if self.case is None:
            period = {} if self.year is None else {"year": self.year}
            return {"network": self.name, **period, "dropped": list(self.dropped)}
        return {"case": self.name, "scenario": self.scenario, "year": self.year}


def is_file_of_a_system(where: str | Path) -> bool:
    """Whether a path is a network in itself (PyPSA, PRAS), rather than a case."""
    path = Path(where)
    return path.suffix.lower() == PRAS or (is_network(path) and not (path / "case.yaml").exists())


def load_network(
    path: str | Path, *, zones: dict[str, str] | str | int | None = None, period: int | None = None
) -> tuple[System, list[str]]:
    """System in a file, and a line for everything in it that the model does not know.

    A network has hours where a case has years, laws, miners and sources, so it is a `System` and no `Case`: dispatch,
    contingencies, adequacy and planning take it as it is.

    Parameters
    ----------
    path : str or Path
        PyPSA network (netCDF, HDF5 or CSV folder) or PRAS system (`.pras`).
    zones : dict, str or int, optional
        PyPSA: zone of each bus, the column of `buses` that names it, or a number of zones to gather buses into.
    period : int, optional
        PyPSA: investment period; all of them end to end when left out.

    Raises
    ------
    CaseError
        With everything that is wrong in the file.

    Examples
    --------
    `system, dropped = load_network("network.nc", zones=5)`, then `gridrush.dispatch(system).cost_usd`.
    """
    path = Path(path)
    if path.suffix.lower() != PRAS:
        from gridrush.grid.pypsa import from_pypsa

        return from_pypsa(path, zones=zones, period=period)
    wrong = [Problem(name, x, "a PyPSA network to go with it") for name, x in (("zones", zones), ("period", period))
             if x is not None]  # fmt: skip
    if wrong:
        raise CaseError(wrong)
    from gridrush.adequacy.pras import read_pras
    from gridrush.grid.pypsa import VALUE_OF_LOST_LOAD_USD_PER_MWH as VALUE

    system = read_pras(path)
    worth = system.demand.value_usd_per_mwh
    demand = replace(system.demand, value_usd_per_mwh=np.where(np.isinf(worth), VALUE, worth))
    return replace(system, demand=demand), [f"load without a value: {VALUE:,.0f} USD/MWh; units without a cost: none"]


def given(
    where: str | Path, *, year: int | None = None, scenario: str | None = None, zones: str | int | None = None,
    seed: int = 1,
) -> Given:  # fmt: skip
    """The system meant by a case and year, or by a network in a file.

    Parameters
    ----------
    where : str or Path
        Built-in case, case folder, PyPSA network or PRAS file.
    year : int, optional
        Year of the case (default: the last with a record of demand), or investment period of the network.
    scenario : str, optional
        Scenario of the case (default: its own) or a YAML file.
    zones : str or int, optional
        See `load_network`.
    seed : int
        Of the year's weather and water.
    """
    began = clock.perf_counter()
    if is_file_of_a_system(where):
        if scenario is not None:
            raise CaseError([Problem("--scenario", scenario, "a case to go with it: a network has no scenarios")])
        system, dropped = load_network(where, zones=zones, period=year)
        return Given(Path(where).name, system, None, None, year, tuple(dropped), clock.perf_counter() - began)
    case = load_case(where)
    if zones is not None:
        raise CaseError([Problem("--zones", zones, "a network to go with it: a case has zones of its own")])
    chosen = resolve_scenario(case, scenario or case.default_scenario)
    at = record_year(case) if year is None else year
    system = system_of(case, chosen, year=at, seed=seed)
    return Given(case.name, system, case, chosen.name, at, (), clock.perf_counter() - began)


def record_year(case: Case) -> int:
    """Last year of a case with a record of demand."""
    return min(max(d.year for d in case.demand), case.last_year)


def system_of(case: Case, scenario: str | Scenario | None = None, *, year: int, seed: int = 1) -> System:
    """The power system of one year of a case; see `year_systems`."""
    from gridrush.study.simulate import year_systems

    if year not in case.years:
        raise CaseError([Problem("year", year, f"a year of the case, {case.first_year} to {case.last_year}")])
    return year_systems(case, scenario, years=[year], seed=seed)[year]


def week_of(system: System, week: int) -> System:
    """Hours 168 (week - 1) to 168 week of a system; the water of a month is shared out evenly over its hours."""
    from gridrush.planning.aggregate import hours_of_system

    weeks = -(-system.time.size // HOURS_PER_WEEK)
    if not 1 <= week <= weeks:
        raise CaseError([Problem("week", week, f"a week of these hours, 1 to {weeks}")])
    hours = np.arange((week - 1) * HOURS_PER_WEEK, min(week * HOURS_PER_WEEK, system.time.size))
    return hours_of_system(system, hours, np.zeros(hours.size, np.int64))


def quicker_engine(system: System) -> Engine:
    """`fast`, or `lp` where links form so many loops that HiGHS is quicker."""
    return "lp" if len(system.links) - len(system.zones) + 1 > MANY_LOOPS else "fast"


def to_pypsa(
    case: Case, path: str | Path, *, scenario: str | Scenario | None = None, year: int | None = None, seed: int = 1
) -> Path:
    """Write a year of a case as a PyPSA network that solves to the cost of `dispatch`, as netCDF.

    Parameters
    ----------
    path : str or Path
        File to write, ending in `.nc`.
    scenario : str or Scenario, optional
        Default: the case's.
    year : int, optional
        Default: the last with a record of demand.
    """
    system = system_of(case, scenario, year=record_year(case) if year is None else year, seed=seed)
    return write_pypsa(system, path)


def write_pypsa(system: System, path: str | Path) -> Path:
    """Write a system as a PyPSA network, as netCDF."""
    target = Path(path)
    if target.suffix != ".nc":
        raise CaseError([Problem(str(target), f"a name ending in {target.suffix!r}", "a netCDF file, NAME.nc")])
    from gridrush.grid.pypsa import to_pypsa as network_of

    network_of(system).export_to_netcdf(target)
    return target
