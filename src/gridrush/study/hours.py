"""One month of hours: demand blocks from miners and consumers, dispatch, and what it means for the miners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gridrush.adequacy.history import OutageHistory
from gridrush.adequacy.schedule import planned_supply
from gridrush.case.model import Case
from gridrush.case.system import BlockKind, Demand, Ints, System, Units
from gridrush.grid.dispatch import Dispatch, Merit, dispatch, merit_order
from gridrush.grid.hourly import Hours, zone_shares
from gridrush.grid.month import month_system
from gridrush.grid.network import Fleet, GridModel
from gridrush.study._kernels import block_loads, not_served, room
from gridrush.study.answers import Answered, Answers, answered, with_answers
from gridrush.study.paths import Paths
from gridrush.units import Floats

if TYPE_CHECKING:
    from gridrush.case.scenario import Rationing


_ROOM: Any = room  # numba's types do not know about unpacked arguments


@dataclass(frozen=True, eq=False)
class MonthHours:
    """Dispatch of S paths of one month, samples one after the other along time."""

    year_index: int
    month: int  # 12 year + month - 1
    hours: int  # of one path
    legal_hour: Ints  # (T,) 0 to 23
    system: System  # as dispatched: plants alike are one unit, water already spent
    dispatch: Dispatch
    met: Met
    consumers_mw: Floats  # (T, Z) firm load without miners
    registered_mw: Floats  # (T, Z) wanted at the price they pay
    unregistered_mw: Floats  # (T, Z) wanted
    interrupted_mw: Floats  # (T, Z) of registered_mw, cut by contract, order or shortage
    unserved_mw: Floats  # (T, Z) firm load not served, miners that count as firm left out
    up: Floats  # (T, G) share of each unit of `system` up: sampled outages and dated ones
    answered: Answered | None = None  # by those who answer to the hour's price


@dataclass(frozen=True, eq=False)
class Met:
    """What a month meets before it is dispatched."""

    model: GridModel
    fleet: Fleet  # plants that stand; the first units of `system` are its blocks
    system: System  # plants alike are one unit, reservoirs full
    known_up: Mapping[str, Floats]  # (hours,) share of a plant that outages of known date leave


@dataclass(frozen=True, eq=False)
class _Year:
    """What the hours of a year begin with."""

    index: int
    consumers_mw: Floats  # (Z, S, 8760) load without miners
    capacity_factor: Floats  # (R, S, 8760)


@dataclass(eq=False)
class MonthEngine:
    """Runs the hours of a scenario month by month; holds the outage history between months."""

    case: Case
    model: GridModel
    paths: Paths
    consumers_twh: Floats  # (Y,) annual consumption without miners
    history: OutageHistory = field(init=False)
    _shares: Floats = field(init=False)
    _dated: dict[int, list[tuple[str, int, int, float]]] = field(init=False)  # by month: unit, first hour, hour after
    # the last, share lost
    _blocks: tuple[str, ...] = field(init=False)  # names of blocks of demand
    _block_zone: Ints = field(init=False)
    _year: _Year = field(default_factory=lambda: _Year(-1, np.zeros((0, 0, 0)), np.zeros((0, 0, 0))))
    _merit: dict[tuple[object, ...], Merit] = field(default_factory=dict)
    _failing: dict[tuple[Fleet, float], tuple[Ints, Floats, Floats]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [p.name for p in self.model.plants]
        self.history = OutageHistory(names, samples=self.paths.samples, seed=self.paths.seed)
        self._shares = zone_shares(self.case)
        self._dated = {}
        day = timedelta(days=1)  # a month of hours may begin and end at another hour than the calendar's
        for o in self.case.outages:
            for month in range(_month(o.start - day), _month(o.end + day) + 1):
                self._dated.setdefault(month, []).append((o.unit, _hour(o.start), _hour(o.end), o.lost_share))
        zones = self.case.zone_names
        self._blocks = tuple(f"{z} {what}" for what in ("households", "industry", "registered miners") for z in zones)
        self._block_zone = np.tile(np.arange(len(zones)), 3)

    def run(
        self, year_index: int, month_of_year: int, registered_mw: Floats, unregistered_mw: Floats,
        *, rationing: Rationing | None, answers: Answers | None = None,
    ) -> MonthHours:  # fmt: skip
        """Dispatch a month.

        Parameters
        ----------
        year_index : int
            Row of `paths`.
        month_of_year : int
            1 to 12.
        registered_mw, unregistered_mw : ndarray, shape (Z,)
            Grid-drawn miners in each zone. [MW]
        rationing : Rationing or None
            How registered miners are cut; None: only when everybody is.
        answers : Answers, optional
            Who stops of their own will when the hour's price is above what power is worth to them.
        """
        p, S = self.paths, self.paths.samples
        if year_index != self._year.index:
            self._year = self._year_of(year_index)
        at = p.hours_of_month(year_index, month_of_year)
        month = 12 * p.years[year_index] + month_of_year - 1
        H = at.stop - at.start
        T = H * S
        time, legal_hour, path = p.time[year_index][at], p.legal_hour[year_index][at], np.zeros(T, np.int64)
        if S > 1:
            time, legal_hour, path = np.tile(time, S), np.tile(legal_hour, S), np.repeat(np.arange(S), H)
        consumers = np.ascontiguousarray(self._year.consumers_mw[:, :, at]).reshape(-1, T).T
        factor = self._year.capacity_factor[:, :, at].reshape(-1, T)
        if answers is not None and answers.day_share is not None:
            registered_mw = registered_mw * answers.running_share(legal_hour)
        demand, registered, hidden, gone = self._demand(consumers, registered_mw, unregistered_mw, rationing)
        if answers is not None and answers.by_hour:
            demand = with_answers(demand, answers, zones=self.case.zone_names, base_mw=consumers, samples=S)
        whole = month_system(
            self.model, time, demand, resources=p.resources, capacity_factor=factor, path=path,
            hydrology=p.hydrology[year_index],
        )  # fmt: skip
        known_up = self._known_up(month, time[:H])
        up = self._up(whole, month, H, known_up)
        system, _ = planned_supply(whole, up=up)  # water is spent where its path is short
        result = dispatch(system, up=up, merit=self._merit_of(system))
        cut, lost = np.empty((2, len(self.case.zones), T))
        not_served(system.demand.load_mw, result.served_mw.T, registered.T, gone, cut, lost)
        interrupted, unserved = cut.T, lost.T
        told: Answered | None = None
        if answers is not None and answers.by_hour:
            told = answered(system.demand, answers, result, zones=len(self.case.zones))
            registered, interrupted = registered - told.stopped_mw, interrupted + told.cut_mw
            consumers, unserved = consumers + told.movable_mw, unserved + told.unserved_mw
        return MonthHours(
            year_index=year_index, month=month, hours=H, legal_hour=legal_hour, system=system, dispatch=result,
            met=Met(self.model, self.model.fleet(month), whole, known_up),
            consumers_mw=consumers,
            registered_mw=registered, unregistered_mw=hidden,
            interrupted_mw=interrupted, unserved_mw=unserved, up=up, answered=told,
        )  # fmt: skip

    def _year_of(self, index: int) -> _Year:
        p = self.paths
        mean_mw = self.consumers_twh[index] * 1e6 / 8760.0
        load = p.shape[index] * p.load_factor[index] * mean_mw
        factor = np.clip(p.capacity_factor[index].astype(np.float64), 0.0, 1.0)
        return _Year(index, self._shares[:, None, None] * load, factor.transpose(1, 0, 2))

    def _demand(
        self, consumers: Floats, registered_mw: Floats, unregistered_mw: Floats, rationing: Rationing | None
    ) -> tuple[Demand, Floats, Floats, float]:
        """Blocks: households and hidden miners, industry, registered miners; Z of each, in this order.

        Also gives registered and hidden load wanted (T, Z), and the share of the former that is disconnected
        beforehand.
        """
        par = self.case.parameters
        T, Z = consumers.shape
        uptime = par.mining_uptime_share.value
        registered, hidden = np.empty((Z, T)).T, np.empty((Z, T)).T
        registered[:], hidden[:] = registered_mw * uptime, unregistered_mw * uptime
        firm: BlockKind = "firm"
        kind: BlockKind = firm
        value, cuttable, gone = par.value_industry.value, 1.0, 0.0
        if rationing is not None:
            kind, cuttable = "interruptible", rationing.share
            gone = cuttable if rationing.disconnect else 0.0
            value = max(rationing.paid_usd_per_mwh, self._order_usd_per_mwh)
        share = par.industry_share.value
        load = np.empty((T, 3 * Z))
        block_loads(consumers.T, registered.T, hidden.T, share, cuttable, gone, load)
        demand = Demand(
            name=self._blocks,
            kind=(*[firm] * (2 * Z), *[kind] * Z),
            zone=self._block_zone,
            load_mw=load,
            value_usd_per_mwh=np.array([par.value_household.value] * Z + [par.value_industry.value] * Z + [value] * Z),
        )
        return demand, registered, hidden, gone

    @cached_property
    def _order_usd_per_mwh(self) -> float:
        """Price at which miners are cut by order: above every normal offer, below emergency imports."""
        emergency = [t.price_usd_per_mwh for t in self.case.ties if t.emergency and t.direction == "import"]
        normal = [t.price_usd_per_mwh for t in self.case.ties if not t.emergency and t.direction == "import"]
        top = min(emergency, default=self.case.parameters.value_industry.value)
        return 0.5 * (max((x for x in normal if x < top), default=0.0) + top)

    def _known_up(self, month: int, time: Hours) -> dict[str, Floats]:
        """Share of each plant that outages of known date leave, of plants that have one. (hours,)"""
        out: dict[str, Floats] = {}
        for unit, start, end, lost_share in self._dated.get(month, ()):
            hour = time.astype(np.int64)
            left = np.where((hour >= start) & (hour < end), 1.0 - lost_share, 1.0)
            out[unit] = out.get(unit, 1.0) * left
        return out

    def _up(self, system: System, month: int, hours: int, known_up: Mapping[str, Floats]) -> Floats:
        """Share of each unit that is up, sampled and dated outages together. (T, G)"""
        fleet, stress = self.model.fleet(month), self.model.stress(month // 12)
        if (fleet, stress) not in self._failing:
            table = self.model.table
            self._failing[fleet, stress] = (
                self.history.rows([table.plants[n].name for n in fleet.rows]),
                self.model.mttf_h(fleet.rows, month // 12), table.mttr_h[fleet.rows],
            )  # fmt: skip
        rows, mttf_h, mttr_h = self._failing[fleet, stress]
        return self.history.advance(
            rows, hours, mttf_h=mttf_h, mttr_h=mttr_h, blocks=(fleet.block, fleet.share), dated=known_up,
            size=len(system.units),
        ).T  # fmt: skip

    def _merit_of(self, system: System) -> Merit:
        d = system.demand  # units and links are the same objects while nothing changes
        key = system.units, system.links, d.name, d.value_usd_per_mwh.tobytes()
        if key not in self._merit:
            self._merit[key] = merit_order(system)
        return self._merit[key]


def _month(moment: datetime) -> int:
    """12 year + month - 1."""
    return 12 * moment.year + moment.month - 1


def _hour(moment: datetime) -> int:
    """Hours since 1970."""
    return int(np.datetime64(moment, "h").astype(np.int64))


def rationed_share(month: MonthHours) -> Floats:
    """Share of hours in which registered miners of each zone were cut. (Z,)"""
    if not month.interrupted_mw.any():
        return np.zeros(month.interrupted_mw.shape[1])
    cut = month.interrupted_mw > 1e-6 * np.maximum(month.registered_mw, 1.0)
    return np.array([np.count_nonzero(z) for z in cut.T]) / len(cut)


@lru_cache(maxsize=64)
def _at_home_mw(units: Units) -> Floats:
    """Capacity of units that are no offers from abroad. (G,)"""
    return np.where([fuel == "import" for fuel in units.fuel], 0.0, units.capacity_mw)


def room_mw(month: MonthHours, *, imports: bool) -> tuple[Floats, Floats]:
    """Supply unused in each zone, and what a new load in a zone could have of it. (T, Z), (T, Z) [MW]

    The second adds what the neighbours have unused, as far as the lines carry it, less what was cut. `imports` says
    whether offers from abroad count.
    """
    s, d = month.system, month.dispatch
    u, k = s.units, s.links
    unused, reach = np.empty((2, len(s.zones), s.time.size))
    along_time = (np.ascontiguousarray(x.T) for x in (month.unserved_mw, month.interrupted_mw, d.flow_mw))
    _ROOM(
        np.ascontiguousarray(d.generation_mw.T), u.zone, u.capacity_mw if imports else _at_home_mw(u), u.available,
        s.profiles, np.ascontiguousarray(month.up.T), *along_time, k.source, k.target, k.forward_mw, k.backward_mw,
        unused, reach,
    )  # fmt: skip
    return unused.T, reach.T


def spare_mw(month: MonthHours, *, quantile: float = 0.05) -> Floats:
    """Home supply that could still serve a new load in a zone, in all but a share of hours. [MW] (Z,)"""
    reach = room_mw(month, imports=False)[1].T
    at = quantile * (reach.shape[1] - 1)  # between two hours, in proportion
    low = int(at)
    high = min(low + 1, reach.shape[1] - 1)
    reach = np.partition(reach, high, axis=1)
    below = reach[:, :high].max(axis=1) if high > low else reach[:, high]
    return np.asarray(below + (at - low) * (reach[:, high] - below))
