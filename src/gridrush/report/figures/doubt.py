"""What is not known and what it does: bands over the draws of a study, and which unknown matters most."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import pandas as pd

from gridrush.report.figures.figure import WIDE, Choice, Figure
from gridrush.report.svg import Svg, bounds, frame, ticks
from gridrush.report.view import View
from gridrush.report.words import number, plain, rough, with_unit

UNKNOWNS: Mapping[str, str] = {
    "census_quantile": "How many miners there are",
    "hashprice_growth_share": "What coins will earn",
    "demand_growth_share": "Growth of other demand",
    "hydro_share": "Water in the rivers",
    "outage_stress": "How often worn plants fail",
    "slip_extra_years": "Delays of new plants",
    "import_limit_share": "What neighbours will sell",
    "capex_factor": "Cost of building",
}  # fmt: skip
RESULTS: Mapping[str, str] = {
    "EUE_mwh": "energy not served", "unserved_gwh": "energy not served", "LOLE_h": "hours short of power",
    "system_cost_present_usd": "cost of the system",
}  # fmt: skip
UNKNOWN_ROWS = 10


def sensitivity(view: View) -> Choice | None:
    """Share of the spread of a result that each unknown explains, by result and scenario."""
    table = view.gallery.get("sensitivity")
    if table is None:
        return None
    options = []
    for (quantity, scenario), part in table.groupby(["quantity", "scenario"], sort=False):
        run = view.study.runs.get(str(scenario))
        words = run.scenario.title if run is not None else str(scenario)
        what = RESULTS.get(str(quantity), plain(str(quantity)))
        options.append((f"{what[:1].upper() + what[1:]}, {words}", _bars(str(quantity), str(scenario), what, part)))
    return Choice("sensitivity", "Result", options) if options else None


def _bars(quantity: str, scenario: str, what: str, table: pd.DataFrame) -> Figure:
    rows = table.sort_values("total", ascending=False).head(UNKNOWN_ROWS).to_dict("records")
    names = [UNKNOWNS.get(str(r["unknown"]), plain(str(r["unknown"]).removesuffix("_share"))) for r in rows]
    total = [max(float(r["total"]), 0.0) for r in rows]
    first = [min(max(float(r["first"]), 0.0), t) for r, t in zip(rows, total, strict=True)]
    error = [1.96 * float(r["total_stderr"]) for r in rows]
    title = f"{names[0]}: the unknown that matters most for the {what}"
    caption = (
        f"How much of the doubt about the {what} would be gone if one unknown were known: the dark part by itself, the "
        "pale part together with others. Thin line: 95% interval of the estimate."
    )

    def draw(width: int) -> str:
        wide = width >= WIDE
        step, left = (34, 250) if wide else (48, 8)
        svg = Svg(width, 34 + step * len(rows) + 6, title)
        top = min(max(1.0, max(t + e for t, e in zip(total, error, strict=True))), 1.2)
        f = frame(svg, (0, top), (0, 1), left=left, right=20, top=26, bottom=6)
        for v in (0.0, 0.25, 0.5, 0.75, 1.0):
            svg.line(f.px(v), f.top, f.px(v), f.bottom, "axis" if v == 0 else "grid")
            if wide or v in (0.0, 0.5, 1.0):
                svg.text(f.px(v), f.top - 8, f"{number(100 * v)}%", "muted", "middle")
        for i, name in enumerate(names):
            y = f.top + step * i + (step / 2 if wide else step - 15)
            svg.text(left - 12 if wide else left, y + 4 if wide else y - 12, name, "" if wide else "small",
                     "end" if wide else "start")  # fmt: skip
            tip = f"{name}: {with_unit(first[i], 'share', 2)} by itself, {with_unit(total[i], 'share', 2)} with others"
            svg.rect(f.left, y - 7, f.px(total[i]) - f.left, 14, "fill:var(--flow);fill-opacity:.35", tip=tip)
            svg.rect(f.left, y - 7, f.px(first[i]) - f.left, 14, "fill:var(--flow)", tip=tip)
            a, b = f.px(max(total[i] - error[i], 0.0)), f.px(min(total[i] + error[i], top))
            svg.line(a, y, b, y, "", "stroke:var(--ink);stroke-width:1.2")
        return str(svg)

    data = table.drop(columns=["quantity", "scenario"]).round(4).reset_index(drop=True)
    return Figure(
        f"sensitivity-{quantity.lower()}-{scenario}".replace("_", "-"), title, caption,
        "Study: Sobol indices over draws of all unknowns.", "estimated", draw, data,
        legend=[("var(--flow)", "box", "By itself"), ("var(--flow)", "wash", "Together with others")],
    )  # fmt: skip


def bands(view: View) -> Choice | None:
    """Bands over the draws of a study, scenario by scenario, for each result."""
    table = view.gallery.get("bands")
    if table is None:
        return None
    options = []
    for quantity, part in table.groupby("quantity", sort=False):
        what = RESULTS.get(str(quantity), plain(str(quantity)))
        options.append((what[:1].upper() + what[1:], _bands(view, str(quantity), what, part)))
    return Choice("bands", "Result", options) if options else None


def _bands(view: View, quantity: str, what: str, table: pd.DataFrame) -> Figure:
    """Sum over years of each scenario: 5, 50 and 95% of the draws."""
    unit = str(table["unit"].iloc[0]).removesuffix("/yr")
    rows = table.sort_values("q50", kind="stable").to_dict("records")
    runs = view.study.runs
    told = [str(r["scenario"]) for r in rows]
    names = [runs[s].scenario.title if s in runs else s for s in told]
    low, mid, high = ([float(r[k]) for r in rows] for k in ("q05", "q50", "q95"))
    clear = high[0] < low[-1] if len(rows) > 1 else False
    title = f"{names[0]} leaves the lowest {what}: {rough(mid[0], unit)} in the middle of the draws"
    if len(rows) > 1 and not clear:
        title += ", but the ranges overlap"
    caption = (
        f"Each bar holds nine in ten of {number(float(rows[0]['draws']), 9)} draws of everything that is not known; "
        "the dot is the middle. All years of the study together. Where bars overlap, the choice rests on what is not "
        "known."
    )

    def draw(width: int) -> str:
        wide = width >= WIDE
        step, left = (34, 210) if wide else (48, 8)
        svg = Svg(width, 36 + step * len(rows) + 6, title)
        f = frame(svg, bounds([*low, *high]), (0, 1), left=left, right=44, top=28, bottom=6)
        for v in ticks(f.x0, f.x1, count=4 if wide else 2):
            svg.line(f.px(v), f.top, f.px(v), f.bottom, "axis" if v == 0 else "grid")
            anchor = "middle" if v > f.x0 or wide else "start"
            svg.text(f.px(v), f.top - 8, with_unit(v, unit, 3), "muted", anchor)
        for i, name in enumerate(names):
            y = f.top + step * i + (step / 2 if wide else step - 15)
            svg.text(left - 12 if wide else left, y + 4 if wide else y - 12, name, "" if wide else "small",
                     "end" if wide else "start")  # fmt: skip
            tip = f"{name}: {rough(mid[i], unit)}, 5 to 95% {rough(low[i], unit)} to {rough(high[i], unit)}"
            x, w = f.px(low[i]), max(f.px(high[i]) - f.px(low[i]), 2)
            svg.add(f'<rect x="{x:.1f}" y="{y - 6:.1f}" width="{w:.1f}" height="12" rx="6"'
                    f' style="fill:var(--flow);fill-opacity:.38" data-tip="{escape(tip, quote=True)}"/>')  # fmt: skip
            svg.circle(f.px(mid[i]), y, 5.5, "fill:var(--flow)", tip=tip)
        return str(svg)

    shown = ["scenario", "mean", "stderr", "q05", "q50", "q95", "draws", "unit"]
    return Figure(
        f"bands-{quantity.lower()}".replace("_", "-"), title, caption, "Study: draws of all unknowns at once.",
        "estimated", draw, table[shown].round(4).reset_index(drop=True),
        legend=[("var(--flow)", "dot", "Middle of the draws"), ("var(--flow)", "wash", "5 to 95%")],
    )  # fmt: skip
