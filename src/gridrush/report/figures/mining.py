"""How much mining load there is: the interval by month, what officials said, registered and not."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from gridrush.report.figures.figure import WIDE, Figure, hover_data
from gridrush.report.svg import Svg, bounds, frame, spread
from gridrush.report.view import View, mining_months, row_of
from gridrush.report.words import day_name, month_name, ranged, with_unit

_ABOUT_MINING = re.compile(r"\b(bans?|banned|min(?:er|ing)s?|hash|farm)", re.IGNORECASE)


def peak_month(table: pd.DataFrame, last: str) -> str:
    """Month of the highest best estimate up to `last`."""
    known = table.loc[table.index <= last]
    return str((known if len(known) else table)["best"].idxmax())


def window(table: pd.DataFrame, known: int) -> pd.DataFrame:
    """The months of the record and one year more: a long future would press the rush into a corner."""
    part = table.loc[table.index < f"{known + 2}"]
    return part if len(part) > 12 else table


def size(view: View) -> Figure | None:
    """Low, best and high MW by month with the statements of officials on the total, and dated events."""
    table = mining_months(view.main)
    if "best" not in table or not len(table):
        return None
    case = view.study.case
    as_of = f"{case.as_of:%Y-%m}"
    peak = peak_month(table, as_of)
    row = row_of(table, peak)
    title = f"Miners wanted {ranged(row['best'], row['low'], row['high'], 'MW')} in {month_name(peak)}"
    caption = (
        "The band is the 5 to 95% interval: nobody has metered every farm. Diamonds are what people in office or "
        "in the industry "
        "said the total was. Later months are in the table."
    )
    shown = window(table, case.as_of.year)
    dates = [_mid(m) for m in shown.index]
    events = [e for e in case.events if _ABOUT_MINING.search(e.event) and len(e.on) >= 7]
    events = [e for e in events if dates[0] <= _when(e.on) <= dates[-1]][:8]
    said = [s for s in case.statements if s.quantity == "total_mw"]

    def draw(width: int) -> str:
        wide = width >= WIDE
        svg = Svg(width, 380 if wide else 310, title)
        f = frame(svg, (dates[0], dates[-1]), bounds(shown["high"]), left=52, right=12, top=58)
        f.y_axis("MW")
        x = f.x(dates)
        years = sorted({int(m[:4]) for m in shown.index})
        f.year_axis(years, half=0.5 if len(years) < 12 else 0.0)
        heads = spread([f.px(_when(e.on)) for e in events], 20, f.left + 8, f.right - 8)
        for i, (e, head) in enumerate(zip(events, heads, strict=True)):
            at = f.px(_when(e.on))
            svg.add(f'<path d="M{head:.1f},24L{at:.1f},{f.top - 6:g}V{f.bottom:g}" class="mark" fill="none"/>')
            svg.circle(head, 16, 8.5, "fill:var(--ink)", tip=f"{e.on}: {e.event}")
            svg.text(head, 19.8, str(i + 1), "small knock", "middle")
        svg.band(x, f.y(shown["low"]), f.y(shown["high"]), "fill:var(--miners)", "wash")
        svg.polyline(x, f.y(shown["best"]), "stroke:var(--miners);stroke-width:2.4")
        for s in said:
            a, y = f.px(_when(f"{s.on:%Y-%m-%d}")), f.py(s.value)
            if s.low is not None and s.high is not None:
                svg.line(a, f.py(s.low), a, f.py(s.high), "axis")
            svg.add(
                f'<path d="M{a:.1f},{y - 6:.1f}l6,6l-6,6l-6,-6z" class="said"'
                f' data-tip="{_attr(s.who, s.on, s.value)}"/>'
            )
        f.hover(x)
        return str(svg)

    out = table.round(1).rename_axis("month").reset_index()
    out.columns = ["month", *[f"{c} [MW]" for c in table.columns]]
    rows = [(w, "var(--miners)", shown[k].tolist()) for k, w in (("high", "High"), ("best", "Best"), ("low", "Low"))]
    notes = [f"{e.on}: {e.event}" for e in events]
    legend = [("var(--miners)", "line", "Best estimate"), ("var(--miners)", "wash", "5 to 95% interval")]
    legend += [("var(--ink)", "diamond", "Stated by officials or the industry")] if said else []
    sources = _titles(
        view, {s.source for s in said} | {n.source for n in case.atlas[:1]} | {n.source for n in case.network[:1]}
    )
    return Figure(
        "mining", title, caption, "Model census from: "
        f"{sources}." if sources else "Model census.", "estimated", draw, out,
        hover_data([month_name(m) for m in shown.index], "MW", rows), legend, notes,
        tables=("network", "atlas", "statements"),
    )  # fmt: skip


def status(view: View) -> Figure | None:
    """Registered and unregistered MW by month, with what was said of each."""
    table = mining_months(view.main)
    if "registered" not in table or "unregistered" not in table:
        return None
    whole = table
    total = (table["registered"] + table["unregistered"]).to_numpy()
    busy = np.flatnonzero(total > 0.05 * total.max())
    table = table.iloc[: busy[-1] + 13] if busy.size else table  # until a year after nearly all have left
    case = view.study.case
    known = table.loc[table.index <= f"{case.as_of:%Y-%m}"]
    at = str((known if len(known) else table).sum(axis=1).idxmax())
    reg, unreg = (row_of(table, at)[k] for k in ("registered", "unregistered"))
    ratio = unreg / reg if reg > 0 else float("inf")
    if ratio > 1.15:
        title = f"More miners were unregistered than registered: {ratio:.1f} to 1 in {month_name(at)}"
    elif ratio < 0.87:
        title = f"More miners were registered than not: {1 / max(ratio, 1e-9):.1f} to 1 in {month_name(at)}"
    else:
        title = f"About as many miners were unregistered as registered in {month_name(at)}"
    said = [s for s in case.statements if s.quantity in ("registered_mw", "unregistered_mw")]
    words = {"registered_mw": "registered", "unregistered_mw": "unregistered"}
    spoken = [f"{s.who} on {day_name(s.on)}: {with_unit(s.value, 'MW')} {words[s.quantity]}" for s in said]
    caption = (
        f"Best estimate of load wanted from the public grid: {with_unit(reg, 'MW')} registered and "
        f"{with_unit(unreg, 'MW')} "
        f"unregistered in {month_name(at)}. Registered miners can be told to stop; unregistered ones cannot."
    )
    if len(table) < len(whole):
        caption += " The chart ends a year after nearly all have left; the table goes on."
    dates = [_mid(m) for m in table.index]
    parts = (("registered", "var(--registered)"), ("unregistered", "var(--hidden)"))

    def draw(width: int) -> str:
        wide = width >= WIDE
        svg = Svg(width, 300 if wide else 260, title)
        values = [float(s.value) for s in said]
        f = frame(
            svg,
            (dates[0], dates[-1]),
            bounds([*table["registered"], *table["unregistered"], *values]),
            left=52,
            right=12,
        )
        f.y_axis("MW")
        x = f.x(dates)
        years = sorted({int(m[:4]) for m in table.index})
        f.year_axis(years, half=0.5 if len(years) < 12 else 0.0)
        for name, tone in parts:
            at_y = f.y(table[name].to_numpy())
            svg.band(x, np.full(len(x), f.bottom), at_y, f"fill:{tone}", "wash")
            svg.polyline(x, at_y, f"stroke:{tone};stroke-width:2.4")
        for s in said:
            a, y = f.px(_when(f"{s.on:%Y-%m-%d}")), f.py(s.value)
            tone = dict(parts)[words[s.quantity]]
            svg.add(
                f'<path d="M{a:.1f},{y - 6:.1f}l6,6l-6,6l-6,-6z" class="said" style="fill:{tone};stroke:var(--ink)"'
                f' data-tip="{_attr(s.who, s.on, s.value)}"/>'
            )
        f.hover(x)
        return str(svg)

    rows = [(n.capitalize(), c, table[n].tolist()) for n, c in reversed(parts)]
    out = whole[["registered", "unregistered"]].round(1).rename_axis("month").reset_index()
    out.columns = ["month", "registered [MW]", "unregistered [MW]"]
    legend = [(c, "line", n.capitalize()) for n, c in parts]
    legend += [("var(--ink)", "diamond", "Statements (same colours)")] if said else []
    return Figure(
        "mining-status", title, caption, "Model census; statements: "
        f"{_titles(view, {s.source for s in said})}." if said else "Model census.",
        "estimated", draw, out, hover_data([month_name(m) for m in table.index], "MW", rows), legend, spoken,
        tables=("statements", "mining_zones"),
    )  # fmt: skip


def _mid(month: str) -> float:
    return int(month[:4]) + (int(month[5:7]) - 0.5) / 12


def _when(day: str) -> float:
    month = int(day[5:7]) if len(day) >= 7 else 7
    return int(day[:4]) + (month - 1 + (int(day[8:10]) / 31 if len(day) >= 10 else 0.5)) / 12


def _attr(who: str, on: object, value: float) -> str:
    from html import escape

    return escape(f"{who}, {on}: {with_unit(value, 'MW')}", quote=True)


def _titles(view: View, keys: set[str]) -> str:
    sources = view.study.case.sources
    names = sorted({sources[k].title for k in keys if k in sources})
    return "; ".join(names[:5]) + ("; and others" if len(names) > 5 else "")
