"""Ctrl-C at a bad moment: held back where it would tear something, kept from processes whose parent answers it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType


@contextmanager
def interrupt_held() -> Iterator[None]:
    """Ctrl-C is answered when the block ends; a second one at once, so that a block that hangs can be left.

    Whoever answers the signal now answers it then. Nothing changes outside the main thread, or where it is ignored.
    """
    answer = signal.getsignal(signal.SIGINT)
    if not callable(answer) or threading.current_thread() is not threading.main_thread():
        yield
        return
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            answer(number, frame)
        came = True

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, answer)
        if came:
            answer(signal.SIGINT, None)


@contextmanager
def apart(*, spawned: bool = False) -> Iterator[None]:
    """Processes started here do not hear Ctrl-C, from their first instruction on: their parent ends them.

    Nor do the processes that a thread started here will start. Where threads have no signal masks, a process hears
    Ctrl-C until it says otherwise.

    Parameters
    ----------
    spawned : bool
        They are new interpreters, not forks: Python then starts a tracker of resources too, and lets the signal through
        as it does; so that one is started first.
    """
    with interrupt_held():
        if not hasattr(signal, "pthread_sigmask"):
            yield
            return
        if spawned:
            resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # what is born has the mask
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
