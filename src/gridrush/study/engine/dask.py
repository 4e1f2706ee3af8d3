"""Tasks on a Dask cluster: one that runs already, by its scheduler's address, or one started on this machine."""

from __future__ import annotations

import ctypes
import logging
import time as clock
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

from gridrush.errors import EngineError, GridrushError
from gridrush.study.engine.base import ATTEMPTS, NOTHING, TASK_ERRORS, Done, following, said
from gridrush.study.interrupt import apart

_log = logging.getLogger(__name__)

TICK_S = 1.0
PATIENCE_S = 60.0
"""How long a scheduler that has gone is waited for, and how often a cluster of our own is started again."""

LOSSES = 20
"""How often the scheduler of somebody else's cluster may be lost and come back in one study."""

AHEAD = 2
"""Tasks handed to the cluster for each worker: the next one waits there when one is done."""


class DaskEngine:
    """Dask workers, which must see the store under the same address.

    Parameters
    ----------
    workers : int
        Processes of a cluster started here; of a running one its own count is used.
    address : str, optional
        Scheduler of a running cluster.
    patience_s : float
        How long to wait for a scheduler, and for one that was lost. [s]
    """

    def __init__(self, workers: int, *, address: str | None = None, patience_s: float = PATIENCE_S) -> None:
        try:
            import distributed  # noqa: F401
        except ImportError as missing:
            raise GridrushError("the engine dask needs distributed: pip install 'gridrush[dask]'") from missing
        self.workers, self.address, self.patience_s = workers, address, patience_s

    def map(self, work: Callable[[Any], Any], tasks: Iterator[Any], *, tick: Callable[[], None]) -> Iterator[Done]:
        """Tasks as they are done; a scheduler that is lost is found or started again and given what it had."""
        again: deque[Any] = deque()
        starts = 0
        while True:
            starts += 1
            cluster: Any = None
            client: Any = None
            held: dict[Any, Any] = {}
            try:
                cluster, client = self._connect()
                name = _install(client, work)
                yield from self._drive(client, name, tasks, again, held, tick)
                return
            except _lost_errors() as lost:
                if starts >= (ATTEMPTS if self.address is None else LOSSES):
                    raise EngineError(f"the Dask cluster was lost {starts} times: {said(lost)}") from lost
                _log.warning("the Dask scheduler was lost (%s): starting again", said(lost))
                again.extend(held.values())
            finally:
                _close(client, cluster)

    def _drive(
        self, client: Any, name: str, tasks: Iterator[Any], again: deque[Any], held: dict[Any, Any],
        tick: Callable[[], None],
    ) -> Iterator[Done]:  # fmt: skip
        import distributed

        wait: Any = distributed.wait
        while True:
            self.workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
            while len(held) < AHEAD * self.workers and (task := following(again, tasks)) is not NOTHING:
                held[client.submit(_do, name, task, pure=False)] = task
            if not held:
                return
            with suppress(TimeoutError), client.as_current():
                wait(list(held), timeout=TICK_S, return_when="FIRST_COMPLETED")
            tick()
            if client.status != "running":
                raise _LostError("no connection")
            for future in [f for f in held if f.status != "pending"]:
                if future.status in ("cancelled", "lost"):
                    raise _LostError("its tasks are gone")
                task = held.pop(future)
                if future.status == "error":
                    yield Done(task, error=said(future.exception()))
                    continue
                value, error = future.result()
                yield Done(task, value, error)

    def _connect(self) -> tuple[Any, Any]:
        import distributed

        Client: Any = distributed.Client
        LocalCluster: Any = distributed.LocalCluster
        if self.address is None:
            with apart(spawned=True):
                cluster = LocalCluster(
                    n_workers=0, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0",
                    host="127.0.0.1", silence_logs=logging.ERROR,
                )  # fmt: skip
            client = None
            try:
                client = Client(cluster, set_as_default=False)
                cluster.scale(self.workers)
                client.wait_for_workers(1, timeout=self.patience_s)  # one may have died: the others will do
            except BaseException as failed:
                _close(client, cluster)
                if isinstance(failed, TimeoutError):
                    raise _LostError(f"no worker came up in {self.patience_s:.0f} s") from failed
                raise
            return cluster, client
        until = clock.monotonic() + self.patience_s
        while True:
            try:
                return None, Client(self.address, timeout=min(5.0, self.patience_s), set_as_default=False)
            except OSError as failed:
                if clock.monotonic() > until:
                    raise EngineError(
                        f"no Dask scheduler answers at {self.address}. What is done is stored: start the cluster "
                        "and run the study again."
                    ) from failed
                clock.sleep(0.5)


class _LostError(RuntimeError):
    """The scheduler has gone."""


def _lost_errors() -> tuple[type[BaseException], ...]:
    from distributed.comm.core import CommClosedError

    return (_LostError, CommClosedError, CancelledError, OSError)


def _install(client: Any, work: Callable[[Any], Any]) -> str:
    """Send the work once to every worker, those that join later too; gives the name it is found under."""
    import hashlib

    import cloudpickle  # type: ignore[import-untyped]
    from distributed import WorkerPlugin

    content = cloudpickle.dumps(work)  # by value what is defined in a script
    name = f"gridrush-{hashlib.sha256(content).hexdigest()[:16]}"

    class Carry(WorkerPlugin):
        """Keeps the work on a worker, so that what it prepares is kept with it."""

        def __init__(self, content: bytes) -> None:
            self.content = content

        def setup(self, worker: Any) -> None:
            import pickle

            self.work = pickle.loads(self.content)
            _keep_memory()

    try:
        client.register_plugin(Carry(content), name=name)
    except RuntimeError as failed:  # a worker or the scheduler went meanwhile
        raise _LostError(str(failed)) from failed
    return name


def _keep_memory() -> None:
    """Let a worker keep the memory that a task frees for the next one.

    Dask starts workers with MALLOC_TRIM_THRESHOLD_=65536, which also stops glibc from learning what is large: arrays
    of a month are then mapped anew each time, and a third of the time goes to clearing pages.
    """
    with suppress(OSError, AttributeError):  # another C library than glibc
        libc = ctypes.CDLL("libc.so.6")
        for setting in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            libc.mallopt(setting, _KEPT_BYTES)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of <malloc.h>
_KEPT_BYTES = 2**25  # the most that glibc would come to by itself


def _do(name: str, task: Any) -> tuple[Any, str]:
    """Do a task with the work that its worker carries."""
    from distributed import get_worker

    try:
        carried: Any = get_worker().plugins[name]
        return carried.work(task), ""
    except TASK_ERRORS as failed:
        return None, said(failed)


def _close(client: Any, cluster: Any) -> None:
    for part in (client, cluster):
        if part is not None:
            try:
                part.close(timeout=10)
            except (OSError, TimeoutError, RuntimeError) as failed:
                _log.debug("closing %s: %s", part, failed)
