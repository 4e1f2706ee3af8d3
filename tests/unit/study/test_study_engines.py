"""Engines: the same answers from each, errors told, workers that die replaced."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from gridrush.errors import CaseError, EngineError
from gridrush.study.engine import make_engine
from gridrush.study.engine.dask import DaskEngine
from gridrush.study.engine.local import InlineEngine
from gridrush.study.engine.pool import PoolEngine


def square(x):
    if x < 0:
        raise EngineError(f"{x} is below zero")
    return x * x


class DiesOnce:
    """Kills its worker the first time it sees a task, and does it the second time."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __call__(self, x):
        mark = Path(self.folder) / str(x)
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x * x


def dies(x):
    if x == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def slow(x):
    time.sleep(60)


def nothing():
    pass


def answers(engine, work, tasks):
    return {d.task: (d.value, d.error) for d in engine.map(work, iter(tasks), tick=nothing)}


@pytest.fixture(params=["inline", "pool of 1", "pool of 2", "pool, spawned", "dask"])
def engine(request):
    if request.param == "dask":
        pytest.importorskip("distributed")
    return {
        "inline": InlineEngine, "pool of 1": lambda: PoolEngine(1), "pool of 2": lambda: PoolEngine(2),
        "pool, spawned": lambda: PoolEngine(1, method="spawn"), "dask": lambda: DaskEngine(1),
    }[request.param]()  # fmt: skip


def test_every_task_is_done_once_and_errors_are_told(engine):
    found = answers(engine, square, [3, -1, 4, 1, 5])
    assert found == {3: (9, ""), 4: (16, ""), 1: (1, ""), 5: (25, ""), -1: (None, "-1 is below zero")}
    assert multiprocessing.active_children() == []


def test_no_tasks_are_no_work(engine):
    assert answers(engine, square, []) == {}


def test_a_worker_that_dies_is_replaced_and_its_task_done_by_another(tmp_path):
    assert answers(PoolEngine(2), DiesOnce(tmp_path), range(5)) == {x: (x * x, "") for x in range(5)}


def test_a_task_that_kills_every_worker_is_given_up_and_the_rest_done():
    found = answers(PoolEngine(2), dies, range(6))
    assert "3 workers died of it" in found.pop(3)[1]
    assert found == {x: (x, "") for x in (0, 1, 2, 4, 5)}


def test_tasks_are_taken_only_when_a_worker_is_free():
    taken = []

    def tasks():
        for x in range(10):
            taken.append(x)
            yield x

    for n, _ in enumerate(PoolEngine(2).map(square, tasks(), tick=nothing)):
        assert len(taken) <= n + 3


def test_what_is_raised_while_waiting_ends_the_workers():
    def tick():
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(PoolEngine(2).map(slow, iter([1, 2]), tick=tick))
    assert multiprocessing.active_children() == []
    assert time.monotonic() - began < 20


def test_a_scheduler_that_does_not_answer_is_said():
    pytest.importorskip("distributed")
    with pytest.raises(EngineError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
        list(DaskEngine(1, address="tcp://127.0.0.1:9", patience_s=0.2).map(square, iter([1]), tick=nothing))


def test_an_engine_that_cannot_be_meant_is_refused():
    for given in ({"name": "cloud"}, {"name": "pool", "workers": 0}, {"name": "pool", "address": "tcp://x:1"}):
        with pytest.raises(CaseError):
            make_engine(**given)
    assert make_engine("pool", workers=3).workers == 3
