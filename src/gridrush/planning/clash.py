"""Why no plan exists: which demands fall short, and which limit, relaxed alone, would help how much."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gridrush.planning.limits import Margin, add_plan
from gridrush.planning.lp import MW_PER_GW, Rows, solved, solver
from gridrush.planning.options import Candidate, Stage

WORTH_SAYING_MW = 1.0
MOST_HELPS = 12
"""Sentences on what would help; the others are counted."""


def shortfalls(
    stages: Sequence[Stage], candidates: Sequence[Candidate], *, margins: Sequence[Margin] | None,
    margin_share: Sequence[float],
) -> dict[str, float]:  # fmt: skip
    """Least total distance from the demands (capacity forced, firm capacity), by demand. [MW]"""
    rows = Rows()
    plan = add_plan(rows, stages, candidates, integer=False, margins=margins, margin_share=margin_share)
    for lower in rows.cost:
        lower[:] = 0.0
    slack = {}
    for name, (first, last) in plan.groups.items():
        if math.isfinite(float(np.concatenate(rows.row_lower)[first])):
            slack[name] = rows.add_columns(np.ones(1), np.zeros(1), np.full(1, np.inf))[0]
            rows.put(np.arange(first, last), np.full(last - first, slack[name]), 1.0)
    h = solver(rows)
    if not solved(h, "shortfalls of the plan"):
        return {"limits on what may stand": math.inf}
    x = np.asarray(h.getSolution().col_value)
    return {name: float(x[i]) * MW_PER_GW for name, i in slack.items() if x[i] * MW_PER_GW > WORTH_SAYING_MW}


def clashes(
    stages: Sequence[Stage], candidates: Sequence[Candidate], *, margins: Sequence[Margin] | None = None,
    margin_share: Sequence[float] = (),
) -> list[str]:  # fmt: skip
    """Sentences: what cannot be met, and what would relax it: the most helpful first, then what asks for least."""
    short = shortfalls(stages, candidates, margins=margins, margin_share=margin_share)
    if not short:
        return ["whole units: the limits can be met with parts of units only; allow one more unit"]
    out = [f"{name}: short by {mw:.0f} MW" for name, mw in short.items()]
    total = sum(short.values())
    helps: list[tuple[int, int, str]] = []  # MW, years sooner, what
    for i, c in enumerate(candidates):
        fixed = c.earliest_year <= stages[0].year or c.takes_over
        early = "" if fixed else f"service of {c.name} before {c.earliest_year} (lead time)"
        tries = [
            (early, replace(c, earliest_year=stages[0].year)),
            (f"more than {c.build_mw_per_year:.0f} MW of {c.name} a year" if math.isfinite(c.build_mw_per_year) else "",
             replace(c, build_mw_per_year=math.inf)),
            (f"more than {c.max_mw:.0f} MW of {c.name}" if math.isfinite(c.max_mw) and not c.replaces else "",
             replace(c, max_mw=math.inf)),
            (f"{c.name} not excluded" if c.at_most_mw else "", replace(c, at_most_mw={})),
        ]  # fmt: skip
        for what, other in tries:
            if what:
                new = [other if k == i else x for k, x in enumerate(candidates)]
                left = sum(shortfalls(stages, new, margins=margins, margin_share=margin_share).values())
                if total - left > WORTH_SAYING_MW:
                    sooner = c.earliest_year - stages[0].year if what == early else 0
                    helps.append((round(total - left), sooner, what))
    helps.sort(key=lambda x: (-x[0], *x[1:]))
    out += [f"would help by {mw} of {total:.0f} MW: {what}" for mw, _, what in helps[:MOST_HELPS]]
    if more := helps[MOST_HELPS:]:
        out.append(f"and {len(more)} more that would help by {more[0][0]} MW or less")
    return out if helps else [*out, "no single limit on builds relaxes it: allow more kinds of plant, or later years"]
