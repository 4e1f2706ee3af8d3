# mypy: disable-error-code="no-untyped-def,assignment,arg-type"
"""Compiled: the hour, cut and component states an importance sample starts from.

An importance sample packs two integers into one: the loss on a coarse grid, whose tables give the odds, above the loss
in fine units.
"""

from __future__ import annotations

import numpy as np

from gridrush._jit import small_kernel
from gridrush.adequacy._kernels_draw import uniform

COARSE = np.int64(40)
FINE_MASK = np.int64((1 << 40) - 1)


@small_kernel
def draw_anchor(Q, comp, limit, weights, key, state):
    """Scenario and hour of a violated cut, drawn by its probability, and component states given it (others stay -1).

    Backward through the tables: component m is down with p T_m(x - w) / T_{m+1}(x), x being the loss still wanted.
    """
    cum, tail, table, full, part, who = Q.cum, Q.tail, Q.table, Q.cut_full, Q.cut_part, Q.cut_comp
    K, T = limit.shape[1], limit.shape[2]
    u = uniform(key, np.uint64(11)) * cum[cum.size - 1]
    lo, hi = 0, cum.size - 1
    while lo < hi:
        mid = (lo + hi) // 2
        if cum[mid] > u:
            hi = mid
        else:
            lo = mid + 1
    if lo > 0:
        u -= cum[lo - 1]
    scenario = lo // T
    start = lo % T
    k = K - 1
    for j in range(K):
        x = limit[scenario, j, start] >> COARSE
        u -= weights[scenario] * (1.0 if x < 0 else tail[j, min(x, tail.shape[1] - 1)])
        if u < 0:
            k = j
            break
    x = limit[scenario, k, start] >> COARSE
    first, width = Q.cut_ptr[k], Q.width[k]
    for m in range(Q.cut_ptr[k + 1] - 1, first - 1, -1):
        g = who[m]
        c = comp[g]
        at = Q.table_ptr[k] + (m - first) * width
        u = uniform(key, c.id + np.uint64(3))
        w1, w2 = full[m], part[m]
        t0, t1, t2 = 1.0, 1.0, 1.0
        if x >= 0:
            t0 = table[at + x]
        if x >= w1:
            t1 = table[at + x - w1]
        if x >= w2:
            t2 = table[at + x - w2]
        u *= (1.0 - c.p_full - c.p_part) * t0 + c.p_full * t1 + c.p_part * t2
        if u < c.p_full * t1:
            state[g] = 1
            x -= w1
        elif u < c.p_full * t1 + c.p_part * t2:
            state[g] = 2
            x -= w2
        else:
            state[g] = 0
    return scenario, start
