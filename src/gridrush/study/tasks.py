"""Tasks of a study, each named by the hash of what makes its result, and the work of doing one."""

from __future__ import annotations

import hashlib
import json
import time as clock
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from gridrush.case.load import resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.policy.fiscal import balances, fiscal_usd, present_value_usd, system_cost_usd
from gridrush.study.miners import Miners
from gridrush.study.paths import Paths, draw_paths
from gridrush.study.results import ResultStore
from gridrush.study.run import Run
from gridrush.study.sensitivity import saltelli_design
from gridrush.study.simulate import simulate
from gridrush.study.spec import StudySpec
from gridrush.study.store import code_digest, run_bytes
from gridrush.study.uncertainty import Unknown, Value, draw, in_draw, quantiles_drawn, unknowns_of

COLUMNS = ("quantity", "item", "year", "unit", "value", "stderr")
"""Columns of a task's table of results."""

NO_DRAW = -1
"""`draw` of a task in which everything has its best value."""


@dataclass(frozen=True)
class Task:
    """One simulation of a study; its key is a hash of everything that its result depends on."""

    key: str
    scenario: Scenario
    draw: int
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """For people."""
        return self.scenario.name if self.draw == NO_DRAW else f"{self.scenario.name} #{self.draw}"


@dataclass(frozen=True)
class Stored:
    """What doing a task left in the store."""

    checksum: str
    size: int
    seconds: float
    computed: bool  # False: it was there already


def unknowns_in(spec: StudySpec, case: Case) -> tuple[Unknown, ...]:
    """Unknowns that a study draws."""
    if spec.draws is None:
        return ()
    return unknowns_of(case) if spec.draws.unknowns is None else spec.draws.unknowns


def draws_of(spec: StudySpec, case: Case) -> pd.DataFrame:
    """Values of the unknowns by draw; no rows for a study without draws."""
    unknowns = unknowns_in(spec, case)
    if spec.draws is None or not unknowns:
        return pd.DataFrame(index=pd.RangeIndex(0, name="draw"))
    n, d = spec.draws.count, len(unknowns)
    if spec.draws.method == "saltelli":
        return draw(unknowns, saltelli_design(n, d, seed=spec.draws.seed))
    return draw(unknowns, quantiles_drawn(n, d, method=spec.draws.method, seed=spec.draws.seed))


def tasks_of(spec: StudySpec, case: Case) -> list[Task]:
    """Every task of a study: each draw of each scenario."""
    names = [case.default_scenario, *(n for n in case.scenarios if n != case.default_scenario)]
    scenarios = [resolve_scenario(case, s) for s in (spec.scenarios or names)]
    given = draws_of(spec, case)
    rows: list[tuple[int, Mapping[str, Value]]] = [
        (i, dict(zip(given.columns, values, strict=True))) for i, values in enumerate(given.itertuples(index=False))
    ] or [(NO_DRAW, {})]
    method = {
        "case": case.digest, "code": code_digest(), "years": years_of(spec, case), "samples": spec.samples,
        "seed": spec.seed, "risk_years": spec.risk_years, "hours": spec.keep_hours,
        "risk_samples": spec.risk_samples if spec.risk_years else 0,
    }  # fmt: skip
    tasks = []
    for scenario in scenarios:
        about = hashlib.sha256(_canonical({**method, "scenario": scenario.model_dump(mode="json")})).digest()
        for i, values in rows:
            key = hashlib.sha256(about + _canonical(values)).hexdigest()[:32]
            tasks.append(Task(key, scenario, i, values))
    return tasks


def years_of(spec: StudySpec, case: Case) -> list[int]:
    """Years a study reports."""
    return list(spec.years if spec.years is not None else case.years)


def _canonical(what: Mapping[str, Any]) -> bytes:
    return json.dumps(what, sort_keys=True, default=str).encode()


class Work:
    """Does tasks of one study; can be sent to another process, where it draws the weather again for itself.

    Called with a task, it gives what the store has for it, or simulates and stores.
    """

    def __init__(self, spec: StudySpec, case: Case, store: ResultStore) -> None:
        self.spec, self.case, self.store = spec, case, store
        self._shared: tuple[Paths, Miners] | None = None

    def __getstate__(self) -> dict[str, object]:
        return {"spec": self.spec, "case": self.case, "store": self.store, "_shared": None}

    def prepare(self) -> tuple[Paths, Miners]:
        """Weather, water, census and rush: a function of case, years, samples and seed. Made once in a process."""
        if self._shared is None:
            years = range(self.case.first_year, max(years_of(self.spec, self.case)) + 1)
            paths = draw_paths(self.case, years, samples=self.spec.samples, seed=self.spec.seed)
            self._shared = paths, Miners.of(self.case, seed=self.spec.seed)
        return self._shared

    def run(self, task: Task) -> Run:
        """Simulate a task."""
        paths, miners = self.prepare()
        case, scenario = in_draw(self.case, task.scenario, task.values)
        return simulate(
            case, scenario, years=years_of(self.spec, self.case), samples=self.spec.samples, seed=self.spec.seed,
            risk_years=self.spec.risk_years, risk_samples=self.spec.risk_samples, paths=paths, miners=miners,
            keep_hours=self.spec.keep_hours,
        )  # fmt: skip

    def __call__(self, task: Task) -> Stored:
        found = self.store.find(task.key)
        if found is not None:
            return Stored(found.checksum, found.size, 0.0, computed=False)
        began = clock.perf_counter()
        run = self.run(task)
        if self.spec.keep_hours:  # first: the table is what says that a task is done
            self.store.put(task.key, run_bytes(run), suffix="nc")
        found = self.store.put(task.key, table_bytes(tidy(run)))
        return Stored(found.checksum, found.size, clock.perf_counter() - began, computed=True)


ADDITIVE = ("_twh", "_gwh", "_mwh", "_usd")
"""Ends of quantities whose zones may be added; item `all` is their sum."""


def tidy(run: Run) -> pd.DataFrame:
    """Yearly results of a run as one long table; see `COLUMNS`.

    `ledger_usd` has an item for each line, `balance_usd` for each party; `system_cost_present_usd` is the present
    value, in the year the case closes, of the years after it.
    """
    found: dict[tuple[str, str], _Series] = {}
    for data in (run.annual, run.risk):
        for name in data.data_vars:
            if not str(name).endswith("_stderr"):
                found |= _series(data, str(name))
    cost = system_cost_usd(run.ledger)
    money = {"ledger_usd": run.ledger, "balance_usd": balances(run.ledger)}
    money |= {"system_cost_usd": cost.to_frame(""), "fiscal_usd": fiscal_usd(run.ledger).to_frame("")}
    for name, table in money.items():
        found |= {(name, str(item)): (table.index.to_numpy(), "USD", table[item].to_numpy(), None) for item in table}
    base, rate = run.case.as_of.year, run.case.parameters.discount_share.value
    later = cost[cost.index > base]
    if len(later):
        value = present_value_usd(later, base_year=base, discount_share=rate)
        found["system_cost_present_usd", ""] = np.array([base]), "USD", np.array([value]), None
    names = sorted(found)
    size = [found[name][0].size for name in names]
    return pd.DataFrame({
        "quantity": np.repeat(np.array([q for q, _ in names], object), size),
        "item": np.repeat(np.array([item for _, item in names], object), size),
        "year": np.concatenate([found[n][0] for n in names]).astype(np.int32),
        "unit": np.repeat(np.array([found[n][1] for n in names], object), size),
        "value": np.concatenate([found[n][2] for n in names]).astype(np.float64),
        "stderr": np.concatenate(
            [np.full(k, np.nan) if found[n][3] is None else found[n][3] for n, k in zip(names, size, strict=True)]
        ).astype(np.float64),
    })  # fmt: skip


_Series = tuple[NDArray[Any], str, NDArray[Any], NDArray[Any] | None]
"""Years, unit, values and standard errors."""


def _series(data: xr.Dataset, name: str) -> dict[tuple[str, str], _Series]:
    """One variable over years, for each zone or fuel if it has them."""
    value, years = data[name], data["year"].to_numpy()
    unit, mean = str(value.attrs.get("units", "1")), value.to_numpy()
    error = data[f"{name}_stderr"].to_numpy() if f"{name}_stderr" in data else None
    if value.ndim == 1:
        return {(name, ""): (years, unit, mean, error)}
    axis = str(value.dims[1])
    items = [str(x) for x in data[axis].to_numpy()]
    out: dict[tuple[str, str], _Series] = {
        (name, item): (years, unit, mean[:, i], None if error is None else error[:, i]) for i, item in enumerate(items)
    }
    if axis == "zone" and name.endswith(ADDITIVE) and "system" not in items:
        out[name, "all"] = years, unit, mean.sum(axis=1), None
    return out


def table_bytes(table: pd.DataFrame) -> bytes:
    """A table as Parquet: the same table gives the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([
        ("quantity", text), ("item", text), ("year", pa.int32()), ("unit", text), ("value", pa.float64()),
        ("stderr", pa.float64()),
    ])  # fmt: skip
    out = pa.BufferOutputStream()
    arrow = pa.Table.from_pandas(table, schema=schema, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(arrow, out, compression="zstd")
    return bytes(out.getvalue())
