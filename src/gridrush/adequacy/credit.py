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

TOLERANCE_MW = 1e-5
METRIC = "LOLE_h"


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
class _Search:
    """How a root search assesses: the same seed and samples each time."""

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


def _root(risk: Callable[[float], Estimate], target: Estimate, high_mw: float, *, low_mw: float = 0.0) -> Estimate:
    """MW at which a risk that rises with MW meets the target; error from the slope there."""
    a, b = low_mw, high_mw
    if risk(b).mean <= target.mean:
        return Estimate(b, 0.0, "MW")
    at = risk(a)
    if at.mean > target.mean:
        return Estimate(a, 0.0, "MW")
    fa, fb = at.mean - target.mean, risk(b).mean - target.mean
    last = at
    for k in range(1, 90):
        if b - a <= TOLERANCE_MW:
            break
        # risk grows about exponentially with load: a secant in its logarithm, kept off the ends, then halving
        x = 0.5 * (a + b)
        if k % 3 and fa + target.mean > 0 and target.mean > 0:
            up, down = math.log((fb + target.mean) / target.mean), math.log((fa + target.mean) / target.mean)
            if up > down:
                x = a - down * (b - a) / (up - down)
        edge = min(0.02 * (b - a), 4 * TOLERANCE_MW) if k % 3 else 0.0
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
    run = _Search(method, samples, seed, hazards, threads)
    top = high_mw if high_mw is not None else 0.5 * float(system.load_mw.sum(axis=1).max()) + 1.0
    goal = target if isinstance(target, Estimate) else Estimate(float(target), 0.0, "")

    def risk(mw: float) -> Estimate:
        return run(add_load(system, mw, zone=z))[metric]

    low = 0.0 if risk(0.0).mean <= goal.mean else -top
    return _root(risk, goal, top, low_mw=low)


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
    goal = _Search(method, samples, seed, hazards, threads)(base)[metric]
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
    run = _Search(method, samples, seed, hazards, threads)
    goal = run(added)[metric]
    z = zone or base.zones[0]
    top = high_mw if high_mw is not None else 0.5 * float(base.load_mw.sum(axis=1).max()) + 1.0

    def risk(mw: float) -> Estimate:
        return run(add_unit(base, "equivalent firm capacity", zone=z, capacity_mw=top - mw))[metric]

    x = _root(risk, goal, top)
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
    hazards: Hazards = NO_HAZARDS,
    threads: int = 1,
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

    Returns
    -------
    list of Headroom
        For each zone and share, in order. The stated error is that of sampling. [MW]
    """
    problems = [Problem("curtailable_shares", s, "a share in [0, 1]") for s in curtailable_shares if not 0 <= s <= 1]
    if basis not in ("hours", "energy"):
        problems.append(Problem("basis", basis, "'hours' or 'energy'"))
    if not target_lole_h > 0:
        problems.append(Problem("target_lole_h", target_lole_h, "a number > 0 [h]"))
    if problems:
        raise CaseError(problems)
    T = system.time.size
    run = _Search(method, samples, seed, hazards, threads)
    top = high_mw if high_mw is not None else float(system.load_mw.sum(axis=1).max()) + 1.0
    out = []
    for zone in zones or system.zones:
        for share in curtailable_shares:

            def risk(mw: float, zone: str = zone, share: float = share) -> Estimate:
                if mw <= 0:
                    return run(add_load(system, mw, zone=zone))[METRIC]
                limits = {"hours": (share * T, math.inf), "energy": (math.inf, share * T * mw)}[basis]
                contract = Response("new load", zone, mw, hours=limits[0], energy_mwh=limits[1])
                with_contract = replace(hazards, responses=(*hazards.responses, contract)) if share > 0 else hazards
                return run(add_load(system, mw, zone=zone), with_contract)[METRIC]

            low = 0.0 if risk(0.0).mean <= target_lole_h else -top
            out.append(Headroom(zone, share, basis, _root(risk, Estimate(target_lole_h, 0.0, "h/yr"), top, low_mw=low)))
    return out
