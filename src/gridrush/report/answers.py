"""The five questions of the first page, answered from what the study holds. Every sentence follows the numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridrush.report.figures import small
from gridrush.report.figures.mining import peak_month
from gridrush.report.figures.money import PARTY_NAMES, SHOWN, difference
from gridrush.report.view import View, annual, mining_months, system_risk
from gridrush.report.words import interval, joined, month_name, ranged, signed, with_unit

Z95 = 1.96  # standard errors in half a 95% normal interval


@dataclass(frozen=True)
class Answer:
    """One question with its answer, the headline figure and a small drawing."""

    key: str
    question: str
    figure: str  # the number in large type
    meaning: str  # what that number is
    sentences: tuple[str, ...]
    drawing: str
    grade: str
    link: str  # section with more


def answers(view: View) -> list[Answer]:
    """Answers to the questions the study can answer."""
    makers: tuple[Callable[[View], Answer | None], ...] = (load, breaks, closes, pays, leave)
    return [a for make in makers if (a := make(view)) is not None]


def summary(view: View, found: list[Answer]) -> str:
    """One paragraph: the first sentence of each answer."""
    return " ".join(a.sentences[0] for a in found if a.sentences)


def load(view: View) -> Answer | None:
    """How much load is there?"""
    table = mining_months(view.main)
    if "best" not in table or not len(table):
        return None
    peak = peak_month(table, f"{view.study.case.as_of:%Y-%m}")
    row = table.loc[peak]
    mw = ranged(row["best"], row["low"], row["high"], "MW")
    demand = float(annual(view.main, "demand_twh").get(int(peak[:4]), float("nan")))
    said = [
        f"In {month_name(peak)} miners drew about {mw} from the grid"
        + (f", {with_unit(float(row['best']) / (demand * 1e6 / 8760), 'share', 2)} of the mean load." if demand > 0 else ".")
    ]
    if {"registered", "unregistered"} <= set(table):
        reg, unreg = float(row["registered"]), float(row["unregistered"])
        said.append(f"Of what the model counts, {with_unit(reg, 'MW')} was registered and {with_unit(unreg, 'MW')} was not.")
    total = [s.value for s in view.study.case.statements if s.quantity == "total_mw"]
    if len(total) > 1:
        both = row["low"] <= min(total) and max(total) <= row["high"]
        said.append(
            f"Statements on the total run from {interval(min(total), max(total), 'MW')}; "
            + ("all of them lie inside our interval." if both else "not all of them lie inside our interval.")
        )
    return Answer("load", "How much load is there?", with_unit(float(row["best"]), "MW"),
                  f"{interval(row['low'], row['high'], 'MW')}, {month_name(peak)}", tuple(said), small.load(view), "estimated", "mining")  # fmt: skip


def breaks(view: View) -> Answer | None:
    """What breaks?"""
    risk = system_risk(view.main)
    if not len(risk):
        return None
    year = view.focus if view.focus in risk.index else int(risk["LOLE_h"].idxmax())
    r = risk.loc[year]
    half = Z95 * float(r["LOLE_h_stderr"])
    hours = ranged(float(r["LOLE_h"]), max(float(r["LOLE_h"]) - half, 0.0), float(r["LOLE_h"]) + half, "h")
    energy_half = Z95 * float(r["EUE_mwh_stderr"])
    gwh = ranged(float(r["EUE_mwh"]) / 1e3, max(float(r["EUE_mwh"]) - energy_half, 0) / 1e3, (float(r["EUE_mwh"]) + energy_half) / 1e3, "GWh")
    said = [f"In {year} some load cannot be met in {hours} of the year, and {gwh} goes unserved."]
    zones = view.main.risk.sel(year=year).drop_sel(zone="system")
    if zones.sizes["zone"] > 1:
        worst = int(np.argmax(zones["EUE_mwh"].values))
        share = float(zones["EUE_mwh"].values[worst]) / max(float(zones["EUE_mwh"].sum()), 1e-12)
        name = str(zones["zone"].values[worst])
        if share > 0.5 and float(r["EUE_mwh"]) > 0:
            said.append(f"{with_unit(share, 'share', 2)} of it is in the zone {name}.")
    other = system_risk(view.without_rush) if view.without_rush else None
    if other is not None and year in other.index:
        base = float(other.loc[year, "LOLE_h"])
        said.append(_compare(float(r["LOLE_h"]), base))
    return Answer("breaks", "What breaks?", with_unit(float(r["LOLE_h"]), "h"), f"short of power in {year}", tuple(said), small.breaks(view),
                  "estimated", "risk")  # fmt: skip


def _compare(with_rush: float, without: float) -> str:
    if without < 0.05 and with_rush < 0.05:
        return "Without the miners it would have been as safe."
    if with_rush <= without * 1.05:
        return f"Without the miners it would have been {with_unit(without, 'h')}: mining is not what makes the difference."
    if without < 0.05:
        return "Without the miners there would have been next to no such hours."
    return f"Without the miners it would have been {with_unit(without, 'h')}, {with_unit(1 - without / with_rush, 'share', 2)} less."


def closes(view: View) -> Answer | None:
    """What closes the gap, and when?"""
    table = view.study.relief
    if not len(table):
        return None
    rows = table.sort_values("first_year_best")
    soon, late = rows.iloc[0], rows.iloc[-1]
    energy = pd.to_numeric(rows["eue_avoided_gwh"], errors="coerce")
    said = [f"Soonest is “{soon['remedy']}”: from {_span(soon)}" + _power(soon) + "."]
    if energy.notna().any() and float(energy.max()) > 0:
        best = rows.loc[energy.idxmax()]
        if best["remedy"] != soon["remedy"]:
            said.append(f"“{best['remedy']}” avoids most shortage, {with_unit(float(energy.max()), 'GWh')}, from {_span(best)}.")
        else:
            said.append(f"It also avoids most shortage of all: {with_unit(float(energy.max()), 'GWh')}.")
    if late["remedy"] != soon["remedy"]:
        said.append(f"“{late['remedy']}” comes last: {_span(late)}{_power(late)}.")
    return Answer("closes", "What closes the gap, and when?", f"{int(float(soon['first_year_best']) + 1e-9)}",
                  f"is the first year of the quickest remedy; {int(float(late['first_year_best']) + 1e-9)} of the slowest", tuple(said),
                  small.closes(view), "estimated", "remedies")  # fmt: skip


def _span(row: pd.Series[float]) -> str:
    low, best, high = (int(float(row[f"first_year_{k}"]) + 1e-9) for k in ("low", "best", "high"))
    return f"{best}" if low == high else f"{best} ({low}–{high})"


def _power(row: pd.Series[float]) -> str:
    power = row["power_mw"]
    return f", {with_unit(float(power), 'MW')}" if pd.notna(power) else ""


def pays(view: View) -> Answer | None:
    """Who pays?"""
    if not len(view.main.ledger):
        return None
    total = difference(view, view.main)[list(SHOWN)].sum()
    lose = [p for p in SHOWN if total[p] < -1e5]
    gain = [p for p in SHOWN if total[p] > 1e5]
    years = view.main.ledger.index
    over = f"Over {years[0]}–{years[-1]}" if len(years) > 1 else f"In {years[0]}"
    names = {p: PARTY_NAMES[p][:1].lower() + PARTY_NAMES[p][1:] for p in SHOWN}
    against = ", against a country without the rush," if view.without_rush is not None else ""

    def listed(parties: list[str]) -> str:
        return joined(f"{names[p]} ({signed(float(total[p]), 'USD')})" for p in sorted(parties, key=lambda p: -abs(total[p])))

    said = []
    if lose:
        said.append(f"{over}{against} the losers are {listed(lose)}.")
    if gain:
        said.append(f"The winners are {listed(gain)}." if lose else f"{over}{against} the winners are {listed(gain)}.")
    fee = view.main.ledger["fee"] if "fee" in view.main.ledger else pd.Series(dtype=float)
    if fee.sum() > 0:
        said.append(f"The mining fee brings the treasury {with_unit(float(fee.max()), 'USD')} in its best year.")
    else:
        said.append(f"No fee is charged under “{view.main.scenario.title}”.")
    biggest = min(SHOWN, key=lambda p: total[p])
    return Answer("pays", "Who pays?", signed(float(total[biggest]), "USD"), f"for {names[biggest]}, the largest loss", tuple(said),
                  small.pays(view), "estimated", "money")  # fmt: skip


def leave(view: View) -> Answer | None:
    """And if the miners leave?"""
    other = view.without_rush
    if other is None:
        return None
    a, b = system_risk(view.main), system_risk(other)
    common = [int(y) for y in a.index if y in b.index and y > view.focus]
    if not common:
        return None
    last = common[-1]
    mine, base = float(a.loc[last, "LOLE_h"]), float(b.loc[last, "LOLE_h"])
    half = Z95 * float(b.loc[last, "LOLE_h_stderr"])
    short = [y for y in common if float(b.loc[y, "LOLE_h"]) >= 3.0]
    hours = ranged(base, max(base - half, 0), base + half, "h")
    if base < 0.5:
        said = [f"Without miners the grid of {last} would be short in next to no hours."]
    else:
        said = [f"The gap does not go with them: without miners {last} would still be short in {hours}."]
    said.append(f"With them it is {with_unit(mine, 'h')}.")
    if short:
        said.append(
            f"In {len(short)} of the {len(common)} later years looked at, more than 3 hours would be short even then: old plants and "
            "growing demand remain."
        )
    return Answer("leave", "What if they leave?", with_unit(base, "h"), f"short in {last} without miners", tuple(said), small.leave(view),
                  "estimated", "risk")  # fmt: skip
