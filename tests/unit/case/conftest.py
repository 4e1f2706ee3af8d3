"""A fresh copy of the template case for each test."""

from pathlib import Path

import pytest

from gridrush.case.template import new_case


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return new_case(tmp_path / "example")
