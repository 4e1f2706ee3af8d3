"""`gridrush case` and the way every command speaks and leaves: by exit code, stream and file."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gridrush.cli import main, show
from gridrush.cli.main import run
from gridrush.errors import CaseError, EngineError, InfeasibleError

Captured = pytest.CaptureFixture[str]


def gridrush(*arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from gridrush.cli.main import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_help_shows_examples_and_is_quick() -> None:
    began = time.perf_counter()
    done = gridrush("--help")
    assert time.perf_counter() - began < 5.0
    assert done.returncode == 0
    assert "gridrush run kazakhstan" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["run", "assess", "compare", "claims", "case check", "case new", "case show"])
def test_every_command_has_help_with_an_example(command: str, capsys: Captured) -> None:
    assert run([*command.split(), "--help"]) == 0
    assert f"gridrush {command} " in capsys.readouterr().out.split("Example", 1)[1]


def test_the_version_is_printed(capsys: Captured) -> None:
    from gridrush import __version__

    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"gridrush {__version__}\n"


def test_a_new_case_is_checked_and_shown(tmp_path: Path, capsys: Captured) -> None:
    folder = str(tmp_path / "mine")
    assert run(["case", "new", folder]) == 0
    assert run(["case", "check", folder]) == 0
    assert run(["case", "show", folder]) == 0
    assert "Lowland" in capsys.readouterr().out
    assert run(["case", "show", folder, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["installed_mw"]["Upland"] == {"coal": 500.0, "hydro_reservoir": 150.0}
    assert run(["case", "show", folder, "units", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["unit"] == "coal-1"
    assert run(["case", "new", folder]) == 2


def test_a_wrong_case_leaves_with_2_and_says_why_on_stderr(tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "mine"
    run(["case", "new", str(folder)])
    capsys.readouterr()
    (folder / "units.csv").write_text("unit,plant\n")
    (folder / "links.csv").write_text("")
    assert run(["case", "check", str(folder)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "units.csv:1.zone" in said.err
    assert "links.csv" in said.err


def test_problems_are_json_on_stdout_when_asked(tmp_path: Path, capsys: Captured) -> None:
    assert run(["case", "check", str(tmp_path), "--json"]) == 2
    said = capsys.readouterr()
    [problem] = json.loads(said.out)["problems"]
    assert problem["found"] == "a folder without case.yaml"
    assert said.err == ""


@pytest.mark.parametrize(
    "line",
    [
        "bogus",
        "case check",
        "run",
        "run nowhere",
        "assess",
        "assess kazakhstan --units u.csv",
        "assess --units u.csv",
        "assess --units no.csv --load no.csv",
        "assess kazakhstan --method exact",
        "assess kazakhstan --years 20x1",
        "assess kazakhstan --years 1999",
        "run kazakhstan --years 2025-2021",
        "assess kazakhstan --scenario none",
        "compare kazakhstan none",
        "claims nowhere",
        "assess --units u.csv --load l.csv --years 2021",
    ],
)
def test_a_command_line_that_cannot_be_meant_leaves_with_2(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(line.split()) == 2
    assert capsys.readouterr().out == ""
    assert run([*line.split(), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["problems"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CaseError([]), 2),
        (InfeasibleError("x"), 3),
        (EngineError("x"), 4),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
    ],
)
def test_each_family_of_errors_has_its_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(sys, "stdout", sys.stdout)  # a broken pipe takes it away
    monkeypatch.setattr(main, "app", fail)
    assert run(["case", "check", "x"]) == code
    assert capsys.readouterr().out == ""


def test_a_mistake_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("ours")

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(AssertionError, match="ours"):
        run(["case", "check", "x"])


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    line = "case show kazakhstan renewable_shape | head -n 2"
    command = f'"{sys.executable}" -c "from gridrush.cli.main import main; main()" {line}'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == ""


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with show.whole_folder(out, {"seed": 1}) as new:
        (new / "report.html").write_text("one")
        assert not out.exists()
    assert json.loads((out / show.MARK).read_text()) == {"seed": 1, "files": ["report.html"]}
    with show.whole_folder(out, {}) as new:
        (new / "other.html").write_text("two")
    assert sorted(p.name for p in out.iterdir()) == [show.MARK, "other.html"]
    assert [p.name for p in out.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, CaseError])
def test_a_folder_half_written_vanishes_and_the_old_one_stays(tmp_path: Path, error: type[BaseException]) -> None:
    out = tmp_path / "out"
    with show.whole_folder(out, {}) as new:
        (new / "report.html").write_text("old")
    with pytest.raises(error):
        _interrupted_at_work(out, error)
    assert (out / "report.html").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def _interrupted_at_work(out: Path, error: type[BaseException]) -> None:
    with show.whole_folder(out, {}) as new:
        (new / "report.html").write_text("half")
        raise error([])


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("you")
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "letters")
    for name in ("letters", "file", "link"):
        with pytest.raises(CaseError, match="--out"), show.whole_folder(tmp_path / name, {}):
            pass
    assert (tmp_path / "letters" / "dear.txt").read_text() == "you"


def test_years_are_read_as_people_write_them() -> None:
    assert show.years_of("2021") == [2021]
    assert show.years_of("2019-2021, 2030") == [2019, 2020, 2021, 2030]
    assert show.years_of(None) is None


def test_json_has_no_nan() -> None:
    import numpy as np

    assert show._plain({"a": float("nan"), "b": np.float64(2), "c": np.array([1.0, np.inf])}) == {
        "a": None,
        "b": 2.0,
        "c": [1.0, None],
    }


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupt_leaves_with_130_and_nothing_behind(tmp_path: Path) -> None:
    code = (
        "import os, signal, gridrush.case.template as t\n"
        "t.shutil.copyfile = lambda *a, **k: os.kill(os.getpid(), signal.SIGINT)\n"
        "from gridrush.cli.main import main\n"
        "main(['case', 'new', 'mine'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 130
    assert "interrupted" in done.stderr
    assert list(tmp_path.iterdir()) == []
