"""Hours that come in equal runs, planned as one step each: a network of three-hourly snapshots is a third as large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gridrush.case.system import System
from gridrush.planning.options import Candidate, Future, Stage
from gridrush.planning.plan import Plan

STEPS_H = (24, 12, 8, 6, 4, 3, 2)
"""Lengths of a step that are looked for, longest first."""


def step_h(stages: Sequence[Stage]) -> int:
    """Longest step within which nothing changes in any future, 1 when there is none. [h]"""
    futures = [f for s in stages for f in s.futures]
    return next((w for w in STEPS_H if all(_same_within(f, w) for f in futures)), 1)


def _same_within(future: Future, width: int) -> bool:
    s = future.system
    T = s.time.size
    if T % width:
        return False
    series = [s.profiles, s.demand.load_mw.T, s.period[None], future.weight[None]]
    series += [] if future.available is None else [future.available]
    runs = (np.asarray(x).reshape(len(x), T // width, width) for x in series)
    return all(bool((x == x[:, :, :1]).all()) for x in runs)


def in_steps(
    stages: Sequence[Stage], candidates: Sequence[Candidate], width: int
) -> tuple[list[Stage], list[Candidate]]:
    """The same problem with one hour in place of each step.

    A step of w hours moves w times the energy: it weighs w hours, and stores and reservoirs are measured in steps, so
    they hold 1/w of their energy. The least cost stays what it was, for operation within a run of equal hours can be
    taken as its mean, and operation is convex.
    """
    thin = [replace(s, futures=[_thin(f, width) for f in s.futures]) for s in stages]
    return thin, [replace(c, storage_hours=c.storage_hours / width) for c in candidates]


def _thin(future: Future, width: int) -> Future:
    at = slice(None, None, width)
    available = None if future.available is None else np.ascontiguousarray(future.available[:, at])
    return replace(
        future, system=_thin_system(future.system, width), available=available, hours_weight=width * future.weight[at]
    )


def _thin_system(s: System, width: int) -> System:
    at = slice(None, None, width)
    return replace(
        s, time=s.time[at], period=s.period[at], profiles=np.ascontiguousarray(s.profiles[:, at]),
        demand=replace(s.demand, load_mw=np.ascontiguousarray(s.demand.load_mw[at])),
        storage=replace(s.storage, energy_mwh=s.storage.energy_mwh / width),
        reservoirs=replace(s.reservoirs, energy_mwh=s.reservoirs.energy_mwh / width),
    )  # fmt: skip


def by_hour(plan: Plan, stages: Sequence[Stage], candidates: Sequence[Candidate], width: int) -> Plan:
    """A plan made in steps, told hour by hour."""

    def repeated(values: list[list[np.ndarray]]) -> list[list[np.ndarray]]:
        return [[np.repeat(x, width, axis=1) for x in mine] for mine in values]

    return replace(
        plan, stages=stages, candidates=candidates, price_usd_per_mwh=repeated(plan.price_usd_per_mwh),
        generation_mw=repeated(plan.generation_mw), unserved_mw=repeated(plan.unserved_mw),
    )  # fmt: skip
