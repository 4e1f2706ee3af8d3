"""A network as somebody moves it: new load, plants, links and prices, and the hours that come of it.

A `Change` says what differs from a `System` as it was read; `changed` makes the system of it, and `operate` dispatches
every hour. New load may let itself be cut in some hours: it is then the first to be cut when the system is short (or
when power is dearer than it pays), in the dearest of those hours if there are more than it allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridrush.case.system import BlockKind, Demand, Ints, Links, Storage, System, Units
from gridrush.errors import CaseError, Problem
from gridrush.grid.dispatch import Dispatch, Engine, dispatch
from gridrush.units import Floats

JUST_UNDER_SHARE = 0.999
"""Value of load that lets itself be cut, over that of load that does not: it goes first, and nothing else changes."""

REPAIR_H = 50.0
"""Mean time to repair given to units that fail by assumption: thermal units of the IEEE RTS-79 take 20 to 150 h."""

NEW_LOAD = "new load"

Block = tuple[str, BlockKind, int, Floats, float]
"""A block of demand: name, kind, zone, load by hour and value."""


@dataclass(frozen=True)
class Change:
    """What differs from a network as it was read; empty is nothing."""

    new_load_mw: Mapping[str, float] = field(default_factory=dict)  # flat, by zone
    cut_hours: int = 0  # hours in which the new load of a zone lets itself be cut, of those of the network
    pays_usd_per_mwh: float | None = None  # price above which new load stops in those hours; None: only when short
    plant_mw: Mapping[tuple[str, str], float] = field(default_factory=dict)  # added, by zone and technology
    store_mw: Mapping[str, float] = field(default_factory=dict)  # added to the stores of a zone, with their hours
    link_share: Mapping[str, float] = field(default_factory=dict)  # of the limit of a link
    carbon_price_usd_per_t: float = 0.0  # on top of the costs of the network
    cost_share: Mapping[str, float] = field(default_factory=dict)  # of the cost of a technology
    load_share: float = 1.0  # of the load of the network
    value_usd_per_mwh: float | None = None  # of load not served; None: as in the network
    outage_share: float = 0.0  # of time, for steady units that never fail in the network


@dataclass(frozen=True, eq=False)
class Operated:
    """A changed system, what every part of it does, and which of its blocks are new."""

    system: System
    dispatch: Dispatch
    change: Change
    new: Ints  # blocks of new load

    @property
    def cut_mw(self) -> Floats:
        """New load cut as it allows, by zone; what it does not allow is unserved. [MW] (T, Z)"""
        return self._of_new(cut=True)

    @property
    def new_load_mw(self) -> Floats:
        """New load that is wanted, by zone. [MW] (T, Z)"""
        return self._of_new(cut=False)

    def _of_new(self, *, cut: bool) -> Floats:
        d = self.system.demand
        out = np.zeros((self.system.time.size, len(self.system.zones)))
        for b in self.new:
            if not cut:
                out[:, d.zone[b]] += d.load_mw[:, b]
            elif d.kind[b] == "interruptible":
                out[:, d.zone[b]] += d.load_mw[:, b] - self.dispatch.served_mw[:, b]
        return out


def operate(system: System, change: Change | None = None, *, engine: Engine = "fast") -> Operated:
    """Cheapest operation of a changed network over all its hours.

    Parameters
    ----------
    system : System
        As read, for instance by `gridrush.load_case`.
    change : Change, optional
        None: as it is.
    engine : {"fast", "lp"}
        See `gridrush.dispatch`.

    Returns
    -------
    Operated
        New load that may be cut in N hours is cut in at most N.

    Raises
    ------
    CaseError
        For a zone, technology or link the network lacks, or a number out of bounds.
    """
    change = change or Change()
    made = changed(system, change)
    found = dispatch(made, engine=engine)
    d = made.demand
    new = np.arange(len(system.demand), len(d))
    if new.size == 0 or change.cut_hours == 0:
        return Operated(made, found, change, new)
    firm = np.zeros((made.time.size, new.size), bool)
    for j, b in enumerate(new):
        cut = d.load_mw[:, b] - found.served_mw[:, b]
        hit = np.flatnonzero(cut > 1e-6)
        if hit.size > change.cut_hours:
            price = found.price_usd_per_mwh[hit, d.zone[b]]
            spared = hit[np.lexsort((-hit, cut[hit], price))][: hit.size - change.cut_hours]  # cheapest, then least cut
            allowed = np.setdiff1d(hit, spared)
            firm[:, j] = True
            firm[allowed, j] = False
    if not firm.any():
        return Operated(made, found, change, new)
    load = d.load_mw.copy()
    steady = np.where(firm, load[:, new], 0.0)
    load[:, new] -= steady
    rows: list[Block] = [(f"{d.name[b]}, not cut", "firm", int(d.zone[b]), steady[:, j], firm_value(made))
                         for j, b in enumerate(new)]  # fmt: skip
    blocks = _with_blocks(replace(d, load_mw=load), rows)
    split = replace(made, demand=blocks)
    return Operated(split, dispatch(split, engine=engine), change, np.arange(len(system.demand), len(blocks)))


def changed(system: System, change: Change) -> System:
    """The system of a change, new load in it as blocks of its own after those that were there.

    Raises
    ------
    CaseError
        With everything that does not fit the system.
    """
    if problems := list(_problems(system, change)):
        raise CaseError(problems)
    units, storage, links = _plants(system, change), _stores(system, change), _links(system, change)
    demand = system.demand
    if change.load_share != 1.0:
        share = [1.0 if k == "export" else change.load_share for k in demand.kind]
        demand = replace(demand, load_mw=demand.load_mw * np.array(share))
    if change.value_usd_per_mwh is not None:
        firm = np.array([k == "firm" for k in demand.kind], bool)
        worth = np.where(firm, change.value_usd_per_mwh, demand.value_usd_per_mwh)
        demand = replace(demand, value_usd_per_mwh=worth)
    made = replace(_plain(system), units=units, storage=storage, links=links, demand=demand)
    asked = {z: mw for z, mw in change.new_load_mw.items() if mw > 0}
    if not asked:
        return made
    top = firm_value(made)
    value = top if change.cut_hours == 0 else JUST_UNDER_SHARE * min(
        top, top if change.pays_usd_per_mwh is None else change.pays_usd_per_mwh / JUST_UNDER_SHARE)  # fmt: skip
    kind: BlockKind = "firm" if change.cut_hours == 0 else "interruptible"
    flat = np.ones(made.time.size)
    rows: list[Block] = [(f"{NEW_LOAD} {z}", kind, made.zones.index(z), mw * flat, value) for z, mw in asked.items()]
    return replace(made, demand=_with_blocks(made.demand, rows))


def with_outages(system: System, share: float) -> System:
    """The system in which steady units that never fail are out for a share of time, mttr / (mttf + mttr).

    Steady is a unit whose availability does not change by the hour: the profile of a wind farm has its outages in it.
    """
    u = system.units
    if share <= 0.0 or not len(u):
        return system
    fails = _steady(system) & np.isinf(u.mttf_h)
    mttf = np.where(fails, REPAIR_H * (1.0 - share) / share, u.mttf_h)
    return replace(system, units=replace(u, mttf_h=mttf, mttr_h=np.where(fails, REPAIR_H, u.mttr_h)))


def _steady(system: System) -> NDArray[np.bool_]:
    """Units whose availability does not change by the hour. (G,)"""
    return np.asarray((np.ptp(system.profiles, axis=1) < 1e-9)[system.units.available])


def steady_technologies(system: System) -> set[str]:
    """Technologies with a unit whose availability does not change by the hour."""
    return {t for t, steady in zip(system.units.technology, _steady(system), strict=True) if steady and t}


def technologies_of(system: System) -> tuple[str, ...]:
    """Technologies of the units that have a name, the largest first."""
    size: dict[str, float] = {}
    for name, mw in zip(system.units.technology, system.units.capacity_mw, strict=True):
        if name:
            size[name] = size.get(name, 0.0) + float(mw)
    return tuple(sorted(size, key=lambda t: -size[t]))


def capacity_mw(system: System) -> dict[tuple[str, str], float]:
    """Capacity by zone and technology. [MW]"""
    out: dict[tuple[str, str], float] = {}
    u = system.units
    for name, zone, mw in zip(u.technology, u.zone, u.capacity_mw, strict=True):
        if name:
            key = system.zones[zone], name
            out[key] = out.get(key, 0.0) + float(mw)
    return out


def can_be_added(system: System, technology: str) -> bool:
    """Whether a zone without a technology can get some: a unit that lives on stored water cannot be copied."""
    u = system.units
    return any(t == technology and u.reservoir[g] < 0 and u.capacity_mw[g] > 0 for g, t in enumerate(u.technology))


def _plain(system: System) -> System:
    """A system without the name, path and notes of a network, which are no longer true of what is made of it."""
    s = system
    return System(s.zones, s.time, s.period, s.profiles, s.units, s.demand, s.links, s.storage, s.reservoirs)


def firm_value(system: System) -> float:
    """Lowest value of load that may not be cut. [USD/MWh]"""
    d = system.demand
    firm = [float(v) for v, k in zip(d.value_usd_per_mwh, d.kind, strict=True) if k == "firm" and np.isfinite(v)]
    if firm:
        return min(firm)
    from gridrush.grid.pypsa import VALUE_OF_LOST_LOAD_USD_PER_MWH

    return VALUE_OF_LOST_LOAD_USD_PER_MWH


def _with_blocks(d: Demand, rows: list[Block]) -> Demand:
    return Demand(
        (*d.name, *(r[0] for r in rows)), (*d.kind, *(r[1] for r in rows)),
        np.append(d.zone, [r[2] for r in rows]).astype(np.int64), np.column_stack([d.load_mw, *(r[3] for r in rows)]),
        np.append(d.value_usd_per_mwh, [r[4] for r in rows]),
    )  # fmt: skip


def _plants(system: System, change: Change) -> Units:
    u = system.units
    technology = np.array(u.technology, object)
    capacity, cost = u.capacity_mw.copy(), u.cost_usd_per_mwh.copy()
    for name, share in change.cost_share.items():
        cost[technology == name] *= share
    fresh: list[tuple[str, str, float]] = []
    for (zone, name), mw in change.plant_mw.items():
        rows = np.flatnonzero((technology == name) & (u.zone == system.zones.index(zone)))
        have = float(capacity[rows].sum())
        if have > 0.0:
            capacity[rows] *= max(have + mw, 0.0) / have
        elif mw > 0.0:
            fresh.append((zone, name, mw))
    units = replace(u, capacity_mw=capacity, cost_usd_per_mwh=cost)
    for zone, name, mw in fresh:
        units = _one_more(system, units, zone, name, mw)
    if change.carbon_price_usd_per_t:
        priced = units.cost_usd_per_mwh + change.carbon_price_usd_per_t * units.co2_t_per_mwh
        units = replace(units, cost_usd_per_mwh=priced)
    return units


def _one_more(system: System, u: Units, zone: str, technology: str, mw: float) -> Units:
    """A unit like the largest of its technology elsewhere, at the mean cost and CO2 of all of them, in another zone."""
    rows = np.array([g for g in range(len(system.units)) if u.technology[g] == technology and u.reservoir[g] < 0])
    size = system.units.capacity_mw[rows]
    like = int(rows[np.argmax(size)])

    def mean(values: Floats) -> float:
        return float(np.average(values[rows], weights=size))

    def more(values: Any, value: float) -> Any:
        return np.append(values, np.asarray(value, values.dtype))

    name = f"{zone} {technology} (added)"
    while name in u.name:
        name += "'"
    return Units(
        (*u.name, name), (*u.technology, technology), (*u.fuel, u.fuel[like]), more(u.zone, system.zones.index(zone)),
        more(u.capacity_mw, mw), more(u.cost_usd_per_mwh, mean(u.cost_usd_per_mwh)),
        more(u.available, int(u.available[like])), more(u.must_run, 1), more(u.reservoir, -1),
        more(u.mttf_h, float(u.mttf_h[like])), more(u.mttr_h, float(u.mttr_h[like])),
        more(u.maintenance_h, float(u.maintenance_h[like])), more(u.co2_t_per_mwh, mean(u.co2_t_per_mwh)),
        more(u.ramp_share_per_h, float(u.ramp_share_per_h[like])),
    )  # fmt: skip


def _stores(system: System, change: Change) -> Storage:
    st = system.storage
    factor = np.ones(len(st))
    for zone, mw in change.store_mw.items():
        here = st.zone == system.zones.index(zone)
        have = float(st.discharge_mw[here].sum())
        factor[here] = max(have + mw, 0.0) / have
    return replace(st, charge_mw=st.charge_mw * factor, discharge_mw=st.discharge_mw * factor,
                   energy_mwh=st.energy_mwh * factor)  # fmt: skip


def _links(system: System, change: Change) -> Links:
    k = system.links
    factor = np.array([change.link_share.get(name, 1.0) for name in k.name], np.float64)
    return replace(k, forward_mw=k.forward_mw * factor, backward_mw=k.backward_mw * factor)


def _problems(s: System, c: Change) -> list[Problem]:
    zones, have = s.zones, capacity_mw(s)
    stores = {s.zones[z] for z, mw in zip(s.storage.zone, s.storage.discharge_mw, strict=True) if mw > 0}
    out = [Problem("new_load_mw", z, "a zone of the network") for z in c.new_load_mw if z not in zones]
    out += [Problem(f"new_load_mw[{z}]", mw, "a number >= 0 [MW]") for z, mw in c.new_load_mw.items() if not mw >= 0]
    for zone, name in c.plant_mw:
        if zone not in zones:
            out.append(Problem("plant_mw", zone, "a zone of the network"))
        elif have.get((zone, name), 0.0) <= 0.0 and not can_be_added(s, name):
            out.append(Problem("plant_mw", name, "a technology of the network whose units live on no reservoir"))
    out += [Problem("store_mw", z, "a zone of the network that has stores") for z in c.store_mw if z not in stores]
    out += [Problem("link_share", k, "a link of the network") for k in c.link_share if k not in s.links.name]
    known = set(s.units.technology)
    out += [Problem("cost_share", k, "a technology of the network") for k in c.cost_share if k not in known]
    numbers = {"cut_hours": c.cut_hours, "load_share": c.load_share, "outage_share": c.outage_share,
               **{f"link_share[{k}]": v for k, v in c.link_share.items()},
               **{f"cost_share[{k}]": v for k, v in c.cost_share.items()}}  # fmt: skip
    out += [Problem(k, v, "a number >= 0") for k, v in numbers.items() if not v >= 0]
    if c.outage_share >= 1:
        out.append(Problem("outage_share", c.outage_share, "a share below 1"))
    return out
