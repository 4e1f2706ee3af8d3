"""What commands say and write: problems, progress, JSON, and folders that appear whole or not at all."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import typer

from gridrush.errors import CaseError, Problem

MARK = "gridrush.json"
"""File that says a folder was written by gridrush, and may be replaced by it."""

Progress = Callable[[float, str], None]


def give_json(value: object) -> None:
    """Print a value as JSON; what has no number there (NaN, infinity) is null."""
    typer.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | range):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):  # numpy
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def as_problem(error: Exception) -> Problem:
    """A usage error of the command line as a Problem."""
    said = error.format_message() if hasattr(error, "format_message") else str(error)
    return Problem("command line", said, "a command line that `gridrush --help` describes")


def give_problems(problems: Sequence[Problem], *, as_json: bool) -> None:
    """Problems as JSON on stdout, or as a table on stderr."""
    if as_json:
        rows = [{"where": p.where, "found": p.found, "wanted": p.wanted, "hint": p.hint} for p in problems]
        give_json({"problems": rows})
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    if not console.is_terminal:  # into a file or another program: one line each, nothing cut off
        typer.echo("\n".join([f"{count}:", *(f"  {p}" for p in problems)]), err=True)
        return
    table = Table(title=count, title_justify="left", show_lines=len(problems) < 40)
    for head in ("where", "found", "wanted", "hint"):
        table.add_column(head, overflow="fold")
    for p in problems:
        table.add_row(*(Text(str(x)) for x in (p.where, p.found, p.wanted, p.hint)))
    console.print(table)


def give_table(heads: Sequence[str], rows: Sequence[Sequence[object]], *, title: str = "") -> None:
    """A table on stdout; numbers to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    if title:
        typer.echo(title)
    table = Table(box=None, pad_edge=False)
    for at, head in enumerate(heads):
        numeric = bool(rows) and all(isinstance(r[at], int | float) or r[at] is None for r in rows)
        table.add_column(head, justify="right" if numeric else "left", overflow="fold")
    for r in rows:
        table.add_row(*(Text(_short(x)) for x in r))
    console.print(table)


def _short(value: object) -> str:
    """A number to five figures, as a person would write it."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.5g}"
    return str(value)


@contextmanager
def progress_bar(what: str) -> Iterator[Progress]:
    """A bar on stderr, told the share done and a word; untold it only moves. Nothing where stderr is not a screen."""
    from rich import progress as rich
    from rich.console import Console
    from rich.text import Text

    class Compiling(rich.ProgressColumn):
        """Why the first run on a machine takes longer."""

        def render(self, task: rich.Task) -> Text:
            jit = sys.modules.get("gridrush._jit")  # not imported for it: that takes longer than some commands
            return Text("compiling, once" if jit is not None and jit.compiling.now else "")

    console = Console(stderr=True)
    said, took = rich.TextColumn("{task.description}"), rich.TimeElapsedColumn()
    columns = said, rich.BarColumn(), rich.TaskProgressColumn(), took, Compiling()
    with rich.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)

        def tell(share: float, word: str = "") -> None:
            bar.update(task, total=1.0, completed=share, description=word or what)

        yield tell


@contextmanager
def whole_folder(out: Path, about: Mapping[str, object]) -> Iterator[Path]:
    """A folder to write into that takes the name `out` when the block ends well, and vanishes when it does not.

    A folder already there is replaced only when it is empty or carries the mark of an earlier result. Files in it that
    the earlier result did not write stay in the new one.
    """
    out = out.absolute()
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise CaseError([Problem("--out", str(out), "a folder, or a name that is free")])
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise CaseError([Problem("--out", str(out), "a folder that is empty or holds an earlier result of gridrush")])
    missing = [p for p in out.parents if not p.exists()]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as err:
        raise CaseError([Problem("--out", err.strerror or str(err), "a folder that can be written to")]) from err
    try:
        new = made / "new"
        new.mkdir()
        yield new
        own = [str(p.relative_to(new)) for p in sorted(new.rglob("*")) if p.is_file()]
        mark = json.dumps({**_plain(about), "files": own}, ensure_ascii=False, indent=2)
        (new / MARK).write_text(mark + "\n", encoding="utf-8")
        if out.exists():
            _keep_foreign(out, new)
            os.replace(out, made / "old")
        os.replace(new, out)
    finally:
        shutil.rmtree(made, ignore_errors=True)
        if not out.exists():
            with suppress(OSError):
                for parent in missing:
                    parent.rmdir()


def _keep_foreign(old: Path, new: Path) -> None:
    """Put what somebody else has put into an earlier result into the new one too."""
    try:
        own = set(json.loads((old / MARK).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        own = set()  # nothing is known of what is whose: all of it stays
    for path in sorted(old.rglob("*")):
        name = path.relative_to(old)
        target = new / name
        if not path.is_file() or str(name) in own or name == Path(MARK) or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:
            shutil.copy2(path, target)


def years_of(text: str | None) -> list[int] | None:
    """Years meant by text such as 2021, 2019-2025 or 2021,2030-2032."""
    if text is None:
        return None
    years: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{4})\s*(?:-\s*(\d{4})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise CaseError([Problem("--years", text, "years such as 2021, 2019-2025 or 2021,2030-2032")])
        years |= set(range(first, last + 1))
    return sorted(years)


def check_years(years: Sequence[int] | None, known: range) -> None:
    """Complain about years the case does not cover."""
    if bad := [y for y in years or () if y not in known]:
        raise CaseError([Problem("--years", bad, f"years of the case, {known[0]} to {known[-1]}")])
