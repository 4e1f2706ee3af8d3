"""Loads that answer to the hour's price of their own will: miners who pay it, and other load that can move.

They are blocks of demand beside households, industry and registered miners, with a value each. A block that stops
because power costs more than it is worth is not cut: what it gives up leaves the load wanted. What is cut by an order
or by shortage stays wanted and not served, so the identities of `study.run` hold as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gridrush.case.system import BlockKind, Demand
from gridrush.grid.dispatch import Dispatch
from gridrush.mining.movable import KINDS, MovableKind, demand_blocks
from gridrush.units import Floats

STEPS = 5
"""Steps of the break-even curve in the dispatch of an hour."""


@dataclass(frozen=True)
class MovableLoad:
    """A movable load that stands in a month."""

    kind: str  # of `mining.movable.KINDS`
    zone: int
    capacity_mw: float


@dataclass(frozen=True, eq=False)
class Answers:
    """Who answers to the hour's price in a month."""

    share: Floats  # (N,) of registered miners, by step of the break-even curve; sums to those who pay the hour's price
    value_usd_per_mwh: Floats  # (N, Z) price above which a step stops, the fee taken off
    movable: tuple[MovableLoad, ...] = ()
    night_hours: int = 24  # from midnight, legal time, in which all registered miners run
    day_share: Floats | None = None  # (Z,) of them run in the other hours too; None: all

    @property
    def key(self) -> bytes:
        """The same for answers that are the same."""
        day = b"" if self.day_share is None else self.day_share.tobytes() + bytes([self.night_hours])
        return b"".join([self.share.tobytes(), self.value_usd_per_mwh.tobytes(), repr(self.movable).encode(), day])

    @property
    def by_hour(self) -> bool:
        """Whether anybody answers to the hour's price, and not to the tariff of the hour alone."""
        return bool(self.share.size or self.movable)

    def running_share(self, legal_hour: NDArray[np.int64]) -> Floats:
        """Share of registered miners that run at the tariff of each hour (0 to 23, legal time). (T, Z)"""
        if self.day_share is None:
            return np.ones((legal_hour.size, self.value_usd_per_mwh.shape[1]))
        return np.where((legal_hour < self.night_hours)[None, :], 1.0, self.day_share[:, None]).T


@dataclass(frozen=True, eq=False)
class Answered:
    """What came of them."""

    hourly_mw: Floats  # (T, Z) served to registered miners who pay the hour's price
    hourly_usd: float  # what they paid, all paths together
    paid_usd_per_mwh: Floats  # (Z,) mean of the hours they ran; the price of all hours where they never ran
    stopped_mw: Floats  # (T, Z) of registered miners, of their own will
    stopped_share: Floats  # (Z,) of their energy
    movable_mw: Floats  # (T, Z) served to movable loads and not served to them against their will
    flexed_mw: Floats  # (T, Z) given up by them of their own will
    cut_mw: Floats  # (T, Z) of registered miners who pay the hour's price, cut by order or shortage
    unserved_mw: Floats  # (T, Z) of movable loads


def with_answers(demand: Demand, answers: Answers, *, zones: tuple[str, ...], base_mw: Floats, samples: int) -> Demand:
    """Demand of households, industry and registered miners (Z of each) with the blocks of those who answer.

    Parameters
    ----------
    demand : Demand
        3 Z blocks; the last Z are registered miners, and what they are worth is what an order to stop waits for.
    base_mw : ndarray, shape (T, Z)
        Load without miners: a movable load gives way in the hours in which the country's is highest.
    samples : int
        Paths, one after the other along time.
    """
    Z, T = len(zones), demand.load_mw.shape[0]
    load = demand.load_mw.copy()
    miners = load[:, 2 * Z :].copy()
    load[:, 2 * Z :] *= 1.0 - answers.share.sum()
    names, kinds, zone = list(demand.name), list(demand.kind), list(demand.zone)
    values, more = list(demand.value_usd_per_mwh), []
    most = demand.value_usd_per_mwh[2 * Z :]
    for k, share in enumerate(answers.share):
        for z in range(Z):
            names.append(f"{zones[z]} miners at the hour's price {k + 1}")
            kinds.append(demand.kind[2 * Z + z])
            zone.append(z)
            values.append(float(np.clip(answers.value_usd_per_mwh[k, z], 0.0, most[z])))
            more.append(share * miners[:, z])
    for i, m in enumerate(answers.movable):
        kind = KINDS[m.kind]
        (hard, soft), (value, flexible) = demand_blocks(kind, m.capacity_mw)
        soft = min(soft, kind.ramp_share_per_h * m.capacity_mw)  # what it can shed and take back within an hour
        hard = kind.load_share * m.capacity_mw - soft
        may = _may_flex(kind, hard + soft, soft, base_mw.sum(axis=1), samples)
        for part, mw, worth, what in ((hard + soft * ~may, "firm", value, ""),
                                      (soft * may, "interruptible", flexible, ", flexible")):  # fmt: skip
            names.append(f"{zones[m.zone]} {m.kind} {i + 1}{what}")
            kinds.append(_kind(mw))
            zone.append(m.zone)
            values.append(float(worth))
            more.append(np.broadcast_to(part, T))
    return replace(
        demand, name=tuple(names), kind=tuple(kinds), zone=np.array(zone, np.int64),
        load_mw=np.concatenate([load, np.array(more).reshape(len(more), T).T], axis=1),
        value_usd_per_mwh=np.array(values),
    )  # fmt: skip


def _kind(name: str) -> BlockKind:
    return "firm" if name == "firm" else "interruptible"


def _may_flex(kind: MovableKind, load_mw: float, soft_mw: float, base_mw: Floats, samples: int) -> np.ndarray:
    """Hours in which the flexible part may stop: those of the highest load, as many as uptime leaves. (T,) bool"""
    hours = base_mw.size // samples
    out = np.zeros((samples, hours), bool)
    if soft_mw > 0:
        n = min(int(np.floor((1.0 - kind.uptime_share) * hours * load_mw / soft_mw + 1e-9)), hours)
        if n:
            dear = np.argpartition(-base_mw.reshape(samples, hours), n - 1, axis=1)[:, :n]
            np.put_along_axis(out, dear, True, axis=1)
    return out.ravel()


def answered(demand: Demand, answers: Answers, result: Dispatch, *, zones: int) -> Answered:
    """What the blocks of `with_answers` did in a dispatch, `demand` being what was dispatched."""
    Z, T = zones, demand.load_mw.shape[0]
    N, first = len(answers.share), 3 * zones
    steps = slice(first, first + N * Z)
    served = result.served_mw[:, steps].reshape(T, N, Z)
    short = demand.load_mw[:, steps].reshape(T, N, Z) - served
    willing = answers.value_usd_per_mwh < demand.value_usd_per_mwh[2 * Z : 3 * Z]  # else it is the order that cuts
    stopped, cut = (short * willing).sum(axis=1), (short * ~willing).sum(axis=1)
    mw = served.sum(axis=1)
    price = result.price_usd_per_mwh
    energy, wanted = mw.sum(axis=0), (mw + stopped + cut).sum(axis=0)
    usd = (mw * price).sum(axis=0)
    movable, flexed, unserved = np.zeros((3, T, Z))
    for i in range(len(answers.movable)):
        hard = first + N * Z + 2 * i
        z = int(demand.zone[hard])
        lost = demand.load_mw[:, hard : hard + 2] - result.served_mw[:, hard : hard + 2]
        unserved[:, z] += lost[:, 0]
        flexed[:, z] += lost[:, 1]
        movable[:, z] += demand.load_mw[:, hard : hard + 2].sum(axis=1) - lost[:, 1]
    return Answered(
        hourly_mw=mw, hourly_usd=float(usd.sum()),
        paid_usd_per_mwh=np.where(energy > 0, usd / np.where(energy > 0, energy, 1.0), price.mean(axis=0)),
        stopped_mw=stopped, stopped_share=stopped.sum(axis=0) / np.where(wanted > 0, wanted, 1.0),
        movable_mw=movable, flexed_mw=flexed, cut_mw=cut, unserved_mw=unserved,
    )  # fmt: skip
