# mypy: disable-error-code="no-untyped-def,assignment,arg-type"
"""Compiled: the next day that may fall short, and the hour, cut and states an importance sample starts from."""

from __future__ import annotations

import numba as nb
import numpy as np

from gridrush.adequacy._kernels_cuts import subset_sums
from gridrush.adequacy._kernels_draw import uniform

COARSE = np.int64(40)
FINE_MASK = np.int64((1 << 40) - 1)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def next_open(d, D, Z, R, K, shift, level, net, rise, least, limit, cut, link_word, all_links, bound, sub):
    """First day from d on whose largest possible loss may exceed a cut; carries `level` to its start. D if none."""
    if R == 1 and K == 1:
        now = level[0]
        while d < D:
            if (now + rise[0, d]) >> shift > least[d]:
                break
            now += net[0, d]
            d += 1
        level[0] = now
        return d
    while d < D:
        total = np.int64(0)
        for q in range(Z):
            bound[q] = level[q] + rise[q, d]
            total += max(bound[q], 0)
        links_down = False
        for q in range(Z, R):
            bound[q] = level[q] + rise[q, d]
            links_down |= bound[q] > 0
        if links_down:
            total += all_links
        if total >> shift > least[d]:
            subset_sums(bound, Z, sub)
            for k in range(K):
                x = sub[cut[k]]
                if links_down:
                    for q in range(Z, R):
                        if bound[q] > 0:
                            x += link_word[q - Z, k]
                if x >> shift > limit[d, k]:
                    return d
        for q in range(R):
            level[q] += net[q, d]
        d += 1
    return d


@nb.njit(cache=True, nogil=True, error_model="numpy")
def draw_anchor(P, Q, key, state):
    """Scenario and hour of a violated cut, drawn by its probability, and component states given it (others stay -1).

    Backward through the tables: component m is down with p T_m(x - w) / T_{m+1}(x), x being the loss still wanted.
    """
    T, K = P.T, P.cut.size
    u = uniform(key, np.uint64(11)) * Q.cum[-1]
    lo, hi = 0, Q.cum.size - 1
    while lo < hi:
        mid = (lo + hi) // 2
        if Q.cum[mid] > u:
            hi = mid
        else:
            lo = mid + 1
    u -= Q.cum[lo - 1] if lo > 0 else 0.0
    scenario = lo // T
    start = lo % T
    anchor = K - 1
    for k in range(K):
        kt = P.limit[scenario, k, start] >> COARSE
        pk = 1.0 if kt < 0 else Q.tail[k, min(kt, Q.tail.shape[1] - 1)]
        u -= P.scenario_weight[scenario] * pk
        if u < 0:
            anchor = k
            break
    k = anchor
    x = P.limit[scenario, k, start] >> COARSE
    i0, i1 = Q.cut_ptr[k], Q.cut_ptr[k + 1]
    for m in range(i1 - 1, i0 - 1, -1):
        g = Q.cut_comp[m]
        u = uniform(key, P.id[g] + np.uint64(3))
        w1, w2 = Q.cut_full[m], Q.cut_part[m]
        p1, p2 = P.p_full[g], P.p_part[g]
        if x < 0:
            t1, t2, t0 = 1.0, 1.0, 1.0
        else:
            at = Q.table_ptr[k] + (m - i0) * Q.width[k]
            t0 = Q.table[at + x]
            t1 = 1.0 if x - w1 < 0 else Q.table[at + x - w1]
            t2 = 1.0 if x - w2 < 0 else Q.table[at + x - w2]
        all_ = (1.0 - p1 - p2) * t0 + p1 * t1 + p2 * t2
        u *= all_
        if u < p1 * t1:
            state[g] = 1
            x -= w1
        elif u < p1 * t1 + p2 * t2:
            state[g] = 2
            x -= w2
        else:
            state[g] = 0
    return scenario, start
