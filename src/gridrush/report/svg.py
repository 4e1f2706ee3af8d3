"""A small pen for inline SVG: scales, ticks, axes, marks. Colours are CSS variables: one drawing, both themes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridrush.report.words import number

Floats = NDArray[np.float64]


def ticks(low: float, high: float, *, count: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, at most `count` steps.

    Examples
    --------
    >>> ticks(0, 23, count=5)
    [0.0, 5.0, 10.0, 15.0, 20.0]
    """
    if not math.isfinite(high - low) or high <= low:
        return [low]
    step = next(m for m in _steps((high - low) / count) if (high - low) / m <= count + 1e-9)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def bounds(values: ArrayLike, *, count: int = 4) -> tuple[float, float]:
    """Ends of an axis that holds 0 and all values and ends on round numbers. NaN is passed over.

    Examples
    --------
    >>> bounds([3.0, 41.0]), bounds([-1.5, 6.0]), bounds([])
    ((0.0, 60.0), (-2.0, 6.0), (0.0, 1.0))
    """
    v = np.asarray(values, np.float64)
    v = v[np.isfinite(v)]
    low, high = min(0.0, float(v.min())) if v.size else 0.0, max(0.0, float(v.max())) if v.size else 0.0
    if high <= low:
        return 0.0, 1.0
    for m in _steps((high - low) / count):
        lo, hi = math.floor(low / m + 1e-9), math.ceil(high / m - 1e-9)
        if hi - lo <= count:
            return lo * m, hi * m
    raise AssertionError("a step of ten times the range always fits")


@dataclass(frozen=True)
class Scale:
    """How values become heights: as they are, or by powers of ten where one would dwarf all others."""

    least: float = 0.0  # 0: as they are; else what lies on the axis

    @classmethod
    def of(cls, values: ArrayLike, telling: float, *, least: float) -> Scale:
        """By powers of ten if the largest value is more than `DWARFS` times one that should still be seen."""
        v = np.asarray(values, np.float64)
        top = float(v[np.isfinite(v)].max(initial=0.0))
        return cls(least if telling > 0 and top > DWARFS * max(telling, least) else 0.0)

    def __call__(self, values: ArrayLike) -> Floats:
        """Heights on the axis."""
        v = np.asarray(values, np.float64)
        return np.log10(np.maximum(v, self.least) / self.least) if self.least else v

    def bounds(self, values: ArrayLike, *, count: int = 4) -> tuple[float, float]:
        """Ends of the axis."""
        if not self.least:
            return bounds(values, count=count)
        return 0.0, float(np.ceil(self(values).max(initial=1.0) - 1e-9))

    def ticks(self, top: float, *, count: int = 4) -> list[tuple[float, float]]:
        """Height and value of the marks of an axis that ends at a height."""
        if not self.least:
            return [(t, t) for t in ticks(0.0, top, count=count)]
        step = max(1, math.ceil(top / max(count, 1)))
        return [(float(k), 0.0 if k == 0 else self.least * 10.0**k) for k in range(0, round(top) + 1, step)]

    @property
    def note(self) -> str:
        """What a reader must know of it; empty for an ordinary scale."""
        return " Each step of the scale is ten times the one below." if self.least else ""


DWARFS = 15.0
"""Times a value must exceed another for a scale of powers of ten."""


def _steps(least: float) -> Iterator[float]:
    magnitude = 10.0 ** math.floor(math.log10(least))
    for power in range(3):
        for m in (1, 2, 5):
            yield m * magnitude * 10.0**power


def points(x: ArrayLike, y: ArrayLike) -> str:
    """Coordinates as SVG reads them, to a tenth of a pixel.

    Examples
    --------
    >>> points([0, 1.25], [3, 4])
    '0,3 1.2,4'
    """
    a = np.round(np.asarray(x, np.float64), 1).tolist()
    b = np.round(np.asarray(y, np.float64), 1).tolist()
    return " ".join(f"{p:g},{q:g}" for p, q in zip(a, b, strict=True))


def text_width(text: str, size: float = 12.0) -> float:
    """Rough width of a label in pixels, for keeping labels apart. [px]"""
    return 0.54 * size * len(text)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near the wanted ones, at least `gap` apart and within [low, high] where they fit.

    Examples
    --------
    >>> spread([10, 12, 50], 10, 0, 100)
    [10.0, 20.0, 50.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = [float(wanted[i]) for i in order]
    for i in range(len(placed)):
        placed[i] = max(placed[i], low if i == 0 else placed[i - 1] + gap)
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], high if i == len(placed) - 1 else placed[i + 1] - gap)
    out = [0.0] * len(placed)
    for rank, i in enumerate(order):
        out[i] = placed[rank]
    return out


@dataclass
class Svg:
    """A drawing `width` by `height` pixels with a text alternative; marks are added in paint order."""

    width: float
    height: float
    label: str
    parts: list[str] = field(default_factory=list)
    attributes: str = ""

    def add(self, markup: str) -> None:
        """Add raw markup."""
        self.parts.append(markup)

    def text(self, x: float, y: float, text: str, cls: str = "", anchor: str = "start", tip: str = "") -> None:
        """Add a line of text; `cls` may be muted, strong, small."""
        mark = f' text-anchor="{anchor}"' if anchor != "start" else ""
        name = f' class="{cls}"' if cls else ""
        self.add(f'<text x="{x:.1f}" y="{y:.1f}"{mark}{name}{_tip(tip)}>{escape(text)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, cls: str = "grid", style: str = "") -> None:
        """Add a straight line."""
        self.add(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{cls}"{_style(style)}/>')

    def rect(self, x: float, y: float, w: float, h: float, style: str = "", cls: str = "", tip: str = "") -> None:
        """Add a rectangle; nothing when it has no size."""
        if w <= 0 or h <= 0:
            return
        name = f' class="{cls}"' if cls else ""
        self.add(f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"{name}{_style(style)}{_tip(tip)}/>')

    def circle(self, x: float, y: float, r: float, style: str = "", cls: str = "", tip: str = "") -> None:
        """Add a circle."""
        name = f' class="{cls}"' if cls else ""
        self.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"{name}{_style(style)}{_tip(tip)}/>')

    def polyline(self, x: ArrayLike, y: ArrayLike, style: str = "", cls: str = "series") -> None:
        """Add a line through points; gaps (NaN) break it."""
        a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
        edges = np.flatnonzero(np.diff(np.r_[False, np.isfinite(b), False].astype(int)))
        for part in (slice(i, j) for i, j in edges.reshape(-1, 2)):
            self.add(f'<polyline points="{points(a[part], b[part])}" class="{cls}"{_style(style)}/>')

    def band(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, style: str = "", cls: str = "") -> None:
        """Fill between two lines."""
        a, b, c = (np.asarray(v, np.float64) for v in (x, low, high))
        name = f' class="{cls}"' if cls else ""
        edge = points(np.r_[a, a[::-1]], np.r_[b, c[::-1]])
        self.add(f'<polygon points="{edge}"{name}{_style(style)}/>')

    def __str__(self) -> str:
        return (
            f'<svg viewBox="0 0 {self.width:g} {self.height:g}" role="img"'
            f' aria-label="{escape(self.label, quote=True)}"'
            f' preserveAspectRatio="xMidYMid meet"{self.attributes}>{"".join(self.parts)}</svg>'
        )


@dataclass(frozen=True)
class Frame:
    """The plotting area of a drawing: where data coordinates land."""

    svg: Svg
    left: float
    top: float
    right: float
    bottom: float
    x0: float
    x1: float
    y0: float
    y1: float

    def x(self, value: ArrayLike) -> Floats:
        """Pixel of a data x."""
        v = np.asarray(value, np.float64)
        return np.asarray(self.left + (v - self.x0) / ((self.x1 - self.x0) or 1.0) * (self.right - self.left))

    def y(self, value: ArrayLike) -> Floats:
        """Pixel of a data y."""
        v = np.asarray(value, np.float64)
        return np.asarray(self.bottom - (v - self.y0) / ((self.y1 - self.y0) or 1.0) * (self.bottom - self.top))

    def px(self, value: float) -> float:
        """Pixel of one data x."""
        return float(self.x(value))

    def py(self, value: float) -> float:
        """Pixel of one data y."""
        return float(self.y(value))

    def y_axis(self, unit: str, *, count: int = 4, scale: Scale | None = None) -> None:
        """Horizontal grid lines with numbers; the unit stands on the top one."""
        marks = scale.ticks(self.y1, count=count) if scale else [(t, t) for t in ticks(self.y0, self.y1, count=count)]
        for height, value in marks:
            y = self.py(height)
            self.svg.line(self.left, y, self.right, y, "axis" if height == 0 else "grid")
            self.svg.text(self.left - 6, y + 4, number(value), "muted", "end")
        self.svg.text(2, self.py(marks[-1][0]) - 12, unit, "muted")

    def year_axis(self, years: Sequence[int], *, half: float = 0.0) -> None:
        """Year numbers under the frame, thinned so that they do not touch."""
        last = -99.0
        for year in years:
            x = self.px(year + half)
            if x - last >= 36 and x <= self.right + 12:
                self.svg.text(x, self.bottom + 17, str(year), "muted", "middle")
                last = x

    def hover(self, x_pixels: ArrayLike) -> None:
        """Let the reader walk along x; the figure's data block holds the values."""
        at = ",".join(f"{v:.1f}" for v in np.asarray(x_pixels, np.float64).tolist())
        self.svg.attributes += f' tabindex="0" data-walk="{at}" data-top="{self.top:g}" data-bottom="{self.bottom:g}"'


def frame(
    svg: Svg,
    x: tuple[float, float],
    y: tuple[float, float],
    *,
    left: float = 48,
    top: float = 30,
    right: float = 12,
    bottom: float = 28,
) -> Frame:
    """Plotting area inside margins (from the drawing's edges, in pixels)."""
    return Frame(svg, left, top, svg.width - right, svg.height - bottom, x[0], x[1], y[0], y[1])


def _style(style: str) -> str:
    return f' style="{style}"' if style else ""


def _tip(tip: str) -> str:
    return f' data-tip="{escape(tip, quote=True)}"' if tip else ""
