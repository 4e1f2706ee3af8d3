"""How the load of a new customer is spread over the day and the week: what a step can look like.

Each shape is a mean over a year's working days and days of rest in eight blocks of three hours, per unit of the mean
of the week. Households and shops are those of the German standard profiles of 2025; the rest is judgement, and every
shape carries how far real customers stray from it.

References
----------
BDEW (2025), Standardlastprofile Strom H25 and G25 (mean of January and July, workday and Sunday), as in demandlib.
Classes G3 "continuous: cold stores, pumps, communal plant" and "Bandlast" of VDEW (1999), Repraesentative
VDEW-Lastprofile, are the honest neighbours of a mine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gridrush.units import Floats

BLOCKS = 8
"""Blocks of the day, three hours each: 0-3, 3-6, ... local time."""

HOUSEHOLD = (0.67, 0.65, 0.91, 0.94, 1.03, 1.15, 1.48, 1.18), (0.76, 0.63, 0.85, 1.46, 1.48, 1.40, 1.54, 1.14)
SHOP = (0.48, 0.53, 1.35, 2.06, 1.86, 1.59, 0.89, 0.58), (0.47, 0.47, 0.52, 0.60, 0.61, 0.63, 0.62, 0.52)
"""Mean of January and July of the standard profiles, workday and Sunday, over the mean of the year."""

FLAT_STRAY = 0.05
"""Of farms and of flat customers alike: were one held tighter, a well-measured flat step would speak for it."""

Kind = Literal["farm", "honest"]
Season = Literal["none", "own", "only"]


@dataclass(frozen=True)
class Shape:
    """What a step of one kind adds, how far it strays, and how often it comes."""

    name: str
    kind: Kind
    profile: Floats  # (2, K): working days, days of rest; the mean of the week is 1
    stray_share: float  # standard deviation of a block about it, over the step's mean
    season: Season  # whether it follows the weather not at all, as the feeder does, or is nothing else
    weight: float  # prior share among all changes of a feeder (honest), or among farms
    size_mw: float  # median size
    size_log_std: float = 1.2

    @property
    def direction(self) -> Floats:
        """Step on working days, and what days of rest have more. (2, K)"""
        return np.stack([self.profile[0], self.profile[1] - self.profile[0]])


def _week(work: tuple[float, ...], rest: tuple[float, ...]) -> Floats:
    table = np.array([work, rest])
    return np.asarray(table / (table[0].mean() * 5 / 7 + table[1].mean() * 2 / 7))


def _flat(high: tuple[int, ...] = (), low: float = 1.0) -> tuple[float, ...]:
    return tuple(1.0 if not high or k in high else low for k in range(BLOCKS))


def library() -> tuple[Shape, ...]:
    """The shapes a step is compared with; `own` (the feeder's own shape scaled up) is made for each feeder.

    Weights and sizes are judgement (see docs/detect.md). Sizes of farms are about those shut in Kazakhstan in February
    2022 by region: 0.8 to 31 MW, 13 farms of 202 MW in five days (Ministry of Energy), with smaller ones below them.
    """
    one = _flat((2, 3, 4, 5), 0.25)
    two = _flat((2, 3, 4, 5, 6), 0.3)
    return (
        Shape("flat farm", "farm", _week(_flat(), _flat()), FLAT_STRAY, "none", 0.80, 1.0),
        Shape("farm at night", "farm", _week(_flat((0, 1, 7), 0.0), _flat((0, 1, 7), 0.0)), 0.10, "none", 0.10, 1.0),
        Shape("farm off peak", "farm", _week(_flat((0, 1, 2, 3, 4, 5, 7), 0.0), _flat((0, 1, 2, 3, 4, 5, 7), 0.0)),
              0.10, "none", 0.10, 1.0),
        Shape("flat customer", "honest", _week(_flat(), _flat()), FLAT_STRAY, "none", 0.06, 0.3),
        Shape("cold store", "honest", _week(_flat((3, 4, 5, 6), 0.9), _flat((3, 4, 5, 6), 0.9)), 0.06, "own", 0.03,
              0.3),
        Shape("plant, all week", "honest", _week(_flat((2, 3, 4, 5), 0.93), tuple(0.85 * v for v in _flat())), 0.10,
              "none", 0.06, 1.0),
        Shape("plant, two shifts", "honest", _week(two, (0.3,) * BLOCKS), 0.20, "none", 0.08, 1.0),
        Shape("plant, one shift", "honest", _week(one, (0.25,) * BLOCKS), 0.25, "none", 0.10, 0.6),
        Shape("shops and offices", "honest", _week(*SHOP), 0.20, "none", 0.15, 0.4),
        Shape("households", "honest", _week(*HOUSEHOLD), 0.15, "own", 0.10, 0.4),
        Shape("lighting", "honest", _week(_flat((0, 1, 7), 0.05), _flat((0, 1, 7), 0.05)), 0.25, "own", 0.03, 0.1),
        Shape("heating or cooling", "honest", _week(_flat(), _flat()), 0.30, "only", 0.12, 0.4),
    )  # fmt: skip


OWN = Shape("growth of what was there", "honest", np.ones((2, BLOCKS)), 0.12, "own", 0.30, 0.3, 1.2)
"""Every customer uses more (or less): the feeder's own shape and season, scaled."""

SCAN = (0, 1, 8, 9)
"""Shapes a change is first looked for along, besides the feeder's own."""


def scan_directions(shapes: tuple[Shape, ...]) -> NDArray[np.float64]:
    """Directions of the first search. (M, 2, K)"""
    return np.stack([shapes[i].profile for i in SCAN])
