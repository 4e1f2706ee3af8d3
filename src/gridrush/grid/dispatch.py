"""Economic dispatch: who runs, who is cut, what flows, and at what price, hour by hour.

    minimise   sum_t [ sum_g c_g p_tg + sum_b v_b (d_tb - s_tb) ]
    subject to per zone  generation - served - sent + received (1 - loss) + discharge - charge = spill >= 0

with units between must-run and availability, blocks between nothing and their load, links within their limits,
reservoirs within the energy of each period and stores within their size. Power that cannot be used is spilled at no
cost, so prices are never negative. An export sale is a block like any other: what it would have paid is a cost when it
is not served.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.grid.lp import Shares, link_limits_mw, unit_limits_mw
from gridrush.grid.merit import Merit, merit_order
from gridrush.units import Floats

Engine = Literal["fast", "lp"]
__all__ = ["Dispatch", "Engine", "Merit", "dispatch", "merit_order"]


@dataclass(frozen=True, eq=False)
class Dispatch:
    """What every unit, block, link and store does in each hour, and the price of each zone."""

    system: System
    engine: Engine
    generation_mw: Floats  # (T, G)
    served_mw: Floats  # (T, B)
    flow_mw: Floats  # (T, L) where it enters the link; positive from source to target
    price_usd_per_mwh: Floats  # (T, Z) cost of one more MWh of load
    spilled_mw: Floats  # (T, Z) power that had to be thrown away
    charge_mw: Floats  # (T, J) taken from the zone
    discharge_mw: Floats  # (T, J) given to the zone
    stored_mwh: Floats  # (T, J) at the end of the hour
    cost_usd_per_h: Floats  # (T,) running cost plus value of load not served
    water_value_usd_per_mwh: Floats  # (H, P) worth of one more MWh in the reservoir
    stored_worth_usd_per_mwh: Floats  # (T, J) worth of one more MWh in the store
    up: Shares | None = None  # (T, G) as given
    links_up: Shares | None = None  # (T, L) as given

    @cached_property
    def cost_usd(self) -> float:
        """Running cost plus value of load not served, exports not sold included. [USD]"""
        return float(self.cost_usd_per_h.sum())

    @cached_property
    def bound_usd(self) -> float:
        """What any dispatch must cost at least: everybody's best answer to these prices (weak duality). [USD]

        Equal to the cost up to rounding when nothing is stored; with stores the prices of hours in which a store just
        fills a step are not unique and the bound can be loose.
        """
        s, u, d, k, st = self.system, self.system.units, self.system.demand, self.system.links, self.system.storage
        price, water, worth = self.price_usd_per_mwh, self.water_value_usd_per_mwh, self.stored_worth_usd_per_mwh
        low, high = unit_limits_mw(s, self.up)
        forward, backward = link_limits_mw(s, self.links_up)
        margin = u.cost_usd_per_mwh - price[:, u.zone]
        if len(s.reservoirs):
            fed = u.reservoir >= 0
            margin[:, fed] += water[u.reservoir[fed]][:, s.period].T
        total = float((np.where(margin > 0, low, high) * margin).sum())
        total += float((np.minimum(price[:, d.zone], d.value_usd_per_mwh) * d.load_mw).sum())
        tail, head, keep = price[:, k.source], price[:, k.target], 1.0 - k.loss_share
        total -= float((forward * np.maximum(0.0, keep * head - tail)).sum())
        total -= float((backward * np.maximum(0.0, keep * tail - head)).sum())
        if len(s.reservoirs):
            total -= float((water * s.reservoirs.energy_mwh)[:, np.unique(s.period)].sum())
        if len(st):
            here, first = price[:, st.zone], st.energy_mwh * st.initial_share
            with np.errstate(divide="ignore", invalid="ignore"):
                sold = np.where(st.discharge_efficiency > 0, worth / st.discharge_efficiency, np.inf)
            total -= float((st.discharge_mw * np.maximum(0.0, here - sold)).sum())
            total -= float((st.charge_mw * np.maximum(0.0, worth * st.charge_efficiency - here)).sum())
            total -= float((st.energy_mwh * np.maximum(0.0, np.diff(worth, axis=0))).sum())
            total -= float((first * (worth[0] - worth[-1])).sum())
        return total

    @property
    def gap_share(self) -> float:
        """Distance of the cost from its lower bound, as a share of the cost."""
        return max(0.0, self.cost_usd - self.bound_usd) / max(abs(self.cost_usd), 1e-9)

    def unserved_mw(self, kinds: tuple[str, ...] = ("firm",)) -> Floats:
        """Load not served of blocks of the given kinds, by zone. [MW] (T, Z)"""
        d = self.system.demand
        out = np.zeros((self.system.time.size, len(self.system.zones)))
        for b, kind in enumerate(d.kind):
            if kind in kinds:
                out[:, d.zone[b]] += d.load_mw[:, b] - self.served_mw[:, b]
        return out

    @cached_property
    def unserved_mwh(self) -> float:
        """Energy that firm blocks wanted and did not get. [MWh]"""
        return float(self.unserved_mw().sum())

    @cached_property
    def received_mw(self) -> Floats:
        """Power that leaves each link, with the sign of the flow. [MW] (T, L)"""
        return self.flow_mw * (1.0 - self.system.links.loss_share)

    @cached_property
    def congestion_rent_usd(self) -> Floats:
        """What the power is worth where it leaves a link less what it is worth where it enters. [USD] (T, L)"""
        k = self.system.links
        head, tail = self.price_usd_per_mwh[:, k.target], self.price_usd_per_mwh[:, k.source]
        f, r = self.flow_mw, self.received_mw
        return np.where(f >= 0, head * r - tail * f, -(tail * r - head * f))

    @cached_property
    def balance_mw(self) -> Floats:
        """What is left of each zone's balance; zero up to rounding. [MW] (T, Z)"""
        s = self.system
        out = -self.spilled_mw
        for g, z in enumerate(s.units.zone):
            out[:, z] += self.generation_mw[:, g]
        for b, z in enumerate(s.demand.zone):
            out[:, z] -= self.served_mw[:, b]
        sent, got = self.flow_mw, self.received_mw
        for i, (a, b) in enumerate(zip(s.links.source, s.links.target, strict=True)):
            out[:, a] -= np.where(sent[:, i] >= 0, sent[:, i], got[:, i])
            out[:, b] += np.where(sent[:, i] >= 0, got[:, i], sent[:, i])
        for j, z in enumerate(s.storage.zone):
            out[:, z] += self.discharge_mw[:, j] - self.charge_mw[:, j]
        return out


def dispatch(
    system: System, *, up: Shares | None = None, links_up: Shares | None = None,
    engine: Engine = "fast", merit: Merit | None = None,
) -> Dispatch:
    """Cheapest operation of a system over its hours.

    Parameters
    ----------
    system : System
    up : array, shape (T, G), optional
        Share of each unit that is up (bool or number); it scales availability and must-run. None: all up.
    links_up : array, shape (T, L), optional
        Share of each link that is in service, on top of its profile.
    engine : {"fast", "lp"}
        `fast` walks merit orders (exact without storage); `lp` hands the same model to HiGHS.
    merit : Merit, optional
        From `merit_order`, when systems with the same units, values and links are dispatched again and again.

    Returns
    -------
    Dispatch
        `generation_mw` and the other series are views of arrays that run along time.
    """
    T, G = system.time.size, len(system.units)
    L = len(system.links)
    problems = [
        Problem(name, a.shape, f"shape {want}")
        for name, a, want in (("up", up, (T, G)), ("links_up", links_up, (T, L))) if a is not None and a.shape != want
    ]
    if problems:
        raise CaseError(problems)
    if engine == "lp":
        from gridrush.grid.lp import dispatch_lp

        return dispatch_lp(system, up=up, links_up=links_up)
    from gridrush.grid.desk import Desk
    from gridrush.grid.energy import operate

    out, water, stores = operate(Desk.of(system, merit, up, links_up))
    return Dispatch(
        system, "fast", out.generation.T, out.served.T, out.flow.T, out.price.T, out.spill.T, stores.charge,
        stores.discharge, stores.stored, out.cost, water, stores.worth, up, links_up,
    )
