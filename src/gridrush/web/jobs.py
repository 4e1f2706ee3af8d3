"""Jobs that take longer than a slider: one process each, with progress, time left and cancel."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from gridrush.study.interrupt import apart
from gridrush.web.opened import Source
from gridrush.web.pool import Busy, context
from gridrush.web.worker import work

log = logging.getLogger(__name__)

MOST_RUNNING = 1
MOST_WAITING = 4
MOST_KEPT = 20
TIME_LIMIT_S = 900.0


@dataclass(eq=False)
class Job:
    """One job and what is known of it."""

    name: str
    kind: str
    content: dict[str, Any]
    state: str = "waiting"  # running, done, failed, cancelled
    share: float = 0.0
    word: str = ""
    began: float = 0.0
    result: Any = None
    error: Any = None
    cancelled: bool = False
    process: Any = None

    def told(self) -> dict[str, Any]:
        """What the page is told."""
        spent = time.monotonic() - self.began if self.began and self.state == "running" else 0.0
        left = spent * (1.0 - self.share) / self.share if self.share > 0.02 else None
        return {
            "id": self.name, "kind": self.kind, "state": self.state, "share": round(self.share, 4), "word": self.word,
            "seconds_left": None if left is None else round(left, 1), "error": self.error,
        }  # fmt: skip


@dataclass(eq=False)
class Jobs:
    """The jobs of a server, a bounded number of them."""

    source: Source
    _jobs: dict[str, Job] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_RUNNING))

    def start(self, kind: str, content: dict[str, Any]) -> Job:
        """Begin a job, or give the one that does the same already.

        Raises
        ------
        Busy
            If too many wait.
        """
        with self._lock:
            alive = [j for j in self._jobs.values() if j.state in ("waiting", "running")]
            for j in self._jobs.values():
                if j.kind == kind and j.content == content and j.state in ("waiting", "running", "done"):
                    return j
            if len(alive) >= MOST_RUNNING + MOST_WAITING:
                raise Busy
            for old in [j.name for j in self._jobs.values() if j not in alive][: -MOST_KEPT or None]:
                del self._jobs[old]
            job = Job(secrets.token_urlsafe(9), kind, content)
            self._jobs[job.name] = job
        threading.Thread(target=self._run, args=(job,), daemon=True).start()
        return job

    def get(self, name: str) -> Job | None:
        """A job by name."""
        return self._jobs.get(name)

    def cancel(self, job: Job) -> None:
        """End a job."""
        job.cancelled = True
        if job.state == "waiting":  # it is told at once, not when its turn comes
            job.state = "cancelled"
        process = job.process
        if process is not None and process.is_alive():
            process.terminate()

    def close(self) -> None:
        """End all."""
        for job in list(self._jobs.values()):
            self.cancel(job)

    def _run(self, job: Job) -> None:
        with self._slots:
            if job.cancelled:
                job.state = "cancelled"
                return
            ctx = context()
            ours, theirs = ctx.Pipe()
            job.process = ctx.Process(target=work, args=(theirs, self.source, job.kind, job.content), daemon=True)
            job.state, job.began = "running", time.monotonic()
            try:
                with apart(spawned=True):
                    job.process.start()
                theirs.close()
                self._listen(job, ours)
            except (EOFError, OSError):
                job.state = "cancelled" if job.cancelled else "failed"
                job.error = None if job.cancelled else "The process that did this ended unexpectedly."
            finally:
                ours.close()
                if job.process.is_alive():
                    job.process.terminate()
                if job.process.pid is not None:  # it was started
                    job.process.join(timeout=5.0)

    def _listen(self, job: Job, pipe: Any) -> None:
        while True:
            while not job.cancelled and not pipe.poll(0.5):
                if time.monotonic() - job.began > TIME_LIMIT_S:
                    job.state, job.error = "failed", f"The job took longer than {TIME_LIMIT_S / 60:.0f} minutes."
                    return
            if job.cancelled:
                job.state = "cancelled"
                return
            kind, content = pipe.recv()
            if kind == "progress":
                job.share, job.word = content
                continue
            if kind == "done":
                job.result, job.share, job.state = content, 1.0, "done"
            else:
                job.state, job.error = "failed", content
            return

    async def watch(self, job: Job) -> AsyncIterator[dict[str, Any]]:
        """States of a job as they change, the last one included."""
        last = None
        while True:
            now = job.told()
            key = (now["state"], now["share"], now["word"])
            if key != last:
                last = key
                yield now
            if now["state"] not in ("waiting", "running"):
                return
            await asyncio.sleep(0.2)
