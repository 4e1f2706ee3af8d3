"""`gridrush detect`: feeders behind which an unregistered farm is likely, in the order of what an inspection finds."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridrush.cli.options import Json
from gridrush.cli.show import give_json, give_table, progress_bar, whole_folder
from gridrush.errors import CaseError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from gridrush.detect.find import Detection

COLUMNS = ("rank", "feeder", "probability", "mw", "mw_low", "mw_high", "expected_mw", "since", "evidence")
EXAMPLE = {"feeders": 80, "days": 365, "farm_share": 0.2}
INSPECTED_SHARE = 0.5
README = """SYNTHETIC data, drawn and not measured: a small network of feeders to try `gridrush detect` on.

  gridrush detect feeders.csv --facts facts.csv --clock +6
  gridrush detect feeders.csv --facts facts.csv --clock +6 --meters meters.csv --reactive reactive.csv \\
      --temperature temperature.csv --events events.csv --labels labels.csv --out found

feeders.csv      hourly load of each feeder [MW], legal time (UTC+6)
meters.csv       sum of the customers' meters behind each feeder [MW]
reactive.csv     reactive power of each feeder [Mvar]
facts.csv        rating, customers, tariff class, registered mining and other flat load known to the operator
temperature.csv  degrees Celsius
events.csv       a fall of the coin price and a lost network
labels.csv       past inspections: what was found on half of the feeders, drawn at random
truth.csv        what is really there (an operator does not have this)
"""


def add(app: typer.Typer) -> None:
    """Put the command of this module under `gridrush`."""
    app.command(epilog="""\b
Examples:
  gridrush detect --example mydata              a small synthetic data set to begin from
  gridrush detect feeders.csv --facts facts.csv --clock Asia/Almaty
  gridrush detect feeders.csv --meters meters.csv --labels labels.csv --events events.csv --top 50 --out found
  gridrush detect feeders.parquet --unit kW --inspections 20 --inspection-cost 1500 --json""")(detect)  # fmt: skip


def detect(
    feeders: Annotated[
        Path | None, typer.Argument(help="Load by hour: a column a feeder, or rows of feeder, time, load_mw.")
    ] = None,
    meters: Annotated[
        Path | None, typer.Option(help="Customers' meters behind the feeders, the same forms: closes the balance.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Past inspections: feeder, found (0 or 1) [, on (day)]: calibrates.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="start, end, kind: falls of coin price, lost network, cuts of miners.")
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option(help="feeder and any of rated_mw or rated_kva, customers, tariff, registered_mw, known_flat_mw."),
    ] = None,
    reactive: Annotated[Path | None, typer.Option(help="Reactive power [Mvar], the same forms.")] = None,
    temperature: Annotated[Path | None, typer.Option(help="time, temperature_c.")] = None,
    holidays: Annotated[Path | None, typer.Option(help="day: days of rest besides weekends.")] = None,
    clock: Annotated[
        str | None, typer.Option(help="Legal time of stamps without an offset: Asia/Almaty, or +6.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="MW, kW, MWh or kWh, where column names do not say.")] = None,
    case: Annotated[str | None, typer.Option(help="Case whose monthly hash price is used as one more sign.")] = None,
    prevalence: Annotated[
        float | None, typer.Option(min=1e-5, max=0.5, help="Share of feeders believed to have a farm before looking.")
    ] = None,
    inspections: Annotated[int, typer.Option(min=1, help="Inspections a month, for what they may find.")] = 20,
    inspection_cost: Annotated[
        float | None, typer.Option(min=0, help="USD of one inspection: gives the cost of a MW found.")
    ] = None,
    value: Annotated[
        float | None, typer.Option(min=0, help="USD that finding one MW is worth: gives how many inspections pay.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Feeders shown.")] = 50,
    example: Annotated[Path | None, typer.Option(help="Write a small synthetic data set into this new folder.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the ranking, signs, inspections and JSON.")] = None,
    seed: Annotated[int, typer.Option(help="Of the folds of learning, and of the example.")] = 1,
    as_json: Json = False,
) -> None:
    """Feeders behind which an unregistered mining load is likely: MW, since when, how sure, and why."""
    if example is not None:
        if feeders is not None:
            raise CaseError([Problem("detect", "--example and a table", "one of the two")])
        _write_example(example, seed)
        if as_json:
            give_json({"example": str(example), "synthetic": True})
        else:
            typer.echo(f"A synthetic data set is in {example}; its README.txt has the commands.")
        return
    if feeders is None:
        raise CaseError([Problem("detect", "no table of feeders", "a CSV or Parquet file, or --example DIR")])
    found = _find(
        feeders, meters, labels, events, facts, reactive, temperature, holidays, clock, unit, case, prevalence, seed
    )  # fmt: skip
    plan = _plan(found, inspections, inspection_cost, value)
    answer = {**found.to_dict(top=top), "inspections": plan}
    if out is not None:
        _write(out, found, inspection_cost or 0.0, value or 0.0, plan)
    if as_json:
        give_json(answer)
        return
    rows = found.table.head(top)
    heads = ["rank", "feeder", "farm", "MW", "low", "high", "expected MW", "since", "evidence"]
    give_table(heads, [[_short(v) for v in r] for r in rows[list(COLUMNS)].itertuples(index=False)])
    total = found.total_mw()
    typer.echo(f"\nOn all {len(found.table)} feeders: {total} unregistered, if the probabilities hold.")
    typer.echo(
        f"The first {plan['inspections']} inspections may expect {plan['farms']:.1f} farms and "
        f"{plan['expected_mw']:.3g} +- {plan['stderr_mw']:.2g} MW, {plan['found_share']:.0%} of it."
    )
    if "inspections_that_pay" in plan:
        typer.echo(f"{plan['inspections_that_pay']} inspections are worth more than they cost.")
    for line in found.said:
        typer.echo(f"Note: {line}.", err=True)


def _find(
    feeders: Path, meters: Path | None, labels: Path | None, events: Path | None, facts: Path | None,
    reactive: Path | None, temperature: Path | None, holidays: Path | None, clock: str | None, unit: str | None,
    case: str | None, prevalence: float | None, seed: int,
) -> Detection:  # fmt: skip
    from gridrush.case.load import load_case
    from gridrush.detect import Priors, find_farms, read_events, read_labels, read_records

    problems, inspected, dated = [], None, None
    try:
        records = read_records(
            feeders, meters=meters, facts=facts, reactive=reactive, temperature=temperature, holidays=holidays,
            clock=clock, unit=unit,
        )  # fmt: skip
    except CaseError as wrong:
        problems += wrong.problems
    try:
        dated = None if events is None else read_events(events)
    except CaseError as wrong:
        problems += wrong.problems
    try:
        if labels is not None:
            inspected = read_labels(labels, None if problems else records.feeders)
    except CaseError as wrong:
        problems += wrong.problems
    if problems:
        raise CaseError(problems)
    priors = Priors() if prevalence is None else dataclasses.replace(Priors(), prevalence_share=prevalence)
    price = None
    if case is not None:
        price = {m.month: m.hashprice_usd_per_ph_day for m in load_case(case).network}
    with progress_bar("looking for changes") as tell:
        return find_farms(
            records, labels=inspected, events=dated, hashprice=price, priors=priors, seed=seed,
            progress=lambda share: tell(share, ""),
        )  # fmt: skip


def _plan(found: Detection, n: int, cost: float | None, value: float | None) -> dict[str, Any]:
    """What the first n inspections may expect, and the lever of a scenario they amount to."""
    from gridrush.detect import enforcement_lever, inspection_curve, worth_inspecting

    table = found.table
    n = min(n, len(table))
    row = inspection_curve(table, cost_usd=cost or 0.0, value_usd_per_mw=value or 0.0).iloc[n - 1]
    lever = enforcement_lever(table, inspections_per_month=n, cost_usd=cost or 0.0, start=date.today())
    plan: dict[str, Any] = {
        "inspections": n,
        "farms": float(row["farms"]),
        "expected_mw": float(row["expected_mw"]),
        "stderr_mw": float(row["stderr_mw"]),
        "precision": float(row["farms"]) / n,
        "found_share": lever.found_share_per_month,
    }
    if cost is not None:
        plan["enforcement"] = {
            "found_share_per_month": lever.found_share_per_month, "cost_usd_per_mw": lever.cost_usd_per_mw
        }  # fmt: skip
        if value is not None:
            plan["inspections_that_pay"] = worth_inspecting(table, cost_usd=cost, value_usd_per_mw=value)
            plan["net_usd"] = float(row["net_usd"])
    return plan


def _write(out: Path, found: Detection, cost: float, value: float, plan: dict[str, Any]) -> None:
    from gridrush.detect import inspection_curve

    with whole_folder(out, {"command": "detect", "feeders": len(found.table), "said": list(found.said)}) as folder:
        found.table.to_csv(folder / "ranking.csv", index=False, encoding="utf-8-sig")
        signs = found.look.features.copy()
        signs.insert(0, "feeder", list(found.look.records.feeders))
        signs.to_csv(folder / "signs.csv", index=False, encoding="utf-8-sig")
        curve = inspection_curve(found.table, cost_usd=cost, value_usd_per_mw=value)
        curve.to_csv(folder / "inspections.csv", index=False, encoding="utf-8-sig")
        text = _json_text({**found.to_dict(), "inspections": plan})
        (folder / "detect.json").write_text(text + "\n", encoding="utf-8")


def _json_text(value: object) -> str:
    import json

    from gridrush.study.plan_store import plain

    return json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False)


def _write_example(folder: Path, seed: int) -> None:
    """A synthetic network as the files an operator has."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CaseError([Problem("--example", str(folder), "a folder that is new or empty", "yours may be edited")])
    import numpy as np
    import pandas as pd

    from gridrush.detect import synthetic

    made = synthetic(int(EXAMPLE["feeders"]), days=int(EXAMPLE["days"]), farm_share=EXAMPLE["farm_share"], seed=seed)
    r = made.records
    local = pd.Series(r.local.astype("datetime64[m]")).dt.strftime("%Y-%m-%d %H:%M")

    def wide(table: Any, unit: str) -> pd.DataFrame:
        rows = zip(r.feeders, table, strict=True)
        columns = {f"{name}_{unit}": np.round(row.astype(np.float64), 4) for name, row in rows}
        return pd.concat([local.rename("time"), pd.DataFrame(columns)], axis=1)

    assert r.metered_mw is not None
    assert r.reactive_mvar is not None
    assert r.temperature_c is not None
    known = pd.DataFrame(
        {
            "feeder": r.feeders, "rated_mw": r.facts.rated_mw, "customers": r.facts.customers.astype(int),
            "tariff": r.facts.tariff, "registered_mw": r.facts.registered_mw.round(3),
            "known_flat_mw": r.facts.known_flat_mw.round(3),
        }
    )  # fmt: skip
    inspected = np.random.default_rng(seed).random(len(r.feeders)) < INSPECTED_SHARE
    seen = pd.DataFrame({"feeder": r.feeders, "found": (made.truth["farm_mw"] > 0).astype(int), "on": str(r.days[-1])})
    tables = {
        "feeders.csv": wide(r.load_mw, "mw"),
        "meters.csv": wide(r.metered_mw, "mw"),
        "reactive.csv": wide(r.reactive_mvar, "mvar"),
        "facts.csv": known,
        "temperature.csv": pd.DataFrame({"time": local, "temperature_c": r.temperature_c.round(2)}),
        "events.csv": made.events,
        "labels.csv": seen[inspected],
        "truth.csv": made.truth,
    }
    with whole_folder(folder, {"command": "detect --example", "synthetic": True, "seed": seed}) as new:
        for name, table in tables.items():
            table.to_csv(new / name, index=False)
        (new / "README.txt").write_text(README, encoding="utf-8")


def _short(value: object) -> object:
    return float(f"{value:.3g}") if isinstance(value, float) else value
