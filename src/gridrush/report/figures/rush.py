"""The rush as miners see it: which country the machines went to, and at what power price they stop."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridrush.report.figures.figure import WIDE, Figure, hover_data
from gridrush.report.svg import Frame, Svg, bounds, frame, spread, ticks
from gridrush.report.view import View
from gridrush.report.words import THIN, month_name, number, with_unit

COUNTRIES = 6
"""Countries drawn; the table has them all."""


def countries(view: View) -> Figure | None:
    """Hash rate by country: the map, then the forecast with its band, one small chart each."""
    table = view.gallery.get("rush")
    if table is None:
        return None
    own = view.study.case.mining_country
    months = sorted(table["month"].unique())
    known = table[~table["forecast"]]
    last = str(known["month"].max())
    peak = known.groupby("country")["ehs_mean"].max()
    order = [own, *[str(c) for c in peak.sort_values(ascending=False).index if c not in (own, "Other")]][:COUNTRIES]
    by = {c: table[table["country"] == c].set_index("month").reindex(months) for c in order}
    mine = by[own]
    ban = view.month_of_event(r"China.*\bbans?\b|\bbans?\b.*China")
    first = str(months[0])
    title = (
        f"Machines in {own}: from {_ehs(float(mine['ehs_mean'].to_numpy()[0]))} in {month_name(first)} to "
        f"{_ehs(float(mine['ehs_mean'].to_numpy()[months.index(last)]))} in {month_name(last)}"
    )
    caption = (
        f"Computing power at work, in exahashes a second (EH/s). Up to {month_name(last)} it is the Cambridge map, "
        "corrected for the months in which China’s miners hid; after it the model’s forecast as it could be made then, "
        "with the range that holds nine in ten of its draws. Each chart has its own scale."
    )
    if ban and ban in mine.index and first < ban:
        before = str(max(m for m in months if m < ban))
        level = mine["ehs_mean"].to_numpy(dtype=float)
        half = float(level[months.index(before)] - level[0])
        rise = float(level[months.index(last)] - level[0])
        if rise > 0 and half > 0:
            caption += (
                f" {with_unit(half / rise, 'share', 2)} of the rise in {own} came before the ban in China of "
                f"{month_name(ban)}."
            )
    end = str(months[-1])
    low, high = float(mine["ehs_p05"].to_numpy()[-1]), float(mine["ehs_p95"].to_numpy()[-1])
    if end > last:
        caption += f" For {month_name(end)} the forecast for {own} ran from {number(round(low, 1))} to {_ehs(high)}."
    cut = months.index(last)

    def draw(width: int) -> str:
        columns = 3 if width >= WIDE else 2
        gap, tall = 22, 138
        w = (width - gap * (columns - 1)) / columns
        svg = Svg(width, -(-len(order) // columns) * (tall + 18), title)
        for i, c in enumerate(order):
            part = by[c]
            x0, y0 = i % columns * (w + gap), i // columns * (tall + 18)
            top = bounds(part["ehs_p95"], count=3)[1]
            f = Frame(svg, x0 + 34, y0 + 26, x0 + w, y0 + tall - 16, 0, len(months) - 1, 0.0, top)
            svg.text(x0, y0 + 13, c, "strong")
            for t in ticks(0, top, count=3):
                svg.line(f.left, f.py(t), f.right, f.py(t), "axis" if t == 0 else "grid")
                svg.text(f.left - 5, f.py(t) + 4, number(t), "muted small", "end")
            tone = "var(--miners)" if c == own else "var(--load)"
            x = f.x(np.arange(len(months)))
            svg.band(x, f.y(part["ehs_p05"]), f.y(part["ehs_p95"]), f"fill:{tone}", "wash")
            mean = part["ehs_mean"].to_numpy(dtype=float)
            svg.polyline(x[: cut + 1], f.y(mean[: cut + 1]), f"stroke:{tone};stroke-width:2.2")
            svg.polyline(x[cut:], f.y(mean[cut:]), f"stroke:{tone};stroke-width:2;stroke-dasharray:4 3")
            if ban in months:
                at = f.px(months.index(ban))
                svg.line(at, f.top, at, f.bottom, "mark")
            for k, m in enumerate(months):
                if str(m).endswith("-01"):
                    svg.text(f.px(k), f.bottom + 14, str(m)[:4], "muted small", "middle")
        return str(svg)

    data = table.rename(columns={k: k.replace("ehs_", "EH/s ").replace("mw_", "MW ") for k in table.columns})
    legend = [("var(--miners)", "line", "Map"), ("var(--miners)", "dash", "Forecast, mean"),
              ("var(--miners)", "wash", "5 to 95%")]  # fmt: skip
    if ban:
        legend.append(("var(--ink)", "dots", "Ban in China"))
    return Figure(
        "rush", title, caption, f"{_atlas_sources(view)}; forecast: model.", "estimated", draw, data, legend=legend,
        tables=("atlas", "power_prices"),
    )  # fmt: skip


def stays(view: View) -> Figure | None:
    """Part of the fleet that still pays at a power price, at three hashprices."""
    table = view.gallery.get("stays")
    if table is None:
        return None
    months = [str(m) for m in dict.fromkeys(table["month"])]
    price = table[table["month"] == months[0]]["price_usd_per_mwh"].to_numpy(dtype=float)
    share = {m: table[table["month"] == m]["running_share"].to_numpy(dtype=float) for m in months}
    worth = {m: float(table[table["month"] == m]["hashprice_usd_per_ph_day"].iloc[0]) for m in months}
    size = view.mining_at(months[1] if len(months) > 1 else months[0])
    unit, scale = ("MW", size) if size else ("share", 1.0)
    half = {m: float(price[np.flatnonzero(share[m] >= 0.5)[-1]]) for m in months if (share[m] >= 0.5).any()}
    now = months[1] if len(months) > 1 else months[0]
    top = float(price[min(int(max(np.flatnonzero(s > 0.01)[-1] for s in share.values() if (s > 0.01).any())) + 4,
                          len(price) - 1)])  # fmt: skip
    title = "At what power price do the miners stop?"
    if now in half:
        cents = f"{number(half[now] / 10, 2)}{THIN}¢/kWh"
        title = f"In {month_name(now)} power had to cost {cents} before half of the miners would stop"
        low = min(half, key=lambda m: half[m])
        if low != now and half[low] < 0.8 * half[now]:
            title += f"; in {month_name(low)} {number(half[low] / 10, 2)}{THIN}¢ would do"
    caption = (
        "The megawatts of miners that still earn more than their power costs, at each price of power, for the same "
        f"machines at the earnings of {len(months)} months. Where a curve is flat a price or fee moves nobody; "
        "where it falls, it does. Prices in US cents per kWh, as on a bill."
    )
    tones = dict(zip(months, ("var(--load)", "var(--miners)", "var(--alarm)"), strict=False))
    marks = view.power_price_marks()

    def draw(width: int) -> str:
        svg = Svg(width, 310 if width >= WIDE else 280, title)
        f = frame(svg, (0, top / 10), bounds([scale]), left=58, right=14, top=46, bottom=42)
        f.y_axis("MW" if size else "share of the fleet")
        for t in ticks(0, top / 10, count=8 if width >= WIDE else 5):
            svg.text(f.px(t), f.bottom + 17, number(t), "muted", "middle")
        svg.text(f.right, f.bottom + 32, "US cents per kWh", "muted", "end")
        heads = spread([f.px(v / 10) for v, _, _ in marks], 20, f.left + 8, f.right - 8)
        for i, ((v, _, _), head) in enumerate(zip(marks, heads, strict=True)):
            at = f.px(v / 10)
            svg.add(f'<path d="M{head:.1f},24L{at:.1f},{f.top - 6:g}V{f.bottom:g}" class="mark" fill="none"/>')
            svg.circle(head, 16, 8.5, "fill:var(--ink)", tip=marks[i][1])
            svg.text(head, 19.8, str(i + 1), "small knock", "middle")
        inside = price <= top
        for m in months:
            svg.polyline(f.x(price[inside] / 10), f.y(scale * share[m][inside]), f"stroke:{tones[m]};stroke-width:2.4")
        f.hover(f.x(price[inside] / 10))
        return str(svg)

    words = {m: f"{month_name(m)}: {number(worth[m])}{THIN}USD per PH/s a day" for m in months}
    data = pd.DataFrame({"price [USD/MWh]": price} | {f"{m} [{unit}]": (scale * share[m]).round(3) for m in months})
    inside = price <= top
    rows = [(month_name(m), tones[m], (scale * share[m][inside]).tolist()) for m in months]
    labels = [f"{number(p / 10)} ¢/kWh" for p in price[inside]]
    fleet = f"machines as in {month_name(now)}"
    return Figure(
        "break-even", title, caption,
        f"Model of the fleet from the case’s tables of machines and network; {fleet}. {_network_sources(view)}",
        "estimated", draw, data, hover_data(labels, unit if size else "", rows),
        [(tones[m], "line", words[m]) for m in months], [text for _, text, _ in marks],
        tables=("machines", "network", "power_prices", "policies"),
    )  # fmt: skip


def _ehs(value: float) -> str:
    return with_unit(value, "EH/s", 2)


def _titles(view: View, keys: set[str]) -> str:
    sources = view.study.case.sources
    return "; ".join(sorted({sources[k].title for k in keys if k in sources}))


def _atlas_sources(view: View) -> str:
    return _titles(view, {r.source for r in view.study.case.atlas}) or "Map of the case"


def _network_sources(view: View) -> str:
    keys = {r.source for r in view.study.case.network[:1]} | {r.source for r in view.study.case.machines[:1]}
    found = _titles(view, keys)
    return f"{found}." if found else ""
