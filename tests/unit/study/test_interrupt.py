"""Ctrl-C: held back where it would tear something, kept from processes whose parent answers it, never dropped."""

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading

import pytest

from gridrush.study.catalogue import Catalogue
from gridrush.study.interrupt import apart, interrupt_held

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


def blocked():
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def tell(pipe):
    pipe.send(blocked())


def test_it_is_answered_when_the_block_has_ended():
    done = []

    @interrupt_held()
    def block():
        ctrl_c()
        done.append(1)

    with pytest.raises(KeyboardInterrupt):
        block()
    assert done == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_one_is_answered_at_once_and_an_inner_block_leaves_it_to_the_outer():
    done = []

    @interrupt_held()
    def block():
        with interrupt_held():
            ctrl_c()
        done.append(1)
        ctrl_c()
        done.append(2)

    with pytest.raises(KeyboardInterrupt):
        block()
    assert done == [1]


def test_whoever_answers_it_is_asked_and_one_who_ignores_it_is_left_alone(monkeypatch):
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(len(heard)))
    try:
        with interrupt_held():
            ctrl_c()
            assert not heard
        assert heard == [0]
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with interrupt_held():
            ctrl_c()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_changes():
    seen = []

    def look():
        with interrupt_held(), apart():
            seen.append((signal.getsignal(signal.SIGINT), blocked()))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [(signal.default_int_handler, True)]
    assert not blocked()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_started_apart_do_not_hear_it(method):
    context = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    process = context.Process(target=tell, args=(theirs,), daemon=True)
    with apart(spawned=method != "fork"):
        process.start()
    assert ours.poll(60)
    assert ours.recv()
    assert not blocked()
    process.join()


def test_a_catalogue_closes_its_connection_before_it_is_answered(tmp_path, monkeypatch, caplog):
    book = Catalogue(f"sqlite:///{tmp_path / 'c.sqlite'}")
    close = book._engine.dialect.do_close

    def close_late(connection):
        ctrl_c()
        close(connection)

    monkeypatch.setattr(book._engine.dialect, "do_close", close_late)
    with caplog.at_level(logging.ERROR), pytest.raises(KeyboardInterrupt):
        book.renew("nobody")
    assert not caplog.records


DROPS = """
import ctypes, signal, sys, time
from gridrush.cli import main

def app(*_, **__):
    def callback():
        signal.raise_signal(signal.SIGINT)
        return 0
    ctypes.CFUNCTYPE(ctypes.c_int)(callback)()
    {then}

main.app = app
main.main([])
"""


@pytest.mark.parametrize("then", ["time.sleep(50)", "raise RuntimeError('torn')"])
def test_one_that_python_drops_in_a_callback_ends_the_command_all_the_same(then):
    done = subprocess.run([sys.executable, "-c", DROPS.format(then=then)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 130
    assert "interrupted" in done.stderr
    assert "Traceback" not in done.stderr
