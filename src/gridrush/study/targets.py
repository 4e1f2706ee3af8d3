"""The fee needed for a revenue, with miners that answer to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from gridrush.case.load import resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Fee, Scenario
from gridrush.errors import InfeasibleError
from gridrush.study.miners import Miners
from gridrush.study.paths import draw_paths
from gridrush.study.simulate import simulate

FEES_KZT_PER_KWH = (0.5, 1.0, 2.0, 4.0, 6.0, 9.0, 13.0, 18.0, 25.0)
"""Fees tried first; the largest is the ceiling of the scale of 2023."""

SEARCHES = 7
"""Steps of the search for the top between two of them; each narrows it to 62%."""


@dataclass(frozen=True)
class FeeNeeded:
    """A fee that brings in a target, and what it brings in."""

    fee_kzt_per_kwh: float
    revenue_usd: float


def fee_needed(
    case: Case,
    scenario: str | Scenario = "register-and-fee",
    *,
    target_usd: float,
    start: date,
    years: Sequence[int],
    seed: int = 1,
    tolerance_share: float = 1e-3,
) -> FeeNeeded:
    """The lowest flat fee that brings in a revenue over years, miners leaving as it rises.

    Revenue rises with the fee, then falls as miners leave: the smallest fee whose revenue reaches the target is found
    between the fees of `FEES_KZT_PER_KWH` by bisection. `policy.fiscal.flat_fee_kzt_per_kwh` gives the fee for miners
    that do not answer.

    Parameters
    ----------
    target_usd : float
        Fee to be paid over `years` in all. [USD]
    start : date
        Day from which the fee is taken; the scenario's own fees are left out.
    years : sequence of int
        Years added up.
    tolerance_share : float
        How near to the target.

    Raises
    ------
    InfeasibleError
        If no fee brings in so much; says the most there is.
    """
    wanted = list(years)
    base = resolve_scenario(case, scenario)
    paths = draw_paths(case, range(case.first_year, max(wanted) + 1), samples=1, seed=seed)
    miners = Miners.of(case, seed=seed)

    def revenue(fee: float) -> float:
        taxed = base.model_copy(update={"fee": (Fee(start=start, kzt_per_kwh=fee),)})
        run = simulate(case, taxed, years=wanted, seed=seed, paths=paths, miners=miners)
        return float(run.ledger["fee"].sum())

    return lowest_fee(revenue, target_usd, tolerance_share=tolerance_share)


def lowest_fee(
    revenue: Callable[[float], float], target_usd: float, *, tolerance_share: float = 1e-3
) -> FeeNeeded:
    """The lowest fee at which a revenue reaches a target.

    Examples
    --------
    Revenue 100 fee (1 - fee / 20), which is most, 500, at a fee of 10:

    >>> round(lowest_fee(lambda fee: 100 * fee * (1 - fee / 20), 375.0, tolerance_share=1e-9).fee_kzt_per_kwh, 6)
    5.0
    """
    tried = {0.0: 0.0}
    for fee in FEES_KZT_PER_KWH:
        tried[fee] = revenue(fee)
        if tried[fee] >= target_usd:
            break
    top = max(tried, key=tried.__getitem__)
    if tried[top] < target_usd:
        low, high = _beside(top)
        for _ in range(SEARCHES):  # the top may lie between two fees
            a, b = low + 0.382 * (high - low), low + 0.618 * (high - low)
            tried |= {x: revenue(x) for x in (a, b) if x not in tried}
            low, high = (low, b) if tried[a] > tried[b] else (a, high)
        top = max(tried, key=tried.__getitem__)
    if tried[top] < target_usd:
        raise InfeasibleError(
            f"no fee brings in {target_usd / 1e6:,.0f} M USD: the most is about {tried[top] / 1e6:,.0f} M USD, at "
            f"{top:.1f} KZT/kWh, because miners leave"
        )
    high = min(f for f, r in tried.items() if r >= target_usd)
    low = max((f for f in tried if f < high), default=0.0)
    while high - low > 1e-6 and tried[high] - target_usd > tolerance_share * max(target_usd, 1.0):
        middle = 0.5 * (low + high)
        tried[middle] = revenue(middle)
        low, high = (low, middle) if tried[middle] >= target_usd else (middle, high)
    return FeeNeeded(high, tried[high])


def _beside(fee: float) -> tuple[float, float]:
    at = FEES_KZT_PER_KWH.index(fee) if fee in FEES_KZT_PER_KWH else 0
    low = FEES_KZT_PER_KWH[at - 1] if at else 0.0
    return low, FEES_KZT_PER_KWH[min(at + 1, len(FEES_KZT_PER_KWH) - 1)]
