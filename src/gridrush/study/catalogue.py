"""Catalogue of studies and tasks: who does what now, and what was done, in SQLite or PostgreSQL.

The results themselves lie in a `ResultStore` and vouch for themselves; the catalogue says which study they belong to,
keeps two studies that share a store from doing the same task at once, and remembers seconds and failures. A task in
hand carries the name of its owner and a time until which it is his; it can be taken over when that has passed, or at
once when the owner was a process of this machine that has ended.
"""

from __future__ import annotations

import json
import os
import socket
import time as clock
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from gridrush.errors import EngineError, GridrushError
from gridrush.study.interrupt import interrupt_held

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

LEASE_S = 300.0
"""How long a task is its owner's without a sign of life; only matters when the owner is on another machine."""

BUSY_S = 60.0
"""How long one writer waits for another."""

CHUNK = 500
"""Keys in one statement."""

_left_behind: set[str] = set()  # owners of this process who ended and could not give back what they had: a full disk


class Catalogue:
    """Studies and tasks of a store.

    Parameters
    ----------
    url : str
        SQLAlchemy address: `sqlite:////folder/catalogue.sqlite` or `postgresql+psycopg://user@host/name`.
    read_only : bool
        Only look: works on a file system that cannot be written to.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        try:
            import sqlalchemy as sa
        except ImportError as missing:
            raise GridrushError("a catalogue needs SQLAlchemy: pip install 'gridrush[study]'") from missing
        self.url, self._sa = url, sa
        self._tables(sa)
        with self._said():
            self._engine = _engine(sa, url, read_only=read_only)
            if not read_only:
                with self._begin() as c:
                    self._meta.create_all(c)

    def _tables(self, sa: Any) -> None:
        self._meta = sa.MetaData()
        text, real, whole = sa.String, sa.Float, sa.BigInteger
        self._study = sa.Table(
            "gridrush_study", self._meta,
            sa.Column("name", text(200), primary_key=True), sa.Column("about", sa.Text, nullable=False),
            sa.Column("started", real, nullable=False),
        )  # fmt: skip
        self._member = sa.Table(
            "gridrush_member", self._meta,
            sa.Column("study", text(200), primary_key=True), sa.Column("place", sa.Integer, primary_key=True),
            sa.Column("task", text(64), nullable=False, index=True), sa.Column("scenario", text(200), nullable=False),
            sa.Column("draw", sa.Integer, nullable=False), sa.Column("given", sa.Text, nullable=False),
        )  # fmt: skip
        self._task = sa.Table(
            "gridrush_task", self._meta,
            sa.Column("task", text(64), primary_key=True), sa.Column("state", text(10), nullable=False),
            sa.Column("owner", text(200), nullable=False), sa.Column("lease_until", real, nullable=False),
            sa.Column("attempts", sa.Integer, nullable=False), sa.Column("checksum", text(64), nullable=False),
            sa.Column("size", whole, nullable=False), sa.Column("seconds", real, nullable=False),
            sa.Column("error", sa.Text, nullable=False), sa.Column("changed", real, nullable=False),
        )  # fmt: skip

    def enter(self, study: str, about: Mapping[str, Any], members: Sequence[Mapping[str, Any]]) -> None:
        """Write down a study and its tasks; one of the same name is replaced, its tasks stay.

        Parameters
        ----------
        members : sequence of mapping
            task, scenario, draw and given (values of the unknowns) of each task, in order.
        """
        sa, t = self._sa, self._task
        keys = list(dict.fromkeys(str(m["task"]) for m in members))
        with self._begin() as c:
            c.execute(sa.delete(self._member).where(self._member.c.study == study))
            c.execute(sa.delete(self._study).where(self._study.c.name == study))
            row = {"name": study, "about": json.dumps(about, default=str), "started": clock.time()}
            c.execute(sa.insert(self._study), [row])
            rows = [
                {"study": study, "place": i, **m, "given": json.dumps(m["given"])} for i, m in enumerate(members)
            ]
            c.execute(sa.insert(self._member), rows)
            new = {"state": "waiting", "owner": "", "lease_until": 0.0, "attempts": 0, "checksum": "", "size": 0,
                   "seconds": 0.0, "error": "", "changed": clock.time()}  # fmt: skip
            for part in _parts(keys):
                known = set(c.scalars(sa.select(t.c.task).where(t.c.task.in_(part))))
                if fresh := [{**new, "task": k} for k in part if k not in known]:
                    c.execute(self._insert_or_leave(t), fresh)

    def claim(self, keys: Sequence[str], owner: str, *, lease_s: float = LEASE_S) -> list[str]:
        """Take tasks in hand: those of `keys` that are done or waiting, or whose owner has gone. Gives those got.

        A task written down as done can be claimed: who asks has found its result missing or damaged.
        """
        sa, t = self._sa, self._task
        got = []
        with self._begin() as c:
            for part in _parts(keys):
                query = sa.select(t.c.task, t.c.state, t.c.owner, t.c.lease_until).where(t.c.task.in_(part))
                for key, state, holder, until in c.execute(query).all():
                    now = clock.time()
                    if state == "running" and holder != owner and until > now and owner_lives(holder) is not False:
                        continue
                    took = c.execute(
                        sa.update(t)
                        .where(t.c.task == key, t.c.state == state, t.c.owner == holder)
                        .values(state="running", owner=owner, lease_until=now + lease_s, changed=now, error="",
                                attempts=t.c.attempts + 1)
                    )  # fmt: skip
                    if took.rowcount == 1:
                        got.append(key)
        order = {k: i for i, k in enumerate(keys)}
        return sorted(got, key=order.__getitem__)

    def renew(self, owner: str, *, lease_s: float = LEASE_S) -> None:
        """A sign of life: what the owner has in hand stays his."""
        t = self._task
        with self._begin() as c:
            mine = self._sa.update(t).where(t.c.owner == owner, t.c.state == "running")
            c.execute(mine.values(lease_until=clock.time() + lease_s))

    def done(self, key: str, *, checksum: str, size: int, seconds: float) -> None:
        """Write down that a task's result is stored."""
        self._set([key], state="done", owner="", checksum=checksum, size=size, seconds=seconds, error="")

    def adopt(self, found: Mapping[str, tuple[str, int]]) -> None:
        """Write down results that were found in the store: checksum and size by key. Seconds known are kept."""
        t = self._task
        with self._begin() as c:
            for key, (checksum, size) in found.items():
                mine = self._sa.update(t).where(t.c.task == key, t.c.state != "done")
                c.execute(mine.values(state="done", owner="", checksum=checksum, size=size, changed=clock.time()))

    def failed(self, key: str, error: str) -> None:
        """Write down why a task could not be done."""
        self._set([key], state="failed", owner="", error=error)

    def release(self, owner: str) -> None:
        """Give back what an owner has in hand, for good: where that fails, this process takes him for gone."""
        t = self._task
        _left_behind.add(owner)
        with self._begin() as c:
            mine = self._sa.update(t).where(t.c.owner == owner, t.c.state == "running")
            c.execute(mine.values(state="waiting", owner="", lease_until=0.0, changed=clock.time()))
        _left_behind.discard(owner)

    def studies(self) -> pd.DataFrame:
        """A row for each study: name, case, started, tasks, and how many are done, running, waiting, failed."""
        sa, s, m, t = self._sa, self._study, self._member, self._task
        columns = ["study", "case", "started", "tasks", "done", "running", "waiting", "failed", "seconds", "bytes"]
        rows = []
        with self._begin() as c:
            for name, about, started in c.execute(sa.select(s.c.name, s.c.about, s.c.started).order_by(s.c.started)):
                own = sa.select(m.c.task).where(m.c.study == name).distinct()
                query = (
                    sa.select(t.c.state, sa.func.count(), sa.func.sum(t.c.seconds), sa.func.sum(t.c.size))
                    .where(t.c.task.in_(own))
                    .group_by(t.c.state)
                )
                by = {state: (int(n), float(sec or 0), int(size or 0)) for state, n, sec, size in c.execute(query)}
                count = {k: by.get(k, (0, 0.0, 0))[0] for k in ("done", "running", "waiting", "failed")}
                seconds, size = sum(x[1] for x in by.values()), sum(x[2] for x in by.values())
                began = pd.Timestamp(started, unit="s").round("s")
                case = json.loads(about).get("case", "")
                rows.append((name, case, began, sum(count.values()), *count.values(), seconds, size))
        return pd.DataFrame(rows, columns=columns)

    def members(self, study: str) -> pd.DataFrame:
        """Tasks of a study in order: task, scenario, draw, given, state, checksum, seconds, attempts, error.

        Raises
        ------
        EngineError
            If there is no study of that name.
        """
        sa, m, t = self._sa, self._member, self._task
        with self._begin() as c:
            columns = (m.c.task, m.c.scenario, m.c.draw, m.c.given, t.c.state, t.c.checksum, t.c.seconds, t.c.attempts,
                       t.c.error)  # fmt: skip
            query = sa.select(*columns).join(t, t.c.task == m.c.task).where(m.c.study == study).order_by(m.c.place)
            rows = c.execute(query).all()
            if not rows:
                known = list(c.scalars(sa.select(self._study.c.name)))
                raise EngineError(f"no study {study!r} in this store; it has: {', '.join(known) or 'none'}")
        table = pd.DataFrame([tuple(r) for r in rows], columns=[x.name for x in columns])
        table["given"] = [json.loads(x) for x in table["given"]]
        return table

    def about(self, study: str) -> dict[str, Any]:
        """What was written down of a study."""
        s = self._study
        with self._begin() as c:
            found = c.scalar(self._sa.select(s.c.about).where(s.c.name == study))
        if found is None:
            raise EngineError(f"no study {study!r} in this store")
        return dict(json.loads(found))

    def forget(self, studies: Iterable[str]) -> None:
        """Strike out studies; their tasks are struck out by `drop` when no study has them."""
        names = list(studies)
        with self._begin() as c:
            c.execute(self._sa.delete(self._member).where(self._member.c.study.in_(names)))
            c.execute(self._sa.delete(self._study).where(self._study.c.name.in_(names)))

    def wanted(self) -> set[str]:
        """Tasks that a study has, or that somebody has in hand."""
        sa, m, t = self._sa, self._member, self._task
        with self._begin() as c:
            running = sa.select(t.c.task).where(t.c.state == "running", t.c.lease_until > clock.time())
            return set(c.scalars(sa.select(m.c.task).distinct())) | set(c.scalars(running))

    def drop(self, keys: Iterable[str]) -> None:
        """Strike out tasks."""
        t = self._task
        with self._begin() as c:
            for part in _parts(list(keys)):
                c.execute(self._sa.delete(t).where(t.c.task.in_(part)))

    def orphans(self) -> list[str]:
        """Tasks written down that no study has."""
        sa, m, t = self._sa, self._member, self._task
        with self._begin() as c:
            return list(c.scalars(sa.select(t.c.task).where(t.c.task.not_in(sa.select(m.c.task)))))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _set(self, keys: Sequence[str], **values: Any) -> None:
        t = self._task
        with self._begin() as c:
            for part in _parts(keys):
                c.execute(self._sa.update(t).where(t.c.task.in_(part)).values(**values, changed=clock.time()))

    def _insert_or_leave(self, table: Any) -> Any:
        if self._engine.dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert as insert_pg

            return insert_pg(table).on_conflict_do_nothing()
        from sqlalchemy.dialects.sqlite import insert as insert_lite

        return insert_lite(table).on_conflict_do_nothing()

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with interrupt_held(), self._said(), self._engine.begin() as c:  # it closes what it opened: nothing is torn
            yield c

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except self._sa.exc.SQLAlchemyError as failed:
            reason = str(getattr(failed, "orig", None) or failed).strip().splitlines()
            where = self._sa.engine.make_url(self.url).render_as_string(hide_password=True)
            hint = " What is stored is safe; give a store or a catalogue that can be written to."
            raise EngineError(f"the catalogue {where} failed: {reason[0] if reason else failed}.{hint}") from failed


def _engine(sa: Any, url: str, *, read_only: bool) -> Any:
    """Engine without a pool: connections do not outlive a transaction, so processes can be forked in between."""
    address = sa.engine.make_url(url)
    if address.get_backend_name() != "sqlite":
        return sa.create_engine(url, poolclass=sa.pool.NullPool)
    path = Path(address.database or "")
    if read_only:
        if not path.is_file():
            raise EngineError(f"no catalogue at {path}: no study was run in this store")
        beside = path.with_name(path.name + "-wal")
        still = "" if os.access(path.parent, os.W_OK) or beside.exists() else "&immutable=1"
        engine = sa.create_engine(f"sqlite:///file:{path}?mode=ro{still}&uri=true", poolclass=sa.pool.NullPool)
    else:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as failed:
            hint = "Give a store that you may write to with --store."
            raise EngineError(f"cannot make the store {path.parent}: {failed.strerror}. {hint}") from failed
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args={"timeout": BUSY_S})

    @sa.event.listens_for(engine, "connect")  # type: ignore[untyped-decorator]
    def _open(raw: Any, _: object) -> None:
        raw.isolation_level = None  # we say BEGIN ourselves
        if not read_only:
            raw.execute("PRAGMA journal_mode=WAL")
            raw.execute("PRAGMA synchronous=NORMAL")

    @sa.event.listens_for(engine, "begin")  # type: ignore[untyped-decorator]
    def _start(c: Any) -> None:
        c.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _parts(keys: Sequence[str]) -> Iterator[list[str]]:
    for at in range(0, len(keys), CHUNK):
        yield list(keys[at : at + CHUNK])


def this_owner() -> str:
    """A name nobody else has: machine, process id, when it began (an id is used again), and a random part."""
    return f"{socket.gethostname()}:{os.getpid()}:{_began(os.getpid())}:{uuid.uuid4().hex[:8]}"


def owner_lives(owner: str) -> bool | None:
    """Whether an owner still runs; None when he is on another machine."""
    if owner in _left_behind:
        return False
    parts = owner.rsplit(":", 3)
    if len(parts) < 4 or parts[0] != socket.gethostname() or not parts[1].isdigit():
        return None
    pid, began = int(parts[1]), parts[2]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _began(pid) == began


def _began(pid: int) -> str:
    """When a process began, as the system counts it; blank where it does not say."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
