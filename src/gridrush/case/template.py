"""A small commented case to start from."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from gridrush.case.load import CASES
from gridrush.case.schema import MOST_LETTERS
from gridrush.errors import CaseError, Problem

STARTER = Path(__file__).parent / "starter"
"""The template: everything but the world's mining figures, which are those of the Kazakhstan case."""

_WORLD = ("mining_network.csv", "mining_machines.csv", "mining_machine_prices.csv", "sources_mining.yaml")
_ATLAS = "mining_atlas.csv"


def new_case(path: str | Path) -> Path:
    """Write a case that loads and runs, and give its folder: two zones, seven units, miners in one zone.

    The case is named like the folder, which appears whole or not at all; nothing that is there already is touched.

    Parameters
    ----------
    path : str or Path
        A folder that does not exist yet, in one that does.

    Raises
    ------
    CaseError
        If the path exists, or its parent does not or cannot be written to.
    """
    target = Path(path)
    if os.path.lexists(target):
        raise CaseError([Problem(str(target), "something that is there already", "a path that is free")])
    parent = target.absolute().parent
    if not parent.is_dir():
        raise CaseError([Problem(str(target), f"no folder {parent}", "a path in a folder that exists")])
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=parent) as made:
            whole = Path(made) / "case"
            shutil.copytree(STARTER, whole)
            world = CASES / "kazakhstan"
            for name in _WORLD:
                shutil.copyfile(world / name, whole / name)
            ours = (STARTER / _ATLAS).read_text(encoding="utf-8").split("\n", 2)[2]  # past its comment and header
            (whole / _ATLAS).write_text((world / _ATLAS).read_text(encoding="utf-8") + ours, encoding="utf-8")
            about = (whole / "case.yaml").read_text(encoding="utf-8")
            named = about.replace("name: example\n", f"name: {json.dumps(target.name[:MOST_LETTERS])}\n", 1)
            (whole / "case.yaml").write_text(named, encoding="utf-8")
            whole.rename(target)
    except OSError as err:
        raise CaseError([Problem(str(target), err.strerror or str(err), "a folder that can be written to")]) from err
    return target
