"""Compiled: sums of many series into few."""

import numba as nb


@nb.njit(cache=True, nogil=True)
def add_rows(values, row, weight, out):
    """Add a weighted sum of series (N, T) to the rows of out (rows, T); series of weight zero are skipped."""
    n, hours = values.shape
    for i in range(n):
        w, r = weight[i], row[i]
        if w != 0.0:
            for t in range(hours):
                out[r, t] += w * values[i, t]
