"""One task after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gridrush.study.engine.base import TASK_ERRORS, Done, said


class InlineEngine:
    """The plainest engine: what the others must agree with."""

    workers = 1

    def map(self, work: Callable[[Any], Any], tasks: Iterator[Any], *, tick: Callable[[], None]) -> Iterator[Done]:
        """Tasks in their order."""
        for task in tasks:
            tick()
            try:
                done = Done(task, work(task))
            except TASK_ERRORS as failed:
                done = Done(task, error=said(failed))
            yield done
