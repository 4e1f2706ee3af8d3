"""`run`, `compare`, `claims` and `assess`: what they write, print and leave with."""

import json
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import pytest

from gridrush.case.template import new_case
from gridrush.cli import study as study_commands
from gridrush.cli.main import run

Captured = pytest.CaptureFixture[str]

UNITS = "unit,mw,FOR,mttf_h,mttr_h\nA,10,0.1,90,10\nB,10,0.1,90,10\nC,8,0.2,80,20\n"
LOADS = [12.0, 18.0, 25.0]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(new_case(tmp_path_factory.mktemp("cases") / "example"))


@pytest.fixture(autouse=True)
def _runs_are_kept_apart(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDRUSH_STORE", str(tmp_path_factory.mktemp("store")))


@pytest.fixture
def tables(tmp_path: Path) -> list[str]:
    (tmp_path / "units.csv").write_text(UNITS)
    hours = "".join(f"{t + 1},{LOADS[t % 3]}\n" for t in range(24 * 364))
    (tmp_path / "load.csv").write_text("hour,load_mw\n" + hours)
    return ["assess", "--units", str(tmp_path / "units.csv"), "--load", str(tmp_path / "load.csv")]


def by_hand() -> tuple[float, float]:
    """Hours and energy short in a year, by going through the eight states of three units."""
    lole = eue = 0.0
    for states in product([True, False], repeat=3):
        chance, up_mw = 1.0, 0.0
        for up, mw, out in zip(states, (10.0, 10.0, 8.0), (0.1, 0.1, 0.2), strict=True):
            chance *= 1 - out if up else out
            up_mw += mw * up
        for load in LOADS:
            lole += chance * (load > up_mw)
            eue += chance * max(load - up_mw, 0.0)
    return lole * 24 * 364 / 3, eue * 24 * 364 / 3


def test_tables_are_assessed_exactly(tables: list[str], capsys: Captured) -> None:
    assert run([*tables, "--method", "exact", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    lole, eue = by_hand()
    assert found["LOLE_h"] == {"mean": pytest.approx(lole, rel=1e-9), "stderr": 0.0, "unit": "h/yr"}
    assert found["EUE_MWh"]["mean"] == pytest.approx(eue, rel=1e-9)


def test_tables_are_assessed_by_sampling_with_an_error(tables: list[str], capsys: Captured) -> None:
    assert run([*tables, "--samples", "400", "--seed", "7", "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["LOLE_h"]["stderr"] > 0
    assert abs(found["LOLE_h"]["mean"] - by_hand()[0]) < 4 * found["LOLE_h"]["stderr"]
    assert found["seed"] == 7
    assert run([*tables, "--samples", "400", "--seed", "7"]) == 0
    assert "standard error" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new"), [("A,10", "A,-10"), ("A,10", "A,nan"), ("A,10", "A,ten"), ("mw", "megawatt"), ("90,10", "90,-1")]
)
def test_a_bad_table_leaves_with_2(tables: list[str], old: str, new: str, capsys: Captured) -> None:
    path = Path(tables[2])
    path.write_text(path.read_text().replace(old, new, 1))
    assert run([*tables, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["problems"]


def test_a_case_is_assessed_with_the_same_keys(case: str, capsys: Captured) -> None:
    line = ["assess", case, "--years", "2020", "--samples", "50", "--json"]
    assert run(line) == 0
    first = capsys.readouterr().out
    found = json.loads(first)
    assert found["LOLE_h"].keys() == {"mean", "stderr", "unit"}
    assert found["EUE_MWh"]["unit"] == "MWh/yr"
    assert found["zones"].keys() == {"Upland", "Lowland"}
    assert (found["scenario"], found["year"], found["seed"]) == ("as-it-is", 2020, 1)
    assert run(line) == 0
    assert capsys.readouterr().out == first


class _Outside(HTMLParser):
    """Addresses a page would fetch by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            fetched = name in ("src", "srcset", "poster") or (tag == "link" and name == "href")
            if fetched and value and not value.startswith(("data:", "#")):
                self.found.append(value)


def test_the_main_job_writes_a_report_its_tables_and_the_runs(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    line = ["run", case, "--scenario", "as-it-is", "--years", "2019-2020", "--samples", "1", "--json"]
    assert run(line) == 0
    said = json.loads(capsys.readouterr().out)
    out = tmp_path / "out" / "example"
    assert (tmp_path / said["report"]).samefile(out / "report.html")
    assert [p.name for p in (out / "runs").iterdir()] == ["as-it-is.nc"]
    assert list((out / "tables").glob("*.csv"))
    assert json.loads((out / "gridrush.json").read_text())["seed"] == 1
    assert [p.name for p in out.parent.iterdir()] == ["example"]
    page = _Outside()
    page.feed((out / "report.html").read_text(encoding="utf-8"))
    assert page.found == []


def test_scenarios_are_compared_year_by_year(case: str, capsys: Captured) -> None:
    names = ["as-it-is", "cut-and-build"]
    assert run(["compare", case, *names, "--years", "2019,2020", "--samples", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["results"]) == names
    assert list(found["results"]["as-it-is"]) == ["2019", "2020"]
    assert found["results"]["as-it-is"]["2020"]["demand_twh"] == pytest.approx(5.1, rel=0.02)
    assert list(found["differences"]) == ["cut-and-build"]
    assert found["inputs"]
    assert all(v["verdict"] for v in found["verdicts"].values())


def test_an_interrupted_main_job_leaves_nothing(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def interrupted(*arguments: object, **_: object) -> None:
        folder = next(a for a in arguments if isinstance(a, Path))
        (folder / "half.nc").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(study_commands, "_study", interrupted)
    monkeypatch.chdir(tmp_path)
    assert run(["run", case]) == 130
    assert list(tmp_path.iterdir()) == []
    assert "interrupted" in capsys.readouterr().err
