"""The catalogue: who has what in hand, in SQLite and in a real PostgreSQL."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gridrush.errors import EngineError
from gridrush.study.catalogue import Catalogue, owner_lives, this_owner

KEYS = [f"{i:032x}" for i in range(40)]


def _initdb():
    """PostgreSQL's programs, of Debian's package postgresql; scripts/test installs it where it may."""
    found = [str(p) for p in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    return found[-1] if found else shutil.which("initdb")


@pytest.fixture(scope="session")
def postgres():
    """Address of a server of our own, on a socket in a folder of ours."""
    initdb = _initdb()
    if initdb is None:
        pytest.skip("no PostgreSQL on this machine (apt-get install postgresql)")
    pytest.importorskip("psycopg")
    programs, folder = Path(initdb).parent, Path(tempfile.mkdtemp(prefix="gridrush-"))  # a socket's name is short
    as_other = []
    if os.geteuid() == 0:  # the server will not run as root
        known = {u.pw_name for u in pwd.getpwall()}
        user = next(u for u in ("postgres", "nobody") if u in known)
        as_other = ["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups"]
        shutil.chown(folder, user)
    data = folder / "data"

    def call(program, *arguments):
        command = [*as_other, str(programs / program), *arguments]
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, timeout=60)  # fmt: skip
        assert done.returncode == 0, done.stderr

    call("initdb", "-D", str(data), "-U", "gridrush", "-A", "trust", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    call("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql+psycopg://gridrush@/postgres?host={folder}"
    call("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    import sqlalchemy as sa

    address = request.getfixturevalue("postgres")
    engine = sa.create_engine(address, poolclass=sa.pool.NullPool)
    with engine.begin() as c:
        c.exec_driver_sql("drop schema public cascade")
        c.exec_driver_sql("create schema public")
    return address


@pytest.fixture
def book(url):
    book = Catalogue(url)
    book.enter("one", {"case": "kazakhstan"}, [_member(k, i) for i, k in enumerate(KEYS)])
    yield book
    book.close()


def _member(key, i):
    return {"task": key, "scenario": "ban", "draw": i, "given": {"hydro_share": 0.9}}


def test_a_study_is_written_down_and_its_tasks_come_back_in_order(book):
    table = book.members("one")
    assert list(table["task"]) == KEYS
    assert set(table["state"]) == {"waiting"}
    assert table["given"][0] == {"hydro_share": 0.9}
    assert book.about("one") == {"case": "kazakhstan"}
    with pytest.raises(EngineError, match="it has: one"):
        book.members("two")


def test_a_task_is_in_one_pair_of_hands(book):
    assert book.claim(KEYS[:5], "elsewhere:1:1:a") == KEYS[:5]
    assert book.claim(KEYS[3:7], "elsewhere:2:1:b") == KEYS[5:7]
    book.release("elsewhere:1:1:a")
    assert book.claim(KEYS[:5], "elsewhere:2:1:b") == KEYS[:5]


def test_many_at_once_never_claim_the_same(book, url):
    def take(i):
        mine = Catalogue(url)
        try:
            return [k for at in range(0, 40, 4) for k in mine.claim(KEYS[at : at + 4], f"elsewhere:{i}:1:x")]
        finally:
            mine.close()

    with ThreadPoolExecutor(4) as pool:
        got = [k for part in pool.map(take, range(4)) for k in part]
    assert sorted(got) == KEYS


def test_a_lease_that_ran_out_is_taken_over_and_one_renewed_is_not(book):
    book.claim(KEYS[:2], "elsewhere:1:1:a", lease_s=-1.0)
    book.claim(KEYS[2:4], "elsewhere:3:1:c", lease_s=-1.0)
    book.renew("elsewhere:3:1:c")
    assert book.claim(KEYS[:4], "elsewhere:2:1:b") == KEYS[:2]


def test_what_a_dead_process_of_this_machine_had_is_taken_over_at_once(book):
    code = "from gridrush.study.catalogue import this_owner; print(this_owner())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    dead = done.stdout.strip()
    assert owner_lives(dead) is False
    assert owner_lives(this_owner()) is True
    assert owner_lives("elsewhere:1:1:x") is None
    same_id = f"{socket.gethostname()}:{os.getpid()}:1:x"  # an id that was used before
    assert not owner_lives(same_id)
    book.claim(KEYS[:2], dead)
    assert book.claim(KEYS[:2], this_owner()) == KEYS[:2]


def test_what_an_owner_of_this_process_could_not_give_back_is_not_waited_for(book, monkeypatch):
    first, second = this_owner(), this_owner()
    assert book.claim(KEYS[:2], first) == KEYS[:2]
    assert book.claim(KEYS[:2], second) == []  # he works

    def full(self):
        raise EngineError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(Catalogue, "_begin", full)
        with pytest.raises(EngineError, match="disk full"):
            book.release(first)
    assert book.claim(KEYS[:2], second) == KEYS[:2]


def test_counts_seconds_and_failures_are_remembered(book):
    book.claim(KEYS[:3], "elsewhere:1:1:a")
    book.done(KEYS[0], checksum="c", size=10, seconds=2.0)
    book.failed(KEYS[1], "it broke")
    book.adopt({KEYS[5]: ("d", 5)})
    [row] = book.studies().to_dict("records")
    assert (row["tasks"], row["done"], row["running"], row["failed"]) == (40, 2, 1, 1)
    assert (row["seconds"], row["bytes"]) == (2.0, 15)
    table = book.members("one").set_index("task")
    assert table.loc[KEYS[1], "error"] == "it broke"
    book.enter("two", {}, [_member(KEYS[0], 0)])
    book.forget(["one"])
    assert book.wanted() == {KEYS[0], KEYS[2]}
    book.drop(book.orphans())
    assert list(book.studies()["done"]) == [1]


def test_a_catalogue_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(EngineError, match="cannot make the store"):
        Catalogue(f"sqlite:///{tmp_path / 'file' / 'store' / 'catalogue.sqlite'}")
    (tmp_path / "catalogue.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(EngineError, match=r"catalogue .* failed: file is not a database"):
        Catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
    with pytest.raises(EngineError, match="no study was run"):
        Catalogue(f"sqlite:///{tmp_path / 'none.sqlite'}", read_only=True)


def test_the_password_of_a_server_is_not_said():
    with pytest.raises(EngineError) as err:
        Catalogue("postgresql+psycopg://me:secret@127.0.0.1:1/none?connect_timeout=2")
    assert "secret" not in str(err.value)
