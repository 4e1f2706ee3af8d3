"""Sequential Monte Carlo: batches of sample years on the kernels, until the samples or the target error are reached."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from gridrush.adequacy._kernels_walk import (
    CALL_ENERGY,
    CALL_HOURS,
    CUT_ENERGY,
    CUT_HOURS,
    DAYS,
    DEPTH,
    ENERGY,
    EVENTS,
    HOURS,
    PEAK_DAYS,
)
from gridrush.adequacy.batch import run
from gridrush.adequacy.importance import make_tables
from gridrush.adequacy.metrics import Assessment, Event, Sums, mean_error, ratio_error, tail_mean
from gridrush.adequacy.outages import hash_words, name_word
from gridrush.adequacy.plan import Plan
from gridrush.case.estimate import Estimate

_log = logging.getLogger(__name__)
BATCH = 256
PILOT = 256
FINEST = 1e-6
"""Relative error below which an importance estimate claims nothing: its tables and its input are rounded."""
TAIL_SHARE = 0.05
Progress = Callable[[int, float], None]


def seed_word(seed: int, task: str = "adequacy") -> np.uint64:
    """Key of all streams of one seed and task."""
    return np.uint64(hash_words(np.array([(seed ^ name_word(task)) & (2**64 - 1)], np.uint64))[0])


def batches(
    plan: Any, tables: Any, key: np.uint64, first: int, samples: int, threads: int
) -> Iterator[tuple[Any, int]]:
    """Results of batches of BATCH samples, in order, whatever the number of threads."""
    jobs = [(a, min(BATCH, first + samples - a)) for a in range(first, first + samples, BATCH)]

    def work(job: tuple[int, int]) -> tuple[Any, int]:
        p = plan
        while True:
            out = run(p, tables, key, job[0], job[1])
            if not out[-1]:
                return out, job[1]
            p = p._replace(max_events=2 * int(out[-1]))

    if threads <= 1 or len(jobs) == 1:
        yield from map(work, jobs)
        return
    with ThreadPoolExecutor(threads) as pool:
        for k in range(0, len(jobs), 8 * threads):  # a window, so that memory does not grow with the samples
            yield from pool.map(work, jobs[k : k + 8 * threads])


def relative_error(sums: Sums, system: int) -> float:
    """The larger of the relative standard errors of system LOLE and EUE; infinite while no shortfall was seen."""
    worst = 0.0
    for m in (HOURS, ENERGY):
        mean, err = mean_error(float(sums.parts[0][system, m]), float(sums.parts[1][system, m]), sums.n)
        if mean == 0.0:
            return math.inf
        worst = max(worst, err / mean)
    return worst


def simulate(
    plan: Plan,
    *,
    samples: int,
    seed: int,
    target_error: float | None = None,
    threads: int = 1,
    variance: str = "auto",
    progress: Progress | None = None,
) -> Assessment:
    """Estimate the risk of a plan by sequential Monte Carlo; see `assess`."""
    Z = plan.shape[0]
    if not len(plan.parts):
        samples, variance = (samples if len(plan.systems) > 1 or plan.hazards.load_draws_mw is not None else 2), "plain"
    built = None if variance == "plain" else make_tables(plan)
    if variance == "importance" and built is None:
        _log.info("importance sampling does not apply to this system: drawn plainly")
    gain = 1.0
    pilot_n = min(PILOT, samples)
    if built is not None and built[1].cum[-1] <= 0.0:
        return summarise(plan, _nothing(plan), seed, "importance", 1.0)
    if built is not None and variance == "auto":
        tries = []
        for p, q, task in ((plan.kernel, None, "pilot plain"), (*built, "pilot importance")):
            s = Sums()
            for out, n in batches(p, q, seed_word(seed, task), 0, pilot_n, 1):
                s.add(out, n)
            tries.append(relative_error(s, Z))
        if tries[0] < 1.2 * tries[1]:
            built = None
        else:
            gain = (tries[0] / tries[1]) ** 2 if tries[1] > 0 else math.inf
    kernel, tables = (plan.kernel, None) if built is None else built
    name = "plain" if built is None else "importance"
    key = seed_word(seed, "adequacy")
    sums = Sums()
    step = (
        samples if target_error is None and progress is None else max(BATCH, min(samples, 4 * BATCH * max(1, threads)))
    )
    while sums.n < samples:
        n_next = min(step, samples - sums.n)
        for out, n in batches(kernel, tables, key, sums.n, n_next, threads):
            sums.add(out, n)
        error = relative_error(sums, Z)
        if progress is not None:
            progress(sums.n, error)
        if target_error is not None and error <= target_error:
            break
        if target_error is not None and math.isfinite(error):
            need = sums.n * ((error / target_error) ** 2 * 1.02 - 1.0)
            step = BATCH * max(1, math.ceil(min(need, 4.0 * sums.n) / BATCH))
        else:
            step = max(BATCH, sums.n)
    return summarise(plan, sums, seed, name, gain)


def _nothing(plan: Plan) -> Sums:
    out = run(plan.kernel._replace(max_events=1), None, np.uint64(0), 0, 0)
    sums = Sums()
    sums.add(out, 2)
    return sums


def summarise(plan: Plan, sums: Sums, seed: int | None, variance: str, gain: float) -> Assessment:
    """Estimates from sums."""
    Z = plan.shape[0]
    n = sums.n
    floor = FINEST if variance == "importance" else 0.0
    total, squares, cross, heat, hist = sums.parts
    load = sum(w * s.load_mw for w, s in zip(plan.weights, plan.systems, strict=True))
    firm = np.concatenate([np.asarray(load).sum(axis=0) - plan.weights @ plan.flexible_mw.sum(axis=2)])
    if plan.hazards.load_draws_mw is not None:
        firm = firm + plan.hazards.load_draws_mw.mean(axis=0) * plan.shape[1]

    def table(z: int) -> dict[str, Estimate]:
        def est(m: int, unit: str) -> Estimate:
            mean, error = mean_error(float(total[z, m]), float(squares[z, m]), n)
            return Estimate(mean, max(error, floor * mean), unit)

        def ratio(a: int, c: int, unit: str) -> Estimate:
            return Estimate(
                *ratio_error(total[z, a], total[z, EVENTS], squares[z, a], squares[z, EVENTS], cross[z, c], n), unit
            )

        energy = float(firm.sum() if z == Z else firm[z])
        eue = est(ENERGY, "MWh/yr")
        ppm = 1e6 / energy if energy > 0 else 0.0
        out = {
            "LOLE_h": est(HOURS, "h/yr"),
            "LOLE_days": est(PEAK_DAYS, "days/yr"),
            "LOLD_days": est(DAYS, "days/yr"),
            "EUE_MWh": eue,
            "NEUE": Estimate(eue.mean * ppm, eue.stderr * ppm, "ppm"),
            "LOLF_occ": est(EVENTS, "occ/yr"),
            "duration_h": ratio(HOURS, 0, "h"),
            "event_MWh": ratio(ENERGY, 1, "MWh"),
            "depth_MW": ratio(DEPTH, 2, "MW"),
        }
        if plan.hazards.responses:
            out |= {"called_h": est(CALL_HOURS, "h/yr"), "called_MWh": est(CALL_ENERGY, "MWh/yr")}
        if z == Z:
            if plan.kernel.interruptible:
                out |= {"interrupted_h": est(CUT_HOURS, "h/yr"), "interrupted_MWh": est(CUT_ENERGY, "MWh/yr")}
            out |= {
                "CVaR95_MWh": Estimate(*tail_mean(hist[0], n, TAIL_SHARE), "MWh/yr"),
                "CVaR95_event_MWh": Estimate(*tail_mean(hist[1], n, TAIL_SHARE), "MWh"),
            }
        return out

    def cells(k: int) -> tuple[Any, Any]:
        mean = heat[..., k] / n
        return mean, np.sqrt(np.maximum(0.0, heat[..., k + 1] / n - mean**2) / max(1, n - 1))

    lole, lole_err = cells(0)
    eue, eue_err = cells(2)
    assessment = Assessment(
        method="mc",
        samples=n,
        seed=seed,
        metrics=table(Z),
        zones={name: table(z) for z, name in enumerate(plan.zones)},
        lole_month_hour_h=lole,
        eue_month_hour_mwh=eue,
        lole_month_hour_stderr_h=lole_err,
        eue_month_hour_stderr_mwh=eue_err,
        worst=tuple(Event(int(s), int(h), int(k), float(e)) for e, s, h, k in sums.top),
        diagnostics={
            "variance": variance,
            "variance_gain": gain,
            "days_opened_share": sums.opened / max(1, n * plan.kernel.D),
        },
    )
    if len(plan.parts) == 0 and len(plan.systems) == 1 and plan.hazards.load_draws_mw is None:
        exact = {k: Estimate(e.mean, 0.0, e.unit) for k, e in assessment.metrics.items()}
        return replace(assessment, metrics=exact)
    return assessment
