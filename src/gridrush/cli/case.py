"""`gridrush case`: check, new, show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gridrush.cli.options import Json
from gridrush.cli.show import give_json, give_table

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Check a case, write a new one, or look into one.",
    epilog="""\b
Examples:
  gridrush case check mycase
  gridrush case new mycase
  gridrush case show kazakhstan
  gridrush case show kazakhstan units --json""",
)  # fmt: skip



@app.command(epilog="\b\nExample:\n  gridrush case check mycase --json")
def check(
    path: Annotated[str, typer.Argument(help="Folder of the case, or the name of a built-in one.")],
    as_json: Json = False,
) -> None:
    """Say everything that is wrong with a case: where, what was found, what is wanted, what to do."""
    from gridrush.case.load import load_case

    case = load_case(path)
    if as_json:
        give_json({"case": case.name, "digest": case.digest, "problems": []})
    else:
        typer.echo(f"{case.title}: no problems.")


@app.command(epilog="\b\nExample:\n  gridrush case new mycase && gridrush run mycase")
def new(path: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")], as_json: Json = False) -> None:
    """Write a small commented case that loads and runs, to be changed into your own."""
    from gridrush.case.template import new_case

    folder = new_case(path)
    if as_json:
        give_json({"folder": str(folder)})
    else:
        there = f"{folder}" if len(folder.parts) > 1 else f"./{folder}"  # a bare name may be that of a built-in case
        typer.echo(f"{folder} is written: README.md says what each file is; `gridrush case check {there}` checks it.")


@app.command(epilog="\b\nExamples:\n  gridrush case show kazakhstan\n  gridrush case show kazakhstan links")
def show(
    path: Annotated[str, typer.Argument(help="Folder of the case, or the name of a built-in one.")],
    table: Annotated[str | None, typer.Argument(help="A table of the case; left out: a summary.")] = None,
    as_json: Json = False,
) -> None:
    """What a case holds: zones, plants, scenarios, and how good its numbers are; or one of its tables."""
    from gridrush.case.load import load_case
    from gridrush.case.summary import rows_of, summary_of

    case = load_case(path)
    if table is not None:
        heads, rows = rows_of(case, table)
        if as_json:
            give_json([dict(zip(heads, r, strict=True)) for r in rows])
        else:
            give_table(heads, rows)
        return
    summary = summary_of(case)
    if as_json:
        give_json(summary)
        return
    typer.echo(f"{case.title}\n{case.summary}\n")
    typer.echo(f"{case.first_year} to {case.last_year}, known as of {case.as_of}; digest {case.digest}\n")
    mw = summary["installed_mw"]
    technologies = sorted({t for zone in mw.values() for t in zone})
    rows = [[t, *(mw[z].get(t) for z in case.zone_names)] for t in technologies]
    give_table([f"MW on {case.first_year}-01-01", *case.zone_names], rows)
    typer.echo("")
    give_table(["scenario", "title"], [[n, s.title] for n, s in case.scenarios.items()])
    grades = ", ".join(f"{n} {g}" for g, n in summary["grades"].items())
    typer.echo(f"\nNumbers by grade: {grades}; {len(case.sources)} sources.")
    typer.echo("Tables: " + ", ".join(f"{t} ({n})" for t, n in summary["rows"].items() if n))
