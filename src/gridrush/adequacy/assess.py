"""The sentence of the room: assess a system by a method and give results."""

from __future__ import annotations

from collections.abc import Sequence

from gridrush.adequacy.exact import exact_assessment
from gridrush.adequacy.hazards import NO_HAZARDS, Hazards
from gridrush.adequacy.metrics import Assessment
from gridrush.adequacy.plan import make_plan
from gridrush.adequacy.simulate import Progress, simulate
from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.units import Floats


def assess(
    system: System | Sequence[System],
    *,
    method: str = "mc",
    samples: int = 10_000,
    seed: int = 1,
    target_error: float | None = None,
    hazards: Hazards = NO_HAZARDS,
    weights: Floats | None = None,
    variance: str | None = None,
    threads: int = 1,
    utc_offset_h: int = 0,
    progress: Progress | None = None,
) -> Assessment:
    """Risk of a system over its hours: loss of load, unserved energy, how often, how long, how deep.

    Parameters
    ----------
    system : System or sequence of System
        One system, or weather years of the same grid, each sample drawing one.
    method : {"mc", "exact"}
        Sequential Monte Carlo, or convolution (up to three zones, no storage).
    samples : int
        Sample years; with `target_error` the most that may be drawn.
    seed : int
        The result is a function of the system and the seed, never of threads.
    target_error : float, optional
        Stop when LOLE and EUE of the system both have this relative standard error. [1]
    hazards : Hazards
        Stress, hourly failure rates, partial outages, common causes, contracts, load draws.
    weights : array_like, shape (N,), optional
        Odds of the weather years.
    variance : {"auto", "plain", "importance"}, optional
        Draw years as they come, or only years with a shortfall, weighted; "auto" lets a pilot decide. When absent,
        "auto" with a target error and "plain" without: a number of samples asked for is a number of plain years.
    threads : int
        Threads to run on. The numbers do not depend on it.
    utc_offset_h : int
        Local time less UTC: days, months and hours of day are local. [h]
    progress : callable (samples done, relative error), optional

    Returns
    -------
    Assessment

    Raises
    ------
    CaseError
        When the input does not fit, or the method does not apply to it.

    References
    ----------
    .. [1] R. Billinton and W. Li, Reliability Assessment of Electric Power Systems Using Monte Carlo Methods, 1994.
    .. [2] A. B. Owen, Y. Maximov, M. Chertkov, Importance sampling the union of rare events, 2019.
    """
    variance = variance or ("plain" if target_error is None else "auto")
    problems = []
    if method not in ("mc", "exact"):
        problems.append(Problem("method", method, "'mc' or 'exact'"))
    if variance not in ("auto", "plain", "importance"):
        problems.append(Problem("variance", variance, "'auto', 'plain' or 'importance'"))
    if samples < 2 and method == "mc":
        problems.append(Problem("samples", samples, "a whole number >= 2"))
    if target_error is not None and not 0 < target_error < 1:
        problems.append(Problem("target_error", target_error, "a relative error in (0, 1)"))
    if problems:
        raise CaseError(problems)
    systems = [system] if isinstance(system, System) else list(system)
    plan = make_plan(systems, weights=weights, hazards=hazards, utc_offset_h=utc_offset_h)
    if method == "exact":
        return exact_assessment(plan)
    return simulate(
        plan,
        samples=samples,
        seed=seed,
        target_error=target_error,
        threads=threads,
        variance=variance,
        progress=progress,
    )
