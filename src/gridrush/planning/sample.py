"""A few spread weeks of an operation: enough to know where to start, never what to believe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gridrush.planning.operation import Operation
from gridrush.units import Floats

WEEK_H = 168


def weeks(op: Operation, number: int, *, shift: float = 0.0) -> Operation:
    """An operation of `number` weeks spread evenly over the hours, standing for all of them.

    Parameters
    ----------
    number : int
        Weeks to keep; all hours are kept when there are not that many.
    shift : float
        Part of the distance between two weeks by which all of them are moved, in [0, 1).
    """
    have = op.T // WEEK_H
    if number >= have:
        return op
    first = np.unique(((np.arange(number) + 0.5 + shift) * have / number).astype(int) % have) * WEEK_H
    return hours_of(op, (first[:, None] + np.arange(WEEK_H)).ravel(), np.repeat(np.arange(first.size), WEEK_H))


def hours_of(op: Operation, hours: np.ndarray, period: np.ndarray, weight: Floats | None = None) -> Operation:
    """The operation in some of its hours; water of each new period is what its hours have in the old ones."""
    old = op.period[hours]
    rate = (
        op.water / np.maximum(np.bincount(op.period, minlength=op.water.shape[1]), 1) if op.water.size else op.water
    )
    water = np.zeros((op.water.shape[0], int(period.max()) + 1))
    if op.water.size:
        for h in range(op.water.shape[0]):
            np.add.at(water[h], period, rate[h, old])
    kept = op.weight[hours]
    return replace(
        op, T=hours.size, weight=kept * (op.weight.sum() / kept.sum()) if weight is None else weight,
        profiles=np.ascontiguousarray(op.profiles[:, hours]), load=np.ascontiguousarray(op.load[:, hours]),
        period=period.astype(np.int64), water=water,
    )  # fmt: skip
