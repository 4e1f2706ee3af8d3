"""Importance tables: how to draw only years that hold a shortfall, with the exact weight of each.

Let H(t, S) say that in hour t the outages in subset S and on the links into it exceed its margin. Without storage a
shortfall in hour t means some H(t, S). Draw (t, S) in proportion to P(H(t, S)), exact by convolution; draw the
states of hour t given H(t, S), exact by the same tables; run the hourly chains, which are reversible, forward and
back over the year. A year then comes up with N / mu times its own odds, N being the number of pairs it violates and
mu the sum of the probabilities, so X mu / N is unbiased for any X that is zero in years without a pair (Owen,
Maximov and Chertkov 2019, applied to whole years). Storage only shrinks X.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from gridrush.adequacy.plan import Plan

KernelTables = namedtuple(
    "KernelTables", "cum weights tail fine_limit cut_ptr cut_comp cut_full cut_part table table_ptr width"
)

COARSE_BITS = 40
GRID_POINTS = 8192
MOST_TABLE = 30_000_000


def grid_step(most: Any) -> int:
    """Integer step of the capacity grid: the common divisor when it leaves few points, else total / GRID_POINTS."""
    total = int(most.sum())
    if total == 0:
        return 1
    step = int(np.gcd.reduce(most[most > 0]))
    return step if total // step <= 2 * GRID_POINTS else -(-total // GRID_POINTS)


def make_tables(plan: Plan) -> tuple[Any, Any] | None:
    """A KernelPlan in packed units and its KernelTables; None where the method does not apply.

    It needs independent stationary chains, tables of bounded size, and no interruptible load to follow (whose cuts
    happen in hours that are not short).
    """
    k = plan.kernel
    C = len(plan.parts)
    if not plan.hazards.memoryless or C == 0 or k.interruptible:
        return None
    ends = list(zip(k.comp["seg"].tolist(), k.comp["seg_end"].tolist(), strict=True))
    most = np.array([k.seg_full[a:b].max() for a, b in ends], np.int64)
    most_part = np.array([k.seg_part[a:b].max() for a, b in ends], np.int64)
    row = k.comp["row"]
    zone_part = row < k.Z
    if int(most[zone_part].sum()) + int(np.abs(k.limit).max()) >= 1 << (COARSE_BITS - 1):
        return None
    step = grid_step(np.concatenate([most[zone_part], k.link_word.reshape(-1)]))
    coarse = np.where(zone_part, -(-most // step), 0)
    coarse_part = np.where(zone_part, -(-most_part // step), 0)
    coarse_link = -(-k.link_word // step)  # (L', K)
    limit = np.floor_divide(k.limit, step)
    lists, sizes = [], []
    for j, s in enumerate(k.cut.tolist()):
        who, full, part = [], [], []
        for c in range(C):
            if zone_part[c]:
                if s >> int(row[c]) & 1 and coarse[c] > 0:
                    who.append(c)
                    full.append(int(coarse[c]))
                    part.append(int(coarse_part[c]))
            elif row[c] < k.Y and coarse_link[row[c] - k.Z, j] > 0:
                w = int(coarse_link[row[c] - k.Z, j])
                who.append(c)
                full.append(w)
                part.append(0)
        lists.append((who, full, part))
        sizes.append(min(sum(full), max(0, int(limit[:, j].max()))) + 1)
    if sum(len(a[0]) * w for a, w in zip(lists, sizes, strict=True)) > MOST_TABLE:
        return None
    widest = max(sum(full) for _, full, _ in lists) + 2
    tail = np.zeros((len(lists), widest))
    tables, starts, at = [], [], 0
    for j, (who, full, part) in enumerate(lists):
        rows, last = tail_tables(np.array(full), np.array(part), k.comp["p_full"][who], k.comp["p_part"][who], sizes[j])
        tables.append(rows.reshape(-1))
        starts.append(at)
        at += rows.size
        tail[j, : sizes[j]] = last
    # P(H) by hour, summed over cuts
    chance = np.zeros((k.n_scenarios, k.T))
    for j in range(len(lists)):
        x = limit[:, j]
        chance += np.where(x < 0, 1.0, tail[j, np.clip(x, 0, widest - 1)])
    cum = np.cumsum(chance * k.scenario_weight[:, None])
    seg_comp = np.repeat(np.arange(C), [b - a for a, b in ends])
    one = np.where(zone_part, coarse, 1)[seg_comp]
    packed = k._replace(
        limit=limit << COARSE_BITS,
        day_limit=np.floor_divide(k.day_limit, step),
        day_least=np.floor_divide(k.day_least, step),
        link_word=k.link_word + (coarse_link << COARSE_BITS),
        all_links=int((k.link_word + (coarse_link << COARSE_BITS)).max(axis=1, initial=0).sum()),
        seg_full=k.seg_full + (one << COARSE_BITS),
        seg_part=k.seg_part + (coarse_part[seg_comp] << COARSE_BITS),
    )
    return packed, KernelTables(
        cum,
        k.scenario_weight,
        tail,
        k.limit,
        np.concatenate([[0], np.cumsum([len(a[0]) for a in lists])]).astype(np.int64),
        np.concatenate([a[0] for a in lists]).astype(np.int64),
        np.concatenate([a[1] for a in lists]).astype(np.int64),
        np.concatenate([a[2] for a in lists]).astype(np.int64),
        np.concatenate(tables),
        np.array(starts, np.int64),
        np.array(sizes, np.int64),
    )


def tail_tables(full: Any, part: Any, p_full: Any, p_part: Any, width: int) -> tuple[Any, Any]:
    """P(loss of the first m components > x) for x below `width`. (M, width) for m = 0..M-1, and (width,) for m = M."""
    rows = np.zeros((len(full), width))
    now = np.zeros(width)
    for m in range(len(full)):
        rows[m] = now
        now = (1 - p_full[m] - p_part[m]) * now + p_full[m] * _moved(now, int(full[m]))
        if p_part[m]:
            now += p_part[m] * _moved(rows[m], int(part[m]))
    return rows, now


def _moved(tail: Any, by: int) -> Any:
    out = np.ones_like(tail)
    if by < tail.size:
        out[by:] = tail[: tail.size - by]
    return out
