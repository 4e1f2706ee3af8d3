"""What holds the house up: who may import whom, how big a file may be, and that importing costs nothing."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gridrush

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "gridrush"
FILES = sorted(SOURCE.rglob("*.py"))

MODELS = {"mining", "grid", "adequacy", "planning", "policy", "detect"}
GROUND = {"errors", "units", "_jit"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "units": set(),
    "_jit": set(),
    "case": GROUND,
    **{room: GROUND | {"case"} for room in MODELS},
    "study": GROUND | MODELS | {"case"},
    # these read results and compute nothing; `cli` may call any room, `web` and `report` only show what study gives
    "i18n": set(),
    "report": GROUND | {"case", "study", "policy", "i18n"},  # policy names the lines of the ledger
    "web": GROUND | {"case", "study", "report", "i18n"},
    "cli": GROUND | MODELS | {"case", "study", "report", "web", "i18n"},
}
"""errors, units, _jit -> case -> {mining, grid, adequacy, planning, policy, detect} -> study -> {report, web, cli}."""

HEAVY = {
    "numpy", "pandas", "xarray", "numba", "scipy", "pydantic", "linopy", "highspy", "typer", "rich", "jinja2", "plotly",
    "yaml", "pypsa", "dask", "sklearn", "pyarrow", "fastapi",
}  # fmt: skip


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of every import in a file, those inside functions and TYPE_CHECKING too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write imports in full"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def test_rooms_import_only_what_stands_before_them() -> None:
    wrong = []
    for path in FILES:
        here = room(path)
        if here == "__init__":
            continue
        for line, name in imports(path):
            parts = name.split(".")
            if parts[0] != "gridrush" or len(parts) < 2 or parts[1] in (here, "__version__"):
                continue
            if parts[1] not in MAY_IMPORT[here]:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {here} may not import {parts[1]}")
    assert not wrong, "\n".join(wrong)


def test_kernels_are_made_of_kernels_of_their_room_only() -> None:
    """`_jit` counts on it when it asks whether compiled code is still good."""
    for path in SOURCE.rglob("_kernels*.py"):
        for line, name in imports(path):
            if name.startswith("gridrush.") and name.split(".")[1] != "_jit":
                assert name.startswith(f"gridrush.{room(path)}._kernels"), f"{path}:{line}: {name}"


def test_every_room_is_known_to_the_arrows() -> None:
    rooms = {room(p) for p in FILES} - {"__init__"}
    assert rooms <= MAY_IMPORT.keys()


def test_arrows_never_lead_back() -> None:
    for start in MAY_IMPORT:
        reached, waiting = set(), set(MAY_IMPORT[start])
        while waiting:
            step = waiting.pop()
            reached.add(step)
            waiting |= MAY_IMPORT[step] - reached
        assert start not in reached


def test_no_file_is_over_500_lines() -> None:
    folders = [ROOT / name for name in ("src", "tests", "benchmarks", "examples")]
    lines = {p: len(p.read_text(encoding="utf-8").splitlines()) for folder in folders for p in folder.rglob("*.py")}
    assert {str(p.relative_to(ROOT)): n for p, n in lines.items() if n > 500} == {}


def test_importing_gridrush_imports_nothing_heavy() -> None:
    code = "import sys, gridrush; print(' '.join(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert set(done.stdout.split()) & HEAVY == set()


def test_asking_for_help_imports_no_number_cruncher() -> None:
    code = (
        "import sys\nfrom gridrush.cli.main import run\nrun(['--help'])\n"
        "print('\\n' + ' '.join(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert set(done.stdout.splitlines()[-1].split()) & (HEAVY - {"typer"}) == set()


def test_importing_changes_no_global_state() -> None:
    code = (
        "import logging, multiprocessing, os, random, warnings\n"
        "import numpy as np\n"
        "def state():\n"
        "    return (logging.root.handlers[:], logging.root.level, multiprocessing.get_start_method(allow_none=True),\n"
        "            random.getstate(), np.random.get_state()[1].tolist(), warnings.filters[:], dict(os.environ))\n"
        "import numba, pandas, pydantic, scipy.sparse, scipy.special, scipy.stats, xarray  # what they do is theirs\n"
        "threads = numba.get_num_threads()\n"
        "before = state()\n"
        "import gridrush\n"
        "for name in gridrush.__all__: getattr(gridrush, name)\n"
        "after = state()\n"
        "assert before == after, [a for a, b in zip(before, after) if a != b]\n"
        "assert numba.get_num_threads() == threads\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=120, check=True)


def order(name: str) -> tuple[int, str]:
    """CONSTANTS, then Classes, then functions."""
    return 0 if name.isupper() else 1 if name[0].isupper() else 2, name


def test_public_names_are_sorted_and_all_there() -> None:
    assert gridrush.__all__ == sorted(gridrush.__all__, key=order)
    assert dir(gridrush) == gridrush.__all__
    for name in gridrush.__all__:
        assert getattr(gridrush, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gridrush.nothing  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", [p for p in FILES if p.name == "__init__.py"], ids=lambda p: p.parent.name)
def test_the_names_a_package_gives_are_sorted_and_exist(path: Path) -> None:
    module = ".".join(path.parent.relative_to(SOURCE.parent).parts)
    given = getattr(__import__(module, fromlist=["_"]), "__all__", [])
    assert list(given) == sorted(given, key=order)
    missing = [n for n in given if not hasattr(__import__(module, fromlist=[n]), n)]
    assert missing == []


def test_the_package_neither_prints_nor_swallows_errors() -> None:
    wrong = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                wrong.append(f"{where}: print")
            if isinstance(node, ast.ExceptHandler):
                caught = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else {"Exception"}
                again = any(isinstance(n, ast.Raise) for n in ast.walk(node))
                if caught & {"Exception", "BaseException"} and not again:
                    wrong.append(f"{where}: catches everything")
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.args.kwarg:
                wrong.append(f"{where}: **{node.args.kwarg.arg} in a public function")
    assert not wrong, "\n".join(wrong)


def test_scripts_are_executable_and_name_no_place_of_packages() -> None:
    names = ("run", "test", "check", "pin")
    assert all((ROOT / "scripts" / n).stat().st_mode & 0o111 for n in names)
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all("==" in line and "/" not in line for line in pins if not line.startswith("#"))
