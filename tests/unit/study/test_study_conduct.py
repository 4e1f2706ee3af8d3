"""Whole studies: the same files from every engine, nothing done twice, whatever happens in between."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from gridrush.case.load import load_case
from gridrush.case.template import new_case
from gridrush.errors import CaseError, EngineError
from gridrush.study.conduct import run_study
from gridrush.study.query import StudyResults, clean, export
from gridrush.study.results import ResultStore
from gridrush.study.spec import StudySpec, load_spec
from gridrush.study.store import load_run
from gridrush.study.tasks import COLUMNS, Work, draws_of, table_bytes, tasks_of, tidy

SPEC = """\
name: small
case: case
scenarios: [as-it-is, cut-and-build]
years: 2019
draws: {count: 3, unknowns: [{name: hydro_share, kind: uniform, low: 0.8, high: 1.2},
                             {name: import_share, kind: uniform, low: 0.5, high: 1.0}]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small case, a study of it, and a store in which it is done."""
    folder = tmp_path_factory.mktemp("study")
    new_case(folder / "case")
    (folder / "study.yaml").write_text(SPEC)
    done = run_study(load_spec(folder / "study.yaml"), folder / "done", engine="inline")
    assert (done.tasks, done.computed, done.reused) == (6, 6, 0)
    return folder


@pytest.fixture(scope="module")
def spec(folder):
    return load_spec(folder / "study.yaml")


def files(store):
    """Name and content of every result."""
    root = Path(store) / "results"
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.mark.parametrize(("engine", "workers"), [("pool", 1), ("pool", 2), ("dask", 1)])
def test_every_engine_gives_the_same_files_to_the_last_bit(folder, spec, tmp_path, engine, workers):
    if engine == "dask":
        pytest.importorskip("distributed")
    told = []
    done = run_study(spec, tmp_path, engine=engine, workers=workers, progress=told.append)
    assert done.computed == 6
    assert files(tmp_path) == files(folder / "done")
    assert told[-1].share == 1.0
    assert told[-1].seconds_left == 0.0
    assert [p.done for p in told] == sorted(p.done for p in told)


def test_what_is_stored_is_not_done_again(folder, spec, tmp_path):
    shutil.copytree(folder / "done", tmp_path / "s")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "s" / "results").rglob("*.parquet")}
    again = run_study(spec, tmp_path / "s", engine="inline")
    assert (again.computed, again.reused) == (0, 6)
    more = spec.model_copy(update={"name": "more", "draws": spec.draws.model_copy(update={"count": 4})})
    longer = run_study(more, tmp_path / "s", engine="inline")
    assert (longer.computed, longer.reused) == (2, 6)  # a longer draw begins with the shorter
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_a_task_is_named_by_all_that_makes_it(folder, spec):
    case = load_case(spec.case)
    keys = {t.key for t in tasks_of(spec, case)}
    assert len(keys) == 6
    for change in ({"seed": 2}, {"years": (2019, 2020)}, {"samples": 2}, {"risk_years": (2019,)}, {"keep_hours": True}):
        assert not keys & {t.key for t in tasks_of(spec.model_copy(update=change), case)}
    other = case.model_copy(update={"digest": "other"})
    assert not keys & {t.key for t in tasks_of(spec, other)}
    assert keys == {t.key for t in tasks_of(spec.model_copy(update={"name": "renamed", "title": "x"}), case)}


@pytest.mark.parametrize("damage", ["truncated", "flipped", "removed"])
def test_a_damaged_result_is_made_again_and_said(folder, spec, tmp_path, damage, caplog):
    shutil.copytree(folder / "done", tmp_path / "s")
    victim = sorted((tmp_path / "s" / "results").rglob("*.parquet"))[2]
    content = victim.read_bytes()
    if damage == "removed":
        victim.unlink()
    else:
        victim.write_bytes(content[:-10] if damage == "truncated" else bytes([content[0] ^ 1]) + content[1:])
        with pytest.raises(EngineError, match="no whole result"):
            StudyResults(tmp_path / "s", "small").table()
    done = run_study(spec, tmp_path / "s", engine="inline")
    assert (done.computed, done.reused) == (1, 5)
    assert done.damaged == (damage != "removed")
    assert ("damaged" in caplog.text) == (damage != "removed")
    assert files(tmp_path / "s") == files(folder / "done")


def test_a_catalogue_that_was_lost_is_written_again(folder, spec, tmp_path):
    shutil.copytree(folder / "done" / "results", tmp_path / "results")
    assert run_study(spec, tmp_path, engine="inline").computed == 0
    assert len(StudyResults(tmp_path, "small").table()) > 0


RUN = """\
import sys, time
from gridrush.study import tasks
from gridrush.study.conduct import run_study
from gridrush.study.spec import load_spec
kept = tasks.Work.run
def noted(self, task):
    with open(sys.argv[3], "a") as log:
        log.write(f"{task.key} {int(self.store.find(task.key) is not None)}\\n")
    return kept(self, task)
tasks.Work.run = noted
done = run_study(load_spec(sys.argv[1]), sys.argv[2], engine="pool", workers=2)
print(done.computed, done.reused)
"""


def start(folder, store, log):
    return subprocess.Popen([sys.executable, "-c", RUN, str(folder / "study.yaml"), str(store), str(log)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip


def test_two_studies_that_share_a_store_share_the_work(folder, tmp_path):
    runs = [start(folder, tmp_path / "s", tmp_path / "log") for _ in range(2)]
    said = [r.communicate(timeout=120) for r in runs]
    assert [r.returncode for r in runs] == [0, 0], said
    computed = [int(out.split()[0]) for out, _ in said]
    assert sum(computed) == 6
    assert all(int(out.split()[0]) + int(out.split()[1]) == 6 for out, _ in said)
    keys = [line.split()[0] for line in (tmp_path / "log").read_text().splitlines()]
    assert len(keys) == len(set(keys)) == 6
    assert files(tmp_path / "s") == files(folder / "done")


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("stored", [0, 3])
def test_a_study_killed_with_9_goes_on_where_it_was(folder, spec, tmp_path, stored):
    """Killed when `stored` results lie in the store; `benchmarks/study.py kill` does it at random moments."""
    store, log = tmp_path / "s", tmp_path / "log"
    run = start(folder, store, log)
    until = time.monotonic() + 60
    while len(list(store.rglob("*.parquet"))) < stored or not log.exists():
        assert time.monotonic() < until
        time.sleep(0.005)
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=60)
    there = {p.name.split(".")[0] for p in store.rglob("*.parquet")}
    assert len(there) >= stored
    begun = len(log.read_text().splitlines())
    second = start(folder, store, log)
    _, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    redone = [line.split() for line in log.read_text().splitlines()[begun:]]
    assert {flag for _, flag in redone} <= {"0"}  # nothing that was stored is done twice
    assert not there & {key for key, _ in redone}
    assert files(store) == files(folder / "done")


def test_a_study_told_to_stop_keeps_what_is_stored_and_leaves_no_process(folder, spec, tmp_path):
    told = []
    done = run_study(spec, tmp_path, engine="pool", workers=1, progress=told.append,
                     stop=lambda: bool(told and told[-1].done >= 2))  # fmt: skip
    assert done.cancelled
    assert 2 <= len(done.checksums) < 6
    assert multiprocessing.active_children() == []
    stored = len(files(tmp_path))
    assert stored >= len(done.checksums)
    assert run_study(spec, tmp_path, engine="inline").reused == stored


def test_a_task_that_fails_is_said_and_the_rest_can_go_on(folder, spec, tmp_path, monkeypatch):
    kept = Work.run

    def broken(self, task):
        if task.label == "cut-and-build #1":
            raise ValueError("it broke")
        return kept(self, task)

    with monkeypatch.context() as m:
        m.setattr(Work, "run", broken)
        with pytest.raises(EngineError, match="cut-and-build #1: ValueError: it broke"):
            run_study(spec, tmp_path, engine="inline")
    assert set(StudyResults(tmp_path, "small").tasks["state"]) == {"done", "failed", "waiting"}
    assert run_study(spec, tmp_path, engine="inline").computed == 2
    assert files(tmp_path) == files(folder / "done")


def test_a_store_that_cannot_be_written_to_is_said_at_once(spec, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(EngineError, match="cannot make the store"):
        run_study(spec, tmp_path / "file" / "store", engine="inline")


def test_whole_runs_are_kept_when_asked(folder, spec, tmp_path):
    hours = spec.model_copy(update={"keep_hours": True, "draws": None, "scenarios": ("as-it-is",)})
    run_study(hours, tmp_path, engine="inline")
    case = load_case(spec.case)
    [task] = tasks_of(hours, case)
    found = ResultStore(tmp_path).find(task.key, suffix="nc")
    run = load_run(Path(found.path), case)
    assert table_bytes(tidy(run)) == ResultStore(tmp_path).read(task.key)
    run.hourly.close()


def test_results_are_tidy_and_every_number_is_that_of_the_run(folder, spec):
    results = StudyResults(folder / "done", "small")
    table = results.table()
    assert {"scenario", "draw", *COLUMNS} == set(table.columns)
    assert len(table.drop_duplicates(["scenario", "draw", "quantity", "item", "year"])) == len(table)
    case = load_case(spec.case)
    task = tasks_of(spec, case)[4]
    run = Work(spec, case, ResultStore("memory://none")).run(task)
    own = table[(table["scenario"] == task.scenario.name) & (table["draw"] == task.draw)]
    own = own.set_index(["quantity", "item"])
    assert own.loc[("fuel_usd", ""), "value"].item() == float(run.annual["fuel_usd"].sel(year=2019))
    assert own.loc[("demand_twh", "all"), "value"].item() == float(run.annual["demand_twh"].sel(year=2019).sum())
    assert own.loc[("ledger_usd", "fixed"), "value"].item() == run.ledger.loc[2019, "fixed"]
    pd.testing.assert_frame_equal(results.draws, draws_of(spec, case), check_index_type=False)


def test_sql_over_the_files_agrees_with_the_table(folder):
    results = StudyResults(folder / "done", "small")
    sql = "select scenario, avg(value) from results where quantity = 'fuel_usd' group by scenario"
    table = results.table(quantities=["fuel_usd"])
    mean = table.assign(scenario=table["scenario"].astype(str)).groupby("scenario")["value"].mean()
    assert dict(results.ask(sql).values) == pytest.approx(dict(mean))
    joined = results.ask("select hydro_share, value from results join draws using (draw) where quantity = 'co2_mt'")
    assert len(joined) == 6
    with pytest.raises(CaseError, match="sql"):
        results.ask("select nothing from nowhere")


@pytest.mark.parametrize("end", [".csv", ".xlsx", ".json", ".parquet"])
def test_tables_are_written_for_others(folder, tmp_path, end):
    table = StudyResults(folder / "done", "small").bands(quantities=["demand_twh", "fuel_usd"])
    path = export(table, tmp_path / f"deep/bands{end}")
    read = {".csv": pd.read_csv, ".xlsx": pd.read_excel, ".json": pd.read_json, ".parquet": pd.read_parquet}[end](path)
    assert len(read) == len(table)
    assert read["mean"].to_numpy() == pytest.approx(table["mean"].to_numpy())
    assert (path.read_bytes()[:3] == b"\xef\xbb\xbf") == (end == ".csv")
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_table_that_cannot_be_written_is_said(tmp_path):
    table = pd.DataFrame({"a": [1]})
    with pytest.raises(CaseError, match=r"\.csv, \.xlsx"):
        export(table, tmp_path / "x.doc")
    (tmp_path / "file").write_text("x")
    with pytest.raises(EngineError, match="cannot write"):
        export(table, tmp_path / "file" / "x.csv")


def test_what_no_study_has_can_be_cleared(folder, spec, tmp_path):
    shutil.copytree(folder / "done", tmp_path / "s")
    fewer = spec.model_copy(update={"name": "fewer", "scenarios": ("as-it-is",)})
    run_study(fewer, tmp_path / "s", engine="inline")
    assert clean(tmp_path / "s") == {"kept": 6, "removed": 0, "damaged": 0, "freed_bytes": 0}
    would = clean(tmp_path / "s", forget=["small"], dry=True)
    assert (would["kept"], would["removed"]) == (3, 3)
    assert len(files(tmp_path / "s")) == 6
    assert clean(tmp_path / "s", forget=["small"])["freed_bytes"] == would["freed_bytes"]
    assert len(files(tmp_path / "s")) == 3
    with pytest.raises(CaseError, match="fewer"):
        clean(tmp_path / "s", forget=["none"])


def test_indices_and_the_worth_of_knowing_come_from_a_study(folder, spec, tmp_path):
    design = spec.model_copy(update={"draws": spec.draws.model_copy(update={"method": "saltelli", "count": 2})})
    assert run_study(design, tmp_path, engine="inline").tasks == 2 * 2 * (2 + 2)
    results = StudyResults(tmp_path, "small")
    found = results.sensitivity("generation_twh", item="hydro")
    assert found.loc[("as-it-is", "hydro_share"), "total"] > 0.9
    assert abs(found.loc[("as-it-is", "import_share"), "total"]) < 0.1
    with pytest.raises(CaseError, match="system_cost_present_usd"):
        results.worth_of_knowing()  # no year after the one the case closes in
    with pytest.raises(CaseError, match="saltelli"):
        StudyResults(folder / "done", "small").sensitivity("co2_mt")
    with pytest.raises(CaseError, match="quantity"):
        results.sensitivity("nothing")


def test_the_worth_of_knowing_is_found_over_the_years_after_the_case_closes(spec, tmp_path):
    later = spec.model_copy(update={"years": (2022,)})
    run_study(later, tmp_path, engine="inline")
    worth = StudyResults(tmp_path, "small").worth_of_knowing()
    assert list(worth.index) == ["hydro_share", "import_share", "everything"]
    assert (worth["worth_usd"] >= 0).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\nyears: 20x1\n", "years"),
        ("name: x\nengine: pool\n", "engine"),
        ("name: x\nsamples: 0\n", "samples"),
        ("name: x\ndraws: {count: 3, unknowns: [{name: luck, kind: uniform, low: 0, high: 1}]}\n", "luck"),
        ("- x\n", "study"),
        ("name: [\n", "study"),
    ],
)
def test_a_study_that_cannot_be_meant_is_refused(tmp_path, text, said):
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(CaseError, match=said):
        load_spec(tmp_path / "study.yaml")


def test_years_outside_the_case_are_refused(tmp_path):
    for years in ((1999,), ()):
        with pytest.raises(CaseError, match="years"):
            run_study(StudySpec(name="x", years=years), tmp_path, engine="inline")
    assert list(tmp_path.iterdir()) == []
