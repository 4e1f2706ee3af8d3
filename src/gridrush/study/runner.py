"""Every scenario of a case, on the processors there are, and the tables drawn from them."""

from __future__ import annotations

import multiprocessing
import os
import time as clock
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from gridrush.adequacy.assess import assess
from gridrush.case.load import resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.case.system import NO_STORAGE, Demand, Links, Storage, System, Units
from gridrush.errors import CaseError, EngineError, GridrushError, Problem
from gridrush.grid.dispatch import dispatch
from gridrush.study.checks import check_run
from gridrush.study.claims import COLUMNS as CLAIM_COLUMNS
from gridrush.study.claims import Evidence, judge_claims
from gridrush.study.engine.base import processes
from gridrush.study.engine.pool import PoolEngine
from gridrush.study.gallery import Gallery, from_bytes, to_bytes
from gridrush.study.interrupt import apart
from gridrush.study.miners import Miners
from gridrush.study.paths import Paths, draw_paths
from gridrush.study.plan_store import PLANS, stored_plan
from gridrush.study.relief import time_to_relief
from gridrush.study.results import ResultStore
from gridrush.study.run import Study
from gridrush.study.simulate import Progress, simulate, years_asked
from gridrush.study.store import RunStore, copy_to, default_store, load_run

SAMPLES = 2
"""Paths of weather, water and outages of a study, when not told otherwise."""

RISK_SAMPLES = 200
"""Monte Carlo years behind each risk figure, when not told otherwise."""


def risk_years_of(case: Case, years: Sequence[int]) -> tuple[int, ...]:
    """Years assessed by default: the crisis and what follows year by year, then every fifth."""
    crisis = case.as_of.year
    return tuple(y for y in years if crisis - 1 <= y <= crisis + 4 or (y > crisis and y % 5 == 0))


def run_all(
    case: Case,
    scenarios: Sequence[str | Scenario] | None = None,
    *,
    years: Sequence[int] | None = None,
    samples: int = SAMPLES,
    risk_samples: int = RISK_SAMPLES,
    seed: int = 1,
    out: Path | None = None,
    workers: int | None = None,
    store: RunStore | None = None,
    progress: Progress | None = None,
) -> Study:
    """Simulate scenarios of a case and draw up claims, remedies and checks.

    Parameters
    ----------
    case : Case
    scenarios : sequence of str or Scenario, optional
        Default: all of the case, its default first.
    years : sequence of int, optional
        Years reported; default all of the case.
    samples, risk_samples : int
        Paths of hours in each scenario; Monte Carlo years of each risk figure.
    seed : int
        The numbers are a function of case, scenarios, years, samples and seed, never of `workers`.
    out : Path, optional
        Folder that gets `runs/NAME.nc`.
    workers : int, optional
        Processes; default the processors there are. 1 runs in this process.
    store : RunStore, optional
        Where runs are kept and found again; default the user's own.
    progress : callable, optional
        Told the share done and what was finished last.

    Returns
    -------
    Study
    """
    began = clock.perf_counter()
    names = [case.default_scenario, *(n for n in case.scenarios if n != case.default_scenario)]
    chosen = [resolve_scenario(case, s) for s in (scenarios if scenarios is not None else names)]
    if not chosen:
        raise CaseError([Problem("scenarios", "none", "one or more")])
    wanted = years_asked(case, years, samples)
    job = _Job(case, tuple(wanted), risk_years_of(case, wanted), samples, risk_samples, seed,
               store if store is not None else default_store(), chosen[0].name)  # fmt: skip
    missing = [s for s in chosen if job.find(s) is None]
    if missing:
        job.prepare(missing)
        number = min(len(missing), workers if workers is not None else os.cpu_count() or 1)
        if number < 2:
            _in_turn(job, missing, progress)
        else:
            _in_pool(job, missing, number, progress)
    runs = []
    for scenario in chosen:
        path = job.find(scenario)
        if path is None:
            raise EngineError(f"the run of {scenario.name} vanished from {job.store.folder}")
        if out is not None:
            copy_to(path, out / "runs" / f"{scenario.name}.nc")
        runs.append(load_run(path, case))
    miners = job.miners
    by_name = {r.name: r for r in runs}
    relief = time_to_relief(by_name)
    main = by_name.get(case.default_scenario, runs[0])
    claims = pd.DataFrame(columns=list(CLAIM_COLUMNS))
    if miners.census is not None:
        claims = judge_claims(Evidence(case, by_name, miners.census, relief))
    return Study(
        case=case, runs=by_name, claims=claims, relief=relief, checks=check_run(main),
        folder=out, seconds=clock.perf_counter() - began, gallery=job.gallery(chosen[0]),
        plan=stored_plan(case, job.store.folder / PLANS),
    )  # fmt: skip


class _Job:
    """What every scenario of a study needs; the costly parts are made when first wanted and shared with workers."""

    def __init__(
        self, case: Case, years: tuple[int, ...], risk_years: tuple[int, ...], samples: int, risk_samples: int,
        seed: int, store: RunStore, main: str,
    ) -> None:  # fmt: skip
        self.case, self.years, self.risk_years, self.store, self.main = case, years, risk_years, store, main
        self.samples, self.risk_samples, self.seed = samples, risk_samples, seed
        self.results = ResultStore(store.folder)

    @cached_property
    def paths(self) -> Paths:
        """Weather, water and load."""
        years = range(self.case.first_year, max(self.years) + 1)
        return draw_paths(self.case, years, samples=self.samples, seed=self.seed)

    @cached_property
    def miners(self) -> Miners:
        """Census and rush."""
        return Miners.of(self.case, seed=self.seed)

    def prepare(self, scenarios: Sequence[Scenario]) -> None:
        """Make what the workers will share, before they copy it; kernels are compiled once, on two processors."""
        how = processes()
        beside = None
        if not multiprocessing.current_process().daemon:  # as a job of the page is: it may not start others
            beside = how.Process(target=_warm_beside, daemon=True)  # it does not outlive who interrupts
            with apart(spawned=how.get_start_method() != "fork"):
                beside.start()
        _ = self.paths
        if any(s.name == self.case.default_scenario for s in scenarios):
            _ = self.miners.forecast_mw
        first = self.case.first_year
        simulate(self.case, scenarios[0], years=[first], seed=self.seed, paths=self.paths, miners=self.miners)
        if beside is not None:
            beside.join()

    def find(self, scenario: Scenario) -> Path | None:
        """The stored run of a scenario; the main one is told with its gallery."""
        key = self._key(scenario)
        if scenario.name == self.main and self.results.find(key, suffix="json") is None:
            return None
        return self.store.find(key)

    def gallery(self, scenario: Scenario) -> dict[str, pd.DataFrame]:
        """The stored close-ups of the main run."""
        return from_bytes(self.results.read(self._key(scenario), suffix="json"))

    def run(self, scenario: Scenario, progress: Progress | None = None) -> None:
        """Simulate one scenario and store it, the main one with its gallery."""
        closer = Gallery(self.case, self.miners, self.years, self.seed) if scenario.name == self.main else None
        done = simulate(
            self.case, scenario, years=self.years, risk_years=self.risk_years, risk_samples=self.risk_samples,
            seed=self.seed, samples=self.samples, paths=self.paths, miners=self.miners, progress=progress,
            on_year=closer,
        )  # fmt: skip
        if closer is not None:
            self.results.put(self._key(scenario), to_bytes(closer.tables()), suffix="json")
        self.store.put(done, self._key(scenario))

    def attempt(self, scenario: Scenario) -> GridrushError | None:
        """Simulate and store one scenario in a process of its own: what we raise on purpose is handed back whole."""
        try:
            self.run(scenario)
        except GridrushError as failed:
            return failed
        return None

    def _key(self, scenario: Scenario) -> str:
        settings = {
            "years": self.years, "risk_years": self.risk_years, "samples": self.samples,
            "risk_samples": self.risk_samples, "seed": self.seed,
        }  # fmt: skip
        return self.store.key(self.case, scenario, settings)


def _warm_beside() -> None:
    warm_risk()
    warm_stores()


def warm_risk() -> None:
    """Compile the Monte Carlo's kernels, or read them from the cache."""
    assess(_two_zones(), samples=2)


def warm_stores() -> None:
    """Compile the kernels that schedule stores, or read them from the cache."""
    one = np.ones(1)
    dispatch(_two_zones(Storage(("s",), np.zeros(1, np.int64), one, one, 2 * one, 0.9 * one, 0.9 * one, 0.5 * one)))


def _two_zones(storage: Storage = NO_STORAGE) -> System:
    """Two days of the smallest system that takes every kernel's path."""
    T, none, inf = 48, np.zeros(1), np.full(1, np.inf)
    one, zero = np.ones(1), np.zeros(1, np.int64)
    units = Units(("u",), ("t",), ("f",), zero, 100.0 * one, one, zero, zero + 1, zero - 1, 100.0 * one, 10.0 * one,
                  none, none, one)  # fmt: skip
    demand = Demand(("d",), ("firm",), zero, np.full((T, 1), 90.0), 1e3 * one)
    links = Links(("k",), zero, zero + 1, one, one, none, zero, inf, one)
    hours = np.arange("2021-01-01T00", "2021-01-03T00", dtype="datetime64[h]")
    profiles = np.stack([np.ones(T), np.zeros(T)])
    return System(("a", "b"), hours, np.zeros(T, np.int64), profiles, units, demand, links, storage)


def _in_turn(job: _Job, scenarios: Sequence[Scenario], progress: Progress | None) -> None:
    for i, scenario in enumerate(scenarios):

        def tell(share: float, word: str, i: int = i) -> None:
            if progress is not None:
                progress((i + share) / len(scenarios), word)

        job.run(scenario, tell)


def _in_pool(job: _Job, scenarios: Sequence[Scenario], workers: int, progress: Progress | None) -> None:
    """Scenarios in processes that share the paths where the system can fork."""
    crew = PoolEngine(workers)
    for i, done in enumerate(crew.map(job.attempt, iter(scenarios), tick=lambda: None), 1):
        if done.value is not None:
            raise done.value
        if done.error:
            raise EngineError(f"{done.task.name}: {done.error}")
        if progress is not None:
            progress(i / len(scenarios), done.task.name)
