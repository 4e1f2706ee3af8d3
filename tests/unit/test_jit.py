"""Compiled kernels that lie on disk, thrown away when any kernel file of their room changes; and compiling, timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numba

from gridrush._jit import compiling

CALLED = "from gridrush._jit import kernel\n\n\n@kernel\ndef one(x):\n    return {gives}\n"
CALLS = (
    "from _kernels import one\nfrom gridrush._jit import kernel\n\n\n"
    "@kernel\ndef two(x):\n    return 2.0 * one(x)\n\n\n"
    "print(two(1.0), sum(two.stats.cache_hits.values()))\n"
)


def test_a_kernel_is_compiled_again_when_one_that_it_calls_has_changed(tmp_path: Path) -> None:
    def run(gives: str) -> tuple[float, int]:
        (tmp_path / "_kernels.py").write_text(CALLED.format(gives=gives))
        call = [sys.executable, "_kernels_more.py"]
        value, found = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
        return float(value), int(found)

    (tmp_path / "_kernels_more.py").write_text(CALLS)
    assert run("x + 1.0") == (4.0, 0)
    assert run("x + 1.0") == (4.0, 1)
    assert run("x + 2.0") == (6.0, 0)


def test_compiling_is_noticed_and_timed_and_a_second_call_does_not_count() -> None:
    during: list[bool] = []

    @numba.njit
    def inner(x: float) -> float:
        return x + 1.0

    @numba.njit
    def outer(x: float) -> float:
        with numba.objmode():
            during.append(compiling.now)
        return inner(x)

    before = compiling.seconds
    outer(1.0)
    took = compiling.seconds - before
    assert took > 0
    assert not compiling.now
    assert during == [False]
    outer(2.0)
    assert compiling.seconds - before == took
