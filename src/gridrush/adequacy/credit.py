"""What a resource or a new load is worth in risk: ELCC, EFC, equivalent load, and headroom.

All are root searches on the same outages (streams are named, so that adding a unit leaves the others' draws alone).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridrush.adequacy.assess import assess
from gridrush.adequacy.exact import exact_assessment
from gridrush.adequacy.hazards import NO_HAZARDS, Hazards, Response
from gridrush.adequacy.metrics import Assessment
from gridrush.adequacy.plan import make_plan
from gridrush.case.estimate import Estimate
from gridrush.case.system import Demand, System, Units
from gridrush.errors import CaseError, Problem
from gridrush.units import Floats

EXACT_TOLERANCE_MW, TOLERANCE_MW = 1e-5, 1e-2
METRIC = "LOLE_h"
FEW = 256
"""Samples of the search that finds where the answer of `headroom` lies."""
LOOKS = 12
"""Assessments that a root search takes, about: for progress."""
HeadroomProgress = Callable[[float, str], None]


def add_unit(
    system: System, name: str, *, zone: str, capacity_mw: float, mttf_h: float = math.inf, mttr_h: float = 0.0
) -> System:
    """The system with one more unit, always available but for its outages. [MW], [h]"""
    u = system.units

    def more(values: Floats, value: float) -> Floats:
        return np.append(values, np.asarray(value, values.dtype))

    units = Units(
        (*u.name, name),
        (*u.technology, "added"),
        (*u.fuel, ""),
        np.append(u.zone, _zone(system, zone)),
        more(u.capacity_mw, capacity_mw),
        more(u.cost_usd_per_mwh, 0.0),
        np.append(u.available, 0),
        np.append(u.must_run, 1),
        np.append(u.reservoir, -1),
        more(u.mttf_h, mttf_h),
        more(u.mttr_h, mttr_h),
        more(u.maintenance_h, 0.0),
        more(u.co2_t_per_mwh, 0.0),
        more(u.ramp_share_per_h, 1.0),
    )
    return replace(system, units=units)


def add_load(system: System, load_mw: float | Floats, *, zone: str, interruptible: bool = False) -> System:
    """The system with one more block of load, flat or hourly. A negative flat load is firm capacity. [MW]"""
    T = system.time.size
    mw = np.broadcast_to(np.asarray(load_mw, np.float64), (T,))
    if mw.min() < 0:
        return add_unit(system, f"firm {len(system.units)}", zone=zone, capacity_mw=float(-mw.min()))
    d = system.demand
    return replace(
        system,
        demand=Demand(
            (*d.name, f"added {len(d)}"),
            (*d.kind, "interruptible" if interruptible else "firm"),
            np.append(d.zone, _zone(system, zone)),
            np.column_stack([d.load_mw, mw]),
            np.append(d.value_usd_per_mwh, np.inf),
        ),
    )


def with_load_error(system: System, share: float, *, steps: int = 7) -> tuple[list[System], Floats]:
    """Load forecast uncertainty: copies of the system at normal quantile steps of its load, and their odds.

    Steps stand one standard deviation apart and weigh the normal probability around them (Billinton and Allan 1996).

    Examples
    --------
    Give both to `assess(systems, weights=weights)`.
    """
    from statistics import NormalDist

    at = np.arange(steps) - (steps - 1) / 2
    cdf = NormalDist().cdf
    w = np.array([cdf(a + 0.5) - cdf(a - 0.5) for a in at])
    d = system.demand
    return [
        replace(system, demand=replace(d, load_mw=d.load_mw * max(0.0, 1 + share * float(a)))) for a in at
    ], w / w.sum()


def _zone(system: System, zone: str) -> int:
    if zone not in system.zones:
        raise CaseError([Problem("zone", zone, f"one of {system.zones}")])
    return system.zones.index(zone)


@dataclass(frozen=True)
class Search:
    """How systems are assessed that are to be compared: the same method, seed and samples each time."""

    method: str
    samples: int
    seed: int
    hazards: Hazards
    threads: int

    def __call__(self, system: System, hazards: Hazards | None = None) -> Assessment:
        # what is compared must be drawn alike, so the way of drawing may not change from one load to the next
        hazards = hazards or self.hazards
        if self.method == "exact":
            return exact_assessment(make_plan([system], hazards=hazards), frequency=False)
        return assess(
            system, samples=self.samples, seed=self.seed, hazards=hazards, threads=self.threads, variance="importance"
        )

    @property
    def tolerance_mw(self) -> float:
        """Width at which a root search stops: far below the error of sampling. [MW]"""
        return EXACT_TOLERANCE_MW if self.method == "exact" else TOLERANCE_MW


def _room(risk: Callable[[float], Estimate], target: Estimate, most_mw: float, tolerance_mw: float) -> Estimate:
    """Load at which the risk meets the target, between most_mw taken off and put on; minus infinity below that."""
    low_mw, at = 0.0, risk(0.0)
    if at.mean > target.mean:
        low_mw, at = -most_mw, risk(-most_mw)
        if at.mean > target.mean:
            return Estimate(-math.inf, 0.0, "MW")
    return _root(risk, target, most_mw, low_mw=low_mw, at=at, tolerance_mw=tolerance_mw)


def _root(
    risk: Callable[[float], Estimate], target: Estimate, high_mw: float, *, low_mw: float, at: Estimate,
    tolerance_mw: float,
) -> Estimate:  # fmt: skip
    """MW at which a risk that rises with MW meets the target; error from the slope there. at: the risk at low_mw."""
    a = low_mw
    if at.mean > target.mean:
        return Estimate(a, 0.0, "MW")
    # outwards in doubling steps: a look at far too much load costs more than several near the answer
    step = (high_mw - low_mw) / 16.0
    while True:
        b = min(a + step, high_mw)
        last = risk(b)
        if last.mean > target.mean:
            break
        if b >= high_mw:
            return Estimate(b, 0.0, "MW")
        a, at, step = b, last, 2.0 * step
    fa, fb = at.mean - target.mean, last.mean - target.mean
    for k in range(1, 90):
        if b - a <= tolerance_mw:
            break
        # risk grows about exponentially with load: a secant in its logarithm, kept off the ends, then halving
        x = 0.5 * (a + b)
        if k % 3 and fa + target.mean > 0 and target.mean > 0:
            up, down = math.log((fb + target.mean) / target.mean), math.log((fa + target.mean) / target.mean)
            if up > down:
                x = a - down * (b - a) / (up - down)
        edge = min(0.02 * (b - a), 4 * tolerance_mw) if k % 3 else 0.0
        x = min(max(x, a + edge), b - edge)
        last = risk(x)
        f = last.mean - target.mean
        if f > 0:
            b, fb = x, f
        else:
            a, fa = x, f
    x = 0.5 * (a + b)
    step = max(1.0, 0.01 * high_mw)
    lo, hi = max(low_mw, x - step), min(high_mw, x + step)
    slope = (risk(hi).mean - risk(lo).mean) / (hi - lo)
    error = math.hypot(last.stderr, target.stderr) / slope if slope > 0 else 0.0
    return Estimate(x, error, "MW")


def equivalent_load(
    system: System,
    target: float | Estimate,
    *,
    zone: str | None = None,
    metric: str = METRIC,
    high_mw: float | None = None,
    method: str = "mc",
    samples: int = 10_000,
    seed: int = 1,
    hazards: Hazards = NO_HAZARDS,
    threads: int = 1,
) -> Estimate:
    """Flat firm load that brings the risk to `target`; negative when the risk is above it already. [MW]

    Minus infinity when it stays above even with `high_mw` taken off, as where other zones are short.

    Parameters
    ----------
    system : System
    target : float or Estimate
        In the unit of `metric`.
    zone : str, optional
        Where the load stands; the first zone when absent.
    metric : str
        `LOLE_h` or `EUE_MWh`.
    high_mw : float, optional
        Largest load looked at; half of the peak when absent. [MW]
    """
    z = zone or system.zones[0]
    run = Search(method, samples, seed, hazards, threads)
    top = high_mw if high_mw is not None else 0.5 * float(system.load_mw.sum(axis=1).max()) + 1.0
    goal = target if isinstance(target, Estimate) else Estimate(float(target), 0.0, "")

    def risk(mw: float) -> Estimate:
        return run(add_load(system, mw, zone=z))[metric]

    return _room(risk, goal, top, run.tolerance_mw)


def elcc(
    base: System,
    added: System,
    *,
    zone: str | None = None,
    metric: str = METRIC,
    high_mw: float | None = None,
    method: str = "mc",
    samples: int = 10_000,
    seed: int = 1,
    hazards: Hazards = NO_HAZARDS,
    threads: int = 1,
) -> Estimate:
    """Effective load carrying capability: flat load that `added` can serve more than `base` at the same risk. [MW]

    Parameters
    ----------
    base, added : System
        Without and with the resource; the difference may be anything (a unit, storage, a link).
    zone : str, optional
        Where the load is added; the first zone when absent.
    metric : str
        Risk held equal, `LOLE_h` or `EUE_MWh`.

    References
    ----------
    .. [1] L. L. Garver, Effective load carrying capability of generating units, IEEE Trans. PAS-85, 1966.
    """
    goal = Search(method, samples, seed, hazards, threads)(base)[metric]
    return equivalent_load(
        added,
        Estimate(goal.mean, goal.stderr, goal.unit),
        zone=zone,
        metric=metric,
        high_mw=high_mw,
        method=method,
        samples=samples,
        seed=seed,
        hazards=hazards,
        threads=threads,
    )


def efc(
    base: System,
    added: System,
    *,
    zone: str | None = None,
    metric: str = METRIC,
    high_mw: float | None = None,
    method: str = "mc",
    samples: int = 10_000,
    seed: int = 1,
    hazards: Hazards = NO_HAZARDS,
    threads: int = 1,
) -> Estimate:
    """Equivalent firm capacity: MW that never fail which do as much for `base` as the resource in `added`. [MW]"""
    run = Search(method, samples, seed, hazards, threads)
    goal = run(added)[metric]
    z = zone or base.zones[0]
    top = high_mw if high_mw is not None else 0.5 * float(base.load_mw.sum(axis=1).max()) + 1.0

    def risk(mw: float) -> Estimate:
        return run(add_unit(base, "equivalent firm capacity", zone=z, capacity_mw=top - mw))[metric]

    x = _root(risk, goal, top, low_mw=0.0, at=risk(0.0), tolerance_mw=run.tolerance_mw)
    return Estimate(top - x.mean, x.stderr, "MW")


@dataclass(frozen=True, slots=True)
class Headroom:
    """One point of a headroom curve: new flat load in a zone that may be cut for so much of the year."""

    zone: str
    curtailable_share: float
    basis: str  # "hours" or "energy"
    load_mw: Estimate


def headroom(
    system: System,
    *,
    target_lole_h: float,
    zones: Sequence[str] | None = None,
    curtailable_shares: Sequence[float] = (0.0,),
    basis: str = "hours",
    high_mw: float | None = None,
    method: str = "mc",
    samples: int = 5_000,
    seed: int = 1,
    target_error: float | None = None,
    hazards: Hazards = NO_HAZARDS,
    threads: int = 1,
    progress: HeadroomProgress | None = None,
) -> list[Headroom]:
    """New flat load per zone at a risk target, against the share of hours or energy it lets itself be cut.

    The load counts as firm; a contract of its size is called when the system would fall short, after storage, until its
    hours (share of the span) or energy (share of its own) are used up.

    Parameters
    ----------
    target_lole_h : float
        Risk of the whole system with the load in place. [h]
    curtailable_shares : sequence of float
        Points of the curve, each in [0, 1]. [1]
    basis : {"hours", "energy"}
    samples : int
        Sample years of each look; with `target_error` the most.
    target_error : float, optional
        Take as many samples as give LOLE and EUE at the answer this relative standard error: a search with few samples
        finds about where it is, and the last one takes what that place needs. [1]
    progress : callable (share done, words), optional

    Returns
    -------
    list of Headroom
        For each zone and share, in order. The stated error is that of sampling. Minus infinity where the risk stays
        above the target whatever load is taken off this zone: others are short. [MW]
    """
    problems = [Problem("curtailable_shares", s, "a share in [0, 1]") for s in curtailable_shares if not 0 <= s <= 1]
    problems += [Problem("zones", z, f"one of {system.zones}") for z in zones or () if z not in system.zones]
    if basis not in ("hours", "energy"):
        problems.append(Problem("basis", basis, "'hours' or 'energy'"))
    if method not in ("mc", "exact"):
        problems.append(Problem("method", method, "'mc' or 'exact'"))
    if not target_lole_h > 0:
        problems.append(Problem("target_lole_h", target_lole_h, "a number > 0 [h]"))
    if target_error is not None and not 0 < target_error < 1:
        problems.append(Problem("target_error", target_error, "a relative error in (0, 1)"))
    if problems:
        raise CaseError(problems)
    T = system.time.size
    most = high_mw if high_mw is not None else float(system.load_mw.sum(axis=1).max()) + 1.0
    goal = Estimate(target_lole_h, 0.0, "h/yr")
    points = [(zone, share) for zone in zones or system.zones for share in curtailable_shares]
    out = []
    for k, (zone, share) in enumerate(points):
        looks = 0

        def with_load(mw: float, zone: str = zone, share: float = share) -> tuple[System, Hazards]:
            if mw <= 0 or share == 0:
                return add_load(system, mw, zone=zone), hazards
            limits = {"hours": (share * T, math.inf), "energy": (math.inf, share * T * mw)}[basis]
            contract = Response("new load", zone, mw, hours=limits[0], energy_mwh=limits[1])
            return add_load(system, mw, zone=zone), replace(hazards, responses=(*hazards.responses, contract))

        def search(n: int, zone: str = zone, share: float = share, k: int = k) -> Estimate:
            run = Search(method, n, seed, hazards, threads)

            def risk(mw: float) -> Estimate:
                nonlocal looks
                if progress is not None:
                    looks += 1
                    done = (k + looks / (looks + LOOKS)) / len(points)
                    progress(done, f"{zone}, cut {share:.1%} of its {basis}: {mw:,.0f} MW, {n} sample years")
                return run(*with_load(mw))[METRIC]

            return _room(risk, goal, most, run.tolerance_mw)

        n = samples
        if target_error is not None and method == "mc" and math.isfinite(near := search(min(samples, FEW)).mean):
            place, drawn = with_load(near)
            n = assess(
                place, samples=samples, seed=seed, hazards=drawn, threads=threads, target_error=target_error,
                variance="importance",
            ).samples  # fmt: skip
        out.append(Headroom(zone, share, basis, search(n)))
    if progress is not None:
        progress(1.0, "done")
    return out
