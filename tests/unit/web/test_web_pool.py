"""Questions to warm processes: who shares an answer, who is told that there is none."""

import asyncio
import multiprocessing
import threading
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("fastapi")

from gridrush.web import pool as pools
from gridrush.web.opened import Source
from gridrush.web.pool import Busy, Pool


class Dead:
    """Processes that end as they begin."""

    def Value(self, *_: Any, **__: Any) -> Any:  # noqa: N802
        return SimpleNamespace(value=0)

    def Pipe(self) -> Any:  # noqa: N802
        return multiprocessing.Pipe()

    def Process(self, **_: Any) -> Any:  # noqa: N802
        nothing = SimpleNamespace(pid=0, start=lambda: None, is_alive=lambda: False)
        nothing.join = lambda timeout: None
        return nothing


async def told(pool: Pool, session: str, key: str = "", kind: str = "run") -> list[tuple[str, Any]]:
    return [message async for message in pool.ask(session, kind, {}, key)]


def test_when_no_worker_starts_whoever_waits_and_whoever_comes_later_is_told() -> None:
    async def run() -> tuple[Any, Any]:
        pool = Pool(Source("nowhere"), workers=1)
        waits = asyncio.create_task(told(pool, "a"))
        await asyncio.sleep(0)
        thread = threading.Thread(target=pool._tend, args=(0, Dead()))
        thread.start()
        first = await asyncio.wait_for(waits, 30)
        thread.join()
        return first, await told(pool, "b")

    first, later = asyncio.run(run())
    assert first == later == [("failed", pools._GONE)]


def test_a_move_that_was_overtaken_on_its_way_does_not_end_the_newer_one() -> None:
    async def run() -> tuple[Any, int, Any]:
        pool = Pool(Source("x"))

        async def moved(number: int) -> list[tuple[str, Any]]:
            return [message async for message in pool.ask("page", "run", {"move": number}, move=number)]

        newer = asyncio.create_task(moved(2))
        await asyncio.sleep(0)
        late = await asyncio.wait_for(moved(1), 5)
        (question,) = pool._waiting
        question.give(("done", b"newest"))
        newest = asyncio.create_task(moved(3))
        await asyncio.sleep(0)
        waits = len(pool._waiting)
        newest.cancel()
        return late, waits, await asyncio.wait_for(newer, 5)

    late, waits, newer = asyncio.run(run())
    assert late == [("superseded", None)]
    assert newer == [("done", b"newest")]
    assert waits >= 1


def test_a_question_goes_on_for_those_who_stay() -> None:
    async def run() -> tuple[Any, Any, Any]:
        pool = Pool(Source("x"))
        one, two = (asyncio.create_task(told(pool, s, "same")) for s in ("one", "two"))
        await asyncio.sleep(0)
        (question,) = pool._waiting
        question.give(("part", 1))
        late = asyncio.create_task(told(pool, "late", "same"))
        await asyncio.sleep(0)
        newer = asyncio.create_task(told(pool, "one", "other"))
        await asyncio.sleep(0.05)
        assert [q.key for q in pool._waiting] == ["same", "other"]
        question.give(("done", 2))
        answers = await asyncio.gather(one, two, late)
        newer.cancel()
        await asyncio.gather(newer, return_exceptions=True)
        assert not pool._waiting
        return tuple(answers)  # type: ignore[return-value]

    one, two, late = asyncio.run(run())
    assert one == [("part", 1), ("superseded", None)]
    assert two == late == [("part", 1), ("done", 2)]


def test_a_question_too_many_is_turned_away_unless_it_waits_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "MOST_WAITING", 2)

    async def run() -> None:
        pool = Pool(Source("x"))
        tasks = [asyncio.create_task(told(pool, str(n), str(n))) for n in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await told(pool, "c", "c")
        tasks.append(asyncio.create_task(told(pool, "d", "1")))
        await asyncio.sleep(0)
        assert len(pool._waiting[1].listeners) == 2
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
