"""Who is cut, when and by how much: a shortfall turned into a schedule that a dispatcher could send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gridrush.errors import CaseError, Problem
from gridrush.grid.dispatch import Dispatch
from gridrush.units import Floats


@dataclass(frozen=True, eq=False)
class Order:
    """One line of a rationing schedule: a block cut over consecutive hours."""

    block: str
    zone: str
    start: np.datetime64
    hours: int
    cut_mw: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Rationing:
    """Cuts by block and hour, and what they cost in sales."""

    dispatch: Dispatch
    cut_mw: Floats  # (T, B)
    revenue_lost_usd: Floats  # (B,)

    @property
    def cut_share(self) -> Floats:
        """Share of each block's energy that is cut. (B,)"""
        load = self.dispatch.system.demand.load_mw.sum(axis=0)
        return np.asarray(self.cut_mw.sum(axis=0) / np.where(load > 0, load, 1.0), np.float64)

    def orders(self, *, least_mw: float = 0.01) -> list[Order]:
        """The schedule: every run of hours in which a block is cut by more than least_mw, in order of time."""
        s = self.dispatch.system
        out: list[Order] = []
        for b, name in enumerate(s.demand.name):
            on = np.concatenate([[False], self.cut_mw[:, b] > least_mw, [False]])
            edges = np.flatnonzero(on[1:] != on[:-1]).reshape(-1, 2)
            out.extend(
                Order(name, s.zones[s.demand.zone[b]], s.time[a], int(z - a), tuple(self.cut_mw[a:z, b].tolist()))
                for a, z in edges
            )
        return sorted(out, key=lambda o: (o.start, o.zone, o.block))


def ration(
    shortage: Dispatch, ranks: Sequence[Sequence[str]], *, tariff_usd_per_mwh: ArrayLike | None = None,
) -> Rationing:
    """Share each zone's shortfall out by rank, and within a rank so that the share of energy cut so far is as even as
    it can be.

    In each zone and hour the cuts of the ranked blocks are pooled and given to the first rank until its load is gone,
    then the next. Within a rank block b gets c_b = clip(x D_b - E_b, 0, load_b) with D_b its energy over all hours,
    E_b what it has lost so far and x the level at which the cuts add up. Totals by zone and hour, and with them all
    flows, stay as dispatched; cuts are not moved between zones.

    Parameters
    ----------
    shortage : Dispatch
        A dispatch in which load is not served.
    ranks : sequence of sequences of str
        Block names, first to be cut first. Blocks that are not named keep the cut the dispatch gave them.
    tariff_usd_per_mwh : array_like, shape (B,), optional
        What each block pays, for the revenue lost; its value when left out. [USD/MWh]
    """
    s, d = shortage.system, shortage.system.demand
    named = [name for rank in ranks for name in rank]
    problems = [Problem("ranks", x, f"one of {', '.join(d.name)}") for x in named if x not in d.name]
    problems += [Problem("ranks", x, "each block once") for x in sorted({x for x in named if named.count(x) > 1})]
    tariff = d.value_usd_per_mwh if tariff_usd_per_mwh is None else np.asarray(tariff_usd_per_mwh, np.float64)
    if tariff.shape != (len(d),):
        problems.append(Problem("tariff_usd_per_mwh", tariff.shape, f"shape ({len(d)},)"))
    if problems:
        raise CaseError(problems)
    cut = np.maximum(d.load_mw - shortage.served_mw, 0.0)
    rank_of = {d.name.index(x): r for r, rank in enumerate(ranks) for x in rank}
    wanted = np.maximum(d.load_mw.sum(axis=0), 1e-9)
    for z in range(len(s.zones)):
        members = np.array([b for b in rank_of if d.zone[b] == z], np.int64)
        if not members.size:
            continue
        pool = cut[:, members].sum(axis=1)
        lost = np.zeros(len(d))
        cut[:, members] = 0.0
        for t in np.flatnonzero(pool > 0):
            left = float(pool[t])
            for r in range(len(ranks)):
                some = np.array([b for b in members if rank_of[int(b)] == r], np.int64)
                if left <= 0 or not some.size:
                    continue
                got = _even(min(left, float(d.load_mw[t, some].sum())), d.load_mw[t, some], wanted[some], lost[some])
                cut[t, some] = got
                lost[some] += got
                left -= float(got.sum())
    return Rationing(shortage, cut, (cut * tariff).sum(axis=0))


def _even(total: float, load: Floats, wanted: Floats, lost: Floats) -> Floats:
    """c = clip(x wanted - lost, 0, load) with sum c = total: found among the levels at which a clip starts or ends."""
    edges = np.sort(np.concatenate([lost / wanted, (lost + load) / wanted]))
    sums = np.clip(edges[:, None] * wanted - lost, 0.0, load).sum(axis=1)
    level = float(np.interp(total, sums, edges))
    return np.clip(level * wanted - lost, 0.0, load)
