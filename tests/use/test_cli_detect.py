"""`gridrush detect`: from an example to a ranking, by exit code, stream and file."""

import json
from pathlib import Path

import pandas as pd
import pytest

from gridrush.cli.main import run
from gridrush.cli.show import MARK

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("detect") / "example"
    assert run(["detect", "--example", str(folder), "--seed", "2"]) == 0
    return folder


def options(folder: Path) -> list[str]:
    names = ("facts", "meters", "reactive", "temperature", "events", "labels")
    return ["--clock", "+6", *(x for n in names for x in (f"--{n}", str(folder / f"{n}.csv")))]


def test_the_example_says_that_it_is_synthetic(example: Path) -> None:
    assert "SYNTHETIC" in (example / "README.txt").read_text()
    assert json.loads((example / "gridrush.json").read_text())["synthetic"] is True
    assert len(pd.read_csv(example / "feeders.csv")) == 365 * 24


def test_the_example_is_ranked_and_written(example: Path, tmp_path: Path, capsys: Captured) -> None:
    pytest.importorskip("sklearn")
    out = tmp_path / "found"
    line = ["detect", str(example / "feeders.csv"), *options(example), "--case", "kazakhstan", "--out", str(out)]
    assert run([*line, "--top", "5", "--inspection-cost", "1500", "--value", "20000", "--json"]) == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert len(answer["feeders"]) == 5
    assert answer["inspections"]["enforcement"]["cost_usd_per_mw"] > 0
    assert answer["learned"]["labels"] > 20
    table = pd.read_csv(out / "ranking.csv")
    assert table["rank"].tolist() == list(range(1, len(table) + 1))
    assert table["expected_mw"].is_monotonic_decreasing
    assert table["feeder"].iloc[0] == answer["feeders"][0]["feeder"]
    assert json.loads((out / "detect.json").read_text())["total_mw"]["unit"] == "MW"
    signs = pd.read_csv(out / "signs.csv")
    assert signs["hashprice_correlation"].notna().mean() > 0.5
    curve = pd.read_csv(out / "inspections.csv")
    assert curve["expected_mw"].iloc[-1] == pytest.approx(table["expected_mw"].sum())
    truth = pd.read_csv(example / "truth.csv").set_index("feeder")["farm_mw"]
    assert (truth[table["feeder"].head(8)] > 0).mean() >= 0.6


def test_a_table_of_words_on_stdout_and_notes_on_stderr(example: Path, capsys: Captured) -> None:
    assert run(["detect", str(example / "feeders.csv"), "--clock", "+6", "--top", "3"]) == 0
    said = capsys.readouterr()
    assert "evidence" in said.out
    assert "The first 20 inspections may expect" in said.out
    assert "Note:" in said.err


def test_problems_of_all_tables_come_at_once(example: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "labels.csv").write_text("feeder,found\nF0001,perhaps\n")
    (tmp_path / "events.csv").write_text("start,end\n2021-05-02,2021-05-01\n")
    (tmp_path / "facts.csv").write_text("feeder,customers\nF0001,-3\n")
    tables = [x for n in ("labels", "events", "facts") for x in (f"--{n}", str(tmp_path / f"{n}.csv"))]
    assert run(["detect", str(example / "feeders.csv"), *tables, "--json"]) == 2
    where = [p["where"] for p in json.loads(capsys.readouterr().out)["problems"]]
    assert where == ["facts[0].customers", "events[0]", "labels[0].found"]


@pytest.mark.parametrize("line", ["detect", "detect none.csv", "detect x.csv --example y", "detect x.csv --top 0"])
def test_a_line_that_cannot_be_meant_leaves_with_2(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*line.split(), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["problems"]
    assert list(tmp_path.iterdir()) == []


def test_an_example_never_overwrites_what_is_not_its_own(tmp_path: Path, capsys: Captured) -> None:
    """Not even an example of its own: somebody may have edited it."""
    for name in ("mine.txt", MARK):
        (tmp_path / name).write_text("mine")
    assert run(["detect", "--example", str(tmp_path)]) == 2
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert "--example" in capsys.readouterr().err


def test_help_shows_examples(capsys: Captured) -> None:
    assert run(["detect", "--help"]) == 0
    assert "gridrush detect --example mydata" in capsys.readouterr().out
