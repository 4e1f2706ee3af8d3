"""What a planner would build: when, at what cost, what is regretted if the miners leave, and what nuclear must cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gridrush.report.figures.figure import WIDE, Figure
from gridrush.report.svg import Svg, bounds, frame, ticks
from gridrush.report.view import View
from gridrush.report.words import DASH, fuel_colour, fuel_name, number, plain, signed, with_unit

LINES: Mapping[str, str] = {
    "capex": "Building", "fixed": "Keeping plants ready", "variable": "Fuel and running", "import": "Imports",
    "carbon": "Carbon price", "unserved": "Energy not served", "interrupted": "Miners on call",
    "export": "Sales abroad given up",
}  # fmt: skip
PLANS: Mapping[str, str] = {
    "stay, served firm": "Built for miners who stay", "stay, on call": "Built for miners who stay and can be called",
    "leave": "Built for miners who leave",
}  # fmt: skip
FUTURES: Mapping[str, str] = {"stay": "and they stay", "leave": "and they leave"}
LEAST_MW = 5.0
"""Builds smaller than this are left to the table."""
CONTRACTS = ("Import contract", "Miners on call")


SEEN_SHARE = 1e-6
"""Lines of the cost below this share of it are rounding of the solver, not shown."""


def schedule(view: View) -> Figure | None:
    """Builds of the plan by milestone year, with the years each could serve from."""
    plan = view.plan
    whole = _rows(plan, "builds")
    rows = [r for r in whole if float(r.get("built_mw") or 0.0) > LEAST_MW]
    if plan is None or not rows:
        return None
    years = [int(y) for y in plan.get("years") or sorted({int(r["year"]) for r in rows})]
    names = list(dict.fromkeys(str(r["candidate"]) for r in sorted(rows, key=lambda r: (r["year"], -r["built_mw"]))))
    by = {n: [r for r in rows if r["candidate"] == n] for n in names}
    total = {n: sum(float(r["built_mw"]) for r in by[n]) for n in names}
    signed_only = [n for n in names if _kind(view, str(by[n][0]["technology"]))[0] in CONTRACTS]
    built = [n for n in names if n not in signed_only]
    mw = sum(total[n] for n in built)
    first = min((int(r["year"]) for n in built for r in by[n]), default=years[-1])
    title = f"At least cost, {with_unit(mw, 'MW')} of plants and lines are built by {years[-1]}, the first for {first}"
    if signed_only and any(int(r["year"]) < first for n in signed_only for r in by[n]):
        title += "; until then contracts bridge the gap"
    if not built:
        title = f"At least cost nothing is built by {years[-1]}: contracts are enough"
    gap = plan.get("gap")
    caption = (
        "Each row is a project or contract of the case; the bar begins at the milestone year from which the plan has "
        "it. Thin line: the years it could really serve from, by the record of delays."
    )
    if gap is not None:
        caption += f" No plan can be cheaper by more than {with_unit(float(gap), 'share', 2)}; that is proven."
    risk = [e for e in plan.get("lole_check") or plan.get("lole") or [] if e]
    if risk:
        worst = max(risk, key=lambda e: float(e["mean"]))
        caption += f" Short of power at most {with_unit(float(worst['mean']), 'h', 2)} a year in any milestone year."
    lo = min(years[0], *(float(r.get("service_low") or r["year"]) for r in rows))
    hi = years[-1] + 1.0

    def draw(width: int) -> str:
        wide = width >= WIDE
        step, left, right = (30, 250, 74) if wide else (46, 8, 64)
        svg = Svg(width, 34 + step * len(names) + 6, title)
        f = frame(svg, (lo, hi), (0, 1), left=left, right=right, top=26, bottom=6)
        for year in years:
            svg.line(f.px(year), f.top, f.px(year), f.bottom, "grid")
            svg.text(f.px(year), f.top - 8, str(year), "muted", "middle")
        for i, n in enumerate(names):
            y = f.top + step * i + (step / 2 if wide else step - 14)
            tone = _tone(view, str(by[n][0]["technology"]))
            label = plain(n)
            short = label if len(label) < 38 else label[:36] + "…"
            svg.text(left - 12 if wide else left, y + 4 if wide else y - 11, short, "" if wide else "small",
                     "end" if wide else "start")  # fmt: skip
            start = min(int(r["year"]) for r in by[n])
            tip = f"{label}: " + "; ".join(f"{with_unit(float(r['built_mw']), 'MW')} by {r['year']}" for r in by[n])
            svg.rect(f.px(start), y - 6, f.px(hi) - f.px(start), 12, f"fill:{tone}", tip=tip)
            low, high = by[n][0].get("service_low"), by[n][0].get("service_high")
            if low is not None and high is not None:
                a, b = f.px(max(float(low), lo)), f.px(min(float(high), hi))
                svg.line(a, y, max(b, a + 2), y, "", "stroke:var(--ink);stroke-width:1.4")
                for x in (a, max(b, a + 2)):
                    svg.line(x, y - 4, x, y + 4, "", "stroke:var(--ink);stroke-width:1.4")
            svg.text(f.right + 8, y + 4, with_unit(total[n], "MW"), "muted")
        return str(svg)

    kinds = list(dict.fromkeys(_kind(view, str(by[n][0]["technology"])) for n in names))
    return Figure(
        "plan-builds", title, caption, f"Planner: least cost with a certified bound. {_asked(plan)}", "estimated", draw,
        pd.DataFrame(whole).round(2), legend=[(colour, "box", words) for words, colour in kinds],
    )  # fmt: skip


def waterfall(view: View) -> Figure | None:
    """Cost of the plan line by line."""
    plan = view.plan
    lines = [(str(r["line"]), float(r["usd"])) for r in _rows(plan, "cost_waterfall")]
    rows = [(line, usd) for line, usd in lines if abs(usd) >= SEEN_SHARE * sum(abs(v) for _, v in lines) > 0]
    if plan is None or not rows:
        return None
    total = sum(v for _, v in rows)
    big = max(rows, key=lambda r: r[1])
    title = (
        f"The plan costs {with_unit(total, 'USD', 3)} in today’s money; "
        f"{LINES.get(big[0], plain(big[0])).lower()} {with_unit(big[1] / total, 'share', 2)} of it"
    )
    caption = "Present value of all years of the plan, added up line by line."
    starts = np.cumsum([0.0, *[v for _, v in rows]])

    def draw(width: int) -> str:
        wide = width >= WIDE
        step, left, right = (32, 200, 90) if wide else (46, 8, 80)
        svg = Svg(width, 30 + step * (len(rows) + 1) + 6, title)
        lo, hi = bounds(starts / 1e9)
        f = frame(svg, (lo, hi), (0, 1), left=left, right=right, top=26, bottom=6)
        for v in ticks(lo, hi, count=5 if wide else 3):
            svg.line(f.px(v), f.top, f.px(v), f.bottom, "axis" if v == 0 else "grid")
            svg.text(f.px(v), f.top - 8, number(v), "muted", "middle")
        svg.text(left - 12 if wide else left, f.top - 8, "bn USD" if wide else "", "muted", "end" if wide else "start")
        for i, (line, usd) in enumerate([*rows, ("total", total)]):
            y = f.top + step * i + (step / 2 if wide else step - 14)
            name = "In all" if line == "total" else LINES.get(line, plain(line))
            svg.text(left - 12 if wide else left, y + 4 if wide else y - 11, name, "strong" if line == "total" else "",
                     "end" if wide else "start")  # fmt: skip
            a, b = sorted((starts[i], starts[i] + usd)) if line != "total" else (0.0, total)
            tone = "var(--ink)" if line == "total" else "var(--flow)" if usd >= 0 else "var(--gain)"
            svg.rect(f.px(a / 1e9), y - 8, max(f.px(b / 1e9) - f.px(a / 1e9), 1.5), 16, f"fill:{tone}",
                     tip=f"{name}: {with_unit(usd, 'USD', 3)}")  # fmt: skip
            svg.text(f.px(b / 1e9) + 6, y + 4, with_unit(usd, "USD", 3), "halo")
        return str(svg)

    data = pd.DataFrame([(LINES.get(k, k), v / 1e6) for k, v in [*rows, ("In all", total)]],
                        columns=["line", "present value [M USD]"]).round(2)  # fmt: skip
    return Figure("plan-cost", title, caption, f"Planner. {_asked(plan)}", "estimated", draw, data)


def regret(view: View) -> Figure | None:
    """What each plan costs too much in the future it was not made for."""
    miners = (view.plan or {}).get("miners") or {}
    rows = [r for r in miners.get("regret") or [] if r.get("regret_usd") is not None]
    if not rows:
        return None
    plans = list(dict.fromkeys(str(r["plan"]) for r in rows))
    futures = list(dict.fromkeys(str(r["future"]) for r in rows))
    cell = {(str(r["plan"]), str(r["future"])): max(float(r["regret_usd"]), 0.0) for r in rows}
    worst = {p: max(cell.get((p, f), 0.0) for f in futures) for p in plans}
    best = min(plans, key=lambda p: worst[p])
    title = f"Least to regret: {_name(best)}, at worst {with_unit(worst[best], 'USD', 2)} too dear"
    caption = (
        "Read a row: a plan made for one future. Read a column: what then happens. The number is how much more the "
        "plan costs than the best plan for what happened. Nobody knows today whether the miners will stay."
    )
    notes = []
    if (stay := (miners.get("mining_mw") or {}).get("stay")) and (span := miners.get("years")):
        notes.append(f"If they stay they take {with_unit(float(stay[0]), 'MW', 2)} in {span[0]} and "
                     f"{with_unit(float(stay[-1]), 'MW', 2)} in {span[-1]}, if coins go on earning what they last did.")
    sure = [float(r["regret_high_usd"]) - float(r["regret_low_usd"]) for r in rows if "regret_high_usd" in r]
    if sure:
        caption += f" Each number is proven to within {with_unit(max(sure), 'USD', 1)}."
    if (idle := miners.get("stranded_usd_per_year")) is not None:
        text = (f"What is built for miners who then leave, beyond what is best without them, costs "
                f"{with_unit(float(idle), 'USD', 2)} a year to pay off and keep.")  # fmt: skip
        if any(r["regret_usd"] < r["idle_usd"] for r in rows if (r["plan"], r["future"]) == (plans[0], "leave")):
            text += " It replaces other plant or saves fuel, so the plan is too dear by less than that."
        notes.append(text)
    for name, bill in (miners.get("bill") or {}).items():
        rise = float(bill["consumers_usd_per_mwh"])
        notes.append(
            f"Who pays for it, {name}: consumers {with_unit(float(bill['consumers_usd']), 'USD', 2)} a year "
            f"({number(rise, 2)} USD per MWh), miners {with_unit(float(bill['miners_usd']), 'USD', 2)}."
        )
    top = max(max(cell.values()), 1.0)

    def draw(width: int) -> str:
        wide = width >= WIDE
        left, row, head = (332, 44, 34) if wide else (8, 66, 34)
        w = (width - left - 6) / len(futures)
        svg = Svg(width, head + row * len(plans) + 6, title)
        for j, f in enumerate(futures):
            svg.text(left + w * (j + 0.5), head - 12, f"… {FUTURES.get(f, plain(f).lower())}", "muted", "middle")
        for i, p in enumerate(plans):
            y = head + row * i
            if wide:
                svg.text(left - 12, y + row / 2 + 4, PLANS.get(p, plain(p)), "strong" if p == best else "", "end")
            else:
                svg.text(left, y + 14, PLANS.get(p, plain(p)), "strong" if p == best else "")
            up = 0 if wide else 22
            for j, f in enumerate(futures):
                v = cell.get((p, f), float("nan"))
                level = 0 if v != v or v < 0.01 * top else min(1 + int(6 * v / top), 6)
                svg.rect(left + w * j + 1, y + up + 1, w - 2, row - up - 3, "", f"heat h{level}")
                text = "the best there is" if v < 0.002 * top else signed(v, "USD", 2)
                svg.text(left + w * (j + 0.5), y + up + (row - up) / 2 + 4, text, f"t{level}", "middle")
        return str(svg)

    source = f"Planner: each plan operated in each future. {_asked(view.plan or {})}"
    return Figure("plan-regret", title, caption, source, "estimated", draw, pd.DataFrame(rows), notes=notes)


def nuclear(view: View) -> Figure | None:
    """What a reactor costs, and what it must cost to pay."""
    found = (view.plan or {}).get("nuclear") or {}
    claimed, even = found.get("capex_usd_per_mw") or {}, found.get("break_even_capex_usd_per_mw") or {}
    if not claimed or claimed.get("best") is None or even.get("best") is None:
        return None
    pays = float(even["best"]) >= float(claimed["best"])
    unit = float(found["unit_mw"])
    title = (
        f"A reactor pays below {_per_kw(float(even['best']))}; it is expected to cost {_per_kw(float(claimed['best']))}"
        if not pays
        else f"A reactor at {_per_kw(float(claimed['best']))} pays: it may cost up to {_per_kw(float(even['best']))}"
    )
    caption = (
        f"Capital cost of one unit of {with_unit(unit, 'MW', 4)} that serves from {found['earliest_year']} at the "
        "earliest, and the cost at which a least-cost plan would build it, interest during building apart."
    )
    if (more := found.get("dearer_with_one_usd")) is not None and not pays:
        caption += f" With one reactor the plan costs {with_unit(float(more['best']), 'USD', 2)} more than without."
    caption += _carbon(found.get("break_even_carbon_price_usd_per_t") or {})
    wait = found.get("price_of_waiting_usd")
    if wait is not None:
        dear = float(wait) < 0
        caption += (
            f" Deciding {number(float(found['wait_years']))} years later {'saves' if dear else 'costs'} "
            f"{with_unit(abs(float(wait)), 'USD', 2)} (money of {found['money_of']}): by so much it would cost "
            f"{'more' if dear else 'less'} in these years than it is worth."
        )
    if not ((view.plan or {}).get("asked") or {}).get("lole"):
        caption += (
            " No reliability target was asked for, so firm power counts only by what it saves while other units are "
            "there as often as on average."
        )
    if found.get("needs_consent"):
        caption += " It also needs the consent of the people."
    rows = [("Expected to cost", claimed, "var(--nuclear)"), ("Worth to the system", even, "var(--flow)")]
    ends = [float(v) for _, r, _ in rows for v in r.values() if v is not None]

    def draw(width: int) -> str:
        wide = width >= WIDE
        step, left = (44, 190) if wide else (56, 8)
        svg = Svg(width, 34 + step * len(rows) + 6, title)
        f = frame(svg, bounds(np.array(ends) / 1e3), (0, 1), left=left, right=26, top=28, bottom=6)
        for v in ticks(f.x0, f.x1, count=5 if wide else 3):
            svg.line(f.px(v), f.top, f.px(v), f.bottom, "axis" if v == 0 else "grid")
            svg.text(f.px(v), f.top - 8, number(v), "muted", "middle")
        at = (left - 12, f.top - 8, "end") if wide else (left, f.top - 21, "start")
        svg.text(at[0], at[1], "USD per kW", "muted", at[2])
        for i, (name, r, tone) in enumerate(rows):
            y = f.top + step * i + (step / 2 if wide else step - 16)
            svg.text(left - 12 if wide else left, y + 4 if wide else y - 12, name, "", "end" if wide else "start")
            best = float(r["best"])
            low, high = (float(r[k]) if r.get(k) is not None else best for k in ("low", "high"))
            a, b = f.px(low / 1e3), f.px(high / 1e3)
            svg.add(f'<rect x="{a:.1f}" y="{y - 7:.1f}" width="{max(b - a, 2):.1f}" height="14" rx="7"'
                    f' style="fill:{tone};fill-opacity:.38"/>')  # fmt: skip
            svg.circle(f.px(best / 1e3), y, 6.5, f"fill:{tone}", tip=f"{name}: {_per_kw(best)}")
        return str(svg)

    data = pd.DataFrame([(n, r.get("low"), r.get("best"), r.get("high")) for n, r, _ in rows],
                        columns=["capital cost", "low [USD/MW]", "best [USD/MW]", "high [USD/MW]"])  # fmt: skip
    return Figure("plan-nuclear", title, caption, f"Planner; costs from the case’s projects. {_asked(view.plan or {})}",
                  "estimated", draw, data)  # fmt: skip


def _carbon(found: Mapping[str, Any]) -> str:
    """What a carbon price does for the reactor."""
    best, low, high = (None if found.get(k) is None else float(found[k]) for k in ("best", "low", "high"))
    if not found:
        return ""
    if best is None:
        return (f" No carbon price up to {with_unit(float(found['most']), 'USD', 3)} a tonne of CO₂ brings it in: "
                "other plants save CO₂ for less.")  # fmt: skip
    if best == 0.0:
        return " It needs no carbon price."
    text = f" At its expected cost it enters once CO₂ costs about {with_unit(best, 'USD', 2)} a tonne"
    sides = [f"not yet at {number(low)}"] if low is not None else []
    sides += [f"certainly at {number(high)}"] if high is not None else []
    return text + (f" ({', '.join(sides)})." if sides else ".")


def _rows(plan: Mapping[str, Any] | None, key: str) -> Sequence[Mapping[str, Any]]:
    return (plan or {}).get(key) or []


def _name(plan: str) -> str:
    text = PLANS.get(plan, plain(plan))
    return text[:1].lower() + text[1:]


def _per_kw(usd_per_mw: float) -> str:
    return f"{number(usd_per_mw / 1e3, 2)} USD per kW"


def _kind(view: View, technology: str) -> tuple[str, str]:
    fuel = view.fuel_of.get(technology, "")
    if technology == "line":
        return "Line", "var(--kind-line)"
    if technology == "import" or fuel == "import":
        return "Import contract", "var(--imports)"
    if technology == "interruptible":
        return "Miners on call", "var(--miners)"
    return (fuel_name(fuel or technology), fuel_colour(fuel)) if fuel else (plain(technology), "var(--battery)")


def _tone(view: View, technology: str) -> str:
    return _kind(view, technology)[1]


def _asked(plan: Mapping[str, Any]) -> str:
    """What was asked of the planner, in a few words."""
    years = plan.get("years") or []
    span = f"Milestones {years[0]}{DASH}{years[-1]}." if len(years) > 1 else ""
    target = (plan.get("asked") or {}).get("lole")
    return span + (f" Reliability target {with_unit(float(target), 'h', 2)} a year." if target else "")
