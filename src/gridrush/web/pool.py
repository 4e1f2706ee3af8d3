"""Warm worker processes that answer the page, the newest question of each page first."""

from __future__ import annotations

import asyncio
import itertools
import logging
import multiprocessing
import threading
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from gridrush.study.interrupt import apart
from gridrush.web.opened import Source
from gridrush.web.worker import Message, serve

log = logging.getLogger(__name__)

MOST_WAITING = 256
"""Questions that may wait, all different; one more is turned away."""

MOST_PASSED = 16
"""Questions a worker looks through for one of a page it remembers."""

MOST_PAGES = 500
"""Pages that are remembered."""

TIME_LIMIT_S = 120.0
"""A worker that says nothing for so long is ended and replaced."""

START_LIMIT_S = 180.0
"""Kernels not yet compiled on this machine are compiled when the first worker starts."""


_GONE = "No worker starts; what the server wrote says why. Start it again."
_ENDED = "The worker that did this ended unexpectedly; a new one is started."


def context() -> Any:
    """How processes are started: from a server that has imported what they need, where there is one."""
    methods = multiprocessing.get_all_start_methods()
    found = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        found.set_forkserver_preload(["gridrush.web.worker", "gridrush.study.instant"])
    return found


@dataclass(eq=False)
class Listener:
    """A page that waits for an answer, and where its answers go."""

    session: str
    loop: asyncio.AbstractEventLoop
    answers: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)

    def give(self, message: Message) -> None:
        """Hand it an answer, from any thread."""
        self.loop.call_soon_threadsafe(self.answers.put_nowait, message)


@dataclass(eq=False)
class Question:
    """One thing asked, and everybody who asked it."""

    number: int
    session: str  # whose question it was first
    kind: str
    content: dict[str, Any]
    key: str  # the same for the same question; empty: asked by one page only
    listeners: list[Listener]
    begun: bool = False  # its first years are told, the rest waits its turn
    last_part: Message | None = None
    why: str = ""  # it was ended

    def give(self, message: Message) -> None:
        """Hand an answer to whoever waits."""
        if message[0] == "part":
            self.last_part = message
        for listener in self.listeners:
            listener.give(message)


class Busy(Exception):  # noqa: N818
    """Too many questions wait already."""


@dataclass(eq=False)
class Pool:
    """Processes that keep a case warm."""

    source: Source
    workers: int = 2
    _waiting: deque[Question] = field(default_factory=deque)
    _more: threading.Condition = field(default_factory=threading.Condition)
    _running: dict[int, Question] = field(default_factory=dict)  # by worker
    _stops: dict[int, Any] = field(default_factory=dict)
    _pids: dict[int, int] = field(default_factory=dict)
    _served: OrderedDict[str, int] = field(default_factory=OrderedDict)  # session -> worker that remembers it
    _moves: OrderedDict[str, int] = field(default_factory=OrderedDict)  # session -> its newest move
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _closed: bool = False
    _picks: int = 0
    _gone: int = 0  # workers that are not started again
    _threads: list[threading.Thread] = field(default_factory=list)
    ready: int = 0

    def start(self) -> None:
        """Start the processes; returns at once."""
        ctx = context()
        for i in range(self.workers):
            thread = threading.Thread(target=self._tend, args=(i, ctx), daemon=True, name=f"gridrush-{i}")
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """End the processes."""
        with self._more:
            self._closed = True
            self._more.notify_all()
        for thread in self._threads:
            thread.join(timeout=5.0)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return list(self._pids.values())

    async def ask(
        self, session: str, kind: str, content: dict[str, Any], key: str = "", *, move: int = 0
    ) -> AsyncIterator[Message]:
        """Answers to a question: parts, then one that ends it. A newer `run` of the session ends an older one.

        Pages that ask the same (by `key`) while it is being answered share the answer. Moves of a page go by several
        connections and may overtake each other: one whose number is below the newest seen is over before it begins.

        Raises
        ------
        Busy
            If too many wait.
        """
        listener = Listener(session, asyncio.get_running_loop())
        if self._gone >= self.workers:
            yield "failed", _GONE
            return
        if kind == "run" and not self.turn(session, move):
            yield "superseded", None
            return
        with self._more:
            alive = (*self._waiting, *self._running.values())
            question = next((q for q in alive if key and q.key == key and q.kind == kind and q.listeners), None)
            if question is not None:
                question.listeners.append(listener)
                if question.last_part is not None:
                    listener.give(question.last_part)
            else:
                if len(self._waiting) >= MOST_WAITING:
                    raise Busy
                question = Question(next(self._numbers), session, kind, content, key, [listener])
                self._waiting.append(question)
                self._more.notify_all()
        try:
            while True:
                message = await listener.answers.get()
                yield message
                if message[0] != "part":
                    return
        finally:
            with self._more:
                self._leave(question, listener)

    def turn(self, session: str, move: int) -> bool:
        """A page asks anew: what it asked before is over. False when a newer move of it has been here already."""
        with self._more:
            newest = self._moves.get(session, 0)
            if 0 < move < newest:
                return False
            self._moves[session] = max(move, newest)
            self._moves.move_to_end(session)
            while len(self._moves) > MOST_PAGES:
                self._moves.popitem(last=False)
            self._supersede(session)
            return True

    def _supersede(self, session: str) -> None:
        """End what a session asked before. Under the lock."""
        for q in (*self._waiting, *self._running.values()):
            for listener in [x for x in q.listeners if x.session == session and q.kind == "run"]:
                listener.give(("superseded", None))
                self._leave(q, listener)

    def _leave(self, question: Question, listener: Listener) -> None:
        """Take a page off a question, and forget the question when nobody waits for it. Under the lock."""
        if listener in question.listeners:
            question.listeners.remove(listener)
        if question.listeners:
            return
        if question in self._waiting:
            self._waiting.remove(question)
        for i, q in self._running.items():
            if q is question:
                self._stops[i].value = q.number

    def _next(self, i: int) -> Question | None:
        """The next question for a worker: new ones first, of a page it knows if it can. None when the pool closes."""
        with self._more:
            while not self._waiting and not self._closed:
                self._more.wait(1.0)
            if self._closed:
                return None
            self._picks += 1
            fresh = [q for q in self._waiting if not q.begun]
            near = (fresh if self._picks % 4 else []) or list(self._waiting)  # every fourth time the oldest
            question = next((q for q in near[:MOST_PASSED] if self._served.get(q.session) == i), near[0])
            self._waiting.remove(question)
            self._running[i] = question
            self._served[question.session] = i
            while len(self._served) > MOST_PAGES:
                self._served.popitem(last=False)
            return question

    def _tend(self, i: int, ctx: Any) -> None:
        """Keep one process alive and feed it. The first gets warm before the others start."""
        stop = self._stops[i] = ctx.Value("Q", 0, lock=False)
        failures = 0
        began = time.monotonic()
        while i and not self.ready and not self._closed and time.monotonic() - began < START_LIMIT_S:
            time.sleep(0.1)
        while not self._closed and failures < 5:
            ours, theirs = ctx.Pipe()
            process = ctx.Process(target=serve, args=(theirs, stop, self.source), daemon=True)
            try:
                with apart(spawned=True):
                    process.start()
                theirs.close()
                self._pids[i] = process.pid or 0
                if not _heard(ours, START_LIMIT_S, lambda: self._closed) or ours.recv()[0] != "ready":
                    raise EOFError
                self.ready += 1
                failures = 0
                self._feed(i, ours)
            except (EOFError, OSError):
                failures += 1
                with self._more:
                    question = self._running.pop(i, None)
                    if question is not None:
                        question.give(("failed", question.why or _ENDED))
                if not self._closed:
                    log.warning("worker %d ended; starting another", i)
            finally:
                ours.close()
                if process.is_alive():
                    process.terminate()
                if process.pid is not None:  # it was started
                    process.join(timeout=5.0)
                time.sleep(0.2 * failures)
        if failures and not self._closed:
            log.error("worker %d ended five times without an answer; it is not started again", i)
            with self._more:
                self._gone += 1
                for question in list(self._waiting) if self._gone >= self.workers else []:
                    self._waiting.remove(question)
                    question.give(("failed", _GONE))

    def _feed(self, i: int, pipe: Any) -> None:
        while (question := self._next(i)) is not None:
            # while others wait, the years looked at come first, and the rest after the others' first years
            brief = question.kind == "run" and not question.begun and bool(self._waiting)
            pipe.send((question.number, question.kind, {**question.content, "brief": brief}))
            while True:
                if not _heard(pipe, TIME_LIMIT_S, lambda: self._closed):
                    question.why = f"This took longer than {TIME_LIMIT_S / 60:.0f} minutes and was ended."
                    if self.source.is_network:
                        question.why += " Gather buses into fewer zones with --zones."
                    raise EOFError
                message = pipe.recv()
                with self._more:  # whoever asks next finds the worker free, and nobody joins what is over
                    if message[0] == "part":
                        question.give(message)
                        continue
                    self._running.pop(i, None)
                    if message[0] != "begun":
                        question.give(message)
                        break
                    question.begun = True
                    question.give(("part", message[1]))
                    if question.listeners:
                        self._waiting.append(question)
                        self._more.notify_all()
                    break


def _heard(pipe: Any, limit_s: float, closed: Any) -> bool:
    """Whether a process says something in time."""
    end = time.monotonic() + limit_s
    while not pipe.poll(0.5):
        if closed() or time.monotonic() > end:
            return False
    return True
