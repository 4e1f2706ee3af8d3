"""Loops over hours and days of many feeders: meter faults, blocks of the day, profiles, levels about a change.

Shapes: n feeders, T hours, D days, K blocks of the day, M changes.
"""

from __future__ import annotations

import numpy as np

from gridrush._jit import kernel

MAD = 1.4826  # standard deviation of a normal variable over its median absolute deviation


@kernel
def mask_faults(load, spike, stuck_h, out_h, counts):  # load: (n, T) changed in place, counts: (n, 3)
    """NaN where a meter stood still, read nothing, or jumped out of all bounds."""
    n, T = load.shape
    for i in range(n):
        row = load[i]
        fine = row[np.isfinite(row)]
        if fine.size < 48:
            continue
        top = np.partition(fine, int(0.99 * (fine.size - 1)))[int(0.99 * (fine.size - 1))]
        distinct = -1  # counted when it is asked for
        limit = spike * max(top, 1e-9)
        t = 0
        while t < T:
            value = row[t]
            if not np.isfinite(value):
                t += 1
                continue
            if abs(value) > limit:
                row[t] = np.nan
                counts[i, 0] += 1
                t += 1
                continue
            end = t + 1
            while end < T and row[end] == value:
                end += 1
            run = end - t
            if value == 0.0 and run >= out_h and top > 0.0:
                row[t:end] = np.nan
                counts[i, 2] += run
            elif value != 0.0 and run >= stuck_h:
                if distinct < 0:
                    fine = np.sort(fine)
                    distinct = 1 + (fine[1:] != fine[:-1]).sum()
                if distinct > 100:
                    row[t:end] = np.nan
                    counts[i, 1] += run
            t = end


@kernel
def day_blocks(load, day, block, out, least):  # load: (n, T), day, block: (T,), out: (n, D, K)
    """Mean of each block of each day, or kind of day; NaN where fewer than `least` of its hours were read."""
    n, T = load.shape
    count = np.zeros(out.shape[1:], np.int64)
    for i in range(n):
        count[:] = 0
        out[i] = 0.0
        for t in range(T):
            value = load[i, t]
            if np.isfinite(value):
                out[i, day[t], block[t]] += value
                count[day[t], block[t]] += 1
        for d in range(out.shape[1]):
            for k in range(out.shape[2]):
                out[i, d, k] = out[i, d, k] / count[d, k] if count[d, k] >= least else np.nan


@kernel
def _there(row):
    return row[np.isfinite(row)]


@kernel
def step_levels(daily, day, count, window, least, rise, error):  # daily: (n, D), day: (n, M), rise, error: (n, M)
    """Median of a window after each change less that before, other changes kept out, and its error."""
    n, D = daily.shape
    for i in range(n):
        for c in range(count[i]):
            at = day[i, c]
            first = day[i, c - 1] if c > 0 else 0
            last = day[i, c + 1] if c + 1 < count[i] else D
            before = _there(daily[i, max(first, at - window) : at])
            after = _there(daily[i, at + 1 : min(last, at + 1 + window)])
            if min(before.size, after.size) < least:
                continue
            low = np.median(before)
            high = np.median(after)
            rise[i, c] = high - low
            off = np.concatenate((np.abs(before - low), np.abs(after - high)))
            error[i, c] = MAD * np.median(off) * 1.25 * np.sqrt(2.0 / 7.0) + 1e-6
