"""How the kernels of the Monte Carlo are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba as nb

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that allocates nothing and returns no array.

    Without numba's runtime (`_nrt`) no array is reference-counted: a call of a small function costs nanoseconds instead
    of a hundred, and compiles in half the time. The caller keeps the arrays alive.
    """
    return nb.njit(**_OPTIONS)(function)


def sum_kernel(function: Callable[..., Any]) -> Any:
    """As `kernel`, for long sums: the order of additions is free, so that several are made at a time."""
    return nb.njit(**_OPTIONS, fastmath={"reassoc"})(function)
