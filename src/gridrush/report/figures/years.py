"""Years: where power came from, trade, how demand grew, and how the model compares with official totals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from gridrush.report.figures.figure import WIDE, Choice, Figure, hover_data
from gridrush.report.figures.hours import colour
from gridrush.report.svg import Frame, Svg, bounds, frame, ticks
from gridrush.report.view import View, annual
from gridrush.report.words import fuel_name, joined, number, signed, with_unit
from gridrush.study.run import Run


def mix(view: View) -> Choice:
    """Generation by fuel and trade, scenario by scenario."""
    return Choice("mix", "Scenario", [(r.scenario.title, _mix(view, r)) for r in view.study.runs.values()])


def bars(f: Frame, years: list[int], stack: list[tuple[str, np.ndarray]]) -> None:
    """Stacked bars by year, negative parts below the axis."""
    width = (f.right - f.left) / max(len(years), 1) * 0.78
    for i, year in enumerate(years):
        x, up, down = f.px(year) - width / 2, 0.0, 0.0
        for style, values in stack:
            v = float(values[i])
            if not np.isfinite(v) or v == 0:
                continue
            a, b = (up, up + v) if v > 0 else (down + v, down)
            up, down = (b, down) if v > 0 else (up, a)
            f.svg.rect(x, f.py(b), width, f.py(a) - f.py(b), style)


def _mix(view: View, run: Run) -> Figure:
    years = run.years
    gen = run.annual["generation_twh"].transpose("year", "fuel")
    fuels = [f for f in view.fuels if float(gen.sel(fuel=f).max()) > 0.05]
    net = annual(run, "net_import_twh").reindex(years, fill_value=0.0)
    parts = {f: gen.sel(fuel=f).values.astype(float) for f in fuels}
    imports, exports = np.maximum(net.to_numpy(), 0.0), np.minimum(net.to_numpy(), 0.0)
    first, last = years[0], years[-1]
    grew = [f for f in fuels if parts[f][-1] > 1.5 * parts[f][0] + 0.5]
    lead = max(fuels, key=lambda f: parts[f].sum()) if fuels else ""
    share = [float(parts[lead][i] / sum(p[i] for p in parts.values())) for i in (0, -1)] if lead else [0.0, 0.0]
    title = f"{fuel_name(lead)} gives {with_unit(share[0], 'share', 2)} of power in {first}"
    title += f" and {with_unit(share[1], 'share', 2)} in {last}" if last != first else ""
    focus = view.focus if view.focus in years else first
    trade = float(net[focus])
    word = "net imports" if trade > 0 else "net exports"
    caption = (
        f"In {focus} {word} were {with_unit(abs(trade), 'TWh', 2)}, out of "
        f"{with_unit(float(_total(run, focus)), 'TWh')} of demand."
    )
    if grew:
        caption += (
            f" By {last}, {joined(fuel_name(f).lower() for f in grew)} "
            f"{'gives' if len(grew) == 1 else 'give'} clearly more than in {first}."
        )
    table = pd.DataFrame({"year": years} | {f"{f} [TWh]": parts[f].round(3) for f in fuels})
    table["net imports [TWh]"] = net.round(3).to_numpy()
    table["demand [TWh]"] = annual(run, "demand_twh").reindex(years).round(3).to_numpy()

    def draw(width: int) -> str:
        wide = width >= WIDE
        svg = Svg(width, 380 if wide else 300, f"{run.scenario.title}: {title}.")
        total = sum(parts.values()) + imports if parts else imports
        f = frame(
            svg, (first - 0.5, last + 0.5), (min(0.0, float(exports.min()) * 1.3), bounds(total)[1]), left=44, right=8
        )
        f.y_axis("TWh a year")
        stack = [(f"fill:{colour(n)}", parts[n]) for n in fuels]
        bars(f, years, [*stack, ("fill:var(--imports)", imports), ("fill:var(--exports)", exports)])
        f.svg.line(f.left, f.py(0), f.right, f.py(0), "axis")
        f.year_axis(years)
        if run.case.as_of.year in years and last > run.case.as_of.year:
            x = f.px(run.case.as_of.year + 0.5)
            svg.line(x, f.top - 8, x, f.bottom, "mark")
            svg.text(x + 5, f.top - 1, "projection", "muted")
        f.hover(f.x(years))
        return str(svg)

    rows = [(fuel_name(n), colour(n), parts[n].tolist()) for n in reversed(fuels)]
    rows.append(("Net imports", "var(--imports)", net.tolist()))
    legend = [(colour(n), "box", fuel_name(n)) for n in fuels]
    legend += [("var(--imports)", "box", "Net imports")] if imports.max(initial=0) > 0 else []
    legend += [("var(--exports)", "box", "Net exports")] if exports.min(initial=0) < 0 else []
    return Figure(
        f"mix-{run.name}",
        title,
        caption,
        f"Model, scenario “{run.scenario.title}”, mean of {number(run.samples, 9)} samples.",
        "estimated",
        draw,
        table,
        hover_data([str(y) for y in years], "TWh", rows),
        legend, tables=("units", "fuels", "ties"))


def _total(run: Run, year: int) -> float:
    return float(annual(run, "demand_twh").get(year, float("nan")))


def growth(view: View) -> Figure | None:
    """Each year's change of demand, split into miners and everyone else."""
    run = view.main
    years = run.years
    demand = annual(run, "demand_twh").reindex(years)
    miners = annual(run, "registered_twh").reindex(years).fillna(0) + annual(run, "unregistered_twh").reindex(
        years
    ).fillna(0)
    if len(years) < 2:
        return None
    by_miners, by_others = miners.diff().iloc[1:], (demand - miners).diff().iloc[1:]
    shown = years[1:]
    focus = view.focus if view.focus in shown else shown[0]
    total = float(demand[focus] - demand[focus - 1]) if focus - 1 in demand.index else float("nan")
    before = float(demand.get(focus - 1, float("nan")))
    mined, rest = float(by_miners[focus]), float(by_others[focus])
    grew = "grew" if total > 0 else "fell"
    title = f"In {focus} demand {grew} by {with_unit(abs(total) / before, 'share', 2)}"
    if total > 0 and mined > 0:
        title += (
            ", all of it mining" if rest <= 0 else f": {with_unit(mined / total, 'share', 2)} of the growth was mining"
        )
    caption = (
        f"Change of yearly demand on the year before. In {focus}: {signed(total, 'TWh')} in all, "
        f"{signed(mined, 'TWh')} from "
        f"miners and {signed(rest, 'TWh')} from everyone else."
    )
    asked = {c.claim for c in run.case.claims if c.quantity == f"mining_share_of_growth_{focus}"}
    judged = view.study.claims
    for _, row in judged[judged["claim"].isin(asked)].iterrows():
        low, best, high = (with_unit(float(row[k]), "share", 2) for k in ("low", "best", "high"))
        caption += f" That is one simulated path; by all evidence mining is {best} of the growth ({low} to {high})."
    table = pd.DataFrame(
        {
            "year": shown,
            "demand [TWh]": demand.iloc[1:].round(3).to_numpy(),
            "miners [TWh]": miners.iloc[1:].round(3).to_numpy(),
            "change from miners [TWh]": by_miners.round(3).to_numpy(),
            "change from others [TWh]": by_others.round(3).to_numpy(),
        }
    )

    def draw(width: int) -> str:
        svg = Svg(width, 280 if width >= WIDE else 250, title)
        m, o = by_miners.to_numpy(), by_others.to_numpy()
        up = np.maximum(m, 0) + np.maximum(o, 0)
        down = np.minimum(m, 0) + np.minimum(o, 0)
        f = frame(svg, (shown[0] - 0.5, shown[-1] + 0.5), bounds(np.r_[up, down]), left=44, right=8)
        f.y_axis("TWh more than the year before")
        bars(f, shown, [("fill:var(--load)", o), ("fill:var(--miners)", m)])
        svg.line(f.left, f.py(0), f.right, f.py(0), "axis")
        f.year_axis(shown)
        f.hover(f.x(shown))
        return str(svg)

    rows = [("Everyone else", "var(--load)", by_others.tolist()), ("Miners", "var(--miners)", by_miners.tolist())]
    return Figure(
        "growth",
        title,
        caption,
        f"Model, scenario “{run.scenario.title}”; demand of past years from the case's table.",
        "estimated",
        draw,
        table,
        hover_data([str(y) for y in shown], "TWh", rows),
        [("var(--load)", "box", "Everyone else"), ("var(--miners)", "box", "Miners")], tables=("demand",))


def _short_name(quantity: str) -> tuple[str, str]:
    """`generation coal [TWh]` as `coal` and `TWh`."""
    name, _, unit = quantity.removeprefix("generation ").partition(" [")
    return name[:1].upper() + name[1:], unit.rstrip("]")


def _titles(view: View, keys: list[str]) -> str:
    sources = view.study.case.sources
    names = [sources[k].title if k in sources else k for k in dict.fromkeys(keys)]
    return "; ".join(names[:4]) + ("; and others" if len(names) > 4 else "")


def check(view: View) -> Figure | None:
    """Model against official figures, one row each, deviation in words."""
    table = view.study.checks
    if not len(table):
        return None
    energy = table[np.isfinite(pd.to_numeric(table["official"], errors="coerce").astype(float))]
    energy = energy.sort_values("quantity", kind="stable").reset_index(drop=True)
    names = [_short_name(str(q)) for q in energy["quantity"]]
    off = pd.to_numeric(energy["deviation_share"], errors="coerce").astype(float)
    inside = int(energy["within"].astype(bool).sum())
    title = f"{inside} of {len(energy)} official figures are met within tolerance"
    caption = "Dots left of the line: the model gives too little; right: too much. "
    if off.notna().any():
        at = int(np.nanargmax(off.abs().to_numpy()))
        named = f"{names[at][0]} {energy['year'].iloc[at]}"
        caption += f"Largest deviation: {named}, {signed(float(off.iloc[at]), 'share', 2)}. "
    caption += (
        "A check, not a blind test: past demand is an input, and where a fact was chosen with such totals in view, its "
        "note among the facts below says so."
    )

    def draw(width: int) -> str:
        wide, row = width >= WIDE, 26
        svg = Svg(width, 46 + row * len(energy), title)
        left = 190 if wide else 140
        bound = min(max(0.12, float(np.nan_to_num(off.abs().max())) * 1.15), 1.0)
        f = frame(svg, (-bound, bound), (0, 1), left=left, right=196 if wide else 76, top=10, bottom=34)
        for share in ticks(-bound, bound, count=6 if wide else 4):
            svg.line(f.px(share), f.top, f.px(share), f.bottom, "axis" if share == 0 else "grid")
            svg.text(f.px(share), f.bottom + 17, signed(share, "share", 2), "muted", "middle")
        for i, r in energy.iterrows():
            y = f.top + row * (int(str(i)) + 0.5)
            name, unit = names[int(str(i))]
            name = f"{name} {r['year']}"
            svg.text(left - 10, y + 4, name, "", "end")
            dev = float(r["deviation_share"])
            tone = "var(--good)" if r["within"] else "var(--alarm)"
            x = f.px(min(max(dev, -bound), bound)) if math.isfinite(dev) else f.px(0)
            svg.line(f.px(0), y, x, y, "", f"stroke:{tone};stroke-width:2.5")
            svg.circle(
                x,
                y,
                5,
                f"fill:{tone}",
                tip=f"{name}: model {number(float(r['model']))}, official {number(float(r['official']))}",
            )
            label = f"{number(float(r['model']))} against {with_unit(float(r['official']), unit)}"
            short = signed(dev, "share", 2) if math.isfinite(dev) else ("sign right" if r["within"] else "sign wrong")
            svg.text(f.right + 8, y + 4, label if wide else short, "muted")
        return str(svg)

    return Figure(
        "check",
        title,
        caption,
        f"Official figures: {_titles(view, energy['source'].astype(str).tolist())}.",
        "reported",
        draw,
        table,
        legend=[("var(--good)", "dot", "Within tolerance"), ("var(--alarm)", "dot", "Outside")],
        tables=("generation", "demand", "capacity"),
    )
