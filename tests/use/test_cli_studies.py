"""`gridrush study` and `gridrush policy`: what they write, print and leave with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from gridrush.case.template import new_case
from gridrush.cli.main import run

Captured = pytest.CaptureFixture[str]

SPEC = """\
name: small
case: case
scenarios: [as-it-is]
years: 2019
draws: {count: 2, unknowns: [{name: hydro_share, kind: uniform, low: 0.8, high: 1.2}]}
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    new_case(folder / "case")
    (folder / "study.yaml").write_text(SPEC)
    line = ["study", "run", str(folder / "study.yaml"), "--engine", "inline"]
    assert run([*line, "--store", str(folder / "store")]) == 0
    return folder


def test_a_study_is_run_once_and_says_so(study: Path, capsys: Captured) -> None:
    line = ["study", "run", str(study / "study.yaml"), "--engine", "pool", "--workers", "2"]
    assert run([*line, "--store", str(study / "store"), "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["study"], found["tasks"], found["computed"], found["reused"]) == ("small", 2, 0, 2)


def test_the_store_may_be_named_by_the_environment(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("GRIDRUSH_STORE", str(study / "store"))
    assert run(["study", "status", "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["study"], row["done"], row["failed"]) == ("small", 2, 0)
    assert run(["study", "status", "small", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [r["stored"] for r in rows] == [True, True]
    assert run(["study", "status"]) == 0
    assert "small" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--bands"], ["--quantity", "co2_mt"], ["--sql", "select * from draws"]])
def test_results_are_exported(study: Path, tmp_path: Path, options: list[str], capsys: Captured) -> None:
    out = tmp_path / "out.csv"
    assert run(["study", "export", "small", str(out), "--store", str(study / "store"), "--json", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(pd.read_csv(out)) == found["rows"] > 0


def test_what_no_study_has_is_cleared(study: Path, capsys: Captured) -> None:
    line = ["study", "gc", "--store", str(study / "store")]
    assert run([*line, "--dry-run", "--forget", "small", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["removed"], found["dry_run"]) == (2, True)
    assert run(line) == 0
    assert "2 kept" in capsys.readouterr().out


def test_old_runs_of_the_main_job_are_cleared_when_asked(tmp_path: Path, capsys: Captured) -> None:
    for name, age_days in (("old", 40), ("new", 1)):
        for end in ("nc", "sha256"):
            file = tmp_path / f"{name}.{end}"
            file.write_text("x")
            os.utime(file, (time.time() - 86400 * age_days,) * 2)
    (tmp_path / "alone.sha256").write_text("x")
    os.utime(tmp_path / "alone.sha256", (0, 0))
    line = ["study", "gc", "--store", str(tmp_path), "--runs-older-than", "30", "--json"]
    assert run([*line, "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] == 3
    assert len(list(tmp_path.iterdir())) == 5
    assert run(line) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new.nc", "new.sha256"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("study run nowhere.yaml", 2),
        ("study run study.yaml --engine cloud", 2),
        ("study run study.yaml --workers 0", 2),
        ("study run study.yaml --dask tcp://x:1", 2),
        ("study status --store nowhere", 4),
        ("study export none out.csv --store store", 4),
        ("study export small out.doc --store store", 2),
        ("study export small out.csv --quantity nope --store store", 2),
        ("study export small out.csv --bands --worth --store store", 2),
        ("study gc --forget none --store store", 2),
        ("study run study.yaml --store study.yaml", 4),
        ("study run study.yaml --store s3x://bucket", 4),
        ("policy show subsidy", 2),
    ],
)
def test_what_cannot_be_done_leaves_with_its_code_and_a_word(
    study: Path, line: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(study)
    before = sorted(p.name for p in study.iterdir())
    assert run(line.split()) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err
    assert "Traceback" not in said.err
    assert sorted(p.name for p in study.iterdir()) == before


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupted_study_leaves_with_130_and_no_process(study: Path, tmp_path: Path) -> None:
    (study / "long.yaml").write_text(SPEC.replace("count: 2", "count: 200").replace("small", "long"))
    code = "from gridrush.cli.main import main; main()"
    line = ["study", "run", str(study / "long.yaml"), "--workers", "1", "--store", str(tmp_path / "s")]
    started = subprocess.Popen([sys.executable, "-c", code, *line], stderr=subprocess.PIPE, text=True,
                               start_new_session=True)  # fmt: skip
    until = time.monotonic() + 60
    while not list(tmp_path.rglob("*.parquet")):
        assert time.monotonic() < until
        time.sleep(0.02)
    os.killpg(started.pid, signal.SIGINT)  # as a terminal does
    _, err = started.communicate(timeout=60)
    (study / "long.yaml").unlink()
    assert started.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.killpg(started.pid, 0)


def test_levers_are_listed_with_what_they_do_and_who_pulls_them(capsys: Captured) -> None:
    from gridrush.case.load import load_case
    from gridrush.case.scenario import Scenario

    assert run(["policy", "list", "--json"]) == 0
    rows = {r["lever"]: r for r in json.loads(capsys.readouterr().out)}
    no_lever = {"name", "title", "story", "base", "assume", "also_build"}
    assert set(rows) == set(Scenario.model_fields) - no_lever
    assert rows["ban"]["scenarios"] == ["ban"]
    assert run(["policy", "list"]) == 0
    assert "import_contract" in capsys.readouterr().out
    assert load_case("kazakhstan").scenarios


@pytest.mark.parametrize("lever", ["ban", "fee", "build", "carbon_price_usd_per_t", "own_generation"])
def test_a_lever_is_shown_with_its_evidence(lever: str, capsys: Captured) -> None:
    assert run(["policy", "show", lever]) == 0
    assert lever in capsys.readouterr().out
    assert run(["policy", "show", lever, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert all(e["source"] and e["grade"] for e in found["evidence"])
    if lever == "fee":
        assert {"mining_fee_flat", "mining_fee_scale_ceiling"} <= {e["what"] for e in found["evidence"]}
        assert [k["key"] for k in found["keys"]] == ["start", "end", "kind", "kzt_per_kwh"]
