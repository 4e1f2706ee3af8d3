"""Results on disk: whole or not at all, verified when read, at any address fsspec knows."""

import os
from pathlib import Path

import pytest

from gridrush.errors import EngineError
from gridrush.study.results import ResultStore, checksum_of

KEY = "ab" + "0" * 30


def test_what_is_put_is_found_and_read(tmp_path):
    store = ResultStore(tmp_path / "store")
    assert store.find(KEY) is None
    put = store.put(KEY, b"hello")
    assert store.find(KEY) == put
    assert put.checksum == checksum_of(b"hello")
    assert store.read(KEY) == b"hello"
    assert [f.key for f in store.everything()] == [KEY]
    assert store.find(KEY, suffix="nc") is None


@pytest.mark.parametrize("damage", [b"", b"hell", b"hellp", b"hello!"])
def test_a_damaged_or_truncated_file_is_said_and_never_served(tmp_path, damage, caplog):
    store = ResultStore(tmp_path)
    Path(store.put(KEY, b"hello").path).write_bytes(damage)
    assert store.find(KEY) is None
    assert "damaged" in caplog.text
    with pytest.raises(EngineError, match="run the study again"):
        store.read(KEY)
    store.put(KEY, b"hello")
    assert store.read(KEY) == b"hello"
    assert len(list(store.everything())) == 1


def test_a_file_being_written_is_not_seen(tmp_path):
    store = ResultStore(tmp_path)
    put = store.put(KEY, b"hello")
    half = Path(put.path).parent / ".half.part"
    half.write_bytes(b"hel")
    assert [f.path for f in store.everything()] == [put.path]
    assert store.sweep() == 0  # it may still be written
    os.utime(half, (0, 0))
    assert store.sweep() == 3
    assert not half.exists()


def test_a_store_may_lie_anywhere_fsspec_knows():
    store = ResultStore("memory://gridrush-test")
    put = store.put(KEY, b"hello")
    assert store.find(KEY) == put
    assert store.read(KEY) == b"hello"
    store._fs().pipe_file(put.path, b"hel")
    assert store.find(KEY) is None
    store.remove(put)
    store.remove(put)
    assert list(store.everything()) == []


def _no_room(*_):
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_said_and_loses_nothing(tmp_path, monkeypatch):
    store = ResultStore(tmp_path)
    store.put(KEY, b"hello")
    with monkeypatch.context() as m:
        m.setattr(os, "fsync", _no_room)
        with pytest.raises(EngineError, match=r"No space left.*free some space"):
            store.put("cd" + "0" * 30, b"world")
    assert store.read(KEY) == b"hello"
    assert [f.key for f in store.everything()] == [KEY]
    assert not list(Path(store.root).glob("*/.*"))


def test_a_store_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "results").write_text("a file where the folder should be")
    with pytest.raises(EngineError, match="cannot write to the store"):
        ResultStore(tmp_path).put(KEY, b"hello")
