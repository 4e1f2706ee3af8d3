# mypy: disable-error-code="no-untyped-def,assignment,arg-type"
"""Compiled: capacity outage tables, joint tables of two hours, and shortfall of two or three zones."""

from __future__ import annotations

import numpy as np

from gridrush._jit import kernel


@kernel
def outage_table(full, part, p_full, p_part, total):
    """Probabilities of the summed loss of independent components, on a grid. (total + 1,)"""
    p = np.zeros(total + 1)
    p[0] = 1.0
    top = 0
    for i in range(full.size):
        f, d = full[i], part[i]
        up = 1.0 - p_full[i] - p_part[i]
        for x in range(top, -1, -1):  # downward, so that each entry is read before it is changed
            v = p[x]
            if v == 0.0:
                continue
            p[x] = 0.0
            p[x + f] += v * p_full[i]
            if p_part[i] > 0.0:
                p[x + d] += v * p_part[i]
            p[x] += v * up
        top += f
    return p


@kernel
def split_table(full, p_full, step, total):
    """The same for losses off the grid: each is split over its two neighbours, which keeps the mean. (total + 1,)"""
    p = np.zeros(total + 1)
    p[0] = 1.0
    top = 0
    for i in range(full.size):
        lo = full[i] // step
        share = full[i] / step - lo
        for x in range(top, -1, -1):
            v = p[x]
            if v == 0.0:
                continue
            p[x] = v * (1.0 - p_full[i])
            p[x + lo] += v * p_full[i] * (1.0 - share)
            p[x + lo + 1] += v * p_full[i] * share
        top += lo + 1
    return p


@kernel
def both_short(full, p_full, fail, repair, total):
    """P(loss > a, then loss > b an hour later) at [a + 1, b + 1], a and b from -1. (total + 2, total + 2)"""
    q = np.zeros((total + 2, total + 2))
    q[0, 0] = 1.0
    top = 0
    for i in range(full.size):
        f = full[i]
        p = p_full[i]
        uu, ud, dd = (1 - p) * (1 - fail[i]), (1 - p) * fail[i], p * (1 - repair[i])
        du = p * repair[i]
        for a in range(top + f, -1, -1):
            for b in range(top + f, -1, -1):
                v = uu * q[a, b]
                if a >= f:
                    v += du * q[a - f, b]
                    if b >= f:
                        v += dd * q[a - f, b - f]
                if b >= f:
                    v += ud * q[a, b - f]
                q[a, b] = v
        top += f
    # from probabilities of values to tails, shifted by one
    for a in range(total, -1, -1):
        row = 0.0
        for b in range(total, -1, -1):
            row += q[a, b]
            q[a, b] = row + (q[a + 1, b] if a < total else 0.0)
    return q


@kernel
def zones_short(Z, x1, p1, x2, p2, tail, mass, step3, own, cap, skip, out):
    """Hours of chance of shortfall and expected shortfall of two or three zones, margins own (H, Z), cuts cap (H, 2^Z).

    The last zone is integrated: with x1, x2 given the shortfall is max(A, B + x) in its loss x. For two zones x1 is a
    single zero. tail[k] = P(x > k step3), mass[k] = E[x; x > k step3]. p2 falls, so that a row ends at the first
    pair less likely than `skip`.
    """
    n3 = tail.size
    for h in range(own.shape[0]):
        m3 = own[h, Z - 1]
        short, energy = 0.0, 0.0
        for i in range(x1.size):
            y1 = x1[i] - own[h, 0] if Z == 3 else 0.0
            for j in range(x2.size):
                p = p1[i] * p2[j]
                if p < skip:
                    break
                y2 = x2[j] - own[h, Z - 2]
                if Z == 3:
                    a = max(0.0, y1 - cap[h, 1], y2 - cap[h, 2], y1 + y2 - cap[h, 3])
                    b = max(-cap[h, 4], y1 - cap[h, 5], y2 - cap[h, 6], y1 + y2 - cap[h, 7]) - m3
                else:
                    a = max(0.0, y2 - cap[h, 1])
                    b = max(-cap[h, 2], y2 - cap[h, 3]) - m3
                need = a - b  # loss of the last zone from which it adds to the shortfall
                if need < 0.0:
                    e = mass[0] + b  # mass[0] is the mean: a zero loss adds nothing to it
                    t = 1.0
                else:
                    k = np.int64(np.floor(need / step3))
                    if k < n3:
                        t = tail[k]
                        e = a + mass[k] - need * t
                    else:
                        t = 0.0
                        e = a
                energy += p * e
                short += p * (1.0 if a > 0.0 else t)
        out[h, 0] = short
        out[h, 1] = energy
