"""The questions a user asks of a case and of a network alike: what it costs to run, how often it falls short, what
room it has. Everything is fetched when asked for, so that asking one thing does not import the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gridrush.case.system import System

if TYPE_CHECKING:
    from gridrush.adequacy.credit import Headroom
    from gridrush.adequacy.metrics import Assessment
    from gridrush.case.model import Case
    from gridrush.case.scenario import Scenario
    from gridrush.grid.dispatch import Dispatch, Engine, Merit
    from gridrush.grid.lp import Shares


def dispatch(
    where: Case | System | str | Path, scenario: str | Scenario | None = None, *, year: int | None = None,
    seed: int = 1, up: Shares | None = None, links_up: Shares | None = None, engine: Engine = "fast",
    merit: Merit | None = None,
) -> Dispatch:  # fmt: skip
    """Cheapest operation of a network or any system, or of one year of a case, over its hours.

    Parameters
    ----------
    where : Case, System, str or Path
        What `load_case` gives or reads, or any system.
    scenario : str or Scenario, optional
        Of the case; default: its own.
    year : int, optional
        Of the case, default: the last with a record of demand. Of a network in a file: its investment period.
    seed : int
        Of the year's weather and water.
    up, links_up, engine, merit
        See `gridrush.grid.dispatch.dispatch`.

    Examples
    --------
    `gridrush.dispatch(gridrush.load_case("network.nc")).cost_usd`
    """
    from gridrush.grid.dispatch import dispatch as operate

    return operate(_system(where, scenario, year, seed), up=up, links_up=links_up, engine=engine, merit=merit)


def assess(
    where: Case | System | str | Path, scenario: str | Scenario | None = None, *, year: int | None = None,
    samples: int = 1_000, seed: int = 1, weather_paths: int = 2,
) -> Assessment:  # fmt: skip
    """Risk of one year of a case, or of a network over its hours: every metric with its error.

    Parameters
    ----------
    where, scenario, year
        As in `dispatch`.
    samples : int
        Monte Carlo years of unit outages.
    weather_paths : int
        Of a case: weather years, drawn at equal odds.

    Examples
    --------
    `gridrush.assess(gridrush.load_case("kazakhstan"), "as-it-was", year=2021).metrics["LOLE_h"]`
    """
    from gridrush.case.model import Case
    from gridrush.study.networks import is_file_of_a_system, load_case, record_year

    found = where
    if isinstance(where, str | Path) and (year is None or not is_file_of_a_system(where)):
        found = load_case(where)
    if isinstance(found, Case):
        from gridrush.study.simulate import assess as of_case

        return of_case(found, scenario, year=record_year(found) if year is None else year, samples=samples, seed=seed,
                       weather_paths=weather_paths)  # fmt: skip
    from gridrush.adequacy.assess import assess as of_system

    return of_system(_system(found, scenario, year, seed), samples=samples, seed=seed)


def headroom(
    where: Case | System | str | Path, scenario: str | Scenario | None = None, *, target_lole_h: float,
    year: int | None = None, zones: Sequence[str] | None = None, curtailable_shares: Sequence[float] = (0.0,),
    basis: str = "hours", method: str = "mc", samples: int = 5_000, seed: int = 1, threads: int = 1,
) -> list[Headroom]:  # fmt: skip
    """New flat load that each zone takes at a risk target, against how often it may be cut.

    Parameters
    ----------
    where, scenario, year
        As in `dispatch`.

    The others are those of `gridrush.adequacy.credit.headroom`.
    """
    from gridrush.adequacy.credit import headroom as room

    return room(
        _system(where, scenario, year, seed), target_lole_h=target_lole_h, zones=zones,
        curtailable_shares=curtailable_shares, basis=basis, method=method, samples=samples, seed=seed, threads=threads,
    )  # fmt: skip


def _system(
    where: Case | System | str | Path, scenario: str | Scenario | None, year: int | None, seed: int
) -> System:
    if isinstance(where, System) and scenario is None and year is None:
        return where
    from gridrush.study.networks import given

    return given(where, year=year, scenario=scenario, seed=seed).system
