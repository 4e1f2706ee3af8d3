"""The five small figures of the first page."""

from __future__ import annotations

import numpy as np

from gridrush.report.figures.mining import peak_month, window
from gridrush.report.figures.money import PARTY_NAMES, SHOWN, difference
from gridrush.report.figures.risk import telling
from gridrush.report.svg import Scale, Svg, bounds, frame, text_width
from gridrush.report.view import View, annual, mining_months, row_of, system_risk
from gridrush.report.words import interval, month_name, rough, signed, with_unit

WIDTH, HEIGHT = 330, 168


def load(view: View) -> str:
    """The mining band with its peak month."""
    table = mining_months(view.main)
    if "best" not in table or not len(table):
        return ""
    peak = peak_month(table, f"{view.study.case.as_of:%Y-%m}")
    row, table = row_of(table, peak), window(table, view.study.case.as_of.year)
    svg = Svg(WIDTH, HEIGHT, f"Mining load by month; {month_name(peak)}: {interval(row['low'], row['high'], 'MW')}")
    x = np.arange(len(table))
    f = frame(svg, (0, len(x) - 1), bounds(table["high"]), left=6, right=6, top=30, bottom=22)
    svg.band(f.x(x), f.y(table["low"]), f.y(table["high"]), "fill:var(--miners)", "wash")
    svg.polyline(f.x(x), f.y(table["best"]), "stroke:var(--miners);stroke-width:2.2")
    svg.line(f.left, f.bottom, f.right, f.bottom, "axis")
    at = list(table.index).index(peak)
    px, right = f.px(at), at < len(x) * 0.55
    svg.line(px, f.py(row["low"]), px, f.py(row["high"]), "", "stroke:var(--ink);stroke-width:1.6")
    svg.circle(px, f.py(row["best"]), 4, "fill:var(--miners);stroke:var(--paper);stroke-width:1.5")
    label = f"{with_unit(row['best'], 'MW')}, {month_name(peak)}"
    svg.text(px + (7 if right else -7), 15, label, "strong", "start" if right else "end")
    _span(svg, str(table.index[0])[:4], str(table.index[-1])[:4])
    return str(svg)


def breaks(view: View) -> str:
    """Hours short by year with error bars."""
    risk = system_risk(view.main)
    if not len(risk):
        return ""
    mean, err = risk["LOLE_h"].to_numpy(), 1.96 * risk["LOLE_h_stderr"].to_numpy()
    years = [int(y) for y in risk.index]
    worst = int(np.argmax(mean))
    svg = Svg(WIDTH, HEIGHT, f"Hours short of power by year; worst {years[worst]}: {rough(mean[worst], 'h')}")
    scale = Scale.of(mean, telling(view, risk["LOLE_h"]), least=0.1)
    f = frame(svg, (years[0] - 0.5, years[-1] + 0.5), scale.bounds(mean + err), left=6, right=6, top=30, bottom=22)
    tops, lows, highs = (f.y(scale(v)) for v in (mean, np.maximum(mean - err, 0.0), mean + err))
    w = (f.right - f.left) / (years[-1] - years[0] + 1) * 0.72
    for i, v in enumerate(mean):
        tone = "var(--alarm)" if years[i] in (view.focus, years[worst]) else "var(--alarm-pale)"
        svg.rect(f.px(years[i]) - w / 2, tops[i], w, f.bottom - tops[i], f"fill:{tone}")
        if v > 0:
            svg.line(f.px(years[i]), lows[i], f.px(years[i]), highs[i], "", "stroke:var(--ink);stroke-width:1")
        if scale.least and years[i] in (view.focus, years[worst]):
            _beside(svg, f.px(years[i]), highs[i] - 6, f"{rough(v, 'h')}, {years[i]}")
    svg.line(f.left, f.bottom, f.right, f.bottom, "axis")
    if scale.least:
        svg.text(WIDTH / 2, HEIGHT - 6, "each step of height: tenfold", "muted small", "middle")
    else:
        _beside(svg, f.px(years[worst]), 16, f"{rough(mean[worst], 'h')} in {years[worst]}")
    _span(svg, str(years[0]), str(years[-1]))
    return str(svg)


def _beside(svg: Svg, x: float, y: float, label: str) -> None:
    """A label over a bar, kept inside the drawing."""
    half = text_width(label) / 2
    svg.text(min(max(x, half + 6), WIDTH - half - 6), max(y, 12), label, "strong halo", "middle")


def closes(view: View) -> str:
    """First year of each remedy, earliest to latest."""
    table = view.remedies
    if not len(table):
        return ""
    rows = table.head(6).copy()
    last = table.iloc[-1]
    if last["remedy"] not in set(rows["remedy"]):
        rows.loc[len(rows) - 1] = last
    svg = Svg(WIDTH, HEIGHT, "First year of service of each remedy")
    lo, hi = float(rows["first_year_low"].min()), float(min(rows["first_year_high"].max(), view.years[-1] + 4))
    f = frame(svg, (lo, max(hi, lo + 1)), (0, 1), left=132, right=12, top=6, bottom=22)
    step = (f.bottom - f.top) / len(rows)
    for i, r in rows.iterrows():
        y = f.top + step * (int(str(i)) + 0.5)
        svg.text(f.left - 10, y + 4, _cut(str(r["remedy"]), 20), "small", "end")
        a, b = f.px(float(r["first_year_low"])), f.px(min(float(r["first_year_high"]), hi))
        svg.line(f.left, y, f.right, y, "grid")
        svg.line(a, y, max(b, a + 1), y, "", "stroke:var(--flow);stroke-width:6;stroke-linecap:round;stroke-opacity:.4")
        svg.circle(f.px(min(float(r["first_year_best"]), hi)), y, 4, "fill:var(--flow)")
    svg.text(f.left, HEIGHT - 6, f"{lo:.0f}", "muted small", "middle")
    svg.text(f.right, HEIGHT - 6, f"{hi:.0f}", "muted small", "end")
    return str(svg)


def pays(view: View) -> str:
    """Gain or loss of each party over all years."""
    if not len(view.main.ledger):
        return ""
    total = difference(view, view.main)[list(SHOWN)].sum()
    svg = Svg(
        WIDTH,
        HEIGHT,
        "Gain or loss by party: " + "; ".join(f"{PARTY_NAMES[p]} {signed(float(total[p]), 'USD')}" for p in SHOWN),
    )
    bound = float(total.abs().max()) or 1.0
    step, left = (HEIGHT - 12) / len(SHOWN), 128
    lo, hi = min(float(total.min()), 0.0), max(float(total.max()), 0.0)
    width = WIDTH - left - 8
    room = 84  # for the number beside the bar
    scale = (width - room * ((lo < 0) + (hi > 0))) / ((hi - lo) or bound)
    zero = left + (room if lo < 0 else 0) - lo * scale
    for i, party in enumerate(SHOWN):
        v, y = float(total[party]), 6 + step * i
        svg.text(left - 8, y + step / 2 + 4, PARTY_NAMES[party], "small", "end")
        tone = "var(--gain)" if v >= 0 else "var(--alarm)"
        svg.rect(zero + min(v * scale, 0), y + 5, max(abs(v * scale), 1.2), step - 10, f"fill:{tone}")
        svg.text(
            zero + v * scale + (5 if v >= 0 else -5),
            y + step / 2 + 4,
            signed(v, "USD", 2),
            "small strong",
            "start" if v >= 0 else "end",
        )
    svg.line(zero, 4, zero, HEIGHT - 6, "axis")
    return str(svg)


def leave(view: View) -> str:
    """Energy not served with the rush and without it."""
    other = view.without_rush
    with_rush, without = _short(view, True), _short(view, False)
    if other is None or with_rush is None or without is None:
        return ""
    years = list(with_rush)
    a, b = np.array(list(with_rush.values())), np.array([without.get(y, np.nan) for y in years])
    svg = Svg(WIDTH, HEIGHT, "Hours short of power by year, with the rush and without it")
    scale = Scale.of(np.r_[a, b], with_rush.get(view.focus, float(a.max())), least=0.1)
    f = frame(svg, (years[0], years[-1]), scale.bounds(np.r_[a, b]), left=6, right=6, top=34, bottom=22)
    svg.band(f.x(years), f.y(scale(b)), f.y(scale(a)), "fill:var(--miners)", "wash")
    svg.polyline(f.x(years), f.y(scale(a)), "stroke:var(--alarm);stroke-width:2.2")
    svg.polyline(f.x(years), f.y(scale(b)), "stroke:var(--load);stroke-width:2.2;stroke-dasharray:5 3")
    svg.line(f.left, f.bottom, f.right, f.bottom, "axis")
    if scale.least:
        svg.text(WIDTH / 2, HEIGHT - 6, "each step of height: tenfold", "muted small", "middle")
    svg.line(6, 12, 26, 12, "", "stroke:var(--alarm);stroke-width:2.2")
    svg.text(31, 16, _cut(view.main.scenario.title, 20), "small")
    svg.line(176, 12, 196, 12, "", "stroke:var(--load);stroke-width:2.2;stroke-dasharray:5 3")
    svg.text(201, 16, _cut(other.scenario.title, 20), "small")
    _span(svg, str(years[0]), str(years[-1]))
    return str(svg)


def _short(view: View, rush: bool) -> dict[int, float] | None:
    run = view.main if rush else view.without_rush
    if run is None:
        return None
    risk = system_risk(run)
    series = risk["LOLE_h"] if len(risk) else annual(run, "unserved_gwh")
    return {int(str(y)): float(v) for y, v in series.items()} or None


def _span(svg: Svg, first: str, last: str) -> None:
    svg.text(6, HEIGHT - 6, first, "muted small")
    svg.text(WIDTH - 6, HEIGHT - 6, last, "muted small", "end")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
