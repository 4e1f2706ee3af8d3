"""The template appears whole or not at all."""

from pathlib import Path

import pytest

from gridrush.case import template
from gridrush.case.load import load_case
from gridrush.case.template import new_case
from gridrush.errors import CaseError


def test_nothing_that_exists_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    for name in ("empty", "dangling"):
        with pytest.raises(CaseError, match="a path that is free"):
            new_case(tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dangling", "empty"]
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_folder_to_put_it_in_must_exist(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="a folder that exists"):
        new_case(tmp_path / "no" / "where")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "_WORLD", ("mining_network.csv", "no_such_table.csv"))
    with pytest.raises(CaseError):
        new_case(tmp_path / "example")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(template.shutil, "copyfile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        new_case(tmp_path / "example")
    assert list(tmp_path.iterdir()) == []


def test_every_line_a_person_meets_first_is_explained(tmp_path: Path) -> None:
    folder = new_case(tmp_path / "example")
    assert (folder / "README.md").is_file()
    assert "made up" in (folder / "case.yaml").read_text()
    readme = (folder / "README.md").read_text()
    missing = [p.name for p in folder.glob("*.csv") if p.name not in readme and not p.name.startswith("mining_")]
    assert missing == []


def test_a_case_is_named_after_its_folder(tmp_path: Path) -> None:
    assert load_case(new_case(tmp_path / "Ruritania: 2")).name == "Ruritania: 2"
