"""What an option is worth to a plan, and at what capex or carbon price it enters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gridrush.planning.expand import expand
from gridrush.planning.operation import operations
from gridrush.planning.options import Candidate, Stage
from gridrush.planning.plan import Plan
from gridrush.planning.relief import break_even
from gridrush.units import Floats


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


def _standing(stages: Sequence[Stage], candidates: Sequence[Candidate], name: str, gap: float, threads: int) -> float:
    at = [c.name for c in candidates].index(name)
    return float(expand(stages, candidates, gap=gap, threads=threads).standing_mw[:, at].max())


def break_even_capex(
    stages: Sequence[Stage], candidates: Sequence[Candidate], name: str, *, low: float, high: float, tolerance: float,
    gap: float = 1e-3, threads: int = 2,
) -> tuple[float, float]:  # fmt: skip
    """Bracket of the capex annuity under which a candidate enters the least-cost plan. [USD/MW/yr]"""

    def standing(capex: float) -> float:
        other = [replace(c, capex_usd_per_mw_year=capex) if c.name == name else c for c in candidates]
        return _standing(stages, other, name, gap, threads)

    return break_even(standing, low=low, high=high, tolerance=tolerance, rising=False)


def break_even_carbon_price(
    stages: Sequence[Stage], candidates: Sequence[Candidate], name: str, *, high: float, low: float = 0.0,
    tolerance: float = 1.0, gap: float = 1e-3, threads: int = 2,
) -> tuple[float, float]:  # fmt: skip
    """Bracket of the carbon price over which a candidate enters the least-cost plan. [USD/t]"""

    def standing(price: float) -> float:
        return _standing([replace(s, carbon_price_usd_per_t=price) for s in stages], candidates, name, gap, threads)

    return break_even(standing, low=low, high=high, tolerance=tolerance, rising=True)
