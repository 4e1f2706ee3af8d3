"""What an engine is."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from gridrush.errors import CaseError, GridrushError, Problem

ATTEMPTS = 3
"""Workers a task may lose before it is given up: it is likely what kills them."""

TASK_ERRORS = (
    GridrushError, OSError, ValueError, ArithmeticError, LookupError, RuntimeError, TypeError, AttributeError,
    AssertionError, MemoryError,
)  # fmt: skip
"""What doing a task may raise; anything else ends the worker."""


@dataclass(frozen=True)
class Done:
    """A task that was done, or failed and why."""

    task: Any
    value: Any = None
    error: str = ""


class Engine(Protocol):
    """Does tasks. `tick` is called about once a second while it waits; what it raises ends the work."""

    workers: int

    def map(
        self, work: Callable[[Any], Any], tasks: Iterator[Any], *, tick: Callable[[], None]
    ) -> Iterator[Done]:
        """Tasks as they are done. They are taken from `tasks` only when a worker is free for them."""
        ...


NOTHING = object()
"""No task is left."""


def following(again: deque[Any], tasks: Iterator[Any]) -> Any:
    """The task to do next: one to be done again, else a new one, else `NOTHING`."""
    return again.popleft() if again else next(tasks, NOTHING)


def processes(method: str | None = None) -> Any:
    """How processes start: as told, else sharing memory where the system can fork."""
    known = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context(method or ("fork" if "fork" in known else "spawn"))


def said(error: BaseException) -> str:
    """An error as one text."""
    return str(error) if isinstance(error, GridrushError) else f"{type(error).__name__}: {error}"


def make_engine(name: str, *, workers: int | None = None, address: str | None = None) -> Engine:
    """An engine by name.

    Parameters
    ----------
    name : {"inline", "pool", "dask"}
    workers : int, optional
        Processes; default the processors there are.
    address : str, optional
        Scheduler of a running Dask cluster; default one is started on this machine.
    """
    import os

    if name not in ("inline", "pool", "dask"):
        raise CaseError([Problem("--engine", name, "inline, pool or dask")])
    if workers is not None and workers < 1:
        raise CaseError([Problem("--workers", workers, "one or more")])
    if address is not None and name != "dask":
        raise CaseError([Problem("--dask", address, "the engine dask to go with it", "add --engine dask")])
    number = workers if workers is not None else os.cpu_count() or 1
    if name == "inline":
        from gridrush.study.engine.local import InlineEngine

        return InlineEngine()
    if name == "pool":
        from gridrush.study.engine.pool import PoolEngine

        return PoolEngine(number)
    from gridrush.study.engine.dask import DaskEngine

    return DaskEngine(number, address=address)
