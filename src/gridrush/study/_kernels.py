"""Compiled: sums of many series into few."""

import numba as nb
import numpy as np


@nb.njit(cache=True, nogil=True)
def sum_rows(values, row, weight, rows):
    """Weighted sum of series into rows: (N, T) -> (rows, T); series of weight zero are skipped."""
    n, hours = values.shape
    out = np.zeros((rows, hours))
    for i in range(n):
        w, r = weight[i], row[i]
        if w != 0.0:
            for t in range(hours):
                out[r, t] += w * values[i, t]
    return out
