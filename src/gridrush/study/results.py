"""Results under the hash of what made them: files whose name carries the checksum of what they hold.

A result is `results/AB/KEY.CHECKSUM.parquet`, AB being the first two letters of KEY. It takes that name in one step
when it is whole, so there is no moment at which half of it could be found, and nothing else needs to be written with
it: a study killed at any moment finds everything that was finished. A file that does not match its name is made again.

A store is a folder, or an address that fsspec knows (`s3://bucket/gridrush`, `memory://x`).
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridrush.errors import EngineError

_log = logging.getLogger(__name__)

CHECKSUM_LETTERS = 32
"""Letters of SHA-256 in a name: 128 bits."""

_NAME = re.compile(rf"([0-9a-f]{{32}})\.([0-9a-f]{{{CHECKSUM_LETTERS}}})\.(\w+)")


@dataclass(frozen=True)
class Found:
    """A result in the store."""

    key: str
    checksum: str
    suffix: str
    size: int  # bytes
    path: str


def checksum_of(content: bytes) -> str:
    """Checksum that stands in a name."""
    return hashlib.sha256(content).hexdigest()[:CHECKSUM_LETTERS]


class ResultStore:
    """Results of tasks in a folder or at an fsspec address.

    Parameters
    ----------
    address : str or Path
        Made when the first result is put in.
    """

    def __init__(self, address: str | Path) -> None:
        self.address = str(address)
        self.damaged: set[str] = set()  # paths of damaged files that were met
        self.local = "://" not in self.address or self.address.startswith("file://")
        folder = self.address.removeprefix("file://")
        self.root = f"{os.path.abspath(folder) if self.local else self.address.rstrip('/')}/results"

    def find(self, key: str, *, suffix: str = "parquet") -> Found | None:
        """The result of a key if it is there and whole; a damaged one is reported and not given."""
        for found in self._listed(f"{self.root}/{key[:2]}"):
            if found.key == key and found.suffix == suffix and self._whole(found) is not None:
                return found
        return None

    def read(self, key: str, *, suffix: str = "parquet") -> bytes:
        """What a result holds.

        Raises
        ------
        EngineError
            If it is not there, or damaged.
        """
        for found in self._listed(f"{self.root}/{key[:2]}"):
            if found.key == key and found.suffix == suffix:
                content = self._whole(found)
                if content is not None:
                    return content
        raise EngineError(f"{self.address} has no whole result {key}; run the study again")

    def put(self, key: str, content: bytes, *, suffix: str = "parquet") -> Found:
        """Store a result, whole or not at all.

        Raises
        ------
        EngineError
            If it cannot be written: no space, no permission.
        """
        checksum = checksum_of(content)
        path = f"{self.root}/{key[:2]}/{key}.{checksum}.{suffix}"
        with _said(f"cannot write to the store {self.address}"):
            if self.local:
                _put_whole(Path(path), content)
            else:
                fs = self._fs()
                path = fs._strip_protocol(path)
                fs.makedirs(os.path.dirname(path), exist_ok=True)
                fs.pipe_file(path, content)
        return Found(key, checksum, suffix, len(content), path)

    def remove(self, found: Found) -> None:
        """Take a result out; one that has gone already is no error."""
        with _said(f"cannot remove from the store {self.address}"), suppress(FileNotFoundError):
            os.unlink(found.path) if self.local else self._fs().rm_file(found.path)

    def everything(self) -> Iterator[Found]:
        """Every result, whole or not, without looking inside."""
        for shard in sorted(f"{a:02x}" for a in range(256)):
            yield from self._listed(f"{self.root}/{shard}")

    def is_whole(self, found: Found) -> bool:
        """Whether a result is what its name says."""
        return self._whole(found) is not None

    def sweep(self, *, older_than_s: float = 3600.0) -> int:
        """Remove what killed writers left: temporary files of some age. Gives the bytes freed."""
        freed = 0
        if not self.local:
            return 0
        import time

        for part in Path(self.root).glob("*/.*.part"):
            with suppress(FileNotFoundError), _said(f"cannot clean the store {self.address}"):
                seen = part.stat()
                if time.time() - seen.st_mtime > older_than_s:
                    part.unlink()
                    freed += seen.st_size
        return freed

    def _listed(self, folder: str) -> Iterator[Found]:
        with _said(f"cannot read the store {self.address}"):
            if self.local:
                try:
                    entries = [(e.path, e.stat().st_size) for e in os.scandir(folder) if e.name[0] != "."]
                except FileNotFoundError:
                    return
            else:
                fs = self._fs()
                try:
                    fs.invalidate_cache()
                    entries = [(e["name"], e["size"]) for e in fs.ls(folder, detail=True)]
                except FileNotFoundError:
                    return
        for path, size in entries:
            if match := _NAME.fullmatch(os.path.basename(path)):
                yield Found(match[1], match[2], match[3], int(size), path)

    def _whole(self, found: Found) -> bytes | None:
        with _said(f"cannot read the store {self.address}"):
            try:
                content = Path(found.path).read_bytes() if self.local else self._fs().cat_file(found.path)
            except FileNotFoundError:
                return None
        if checksum_of(content) != found.checksum:
            if found.path not in self.damaged:
                _log.warning("%s is damaged: it is made again", found.path)
            self.damaged.add(found.path)
            return None
        return bytes(content)

    def _fs(self) -> Any:
        import fsspec

        return fsspec.core.url_to_fs(self.address)[0]


def _put_whole(path: Path, content: bytes) -> None:
    """Write a file under another name, push it to the disk, and only then give it its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(part, 0o644)  # mkstemp makes it private
        os.replace(part, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part)


@contextmanager
def _said(what: str) -> Iterator[None]:
    """An error of the file system as an EngineError that says what to do."""
    try:
        yield
    except OSError as failed:
        if isinstance(failed, FileNotFoundError):
            raise
        raise EngineError(f"{what}: {failed.strerror or failed}.{_hint(failed)}") from failed


def _hint(failed: OSError) -> str:
    if failed.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return " What is stored is safe: free some space and run the study again."
    if failed.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return " Give a store that you may write to with --store."
    return ""
