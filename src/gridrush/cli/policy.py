"""`gridrush policy`: list, show."""

from __future__ import annotations

from typing import Annotated

import typer

from gridrush.cli.options import Json
from gridrush.cli.show import give_json, give_table

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The levers a scenario may pull, and what is known of them.",
    epilog="\b\nExamples:\n  gridrush policy list\n  gridrush policy show fee\n  gridrush policy show fee --json",
)  # fmt: skip

CaseOption = Annotated[str, typer.Option("--case", help="Folder of the case, or the name of a built-in one.")]


@app.command("list", epilog="\b\nExample:\n  gridrush policy list --json")
def list_(case: CaseOption = "kazakhstan", as_json: Json = False) -> None:
    """Every lever: its key in a scenario file, what it does, which scenarios pull it."""
    from gridrush.case.load import load_case
    from gridrush.policy.evidence import LEVERS, used_by

    facts = load_case(case)
    rows = [
        {"lever": x.name, "title": x.title, "does": x.does, "moves": x.moves, "scenarios": used_by(x, facts)}
        for x in LEVERS.values()
    ]
    if as_json:
        give_json(rows)
        return
    table = [[r["lever"], r["does"], ", ".join(r["scenarios"])] for r in rows]
    give_table(["lever", "what it does", "scenarios"], table)


@app.command(epilog="\b\nExample:\n  gridrush policy show registration --case mycase")
def show(
    lever: Annotated[str, typer.Argument(help="Key of the lever, as `gridrush policy list` names it.")],
    case: CaseOption = "kazakhstan",
    as_json: Json = False,
) -> None:
    """One lever: its keys in a scenario file, the lines of the ledger it fills, and the evidence with its sources."""
    from gridrush.case.load import load_case
    from gridrush.errors import CaseError, Problem
    from gridrush.policy.evidence import LEVERS, evidence, fields_of, used_by

    found = LEVERS.get(lever)
    if found is None:
        raise CaseError([Problem("lever", lever, f"one of {', '.join(LEVERS)}")])
    facts = load_case(case)
    known = evidence(found, facts)
    if as_json:
        give_json({
            "lever": found.name, "title": found.title, "does": found.does, "moves": found.moves,
            "ledger": found.pays, "keys": fields_of(found), "scenarios": used_by(found, facts), "evidence": known,
        })  # fmt: skip
        return
    typer.echo(f"{found.title} ({found.name})\n{found.does}\n")
    if found.moves:
        typer.echo(f"Direction held by tests: {found.moves}.")
    if found.pays:
        typer.echo(f"Lines of the ledger: {', '.join(found.pays)}.")
    typer.echo(f"Pulled by: {', '.join(used_by(found, facts)) or 'no scenario of the case'}.\n")
    if keys := fields_of(found):
        give_table(["key", "type", "default"], [list(k.values()) for k in keys])
        typer.echo("")
    if known:
        heads = ["on", "what", "value", "unit", "source", "grade"]
        give_table(heads, [[r[h] for h in heads] for r in known], title=f"What {facts.title} knows of it")
    else:
        typer.echo(f"{facts.title} has no row on it: its strength in a scenario is assumed.")
