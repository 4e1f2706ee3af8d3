"""Files of a case folder, read with care: bytes to text, text to rows (CSV) or to a tree (YAML).

Nothing here knows what the columns mean. Every reader adds to a list of problems, and gives None where
it could not read.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridrush.errors import Problem

MAX_FILE_BYTES = 32 * 2**20
"""A table larger than this is refused; hourly series of thirty years are smaller."""

MAX_FILES = 400
"""A folder with more files than this is not a case."""

MAX_DEPTH = 12
"""Levels a YAML file may nest; a case needs five."""

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar")


@dataclass
class Folder:
    """A case folder on disk: its regular files, what was read of them, and the problems met."""

    root: Path
    problems: list[Problem] = field(default_factory=list)
    _read: dict[str, bytes] = field(default_factory=dict)

    def names(self, under: str = "") -> list[str]:
        """Files lying directly in the folder (or in one below it), hidden ones left out, sorted."""
        top = self.root / under
        try:
            found = sorted(
                e.name
                for e in os.scandir(top)
                if not e.name.startswith((".", "~")) and not e.is_dir(follow_symlinks=False)
            )
        except OSError as err:
            self.problems.append(
                Problem(under or str(self.root), err.strerror or str(err), "a folder that can be read")
            )
            return []
        if len(found) > MAX_FILES:
            wanted = f"at most {MAX_FILES} files"
            self.problems.append(
                Problem(under or str(self.root), f"{len(found)} files", wanted, "is this a case folder?")
            )
            return []
        return [f"{under}/{name}" if under else name for name in found]

    def text(self, name: str) -> str | None:
        """Text of a file of the folder; None, with a problem, where it cannot be read as UTF-8."""
        raw = read_bytes(self.root / name, name, self.problems, inside=self.root)
        if raw is None:
            return None
        self._read[name] = raw
        return decode(raw, name, self.problems)

    @property
    def digest(self) -> str:
        """Hash of the names and bytes of all files read. 32 hexadecimal digits."""
        total = hashlib.blake2b(digest_size=16)
        for name, raw in sorted(self._read.items()):
            total.update(f"{name}\0{len(raw)}\0".encode())
            total.update(raw)
        return total.hexdigest()


def read_bytes(path: Path, where: str, problems: list[Problem], *, inside: Path | None = None) -> bytes | None:
    """Bytes of a regular file of bounded size that does not lie outside `inside`."""
    try:
        real = path.resolve(strict=True)
        if inside is not None and not real.is_relative_to(inside.resolve()):
            problems.append(
                Problem(where, "a link that leads outside the case folder", "a file inside the case folder")
            )
            return None
        status = real.stat()
        if not stat.S_ISREG(status.st_mode):
            problems.append(Problem(where, "something that is not a plain file", "a plain file"))
            return None
        if status.st_size > MAX_FILE_BYTES:
            found, wanted = f"{status.st_size / 2**20:.0f} MiB", f"a file of at most {MAX_FILE_BYTES // 2**20} MiB"
            problems.append(Problem(where, found, wanted))
            return None
        return real.read_bytes()
    except FileNotFoundError:
        problems.append(Problem(where, "no such file", "a file"))
    except PermissionError:
        problems.append(Problem(where, "no permission to read it", "a readable file"))
    except (OSError, RuntimeError) as err:  # RuntimeError: a link that leads to itself, before Python 3.13
        problems.append(Problem(where, str(err), "a readable file"))
    return None


def decode(raw: bytes, where: str, problems: list[Problem]) -> str | None:
    """UTF-8 text, with or without a byte order mark."""
    if raw[:4] == b"PK\x03\x04" or raw[:2] == b"\x1f\x8b":
        problems.append(Problem(where, "a compressed file", "plain text", "unpack it, or save the sheet as CSV"))
        return None
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        problems.append(Problem(where, "UTF-16 text", "UTF-8 text", "save it as 'CSV UTF-8'"))
        return None
    if (at := raw.find(b"\0")) >= 0:
        problems.append(Problem(f"{where}:{raw.count(10, 0, at) + 1}", "a NUL byte", "plain text"))
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = raw.count(b"\n", 0, err.start) + 1
        found = f"byte 0x{raw[err.start]:02x}"
        problems.append(
            Problem(f"{where}:{line}", found, "UTF-8 text", "save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8')")
        )
        return None


@dataclass(frozen=True)
class Sheet:
    """Rows of a CSV file as text, blank cells left out, with the line each row ends on."""

    columns: list[str]
    rows: list[dict[str, str]]
    lines: list[int]


def read_csv(text: str, where: str, problems: list[Problem]) -> Sheet | None:
    """Rows of comma-separated text with a header; a row whose first cell starts with '# ' is a comment."""
    lines: list[int] = []
    cells: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for record in reader:
            if any(record) and not (record[0] + " ").startswith("# "):
                cells.append(record)
                lines.append(reader.line_num)
    except csv.Error as err:
        problems.append(
            Problem(f"{where}:{reader.line_num}", str(err), "well-formed CSV", 'close every quote; write " as ""')
        )
        return None
    if not cells:
        problems.append(
            Problem(where, "an empty file", "a header line and rows", "leave the file out if there is nothing to say")
        )
        return None
    columns = [c.strip() for c in cells[0]]
    before = len(problems)
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t"):
        problems.append(
            Problem(
                f"{where}:{lines[0]}", columns[0][:60], "columns parted by commas", "save it as comma-separated CSV"
            )
        )
        return None
    for at, name in enumerate(columns):
        if not name:
            problems.append(Problem(f"{where}:{lines[0]}", f"column {at + 1} without a name", "a name in every column"))
        elif name in columns[:at]:
            problems.append(Problem(f"{where}:{lines[0]}.{name}", "the column twice", "each column once"))
    if len(problems) > before:
        return None
    rows: list[dict[str, str]] = []
    good: list[int] = []
    width = len(columns)
    for record, line in zip(cells[1:], lines[1:], strict=True):
        if len(record) != width:
            hint = (
                "put quotes round text that holds a comma; write 12.5, not 12,5"
                if len(record) > width
                else "a cell is missing"
            )
            problems.append(Problem(f"{where}:{line}", f"{len(record)} cells", f"{width} cells", hint))
            continue
        rows.append({name: value for name, cell in zip(columns, record, strict=True) if (value := cell.strip())})
        good.append(line)
    return Sheet(columns, rows, good)


@dataclass(frozen=True)
class Tree:
    """A YAML document as mappings, lists and text (None where nothing is written), and the line of each place."""

    value: object
    lines: dict[tuple[str | int, ...], int]

    def line(self, place: tuple[str | int, ...]) -> int:
        """Line of a place, or of the nearest place above it that is written."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


class _RefusedError(Exception):
    """A thing YAML allows and a case does not."""

    def __init__(self, found: str, event: Any) -> None:
        self.found, self.line = found, event.start_mark.line + 1


def read_yaml(text: str, where: str, problems: list[Problem]) -> Tree | None:
    """A YAML document of plain mappings, lists and scalars: no anchors, aliases, tags, or keys given twice.

    The tree is put together from the parser's events and not by the library's composer, whose C form overflows the
    stack on deep nesting. Scalars stay text, so that `2021` can be a date or a number as the schema wants.
    """
    import yaml

    try:
        tree = _grow(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except _RefusedError as err:
        wanted = "plain mappings, lists and values, each key once"
        problems.append(Problem(f"{where}:{err.line}", err.found, wanted))
        return None
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        what = getattr(err, "problem", None) or getattr(err, "reason", None) or str(err).splitlines()[0]
        hint = "indent with spaces; quote text that holds ': '"
        problems.append(Problem(f"{where}:{line}", str(what), "well-formed YAML", hint))
        return None
    if tree.value is None:
        problems.append(Problem(where, "an empty file", "names and values"))
        return None
    return tree


def _grow(events: Iterable[Any]) -> Tree:
    """The tree that YAML events describe."""
    import yaml

    root: list[object] = []
    stack: list[object] = [root]  # open containers
    keys: list[str | None] = [None]  # for each open container, the key that waits for its value
    place: list[str | int] = []
    lines: dict[tuple[str | int, ...], int] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            stack.pop()
            keys.pop()
            del place[-1:]
        if not isinstance(event, yaml.NodeEvent):
            continue
        node: Any = event
        if isinstance(node, yaml.AliasEvent) or node.anchor:
            raise _RefusedError("an anchor or alias", node)
        if node.tag not in (None, "!"):
            raise _RefusedError(f"the tag {node.tag}", node)
        if len(stack) > MAX_DEPTH:
            raise _RefusedError(f"more than {MAX_DEPTH} levels", node)
        if len(stack) == 1 and root:
            raise _RefusedError("a second document", node)
        top, scalar = stack[-1], isinstance(node, yaml.ScalarEvent)
        value: object = _scalar(node) if scalar else {} if isinstance(node, yaml.MappingStartEvent) else []
        if isinstance(top, dict) and keys[-1] is None:  # this is a key
            if not scalar or value is None:
                raise _RefusedError("a key that is not a name", node)
            if value in top:
                raise _RefusedError(f"the key {value!r} a second time", node)
            keys[-1] = key = str(value)
            lines[(*place, key)] = node.start_mark.line + 1
            continue
        step: list[str | int] = []
        if isinstance(top, dict):
            step = [str(keys[-1])]
            top[step[0]], keys[-1] = value, None
        elif isinstance(top, list):
            if top is not root:
                step = [len(top)]
                lines[(*place, *step)] = node.start_mark.line + 1
            top.append(value)
        if not scalar:
            stack.append(value)
            keys.append(None)
            place += step
    return Tree(root[0] if root else None, lines)


def _scalar(event: Any) -> str | None:
    """Text of a scalar event; None for a plain blank, `~` or `null`."""
    plain = event.style in (None, "")
    return None if plain and event.value in ("", "~", "null", "Null", "NULL") else str(event.value)
