"""A week hour by hour: what ran, what was wanted, what was missing, and how full the main line was."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridrush.report.figures.figure import WIDE, Choice, Figure, hover_data
from gridrush.report.svg import Svg, bounds, frame
from gridrush.report.view import View, Week
from gridrush.report.words import DASH, DAYS, THIN, anchor, fuel_colour, fuel_name, number, with_unit


def weeks(view: View) -> Choice | None:
    """Supply and load of each week worth a look, to choose from."""
    options = [(w.title, _supply(view, w)) for w in view.weeks]
    return Choice("weeks", "Week", options) if options else None


def flows(view: View) -> Choice | None:
    """Flow on the main line against its limit, for the same weeks."""
    link = view.main_link
    if link is None:
        return None
    options = [(w.title, _flow(view, w, link)) for w in view.weeks if link in w.flow_mw]
    return Choice("flows", "Week", options)


def colour(name: str) -> str:
    """Colour of a supply: fuel, storage or imports."""
    return {"imports": "var(--imports)", "storage": "var(--battery)"}.get(name, fuel_colour(name))


def _stamps(week: Week) -> list[str]:
    return [f"{DAYS[t.dayofweek]} {t.day}, {t.hour:02d}:00" for t in week.time]


def _day_axis(svg: Svg, week: Week, f_x: np.ndarray, top: float, bottom: float) -> None:
    hours = week.time.hour.to_numpy()
    room = float(f_x[min(24, len(f_x) - 1)] - f_x[0])
    for i in np.flatnonzero(hours == 0).tolist():
        svg.line(f_x[i], top, f_x[i], bottom, "grid faint")
        if i + 12 < len(f_x):
            day = week.time[i]
            label = f"{DAYS[day.dayofweek]} {day.day}" if room > 52 else DAYS[day.dayofweek]
            svg.text(f_x[i + 12], bottom + 17, label, "muted", "middle")


def _supply(view: View, week: Week) -> Figure:
    short = week.unserved_mw
    cut = week.interrupted_mw
    lost_mwh, hours = float(short.sum()), int((short > 1).sum())
    peak = float(week.wanted_mw.max())
    miners = float((week.wanted_mw - week.wanted_without_miners_mw).mean())
    if lost_mwh > 1:
        title = f"Load went unserved in {hours} of {len(short)} hours"
    elif float(cut.max()) > 1:
        title = f"Everyone but the miners was served; miners were cut in {int((cut > 1).sum())} hours"
    else:
        title = "All load was met this week"
    caption = (
        f"{week.note} Load wanted peaked at {with_unit(peak, 'MW')}, of which miners were {with_unit(miners, 'MW')} on "
        "average. Where the coloured areas rise above the load line, the difference was exported, stored or lost "
        "on lines."
    )
    stack_names = list(week.supply)
    table = pd.DataFrame({"local time": week.time.strftime("%Y-%m-%d %H:%M")})
    for name in stack_names:
        table[f"{name} [MW]"] = week.supply[name].round(1)
    table["load wanted [MW]"] = week.wanted_mw.round(1)
    table["load without miners [MW]"] = week.wanted_without_miners_mw.round(1)
    table["unserved [MW]"] = short.round(1)
    table["miners cut [MW]"] = cut.round(1)
    rows = [(fuel_name(n), colour(n), week.supply[n].tolist()) for n in reversed(stack_names)]
    rows = [
        ("Load wanted", "var(--ink)", week.wanted_mw.tolist()),
        ("Without miners", "var(--miners)", week.wanted_without_miners_mw.tolist()),
        *rows,
        ("Unserved", "var(--alarm)", short.tolist()),
        ("Miners cut", "var(--cut)", cut.tolist()),
    ]
    legend = [(colour(n), "box", fuel_name(n)) for n in stack_names]
    legend += [("var(--ink)", "line", "Load wanted"), ("var(--miners)", "dash", "Load without miners")]
    if lost_mwh > 1:
        legend.append(("var(--alarm)", "box", "Unserved"))
    if cut.max() > 1:
        legend.append(("var(--cut)", "box", "Miners cut"))

    def draw(width: int) -> str:
        wide = width >= WIDE
        svg = Svg(width, 400 if wide else 330, f"{week.title}. {title}.")
        stack = np.cumsum([week.supply[n] for n in stack_names], axis=0)
        f = frame(
            svg, (0, len(short) - 1), bounds(np.r_[stack[-1] + short + cut, week.wanted_mw], count=5), left=58, right=10
        )
        x = f.x(np.arange(len(short)))
        f.y_axis("MW", count=5)
        below = np.zeros(len(short))
        for name, top in zip(stack_names, stack, strict=True):
            svg.band(x, f.y(below), f.y(top), f"fill:{colour(name)}", "area")
            below = top
        # what is missing hangs under the load line, so that it is seen where it was wanted
        gap = week.wanted_mw - cut - short
        if cut.max() > 1:
            svg.band(x, f.y(week.wanted_mw - cut), f.y(week.wanted_mw), "fill:var(--cut)")
        if lost_mwh > 1:
            svg.band(x, f.y(gap), f.y(week.wanted_mw - cut), "fill:var(--alarm)")
        _day_axis(svg, week, x, f.top, f.bottom)
        svg.polyline(x, f.y(week.wanted_mw), "stroke:var(--paper);stroke-width:4")
        svg.polyline(x, f.y(week.wanted_mw), "stroke:var(--ink);stroke-width:1.8")
        svg.polyline(x, f.y(week.wanted_without_miners_mw), "stroke:var(--paper);stroke-width:3.5")
        svg.polyline(
            x, f.y(week.wanted_without_miners_mw), "stroke:var(--miners);stroke-width:1.8;stroke-dasharray:5 3"
        )
        if lost_mwh > 1:
            worst = int(np.argmax(short))
            right = worst < len(short) * 0.7
            label = f"{with_unit(float(short[worst]), 'MW')} unserved"
            svg.text(x[worst] + (6 if right else -6), f.top + 2, label, "alarm strong", "start" if right else "end")
            svg.line(x[worst], f.top - 8, x[worst], f.py(float(week.wanted_mw[worst])), "mark")
        f.hover(x)
        return str(svg)

    return Figure(
        f"week-{anchor(week.title)}",
        title,
        caption,
        "Model hours in local time, one sampled path of weather and outages"
        + ("." if view.metered else "; no metered hourly load is public."),
        "estimated",
        draw,
        table,
        hover_data(_stamps(week), "MW", rows),
        legend,
        tables=("demand", "demand_shape", "units", "outages"),
    )


def _flow(view: View, week: Week, link: str) -> Figure:
    flow = week.flow_mw[link]
    ends = view.ends(link) or tuple(link.split("-", 1)) if "-" in link else (link, "")
    limits = [view.limit_mw(link, t) or (np.nan, np.nan) for t in week.time[[0, -1]]]
    forward, backward = limits[0]
    full = int((flow >= 0.999 * forward).sum() + (flow <= -0.999 * backward).sum())
    used = float(np.abs(flow).max())
    name = f"{ends[0]}{DASH}{ends[1]}"
    title = f"The {name} line " + (f"ran full in {full} of {len(flow)} hours" if full else "was never full")
    caption = f"Flow from {ends[0]} to {ends[1]}; its largest value was {with_unit(used, 'MW')}"
    caption += f" of {with_unit(forward, 'MW')} allowed." if np.isfinite(forward) else "."
    table = pd.DataFrame(
        {"local time": week.time.strftime("%Y-%m-%d %H:%M"), "flow [MW]": flow.round(1), "limit [MW]": forward}
    )

    def draw(width: int) -> str:
        svg = Svg(width, 190 if width >= WIDE else 180, f"{week.title}. {title}.")
        allowed = [forward] if np.isfinite(forward) else []
        f = frame(svg, (0, len(flow) - 1), bounds([*flow, *allowed], count=3), left=58, right=10)
        x = f.x(np.arange(len(flow)))
        f.y_axis("MW", count=3)
        _day_axis(svg, week, x, f.top, f.bottom)
        svg.band(x, f.y(np.zeros(len(flow))), f.y(flow), "fill:var(--flow)", "wash")
        svg.polyline(x, f.y(flow), "stroke:var(--flow);stroke-width:1.8")
        if np.isfinite(forward):
            y = f.py(forward)
            svg.line(f.left, y, f.right, y, "limit")
            svg.text(f.right, y - 5, f"limit {number(forward, 4)}{THIN}MW", "strong alarm", "end")
        f.hover(x)
        return str(svg)

    return Figure(
        f"flow-{anchor(week.title)}",
        title,
        caption,
        "Model flow; limit from the case's table of links.",
        "estimated",
        draw,
        table,
        hover_data(_stamps(week), "MW", [("Flow", "var(--flow)", flow.tolist())]), tables=("links",))
