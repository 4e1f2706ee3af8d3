"""`gridrush study`: run, status, gc, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridrush.cli.options import Json
from gridrush.cli.show import give_json, give_table, progress_bar

if TYPE_CHECKING:
    from gridrush.study.conduct import StudyProgress

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None,
    help="Many simulations: scenarios times draws of what is not known, stored so that nothing is done twice.",
    epilog="""\b
Examples:
  gridrush study run examples/study.yaml --engine pool --workers 2
  gridrush study status
  gridrush study export fee-under-doubt bands.csv --bands
  gridrush study gc --forget fee-under-doubt""",
)  # fmt: skip

Store = Annotated[
    str | None, typer.Option(help="Folder or fsspec address of the results; default: $GRIDRUSH_STORE, else your cache.")
]
CatalogueUrl = Annotated[
    str | None, typer.Option("--catalogue", help="SQLAlchemy address of a PostgreSQL; default: SQLite in the store.")
]

CANCELLED = 130


@app.command(epilog="\b\nExample:\n  gridrush study run examples/study.yaml --engine dask --dask tcp://10.0.0.5:8786")
def run(
    file: Annotated[Path, typer.Argument(help="YAML file of the study.")],
    engine: Annotated[str, typer.Option(help="inline, pool or dask.")] = "pool",
    workers: Annotated[int | None, typer.Option(help="Processes; default: the processors there are.")] = None,
    dask: Annotated[
        str | None, typer.Option(help="Scheduler of a running Dask cluster; default: one is started here.")
    ] = None,
    store: Store = None,
    catalogue: CatalogueUrl = None,
    as_json: Json = False,
) -> None:
    """Do every task of a study that is not stored yet. Interrupted or killed, run it again: it goes on."""
    from gridrush.study.conduct import run_study
    from gridrush.study.engine import make_engine
    from gridrush.study.spec import load_spec

    spec = load_spec(file)
    crew = make_engine(engine, workers=workers, address=dask)
    with progress_bar(f"{spec.name}: looking into the store") as tell:

        def told(p: StudyProgress) -> None:
            left = "" if p.seconds_left is None else f", {_time(p.seconds_left)} left"
            tell(p.share, f"{spec.name}: {p.done} of {p.total}{left} {p.last}")

        done = run_study(spec, _store(store), engine=crew, catalogue=catalogue, progress=told)
    if as_json:
        give_json({
            "study": done.study, "tasks": done.tasks, "computed": done.computed, "reused": done.reused,
            "damaged": done.damaged, "seconds": round(done.seconds, 2), "store": _store(store),
        })  # fmt: skip
        return
    again = f" ({done.damaged} of them because their files were damaged)" if done.damaged else ""
    typer.echo(f"{done.study}: {done.tasks} tasks, {done.computed} computed{again}, {done.reused} found stored, "
               f"{done.seconds:.1f} s.")  # fmt: skip


@app.command(epilog="\b\nExample:\n  gridrush study status --json")
def status(
    study: Annotated[str | None, typer.Argument(help="A study, to see its tasks; left out: all studies.")] = None,
    store: Store = None,
    catalogue: CatalogueUrl = None,
    as_json: Json = False,
) -> None:
    """What a store holds: studies, how far they are, seconds spent, bytes."""
    from gridrush.study.catalogue import Catalogue
    from gridrush.study.conduct import catalogue_url
    from gridrush.study.results import ResultStore

    at = ResultStore(_store(store))
    book = Catalogue(catalogue_url(at, catalogue), read_only=True)
    try:
        table = book.studies() if study is None else book.members(study)
    finally:
        book.close()
    if study is not None:
        table = table.assign(stored=[at.find(k) is not None for k in table["task"]]).drop(columns=["given", "checksum"])
    _give(table, as_json)


@app.command(epilog="\b\nExamples:\n  gridrush study gc --dry-run\n  gridrush study gc --forget old-study")
def gc(
    forget: Annotated[list[str] | None, typer.Option(help="A study to strike out first; may be given again.")] = None,
    runs_older_than: Annotated[
        float | None, typer.Option(help="Also runs that `gridrush run` kept, made so many days ago or longer. [days]")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    store: Store = None,
    catalogue: CatalogueUrl = None,
    as_json: Json = False,
) -> None:
    """Remove results that no study has, damaged files, and what killed writers left."""
    from gridrush.study.query import clean

    where = _store(store)
    at = Path(where)
    found = {"kept": 0, "removed": 0, "damaged": 0, "freed_bytes": 0}
    if runs_older_than is None or catalogue or (at / "catalogue.sqlite").is_file():
        found = clean(where, forget=forget or (), catalogue=catalogue, dry=dry_run)
    if runs_older_than is not None:
        from gridrush.study.store import RunStore

        number, freed = RunStore(at).clean(older_than_days=runs_older_than, dry=dry_run)
        found["removed"] += number
        found["freed_bytes"] += freed
    if as_json:
        give_json({**found, "dry_run": dry_run})
        return
    verb = "would go" if dry_run else "removed"
    typer.echo(f"{found['removed']} files and {found['damaged']} damaged files {verb}, {found['kept']} kept, "
               f"{found['freed_bytes'] / 1e6:.1f} MB.")  # fmt: skip


@app.command(epilog="""\b
Examples:
  gridrush study export fee-under-doubt results.parquet
  gridrush study export fee-under-doubt bands.xlsx --bands
  gridrush study export fee-under-doubt worth.csv --worth
  gridrush study export fee-under-doubt x.csv --sql "select year, avg(value) from results group by year" """)
def export(
    study: Annotated[str, typer.Argument(help="Name of the study.")],
    out: Annotated[Path, typer.Argument(help="File to write: .csv, .xlsx, .json or .parquet.")],
    quantity: Annotated[list[str] | None, typer.Option(help="Only these quantities; may be given again.")] = None,
    bands: Annotated[bool, typer.Option("--bands", help="5, 50 and 95% over the draws, not each draw.")] = False,
    worth: Annotated[bool, typer.Option("--worth", help="What knowing each unknown is worth.")] = False,
    sql: Annotated[str | None, typer.Option(help="A query over results, draws and tasks.")] = None,
    store: Store = None,
    catalogue: CatalogueUrl = None,
    as_json: Json = False,
) -> None:
    """Write a study's results to a file."""
    from gridrush.errors import CaseError, Problem
    from gridrush.study import query

    if bands + worth + (sql is not None) > 1 or (quantity and (worth or sql is not None)):
        options = {"--bands": bands, "--worth": worth, "--sql": sql, "--quantity": quantity}
        raise CaseError([Problem("study export", ", ".join(n for n, on in options.items() if on), "one of these")])
    found = query.StudyResults(_store(store), study, catalogue=catalogue)
    if sql is not None:
        table = found.ask(sql)
    elif worth:
        table = found.worth_of_knowing().reset_index()
    else:
        table = found.bands(quantities=quantity) if bands else found.table(quantities=quantity)
    path = query.export(table, out)
    if as_json:
        give_json({"file": str(path), "rows": len(table), "columns": [str(c) for c in table.columns]})
    else:
        typer.echo(f"{path}: {len(table)} rows.")


def _store(given: str | None) -> str:
    """Where results lie: as given, else with the user's runs."""
    if given is not None:
        return given
    from gridrush.study.store import default_store

    return str(default_store().folder)


def _time(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {whole % 60:02d} s" if minutes else f"{whole} s"


def _give(table: Any, as_json: bool) -> None:
    if as_json:
        give_json(table.to_dict("records"))
    elif len(table):
        give_table(list(table.columns), table.values.tolist())
    else:
        typer.echo("Nothing is stored.")
