"""Least-cost expansion: `expand` and the loop that makes its plans reliable."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence

import numpy as np

from gridrush.case.estimate import Estimate
from gridrush.case.system import System
from gridrush.errors import InfeasibleError
from gridrush.planning.clash import clashes
from gridrush.planning.decomposition import Best, Progress
from gridrush.planning.limits import Margin
from gridrush.planning.options import Candidate, Stage, with_builds
from gridrush.planning.plan import Plan
from gridrush.planning.planner import NO_MARGIN, Engine, Planner, assemble
from gridrush.units import Floats

log = logging.getLogger(__name__)

SURE_STDERR = 2.0
"""Standard errors by which the simulated LOLE must lie below its target: another seed will then hold it too."""

MARGIN_STEP, MARGIN_STEP_MOST, MARGIN_ROUNDS = 0.01, 0.08, 15


def expand(
    stages: Sequence[Stage], candidates: Sequence[Candidate], *, gap: float = 1e-3, engine: Engine = "auto",
    lole: Callable[[System], Estimate] | None = None, lole_target_h: float | None = None,
    margin_share: float | Sequence[float] | None = None, threads: int = 2, seconds: float = math.inf,
    progress: Callable[[Progress], None] | None = None, planner: Planner | None = None,
) -> Plan:  # fmt: skip
    """Cheapest plan that keeps every limit, with a certified gap.

    Minimises the present value of annuities, fixed cost and expected cost of operation over all hours of all
    futures; builds are the same in every future of a stage.

    Parameters
    ----------
    stages : sequence of Stage, length Y
        Milestone years in order.
    candidates : sequence of Candidate, length C
    gap : float
        Share of the cost by which the plan may be dearer than the lower bound.
    engine : {"auto", "cuts", "whole"}
        `whole` hands everything to HiGHS at once; `cuts` takes years and hours apart. `auto` takes `whole` for small
        problems.
    lole : callable, optional
        Loss of load expectation [h/yr] of a system by simulation. With `lole_target_h`, the margin of firm capacity is
        raised until every stage holds the target by two standard errors.
    lole_target_h : float, optional
    margin_share : float or sequence of float, optional
        Firm capacity over peak that every set of zones must hold. None: only what the target of reliability asks.
    threads : int
    seconds : float
        Time after which the best plan so far is returned with the gap it has.
    progress : callable, optional
        Called with a `Progress` whenever bounds move.
    planner : Planner, optional
        Of the same stages and candidates: what is learnt here is kept there, for plans that follow.

    Returns
    -------
    Plan

    Raises
    ------
    InfeasibleError
        When no plan exists; says which limits clash and what would relax them.
    """
    if (lole is None) != (lole_target_h is None):
        raise ValueError("lole and lole_target_h come together")
    if planner is None:
        planner = Planner(stages, candidates, threads=threads)
    planner.follow(progress)
    started = planner.search.begin(candidates, seconds=seconds)
    chosen, margins = planner.engine(engine), planner.margins
    Y = len(stages)
    ask = [float(m) for m in np.broadcast_to(NO_MARGIN if margin_share is None else margin_share, (Y,))]
    best: Best | None = None
    statement: tuple[Estimate, ...] = ()
    history: list[list[tuple[float, float]]] = [[] for _ in stages]
    for _ in range(MARGIN_ROUNDS):
        best = planner.best(chosen, gap=gap, margin_share=ask, seconds=seconds)
        if best is None:
            raise _refused(stages, candidates, margins, ask, statement, lole_target_h)
        if lole is None or lole_target_h is None:
            break
        statement = tuple(_lole(s, candidates, best.standing_mw[y], lole) for y, s in enumerate(stages))
        short = [y for y, e in enumerate(statement) if e.mean + SURE_STDERR * e.stderr > lole_target_h]
        log.info("LOLE %s h at margins %s", [str(e) for e in statement], ask)
        if not short:
            break
        for y in short:
            now = max(ask[y], held_margin(margins[y], best.standing_mw[y]))
            history[y].append((now, statement[y].mean))
            ask[y] = now + _step(history[y], lole_target_h)
    else:
        raise _refused(stages, candidates, margins, ask, statement, lole_target_h)
    assert best is not None
    return assemble(stages, candidates, planner.ops, best, chosen, time.monotonic() - started, ask, statement)


def held_margin(margin: Margin, standing_mw: Floats) -> float:
    """Firm capacity over peak, less one, of the set of zones that has least."""
    with np.errstate(divide="ignore"):
        have = (margin.firm_mw + margin.coefficient @ standing_mw) / margin.peak_mw - 1.0
    return float(np.min(have[np.isfinite(have)], initial=math.inf))


def _step(history: list[tuple[float, float]], target_h: float) -> float:
    """How much more margin: log LOLE falls about linearly with it."""
    if len(history) > 1:
        (m0, a), (m1, b) = history[-2:]
        if a > b > 0 and m1 > m0:
            slope = (math.log(a) - math.log(b)) / (m1 - m0)
            want = (math.log(b) - math.log(max(target_h, 1e-9))) / slope
            return min(max(want, MARGIN_STEP / 2), MARGIN_STEP_MOST)
    return MARGIN_STEP if history[-1][1] < 3 * target_h else 3 * MARGIN_STEP


def _lole(
    stage: Stage, candidates: Sequence[Candidate], standing_mw: Floats, lole: Callable[[System], Estimate]
) -> Estimate:
    each = [(f.probability, lole(with_builds(f, candidates, standing_mw))) for f in stage.futures]
    mean = sum(p * e.mean for p, e in each)
    return Estimate(mean, math.sqrt(sum((p * e.stderr) ** 2 for p, e in each)), each[0][1].unit)


def _refused(
    stages: Sequence[Stage], candidates: Sequence[Candidate], margins: list[Margin], ask: list[float],
    statement: Sequence[Estimate], target_h: float | None,
) -> InfeasibleError:  # fmt: skip
    why = clashes(stages, candidates, margins=margins, margin_share=ask)
    if statement:
        reached = "; ".join(f"{s.year}: {e}" for s, e in zip(stages, statement, strict=True))
        why.insert(0, f"LOLE target of {target_h:g} h; the last plan that could be built reaches {reached}")
    return InfeasibleError("no plan keeps these limits", why)
