"""Forced outages of a fleet as a history that goes on from month to month.

Each unit is a two-state machine: it works for an exponential time of mean MTTF and is repaired for one of mean MTTR.
Draws are a function of (seed, unit name, sample, count of the draw), so a scenario that adds a unit or changes the
miners leaves the outages of every other unit as they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from gridrush.adequacy._kernels_history import advance
from gridrush.case.system import Ints
from gridrush.units import Floats

Blocks = tuple[Ints, Floats]
"""Block of each unit, and its share of the block's capacity."""


class OutageHistory:
    """Outages of named units in S samples, advanced span by span.

    Parameters
    ----------
    names : sequence of str, length N
        Every unit that may ever be asked for.
    samples : int
        Number of independent histories.
    seed : int
        Seed of the study.
    """

    def __init__(self, names: Sequence[str], *, samples: int, seed: int) -> None:
        self._row = {name: i for i, name in enumerate(names)}
        self._key = np.array([_key(name, seed) for name in names], dtype=np.uint64)
        shape = (samples, len(names))
        self._hazard = np.full(shape, -1.0)  # up-time still to go, in mean times to failure; < 0 = not started
        self._repair_h = np.zeros(shape)  # repair still to go
        self._count = np.zeros(shape, dtype=np.int64)

    def rows(self, names: Sequence[str]) -> Ints:
        """Row of each named unit, for `advance`. (G,)"""
        return np.array([self._row[n] for n in names], dtype=np.int64)

    def advance(
        self, rows: Ints, hours: int, *, mttf_h: Floats, mttr_h: Floats, blocks: Blocks | None = None,
        dated: Mapping[str, Floats] | None = None, size: int | None = None,
    ) -> Floats:  # fmt: skip
        """Share of each hour in which units, or blocks of units, are up; units left out stand still.

        Parameters
        ----------
        rows : ndarray of int, shape (G,)
            Units, see `rows`.
        hours : int
        mttf_h, mttr_h : ndarray, shape (G,)
            Mean times in force over the span; an infinite `mttf_h` never fails. [h]
        blocks : tuple of ndarray (G,), ndarray (G,), optional
            Block of each unit, and its share of the block's capacity; default each unit by itself.
        dated : mapping of str to ndarray (hours,), optional
            Share of a unit that outages of known date leave, in every sample; of units left out it is passed over.
        size : int, optional
            Rows of the result, default one for each unit; those after the last block are always up.

        Returns
        -------
        ndarray, shape (size, S * hours)
            Samples one after the other.
        """
        G = rows.size
        block, share = blocks if blocks is not None else (np.arange(G), np.ones(G))
        dated_row, left = np.full(G, -1), np.ones((0, hours))
        if dated:
            left = np.array(list(dated.values()))
            for i, name in enumerate(dated):
                dated_row[rows == self._row.get(name, -1)] = i
        up = np.empty((G if size is None else size, len(self._count) * hours))
        advance(rows, self._key, np.asarray(mttf_h, float), np.asarray(mttr_h, float), hours, block, share, dated_row,
                left, self._hazard, self._repair_h, self._count, up)  # fmt: skip
        return up


def _key(name: str, seed: int) -> int:
    digest = hashlib.blake2b(f"{seed}:outage:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
