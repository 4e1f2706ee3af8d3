"""What can be built, and what it will have to serve: candidates, futures and milestone stages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from gridrush.case.system import Ints, System
from gridrush.errors import CaseError, Problem
from gridrush.units import Floats

CandidateKind = Literal["unit", "storage", "link"]


@dataclass(frozen=True)
class Candidate:
    """Something that can be built: a plant, an import or interruptible contract, a store or a line.

    A life extension is a candidate that cannot start before the plant's closing year; a plant that may close early
    is a candidate without capex whose fixed cost is saved by not keeping it.
    """

    name: str
    technology: str
    zone: int
    kind: CandidateKind = "unit"
    zone_to: int = -1  # far end of a line
    unit_mw: float = 0.0  # size of one unit; 0 = any size
    max_mw: float = math.inf  # standing at one time
    capex_usd_per_mw_year: float = 0.0  # annuity of the investment
    fixed_usd_per_mw_year: float = 0.0
    cost_usd_per_mwh: float = 0.0  # fuel and variable cost, carbon left out
    co2_t_per_mwh: float = 0.0
    fuel: str = ""
    earliest_year: int = 0  # first year in which it can serve
    build_mw_per_year: float = math.inf
    first_mw: float = 0.0  # what can serve in that first year, where it is more than a year's building
    life_years: float = math.inf
    storage_hours: float = 0.0  # energy over power of a store
    free_start: bool = False  # a store may begin at any level that it ends at; else half full. Whole program only
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    loss_share: float = 0.0  # of a line
    one_way: bool = False  # a line that carries from `zone` to `zone_to` only
    must_run_share: float = 0.0
    mttf_h: float = math.inf
    mttr_h: float = 1.0
    credit_share: float | None = None  # firm part at the peak; None: measured in the hours of the highest load
    takes_over: bool = False  # follows something that stands until its first year: earlier it cannot come
    replaces: tuple[str, ...] = ()  # units of the systems closed in step with it
    at_least_mw: Mapping[int, float] = field(default_factory=dict)  # by stage year, from then on ("force")
    at_most_mw: Mapping[int, float] = field(default_factory=dict)  # by stage year, in that year only ("exclude")

    @property
    def forced_outage_share(self) -> float:
        """Long-run share of time on forced outage."""
        return 0.0 if math.isinf(self.mttf_h) else self.mttr_h / (self.mttf_h + self.mttr_h)

    @property
    def annual_usd_per_mw(self) -> float:
        """Annuity and fixed cost of a MW standing for a year."""
        return self.capex_usd_per_mw_year + self.fixed_usd_per_mw_year


@dataclass(frozen=True, eq=False)
class Future:
    """One way a stage may turn out: a weather year, a load path, or both."""

    name: str
    probability: float
    system: System  # what stands without the plan, carbon price left out of its costs
    available: Floats | None = None  # (C, T) share of each candidate that can run; None: all of it
    hours_weight: Floats | None = None  # (T,) hours each hour stands for; None: the hours add up to a year

    @property
    def weight(self) -> Floats:
        """Hours of the year each hour stands for. (T,)"""
        T = self.system.time.size
        return np.full(T, 8760.0 / T) if self.hours_weight is None else np.asarray(self.hours_weight, np.float64)


@dataclass(frozen=True, eq=False)
class Stage:
    """A milestone year with its futures."""

    year: int
    weight: float  # present value of the years the stage stands for, in years
    futures: Sequence[Future]
    carbon_price_usd_per_t: float = 0.0
    carbon_cap_t: float = math.inf  # in each future
    fuel_cap_mwh: Mapping[str, float] = field(default_factory=dict)  # electricity from a fuel in each future


def annuity_share(discount_share: float, years: float) -> float:
    """Part of an investment paid every year: r / (1 - (1 + r)^-n).

    Parameters
    ----------
    discount_share : float
        Cost of capital. [1/yr]
    years : float
        Economic life. [yr]

    Examples
    --------
    >>> round(annuity_share(0.08, 25), 5)
    0.09368
    >>> annuity_share(0.0, 20)
    0.05
    """
    if years <= 0:
        raise ValueError(f"economic life must be above 0 years, found {years}")
    return 1.0 / years if discount_share == 0 else discount_share / (1.0 - (1.0 + discount_share) ** -years)


def overnight_with_interest(capex_usd_per_mw: float, *, discount_share: float, build_years: float) -> float:
    """Investment at the first day of service: spent evenly over the years of building, with interest. [USD/MW]

    Examples
    --------
    >>> round(overnight_with_interest(100.0, discount_share=0.08, build_years=10), 1)
    150.6
    """
    if build_years <= 0 or discount_share == 0:
        return capex_usd_per_mw
    rate = math.log1p(discount_share)
    return capex_usd_per_mw * math.expm1(rate * build_years) / (rate * build_years)


def stage_weights(years: Sequence[int], discount_share: float, *, last_years: int = 5) -> list[float]:
    """Present value, in years, of the span each milestone stands for; money of the first year.

    A stage stands for the years until the next one, the last stage for `last_years`.

    Examples
    --------
    >>> [round(w, 3) for w in stage_weights([2030, 2035], 0.0)]
    [5.0, 5.0]
    """
    ends = [*years[1:], years[-1] + last_years]
    return [
        sum((1.0 + discount_share) ** -(y - years[0]) for y in range(a, b)) for a, b in zip(years, ends, strict=True)
    ]


def check_problem(stages: Sequence[Stage], candidates: Sequence[Candidate]) -> None:
    """Raise one CaseError with everything wrong in the stages and candidates."""
    if problems := list(_problems(stages, candidates)):
        raise CaseError(problems)


def _problems(stages: Sequence[Stage], candidates: Sequence[Candidate]) -> Iterable[Problem]:
    if not stages:
        yield Problem("stages", 0, "at least one milestone year")
        return
    years = [s.year for s in stages]
    if any(b <= a for a, b in pairwise(years)):
        yield Problem("stages", years, "years that rise")
    Z = len(stages[0].futures[0].system.zones) if stages[0].futures else 0
    names = [c.name for c in candidates]
    if len(set(names)) != len(names):
        yield Problem("candidates.name", sorted({n for n in names if names.count(n) > 1}), "names that are unique")
    for s in stages:
        where = f"stages[{s.year}]"
        if not s.weight > 0:
            yield Problem(f"{where}.weight", s.weight, "a number above 0 [yr]")
        total = sum(f.probability for f in s.futures)
        if abs(total - 1.0) > 1e-9 or any(f.probability <= 0 for f in s.futures):
            yield Problem(f"{where}.futures", total, "probabilities above 0 that add up to 1")
        for f in s.futures:
            T = f.system.time.size
            if len(f.system.zones) != Z:
                yield Problem(f"{where}.{f.name}", len(f.system.zones), f"{Z} zones, as in the first stage")
            if f.available is not None:
                if f.available.shape != (len(candidates), T):
                    yield Problem(f"{where}.{f.name}.available", f.available.shape, f"shape ({len(candidates)}, {T})")
                elif not ((f.available >= 0) & (f.available <= 1)).all():
                    yield Problem(f"{where}.{f.name}.available", "outside [0, 1]", "shares in [0, 1]")
            if f.hours_weight is not None and (f.hours_weight.shape != (T,) or not (f.hours_weight > 0).all()):
                yield Problem(f"{where}.{f.name}.hours_weight", f.hours_weight.shape, f"{T} numbers above 0 [h]")
            if not np.isfinite(f.system.demand.value_usd_per_mwh).all():
                yield Problem(
                    f"{where}.{f.name}.demand", "an infinite value", "a finite value of lost load [USD/MWh]"
                )
            known = set(f.system.units.name)
            for c in candidates:
                if clash := known & {c.name}:
                    yield Problem(f"candidates[{c.name}]", sorted(clash), "a name no unit of the system has")
    for c in candidates:
        where = f"candidates[{c.name}]"
        for name in ("unit_mw", "max_mw", "fixed_usd_per_mw_year", "capex_usd_per_mw_year", "build_mw_per_year",
                     "first_mw"):
            if not getattr(c, name) >= 0:
                yield Problem(f"{where}.{name}", getattr(c, name), "a number >= 0")
        if not 0 <= c.zone < Z or (c.kind == "link" and (not 0 <= c.zone_to < Z or c.zone_to == c.zone)):
            yield Problem(f"{where}.zone", (c.zone, c.zone_to), f"zones in 0..{Z - 1}, two different ones for a line")
        if c.kind == "storage" and not c.storage_hours > 0:
            yield Problem(f"{where}.storage_hours", c.storage_hours, "a number above 0 [h]")
        if not (0 < c.charge_efficiency <= 1 and 0 < c.discharge_efficiency <= 1 and 0 <= c.loss_share < 1):
            yield Problem(f"{where}.efficiency", (c.charge_efficiency, c.discharge_efficiency), "shares in (0, 1]")
        for key in (*c.at_least_mw, *c.at_most_mw):
            if key not in years:
                yield Problem(f"{where}.at_least_mw", key, f"a stage year, one of {years}")


def with_builds(future: Future, candidates: Sequence[Candidate], standing_mw: Floats) -> System:
    """The system of a future with what a plan has standing: whole units, with their failure rates.

    Parameters
    ----------
    standing_mw : ndarray, shape (C,)
        Capacity standing of each candidate. [MW]

    Returns
    -------
    System
        Discrete candidates appear as units of `unit_mw`, others as one; what they replace is gone.
    """
    s = future.system
    u, g, k = s.units, s.storage, s.links
    T = s.time.size
    profiles = [*s.profiles]
    gone: dict[str, float] = {}
    new: dict[CandidateKind, list[tuple[Candidate, str, float, int, int]]] = {"unit": [], "storage": [], "link": []}
    for i, c in enumerate(candidates):
        mw = float(standing_mw[i])
        if mw <= 1e-9:
            continue
        for name in c.replaces:
            whole = c.max_mw if math.isfinite(c.max_mw) else mw
            gone[name] = gone.get(name, 0.0) + mw / whole
        row, must = 0, 1
        if future.available is not None and not (future.available[i] == 1.0).all():
            row = len(profiles)
            profiles.append(np.asarray(future.available[i], np.float64))
        if c.must_run_share > 0:
            must = len(profiles)
            profiles.append(np.full(T, c.must_run_share) if row == 0 else profiles[row] * c.must_run_share)
        number = max(1, round(mw / c.unit_mw)) if c.unit_mw > 0 else 1
        for k_th in range(number):
            name = c.name if number == 1 else f"{c.name} {k_th + 1}"
            new[c.kind].append((c, name, mw / number, row, must))
    a, b, w = new["unit"], new["storage"], new["link"]
    keep = np.array([max(0.0, 1.0 - gone.get(name, 0.0)) for name in u.name])

    def f(old: Floats, values: Iterable[float]) -> Floats:
        return np.concatenate([old, np.array(list(values), np.float64)])

    def n(old: Ints, values: Iterable[int]) -> Ints:
        return np.concatenate([old, np.array(list(values), np.int64)]).astype(np.int64)

    units = replace(
        u, name=u.name + tuple(x[1] for x in a), technology=u.technology + tuple(x[0].technology for x in a),
        fuel=u.fuel + tuple(x[0].fuel or x[0].technology for x in a), zone=n(u.zone, (x[0].zone for x in a)),
        capacity_mw=f(u.capacity_mw * keep, (x[2] for x in a)),
        cost_usd_per_mwh=f(u.cost_usd_per_mwh, (x[0].cost_usd_per_mwh for x in a)),
        available=n(u.available, (x[3] for x in a)), must_run=n(u.must_run, (x[4] for x in a)),
        reservoir=n(u.reservoir, (-1 for _ in a)), mttf_h=f(u.mttf_h, (x[0].mttf_h for x in a)),
        mttr_h=f(u.mttr_h, (x[0].mttr_h for x in a)), maintenance_h=f(u.maintenance_h, (0.0 for _ in a)),
        co2_t_per_mwh=f(u.co2_t_per_mwh, (x[0].co2_t_per_mwh for x in a)),
        ramp_share_per_h=f(u.ramp_share_per_h, (1.0 for _ in a)),
    )  # fmt: skip
    storage = replace(
        g, name=g.name + tuple(x[1] for x in b), zone=n(g.zone, (x[0].zone for x in b)),
        charge_mw=f(g.charge_mw, (x[2] for x in b)), discharge_mw=f(g.discharge_mw, (x[2] for x in b)),
        energy_mwh=f(g.energy_mwh, (x[2] * x[0].storage_hours for x in b)),
        charge_efficiency=f(g.charge_efficiency, (x[0].charge_efficiency for x in b)),
        discharge_efficiency=f(g.discharge_efficiency, (x[0].discharge_efficiency for x in b)),
        initial_share=f(g.initial_share, (START_SHARE for _ in b)),
    )  # fmt: skip
    links = replace(
        k, name=k.name + tuple(x[1] for x in w), source=n(k.source, (x[0].zone for x in w)),
        target=n(k.target, (x[0].zone_to for x in w)), forward_mw=f(k.forward_mw, (x[2] for x in w)),
        backward_mw=f(k.backward_mw, (0.0 if x[0].one_way else x[2] for x in w)),
        loss_share=f(k.loss_share, (x[0].loss_share for x in w)),
        available=n(k.available, (x[3] for x in w)), mttf_h=f(k.mttf_h, (x[0].mttf_h for x in w)),
        mttr_h=f(k.mttr_h, (x[0].mttr_h for x in w)),
    )  # fmt: skip
    return replace(s, profiles=np.array(profiles), units=units, storage=storage, links=links)


START_SHARE = 0.5
"""Content of a new store at the first and last hour, as a share of its energy."""
