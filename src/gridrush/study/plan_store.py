"""A plan on disk: `plan.json` with everything the report shows of it, tables, a PyPSA network, and a scenario."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import yaml

import gridrush
from gridrush.case.estimate import Estimate
from gridrush.case.load import resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.errors import EngineError
from gridrush.planning.plan import Plan
from gridrush.study.expansion import PlanProblem
from gridrush.study.plan_answers import builds_with_slips, waterfall

FORMAT = "gridrush plan 1"
FILE = "plan.json"
PLANS = "plans"
"""Folder of the run store that keeps plans."""


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
    n = more.get("nuclear")
    if n is not None and n.get("candidate") is None:
        lines.append(f"Nuclear: {n['why']}.")
    elif n is not None:
        worth, c = n["break_even_capex_usd_per_mw"], n["capex_usd_per_mw"]
        carbon = n["break_even_carbon_price_usd_per_t"]
        lines.append(f"Nuclear, from {n['earliest_year']}: enters at a capex of {worth['best'] / 1e6:.2f} M USD/MW "
                     f"({worth['low'] / 1e6:.2f} to {worth['high'] / 1e6:.2f}); it is {c['best'] / 1e6:.2f}."
                     + ("" if carbon is None else f" Or at a carbon price of {carbon['best']:.0f} USD/t "
                        f"({carbon['low']:.0f} to {carbon['high']:.0f})."))  # fmt: skip
        later = n["price_of_waiting_usd"] / 1e9
        lines.append(f"Deciding on a reactor {n['wait_years']:.0f} years later {'costs' if later > 0 else 'saves'} "
                     f"{abs(later):.2f} bn USD, money of {n['money_of']}.")  # fmt: skip
    if (m := more.get("miners")) is not None:
        lines += [f"Plan for miners that {r['plan']}, if they {r['future']}: regret {r['regret_usd'] / 1e6:,.0f} M "
                  f"USD ({r['regret_share']:.2%}), idle plant {r['idle_usd'] / 1e6:,.0f} M."
                  for r in m["regret"]]  # fmt: skip
        lines += [f"Stranded plant, {name}: miners pay {b['miners_usd'] / 1e6:,.1f} M USD a year, consumers "
                  f"{b['consumers_usd'] / 1e6:,.1f} M ({b['consumers_usd_per_mwh']:.2f} USD/MWh)."
                  for name, b in m["bill"].items()]  # fmt: skip
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


def plan_key(case: Case, asked: Mapping[str, Any]) -> str:
    """Hash of case, request and version: the address of a plan."""
    what = {"case": case.digest, "asked": dict(asked), "version": gridrush.__version__, "format": FORMAT}
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:32]


def plain(value: Any) -> Any:
    """A value as JSON takes it; what has no number there (NaN, infinity) is None."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def save_plan(case: Case, asked: Mapping[str, Any], found: Mapping[str, Any], folder: Path) -> Path:
    """Write `found` as `folder/KEY.json`, whole or not at all; `stored_plan` finds it again.

    Raises
    ------
    EngineError
        If it cannot be written.
    """
    key = plan_key(case, asked)
    whole = {"format": FORMAT, "key": key, "case": case.name, "case_digest": case.digest,
             "gridrush_version": gridrush.__version__, "asked": dict(asked), **found}  # fmt: skip
    path, part = folder / f"{key}.json", folder / f".{key}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(plain(whole), ensure_ascii=False, indent=1, allow_nan=False), encoding="utf-8")
        os.replace(part, path)
    except OSError as failed:
        raise EngineError(f"cannot write {path}: {failed}") from failed
    return path


def stored_plan(case: Case, folder: Path) -> dict[str, Any] | None:
    """The newest plan of exactly this case in a folder, or None; what cannot be read is passed over."""
    try:
        files = sorted(folder.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
    except OSError:
        return None
    for path in files:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(found, dict) and found.get("format") == FORMAT and found.get("case_digest") == case.digest:
            return found
    return None


def scenario_of(
    case: Case, plan: Plan, *, name: str = "least-cost", base: str = "open-door", made: str = ""
) -> dict[str, Any]:
    """A scenario that builds what a plan of a case builds, as the difference to its base.

    Each project comes once, with what stands of it at the end of the plan, on the first day of the year in which the
    plan first has it, or later ones on average. Contracts become import contracts from the year of the plan's stage
    on; miners on call become rationing paid at the price of a call.
    """
    projects = {p.project: p for p in case.projects}
    told = {b.project for b in resolve_scenario(case, base).builds}
    ties = {f"{t.tie} contract {t.start.year}": t for t in case.ties}
    builds: list[dict[str, Any]] = []
    contracts: list[dict[str, Any]] = []
    rationing: list[dict[str, Any]] = []
    years = np.array(plan.years, np.float64)
    for i, c in enumerate(plan.candidates):
        built = np.where(plan.built_mw[:, i] > 0.5, plan.built_mw[:, i], 0.0)
        if not built.any():
            continue
        first = date(int(plan.years[int(np.argmax(built > 0))]), 1, 1)
        if c.name in projects and c.name not in told:
            p = projects[c.name]
            on = date(round(float(years @ built / built.sum())), 1, 1)
            row: dict[str, Any] = {"project": c.name, "online": on}
            if abs(built.sum() - p.capacity_mw) > 0.5:
                row["capacity_mw"] = round(float(built.sum()), 1)
            builds.append(row)
        elif c.name in ties:
            t = ties[c.name]
            row = {"start": first, "zone": t.zone, "partner": t.partner, "capacity_mw": round(float(built.max()), 1),
                   "price_usd_per_mwh": t.price_usd_per_mwh}  # fmt: skip
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


def write_plan(plan: Plan, path: Path) -> None:
    """A plan as `.xlsx` (its tables) or `.nc` (its last stage as a PyPSA network)."""
    if path.suffix == ".nc":
        from gridrush.study.networks import write_pypsa

        write_pypsa(plan.system(len(plan.stages) - 1), path)
        return
    import pandas as pd

    with pd.ExcelWriter(path) as book:
        for sheet, table in plan.tables().items():
            table.to_excel(book, sheet_name=sheet, index=table.index.name is not None)
