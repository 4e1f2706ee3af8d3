"""Scenarios side by side: what differs in what goes in, what differs in what comes out, and who does best on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from gridrush.case.scenario import Scenario
from gridrush.policy.fiscal import fiscal_usd, present_value_usd, system_cost_usd
from gridrush.study.run import Run

NO_INPUT = ("name", "title", "story", "base")
"""Fields of a scenario that change nothing."""


@dataclass(frozen=True)
class Question:
    """Something scenarios are compared by."""

    text: str
    unit: str
    better: str  # "low" or "high"


QUESTIONS: Mapping[str, Question] = {
    "unserved_gwh": Question("Who leaves the least energy unserved?", "GWh", "low"),
    "net_import_twh": Question("Who depends least on imports?", "TWh", "low"),
    "system_cost_usd": Question("Whose power system costs least, in present value?", "USD", "low"),
    "fiscal_usd": Question("What brings the treasury most, in present value?", "USD", "high"),
    "co2_mt": Question("Who emits least?", "Mt", "low"),
}
"""What `compare` gives a verdict on, over the years compared."""

TIE_SHARE = 1e-3
"""Two results nearer than this share of the larger are alike."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Tables of a comparison."""

    inputs: pd.DataFrame  # index key of the scenario file, a column for each scenario; only what differs
    results: pd.DataFrame  # index quantity and year, a column for each scenario
    differences: pd.DataFrame  # the same less the first scenario's
    verdicts: pd.DataFrame  # index quantity: question, unit, best, verdict, and a column for each scenario


def compare(runs: Sequence[Run]) -> Comparison:
    """Runs of one case beside the first of them, over the years they share."""
    years = sorted(set.intersection(*(set(r.years) for r in runs)))
    if not years:
        raise ValueError("the runs share no year")
    results = pd.DataFrame({r.name: _results(r, years) for r in runs})
    results.index.names = ["quantity", "year"]
    first = results.columns[0]
    return Comparison(
        inputs=inputs([r.scenario for r in runs]), results=results,
        differences=results.drop(columns=first).sub(results[first], axis=0), verdicts=_verdicts(runs, results, years),
    )  # fmt: skip


def inputs(scenarios: Sequence[Scenario]) -> pd.DataFrame:
    """What differs between scenarios, as they are with their bases filled in; blank where a lever is not pulled."""
    told = {s.name: _told(s) for s in scenarios}
    keys = dict.fromkeys(k for t in told.values() for k in t)
    rows = {k: [t.get(k, "") for t in told.values()] for k in keys}
    rows = {k: row for k, row in rows.items() if len(set(row)) > 1}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(told)).rename_axis("lever")


def _told(scenario: Scenario) -> dict[str, str]:
    out: dict[str, str] = {}
    for key, value in scenario.model_dump(mode="json", exclude_none=True).items():
        if key in NO_INPUT or value in ((), [], {}, None):
            continue
        if key == "assume":
            out |= {f"assume.{k}": str(v) for k, v in value.items()}
        elif key in ("build", "also_build"):
            names = sorted(b["project"] + (f" {b['online']}" if "online" in b else "") for b in value)
            out["build"] = ", ".join(sorted({*out.get("build", "").split(", "), *names} - {""}))
        elif isinstance(value, list):
            out[key] = "; ".join(", ".join(f"{k} {v}" for k, v in x.items()) for x in value)
        else:
            out[key] = str(value)
    return out


def _results(run: Run, years: Sequence[int]) -> pd.Series[float]:
    a = run.annual.sel(year=list(years))
    parts = {
        "demand_twh": a["demand_twh"].sum("zone").to_series(),
        "registered_twh": a["registered_twh"].sum("zone").to_series(),
        "unregistered_twh": a["unregistered_twh"].sum("zone").to_series(),
        "net_import_twh": a["net_import_twh"].to_series(),
        "peak_mw": a["peak_mw"].to_series(),
        "unserved_gwh": a["unserved_gwh"].sum("zone").to_series(),
        "interrupted_gwh": a["interrupted_gwh"].sum("zone").to_series(),
        "co2_mt": a["co2_mt"].to_series(),
        "system_cost_usd": system_cost_usd(run.ledger).loc[list(years)],
        "fiscal_usd": fiscal_usd(run.ledger).loc[list(years)],
    }
    return pd.Series(pd.concat(parts))


def _verdicts(runs: Sequence[Run], results: pd.DataFrame, years: Sequence[int]) -> pd.DataFrame:
    rate = runs[0].case.parameters.discount_share.value
    rows = {}
    for quantity, q in QUESTIONS.items():
        total: dict[str, float] = {}
        for name in results.columns:
            by_year = pd.Series(results[name].xs(quantity))
            money = present_value_usd(by_year, base_year=min(years), discount_share=rate)
            total[str(name)] = money if q.unit == "USD" else float(by_year.sum())
        best = min(total.values()) if q.better == "low" else max(total.values())
        reach = TIE_SHARE * max(abs(x) for x in total.values())
        alike = [n for n, x in total.items() if abs(x - best) <= reach]
        word = "no difference" if len(alike) == len(total) else " and ".join(alike)
        rows[quantity] = {"question": q.text, "verdict": word, "unit": q.unit, **total}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("quantity")
