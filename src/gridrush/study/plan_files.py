"""A plan as it leaves the house: all of it for JSON, sentences, tables, a PyPSA network, and a scenario of its case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from gridrush.case.estimate import Estimate
from gridrush.case.load import resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.planning.plan import Plan
from gridrush.study.expansion import PlanProblem
from gridrush.study.plan_answers import builds_with_slips, waterfall

if TYPE_CHECKING:
    import pandas as pd

FILE = "plan.json"
"""Name of a plan in the folder that `gridrush plan --out` writes."""


def whole_plan(
    problem: PlanProblem, plan: Plan, lole_check: Sequence[Estimate] = (), more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """All of a plan that is printed, stored and shown: see the keys."""
    about: dict[str, Any] = {"network": problem.name, "dropped": list(problem.dropped)}
    if problem.case is not None:
        about = {"case": problem.name, "scenario": problem.scenario}
    energy = plan.generation()
    zones = plan.stages[0].futures[0].system.zones
    price = plan.tables()["price_usd_per_mwh"]
    out = {
        **about, "years": plan.years, **plan.to_dict(), "cost_waterfall": waterfall(plan),
        "energy_mwh": {str(y): row.to_dict() for y, row in energy.iterrows()},
        "price_usd_per_mwh": {str(y): {z: float(row[z]) for z in zones} for y, row in price.iterrows()},
        "margin_share": list(plan.margin_share),
        "bounds": [{"seconds": p.seconds, "lower_usd": p.lower_usd, "upper_usd": p.upper_usd, "gap": p.gap_share,
                    "what": p.what} for p in plan.log],
    }  # fmt: skip
    if problem.case is not None:
        out["builds"] = builds_with_slips(problem.case, plan)
    if lole_check:
        out["lole_check"] = [e.to_dict() for e in lole_check]
    return {**out, **(more or {})}


def told(more: Mapping[str, Any]) -> list[str]:
    """The answers in sentences."""
    lines = []
    if (n := more.get("nuclear")) is not None:
        lines += [f"Nuclear: {n['why']}."] if n.get("candidate") is None else _told_of_nuclear(n)
    if (m := more.get("miners")) is not None:
        lines += _told_of_miners(m)
    return lines


PLANNED_FOR = {
    "stay, served firm": "miners who stay and are served whatever happens",
    "stay, on call": "miners who stay and switch off when called", "leave": "miners who leave",
}  # fmt: skip
"""What the plans of the miners' question are made for, in words."""


def _told_of_nuclear(n: Mapping[str, Any]) -> list[str]:
    worth, claimed = n["break_even_capex_usd_per_mw"], n["capex_usd_per_mw"]
    carbon, wait = n["break_even_carbon_price_usd_per_t"], n["price_of_waiting"]
    expected = f"{claimed['best'] / 1e3:,.0f} USD/kW expected"
    if claimed["low"] is not None and claimed["high"] is not None:
        expected += f" ({claimed['low'] / 1e3:,.0f} to {claimed['high'] / 1e3:,.0f})"
    reactor = f"A first reactor of {n['unit_mw']:,.0f} MW, from {n['earliest_year']} on"
    if worth["high"] <= 0:
        lines = [f"{reactor}, would not be in the least-cost plan even if building it cost nothing; {expected}."]
    else:
        ends = f"{worth['low'] / 1e3:,.0f} to {worth['high'] / 1e3:,.0f}"
        lines = [f"{reactor}, is in the least-cost plan if it costs less than {worth['best'] / 1e3:,.0f} USD/kW "
                 f"({ends}); {expected}."]  # fmt: skip
    most = f"{carbon['most']:.0f} USD/t of CO2"
    if carbon["best"] is None:
        sure = "" if carbon["low"] == carbon["most"] else ", though the gap leaves the last of it open"
        lines.append(f"No carbon price up to {most} brings it in{sure}: other plants save CO2 for less.")
    elif carbon["best"] == 0.0:
        lines.append("It needs no carbon price.")
    else:
        sides = [f"not at {carbon['low']:.0f}"] if carbon["low"] is not None else []
        sides += [f"surely at {carbon['high']:.0f}"] if carbon["high"] is not None else []
        lines.append(f"At its expected cost a carbon price of about {carbon['best']:.0f} USD/t brings it in "
                     f"({', '.join(sides) or f'looked at up to {most}'}).")  # fmt: skip
    verb = "costs" if wait["best"] > 0 else "saves"
    least, most_bn = sorted(abs(wait[k]) / 1e9 for k in ("low", "high"))
    lines.append(f"Deciding on it {n['wait_years']:.0f} years later {verb} {abs(wait['best']) / 1e9:,.2f} bn USD "
                 f"({least:,.2f} to {most_bn:,.2f}), money of {n['money_of']}.")  # fmt: skip
    return lines


def _told_of_miners(m: Mapping[str, Any]) -> list[str]:
    lines = []
    for plan in dict.fromkeys(r["plan"] for r in m["regret"]):
        said = [f"{r['regret_usd'] / 1e6:,.0f} M USD ({r['regret_low_usd'] / 1e6:,.0f} to "
                f"{r['regret_high_usd'] / 1e6:,.0f}; {r['regret_share']:.1%}) if they {r['future']}"
                for r in m["regret"] if r["plan"] == plan]  # fmt: skip
        lines.append(f"Regret of the plan for {PLANNED_FOR.get(plan, plan)}: {'; '.join(said)}.")
    for name, b in m["bill"].items():
        lines.append(f"Plant built for miners who then leave, {name}: of {m['stranded_usd_per_year'] / 1e6:,.0f} M USD "
                     f"a year consumers pay {b['consumers_usd'] / 1e6:,.0f} M ({b['consumers_usd_per_mwh']:.2f} "
                     f"USD/MWh), the miners {b['miners_usd'] / 1e6:,.0f} M.")  # fmt: skip
    return lines


def command(where: str, asked: Mapping[str, Any]) -> str:
    """The command that makes a plan."""
    flags = {"from": asked["from"], "to": asked["to"], "every": asked["every"], "lole": asked["lole"],
             "carbon-price": asked["carbon_price"], "decide": asked["decide"], "gap": asked["gap"],
             "scenario": asked["scenario"], "samples": asked["samples"] if asked["lole"] else None,
             "futures": asked["futures"], "seed": asked["seed"]}  # fmt: skip
    words = [f"--{k} {v}" for k, v in flags.items() if v is not None]
    words += [f"--{k} {v}" for k in ("exclude", "force") for v in asked[k]]
    return " ".join(["gridrush plan", where, *words])


def scenario_of(
    case: Case, plan: Plan, *, name: str = "least-cost", base: str = "open-door", made: str = ""
) -> dict[str, Any]:
    """A scenario that builds what a plan of a case builds, as the difference to its base.

    Each project comes once, with all that is built of it. A stage serves its milestone and the years up to it, so what
    it builds comes the year after the milestone before, or as soon as it can; several times: on average. Contracts
    become import contracts; miners on call become rationing paid at the price of a call.
    """
    projects = {p.project: p for p in case.projects}
    told = {b.project for b in resolve_scenario(case, base).builds}
    ties = {f"{t.tie} contract {t.start.year}": t for t in case.ties}
    builds: list[dict[str, Any]] = []
    contracts: list[dict[str, Any]] = []
    rationing: list[dict[str, Any]] = []
    years = np.array([plan.years[0], *(y + 1 for y in plan.years[:-1])], np.float64)
    for i, c in enumerate(plan.candidates):
        built = np.where(plan.built_mw[:, i] > 0.5, plan.built_mw[:, i], 0.0)
        if not built.any():
            continue
        starts = np.maximum(years, c.earliest_year)
        first = date(int(starts[int(np.argmax(built > 0))]), 1, 1)
        if c.name in projects and c.name not in told:
            p = projects[c.name]
            on = date(round(float(starts @ built / built.sum())), 1, 1)
            row: dict[str, Any] = {"project": c.name, "online": on}
            if abs(built.sum() - p.capacity_mw) > 0.5:
                row["capacity_mw"] = round(float(built.sum()), 1)
            builds.append(row)
        elif c.name in ties:
            t = ties[c.name]
            row = {"start": max(first, t.start), "zone": t.zone, "partner": t.partner,
                   "capacity_mw": round(float(built.max()), 1), "price_usd_per_mwh": t.price_usd_per_mwh}  # fmt: skip
            contracts.append(row if t.end is None else {**row, "end": t.end})
        elif c.technology == "interruptible" and not rationing:
            rationing.append({"start": first, "paid_usd_per_mwh": c.cost_usd_per_mwh})
    out: dict[str, Any] = {
        "name": name, "title": "Least cost",
        "story": f"What the planner builds at least cost. Made by `{made}`." if made else "What the planner builds.",
        "base": base,
    }  # fmt: skip
    if builds:
        out["also_build"] = builds
    if contracts:
        out["import_contract"] = contracts
    if rationing:
        out["rationing"] = rationing
    Scenario.model_validate(out)
    return out


def write_scenario(difference: Mapping[str, Any], path: Path, *, comment: str) -> None:
    """A scenario as a file a person can read, with a word on how it was made."""
    body = yaml.safe_dump(dict(difference), sort_keys=False, allow_unicode=True, width=110)
    path.write_text("".join(f"# {line}\n" for line in comment.splitlines()) + body, encoding="utf-8")


def answer_tables(more: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """The answers as sheets of a workbook: each number with the interval that gaps leave open."""
    import pandas as pd

    out: dict[str, pd.DataFrame] = {}
    if (n := more.get("nuclear")) and n.get("candidate"):
        names = {"capex_usd_per_mw": "capex expected [USD/MW]",
                 "break_even_capex_usd_per_mw": "break-even capex [USD/MW]",
                 "break_even_carbon_price_usd_per_t": "break-even carbon price [USD/t]",
                 "dearer_with_one_usd": "plan with one reactor dearer by [USD]",
                 "price_of_waiting": f"cost of deciding {n['wait_years']:.0f} years later [USD]"}  # fmt: skip
        out["nuclear"] = pd.DataFrame([(words, n[k]["low"], n[k]["best"], n[k]["high"]) for k, words in names.items()],
                                      columns=["what", "low", "best", "high"])  # fmt: skip
    if m := more.get("miners"):
        out["regret"] = pd.DataFrame(m["regret"])
        out["stranded"] = pd.DataFrame([{"contract": k, **v} for k, v in m["bill"].items()])
    return out


def write_plan(plan: Plan, path: Path, more: Mapping[str, Any] | None = None) -> None:
    """A plan as `.xlsx` (its tables and answers) or `.nc` (its last stage as a PyPSA network)."""
    if path.suffix == ".nc":
        import warnings

        from gridrush.study.networks import write_pypsa

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyPSA's own, on how it will write tables one day
            write_pypsa(plan.system(len(plan.stages) - 1), path)
        return
    import pandas as pd

    with pd.ExcelWriter(path) as book:
        for sheet, table in {**plan.tables(), **answer_tables(more or {})}.items():
            table.to_excel(book, sheet_name=sheet, index=table.index.name is not None)
