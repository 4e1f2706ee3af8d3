"""Studies under fire, and how fast they are.

    python benchmarks/study.py kill [20 [dask]]   kill -9 at random moments: worker, scheduler, whole process
    python benchmarks/study.py interrupt [20 [pool dask]]
                                              Ctrl-C at random moments: no traceback, no process, nothing half-written
    python benchmarks/study.py disk           a full disk (a tmpfs of its own, needs root) and a read-only store
    python benchmarks/study.py speed [64 [pool dask]]
                                              so many draws of the Kazakhstan case: inline, pool, Dask, 2 workers

`kill` ends with the same files as an undisturbed study, to the last bit, with nothing done twice that was stored, or
says what differs and leaves with 1.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cloudpickle
import psutil

from gridrush.case.template import new_case
from gridrush.errors import EngineError
from gridrush.study import conduct
from gridrush.study.engine import make_engine
from gridrush.study.engine.dask import DaskEngine
from gridrush.study.results import ResultStore
from gridrush.study.spec import StudySpec, load_spec
from gridrush.study.tasks import Stored, Task, Work

SPEC = "name: fire\ncase: case\nyears: 2019-2020\ndraws: {count: 8}\n"

MODES = ("pool process", "pool worker", "pool process", "dask process", "pool worker", "dask worker", "dask scheduler")


@contextmanager
def to_study(text: str = SPEC) -> Iterator[tuple[Path, Path]]:
    """A folder with the case to start from, and a study of it."""
    with tempfile.TemporaryDirectory(prefix="gridrush-fire-") as name:
        folder = Path(name)
        new_case(folder / "case")
        (folder / "study.yaml").write_text(text)
        yield folder, folder / "study.yaml"


class NotedWork(Work):
    """Writes down every task that is computed, and whether its result was stored already."""

    log = ""

    def __call__(self, task: Task) -> Stored:
        there = self.store.find(task.key) is not None
        done = super().__call__(task)
        if done.computed:
            with open(self.log, "a", encoding="ascii") as log:
                log.write(f"{task.key} {there:d}\n")
        return done

    def __getstate__(self) -> dict[str, object]:
        return {**super().__getstate__(), "log": self.log}


def one(spec: str, store: str, log: str, engine: str, address: str = "") -> None:
    """Run a study; a process of its own, to be killed."""
    NotedWork.log = log

    def noted(*given: object) -> NotedWork:
        work = NotedWork(*given)  # type: ignore[arg-type]
        work.log = log
        return work

    conduct.Work = noted  # type: ignore[assignment, misc]
    crew = DaskEngine(2, address=address, patience_s=90.0) if address else make_engine(engine, workers=2)
    conduct.run_study(load_spec(spec), store, engine=crew)


def files(store: Path) -> dict[str, bytes]:
    """Name and content of every result."""
    return {p.name: p.read_bytes() for p in (store / "results").rglob("*.parquet")}


def start(*arguments: object) -> subprocess.Popen[str]:
    """A study in a process of its own."""
    command = [sys.executable, __file__, "one", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


class Cluster:
    """A Dask scheduler and two workers as processes, as somebody else would run them."""

    def __init__(self) -> None:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.parts: list[subprocess.Popen[bytes]] = []
        self.start()

    def start(self) -> None:
        """Start it, again at the same address."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
        at = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", self.address, "--nthreads", "1", "--no-nanny"]
        self.parts = [subprocess.Popen([*dask, *at], **quiet)]  # type: ignore[call-overload]
        self.parts += [subprocess.Popen([*worker, "--no-dashboard"], **quiet) for _ in range(2)]  # type: ignore[call-overload]

    def stop(self) -> None:
        """Kill all of it."""
        for p in self.parts:
            p.kill()
            p.wait()


def kill(number: int, only: str = "") -> None:
    """So many studies, each hit once at a random moment; `only` modes with this word."""
    modes = [m for m in MODES if only in m]
    dice = random.Random(2021)
    wrong = 0
    with to_study() as (folder, spec):
        took: dict[str, float] = {}
        for engine in ("pool", "pool", "dask"):  # the first one warms the machine
            shutil.rmtree(folder / engine, ignore_errors=True)
            began = time.perf_counter()
            run = start(spec, folder / engine, folder / "log", engine)
            assert run.wait() == 0, run.stderr
            took[engine] = time.perf_counter() - began
        want = files(folder / "pool")
        assert files(folder / "dask") == want
        print(f"undisturbed: {len(want)} results; pool {took['pool']:.1f} s, dask {took['dask']:.1f} s", flush=True)
        for i in range(number):
            mode = modes[i % len(modes)]
            wrong += not _hit(folder, spec, mode, dice, took, want, i)
    print(f"{number} hits, {wrong} wrong")
    sys.exit(wrong > 0)


def _hit(
    folder: Path, spec: Path, mode: str, dice: random.Random, took: dict[str, float], want: dict[str, bytes], i: int
) -> bool:
    engine, victim = mode.split()
    store, log = folder / f"store{i}", folder / f"log{i}"
    log.touch()
    cluster = Cluster() if victim == "scheduler" else None
    given = (spec, store, log, engine, cluster.address if cluster else "")
    run = start(*given)
    goal, began = dice.randrange(-2, len(want) - 1), time.perf_counter()  # below zero: before anything is stored
    if goal < 0:
        time.sleep(dice.uniform(0.1, 0.6) * took[engine])
    while run.poll() is None and goal >= 0 and len(list((store / "results").rglob("*.parquet"))) < goal:
        time.sleep(0.002)
    time.sleep(dice.uniform(0.0, 0.3))
    moment = time.perf_counter() - began
    if run.poll() is None:
        _strike(run, victim, cluster)
    stored = len(files(store)) if store.exists() else 0
    restarts = 0
    while True:
        said = run.communicate(timeout=300)[1]
        if run.returncode == 0:
            break
        if victim != "process" or restarts > 3:
            print(f"  {mode}: left with {run.returncode}: {said[-2000:]}")
            break
        restarts += 1
        run = start(*given)
    if cluster:
        cluster.stop()
    got = files(store)
    lines = [line.split() for line in log.read_text().splitlines()]
    twice = [k for k, there in lines if there == "1"] + [k for k in {k for k, _ in lines} if
                                                         sum(x == k for x, _ in lines) > 1]  # fmt: skip
    whole = all(ResultStore(store).is_whole(f) for f in ResultStore(store).everything())
    left = list((store / "results").rglob(".*.part"))
    good = got == want and not twice and whole
    print(f"{i + 1:3d} {mode:14s} after {moment:5.1f} s with {stored:2d} stored, started again {restarts}x: "
          f"{'the same, nothing twice' if good else 'WRONG'}; {len(left)} loose ends", flush=True)  # fmt: skip
    shutil.rmtree(store)
    return good


def _strike(run: subprocess.Popen[str], victim: str, cluster: Cluster | None) -> None:
    if victim == "process":
        run.kill()
        return
    if cluster is not None:
        cluster.stop()
        cluster.start()
        return
    children = [p for p in psutil.Process(run.pid).children(recursive=True) if "resource_tracker" not in p.name()]
    workers = [p for p in children if not p.children()]
    if workers:
        os.kill(max(workers, key=lambda p: p.cpu_times().user).pid, signal.SIGKILL)


def interrupt(number: int, engines: Sequence[str]) -> None:
    """So many studies by the command line, each hit once by Ctrl-C as a terminal gives it, to all its processes."""
    dice = random.Random(2021)
    wrong = 0
    with to_study(SPEC.replace("count: 8", "count: 400")) as (folder, spec):
        for i in range(number):
            engine, store = engines[i % len(engines)], folder / f"store{i}"
            line = ["study", "run", spec, "--engine", engine, "--workers", "2", "--store", store]
            code = "from gridrush.cli.main import main; main()"
            run = subprocess.Popen([sys.executable, "-c", code, *map(str, line)], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True)  # fmt: skip
            moment = dice.uniform(1.0, 8.0)  # before that Python imports the command
            time.sleep(moment)
            os.killpg(run.pid, signal.SIGINT)
            began = time.perf_counter()
            said = run.communicate(timeout=120)[1]
            took = time.perf_counter() - began
            ended = _nobody_left(run.pid)
            at = ResultStore(store)
            whole = not store.exists() or all(at.is_whole(f) for f in at.everything())
            good = run.returncode == 130 and "Traceback" not in said and ended and whole
            wrong += not good
            print(f"{i + 1:3d} {engine:4s} after {moment:3.1f} s: left in {took:.1f} s with {run.returncode}, "
                  f"{'as it should' if good else 'WRONG: ' + said[-3000:]}", flush=True)  # fmt: skip
    print(f"{number} interrupted, {wrong} wrong")
    sys.exit(wrong > 0)


def _nobody_left(group: int, patience_s: float = 10.0) -> bool:
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def disk() -> None:
    """A store on a disk that fills up sooner or later, and one that cannot be written to."""
    for kilobytes in (16, 64, 100, 130, 160):
        _disk(kilobytes)


def _disk(kilobytes: int) -> None:
    with to_study() as (folder, written):
        spec = load_spec(written)
        small = folder / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "gridrush", str(small)], check=True)
        try:
            try:
                conduct.run_study(spec, small, engine="pool", workers=2)
                print(f"{kilobytes} kB were enough")
            except EngineError as failed:
                print(f"disk of {kilobytes} kB: {failed}")
            there = files(small)
            print(f"  {len(there)} results stored, all whole: "
                  f"{all(ResultStore(small).is_whole(f) for f in ResultStore(small).everything())}")  # fmt: skip
            subprocess.run(["mount", "-o", "remount,size=20m", str(small)], check=True)
            done = conduct.run_study(spec, small, engine="pool", workers=2)
            print(f"  with more room: {done.computed} computed, {done.reused} found stored, "
                  f"nothing lost: {set(there) <= set(files(small))}")  # fmt: skip
            subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
            more = spec.model_copy(update={"seed": 2})
            try:
                conduct.run_study(more, small, engine="inline")
                print("WRONG: it was written to")
            except EngineError as failed:
                print(f"read-only: {failed}")
            from gridrush.study.query import StudyResults

            print(f"  read all the same: {len(StudyResults(small, 'fire').table())} rows")
        finally:
            subprocess.run(["umount", str(small)], check=True)


def speed(draws: int, engines: Sequence[str]) -> None:
    """Draws of one scenario of the Kazakhstan case, all its years, one path each."""
    spec = StudySpec(name="speed", scenarios=("register-and-fee",), draws={"count": draws})  # type: ignore[arg-type]
    for engine in engines:
        workers = 1 if engine == "inline" else 2
        with tempfile.TemporaryDirectory() as store:
            warm = spec.model_copy(update={"draws": None, "name": "warm", "years": (2019,)})
            conduct.run_study(warm, store, engine="inline")
            began, cpu = time.perf_counter(), os.times()
            done = conduct.run_study(spec, store, engine=engine, workers=workers)
            wall, after = time.perf_counter() - began, os.times()
            used = after.user + after.children_user - cpu.user - cpu.children_user
            each = f"{wall / draws:.2f} s a task, cpu {used / draws:.2f} s, 1,000 in {wall / draws * 1000 / 60:.1f} min"
            print(f"{engine:7s} {workers} workers: {done.computed} tasks in {wall:6.1f} s, {each}", flush=True)


if __name__ == "__main__":
    cloudpickle.register_pickle_by_value(sys.modules["__main__"])
    what, *rest = sys.argv[1:] or ["kill"]
    if what == "one":
        one(*rest)
    elif what == "kill":
        kill(int(rest[0]) if rest else 20, rest[1] if len(rest) > 1 else "")
    elif what == "interrupt":
        interrupt(int(rest[0]) if rest else 20, rest[1:] or ("pool", "dask"))
    elif what == "disk":
        disk()
    elif what == "speed":
        speed(int(rest[0]) if rest else 64, rest[1:] or ("inline", "pool", "dask"))
    else:
        print(__doc__)
        sys.exit(2)
