"""Every fact of the case with value, unit, range, grade and source, ready to be listed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from gridrush.case.model import TABLES, Case
from gridrush.case.schema import Fact, Strict
from gridrush.report.words import GRADES, plain, scaled, with_unit

_LINK = re.compile(r"(?:https?://)?(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/[^\s;]*[^\s;,.)])?", re.IGNORECASE)
_FILES = (".json", ".csv", ".py", ".xlsx")  # a file's name is no host, unless it follows one
_OUR_WORDS = re.compile(r"docs/\w+\.md")


@dataclass(frozen=True)
class Reference:
    """A source as listed: its number, what it is, and how many facts rest on it."""

    number: int
    key: str
    title: str
    date: str
    parts: tuple[tuple[str, str], ...]  # the address in pieces, each with where it leads or nothing
    licence: str
    used: int


@dataclass(frozen=True, eq=False)
class FactTable:
    """One table of the case as shown: columns as in the file, source as a number."""

    name: str
    title: str
    rows: int
    grades: Mapping[str, int]
    table: pd.DataFrame


def parameters(case: Case) -> list[dict[str, str]]:
    """The scalars of a case in words."""
    out = []
    for name in type(case.parameters).model_fields:
        fact = getattr(case.parameters, name)
        if isinstance(fact, Fact):
            low, high = (scaled(v, fact.unit)[0] for v in (fact.low, fact.high))
            span = f"{low:g} to {high:g}" if low is not None and high is not None else ""
            out.append(
                {
                    "name": plain(name.removesuffix("_share")),
                    "key": name,
                    "value": with_unit(fact.value, fact.unit, 4),
                    "range": span,
                    "grade": fact.grade,
                    "source": fact.source,
                    "note": fact.note,
                }
            )
    return out


def all_facts(case: Case) -> pd.DataFrame:
    """Parameters as a table, for the file."""
    rows = []
    for name in type(case.parameters).model_fields:
        fact = getattr(case.parameters, name)
        if isinstance(fact, Fact):
            source = case.sources.get(fact.source)
            rows.append(
                {
                    "fact": name,
                    "value": fact.value,
                    "unit": fact.unit,
                    "low": fact.low,
                    "high": fact.high,
                    "grade": fact.grade,
                    "source": fact.source,
                    "title": source.title if source else "",
                    "address": source.address if source else "",
                    "note": fact.note,
                }
            )
    return pd.DataFrame(rows)


def tables(case: Case) -> list[FactTable]:
    """Every table of the case that has rows."""
    out = []
    for name, spec in TABLES.items():
        rows: tuple[Strict, ...] = getattr(case, name)
        if not rows:
            continue
        fields = list(spec.row.model_fields)
        order = [f for f in fields if f not in ("source", "grade", "note")] + [
            f for f in ("grade", "source", "note") if f in fields
        ]
        table = pd.DataFrame([[getattr(r, f) for f in order] for r in rows], columns=order)
        table = table.dropna(axis=1, how="all")
        if "note" in table and not table["note"].astype(bool).any():
            table = table.drop(columns="note")
        if note := case.series.get(name):
            table = table.assign(grade=note.grade, source=note.source)
        grades = table["grade"].value_counts().to_dict() if "grade" in table else {}
        out.append(FactTable(name, plain(name), len(table), {g: int(grades[g]) for g in GRADES if g in grades}, table))
    return out


def references(case: Case) -> list[Reference]:
    """Sources in use, most used first."""
    used: dict[str, int] = {}
    for fact in parameters(case):
        used[fact["source"]] = used.get(fact["source"], 0) + 1
    for part in tables(case):
        if "source" in part.table:
            for key, count in part.table["source"].value_counts().items():
                used[str(key)] = used.get(str(key), 0) + int(count)
    for clock in case.clock:
        used[clock.source] = used.get(clock.source, 0) + 1
    order = sorted((k for k in case.sources if k in used), key=lambda k: (-used[k], k))
    out = []
    for i, key in enumerate(order, 1):
        s = case.sources[key]
        out.append(Reference(i, key, s.title, s.date, linked(s.address), s.licence, used[key]))
    return out


def linked(address: str) -> tuple[tuple[str, str], ...]:
    """An address as it is written, cut where it leads somewhere; our own pages lead to the limits.

    Examples
    --------
    >>> linked("example.org/a; see b.net (p. 3)")
    (('example.org/a', 'https://example.org/a'), ('; see ', ''), ('b.net', 'https://b.net'), (' (p. 3)', ''))
    """
    out: list[tuple[str, str]] = []
    last = 0
    ours = [(m, "#limits") for m in _OUR_WORDS.finditer(address)]
    hosts = [m for m in _LINK.finditer(address) if "/" in m[0] or not m[0].lower().endswith(_FILES)]
    others = [(m, m[0] if m[0].startswith("http") else f"https://{m[0]}") for m in hosts]
    for m, href in ours or others:
        if m.start() > last:
            out.append((address[last : m.start()], ""))
        out.append((m[0], href))
        last = m.end()
    return tuple(out) if last == len(address) else (*out, (address[last:], ""))


def grade_counts(case: Case) -> dict[str, int]:
    """Rows of the case by grade."""
    total = dict.fromkeys(GRADES, 0)
    for fact in parameters(case):
        total[fact["grade"]] += 1
    for part in tables(case):
        for grade, count in part.grades.items():
            total[grade] += count
    return total
