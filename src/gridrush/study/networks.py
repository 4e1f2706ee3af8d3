"""Cases and networks by name or file, years of cases as systems, and systems written for PyPSA."""

from __future__ import annotations

import time as clock
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gridrush.case import load as case_folder
from gridrush.case.load import resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.grid._pypsa_open import Zoning, is_network

if TYPE_CHECKING:
    import pypsa

    from gridrush.grid.dispatch import Engine

PRAS = ".pras"
MANY_LOOPS = 20
"""Loops of links from which HiGHS is quicker than the fast dispatch, which goes through them hour by hour."""
MANY_ZONES = 40
"""Zones from which it is so for lossy trees too deep to be written out; see `gridrush.grid.merit`."""


@dataclass(frozen=True, eq=False)
class Network(System):
    """A system read from a file: hours, units and links without the years, miners and sources of a case.

    It is a `System`, so whatever takes a system takes it.
    """

    name: str = ""
    dropped: tuple[str, ...] = ()  # what of the file the model does not know
    path: Path | None = None
    zoning: Zoning = None

    def to_pypsa(self, path: str | Path | None = None) -> Any:
        """A `pypsa.Network` that solves to the cost of `dispatch`, or the netCDF file it was written to."""
        return write_pypsa(self, path)


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


def load_case(where: str | Path | pypsa.Network, *, zones: Zoning = None, period: int | None = None) -> Case | Network:
    """The case or the network of that name, read and checked.

    Parameters
    ----------
    where : str, Path or pypsa.Network
        A built-in case, a case folder, a PyPSA network (netCDF, HDF5, CSV folder or in memory) or a PRAS system
        (`.pras`).
    zones : mapping, str or int, optional
        PyPSA: zone of each bus, the column of `buses` that names it, or a number of zones to gather buses into.
    period : int, optional
        PyPSA: investment period; all of them end to end when left out.

    Returns
    -------
    Case or Network
        A network has hours where a case has years, laws, miners and sources; `dropped` says what of it the model does
        not know. Both go into `gridrush.dispatch`, `assess`, `headroom` and `plan`, and both have `to_pypsa`.

    Raises
    ------
    CaseError
        With everything that is wrong in the file.

    Examples
    --------
    >>> load_case("kazakhstan").zone_names
    ('North', 'South', 'West')

    `gridrush.dispatch(load_case("network.nc", zones=5)).cost_usd`
    """
    if not isinstance(where, str | Path):
        from gridrush.grid.pypsa import from_pypsa

        system, dropped = from_pypsa(where, zones=zones, period=period)
        return named(system, None, dropped, zones)
    path = Path(where)
    for_pypsa = [Problem(name, x, "a PyPSA network to go with it") for name, x in (("zones", zones), ("period", period))
                 if x is not None]  # fmt: skip
    if not is_file_of_a_system(where):
        if for_pypsa:
            raise CaseError(for_pypsa)
        return case_folder.load_case(where)
    if path.suffix.lower() != PRAS:
        from gridrush.grid.pypsa import from_pypsa

        system, dropped = from_pypsa(path, zones=zones, period=period)
        return named(system, path, dropped, zones)
    if for_pypsa:
        raise CaseError(for_pypsa)
    from gridrush.adequacy.pras import read_pras
    from gridrush.grid.pypsa import VALUE_OF_LOST_LOAD_USD_PER_MWH as VALUE

    system = read_pras(path)
    worth = system.demand.value_usd_per_mwh
    demand = replace(system.demand, value_usd_per_mwh=np.where(np.isinf(worth), VALUE, worth))
    dropped = [f"load without a value: {VALUE:,.0f} USD/MWh; units without a cost: none"]
    return named(replace(system, demand=demand), path, dropped, None)


def named(system: System, path: Path | None, dropped: list[str], zones: Zoning) -> Network:
    """A system with the file it was read from, if there is one."""
    parts = {f.name: getattr(system, f.name) for f in fields(System)}
    return Network(**parts, name="" if path is None else path.name, dropped=tuple(dropped), path=path, zoning=zones)


def given(
    where: Case | System | str | Path, *, year: int | None = None, scenario: str | Scenario | None = None,
    zones: str | int | None = None, seed: int = 1,
) -> Given:  # fmt: skip
    """The system meant by a case and year, or by a network in a file.

    Parameters
    ----------
    where : Case, System, str or Path
        A case or network, or what `load_case` reads.
    year : int, optional
        Year of the case (default: the last with a record of demand), or investment period of the network.
    scenario : str, optional
        Scenario of the case (default: its own) or a YAML file.
    zones : str or int, optional
        See `load_case`.
    seed : int
        Of the year's weather and water.
    """
    began = clock.perf_counter()
    found = where
    if isinstance(where, str | Path):
        network = is_file_of_a_system(where)
        found = load_case(where, zones=zones, period=year if network else None)
    elif zones is not None:
        raise CaseError([Problem("zones", zones, "a file of a network to go with it")])
    if isinstance(found, System):
        wrong = [("scenario", scenario), *((("year", year),) if found is where else ())]
        if problems := [Problem(n, x, "a case to go with it: a network has neither scenarios nor years")
                        for n, x in wrong if x is not None]:  # fmt: skip
            raise CaseError(problems)
        name, dropped = (found.name, found.dropped) if isinstance(found, Network) else ("", ())
        return Given(name, found, None, None, year, dropped, clock.perf_counter() - began)
    assert isinstance(found, Case)
    chosen = resolve_scenario(found, scenario or found.default_scenario)
    at = record_year(found) if year is None else year
    system = system_of(found, chosen, year=at, seed=seed)
    return Given(found.name, system, found, chosen.name, at, (), clock.perf_counter() - began)


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
    from gridrush.grid.commitment import HOURS_PER_WEEK
    from gridrush.planning.aggregate import hours_of_system

    weeks = -(-system.time.size // HOURS_PER_WEEK)
    if not 1 <= week <= weeks:
        raise CaseError([Problem("week", week, f"a week of these hours, 1 to {weeks}")])
    hours = np.arange((week - 1) * HOURS_PER_WEEK, min(week * HOURS_PER_WEEK, system.time.size))
    return hours_of_system(system, hours, np.zeros(hours.size, np.int64))


def quicker_engine(system: System) -> Engine:
    """`fast`, or `lp` where links form so many loops, or lossy trees so deep, that HiGHS is quicker."""
    from gridrush.grid.dispatch import merit_order

    loops = len(system.links) - len(system.zones) + 1
    deep = len(system.zones) > MANY_ZONES and not merit_order(system).tree
    return "lp" if loops > MANY_LOOPS or deep else "fast"


def to_pypsa(
    case: Case, path: str | Path | None = None, *, scenario: str | Scenario | None = None, year: int | None = None,
    seed: int = 1,
) -> Any:  # fmt: skip
    """A year of a case as a PyPSA network that solves to the cost of `dispatch`.

    Parameters
    ----------
    path : str or Path, optional
        File to write, ending in `.nc`.
    scenario : str or Scenario, optional
        Default: the case's.
    year : int, optional
        Default: the last with a record of demand.

    Returns
    -------
    pypsa.Network, or the path written
    """
    system = system_of(case, scenario, year=record_year(case) if year is None else year, seed=seed)
    return write_pypsa(system, path)


def write_pypsa(system: System, path: str | Path | None = None) -> Any:
    """A system as a `pypsa.Network`, or the netCDF file it was written to."""
    target = None if path is None else Path(path)
    if target is not None and target.suffix != ".nc":
        raise CaseError([Problem(str(target), f"a name ending in {target.suffix!r}", "a netCDF file, NAME.nc")])
    from gridrush.grid.pypsa import to_pypsa as network_of

    network = network_of(system)
    if target is None:
        return network
    network.export_to_netcdf(target)
    return target
