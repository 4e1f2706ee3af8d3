# mypy: disable-error-code="no-untyped-def,assignment,arg-type"
"""Compiled: sums over subsets of zones, the shortfall of a network and its shares, and a running histogram."""

from __future__ import annotations

import numpy as np

from gridrush._jit import small_kernel

BINS, BIN_FLOOR, BINS_PER_DECADE = 400, -3.0, 32.0


@small_kernel
def subset_sums(values, Z, out):
    """out[s] = sum of values over the zones in bit mask s."""
    out[0] = values[0] - values[0]
    for z in range(Z):
        top = 1 << z
        for s in range(top):
            out[top + s] = out[s] + values[z]


@small_kernel
def largest(b, n):
    """Shortfall of the network: the largest of the cuts, not below zero."""
    f = 0.0
    for s in range(1, n):
        if b[s] > f:
            f = b[s]
    return f


@small_kernel
def share_out(b, Z, own, total, r):
    """Shortfall of each zone: in proportion to its own deficit as far as the cuts allow, least total kept.

    The fair point of the base of a supermodular function (Fujishige 1980, decomposition algorithm).
    """
    done = 0
    left = total
    for z in range(Z):
        r[z] = 0.0
    for z in range(Z):
        if own[z] <= 0.0:
            done |= 1 << z
    full = (1 << Z) - 1
    open_ = full & ~done
    while left > 0.5 and open_ != 0:
        best, who = 0.0, 0
        for s in range(1, full + 1):
            if s & open_ == 0:
                continue
            need, weight = b[s], 0.0
            for z in range(Z):
                if s >> z & 1:
                    need -= r[z]
                    if open_ >> z & 1:
                        weight += own[z]
            rate = need / weight
            if rate > best * (1 + 1e-12):
                best, who = rate, s & open_
            elif rate >= best * (1 - 1e-12) and rate > 0.0:
                who |= s & open_
        if who == 0:
            break
        for z in range(Z):
            if who >> z & 1:
                r[z] = min(best, 1.0) * own[z]
                left -= r[z]
        open_ &= ~who


@small_kernel
def order_by_duration(J, energy, store, order):
    """Insertion sort of stores by hours left at full power, longest first; ties keep their place."""
    for i in range(J):
        j = order[i]
        h = energy[j] / store[j].discharge if store[j].discharge > 0 else 0.0
        m = i - 1
        while m >= 0:
            o = order[m]
            ho = energy[o] / store[o].discharge if store[o].discharge > 0 else 0.0
            if ho >= h:
                break
            order[m + 1] = o
            m -= 1
        order[m + 1] = j


@small_kernel
def lend(b, n, zone, can, short):
    """Shortfall left when a zone gets as much of `can` as helps; the cuts b fall by what is used."""
    bit = 1 << zone
    low = 0.0
    for s in range(1, n):
        v = b[s] - can if s & bit else b[s]
        if v > low:
            low = v
    used = short - low
    if used <= 0.0:
        return short
    for s in range(1, n):
        if s & bit:
            b[s] -= used
    return low


@small_kernel
def run_stores(J, store, now, energy, order, b, n, short):
    """Stores serve the shortfall, the one with most hours left first; then charge from what no zone lacks, the other
    way round. A store whose row of `now` is above zero is out. energy and b change.

    -> shortfall left, whether some store is not full.
    """
    if short > 0.5:
        order_by_duration(J, energy, store, order)
        for m in range(J):
            j = order[m]
            c = store[j]
            can = min(c.discharge, energy[j] * c.out)
            if can <= 0.0 or (c.row >= 0 and now[c.row] > 0):
                continue
            left = lend(b, n, c.zone, can, short)
            if left < short:
                energy[j] = max(energy[j] - (short - left) / c.out, 0.0)
                short = left
                if short <= 0.5:
                    break
    not_full = False
    for m in range(J - 1, -1, -1):
        j = order[m]
        c = store[j]
        want = min(c.charge, (c.energy - energy[j]) / c.into)
        if want > 0.0 and (c.row < 0 or now[c.row] <= 0):
            bit = 1 << c.zone
            for s in range(1, n):
                if s & bit and short - b[s] < want:
                    want = short - b[s]
            if want > 0.0:
                energy[j] += want * c.into
                for s in range(1, n):
                    if s & bit:
                        b[s] += want
        if energy[j] >= c.energy * (1.0 - 1e-12):
            energy[j] = c.energy
        elif c.charge > 0.0:
            not_full = True
    return short, not_full


@small_kernel
def histogram(hist, row, x, w):
    """Add x with weight w to a log-spaced histogram that keeps each bin's count, sum and sum of squares."""
    if x <= 0.0:
        return
    i = np.int64((np.log10(x) - BIN_FLOOR) * BINS_PER_DECADE)
    i = min(max(i, 0), BINS - 1)
    hist[row, i, 0] += w
    hist[row, i, 1] += w * x
    hist[row, i, 2] += w * w
    hist[row, i, 3] += w * w * x
    hist[row, i, 4] += w * w * x * x
