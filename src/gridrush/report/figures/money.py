"""Who pays: what each party gains or loses against a country without the rush, and the fee against its claims."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridrush.policy.fiscal import LINES
from gridrush.report.figures.figure import WIDE, Choice, Figure, hover_data
from gridrush.report.figures.years import bars
from gridrush.report.svg import Svg, bounds, frame
from gridrush.report.view import View
from gridrush.report.words import number, signed, with_unit
from gridrush.study.run import Run

PARTY_NAMES = {
    "treasury": "Treasury",
    "utility": "Power companies",
    "consumers": "Homes and industry",
    "registered": "Registered miners",
    "unregistered": "Unregistered miners",
    "abroad": "Abroad",
    "resources": "Fuel, plant and losses",
}
SHOWN = ("treasury", "utility", "consumers", "registered", "unregistered")
TONES = {
    "treasury": "var(--gain)",
    "utility": "var(--flow)",
    "consumers": "var(--load)",
    "registered": "var(--registered)",
    "unregistered": "var(--unregistered)",
}


def parties(view: View) -> Choice | None:
    """Gain or loss of each party by year, scenario by scenario, against no rush where the study has it."""
    options = [
        (r.scenario.title, _parties(view, r))
        for r in view.study.runs.values()
        if r is not view.without_rush and len(r.ledger)
    ]
    return Choice("money", "Scenario", options) if options else None


def difference(view: View, run: Run) -> pd.DataFrame:
    """Balance of each party by year less that without the rush (the balance itself where there is no such run)."""
    mine = view.balances[run.name]
    if view.without_rush is None or view.without_rush is run:
        return mine
    other = view.balances[view.without_rush.name].reindex(mine.index).fillna(0.0)
    return mine - other


def _parties(view: View, run: Run) -> Figure:
    table = difference(view, run)[list(SHOWN)]
    years = [int(y) for y in table.index]
    compared = view.without_rush is not None
    total = table.sum()
    loser, winner = str(total.idxmin()), str(total.idxmax())
    span = f"{years[0]}–{years[-1]}" if len(years) > 1 else str(years[0])
    against = "against a country without the rush" if compared else "as they stand"
    title = f"{PARTY_NAMES[winner]} {'gain' if winner != 'treasury' else 'gains'} most"
    if total[winner] <= 0:
        title = "Nobody gains"
    if total[loser] < 0:
        title += f", {_lower(loser)} {'lose' if loser != 'treasury' else 'loses'} most"
    caption = (
        f"Money each party takes in less what it pays out, {against}, USD of 2021. Over {span}: "
        + "; ".join(
            f"{_lower(p)} {signed(float(total[p]), 'USD')}" for p in SHOWN if abs(total[p]) >= 0.005 * total.abs().max()
        )
        + "."
    )

    def draw(width: int) -> str:
        svg = Svg(width, 330 if width >= WIDE else 290, f"{run.scenario.title}: {title}.")
        values = table / 1e6
        up, down = values.clip(lower=0).sum(axis=1).max(), values.clip(upper=0).sum(axis=1).min()
        f = frame(svg, (years[0] - 0.5, years[-1] + 0.5), bounds([up, down], count=5), left=64, right=8)
        f.y_axis("M USD a year", count=5)
        bars(f, years, [(f"fill:{TONES[p]}", values[p].to_numpy()) for p in SHOWN])
        svg.line(f.left, f.py(0), f.right, f.py(0), "axis")
        f.year_axis(years)
        f.hover(f.x(years))
        return str(svg)

    out = (table / 1e6).round(3).rename(columns={p: f"{PARTY_NAMES[p]} [M USD]" for p in SHOWN}).reset_index()
    rows = [(PARTY_NAMES[p], TONES[p], (table[p] / 1e6).tolist()) for p in SHOWN]
    return Figure(
        f"money-{run.name}",
        title,
        caption,
        "Model ledger, mean of the sampled paths of hours; every payment has one payer and one payee.",
        "estimated",
        draw,
        out,
        hover_data([str(y) for y in years], "M USD", rows),
        [(TONES[p], "box", PARTY_NAMES[p]) for p in SHOWN],
        tables=("power_prices", "policies", "exchange", "fuels"),
    )


def _lower(party: str) -> str:
    name = PARTY_NAMES[party]
    return name[:1].lower() + name[1:]


def ledger(view: View) -> pd.DataFrame:
    """Every line of the ledger of the main run, years across; M USD."""
    used = [c for c in view.main.ledger.columns if view.main.ledger[c].abs().max() > 0]
    head_rows = {
        c: (LINES[c].title, PARTY_NAMES[LINES[c].payer], PARTY_NAMES[LINES[c].payee]) for c in used if c in LINES
    }
    out = pd.DataFrame.from_dict(head_rows, orient="index", columns=["line", "paid by", "paid to"])
    for year in view.main.ledger.index:
        out[str(year)] = [round(float(view.main.ledger.loc[year, c]) / 1e6, 1) for c in head_rows]
    return out.reset_index(drop=True)


def fee(view: View) -> Figure | None:
    """Fee and other public revenue added up over years, by scenario, against the sums claimed."""
    runs = [r for r in view.study.runs.values() if len(r.ledger) and "fee" in r.ledger and r.ledger["fee"].sum() > 0]
    if not runs:
        return None
    claimed = [
        (str(c["who"]), float(c["value"]) * (1e9 if c["unit"] == "bn USD" else 1.0), str(c["text"]))
        for _, c in view.study.claims.iterrows()
        if c["unit"] in ("USD", "bn USD") and pd.notna(c["value"])
    ]
    claimed += [(s.who, float(s.value), "") for s in view.study.case.statements if s.quantity == "fee_usd"]
    claimed = claimed[:3]
    five = {r.name: _five_years(r) for r in runs}
    best = max(runs, key=lambda r: five[r.name])
    title = f"The fee brings at most {with_unit(five[best.name], 'USD')} in its best five years"
    if claimed:
        title += f"; {with_unit(max(v for _, v, _ in claimed), 'USD')} was claimed"
    caption = (
        f"Best five years in a row of each scenario that charges a fee; the most comes under “{best.scenario.title}”."
    )
    same: dict[str, list[Run]] = {}
    for r in sorted(runs, key=lambda r: -five[r.name]):
        same.setdefault(with_unit(five[r.name], "USD", 2), []).append(r)

    def draw(width: int) -> str:
        wide, row = width >= WIDE, 32
        items = [(_several(alike), five[alike[0].name], "var(--gain)") for alike in same.values()] + [
            (f"Claimed: {who}", v, "var(--said)") for who, v, _ in claimed
        ]
        left = 230 if wide else 10
        step = row if wide else 46
        svg = Svg(width, step * len(items) + 8, title)
        f = frame(svg, (0, max(v for _, v, _ in items)), (0, 1), left=left, right=90, top=2, bottom=4)
        for i, (name, value, tone) in enumerate(items):
            y = f.top + step * i + (0 if wide else 18)
            if wide:
                svg.text(left - 10, y + 20, name[:36], "", "end")
            else:
                svg.text(left, y - 2, name[:46], "")
            svg.rect(f.left, y + 6, max(f.px(value) - f.left, 1.5), 18, f"fill:{tone}")
            svg.text(f.px(value) + 8, y + 20, with_unit(value, "USD"), "strong")
        return str(svg)

    table = pd.DataFrame({"year": view.main.years}).set_index("year")
    for r in runs:
        table[f"{r.name} [M USD]"] = (r.ledger["fee"] / 1e6).round(3)
    return Figure(
        "fee",
        title,
        caption,
        "Model ledger; claims from the case's table of claims.",
        "estimated",
        draw,
        table.reset_index(),
        tables=("policies", "exchange", "claims"),
    )


def _several(runs: list[Run]) -> str:
    more = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
    return runs[0].scenario.title + more


def _five_years(run: Run) -> float:
    return float(run.ledger["fee"].rolling(5, min_periods=1).sum().max())


def total_by_scenario(view: View) -> pd.DataFrame:
    """Total of each party over all years, one row per scenario; M USD."""
    rows = []
    for run in view.study.runs.values():
        if len(run.ledger) and run is not view.without_rush:
            total = difference(view, run).sum() / 1e6
            rows.append({"scenario": run.scenario.title} | {PARTY_NAMES[p]: round(float(total[p])) for p in SHOWN})
    return pd.DataFrame(rows)


def check_sum(view: View) -> str:
    """Largest amount by which the parties fail to add up, for the run box."""
    worst = max((float(np.abs(b.sum(axis=1)).max()) for b in view.balances.values()), default=0.0)
    return number(worst, 2)
