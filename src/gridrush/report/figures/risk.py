"""Risk of running short: by year and scenario."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridrush.report.figures.figure import WIDE, Figure, hover_data
from gridrush.report.svg import Frame, Scale, Svg, frame, text_width
from gridrush.report.view import View, system_risk
from gridrush.report.words import THIN, interval, number, rough, with_unit
from gridrush.study.run import Run

CLASSES = (0.1, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
"""Edges of the heat map's colour classes. [h/yr]"""
Z95 = 1.96
"""Half width of a 95% normal interval in standard errors."""


def long_table(view: View) -> pd.DataFrame:
    """Risk of every run and year in one table."""
    rows = []
    for run in view.study.runs.values():
        risk = system_risk(run)
        for year, r in risk.iterrows():
            rows.append({"scenario": run.name, "year": year} | {str(k): round(float(v), 3) for k, v in r.items()})
    return pd.DataFrame(rows)


def heat(view: View) -> Figure | None:
    """Hours short of power by scenario and year, as a table of coloured cells."""
    runs = [r for r in view.study.runs.values() if len(system_risk(r))]
    if not runs:
        return None
    years = sorted({int(y) for r in runs for y in system_risk(r).index})
    cells = {r.name: system_risk(r)["LOLE_h"].reindex(years) for r in runs}
    last = years[-1]
    end = {r.name: float(cells[r.name].iloc[-1]) for r in runs if np.isfinite(cells[r.name].iloc[-1])}
    title = "Expected hours short of power, by scenario and year"
    caption = "The stronger the colour, the worse."
    if len(end) > 1:
        best, worst = min(end, key=lambda k: end[k]), max(end, key=lambda k: end[k])
        names = {r.name: r.scenario.title for r in runs}
        if end[worst] < 0.5:
            title = f"By {last} hardly an hour is short in any scenario"
        elif number(end[best], 2) != number(end[worst], 2):
            title = (
                f"By {last} the scenarios range from {number(end[best], 2)} to {number(end[worst], 2)} hours "
                "short a year"
            )
            caption = (
                f"In {last} “{names[best]}” has the lowest risk and “{names[worst]}” the highest. "
                "The stronger the colour, the worse."
            )
        else:
            title = f"By {last} every scenario is short in about {number(end[best], 2)} hours a year"

    def draw(width: int) -> str:
        wide = width >= WIDE
        names = [r.scenario.title for r in runs]
        left = min(max(text_width(n, 13) for n in names) + 14, 210 if wide else 112)
        row, top = (30 if wide else 34), 26
        svg = Svg(width, top + row * len(runs) + 8, title)
        shown = years if wide or len(years) <= 9 else [y for i, y in enumerate(years) if i % (len(years) // 8 + 1) == 0]
        cell = (width - left - 6) / len(shown)
        for j, year in enumerate(shown):
            if cell > 22 or j % 2 == 0:
                label = str(year) if cell > 34 else f"’{year % 100:02d}"
                svg.text(left + cell * (j + 0.5), top - 8, label, "muted", "middle")
        for i, run in enumerate(runs):
            y = top + row * i
            limit = int((left - 8) / 6.4)
            name = run.scenario.title
            svg.text(
                left - 8,
                y + row / 2 + 4,
                name if len(name) <= limit else name[: limit - 1] + "…",
                "strong" if i == 0 else "",
                "end",
            )
            for j, year in enumerate(shown):
                v = float(cells[run.name][year])
                if not np.isfinite(v):
                    continue
                level = int(np.searchsorted(CLASSES, v))
                tip = f"{run.scenario.title}, {year}: {with_unit(v, 'h', 3)} short"
                svg.rect(left + cell * j + 0.75, y + 1, cell - 1.5, row - 2, "", f"heat h{level}", tip)
                if cell >= 20:
                    text = number(v, 2) if v < 1000 else f"{v / 1000:.0f}k"
                    text = "0" if v < 0.05 else (f"{v:.1f}" if v < 1 else f"{v:.0f}" if v < 1000 else text)
                    svg.text(left + cell * (j + 0.5), y + row / 2 + 4, text, f"cell t{level}", "middle")
        return str(svg)

    edges = [0.0, *CLASSES]
    legend = [(f"var(--heat{i})", "box", f"{number(a)}–{number(b)}" if b else f"over {number(a)}")
              for i, (a, b) in enumerate(zip(edges, [*CLASSES, None], strict=True))]  # fmt: skip
    legend[-1] = (legend[-1][0], "box", legend[-1][2] + f"{THIN}h")
    return Figure(
        "risk", title, caption, _source(view.main),
        "estimated", draw, long_table(view), legend=legend,
        tables=("units", "technologies"),
    )  # fmt: skip


def lines(view: View) -> Figure | None:
    """Hours short in the main scenario with error bars, against no rush."""
    risk = system_risk(view.main)
    if not len(risk):
        return None
    years = [int(y) for y in risk.index]
    mean, half = risk["LOLE_h"].to_numpy(), Z95 * risk["LOLE_h_stderr"].to_numpy()
    low, high = np.maximum(mean - half, 0), mean + half
    other = system_risk(view.without_rush)["LOLE_h"].reindex(years) if view.without_rush else None
    worst = int(np.argmax(mean))
    title = f"Risk is highest in {years[worst]}: {interval(low[worst], high[worst], 'h', 2)} short"
    caption = "Expected hours in a year in which some load cannot be met, with the 95% sampling interval."
    scale = Scale.of(mean, telling(view, risk["LOLE_h"]), least=0.1)
    if other is not None and np.isfinite(other.iloc[worst]):
        caption += f" Without the rush that year would have had {rough(float(other.iloc[worst]), 'h')}."
    caption += scale.note

    def draw(width: int) -> str:
        wide = width >= WIDE
        svg = Svg(width, 310 if wide else 270, title)
        f = frame(
            svg,
            (years[0] - 0.5, years[-1] + 0.5),
            scale.bounds([*high, *(other if other is not None else [])]),
            left=52,
            right=10,
        )
        f.y_axis("hours a year", scale=scale)
        f.year_axis(years)
        x = f.x(years)
        if other is not None:
            svg.polyline(x, f.y(scale(other)), "stroke:var(--load);stroke-width:2;stroke-dasharray:5 3")
        svg.polyline(x, f.y(scale(mean)), "stroke:var(--alarm);stroke-width:2.2")
        ends = f.y(scale(np.stack([low, mean, high])))
        for i, at in enumerate(x):
            svg.line(at, ends[0, i], at, ends[2, i], "", "stroke:var(--alarm);stroke-width:1.4")
            svg.circle(at, ends[1, i], 3.2, "fill:var(--alarm)")
        f.hover(x)
        return str(svg)

    out = risk.round(3).rename_axis("year").reset_index()
    rows = [
        ("Mean", "var(--alarm)", mean.tolist()),
        ("Low", "var(--alarm)", low.tolist()),
        ("High", "var(--alarm)", high.tolist()),
    ]
    legend = [("var(--alarm)", "line", view.main.scenario.title)]
    if other is not None and view.without_rush:
        rows.append((view.without_rush.scenario.title, "var(--load)", other.tolist()))
        legend.append(("var(--load)", "dash", view.without_rush.scenario.title))
        out["LOLE_h without the rush"] = other.round(3).to_numpy()
    return Figure(
        "risk-main", title, caption, _source(view.main),
        "estimated", draw, out, hover_data([str(y) for y in years], "h", rows), legend,
        tables=("units", "technologies", "outages"),
    )  # fmt: skip


def multiples(view: View) -> Figure | None:
    """Energy not served by year, one small chart for each scenario, all to the same scale."""
    runs = [r for r in view.study.runs.values() if len(system_risk(r))]
    if len(runs) < 2:
        return None
    series = {r.name: system_risk(r)["EUE_mwh"] / 1000 for r in runs}
    sums = {r.name: float(series[r.name].sum()) for r in runs}
    best = min(runs, key=lambda r: sums[r.name])
    title = f"Energy not served is lowest under “{best.scenario.title}”"
    if best is view.main:
        title = "No other scenario leaves less energy unserved than the main one"
    caption = (
        "Expected energy not served in GWh a year, all charts to one scale; the pale shape behind is the main scenario."
    )
    base = series[view.main.name]
    every = [v for s in series.values() for v in s]
    scale = Scale.of(every, telling(view, base), least=0.01)
    top = scale.bounds(every, count=2)[1]
    caption += scale.note

    def draw(width: int) -> str:
        columns = 3 if width >= WIDE else 2
        gap, tall = 22, 118
        w = (width - gap * (columns - 1)) / columns
        rows = -(-len(runs) // columns)
        svg = Svg(width, rows * (tall + 20), title)
        for i, run in enumerate(runs):
            box = (i % columns * (w + gap), i // columns * (tall + 20), w, tall)
            _small(svg, run, series[run.name], base, box, top, scale)
        return str(svg)

    table = pd.DataFrame({"year": base.index}).set_index("year")
    for run in runs:
        table[f"{run.name} [GWh]"] = series[run.name].round(3)
        table[f"{run.name} stderr [GWh]"] = (system_risk(run)["EUE_mwh_stderr"] / 1000).round(3)
    return Figure(
        "energy-not-served", title, caption, _source(view.main), "estimated",
        draw, table.reset_index(), tables=("units", "technologies"),
    )  # fmt: skip


def telling(view: View, by_year: pd.Series[float]) -> float:
    """Value of the year the story is about: it must still be seen beside the largest."""
    return float(by_year.get(view.focus, by_year.max() if len(by_year) else 0.0))


def _source(run: Run) -> str:
    count = run.risk.attrs.get("samples")
    many = f"{number(float(count), 9)} possible" if count else "possible"
    return f"Model: Monte Carlo over {many} years of weather and breakdowns, for each year and scenario."


def _small(
    svg: Svg,
    run: Run,
    values: pd.Series[float],
    base: pd.Series[float],
    box: tuple[float, float, float, float],
    top: float,
    scale: Scale,
) -> None:
    x0, y0, w, h = box
    years = [int(y) for y in values.index]
    f = Frame(svg, x0 + (46 if scale.least else 34), y0 + 26, x0 + w, y0 + h - 14, years[0], years[-1], 0.0, top)
    name, limit = run.scenario.title, int(w / 6.8)
    svg.text(x0, y0 + 13, name if len(name) <= limit else name[: limit - 1] + "…", "strong")
    for height, value in scale.ticks(top, count=2):
        svg.line(f.left, f.py(height), f.right, f.py(height), "axis" if height == 0 else "grid")
        svg.text(f.left - 5, f.py(height) + 4, number(value), "muted small", "end")
    behind = f.y(scale(base.to_numpy()))
    svg.band(f.x(base.index.to_numpy()), np.full(len(base), f.bottom), behind, "fill:var(--load)", "wash")
    svg.polyline(f.x(years), f.y(scale(values.to_numpy())), "stroke:var(--alarm);stroke-width:2")
    svg.text(f.left, f.bottom + 14, str(years[0]), "muted small")
    svg.text(f.right, f.bottom + 14, str(years[-1]), "muted small", "end")
