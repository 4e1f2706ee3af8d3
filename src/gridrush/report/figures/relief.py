"""When each remedy arrives, against the years of shortage; and what was claimed, against what is found."""

from __future__ import annotations

import math
from html import escape

import numpy as np
import pandas as pd

from gridrush.report.figures.figure import WIDE, Figure
from gridrush.report.figures.risk import telling
from gridrush.report.svg import Scale, Svg, frame, text_width, ticks
from gridrush.report.view import View, system_risk
from gridrush.report.words import interval, number, shown_unit, when, with_unit


def timeline(view: View) -> Figure | None:
    """One bar per remedy from its earliest to its latest start, over the shortage by year."""
    rows = view.remedies
    if not len(rows):
        return None
    risk = system_risk(view.main)
    years = view.years
    first = float(min(years[0], rows["first_year_low"].min())) if len(rows) else float(years[0])
    end = max(float(years[-1]), min(float(rows["first_year_high"].max()), years[-1] + 6.0)) + 1
    soon, late = rows.iloc[0], rows.iloc[-1]
    title = (
        f"“{soon['remedy']}” helps from {when(_num(soon['first_year_best']))}; “{late['remedy']}” not before "
        f"{when(_num(late['first_year_low']))}"
    )
    caption = (
        "Each bar runs from the earliest to the latest likely first year of service, by the record of delays; the "
        "dot is the best "
        "guess. Below, in red: the energy expected to go unserved in each year of the main scenario, to the same years."
    )
    short = risk["EUE_mwh"] / 1000 if len(risk) else pd.Series(dtype=float)
    scale = Scale.of(short.to_numpy(), telling(view, short), least=0.01)
    if scale.least:
        caption += " The bars grow by one step for each tenfold."

    def draw(width: int) -> str:
        wide = width >= WIDE
        step = 32 if wide else 46
        left = 220 if wide else 12
        chart, base = step * len(rows), 84
        svg = Svg(width, 30 + chart + base + 30, title)
        f = frame(svg, (first, end), (0, 1), left=left, right=54, top=26, bottom=base + 30)
        for t in ticks(first, end, count=7 if wide else 4):
            svg.line(f.px(t), f.top, f.px(t), f.bottom + base, "grid")
            svg.text(f.px(t), f.top - 8, f"{t:.0f}", "muted", "middle")
        now = view.study.case.as_of.year + view.study.case.as_of.month / 12
        if first < now < end:
            svg.line(f.px(now), f.top, f.px(now), f.bottom + base, "mark")
        for i, r in rows.iterrows():
            y = f.top + step * int(str(i)) + step / 2 + (0 if wide else 8)
            low, best, high = (float(r[f"first_year_{k}"]) for k in ("low", "best", "high"))
            name = str(r["remedy"])
            if wide:
                svg.text(left - 12, y + 4, name if len(name) < 32 else name[:30] + "…", "", "end")
            else:
                svg.text(left, y - 12, name, "small halo")
            tone = f"var(--kind-{_kind(r['kind'])})"
            tip = (
                f"{name}: {when(best)} (from {when(low)} to {when(high)}), "
                f"{with_unit(_num(r['power_mw']), 'MW')}. {r['why']}"
            )
            x1, x2 = f.px(max(low, first)), f.px(min(high, end))
            svg.add(
                f'<rect x="{x1:.1f}" y="{y - 6:.1f}" width="{max(x2 - x1, 3):.1f}" height="12" rx="6"'
                f' style="fill:{tone};fill-opacity:.38" data-tip="{escape(tip, quote=True)}"/>'
            )
            if best <= end:
                svg.circle(f.px(best), y, 6, f"fill:{tone}", tip=tip)
            if wide and math.isfinite(_num(r["power_mw"])):
                label = with_unit(_num(r["power_mw"]), "MW")
                right = x2 + 8 + text_width(label) < width
                svg.text(x2 + 8 if right else x1 - 8, y + 4, label, "muted", "start" if right else "end")
        if len(risk):
            heights = scale(short.to_numpy())
            top = scale.bounds(short.to_numpy())[1]
            w = (f.px(first + 1) - f.px(first)) * 0.8
            for year, v, up in zip((int(y) for y in short.index), short.tolist(), heights.tolist(), strict=True):
                h = up / top * (base - 22)
                x = f.px(year + 0.5)
                svg.rect(
                    x - w / 2,
                    f.bottom + base - h,
                    w,
                    h,
                    "fill:var(--alarm)",
                    tip=f"{year}: {with_unit(float(v), 'GWh')} unserved",
                )
            svg.line(f.left, f.bottom + base, f.right, f.bottom + base, "axis")
            worst = int(short.index[int(np.argmax(short.to_numpy()))])
            svg.text(
                f.left if not wide else left - 12,
                f.bottom + (14 if not wide else base - 6),
                "Unserved energy",
                "alarm",
                "end" if wide else "start",
            )
            svg.text(
                f.px(worst + 0.5),
                f.bottom + 16,
                f"{number(float(short.max()), 2)} GWh",
                "alarm strong small",
                "middle",
            )
        for t in ticks(first, end, count=7 if wide else 4):
            svg.text(f.px(t), f.bottom + base + 17, f"{t:.0f}", "muted", "middle")
        return str(svg)

    kinds = list(dict.fromkeys(_kind(k) for k in rows["kind"]))
    words = {"policy": "Policy", "trade": "Import or contract", "plant": "Plant", "line": "Line", "other": "Other"}
    return Figure(
        "relief", title, caption, "Model; delays from the case's table of projects.", "estimated", draw,
        view.study.relief, legend=[(f"var(--kind-{k})", "dot", words[k]) for k in kinds],
        tables=("projects", "announcements"),
    )  # fmt: skip


def claim_mark(row: pd.Series[float]) -> str:
    """A small drawing: the claimed value against the interval found. Empty where either is missing."""
    value, low, best, high = (_num(row[k]) for k in ("value", "low", "best", "high"))
    if not (math.isfinite(value) and math.isfinite(best)):
        return ""
    low, high = (low, high) if math.isfinite(low) and math.isfinite(high) else (best, best)
    lo, hi = min(value, low), max(value, high)
    pad = (hi - lo) * 0.12 or abs(hi) * 0.1 or 1.0
    unit = shown_unit(str(row["unit"]), low, best, high)
    svg = Svg(220, 30, f"Claimed {with_unit(value, unit)}; found {with_unit(best, unit)}, {interval(low, high, unit)}")
    f = frame(svg, (lo - pad, hi + pad), (0, 1), left=8, right=8, top=0, bottom=0)
    svg.line(f.left, 15, f.right, 15, "grid")
    svg.add(
        f'<rect x="{f.px(low):.1f}" y="10" width="{max(f.px(high) - f.px(low), 2):.1f}" height="10" rx="5"'
        f' style="fill:var(--flow);fill-opacity:.4"/>'
    )
    svg.circle(f.px(best), 15, 5, "fill:var(--flow)")
    x = f.px(value)
    svg.add(f'<path d="M{x:.1f},8l7,7l-7,7l-7,-7z" class="said"/>')
    return str(svg)


def _kind(kind: object) -> str:
    text = str(kind).lower()
    known = {
        "policy": "policy",
        "lever": "policy",
        "trade": "trade",
        "import": "trade",
        "plant": "plant",
        "project": "plant",
        "line": "line",
    }
    return next((v for k, v in known.items() if k in text), "other")


def _num(value: object) -> float:
    try:
        return float(np.float64(str(value))) if value is not None else float("nan")
    except ValueError:
        return float("nan")
