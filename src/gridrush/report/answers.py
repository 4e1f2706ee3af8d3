"""The five questions of the first page, answered from what the study holds. Every sentence follows the numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridrush.report.figures import small
from gridrush.report.figures.mining import peak_month
from gridrush.report.figures.money import PARTY_NAMES, SHOWN, difference
from gridrush.report.view import View, annual, mining_months, row_of, system_risk, worst_year
from gridrush.report.words import (
    DASH,
    interval,
    joined,
    month_name,
    number,
    ranged,
    rough,
    signed,
    when,
    whole_year,
    with_unit,
)  # fmt: skip
from gridrush.study.run import Run

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
    row = row_of(table, peak)
    mw = ranged(row["best"], row["low"], row["high"], "MW")
    demand = float(annual(view.main, "demand_twh").get(int(peak[:4]), float("nan")))
    said = [
        f"In {month_name(peak)} miners wanted about {mw}"
        + (
            f", {with_unit(row['best'] / (demand * 1e6 / 8760), 'share', 2)} of the country's mean load."
            if demand > 0
            else "."
        )
    ]
    if {"registered", "unregistered"} <= set(table):
        reg, unreg = float(row["registered"]), float(row["unregistered"])
        said.append(f"Of the best estimate {with_unit(reg, 'MW')} was registered and {with_unit(unreg, 'MW')} was not.")
    total = [s.value for s in view.study.case.statements if s.quantity == "total_mw"]
    if len(total) > 1:
        inside = sum(bool(row["low"] <= v <= row["high"]) for v in total)
        said.append(
            f"What officials and the industry said of the total runs from {interval(min(total), max(total), 'MW')}; "
            f"{_count(inside, len(total))} of these statements lie inside our interval."
        )
    return Answer("load", "How much load is there?", with_unit(float(row["best"]), "MW"),
                  f"{interval(row['low'], row['high'], 'MW')}, "
                  f"{month_name(peak)}", tuple(said), small.load(view), "estimated", "mining")  # fmt: skip


def breaks(view: View) -> Answer | None:
    """What breaks?"""
    risk = system_risk(view.main)
    if not len(risk):
        return None
    year = view.focus if view.focus in risk.index else worst_year(risk)
    now = row_of(risk, year)
    hours, energy = now["LOLE_h"], now["EUE_mwh"] / 1e3
    said = [
        f"In {year} some load cannot be met in {_with_error(view.main, year, 'LOLE_h', 'h')} of the year, and "
        f"{_with_error(view.main, year, 'EUE_mwh', 'GWh')} of energy is not served."
    ]
    zones = view.main.risk.sel(year=year)
    zones = zones.sel(zone=[z for z in zones["zone"].values if z != "system"])
    if zones.sizes["zone"] > 1 and float(zones["EUE_mwh"].sum()) > 0:
        worst = int(np.argmax(zones["EUE_mwh"].values))
        share = float(zones["EUE_mwh"].values[worst]) / float(zones["EUE_mwh"].sum())
        if share > 0.5:
            said.append(
                f"{with_unit(share, 'share', 2)} of that energy is missing in the zone {zones['zone'].values[worst]}."
            )
    other = system_risk(view.without_rush) if view.without_rush else None
    if other is not None and year in other.index:
        said.append(_compare(hours, row_of(other, year)["LOLE_h"]))
    worst_of_all = worst_year(risk)
    if row_of(risk, worst_of_all)["LOLE_h"] > 10 * hours and worst_of_all > year:
        much = rough(row_of(risk, worst_of_all)["LOLE_h"], "h")
        said.append(
            f"In {worst_of_all} it would be {much}, if no more is built than this scenario says."
        )
    said.append(
        "These are averages over many possible years of weather and breakdowns; a real year may be far better or worse."
    )
    meaning = f"short of power in {year}, {rough(energy, 'GWh')} not served"
    drawing = small.breaks(view)
    return Answer("breaks", "What breaks?", rough(hours, "h"), meaning, tuple(said), drawing, "estimated", "risk")


def _with_error(run: Run, year: int, name: str, unit: str) -> str:
    row = row_of(system_risk(run), year)
    factor = 1e-3 if unit == "GWh" else 1.0
    mean, half = factor * row[name], factor * Z95 * row[f"{name}_stderr"]
    if mean < 0.1:
        return rough(mean, unit)
    return ranged(mean, max(mean - half, 0.0), mean + half, unit, 2)


def _compare(with_rush: float, without: float) -> str:
    if without < 0.1 and with_rush < 0.1:
        return "Without the rush it would have been as safe."
    if with_rush <= without * 1.05:
        return (
            f"Without the rush it would have been {rough(without, 'h')}: the miners are not what makes the difference."
        )
    if without < 0.1:
        return "Without the rush there would have been next to no such hours."
    less = with_unit(1 - without / with_rush, "share", 2)
    return f"Without the rush it would have been {rough(without, 'h')}, {less} less."


def closes(view: View) -> Answer | None:
    """What closes the gap, and when?"""
    rows = view.remedies
    if not len(rows):
        return None
    soon, late = rows.iloc[0], rows.iloc[-1]
    energy = pd.to_numeric(rows["eue_avoided_gwh"], errors="coerce")
    said = [f"Soonest is “{soon['remedy']}”: from {_span(soon)}{_power(soon)}."]
    if energy.notna().any() and float(energy.max()) > 0:
        best = rows.iloc[int(np.nanargmax(energy.to_numpy(dtype=float)))]
        if best["remedy"] != soon["remedy"]:
            said.append(
                f"“{best['remedy']}” avoids most shortage, {rough(float(energy.max()), 'GWh')} over all years "
                f"assessed, from {_span(best)}."
            )
        else:
            said.append(f"It also avoids the most shortage: {rough(float(energy.max()), 'GWh')}.")
    if late["remedy"] != soon["remedy"]:
        said.append(f"“{late['remedy']}” comes last: {_span(late)}{_power(late)}.")
    return Answer("closes", "What closes the gap, and when?", _capital(when(float(soon["first_year_best"]))),
                  f"brings the quickest remedy, {_floor(late['first_year_best'])} the slowest", tuple(said),
                  small.closes(view), "estimated", "remedies")  # fmt: skip


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _floor(value: object) -> int:
    return whole_year(float(str(value)))


def _span(row: pd.Series[float]) -> str:
    low, high = (_floor(row[f"first_year_{k}"]) for k in ("low", "high"))
    best = float(row["first_year_best"])
    return when(best) if low == high else f"{_floor(best)} ({low}{DASH}{high})"


def _power(row: pd.Series[float]) -> str:
    power = row["power_mw"]
    return f", {with_unit(float(power), 'MW')}" if pd.notna(power) else ""


def pays(view: View) -> Answer | None:
    """Who pays?"""
    if not len(view.main.ledger):
        return None
    total = difference(view, view.main)[list(SHOWN)].sum()
    least = 0.005 * float(total.abs().max())
    lose, gain = [p for p in SHOWN if total[p] < -least], [p for p in SHOWN if total[p] > least]
    years = view.main.ledger.index
    over = f"Over {years[0]}{DASH}{years[-1]}" if len(years) > 1 else f"In {years[0]}"
    over += ", against a country without the rush" if view.without_rush is not None else ""
    names = {p: PARTY_NAMES[p][:1].lower() + PARTY_NAMES[p][1:] for p in SHOWN}

    def listed(parties: list[str]) -> str:
        return joined(
            f"{names[p]} ({signed(float(total[p]), 'USD', 2)})" for p in sorted(parties, key=lambda p: -abs(total[p]))
        )

    said = []
    if lose and gain:
        said.append(f"{over}, these lose: {listed(lose)}; and these gain: {listed(gain)}.")
    elif lose or gain:
        said.append(f"{over}, these {'lose' if lose else 'gain'}: {listed(lose or gain)}.")
    fee = view.main.ledger["fee"] if "fee" in view.main.ledger else pd.Series(dtype=float)
    if fee.sum() > 0:
        said.append(f"The mining fee brings the treasury {with_unit(float(fee.max()), 'USD', 2)} in its best year.")
    else:
        said.append(f"No fee is charged under “{view.main.scenario.title}”.")
    said.append(
        f"The ledger follows {number(view.main.samples, 9)} sampled paths of hours, "
        "so the price of rare shortages may be missing."
    )
    worst = str(total.idxmin())
    if total[worst] >= -least:
        best = str(total.idxmax())
        figure, meaning = signed(float(total[best]), "USD", 2), f"for {names[best]}, the largest gain; no large loss"
    else:
        figure, meaning = signed(float(total[worst]), "USD", 2), f"for {names[worst]}, the largest loss"
    return Answer("pays", "Who pays?", figure, meaning, tuple(said), small.pays(view), "estimated", "money")


def leave(view: View) -> Answer | None:
    """And if the miners leave?"""
    months = mining_months(view.main)
    a = system_risk(view.main)
    if "best" not in months or not len(months) or not len(a):
        return None
    peak, gone = _departure(months["best"])
    later = [int(y) for y in a.index if y > (gone or view.focus)]
    if not later:
        return None
    high = float(months["best"].max())
    last = float(months["best"].iloc[-1])
    if gone is not None:
        said = [
            f"Under “{view.main.scenario.title}” they do leave: from {with_unit(high, 'MW')} in "
            f"{month_name(peak)} to less than a quarter of that in {gone}."
        ]
        figure, meaning = str(gone), "three in four megawatts of mining have gone"
    else:
        said = [
            f"Under “{view.main.scenario.title}” they stay: {with_unit(last, 'MW')} at the end, "
            f"{with_unit(high, 'MW')} at most."
        ]
        figure, meaning = with_unit(last, "MW"), f"still mining in {months.index[-1][:4]}"
    worst = worst_year(a.loc[later])
    if row_of(a, worst)["LOLE_h"] < 0.1:
        said.append("In the years after, next to no hours are short.")
    else:
        said.append(
            f"In the years after, the worst is {worst}, short in {_with_error(view.main, worst, 'LOLE_h', 'h')}: "
            "demand goes on growing, and plants wear out."
        )
    relief = view.remedies
    if gone is not None and len(relief):
        late = relief[pd.to_numeric(relief["first_year_best"], errors="coerce") > gone]
        if len(late):
            said.append(
                f"{len(late)} of the {len(relief)} remedies looked at arrive only after that; they must pay for "
                "themselves without the miners."
            )
    return Answer("leave", "What if they leave?", figure, meaning, tuple(said), small.leave(view), "estimated", "risk")


def _departure(best: pd.Series[float]) -> tuple[str, int | None]:
    """Month of the peak, and the year from which less than a quarter of it is left for good."""
    peak = str(best.idxmax())
    high = np.flatnonzero(best.to_numpy() >= 0.25 * float(best.max()))
    end = int(high[-1]) + 1
    return peak, int(str(best.index[end])[:4]) if end < len(best) else None


def _count(some: int, total: int) -> str:
    return "all" if some == total else "none" if some == 0 else f"{some}"
