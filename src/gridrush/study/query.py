"""Results of studies as tables: pandas, SQL over the stored files, and files for others.

A table of results has a row for each scenario, draw, quantity, item and year: `value` in `unit`, and the standard error
of sampling inside the task where there is one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from gridrush.errors import CaseError, EngineError, GridrushError, Problem
from gridrush.study.catalogue import Catalogue
from gridrush.study.conduct import catalogue_url
from gridrush.study.results import ResultStore
from gridrush.study.sensitivity import sobol_indices, value_of_information
from gridrush.study.uncertainty import bands

COLUMNS = ("scenario", "draw", "quantity", "item", "year", "unit", "value", "stderr")

XLSX_ROWS = 1_048_575
"""Rows below the head that a sheet can hold."""

BENEFIT = "system_cost_present_usd"
"""Cost that a choice among scenarios would make least."""


class StudyResults:
    """What a study has stored so far.

    Parameters
    ----------
    store : ResultStore, str or Path
    study : str
        Name of the study.
    catalogue : str, optional
        SQLAlchemy address; default SQLite in the store's folder.
    """

    def __init__(self, store: ResultStore | str | Path, study: str, *, catalogue: str | None = None) -> None:
        self.store = store if isinstance(store, ResultStore) else ResultStore(store)
        self.study = study
        book = Catalogue(catalogue_url(self.store, catalogue), read_only=True)
        try:
            self.tasks = book.members(study)
            self.about = book.about(study)
        finally:
            book.close()

    @property
    def draws(self) -> pd.DataFrame:
        """Values of the unknowns: index draw, a column for each."""
        rows = self.tasks[self.tasks["draw"] >= 0].drop_duplicates("draw").sort_values("draw")
        return pd.DataFrame(list(rows["given"]), index=pd.Index(rows["draw"], name="draw"))

    def table(self, *, quantities: Sequence[str] | None = None) -> pd.DataFrame:
        """Every result, each file's checksum verified; see `COLUMNS`. Tasks not done yet are left out.

        Parameters
        ----------
        quantities : sequence of str, optional
            Default all.

        Raises
        ------
        CaseError
            If a quantity is in none of the results.
        """
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        parts = []
        kept: dict[str, Any] = {}
        known: set[str] = set()
        for row in self.tasks.itertuples():
            if row.state != "done":
                continue
            if row.task not in kept:
                part = pq.read_table(pa.BufferReader(self.store.read(str(row.task))))
                if quantities is not None:
                    known |= set(pc.unique(part["quantity"].cast(pa.string())).to_pylist())
                    part = part.filter(pc.is_in(part["quantity"].cast(pa.string()), pa.array(list(quantities))))
                kept[str(row.task)] = part
            part = kept[str(row.task)]
            if not (n := part.num_rows):
                continue
            part = part.append_column("scenario", pa.array([row.scenario] * n).dictionary_encode())
            parts.append(part.append_column("draw", pa.array([row.draw] * n, pa.int32())))
        if known and (wrong := [q for q in quantities or () if q not in known]):
            raise CaseError([Problem("quantity", q, f"one of {', '.join(sorted(known))}") for q in wrong])
        if not parts:
            return pd.DataFrame({c: [] for c in COLUMNS})
        return pd.DataFrame(pa.concat_tables(parts).unify_dictionaries().to_pandas()[list(COLUMNS)])

    def ask(self, sql: str) -> pd.DataFrame:
        """A query in SQL over `results` (see `COLUMNS`), `draws` and `tasks`, run by DuckDB on the stored files.

        Damaged files are left out, and said.
        """
        import duckdb

        if not self.store.local:
            raise EngineError("SQL reads a store that is a folder; take table() of this one")
        tasks = self.tasks[["task", "scenario", "draw", "state", "seconds", "attempts"]]
        found = [f for k in tasks.loc[tasks["state"] == "done", "task"].unique() if (f := self.store.find(k))]
        with duckdb.connect() as db:
            db.register("tasks", tasks)
            db.register("draws", self.draws.reset_index())
            if found:
                files = pd.DataFrame({"task": [f.key for f in found], "filename": [f.path for f in found]})
                db.register("files", files)
                db.execute(
                    "create view results as select t.scenario, t.draw, r.quantity, r.item, r.year, r.unit, r.value, "
                    "r.stderr from read_parquet($paths, filename=true) r join files f using (filename) "
                    "join tasks t on t.task = f.task".replace("$paths", _listed([f.path for f in found]))
                )
            try:
                return pd.DataFrame(db.execute(sql).df())
            except duckdb.Error as failed:
                raise CaseError([Problem("sql", sql, "a query over results, draws and tasks", str(failed))]) from failed

    def bands(self, *, quantities: Sequence[str] | None = None) -> pd.DataFrame:
        """Spread of every result over the draws; see `uncertainty.bands`."""
        return bands(self.table(quantities=quantities))

    def sensitivity(self, quantity: str, *, item: str = "", years: Sequence[int] | None = None) -> pd.DataFrame:
        """Sobol indices of a quantity, summed over years, by scenario; for a study drawn by `saltelli`.

        Raises
        ------
        CaseError
            If the study was not drawn so, is not complete, or has no such quantity.
        """
        where = f"study {self.study}"
        if (self.about["spec"].get("draws") or {}).get("method") != "saltelli":
            raise CaseError([Problem(f"{where} draws.method", "another", "saltelli, which indices are computed from")])
        draws, values = self.draws, self._by_draw(quantity, item, years)
        if values.isna().any().any() or len(values) < len(draws):
            raise CaseError([Problem(where, "tasks that are not done", "a complete study", "run it again")])
        unknowns = [str(c) for c in draws]
        parts = [sobol_indices(values[s].to_numpy(), unknowns).assign(scenario=str(s)) for s in values]
        return pd.concat(parts).reset_index().set_index(["scenario", "unknown"])

    def worth_of_knowing(self) -> pd.DataFrame:
        """What knowing each unknown is worth before choosing among the scenarios by present cost; see `sensitivity`."""
        cost = self._by_draw(BENEFIT, "", None).dropna()
        if cost.shape[1] < 2 or cost.empty:
            raise CaseError([Problem(f"study {self.study}", cost.shape[1], "draws of two scenarios or more")])
        return value_of_information(-cost, self.draws.loc[cost.index])

    def _by_draw(self, quantity: str, item: str, years: Sequence[int] | None) -> pd.DataFrame:
        table = self.table(quantities=[quantity])
        table = table[(table["draw"] >= 0) & (table["item"].astype(str) == item)]
        if years is not None:
            table = table[table["year"].isin(list(years))]
        if table.empty:
            wanted = "a quantity and item of the results, see table()"
            raise CaseError([Problem("quantity", f"{quantity} {item}".strip(), wanted)])
        rows = table.assign(scenario=table["scenario"].astype(str))
        return rows.pivot_table(index="draw", columns="scenario", values="value", aggfunc="sum")


def _listed(paths: Sequence[str]) -> str:
    return "[" + ", ".join("'" + p.replace("'", "''") + "'" for p in paths) + "]"


def export(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table as CSV (UTF-8 with BOM, which spreadsheets know), XLSX, JSON or Parquet, by the end of the name.

    Raises
    ------
    CaseError
        If the name ends otherwise, or the table does not fit into a sheet.
    EngineError
        If it cannot be written.
    """
    path = Path(path)
    write = WRITERS.get(path.suffix.lower())
    if write is None:
        raise CaseError([Problem("--out", str(path), f"a name that ends in {', '.join(WRITERS)}")])
    if path.suffix.lower() == ".xlsx" and len(table) > XLSX_ROWS:
        raise CaseError([Problem("--out", f"{len(table)} rows", f"{XLSX_ROWS} rows at most in a sheet", "use .csv")])
    part = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
        os.close(handle)
        write(table, part)
        os.chmod(part, 0o644)
        os.replace(part, path)
    except ImportError as missing:
        raise GridrushError(f"{path.suffix} needs {missing.name}: pip install 'gridrush[study]'") from missing
    except OSError as failed:
        raise EngineError(f"cannot write {path}: {failed.strerror or failed}") from failed
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part)
    return path


def _csv(table: pd.DataFrame, path: str) -> None:
    table.to_csv(path, index=False, encoding="utf-8-sig")


def _xlsx(table: pd.DataFrame, path: str) -> None:
    table.to_excel(path, index=False, sheet_name="results", engine="openpyxl")


def _json(table: pd.DataFrame, path: str) -> None:
    table.to_json(path, orient="records", force_ascii=False, indent=1, double_precision=15, date_format="iso")


def _parquet(table: pd.DataFrame, path: str) -> None:
    table.to_parquet(path, index=False, compression="zstd")


WRITERS: dict[str, Callable[[pd.DataFrame, str], None]] = {
    ".csv": _csv, ".xlsx": _xlsx, ".json": _json, ".parquet": _parquet,
}  # fmt: skip
"""Ends of names that `export` knows."""


def clean(
    store: ResultStore | str | Path, *, forget: Sequence[str] = (), catalogue: str | None = None, dry: bool = False
) -> dict[str, int]:
    """Take out of a store what no study has, damaged files, and what killed writers left.

    Parameters
    ----------
    forget : sequence of str
        Studies to strike out first.
    dry : bool
        Only say what would go.

    Returns
    -------
    dict
        kept, removed, damaged (files), freed_bytes.
    """
    at = store if isinstance(store, ResultStore) else ResultStore(store)
    book = Catalogue(catalogue_url(at, catalogue), read_only=dry)
    try:
        if forget:
            known = set(book.studies()["study"])
            if bad := [s for s in forget if s not in known]:
                wanted = f"a study of this store: {', '.join(sorted(known)) or 'none'}"
                raise CaseError([Problem("study", s, wanted) for s in bad])
        if not dry:
            book.forget(forget)
        wanted_keys = book.wanted()
        if dry and forget:
            keep = [s for s in book.studies()["study"] if s not in set(forget)]
            wanted_keys = {k for s in keep for k in book.members(s)["task"]}
        out = {"kept": 0, "removed": 0, "damaged": 0, "freed_bytes": 0}
        for found in at.everything():
            whole = found.key not in wanted_keys or at.is_whole(found)
            if found.key in wanted_keys and whole:
                out["kept"] += 1
                continue
            out["damaged" if not whole else "removed"] += 1
            out["freed_bytes"] += found.size
            if not dry:
                at.remove(found)
        if not dry:
            out["freed_bytes"] += at.sweep()
            book.drop(book.orphans())
    finally:
        book.close()
    return out
