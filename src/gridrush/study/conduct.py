"""Runs a study: what is stored is taken, what others have in hand is waited for, the rest is done by an engine."""

from __future__ import annotations

import logging
import time as clock
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gridrush.case.model import Case
from gridrush.errors import EngineError
from gridrush.study.catalogue import LEASE_S, Catalogue, this_owner
from gridrush.study.engine import Engine, make_engine
from gridrush.study.results import Found, ResultStore
from gridrush.study.spec import StudySpec, case_of
from gridrush.study.tasks import Stored, Task, Work, tasks_of

_log = logging.getLogger(__name__)

WAIT_S = 0.25
"""Pause between looks at tasks that another study has in hand."""

AHEAD = 2
"""Tasks claimed for each worker: few, so that studies that share a store share the work too."""


@dataclass(frozen=True)
class StudyProgress:
    """How far a study is."""

    done: int
    total: int
    computed: int  # by this process's engine
    elsewhere: int  # in the hands of others
    seconds_left: float | None  # None until a task was computed
    last: str

    @property
    def share(self) -> float:
        """Share of the tasks that are done."""
        return self.done / self.total if self.total else 1.0


@dataclass(frozen=True)
class Outcome:
    """What a study did."""

    study: str
    tasks: int
    computed: int
    reused: int  # stored before, or by others meanwhile
    damaged: int  # found damaged and made again
    seconds: float
    checksums: Mapping[str, str]  # by key
    cancelled: bool = False


Tell = Callable[[StudyProgress], None]


def catalogue_url(store: ResultStore, url: str | None = None) -> str:
    """Address of a store's catalogue: the one given, else SQLite inside the store's folder.

    Raises
    ------
    EngineError
        If the store is not a folder and no address is given.
    """
    if url:
        return url
    if not store.local:
        raise EngineError(f"the store {store.address} is not a folder: name a catalogue with --catalogue URL")
    return f"sqlite:///{Path(store.root).parent / 'catalogue.sqlite'}"


def run_study(
    spec: StudySpec,
    store: ResultStore | str | Path,
    *,
    engine: Engine | str = "pool",
    workers: int | None = None,
    case: Case | None = None,
    catalogue: str | None = None,
    progress: Tell | None = None,
    stop: Callable[[], bool] | None = None,
) -> Outcome:
    """Do every task of a study that is not stored yet.

    The results are a function of the study alone: any engine, any number of workers, any number of interruptions give
    the same files. Interrupted or killed, call it again: what was stored is not done again.

    Parameters
    ----------
    spec : StudySpec
    store : ResultStore, str or Path
        Folder or fsspec address of the results.
    engine : Engine or {"inline", "pool", "dask"}
    workers : int, optional
        Processes; default the processors there are.
    case : Case, optional
        Default: the case that the study names.
    catalogue : str, optional
        SQLAlchemy address; default SQLite in the store's folder.
    progress : callable, optional
        Told after every task.
    stop : callable, optional
        Asked about once a second; when true, what is in hand is given up and what is stored is kept.

    Raises
    ------
    CaseError
        If the study or its case is wrong.
    EngineError
        If a task failed, or the store or catalogue cannot be written. Nothing stored is lost.
    """
    began = clock.perf_counter()
    case = case if case is not None else case_of(spec)
    at = store if isinstance(store, ResultStore) else ResultStore(store)
    crew = make_engine(engine, workers=workers) if isinstance(engine, str) else engine
    tasks = tasks_of(spec, case)
    book = Catalogue(catalogue_url(at, catalogue))
    before = set(at.damaged)
    run = _Run(spec, case, at, book, {t.key: t for t in tasks}, progress, stop)
    try:
        members = [{"task": t.key, "scenario": t.scenario.name, "draw": t.draw, "given": dict(t.values)} for t in tasks]
        about = {"case": case.name, "case_digest": case.digest, "spec": spec.model_dump(mode="json")}
        book.enter(spec.name, about, members)
        cancelled = run.through(crew)
    finally:
        book.close()
    reused = len(run.checksums) - run.computed
    return Outcome(
        study=spec.name, tasks=len(run.tasks), computed=run.computed, reused=reused, damaged=len(at.damaged - before),
        seconds=clock.perf_counter() - began, checksums=run.checksums, cancelled=cancelled,
    )  # fmt: skip


class _CancelledError(RuntimeError):
    """Asked to stop."""


@dataclass(eq=False)
class _Run:
    spec: StudySpec
    case: Case
    store: ResultStore
    book: Catalogue
    tasks: dict[str, Task]
    progress: Tell | None
    stop: Callable[[], bool] | None
    owner: str = field(default_factory=this_owner)
    checksums: dict[str, str] = field(default_factory=dict)
    computed: int = 0
    elsewhere: list[str] = field(default_factory=list)
    _left: list[str] = field(default_factory=list)
    _began: float = 0.0
    _renewed: float = field(default_factory=clock.monotonic)
    _failure: str = ""

    def through(self, engine: Engine) -> bool:
        """Do it all; True when it was cancelled."""
        self._take_stored(list(self.tasks))
        self._left = [k for k in self.tasks if k not in self.checksums]
        if self._left:
            self._tell("")
        work = Work(self.spec, self.case, self.store)
        try:
            while self._left or self.elsewhere:
                if not self._left:
                    self._tick()
                    clock.sleep(WAIT_S)
                    self._take_stored(self.elsewhere)
                    waiting = [k for k in self.elsewhere if k not in self.checksums]
                    self._left, self.elsewhere = waiting, []
                    if not self._claim(1):  # still in the hands of others
                        self._left, self.elsewhere = [], waiting
                        continue
                if engine.workers > 1 and self._began == 0.0:
                    work.prepare()  # once, before processes copy it
                self._began = self._began or clock.perf_counter()
                for done in engine.map(work, self._feed(engine), tick=self._tick):
                    self._finish(done.task, done.value, done.error)
                if self._failure:
                    raise EngineError(self._failure)
        except _CancelledError:
            return True
        finally:
            self._release()
        return False

    _hand: list[str] = field(default_factory=list)

    def _feed(self, engine: Engine) -> Iterator[Task]:
        """Tasks as they can be claimed, a few at a time."""
        while not self._failure:
            if not self._hand and not self._claim(AHEAD * engine.workers):
                return
            yield self.tasks[self._hand.pop(0)]

    def _claim(self, number: int) -> bool:
        """Take some of what is left in hand; what others have is set aside."""
        while self._left and not self._hand:
            asked, self._left = self._left[:number], self._left[number:]
            self._hand = self.book.claim(asked, self.owner)
            self.elsewhere += [k for k in asked if k not in self._hand]
        return bool(self._hand)

    def _finish(self, task: Task, stored: Stored | None, error: str) -> None:
        if stored is None or error:
            self.book.failed(task.key, error)
            self._failure = self._failure or f"{task.label}: {error}"
            return
        self.checksums[task.key] = stored.checksum
        self.computed += stored.computed
        if stored.computed:
            self.book.done(task.key, checksum=stored.checksum, size=stored.size, seconds=stored.seconds)
        else:
            self.book.adopt({task.key: (stored.checksum, stored.size)})
        self._tell(task.label)

    def _take_stored(self, keys: list[str]) -> None:
        """Results that are there and whole."""
        whole: dict[str, Found] = {}
        for key in keys:
            self._tick()
            if (found := self.store.find(key)) is not None:
                whole[key] = found
        known = {k: (f.checksum, f.size) for k, f in whole.items()}
        self.book.adopt(known)
        self.checksums |= {k: f.checksum for k, f in whole.items()}

    def _tell(self, last: str) -> None:
        if self.progress is None:
            return
        done, total = len(self.checksums), len(self.tasks)
        left = None
        if self.computed:
            left = (clock.perf_counter() - self._began) / self.computed * (total - done)
        self.progress(StudyProgress(done, total, self.computed, len(self.elsewhere), left, last))

    def _tick(self) -> None:
        if self.stop is not None and self.stop():
            raise _CancelledError
        if clock.monotonic() - self._renewed > LEASE_S / 4:
            self._renewed = clock.monotonic()
            self.book.renew(self.owner)

    def _release(self) -> None:
        try:
            self.book.release(self.owner)
        except EngineError as failed:  # the store is gone or full: said by what failed before
            _log.debug("%s", failed)
