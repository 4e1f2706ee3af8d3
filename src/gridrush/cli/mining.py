"""`gridrush census` and `rush`: how much mining there is, registered or not, and where the machines went."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from gridrush.cli.options import CaseArgument, Json
from gridrush.cli.show import give_json, give_table, progress_bar
from gridrush.errors import CaseError, Problem

Seed = Annotated[int, typer.Option(help="The numbers are a function of the case and the seed.")]


def add(app: typer.Typer) -> None:
    """Put the commands of this module under `gridrush`."""
    app.command(epilog="\b\nExamples:\n  gridrush census kazakhstan\n  gridrush census kazakhstan --json")(census)
    app.command(epilog="\b\nExamples:\n  gridrush rush kazakhstan\n  gridrush rush kazakhstan --to 2023-12 --json")(
        rush
    )


def census(case: CaseArgument, seed: Seed = 1, as_json: Json = False) -> None:
    """Registered and unregistered miners by month: MW, with the interval the evidence leaves."""
    from gridrush.case.load import load_case
    from gridrush.mining.census import census as count

    found = count(load_case(case), seed=seed).to_dict()
    if as_json:
        give_json(found)
        return
    classes = ("registered_mw", "unregistered_mw")
    heads = ["month", *(f"{name.removesuffix('_mw')} MW {k}" for name in classes for k in ("5%", "mean", "95%"))]
    give_table(heads, [[m["month"], *_band(m, classes)] for m in found["months"]])


def rush(
    case: CaseArgument,
    to: Annotated[str, typer.Option(help="Last month, YYYY-MM.")] = "2023-12",
    samples: Annotated[int, typer.Option(min=10, help="Draws of what is not known.")] = 400,
    world: Annotated[
        str, typer.Option(help="The world's hash rate: 'forecast' from the day the case closes, or 'record'.")
    ] = "forecast",
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Hash rate and power by country and month, forecast from a calibration that ends when the case closes."""
    from gridrush.case.load import load_case
    from gridrush.mining.rush import rush as forecast

    facts = load_case(case)
    given: dict[str, Literal["forecast", "record"]] = {"forecast": "forecast", "record": "record"}
    if world not in given:
        raise CaseError([Problem("--world", world, "forecast or record")])
    try:
        with progress_bar(f"the world's miners to {to}"):
            found = forecast(facts, last=to, samples=samples, seed=seed, world=given[world]).to_dict()
    except ValueError as wrong:
        raise CaseError([Problem("--to", to, "a month YYYY-MM after the map ends", str(wrong))]) from wrong
    if as_json:
        give_json(found)
        return
    classes = ("hashrate_ehs", "power_mw")
    rows = [
        [m["month"], "forecast" if m["forecast"] else "map", *_band(m, classes)]
        for m in found["months"] if m["country"] == facts.mining_country
    ]  # fmt: skip
    heads = [f"{name} {k}" for name in ("EH/s", "MW") for k in ("5%", "mean", "95%")]
    give_table(["month", "from", *heads], rows, title=facts.mining_country)


def _band(month: dict[str, Any], names: tuple[str, ...]) -> list[float]:
    return [month[name][k] for name in names for k in ("p05", "mean", "p95")]
