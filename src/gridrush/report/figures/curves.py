"""The hours of a year in order of size: load, price, and flow on the main line against its limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from gridrush.report.figures.figure import WIDE, Figure, hover_data
from gridrush.report.svg import Floats, Svg, bounds, frame
from gridrush.report.view import View
from gridrush.report.words import DASH, THIN, number, with_unit
from gridrush.study.run import Run

SHARES = np.unique(np.r_[np.arange(0, 1, 0.1), np.arange(1, 5, 0.5), np.arange(5, 100.5, 1)]) / 100
"""Points of a curve, closer where hours are few."""
HOURS_A_YEAR = 8760

Line = tuple[str, str, str, Floats]
"""Words, colour, mark (line or dash), the year's hours."""


def load(view: View) -> Figure | None:
    """National load of the focus year in order of size, beside the year before and a country without the rush."""
    lines = _compared(view, _load)
    if not lines:
        return None
    now = np.sort(lines[0][3])[::-1]
    words = f"{with_unit(float(now[0]), 'MW', 4)} at the top"
    title = f"In {view.focus} the load stood above {with_unit(float(now[HOURS_A_YEAR // 2]), 'MW')} half of the time"
    caption = (
        f"All hours of the year, the highest load on the left ({words}); the scale starts above zero. A curve that "
        "lies higher all along means "
        "more load day and night: miners run at a steady pull, so they lift the whole curve."
    )
    if len(lines) > 1:
        other = np.sort(lines[-1][3])[::-1]
        gap = float(np.median(now[: len(other)] - other[: len(now)]))
        if abs(gap) > 1:
            word = "above" if gap > 0 else "below"
            title = f"Hour for hour, the load of {view.focus} lay {with_unit(abs(gap), 'MW', 2)} {word} " + (
                "a country without the rush" if view.without_rush is not None else f"that of {view.focus - 1}"
            )
    return _curve(view, "load-duration", title, caption, "MW", lines, from_zero=False)


def price(view: View) -> Figure | None:
    """Price by zone in the focus year, in order of size."""
    ds = _year(view.main, view.focus)
    if ds is None or "price_usd_per_mwh" not in ds:
        return None
    zones = [str(z) for z in ds["zone"].values]
    tones = [f"var(--line{i % 4})" for i in range(len(zones))]
    lines = _merged([
        (z, tone, "line", ds["price_usd_per_mwh"].sel(zone=z).values.astype(float))
        for z, tone in zip(zones, tones, strict=True)
    ])  # fmt: skip
    middle = {z: float(np.median(v)) for z, _, _, v in lines}
    top = {z: float(np.quantile(v, 0.99)) for z, _, _, v in lines}
    dear, cheap = max(middle, key=lambda z: middle[z]), min(middle, key=lambda z: middle[z])
    peak = max(top, key=lambda z: top[z])
    if middle[dear] > 1.1 * middle[cheap]:
        title = (
            f"One more megawatt-hour costs {with_unit(middle[dear], 'USD', 2)} in {dear} in a middling hour, "
            f"{with_unit(middle[cheap], 'USD', 2)} in {cheap}"
        )
    else:
        title = f"One more megawatt-hour costs about {with_unit(middle[dear], 'USD', 2)} in a middling hour"
    caption = (
        "What one more megawatt-hour would cost the system in each hour, the dearest hours on the left. It is the cost "
        "of the last plant or import called, not a tariff. Where the curves part, the lines between the zones are "
        f"full. In the dearest 1% of hours it is {with_unit(top[peak], 'USD', 2)} or more in {peak}."
    )
    return _curve(view, "price-duration", title, caption, "USD per MWh", lines, cap=_cap(lines))


def line(view: View) -> Figure | None:
    """Flow on the most used line against its limit, in order of size."""
    link = view.main_link
    if link is None:
        return None
    lines = _compared(view, lambda ds: _flow(ds, link))
    limits = view.limit_mw(link, view.study.case.as_of) or (np.nan, np.nan)
    ends = view.ends(link)
    if not lines or ends is None or not np.isfinite(limits[0]) or limits[0] <= 0:
        return None
    limit = float(limits[0])
    name = f"{ends[0]}{DASH}{ends[1]}"
    full = [int((v >= 0.98 * limit).sum()) for *_, v in lines]
    title = f"The {name} line was full in {number(full[0], 9)} hours of {view.focus}"
    if len(lines) > 1 and lines[1][0].endswith(str(view.focus - 1)):
        title += f", in {number(full[1], 9)} of {view.focus - 1}"
    if not full[0]:
        used = with_unit(float(lines[0][3].max()) / limit, "share", 2)
        title = f"The {name} line carried at most {used} of its limit in {view.focus}"
    caption = (
        f"Flow from {ends[0]} to {ends[1]} in every hour, the fullest on the left; full means 98% of the limit or "
        "more. While the line is full, cheap power in one zone cannot help the other."
    )
    return _curve(view, "flow-duration", title, caption, "MW", lines, limit=limit)


def _year(run: Run, year: int) -> xr.Dataset | None:
    at = np.flatnonzero(pd.DatetimeIndex(run.hourly["time"].values).year == year)
    return run.hourly.isel(time=slice(int(at[0]), int(at[-1]) + 1)) if at.size else None


def _load(ds: xr.Dataset) -> Floats | None:
    if "load_mw" not in ds:
        return None
    extra = ds.get("registered_mw", 0.0)
    return np.asarray((ds["load_mw"] + extra).sum("zone").values, np.float64)


def _flow(ds: xr.Dataset, link: str) -> Floats | None:
    if "flow_mw" not in ds or link not in ds["link"].values:
        return None
    return np.asarray(ds["flow_mw"].sel(link=link).values, np.float64)


def _compared(view: View, of: Callable[[xr.Dataset], Floats | None]) -> list[Line]:
    """The focus year of the main run, the year before, and the focus year without the rush."""
    wanted = [
        (view.main, view.focus, view.main.scenario.title, "var(--alarm)", "line"),
        (view.main, view.focus - 1, view.main.scenario.title, "var(--load)", "line"),
    ]
    if (other := view.without_rush) is not None:
        wanted.append((other, view.focus, other.scenario.title, "var(--flow)", "dash"))
    out: list[Line] = []
    for run, year, words, tone, mark in wanted:
        ds = _year(run, year)
        values = None if ds is None else of(ds)
        if values is not None and values.size > WIDE:
            out.append((f"{words}, {year}", tone, mark, values))
    return out if out and out[0][0].endswith(str(view.focus)) else []


def _merged(lines: Sequence[Line]) -> list[Line]:
    """Zones whose hours hardly differ are one line."""
    out: list[Line] = []
    for name, tone, mark, values in lines:
        same = [i for i, x in enumerate(out) if float(np.abs(x[3] - values).mean()) < 0.02 * float(values.mean())]
        if same:
            i = same[0]
            out[i] = (f"{out[i][0]} and {name}", *out[i][1:])
        else:
            out.append((name, tone, mark, values))
    return out


def _cap(lines: Sequence[Line]) -> float | None:
    """Top of the axis where a few hours of shortage would press everything else flat."""
    every = np.concatenate([v for *_, v in lines])
    top, usual = float(every.max()), float(np.quantile(every, 0.995))
    return usual * 1.25 if usual > 0 and top > 2.5 * usual else None


def _curve(
    view: View, key: str, title: str, caption: str, unit: str, lines: Sequence[Line], *, limit: float | None = None,
    cap: float | None = None, from_zero: bool = True,
) -> Figure:  # fmt: skip
    at = [np.quantile(v, 1.0 - SHARES) for *_, v in lines]
    if cap is not None:
        caption += f" The few hours above {number(cap, 2)} are cut off in the drawing; the table has them."

    def draw(width: int) -> str:
        svg = Svg(width, 300 if width >= WIDE else 260, title)
        tall = np.concatenate([*at, [limit or 0.0]])
        low, high = bounds(np.minimum(tall, cap) if cap else tall)
        if not from_zero:
            least = float(min(v.min() for v in at))
            step = (high - low) / 4
            low = max(0.0, np.floor(least / step) * step)
        f = frame(svg, (0, 100), (float(low), high), left=58, right=14)
        f.y_axis(unit)
        for share in (0, 25, 50, 75, 100):
            hours = number(HOURS_A_YEAR * share / 100, 9)
            anchor = "start" if share == 0 else "end" if share == 100 else "middle"
            if width >= WIDE or share % 50 == 0:
                words = f"{hours}{THIN}h of the year" if share == 100 else f"{hours}{THIN}h"
                svg.text(f.px(share), f.bottom + 17, words, "muted", anchor)
        if low > 0:
            svg.line(f.left, f.bottom, f.right, f.bottom, "axis")
        for (_, tone, mark, _), y in zip(reversed(list(lines)), reversed(at), strict=True):
            dash = ";stroke-dasharray:5 3" if mark == "dash" else ""
            top = np.minimum(y, high)
            svg.polyline(f.x(100 * SHARES), f.y(top), f"stroke:{tone};stroke-width:2.2{dash}")
        if limit is not None:
            y0 = f.py(limit)
            svg.line(f.left, y0, f.right, y0, "limit")
            svg.text(f.right, y0 - 5, f"limit {number(limit, 4)}{THIN}MW", "strong alarm halo", "end")
        f.hover(f.x(100 * SHARES))
        return str(svg)

    table = pd.DataFrame({"share of hours": SHARES.round(4), "hours": (HOURS_A_YEAR * SHARES).round(1)})
    for (words, *_), y in zip(lines, at, strict=True):
        table[f"{words} [{unit}]"] = y.round(1)
    labels = [f"{number(HOURS_A_YEAR * s)} h of the year at least" for s in SHARES]
    rows = [(words, tone, y.tolist()) for (words, tone, *_), y in zip(lines, at, strict=True)]
    return Figure(
        key, title, caption, "Model hours, one sampled path of weather and outages.", "estimated", draw, table,
        hover_data(labels, unit, rows), [(tone, mark, words) for words, tone, mark, _ in lines],
        tables=("demand", "demand_shape", "units", "fuels", "links"),
    )  # fmt: skip
