"""When shortage is likely, what it looks like hour by hour in the worst weeks, and the room for new load."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridrush.report.figures.figure import WIDE, Choice, Figure, hover_data
from gridrush.report.svg import Frame, Svg, bounds, frame, spread
from gridrush.report.view import View
from gridrush.report.words import DASH, DAYS, MONTHS, THIN, joined, number, rough, with_unit
from gridrush.study.gallery import WEEK_SAMPLES

HOURS = 8760
MINUTES = (0.1, 0.5, 1.0, 3.0, 6.0, 15.0, 30.0)
"""Edges of the colour classes: expected minutes short in that hour of the day, over the whole month."""


def calendar(view: View) -> Choice | None:
    """Risk by month and hour of day, a year to choose."""
    table = view.gallery.get("heat")
    if table is None:
        return None
    whole = table[table["zone"] == "system"]
    years = [int(y) for y in whole["year"].unique() if float(whole[whole["year"] == y]["lole_h"].sum()) > 0.05]
    options = [(str(y), _calendar(view, y, table)) for y in years]
    return Choice("calendar", "Year", options) if options else None


def _calendar(view: View, year: int, table: pd.DataFrame) -> Figure:
    rows = table[(table["year"] == year) & (table["zone"] == "system")]
    hours = rows.pivot_table(index="month", columns="hour", values="lole_h").to_numpy() * 60  # minutes
    total = float(hours.sum()) / 60
    by_month, by_hour = hours.sum(axis=1), hours.sum(axis=0)
    worst = np.argsort(-by_month)[:3]
    share = float(by_month[worst].sum() / hours.sum())
    run = np.array([np.roll(by_hour, -h)[:6].sum() for h in range(24)])
    start = int(np.argmax(run))
    named = joined(MONTHS[m] for m in sorted(worst.tolist()))
    title = f"{with_unit(share, 'share', 2)} of the risk of {year} falls in {named}"
    caption = (
        f"Expected minutes without enough power, for each hour of the day summed over the month; in all "
        f"{rough(total, 'h')} in {year}. The six worst hours of the day, {start:02d}:00 to {(start + 6) % 24:02d}:00 "
        f"local time, hold {with_unit(float(run[start] / hours.sum()), 'share', 2)} of it."
    )
    names = [m[:3] for m in MONTHS]

    def draw(width: int) -> str:
        wide = width >= WIDE
        left, top, row = 40, 26, 25 if wide else 22
        cell = (width - left - 4) / 24
        svg = Svg(width, top + 12 * row + 8, f"{year}. {title}")
        for h in range(0, 24, 3 if wide else 6):
            svg.text(left + cell * (h + 0.5), top - 8, f"{h:02d}:00" if wide else f"{h:02d}", "muted", "middle")
        for m in range(12):
            svg.text(left - 8, top + row * (m + 0.5) + 4, names[m], "muted", "end")
            for h in range(24):
                v = float(hours[m, h])
                level = int(np.searchsorted(MINUTES, v))
                tip = f"{MONTHS[m]} {year}, {h:02d}:00–{(h + 1) % 24:02d}:00: {rough(v, 'min')}"
                svg.rect(left + cell * h + 0.6, top + row * m + 0.6, cell - 1.2, row - 1.2, "", f"heat h{level}",
                         tip if v > 0 else "")  # fmt: skip
                if wide and v >= 0.95:
                    svg.text(left + cell * (h + 0.5), top + row * (m + 0.5) + 4, f"{v:.0f}", f"cell t{level}", "middle")
        return str(svg)

    data = rows.drop(columns=["year", "zone"]).rename(columns={
        "lole_h": "LOLE [h]", "lole_stderr_h": "LOLE stderr [h]", "eue_mwh": "EUE [MWh]",
        "eue_stderr_mwh": "EUE stderr [MWh]"}).reset_index(drop=True)  # fmt: skip
    for z in view.study.case.zone_names:
        part = table[(table["year"] == year) & (table["zone"] == z)]
        if len(part) == len(data):
            data[f"EUE in {z} [MWh]"] = part["eue_mwh"].to_numpy()
    data = data.round(4)
    edges = [0.0, *MINUTES]
    legend = [(f"var(--heat{i})", "box", f"{number(a)}{DASH}{number(b)}" if b else f"over {number(a)}{THIN}min")
              for i, (a, b) in enumerate(zip(edges, [*MINUTES, None], strict=True))]  # fmt: skip
    return Figure(
        f"calendar-{year}", title, caption,
        f"Model: Monte Carlo over weather and breakdowns of {year}, local time.", "estimated", draw, data,
        legend=legend, tables=("units", "technologies", "demand_shape"),
    )  # fmt: skip


def gallery(view: View) -> Figure | None:
    """The ten worst weeks of the Monte Carlo, one small chart each."""
    table = view.gallery.get("weeks")
    if table is None:
        return None
    weeks = [part.reset_index(drop=True) for _, part in table.groupby("rank")]
    lost = [float(w["short_mw"].sum()) for w in weeks]
    hours = [int((w["short_mw"] > 0.5).sum()) for w in weeks]
    deep = [float(w["short_mw"].max()) for w in weeks]
    months = [pd.Timestamp(str(w["time"].iloc[int(np.argmax(w["short_mw"]))])).month for w in weeks]
    title = (
        f"When it goes badly wrong, {with_unit(min(deep), 'MW', 2)} to {with_unit(max(deep), 'MW', 2)} are missing, "
        f"for {min(hours)} to {max(hours)} hours in the week"
    )
    common = max(set(months), key=lambda m: (months.count(m), -m))
    caption = (
        f"The {len(weeks)} worst events among {number(float(WEEK_SAMPLES), 9)} possible years {view.focus} of "
        "breakdowns, each in the seven days around it. Line: load wanted; red, under the line: load of homes and "
        "industry that could not be met; dashed: load without miners. All charts have one scale. "
        f"{months.count(common)} of the {len(weeks)} fall in {MONTHS[common - 1]}. Each is a bad year of the kind that "
        "comes once in a hundred or more, not a forecast."
    )
    high = 1.02 * max(float(w["wanted_mw"].max()) for w in weeks)
    low = 0.9 * min(float((w["wanted_mw"] - w["short_mw"]).min()) for w in weeks)
    low = min(low, 0.95 * min(float(w["without_miners_mw"].min()) for w in weeks))

    def draw(width: int) -> str:
        columns = 3 if width >= WIDE else 1
        gap, tall = 20, 128
        w = (width - gap * (columns - 1)) / columns
        svg = Svg(width, -(-len(weeks) // columns) * (tall + 16), title)
        for i, week in enumerate(weeks):
            x0, y0 = i % columns * (w + gap), i // columns * (tall + 16)
            f = Frame(svg, x0 + 42, y0 + 34, x0 + w, y0 + tall - 16, 0, len(week) - 1, low, high)
            time = pd.DatetimeIndex(week["time"])
            first = time[0]
            svg.text(x0, y0 + 12, f"{i + 1}. {first.day} {MONTHS[first.month - 1][:3]} {first.year}", "strong")
            svg.text(x0, y0 + 26, f"{number(lost[i] / 1e3, 2)}{THIN}GWh in {hours[i]}{THIN}h, up to "
                     f"{number(deep[i], 2)}{THIN}MW", "muted small")  # fmt: skip
            for v in (low, high):
                svg.line(f.left, f.py(v), f.right, f.py(v), "grid")
                words = number(v / 1e3, 2) + ("" if v == low else " GW")
                svg.text(f.left - 5, f.py(v) + 4, words, "muted small", "end")
            x = f.x(np.arange(len(week)))
            want, short = week["wanted_mw"].to_numpy(float), week["short_mw"].to_numpy(float)
            edges = np.flatnonzero(np.diff(np.r_[False, short > 0.5, False].astype(int))).reshape(-1, 2)
            for a, b in edges:
                at = slice(max(a - 1, 0), min(b + 1, len(x)))
                svg.band(x[at], f.y(np.maximum(want - short, low)[at]), f.y(want[at]), "fill:var(--alarm)")
            others = week["without_miners_mw"].to_numpy(float)
            svg.polyline(x[::2], f.y(others[::2]), "stroke:var(--miners);stroke-width:1.1;stroke-dasharray:4 2.5")
            svg.polyline(x, f.y(want), "stroke:var(--ink);stroke-width:1.3")
            for k in np.flatnonzero(time.hour == 0).tolist():
                if k + 12 < len(week):
                    svg.text(f.px(k + 12), f.bottom + 13, DAYS[time[k].dayofweek], "muted small", "middle")
        return str(svg)

    mw = [c for c in table if str(c).endswith("_mw")]
    data = table.astype(dict.fromkeys(mw, int)).rename(columns={
        "rank": "week", "time": "local time", "wanted_mw": "load wanted [MW]",
        "without_miners_mw": "without miners [MW]", "short_mw": "not met [MW]",
    } | {f"short_{z}_mw": f"not met, {z} [MW]" for z in view.study.case.zone_names})  # fmt: skip
    return Figure(
        "worst-weeks", title, caption,
        "Model: the hours of the worst sample years; registered miners are cut before any of this.", "estimated", draw,
        data, legend=[("var(--ink)", "line", "Load wanted"), ("var(--miners)", "dash", "Load without miners"),
                      ("var(--alarm)", "box", "Homes and industry not served")],
        tables=("units", "technologies", "demand_shape"),
    )  # fmt: skip


def headroom(view: View) -> Choice | None:
    """Room for new flat load by zone against the share of hours it lets itself be cut, a year to choose."""
    table = view.gallery.get("headroom")
    if table is None:
        return None
    years = [int(y) for y in table["year"].unique()]
    return Choice("headroom", "Year", [(str(y), _headroom(view, y, table[table["year"] == y])) for y in years])


def _headroom(view: View, year: int, table: pd.DataFrame) -> Figure:
    top = bounds(table["load_mw"])[1]
    wide_table = table.pivot_table(index="cut_share", columns="zone", values="load_mw")
    zones = [z for z in view.study.case.zone_names if z in wide_table]
    shares = wide_table.index.to_numpy(dtype=float)
    at = int(np.argmin(np.abs(shares - 0.01)))
    some = {z: float(wide_table[z].iloc[at]) for z in zones}
    tight = {z: float(wide_table[z].iloc[0]) for z in zones}
    best = max(zones, key=lambda z: some[z])
    least = wide_table.index[0]
    if some[best] < 1:
        title = f"In {year} no zone has room for new load, even if it lets itself be cut in 1% of hours"
    else:
        title = (
            f"In {year} {best} could take {with_unit(some[best], 'MW', 2)} of new load that lets itself be cut in 1% "
            f"of hours, {with_unit(tight[best], 'MW', 2)} if in hardly any"
        )
    caption = (
        "A new flat load that is served last, after everybody else, adds no risk to others. The curve says how large "
        "it may be in each zone if it accepts to be cut in so many hours of the year; 1% is 88 hours, the left end "
        f"{number(HOURS * least, 2)}. One zone at a time; imports on offer count as supply."
    )
    tones = {z: f"var(--line{i % 4})" for i, z in enumerate(zones)}

    def draw(width: int) -> str:
        svg = Svg(width, 300 if width >= WIDE else 270, f"{year}. {title}")
        f = frame(svg, (float(np.log(shares[0])), float(np.log(shares[-1]))), (0, top), left=58, right=72)
        f.y_axis("MW")
        shown = [s for s in (0.0005, 0.001, 0.01, 0.1, 0.2) if shares[0] <= s <= shares[-1]]
        last = -99.0
        for s in [*shown[1:], 0.0025, 0.05]:
            at = f.px(float(np.log(s)))
            svg.line(at, f.top, at, f.bottom, "grid faint")
        for s in sorted({*shown, 0.0025, 0.05, 0.02}):
            at = f.px(float(np.log(s)))
            if at - last > 52 or s == shares[0]:
                svg.text(at, f.bottom + 17, f"{number(100 * s)}%", "muted", "start" if s == shares[0] else "middle")
                last = at
        x = f.x(np.log(shares))
        ends = spread([f.py(float(wide_table[z].iloc[-1])) + 4 for z in zones], 15, f.top, f.bottom)
        for z, y in zip(zones, ends, strict=True):
            svg.polyline(x, f.y(wide_table[z].to_numpy(dtype=float)), f"stroke:{tones[z]};stroke-width:2.4")
            svg.text(f.right + 6, y, z, "strong")
        f.hover(x)
        return str(svg)

    data = wide_table[zones].round(1).reset_index()
    data.columns = pd.Index(["share of hours cut", *[f"{z} [MW]" for z in zones]])
    rows = [(z, tones[z], wide_table[z].tolist()) for z in zones]
    labels = [f"cut in {number(100 * s)}% of hours, {number(HOURS * s, 2)} h a year" for s in shares]
    return Figure(
        f"headroom-{year}", title, caption,
        f"Model hours of {year}, all sampled paths; share of hours on a logarithmic scale.", "estimated", draw, data,
        hover_data(labels, "MW", rows), [(tones[z], "line", z) for z in zones],
        tables=("units", "links", "ties"),
    )  # fmt: skip

