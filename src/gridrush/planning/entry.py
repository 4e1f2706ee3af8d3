"""What an option is worth to a plan, and at what capex or carbon price it enters, with what the gaps leave open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridrush.planning.operation import operations
from gridrush.planning.options import Candidate
from gridrush.planning.plan import Plan
from gridrush.planning.planner import Planner
from gridrush.units import Floats

CAPEX_ROUNDS = 4
"""Plans at most until the years an option stands no longer depend on its capex."""

CARBON_ROUNDS = 4
"""Carbon prices looked at, at most, besides the one the plan has."""

CLOSER = 4.0
"""By how much the gap is narrowed while it leaves open whether an option enters."""

FAR_SHARE = 0.6
"""Part of the range of carbon prices beyond which a guess is not tried before the end of the range."""

SURELY = 1.5
"""How far beyond the undecided a price is looked at, in terms of what its gap leaves open."""

NOTHING_MW = 1e-6
"""Capacity that counts as none."""

LOOSE_GAP = 8e-3
"""Gap at which a carbon price is looked at first: far from the break-even it decides already."""


def worth_usd_per_mw_year(plan: Plan) -> Floats:
    """What the first MW more of each unit or line would earn at the plan's prices in each stage, expected. (Y, C)

    Below annuity plus fixed cost it does not pay. Stores are left out (nan): their worth needs the value of stored
    energy.
    """
    from gridrush.planning.clearing import price_cut
    from gridrush.planning.refresh import no_values

    out = np.zeros((len(plan.stages), len(plan.candidates)))
    for y, (s, ops) in enumerate(zip(plan.stages, operations(plan.stages, plan.candidates), strict=True)):
        for f, op in enumerate(ops):
            cut = price_cut(op, plan.price_usd_per_mwh[y][f], no_values(op))
            out[y] -= s.futures[f].probability * cut.slope
    out[:, [c.kind == "storage" for c in plan.candidates]] = np.nan
    return out


@dataclass(frozen=True)
class Between:
    """A number and the interval that the gaps of the plans behind it leave open."""

    low: float
    best: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """The three numbers."""
        return {"low": self.low, "best": self.best, "high": self.high}


@dataclass(frozen=True, eq=False)
class Pair:
    """The least-cost plans without an option, and with one unit of it by the last stage."""

    without: Plan
    with_one: Plan

    @property
    def dearer_usd(self) -> Between:
        """By how much the plan with the option is dearer. [USD]"""
        a, b = self.with_one, self.without
        return Between(a.lower_bound_usd - b.cost_usd, a.cost_usd - b.cost_usd, a.cost_usd - b.lower_bound_usd)

    @property
    def decided(self) -> bool:
        """Whether it is certain which of the two is cheaper."""
        return self.dearer_usd.low > 0.0 or self.dearer_usd.high < 0.0

    @property
    def saved_t(self) -> float:
        """CO2 that the option saves, with the weights of the stages: how fast a carbon price makes up for its cost."""
        weight = np.array([s.weight for s in self.without.stages])
        return float(weight @ (self.without.co2_t - self.with_one.co2_t))


@dataclass(frozen=True, eq=False)
class Entry:
    """One unit of an option, to be planned with and without.

    Parameters
    ----------
    planner : Planner
    name : str
        The option.
    rivals : sequence of str
        Options that may not be built in either plan: others of its kind.
    gap : float
        Gap of the plans.
    margin_share : sequence of float
        Firm capacity over peak asked for, as in `expand`.
    size_mw : float, optional
        Default: a unit, else all that may stand.
    """

    planner: Planner
    name: str
    rivals: Sequence[str] = ()
    gap: float = 1e-3
    margin_share: Sequence[float] = ()
    size_mw: float | None = None

    @property
    def option(self) -> Candidate:
        """The option as the planner knows it."""
        return next(c for c in self.planner.candidates if c.name == self.name)

    @property
    def mw(self) -> float:
        """Size of what is forced in. [MW]"""
        size = self.size_mw or self.option.unit_mw or self.option.max_mw
        if not np.isfinite(size):
            raise ValueError(f"{self.name} has neither units nor a limit: give size_mw")
        return size

    def mw_years(self, plan: Plan) -> float:
        """Present value of the MW-years of the option in a plan."""
        at = [c.name for c in plan.candidates].index(self.name)
        return float(sum(s.weight * mw for s, mw in zip(plan.stages, plan.standing_mw[:, at], strict=True)))

    def _options(self, capex_usd_per_mw_year: float | None, *, forced: bool) -> list[Candidate]:
        years = [s.year for s in self.planner.stages]
        none, one = dict.fromkeys(years, 0.0), dict.fromkeys(years, self.mw)
        out = []
        for c in self.planner.candidates:
            if c.name == self.name and forced:
                capex = c.capex_usd_per_mw_year if capex_usd_per_mw_year is None else capex_usd_per_mw_year
                out.append(replace(c, at_least_mw={years[-1]: self.mw}, at_most_mw=one, capex_usd_per_mw_year=capex))
            elif c.name == self.name or c.name in self.rivals:
                out.append(replace(c, at_least_mw={}, at_most_mw=none))
            else:
                out.append(c)
        return out

    def without(self, known: Plan | None = None, *, gap: float | None = None) -> Plan:
        """The plan without the option; `known`, a plan with it allowed, is that plan if it builds none."""
        if known is not None:
            barred = [c.name == self.name or c.name in self.rivals for c in known.candidates]
            if known.standing_mw[:, barred].max(initial=0.0) <= NOTHING_MW:
                return known
        return self.planner.plan(self._options(None, forced=False), gap=gap or self.gap,
                                 margin_share=self.margin_share)  # fmt: skip

    def with_one(self, *, capex_usd_per_mw_year: float | None = None, gap: float | None = None) -> Plan:
        """The plan with one unit forced in, at its own annuity or another."""
        return self.planner.plan(self._options(capex_usd_per_mw_year, forced=True), gap=gap or self.gap,
                                 margin_share=self.margin_share)  # fmt: skip


def break_even_capex(entry: Entry, pair: Pair) -> Between:
    """Capex annuity at which an option enters the least-cost plan, from plans with and without it. [USD/MW/yr]

    With the unit forced in, the least cost is a concave function of its annuity whose slope is the MW-years it stands
    (Dinkelbach's method finds where it meets the cost without). Where it can stand in one stage only, the slope is
    known and the first pair gives the answer. The interval is certified: the slope lies between that of the last stage
    alone and that of all stages it may stand in.

    References
    ----------
    W. Dinkelbach, "On nonlinear fractional programming", Management Science 13 (1967) 492-498.
    """
    c, stages = entry.option, entry.planner.stages
    slopes = entry.mw * stages[-1].weight, entry.mw * sum(s.weight for s in stages if s.year >= c.earliest_year)
    at, found = c.capex_usd_per_mw_year, pair
    for turn in range(CAPEX_ROUNDS):
        slope = entry.mw_years(found.with_one)
        best = at - found.dearer_usd.best / slope
        if turn == CAPEX_ROUNDS - 1 or slopes[0] == slopes[1] or abs(best - at) * slope <= entry.gap * abs(
            found.without.cost_usd
        ) or best <= 0:  # fmt: skip
            break
        at = best
        found = Pair(found.without, entry.with_one(capex_usd_per_mw_year=at))
    d = found.dearer_usd
    ends = at - max(d.high / s for s in slopes), at - min(d.low / s for s in slopes)
    return Between(min(ends[0], best), best, max(ends[1], best))


@dataclass(frozen=True)
class CarbonEntry:
    """Where a carbon price brings an option in: certainly not yet at `low`, certainly at `high`. [USD/t]"""

    low: float | None  # None: no price looked at is certainly too low
    best: float | None  # None: no price up to `most` brings it in
    high: float | None  # None: no price looked at certainly brings it in
    most: float
    looked_at: tuple[float, ...]

    def to_dict(self) -> dict[str, object]:
        """As JSON."""
        return {"low": self.low, "best": self.best, "high": self.high, "most": self.most,
                "looked_at": list(self.looked_at)}  # fmt: skip


def break_even_carbon_price(
    entry: Entry, pair: Pair, *, most: float, tolerance: float = 10.0, rounds: int = CARBON_ROUNDS,
    tell: Callable[[float], None] = lambda _: None,
) -> CarbonEntry:  # fmt: skip
    """Carbon price, the same in all stages, from which an option is in the least-cost plan. [USD/t]

    A carbon price changes the cost of operation, so each price looked at is a problem of its own, planned with and
    without the option. By the envelope theorem the difference falls with the price by the tonnes saved, which says
    where to look next (Newton); prices where it is certainly above and below zero close in on the answer. Gaps are
    narrowed only where they leave the sign open.

    Parameters
    ----------
    pair : Pair
        At the carbon price of the planner.
    most : float
        Highest price looked at.
    tolerance : float
        Distance of the two certain prices at which to stop.
    """
    price = entry.planner.stages[0].carbon_price_usd_per_t
    seen: dict[float, Pair] = {price: pair}
    for _ in range(rounds):
        wanted = _next_price(seen, most, tolerance)
        if wanted is None:
            break
        tell(wanted)
        other = replace(entry, planner=entry.planner.at_carbon_price(wanted))
        gap = max(LOOSE_GAP, entry.gap)
        while True:
            seen[wanted] = Pair(other.without(gap=gap), other.with_one(gap=gap))
            if seen[wanted].decided or gap <= entry.gap:
                break
            gap = max(gap / CLOSER, entry.gap)
    low, high = _certain(seen)
    best: float | None = min(max(_crossing(seen, most), low or 0.0), most if high is None else high)
    if all(p.dearer_usd.best > 0.0 for p in seen.values()) and most in seen:
        best = None
    return CarbonEntry(low, best, high, most, tuple(sorted(seen)))


def _certain(seen: Mapping[float, Pair]) -> tuple[float | None, float | None]:
    """The highest price that certainly does not bring the option in, and the lowest that certainly does."""
    low = max((p for p, x in seen.items() if x.dearer_usd.low > 0.0), default=None)
    above = [p for p in seen if low is None or p > low]
    return low, min((p for p in above if seen[p].dearer_usd.high < 0.0), default=None)


def _crossing(seen: Mapping[float, Pair], most: float) -> float:
    """Newton's step from the price where costs differ least."""
    price, pair = min(seen.items(), key=lambda x: abs(x[1].dearer_usd.best))
    return price + pair.dearer_usd.best / pair.saved_t if pair.saved_t > 0.0 else most


def _next_price(seen: Mapping[float, Pair], most: float, tolerance: float) -> float | None:
    """Where to look next; None when nothing more is to be learnt."""
    low, high = _certain(seen)
    if (low is not None and high is not None and high - low <= tolerance) or low == most or high == 0.0:
        return None
    guess = _crossing(seen, most)
    bottom, top = 0.0 if low is None else low, most if high is None else high
    nearest = min(seen, key=lambda p: abs(p - guess))
    if not seen[nearest].decided:
        d, saved = seen[nearest].dearer_usd, max(seen[nearest].saved_t, 1.0)
        above = nearest + max(0.45 * tolerance, SURELY * -d.low / saved)
        below = nearest - max(0.45 * tolerance, SURELY * d.high / saved)
        tries = [p for p, open_end in ((above, high is None), (below, low is None)) if open_end]
        tries += [p for p, far in ((above, top - above), (below, below - bottom)) if far > 0.5 * tolerance]
    elif high is None and guess > FAR_SHARE * most:
        tries = [most]
    else:
        room = 0.1 * (top - bottom) if low is not None and high is not None else 0.0
        tries = [min(max(guess, bottom + room), top - room)]
    new = [min(max(p, 0.0), most) for p in tries]
    return next((p for p in new if min(abs(p - q) for q in seen) > 0.1 * tolerance), None)
