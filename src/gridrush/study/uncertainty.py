"""What is not known: named distributions, draws of them, a case and scenario in which a draw holds, and bands.

The unknowns that can be named are the keys of `TARGETS`. Every scenario of a study sees the same draws, so that a
difference between scenarios is never a difference of luck.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from gridrush.case.model import Case
from gridrush.case.scenario import Scenario, Tariff
from gridrush.case.schema import Strict
from gridrush.units import Floats

Method = Literal["sobol", "latin-hypercube", "random"]

Value = float | str

CHANCE_OUTSIDE = 0.05
"""Chance below `low`, and above `high`, of a normal or log-normal unknown."""

QUANTILES = (0.05, 0.5, 0.95)
"""Low, middle and high of a band."""


class Unknown(Strict):
    """Distribution of one unknown.

    uniform      between low and high
    triangular   between low and high, most often best
    normal       best is the mean, 5% lie below low and 5% above high (spread evenly around best)
    lognormal    the same of the logarithm
    choice       one of `options`, by `weights` (even when left out)
    """

    name: str
    kind: Literal["uniform", "triangular", "normal", "lognormal", "choice"]
    low: float | None = None
    best: float | None = None
    high: float | None = None
    options: tuple[Value, ...] = ()
    weights: tuple[float, ...] = ()
    why: str = ""

    @model_validator(mode="after")
    def _meant(self) -> Self:
        if self.name not in TARGETS:
            raise ValueError(f"no unknown is called {self.name!r}; known: {', '.join(TARGETS)}")
        if self.kind == "choice":
            if not self.options or (self.weights and len(self.weights) != len(self.options)):
                raise ValueError("a choice needs options, and no weights or one for each")
            if any(w < 0 for w in self.weights) or (self.weights and sum(self.weights) <= 0):
                raise ValueError("weights are not negative and not all zero")
            return self
        if self.options or self.weights:
            raise ValueError("options and weights belong to a choice")
        if self.low is None or self.high is None or not self.low < self.high:
            raise ValueError("low and high are needed, low below high")
        if self.kind == "uniform":
            return self
        if self.best is None or not self.low <= self.best <= self.high:
            raise ValueError("best is needed, from low to high")
        if self.kind == "lognormal" and self.low <= 0:
            raise ValueError("a lognormal unknown is above zero")
        return self

    def at(self, quantile: Floats) -> list[Value]:
        """Values at quantiles in (0, 1). (N,)

        Examples
        --------
        >>> Unknown(name="hydro_share", kind="triangular", low=0.8, best=1.0, high=1.2).at(np.array([0.5]))
        [1.0]
        """
        from scipy import stats

        u = np.asarray(quantile, np.float64)
        if self.kind == "choice":
            weights = np.array(self.weights or np.ones(len(self.options)))
            row = np.searchsorted(np.cumsum(weights / weights.sum()), u, side="right")
            return [self.options[min(int(i), len(self.options) - 1)] for i in row]
        assert self.low is not None
        assert self.high is not None
        if self.kind == "uniform":
            x = self.low + u * (self.high - self.low)
        elif self.kind == "triangular":
            assert self.best is not None
            width = self.high - self.low
            x = np.asarray(stats.triang.ppf(u, (self.best - self.low) / width, self.low, width))
        else:
            assert self.best is not None
            log = self.kind == "lognormal"
            low, best, high = (np.log([self.low, self.best, self.high]) if log else (self.low, self.best, self.high))
            std = 0.5 * (high - low) / stats.norm.ppf(1.0 - CHANCE_OUTSIDE)
            x = best + std * np.asarray(stats.norm.ppf(u))
            x = np.exp(x) if log else x
        return [float(v) for v in x]


def unknowns_of(case: Case) -> tuple[Unknown, ...]:
    """The unknowns of a case: its own low and high where it has them, stated judgement elsewhere."""
    p = case.parameters
    recorded = max((np.datetime64(r.month, "M") for r in case.network), default=np.datetime64("NaT", "M"))
    worlds = Unknown(
        name="world_quantile", kind="uniform", low=0.0, high=1.0,
        why="drawn worlds of coin price, difficulty and fleet, by rank of what a MWh earns",
    )
    found = [
        Unknown(name="census_quantile", kind="uniform", low=0.0, high=1.0, why="posterior of the census"),
        *(() if recorded >= np.datetime64(f"{case.last_year}-12", "M") else (worlds,)),  # nothing after it to draw
        Unknown(
            name="mining_tariff_share", kind="triangular", low=0.6, best=1.0, high=1.3,
            why="judged: registered miners with surplus, own or longer contracts pay less than imports cost; more in a "
            "dear winter",
        ),
        Unknown(
            name="enforcement_share", kind="lognormal", low=0.2, best=1.0, high=5.0,
            why="judged: how hard hidden farms are hunted and how many are found",
        ),
        Unknown(
            name="hydro_share", kind="triangular", low=0.85, best=1.0, high=1.15,
            why="judged: a wetter or drier spell of years; single years are drawn with the weather",
        ),
        Unknown(
            name="import_share", kind="triangular", low=0.4, best=0.9, high=1.0,
            why="judged: what neighbours can spare of the ties' limit",
        ),
        Unknown(
            name="capex_share", kind="lognormal", low=0.8, best=1.15, high=1.65,
            why="judged: overruns of power projects",
        ),
    ]  # fmt: skip
    for name, fact in (("demand_growth_share", p.demand_growth_share), ("outage_stress", p.outage_stress)):
        if fact.low is not None and fact.high is not None and fact.low < fact.high:
            found.append(Unknown(name=name, kind="triangular", low=fact.low, best=fact.value, high=fact.high,
                                 why=f"{fact.source}, {fact.grade}"))  # fmt: skip
    slips = [(x.low - x.slip_years, x.high - x.slip_years) for x in case.projects
             if x.low is not None and x.high is not None]  # fmt: skip
    if slips and (low := float(np.mean([a for a, _ in slips]))) < (high := float(np.mean([b for _, b in slips]))):
        found.append(Unknown(name="slip_extra_years", kind="triangular", low=low, best=min(max(0.0, low), high),
                             high=high, why="mean of the projects' low and high slips"))  # fmt: skip
    return tuple(sorted(found, key=lambda x: list(TARGETS).index(x.name)))


def quantiles_drawn(n: int, d: int, *, method: Method = "sobol", seed: int = 1) -> Floats:
    """Points of the unit cube. (n, d)

    `sobol` is scrambled, and best when n is a power of two; the first points of a longer draw are those of a shorter.
    """
    from scipy.stats import qmc

    if n < 1 or d < 1:
        raise ValueError(f"{n} draws of {d} unknowns: need one of each or more")
    rng = np.random.default_rng(np.random.SeedSequence([seed, d]))  # of its size and seed alone
    if method == "sobol":
        return np.asarray(qmc.Sobol(d, scramble=True, rng=rng).random_base2((n - 1).bit_length())[:n])
    if method == "latin-hypercube":
        return np.asarray(qmc.LatinHypercube(d, rng=rng).random(n))
    return rng.random((n, d))


def draw(unknowns: Sequence[Unknown], quantiles: Floats) -> pd.DataFrame:
    """Values of the unknowns at points of the unit cube: index `draw`, a column for each unknown."""
    columns = {x.name: x.at(quantiles[:, i]) for i, x in enumerate(unknowns)}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(quantiles), name="draw"))


def in_draw(case: Case, scenario: Scenario, values: Mapping[str, Value]) -> tuple[Case, Scenario]:
    """The case and the scenario as they are if the unknowns have these values. Pure: both are new."""
    for name, value in values.items():
        case, scenario = TARGETS[name](case, scenario, value)
    return case, Scenario.model_validate(scenario.model_dump())


Target = Callable[[Case, Scenario, Any], tuple[Case, Scenario]]


def _assume(name: str) -> Target:
    def put(case: Case, scenario: Scenario, value: Value) -> tuple[Case, Scenario]:
        assume = scenario.assume.model_copy(update={name: value})
        return case, scenario.model_copy(update={"assume": assume})

    return put


def _imports(case: Case, scenario: Scenario, value: float) -> tuple[Case, Scenario]:
    ties = tuple(
        t.model_copy(update={"capacity_mw": t.capacity_mw * value}) if t.direction == "import" else t for t in case.ties
    )
    contracts = tuple(c.model_copy(update={"capacity_mw": c.capacity_mw * value}) for c in scenario.import_contract)
    scenario = scenario.model_copy(update={"import_contract": contracts})
    return _changed(case, "ties", ties, f"import_share {value!r}"), scenario


def _tariff(case: Case, scenario: Scenario, value: float) -> tuple[Case, Scenario]:
    """Tariffs of registered miners from the day the case closes, times this."""

    def dearer(t: Tariff) -> Tariff:
        night = None if t.night_usd_per_mwh is None else t.night_usd_per_mwh * value
        return t.model_copy(update={"usd_per_mwh": t.usd_per_mwh * value, "night_usd_per_mwh": night})

    tariff = tuple(dearer(t) if t.start > case.as_of else t for t in scenario.tariff)
    return case, scenario.model_copy(update={"tariff": tariff})


def _enforcement(case: Case, scenario: Scenario, value: float) -> tuple[Case, Scenario]:
    """Share of hidden miners found a month from the day the case closes, times this, half a month at most."""
    found = tuple(
        e.model_copy(update={"found_share_per_month": min(0.5, e.found_share_per_month * value)})
        if e.start > case.as_of else e
        for e in scenario.enforcement
    )  # fmt: skip
    return case, scenario.model_copy(update={"enforcement": found})


def _capex(case: Case, scenario: Scenario, value: float) -> tuple[Case, Scenario]:
    projects = tuple(p.model_copy(update={"capex_usd_per_mw": p.capex_usd_per_mw * value}) for p in case.projects)
    return _changed(case, "projects", projects, f"capex_share {value!r}"), scenario


def _changed(case: Case, table: str, rows: tuple[object, ...], what: str) -> Case:
    digest = hashlib.sha256(f"{case.digest} {what}".encode()).hexdigest()
    return case.model_copy(update={table: rows, "digest": digest})


TARGETS: Mapping[str, Target] = {
    **{
        name: _assume(name)
        for name in (
            "census_quantile", "world_quantile", "hashprice_after", "hashprice_growth_share", "demand_growth_share",
            "outage_stress", "hydro_share", "slip_extra_years",
        )
    },
    "mining_tariff_share": _tariff,
    "enforcement_share": _enforcement,
    "import_share": _imports,
    "capex_share": _capex,
}  # fmt: skip
"""What an unknown may be, and how a case and scenario take its value."""


def bands(results: pd.DataFrame, *, quantiles: Sequence[float] = QUANTILES) -> pd.DataFrame:
    """Spread of every result over the draws.

    Parameters
    ----------
    results : DataFrame
        Tidy: scenario, quantity, item, year, unit, value and one row for each draw.

    Returns
    -------
    DataFrame
        A row for each scenario, quantity, item and year: mean, its standard error (as if draws were independent, which
        overstates it for Sobol points), then a column q05, q50, ... for each quantile, and the number of draws.
    """
    by = ["scenario", "quantity", "item", "year", "unit"]
    groups = results.groupby(by, sort=True, observed=True)["value"]
    out = groups.agg(mean="mean", std="std", draws="count")
    out["stderr"] = (out.pop("std") / np.sqrt(out["draws"])).fillna(0.0)
    for q in quantiles:
        out[f"q{round(100 * q):02d}"] = groups.quantile(q)
    return out.reset_index()


class Draws(Strict):
    """How a study draws: how many, by which method, and of what."""

    count: int = Field(default=64, ge=1, le=1_000_000)
    method: Literal["sobol", "latin-hypercube", "random", "saltelli"] = "sobol"
    seed: int = Field(default=1, ge=0)
    unknowns: tuple[Unknown, ...] | None = None  # none: the case's own

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [x.name for x in self.unknowns or ()]
        if len(set(names)) < len(names):
            raise ValueError("an unknown is named twice")
        return self
