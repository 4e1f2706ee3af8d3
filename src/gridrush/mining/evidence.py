"""What a census is worth: statements foretold by all the others, and what one new measurement would teach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gridrush.case.model import Case
from gridrush.mining._streams import stream
from gridrush.mining.census import Beliefs, Census, _draw_prior, _loglik, _normalise, _pieces, _weighted_quantiles
from gridrush.mining.network import month_of
from gridrush.units import Floats


@dataclass(frozen=True)
class Foretold:
    """A statement beside what the rest of the evidence says of its quantity: 5, 50 and 95%."""

    name: str
    value: float  # as said
    quantity: tuple[float, float, float]  # what is so, by all other evidence
    statement: tuple[float, float, float]  # what would be said of it: errors of statements added
    percentile: float  # of the value among what would be said, 0 to 1
    group_left_out: bool  # all statements of its kind left out, not it alone
    after_close: bool  # dated after the case closes, compared with its last month; never used

    @property
    def quantity_holds(self) -> bool:
        """Whether the interval of the quantity itself holds the statement."""
        return self.quantity[0] <= self.value <= self.quantity[2]

    @property
    def statement_holds(self) -> bool:
        """Whether the interval of statements does."""
        return self.statement[0] <= self.value <= self.statement[2]


def foretold(
    case: Case, *, draws: int = 20_000, seed: int = 1, beliefs: Beliefs | None = None, whole_group: bool = False
) -> tuple[Foretold, ...]:
    """Each statement out of sample: left out alone, or with all others of its kind, and foretold by the rest.

    Parameters
    ----------
    whole_group : bool
        Leave out every statement of the same quantity: a hard test, since they share an error.
    """
    b = beliefs or Beliefs()
    open_case = case.model_copy(
        update={"statements": tuple(s.model_copy(update={"on": min(s.on, case.as_of)}) for s in case.statements)}
    )
    late = {f"{case.as_of} {s.who}: {s.quantity} {s.value:g}" for s in case.statements if s.on > case.as_of}
    prior = _draw_prior(case, b, draws, seed, month_of(f"{case.first_year}-01"))
    every = _pieces(open_case, b, prior)
    used = [p for p in every if p.name not in late]
    rng = stream(seed, "census:foretold")
    out = []
    for piece in every:
        rest = [p for p in used if p is not piece and not (whole_group and p.group == piece.group)]
        weight = _normalise(_loglik(rest, b, draws))
        error = np.hypot(piece.std, b.shared_std[piece.group]) * rng.standard_normal(draws)
        share = piece.group == "growth_share"
        value = float(piece.name.rpartition(" ")[2])
        true = value - piece.miss if share else value * np.exp(-piece.miss)
        said = true + error if share else true * np.exp(error)
        below = float(weight[said <= value].sum())
        out.append(
            Foretold(piece.name, value, _three(true, weight), _three(said, weight), below, whole_group,
                     piece.name in late)
        )  # fmt: skip
    return tuple(out)


def _three(x: Floats, weight: Floats) -> tuple[float, float, float]:
    low, mid, high = _weighted_quantiles(x, weight)
    return float(low), float(mid), float(high)


@dataclass(frozen=True)
class Lesson:
    """What one new measurement would teach about the last month's miners, before its result is known."""

    quantity: str
    std_share: float  # error of the measurement, share of its value
    width_now_mw: float  # of the 90% interval of the total
    width_expected_mw: float

    @property
    def narrowing_share(self) -> float:
        """Part of the width expected to go."""
        return 1.0 - self.width_expected_mw / self.width_now_mw


MEASUREMENTS: Mapping[str, float] = {
    "unregistered_mw": 0.15,  # feeder survey of unmetered farms
    "registered_mw": 0.03,  # meters of the licensed farms
    "total_mw": 0.10,  # night load of substations before and after a cut
    "fee_receipts_mw": 0.05,  # a quarter of fee receipts over the fee: registered miners' energy
    "registered_share": 0.20,  # sample of farms checked against the register
}
"""Measurements one could order, with their errors (assumed; the detect room gives a survey's own)."""


def value_of_measurement(
    found: Census, *, std_share: Mapping[str, float] | None = None, truths: int = 200, seed: int = 1
) -> tuple[Lesson, ...]:
    """Expected narrowing of the last month's total from each measurement, best first.

    For truths drawn from the posterior a result is drawn with its error, the draws are weighed by it and the width of
    the 90% interval is taken; its mean over the truths is what one may expect (preposterior analysis).
    """
    registered, hidden = found.draws_mw[:, -1, 0], found.draws_mw[:, -1, 1]
    total = registered + hidden
    running = registered * (1.0 - found.rationed_share)
    seen = {
        "unregistered_mw": hidden,
        "registered_mw": registered,
        "total_mw": total,
        "fee_receipts_mw": running,
        "registered_share": registered / total,
    }
    errors = dict(MEASUREMENTS if std_share is None else std_share)
    if unknown := sorted(set(errors) - set(seen)):
        raise ValueError(f"unknown measurements {unknown}; need some of {sorted(seen)}")
    flat = np.full(len(total), 1.0 / len(total))
    now = _weighted_quantiles(total, flat)
    out = []
    for name, error in errors.items():
        rng = stream(seed, f"census:lesson:{name}")
        log = np.log(seen[name])
        widths = np.empty(truths)
        for k in range(truths):
            result = log[rng.integers(len(log))] + error * rng.standard_normal()
            weight = _normalise(-0.5 * ((log - result) / error) ** 2)
            low, _, high = _weighted_quantiles(total, weight)
            widths[k] = high - low
        out.append(Lesson(name, error, float(now[2] - now[0]), float(widths.mean())))
    return tuple(sorted(out, key=lambda x: -x.narrowing_share))
