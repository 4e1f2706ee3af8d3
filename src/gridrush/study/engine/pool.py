"""Tasks in processes of this machine; a process that dies is replaced and its task given to another."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from gridrush.study.engine.base import ATTEMPTS, NOTHING, TASK_ERRORS, Done, following, processes, said
from gridrush.study.interrupt import apart

TICK_S = 1.0
END_S = 5.0
"""Patience with a worker that is told to end."""


@dataclass(eq=False)
class _Worker:
    process: Any
    pipe: connection.Connection
    task: Any = None
    busy: bool = False


class PoolEngine:
    """Processes that copy this one where the system can fork, so that what is prepared here is shared.

    Parameters
    ----------
    workers : int
    method : str, optional
        How processes start; default fork where there is one, else spawn.
    """

    def __init__(self, workers: int, *, method: str | None = None) -> None:
        self.workers = workers
        self._context = processes(method)

    def map(self, work: Callable[[Any], Any], tasks: Iterator[Any], *, tick: Callable[[], None]) -> Iterator[Done]:
        """Tasks as they are done."""
        crew: list[_Worker] = []
        again: deque[Any] = deque()
        lost: dict[int, int] = {}  # id of a task -> workers it lost; the task is held by `again` or a worker
        try:
            while True:
                while True:
                    free = next((w for w in crew if not w.busy), None)
                    if free is None and len(crew) >= self.workers:
                        break
                    task = following(again, tasks)
                    if task is NOTHING:
                        break
                    if free is None:
                        free = self._start(work)
                        crew.append(free)
                    self._give(free, task)
                busy = [w for w in crew if w.busy]
                if not busy:
                    return
                ready = connection.wait([w.pipe for w in busy], timeout=TICK_S)
                tick()
                for w in [w for w in busy if w.pipe in ready]:
                    task, w.task, w.busy = w.task, None, False
                    try:
                        value, error = w.pipe.recv()
                    except (EOFError, OSError):  # it died
                        crew.remove(w)
                        _end(w)
                        lost[id(task)] = lost.get(id(task), 0) + 1
                        if lost[id(task)] < ATTEMPTS:
                            again.append(task)
                            continue
                        value, error = None, f"{ATTEMPTS} workers died of it (exit code {w.process.exitcode})"
                    lost.pop(id(task), None)
                    yield Done(task, value, error)
        finally:
            for w in crew:
                _end(w)

    def _start(self, work: Callable[[Any], Any]) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(work, theirs), daemon=True, name="gridrush worker")
        with apart(spawned=self._context.get_start_method() != "fork"):
            process.start()
        theirs.close()
        return _Worker(process, ours)

    @staticmethod
    def _give(worker: _Worker, task: Any) -> None:
        worker.task, worker.busy = task, True
        with suppress(OSError):  # it died while idle: found when its pipe is read
            worker.pipe.send(task)


def _end(worker: _Worker) -> None:
    worker.pipe.close()
    worker.process.terminate()
    worker.process.join(END_S)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()
    worker.process.join()


def _serve(work: Callable[[Any], Any], pipe: connection.Connection) -> None:
    """A worker: does what it is sent until the pipe is closed or its parent has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_follow_parent, daemon=True).start()
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer = work(task), ""
        except TASK_ERRORS as failed:
            answer = None, said(failed)
        pipe.send(answer)


def _follow_parent() -> None:
    """End with the parent, even one that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
