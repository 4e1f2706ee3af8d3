"""One batch of sample years: work space and arguments for the kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from gridrush.adequacy._kernels_cuts import BINS
from gridrush.adequacy._kernels_walk import KEEP, METRICS, run_batch
from gridrush.units import HOURS_PER_DAY

CELLS = 12 * 24
"""Months of the year times hours of the day."""
COMMON_ROOM = 64
"""Outages kept of common causes in a year, per component."""


def run(P: Any, Q: Any, key: np.uint64, first: int, count: int) -> tuple[Any, ...]:
    """Simulate samples first..first+count of a KernelPlan; Q: KernelTables, or None to draw plainly.

    Returns
    -------
    tuple
        sums, squares (Z + 1, METRICS), cross (Z + 1, 3), heat (Z + 1, 12, 24, 4), hist (2, BINS, 5), top (KEEP, 4),
        number of days opened, events that found no room (0: none).
    """
    Z, R, D = P.Z, P.R, P.D
    space = np.zeros((8, max(R, 1 << Z, Z + 1, P.store.size, P.contract.size)), np.int64)
    flat = np.zeros((10, space.shape[1]))
    value = np.empty((3, P.counter.size))
    outputs = [np.zeros(s) for s in ((Z + 1, METRICS),) * 3 + ((Z + 1, 3), (Z + 1, CELLS, 4), (2, BINS, 5), (KEEP, 4))]
    other = common = c_ptr = None
    if P.other.size:
        other = P.other
        common = np.zeros((COMMON_ROOM * P.comp.size, 2), np.int64)
        c_ptr = np.zeros((P.n_common, 2), np.int64)
    state = None if Q is None else np.empty(P.comp.size, np.int8)
    opened, overflow = run_batch(
        key, first, count, Z, P.Y, P.T, P.off, 1.0 / P.scale, P.interruptible, P.all_links, P.scenario_cum, P.cut,
        P.limit, P.day_limit, P.day_least, P.day_peak, P.surplus, P.flexible, P.clock, P.cut_capacity, P.link_word,
        P.link_loss, P.draws, P.comp, P.plain, P.counter, P.seg_hour, P.seg_full, P.seg_part, P.store, P.contract,
        P.contract_mw, np.empty((P.max_events, 3), np.int32), np.empty(P.max_events, np.int64), value,
        value.view(np.uint64), space, flat, np.empty(D, np.int32), np.empty((R, D), np.int64),
        np.empty((R, D), np.int64), np.zeros((HOURS_PER_DAY, R), np.int64), np.zeros((Z + 1, CELLS, 2)),
        np.zeros(CELLS, np.int64), *outputs, other, P.stress, common, c_ptr, Q, state,
    )  # fmt: skip
    _, sums, squares, cross, heat, hist, top = outputs
    return sums, squares, cross, heat.reshape(Z + 1, 12, 24, 4), hist, top, opened, overflow
