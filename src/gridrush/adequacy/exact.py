"""Exact risk: one area by convolution, two or three by enumeration with the last area integrated."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import numpy as np

from gridrush.adequacy._kernels_exact import both_short, outage_table, split_table, zones_short
from gridrush.adequacy.metrics import Assessment
from gridrush.adequacy.network import connected_subsets, link_into
from gridrush.adequacy.plan import Plan, fixed
from gridrush.case.estimate import Estimate
from gridrush.errors import CaseError, Problem
from gridrush.units import HOURS_PER_DAY

_log = logging.getLogger(__name__)
MOST_POINTS, LEAST_POINTS = 400_000, 20_000
"""Points of the grid of one table; fewer where there are many tables, with `POINTS_IN_ALL` together."""
POINTS_IN_ALL = 400_000_000
MOST_BITS = 12
"""States of half of the units are listed up to 2 to this power."""
MOST_JOINT = 5_000
NEGLIGIBLE = 1e-7


def common_step(full: Any, part: Any) -> int:
    """Largest step that every loss is a multiple of; 1 where nothing can be lost."""
    losses = np.concatenate([full[full > 0], part[part > 0]])
    return int(np.gcd.reduce(losses)) if losses.size else 1


class OutageTable:
    """Capacity outage probability table: P(loss > k step) and E[loss; loss > k step], k = 0.. in integer units.

    `exact` says whether every loss is a multiple of `step`; if not, each is split over its neighbours.
    """

    def __init__(self, full: Any, part: Any, p_full: Any, p_part: Any, most: int = MOST_POINTS) -> None:
        step = common_step(full, part)
        self.exact = int(full.sum()) // step <= most
        if self.exact:
            self.step = step
            self.p = outage_table(full // step, part // step, p_full, p_part, int(full.sum()) // step)
        else:
            self.step = -(-int(full.sum()) // most)
            # a partial outage is the share of a full one with the same mean: only reached off the grid
            self.p = split_table(full, p_full, self.step, int((full // self.step + 1).sum()))
        x = np.arange(self.p.size) * float(self.step)
        tail = np.cumsum(self.p[::-1])[::-1]
        mass = np.cumsum((self.p * x)[::-1])[::-1]
        self.tail = np.append(tail[1:], 0.0)
        self.mass = np.append(mass[1:], 0.0)
        self.mean = float(mass[0])

    def shortfall(self, margin: Any) -> tuple[Any, Any]:
        """P(loss > margin) and E[(loss - margin)+] for integer margins."""
        k = np.floor_divide(margin, self.step)
        at = np.clip(k, 0, self.tail.size - 1)
        below = k < 0
        p = np.where(below, 1.0, self.tail[at])
        m = margin.astype(np.float64)
        return p, np.where(below, self.mean - m, np.maximum(0.0, self.mass[at] - m * self.tail[at]))


class StateList:
    """The same for few units of any size: the states of one half of them, against the sorted ones of the other."""

    exact = True

    def __init__(self, full: Any, part: Any, p_full: Any, p_part: Any) -> None:
        (self.loss, self.p), (loss, p) = (
            _states(full[i::2], part[i::2], p_full[i::2], p_part[i::2]) for i in range(2)
        )  # fmt: skip
        order = np.argsort(loss, kind="stable")
        self.other = loss[order]
        self.tail = np.append(np.cumsum(p[order][::-1])[::-1], 0.0)
        self.mass = np.append(np.cumsum((p * loss)[order][::-1])[::-1], 0.0)

    def shortfall(self, margin: Any) -> tuple[Any, Any]:
        """P(loss > margin) and E[(loss - margin)+] for integer margins."""
        left = margin.astype(np.float64) - self.loss[:, None]  # (states, hours)
        at = np.searchsorted(self.other, left, side="right")
        return self.p @ self.tail[at], self.p @ (self.mass[at] - left * self.tail[at])


def _states(full: Any, part: Any, p_full: Any, p_part: Any) -> tuple[Any, Any]:
    """Loss and probability of every state of some units."""
    loss, p = np.zeros(1), np.ones(1)
    for f, d, pf, pd in zip(full, part, p_full, p_part, strict=True):
        some = ((0.0, 1.0 - pf - pd), (float(f), pf), (float(d), pd))[: 3 if pd > 0.0 else 2]
        loss = np.concatenate([loss + x for x, _ in some])
        p = np.concatenate([p * q for _, q in some])
    return loss, p


def patterns(lost: Any, scale: float) -> tuple[Any, Any]:
    """Distinct hourly vectors of losses (n, C) in integer units, and the one of each hour (T,)."""
    whole = fixed(lost, scale)
    if not len(whole):
        return np.zeros((1, 0), np.int64), np.zeros(whole.shape[1], np.int64)
    change = np.concatenate([[True], (np.diff(whole, axis=1) != 0).any(axis=0)])
    columns = whole[:, change].T
    distinct, inverse = np.unique(columns, axis=0, return_inverse=True)
    return distinct, inverse.reshape(-1)[np.cumsum(change) - 1]


def exact_assessment(plan: Plan, *, frequency: bool = True) -> Assessment:
    """Exact indices of a plan with one, two or three zones, no storage and no contracts; see `assess`."""
    Z, T = plan.shape
    k = plan.kernel
    problems = []
    if Z > 3:
        problems.append(Problem("zones", Z, "at most three zones for the exact method", "use method='mc'"))
    if k.store.size or k.contract.size:
        problems.append(
            Problem("storage", int(k.store.size), "no storage or contracts for the exact method", "use method='mc'")
        )
    if not plan.hazards.memoryless:
        problems.append(
            Problem(
                "hazards",
                "hourly rates, common causes or load draws",
                "independent outages at constant rates for the exact method",
                "use method='mc'",
            )
        )
    if problems:
        raise CaseError(problems)
    if k.seg_hour.size == len(plan.parts):  # no capacity changes in the span
        vectors, at = np.where(plan.parts.row < Z, k.seg_full, 0)[None, :], np.zeros(T, np.int64)
    else:
        vectors, at = patterns(np.where(plan.parts.row[:, None] < Z, plan.lost_mw, 0.0), k.scale)
    margins = k.surplus.astype(np.int64)  # (N, Z, T)
    short = np.zeros((k.n_scenarios, T))
    energy = np.zeros((k.n_scenarios, T))
    often = None
    on_grid = True
    most = int(np.clip(POINTS_IN_ALL // len(vectors), LEAST_POINTS, MOST_POINTS))
    by_vector = np.split(np.argsort(at, kind="stable"), np.cumsum(np.bincount(at, minlength=len(vectors)))[:-1])
    for v, hours in enumerate(by_vector):
        tables = [_table(plan, vectors[v], z, most, hours.size * k.n_scenarios if Z == 1 else 0) for z in range(Z)]
        on_grid &= all(t.exact for t in tables)
        for n in range(k.n_scenarios):
            if Z == 1:
                short[n, hours], energy[n, hours] = tables[0].shortfall(margins[n, 0, hours])
            else:
                short[n, hours], energy[n, hours] = _joined(plan, tables, vectors[v], n, hours)
    if frequency and Z == 1 and len(vectors) == 1:
        often = _frequency(plan, vectors[0], short, margins[:, 0])
    if not on_grid:
        _log.warning("capacities have no common step: losses were split over a grid of %d points", most)
    w = plan.weights
    energy /= k.scale
    peak = k.day_peak[:, Z]
    days = sum(w[n] * short[n, peak[n]].sum() for n in range(k.n_scenarios))
    load = sum(w[n] * s.load_mw.sum() - w[n] * plan.flexible_mw[n].sum() for n, s in enumerate(plan.systems))
    eue = float(w @ energy.sum(axis=1))
    metrics = {
        "LOLE_h": Estimate(float(w @ short.sum(axis=1)), 0.0, "h/yr"),
        "LOLE_days": Estimate(float(days), 0.0, "days/yr"),
        "EUE_MWh": Estimate(eue, 0.0, "MWh/yr"),
        "NEUE": Estimate(1e6 * eue / float(load) if load > 0 else 0.0, 0.0, "ppm"),
    }
    if often is not None:
        metrics["LOLF_occ"] = Estimate(float(often), 0.0, "occ/yr")
        often = float(often)
        hours_ = metrics["LOLE_h"].mean
        metrics["duration_h"] = Estimate(hours_ / often if often > 0 else 0.0, 0.0, "h")
        metrics["event_MWh"] = Estimate(eue / often if often > 0 else 0.0, 0.0, "MWh")
    tables_ = np.zeros((2, Z + 1, 12, 24))
    for n in range(k.n_scenarios):
        for i, x in enumerate((short, energy)):
            np.add.at(tables_[i, Z], np.divmod(k.clock[:, 1], HOURS_PER_DAY), w[n] * x[n])
    if Z == 1:
        tables_[:, 0] = tables_[:, 1]
    return Assessment(
        method="exact",
        samples=0,
        seed=None,
        metrics=metrics,
        zones={plan.zones[0]: dict(metrics)} if Z == 1 else {},
        lole_month_hour_h=tables_[0],
        eue_month_hour_mwh=tables_[1],
        diagnostics={"on_grid": str(on_grid)},
    )


def _table(plan: Plan, vector: Any, zone: int, most: int, asked: int) -> Any:
    """What a zone may lose; asked: margins it will be asked for, 0 where more than its tails are wanted."""
    k, parts = plan.kernel, plan.parts
    mine = np.flatnonzero((parts.row == zone) & (vector > 0)) if len(parts) else np.zeros(0, np.int64)
    full, p_full, p_part = vector[mine], k.comp["p_full"][mine], k.comp["p_part"][mine]
    part = np.rint(full * parts.part_lost[mine]).astype(np.int64)
    bits = mine.size // 2 + 1 + np.log2(1.5) * (p_part > 0).sum()  # 2 to this is no fewer than the states of a half
    if asked and bits <= MOST_BITS and 2.0**bits * asked < min(full.sum() // common_step(full, part), most):
        return StateList(full, part, p_full, p_part)
    return OutageTable(full, part, p_full, p_part, most)


def _frequency(plan: Plan, vector: Any, short: Any, margins: Any) -> float | None:
    """Expected number of times shortfall begins: sum of P(short in t and not in t - 1), the first hour included."""
    k, parts = plan.kernel, plan.parts
    mine = np.flatnonzero(vector > 0)
    if (k.comp["p_part"][mine] > 0).any():
        return None
    step = int(np.gcd.reduce(vector[mine])) if mine.size else 1
    total = int(vector[mine].sum()) // step
    if total > MOST_JOINT:
        return None
    q = both_short(vector[mine] // step, k.comp["p_full"][mine], parts.fail[mine], parts.repair[mine], total)
    out = 0.0
    for n in range(k.n_scenarios):
        x = np.clip(np.floor_divide(margins[n], step), -1, total) + 1
        both = q[x[:-1], x[1:]]
        out += plan.weights[n] * float(short[n, 0] + (short[n, 1:] - both).sum())
    return out


def _joined(plan: Plan, tables: list[OutageTable], vector: Any, n: int, hours: Any) -> tuple[Any, Any]:
    """Chance of shortfall and expected shortfall of two or three linked zones in some hours, over link states."""
    k, parts, s = plan.kernel, plan.parts, plan.systems[0]
    Z = k.Z
    into = link_into(s)
    failing = parts.links
    which = np.flatnonzero(parts.row >= Z) if len(parts) else np.zeros(0, np.int64)
    p_down = k.comp["p_full"][which]
    own, inverse = np.unique(
        np.concatenate([k.surplus[n][:, hours], k.clock[None, hours, 0]]).T, axis=0, return_inverse=True
    )
    inverse = inverse.reshape(-1)
    pattern = own[:, Z].astype(np.int64)
    margin = np.ascontiguousarray(own[:, :Z])
    states = list(itertools.product((0, 1), repeat=len(failing)))
    if len(states) > 4096:
        raise CaseError(
            [Problem("links", len(failing), "at most 12 links that fail for the exact method", "use method='mc'")]
        )
    p = np.zeros(len(own))
    e = np.zeros(len(own))
    share = np.stack([s.profiles[s.links.available[i]][hours] for i in range(len(s.links))]) if len(s.links) else None
    first = np.zeros(len(own), np.int64)
    first[inverse] = np.arange(hours.size)
    for state in states:
        chance = float(np.prod([q if down else 1 - q for q, down in zip(p_down, state, strict=True)]))
        if chance < 1e-15:
            continue
        keep = np.ones(len(s.links))
        keep[failing[np.array(state, bool)]] = 0.0
        if share is None:
            cap = np.zeros((len(own), 1 << Z))
        else:
            cap = fixed((share[:, first] * keep[:, None]).T @ into, k.scale).astype(np.float64)
        a, b = _enumerate(plan, tables, margin, cap, vector)
        p += chance * a
        e += chance * b
    del pattern
    return p[inverse], e[inverse]


def _enumerate(plan: Plan, tables: list[OutageTable], margin: Any, cap: Any, vector: Any) -> tuple[Any, Any]:
    Z = plan.kernel.Z
    # bound each hour by the sum over cuts, and leave out hours that cannot matter
    bound = np.zeros((len(margin), 2))
    for s in connected_subsets(plan.systems[0]):
        zones = [z for z in range(Z) if s >> z & 1]
        mine = (
            np.flatnonzero(np.isin(plan.parts.row, zones) & (vector > 0)) if len(plan.parts) else np.zeros(0, np.int64)
        )
        part = np.rint(vector[mine] * plan.parts.part_lost[mine]).astype(np.int64)
        t = OutageTable(vector[mine], part, plan.kernel.comp["p_full"][mine], plan.kernel.comp["p_part"][mine])
        chance, energy = t.shortfall((margin[:, zones].sum(axis=1) + cap[:, s]).astype(np.int64))
        bound += np.stack([chance, energy], axis=1)
    rest = np.sort(bound, axis=0)
    allowed = NEGLIGIBLE * rest.sum(axis=0)
    small = (np.cumsum(rest, axis=0) <= allowed).sum(axis=0)
    edge = np.array([rest[m - 1, i] if m else -1.0 for i, m in enumerate(small)])
    use = np.flatnonzero((bound > edge).any(axis=1) & (bound[:, 0] > 0))
    if not use.size:
        return np.zeros(len(margin)), np.zeros(len(margin))
    points = []
    for t in tables[:-1]:
        on = np.flatnonzero(t.p > 1e-30)
        on = on[np.argsort(-t.p[on], kind="stable")]
        points.append((on * float(t.step), t.p[on]))
    if Z == 2:
        points.insert(0, (np.zeros(1), np.ones(1)))
    (x1, p1), (x2, p2) = points
    deepest = sum(float(t.p.size) * t.step for t in tables)
    skip = _skip(p1, p2, min(allowed[0], allowed[1] / deepest) / use.size)
    out = np.zeros((len(use), 2))
    last = tables[-1]
    zones_short(
        Z,
        x1,
        p1,
        x2,
        p2,
        last.tail,
        last.mass,
        float(last.step),
        np.ascontiguousarray(margin[use]),
        np.ascontiguousarray(cap[use]),
        skip,
        out,
    )
    p, e = np.zeros(len(margin)), np.zeros(len(margin))
    p[use], e[use] = out[:, 0], out[:, 1]
    return p, e


def _skip(p1: Any, p2: Any, allowed: float) -> float:
    """Largest chance such that all pairs of outage levels below it together weigh at most `allowed`."""
    rising = p2[::-1]
    below = np.concatenate([[0.0], np.cumsum(rising)])
    best = 0.0
    for skip in 10.0 ** np.arange(-40.0, -3.0, 0.25):
        if float(p1 @ below[np.searchsorted(rising, skip / p1)]) > allowed:
            break
        best = skip
    return best
