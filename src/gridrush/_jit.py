"""How kernels are compiled, and when compiled code that lies on disk is still good."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

import numba as nb
from numba.core import event

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_NJIT: Any = nb.njit  # numba's types do not know about `_nrt`
_CONFIG: Any = nb.config


class _Compiling(event.Listener):
    """Whether kernels are being compiled now, and how long it took: the first time they run on a machine only."""

    def __init__(self) -> None:
        self.depth, self.seconds, self._began = 0, 0.0, 0.0

    def on_start(self, event: Any) -> None:
        """A kernel, or one that it calls."""
        if self.depth == 0:
            self._began = perf_counter()
        self.depth += 1

    def on_end(self, event: Any) -> None:
        """It is compiled."""
        self.depth -= 1
        if self.depth == 0:
            self.seconds += perf_counter() - self._began

    @property
    def now(self) -> bool:
        """Whether one is being compiled."""
        return self.depth > 0


compiling = _Compiling()
event.register("numba:compile", compiling)  # type: ignore[no-untyped-call]


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function: division by zero gives inf, the lock of the interpreter is released."""
    return _made_of_its_room(_NJIT(**_OPTIONS)(function))


def sum_kernel(function: Callable[..., Any]) -> Any:
    """As `kernel`, for long sums: the order of additions is free, so that several are made at a time."""
    return _made_of_its_room(_NJIT(**_OPTIONS, fastmath={"reassoc"})(function))


def small_kernel(function: Callable[..., Any]) -> Any:
    """As `kernel`, for a function that allocates nothing and returns no array.

    Without numba's runtime (`_nrt`) no array is reference-counted: a call of a small function costs nanoseconds instead
    of a hundred, and compiles in half the time. The caller keeps the arrays alive.
    """
    return _made_of_its_room(_NJIT(**_OPTIONS, _nrt=False)(function))


def small_sum_kernel(function: Callable[..., Any]) -> Any:
    """`small_kernel` and `sum_kernel` at once."""
    return _made_of_its_room(_NJIT(**_OPTIONS, _nrt=False, fastmath={"reassoc"})(function))


def _made_of_its_room(compiled: Any) -> Any:
    """Have compiled code on disk thrown away when any kernel file of its room has changed.

    numba looks at the file of the function itself only, though the code of all that it calls is compiled into it: after
    an edit, or an update of the package, it would go on with what the others were.
    """
    if not _CONFIG.DISABLE_JIT:
        index = compiled._cache._cache_file
        index._source_stamp = index._source_stamp, _stamp(Path(compiled.py_func.__code__.co_filename).parent)
    return compiled


@lru_cache
def _stamp(room: Path) -> str:
    """Hash of all that a kernel of a room may be made of."""
    return sha256(b"".join(f.read_bytes() for f in (Path(__file__), *sorted(room.glob("_kernels*.py"))))).hexdigest()
