"""A figure as the page shows it: headline, caption, source, drawing at two widths, and its data as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

WIDE, NARROW = 760, 380
"""Widths a figure is drawn at; the page shows the one that fits. [px]"""


@dataclass(frozen=True, eq=False)
class Figure:
    """One figure. `draw(width)` gives the SVG; `table` is its data, also written as `tables/<key>.csv`."""

    key: str
    title: str
    caption: str
    source: str
    grade: str
    draw: Callable[[int], str]
    table: pd.DataFrame
    hover: Mapping[str, object] = field(default_factory=dict)  # x labels, series, unit
    legend: Sequence[tuple[str, str, str]] = ()  # colour, mark (box, line, dash, dot), words
    notes: Sequence[str] = ()
    tables: Sequence[str] = ()  # tables of the case it rests on


@dataclass(frozen=True, eq=False)
class Choice:
    """Several figures of one kind of which the reader sees one."""

    key: str
    label: str
    options: Sequence[tuple[str, Figure]]


def hover_data(
    labels: Sequence[str], unit: str, series: Sequence[tuple[str, str, Sequence[float]]]
) -> dict[str, object]:
    """Values the reader meets when walking along a chart: `series` are name, colour, values."""
    return {
        "labels": list(labels),
        "unit": unit,
        "series": [
            {"name": name, "colour": colour, "values": [_short(v) for v in values]} for name, colour, values in series
        ],
    }


def _short(value: float) -> float | None:
    v = float(value)
    if v != v:
        return None
    return round(v) if abs(v) >= 100 else round(v, 3)
