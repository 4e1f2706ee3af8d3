"""The miners of a scenario, month by month: the census up to the case's date, the rush model after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np

from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.mining.census import Census, census, zone_shares
from gridrush.mining.economics import break_even_price, revenue_usd_per_mwh
from gridrush.mining.fleet import Basket, BreakEvenCurve, basket, fleet_j_per_th
from gridrush.mining.forecast import World, WorldDraws, world_forecast, world_path
from gridrush.mining.migration import MonthDrivers, RushModel, RushState
from gridrush.mining.movable import KINDS
from gridrush.mining.network import months_between
from gridrush.mining.rush import rush
from gridrush.policy.levers import MonthPolicy
from gridrush.study.answers import STEPS, Answered, Answers, MovableLoad
from gridrush.units import HOURS_PER_DAY, Floats

FORECAST_SAMPLES = 200
"""Draws behind the forecast's interval."""


WORLD_SAMPLES = 200
"""Worlds drawn, of which a scenario's quantile picks one."""


@dataclass(frozen=True, eq=False)
class MinersNow:
    """Grid-drawn miners of one month."""

    registered_mw: Floats  # (Z,) machines that pay at their tariff, when running
    unregistered_mw: Floats  # (Z,)
    bounds_mw: Floats  # (3,) national total, low, best, high
    found_mw: float  # unregistered MW found and cut off in the month
    own_mw: Floats  # (Z,) registered, on power of their own, off the grid
    world_hashrate_ehs: float
    hashprice_usd_per_ph_day: float
    efficiency_j_per_th: float  # machines, without the site
    pue: float
    idle_mw: Floats = field(default_factory=lambda: np.zeros(0))  # (Z,) registered, stand still: power costs too much
    answers: Answers | None = None  # who answers to the hour's price

    @property
    def hashrate_ehs(self) -> float:
        """Hash rate of the country's grid-drawn miners. [EH/s]"""
        return float((self.registered_mw + self.unregistered_mw).sum() / (self.efficiency_j_per_th * self.pue))

    @cached_property
    def revenue_usd_per_mwh(self) -> float:
        """What a MWh at the site earns; also the power price at which the mean machine breaks even. [USD/MWh]"""
        return revenue_usd_per_mwh(self.hashprice_usd_per_ph_day, self.efficiency_j_per_th, pue=self.pue,
                                   pool_fee_share=0.0)  # fmt: skip

    def figures(self) -> dict[str, Floats | float]:
        """What the monthly data set shows."""
        return {
            "registered_mw": self.registered_mw, "unregistered_mw": self.unregistered_mw, "mining_mw": self.bounds_mw,
            "hashrate_ehs": self.hashrate_ehs, "world_hashrate_ehs": self.world_hashrate_ehs,
            "hashprice_usd_per_ph_day": self.hashprice_usd_per_ph_day,
            "breakeven_usd_per_mwh": self.revenue_usd_per_mwh, "idle_mw": self.idle_mw,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Miners:
    """What is known of the miners before any scenario; `start` gives a fresh copy that can be stepped."""

    case: Case
    census: Census | None
    rush: RushModel | None
    zone_share: Floats  # (Z, 2)
    seed: int = 1
    _baskets: dict[int, tuple[Basket, float]] = field(default_factory=dict)  # by month, and the price paid then
    _worlds: dict[str, WorldDraws] = field(default_factory=dict)

    @classmethod
    def of(cls, case: Case, *, seed: int = 1, draws: int = 2000) -> Miners:
        """Census and network of a case; a case without a mining country has no miners."""
        if not case.mining_country:
            return cls(case, None, None, np.zeros((len(case.zones), 2)), seed)
        found = census(case, draws=draws, seed=seed, first=f"{case.first_year}-01")
        registered, both = found.draws_mw[:, -1, 0].mean(), found.total_mw[:, -1].mean()
        return cls(case, found, RushModel.of(case, registered_share=float(registered / both)), zone_shares(case),
                   seed)  # fmt: skip

    @cached_property
    def fleet_j_per_th(self) -> Floats:
        """Low, best and high efficiency of the world's fleet by month of the record. [J/TH] (T, 3)"""
        return fleet_j_per_th(self.case)

    @cached_property
    def bounds_mw(self) -> Floats:
        """National total by month of the census: 5, 50 and 95%. (3, T)"""
        return np.zeros((3, 0)) if self.census is None else np.quantile(self.census.total_mw, [0.05, 0.5, 0.95], axis=0)

    @cached_property
    def forecast_mw(self) -> dict[int, Floats]:
        """5, 50 and 95% of grid-drawn miners by month after the census, as foreseen on the case's date. [MW]"""
        case = self.case
        if self.census is None:
            return {}
        seen = rush(case, last=f"{case.last_year}-12", samples=FORECAST_SAMPLES, counted=self.census)
        own = seen.power_mw[:, seen.recorded :, seen.countries.index(case.mining_country)]
        bounds = np.quantile(own, [0.05, 0.5, 0.95], axis=0) * case.parameters.mining_on_grid_share.value
        return {_month_number(m): bounds[:, i] for i, m in enumerate(seen.months[seen.recorded :])}

    def drawn_world(self, quantile: float, record_ends: str | None) -> World:
        """A drawn world: coin price, difficulty and fleet of one draw, by rank of what a MWh earns after the record."""
        case = self.case
        key = record_ends or ""
        if key not in self._worlds:
            self._worlds[key] = world_forecast(
                case, last=f"{case.last_year}-12", record_ends=record_ends, samples=WORLD_SAMPLES, seed=self.seed
            )
        w = self._worlds[key]
        if w.recorded >= len(w.months):
            raise ValueError(f"the record runs to {w.months[-1]}: nothing after it to draw")
        ahead = slice(w.recorded, None)
        worth = np.log(w.hashprice_usd_per_ph_day[:, ahead] / w.fleet_j_per_th[:, ahead]).mean(axis=1)
        row = int(np.argsort(worth, kind="stable")[min(int(quantile * WORLD_SAMPLES), WORLD_SAMPLES - 1)])
        at = slice(months_between(w.months[0], np.datetime64(f"{case.first_year}-01", "M")), None)
        return World(w.months[at], w.hashrate_ehs[row, at], w.hashprice_usd_per_ph_day[row, at],
                     w.fleet_j_per_th[row, at], w.recorded - (at.start or 0))  # fmt: skip

    def curve(self, month: int, *, hashprice_usd_per_ph_day: float, fleet_j_per_th: float) -> BreakEvenCurve:
        """MW still running at any power price, in a month (12 year + month - 1) of a world."""
        if month not in self._baskets:
            self._baskets[month] = basket(self.case, _month(month)), _paid_usd_per_mwh(self.case, month // 12)
        p, (devices, paid) = self.case.parameters, self._baskets[month]
        return devices.curve(
            hashprice_usd_per_ph_day, fleet_j_per_th=fleet_j_per_th, paid_usd_per_mwh=paid, pue=p.mining_pue.value,
            pool_fee_share=p.pool_fee_share.value,
        )

    def start(self, scenario: Scenario) -> ScenarioMiners:
        """Miners of a scenario at the first month of the case."""
        return ScenarioMiners(self, scenario)


@dataclass(eq=False)
class ScenarioMiners:
    """State of a scenario's miners; call `month` once for each month in order, then `feed_back`."""

    known: Miners
    scenario: Scenario
    _rationed: Floats = field(init=False)
    _spare: Floats = field(init=False)
    _state: RushState | None = None
    _hourly: Answered | None = None

    def __post_init__(self) -> None:
        Z = len(self.known.case.zones)
        self._rationed, self._spare = np.zeros(Z), np.full(Z, np.inf)
        known, case, assume = self.known, self.known.case, self.scenario.assume
        self._world: World | None = None
        self._earned = np.zeros(0)  # (T,) what a MWh of the mean machine earns in the months of the world [USD/MWh]
        self._world_begins = self._census_begins = 0
        if self.known.rush is not None:
            self._stepper = self.known.rush.stepper()
            self._world = known.drawn_world(assume.world_quantile, assume.world_last_month) if (
                assume.world_quantile is not None
            ) else world_path(
                case, first=f"{case.first_year}-01", last=f"{case.last_year}-12", after=assume.hashprice_after,
                growth_share=assume.hashprice_growth_share, record_ends=assume.world_last_month,
                fleet=known.fleet_j_per_th,
            )  # fmt: skip
            p, w = case.parameters, self._world
            one = break_even_price(w.hashprice_usd_per_ph_day, [1.0], pue=p.mining_pue.value,
                                   pool_fee_share=p.pool_fee_share.value)[:, 0]  # fmt: skip
            if known.census is not None:
                self._census_begins = _month_number(known.census.months[0])
            self._earned, self._world_begins = one / w.fleet_j_per_th, _month_number(w.months[0])

    @cached_property
    def _history_mw(self) -> Floats:
        """Registered and unregistered MW by month of the census, at the scenario's quantile. (T, 2)"""
        found = self.known.census
        return np.zeros((0, 2)) if found is None else found.at(self.scenario.assume.census_quantile)

    def contained_twh(self, years: Sequence[int]) -> Floats:
        """Grid-drawn miners' energy by year as the census has it at the scenario's quantile. [TWh] (Y,)"""
        found = self.known.census
        if found is None:
            return np.zeros(len(years))
        mw = self._history_mw.sum(axis=1)
        first = _month_number(found.months[0])
        out = np.zeros(len(years))
        for i, year in enumerate(years):
            rows = np.clip(np.arange(12 * year, 12 * year + 12) - first, 0, mw.size - 1)
            out[i] = mw[rows].mean() * self.known.case.parameters.mining_uptime_share.value * 8760.0 / 1e6
        return out

    def power_price(self, year: int) -> Floats:
        """What miners pay where no tariff lever is pulled. [USD/MWh] (Z,)"""
        return np.full(len(self.known.case.zones), _paid_usd_per_mwh(self.known.case, year))

    def month(self, month: int, rules: MonthPolicy) -> MinersNow:
        """Miners of a month (12 year + month - 1); months come in order.

        As the census has them up to the month the case closes in; after it the rush model steps from there. A freeze
        keeps them where they stood in its first month. Of registered miners those machines run that earn more than the
        tariff and fee (the break-even curve of the month's fleet); the others stand idle. Those who pay the hour's
        price run by the hour: `answers`.
        """
        known, found, rush = self.known, self.known.census, self.known.rush
        Z = len(known.case.zones)
        if found is None or rush is None or self._world is None:
            return MinersNow(np.zeros(Z), np.zeros(Z), np.zeros(3), 0.0, np.zeros(Z), 0.0, 0.0, 1.0, 1.0, np.zeros(Z),
                             self._answers(month, None, rules))  # fmt: skip
        at = month - self._world_begins
        price, fleet = self._world.hashprice_usd_per_ph_day[at], self._world.fleet_j_per_th[at]
        first = self._census_begins
        row, last = month - first, len(found.months) - 1
        if rules.freeze is not None:
            row = min(row, 12 * rules.freeze.start.year + rules.freeze.start.month - 1 - first)
        near = min(max(row, 0), last)
        low, best, high = known.bounds_mw[:, near]
        found_mw = 0.0
        if row <= last:
            both = self._history_mw[max(row, 0)] * known.zone_share
            registered, unregistered = both[:, 0], both[:, 1]
            self._state = rush.start(registered, unregistered, fleet_j_per_th=fleet)
        else:
            if self._state is None:
                raise ValueError("months of a scenario come in order, the first within the census")
            self._state = self._stepper.step(self._state, self._drivers(month, at, rules))
            registered, unregistered = self._state.registered_mw, self._state.unregistered_mw
            found_mw = self._state.found_mw
        own = registered * rules.own_share
        registered = registered - own
        curve = known.curve(month, hashprice_usd_per_ph_day=float(price), fleet_j_per_th=float(fleet))
        pays = curve.share_at(_cheapest(rules) + rules.fee_usd_per_mwh)
        idle = registered * (1.0 - rules.hourly_share) * (1.0 - pays)
        registered = registered - idle
        bounds = np.array([low, best, high])
        if row > last:
            bounds = self._bounds(month, float((registered + unregistered).sum()), low / best, high / best)
        return MinersNow(
            registered_mw=registered, unregistered_mw=unregistered,
            bounds_mw=bounds,
            found_mw=found_mw, own_mw=own, world_hashrate_ehs=float(self._world.hashrate_ehs[at]),
            hashprice_usd_per_ph_day=float(price), efficiency_j_per_th=float(fleet),
            pue=known.case.parameters.mining_pue.value, idle_mw=idle, answers=self._answers(month, curve, rules),
        )  # fmt: skip

    def _answers(self, month: int, curve: BreakEvenCurve | None, rules: MonthPolicy) -> Answers | None:
        """Who answers to the hour's price in a month; None where nobody does."""
        movable = []
        for d in self.scenario.data_centre:
            ready = 12 * d.start.year + d.start.month - 1 + round(KINDS[d.kind].build_months)
            ends = np.inf if d.end is None else 12 * d.end.year + d.end.month - 1
            if ready <= month < ends:
                movable.append(MovableLoad(d.kind, self.known.case.zone_names.index(d.zone), d.capacity_mw))
        none = np.zeros(0), np.zeros((0, len(self.known.case.zones)))
        if curve is not None and rules.day_usd_per_mwh is not None:
            night = curve.share_at(_cheapest(rules) + rules.fee_usd_per_mwh)
            day = curve.share_at(rules.day_usd_per_mwh + rules.fee_usd_per_mwh)
            return Answers(*none, tuple(movable), rules.night_hours, np.minimum(day / night.clip(1e-9), 1.0))
        if curve is None or not rules.hourly_share:
            return Answers(*none, tuple(movable)) if movable else None
        value, share = curve.blocks(STEPS)
        pays = float(curve.share_at(rules.tariff_usd_per_mwh + rules.fee_usd_per_mwh).mean())
        part = rules.hourly_share / (rules.hourly_share + (1.0 - rules.hourly_share) * pays)  # of those that run
        return Answers(share * part, value[:, None] - rules.fee_usd_per_mwh[None, :] - rules.hourly_grid_usd_per_mwh,
                       tuple(movable))  # fmt: skip

    def feed_back(self, *, rationed_share: Floats, spare_mw: Floats, hourly: Answered | None = None) -> None:
        """Tell the miners how the month went: hours cut, room left beside idle machines, price of hours chosen."""
        self._rationed, self._spare, self._hourly = rationed_share, spare_mw, hourly

    def _bounds(self, month: int, total_mw: float, low: float, high: float) -> Floats:
        """Interval after the census: of the default scenario the forecast's too, of others the census's doubt."""
        case = self.known.case
        if self.scenario.name != case.default_scenario or month not in self.known.forecast_mw:
            return total_mw * np.array([low, 1.0, high])
        seen = self.known.forecast_mw[month]
        return np.array([min(seen[0], total_mw * low), total_mw, max(seen[2], total_mw * high)])

    def _drivers(self, month: int, at: int, rules: MonthPolicy) -> MonthDrivers:
        Z, world = len(self.known.case.zones), self._world
        if world is None:
            raise ValueError("a case without miners has no drivers")
        earned = float(self._earned[at])
        rationed = np.zeros((Z, 2))
        rationed[:, 0] = self._rationed * (1.0 - rules.own_share)
        tariff = rules.tariff_usd_per_mwh
        if rules.day_usd_per_mwh is not None and rules.night_usd_per_mwh is not None:
            tariff, by_day = _by_night(rules, earned)
            rationed[:, 0] = 1.0 - (1.0 - rationed[:, 0]) * (1.0 - by_day)
        if self._hourly is not None and rules.hourly_share:  # of last month: hours without power by their own choice
            still = rules.hourly_share * self._hourly.stopped_share
            rationed[:, 0] = 1.0 - (1.0 - rationed[:, 0]) * (1.0 - still)
            seen = rules.hourly_share * (self._hourly.paid_usd_per_mwh + rules.hourly_grid_usd_per_mwh)
            tariff = (1.0 - rules.hourly_share) * tariff + seen
        price, fleet = float(world.hashprice_usd_per_ph_day[at]), float(world.fleet_j_per_th[at])
        ban, paid = rules.ban, np.empty((Z, 2))
        paid[:, 0], paid[:, 1] = rules.seen_usd_per_mwh(earned, tariff), rules.hidden_usd_per_mwh
        return MonthDrivers(
            month=_month(month),
            world_hashrate_ehs=float(world.hashrate_ehs[at]),
            hashprice_usd_per_ph_day=price,
            fleet_j_per_th=fleet,
            paid_usd_per_mwh=paid,
            rationed_share=rationed,
            room_mw=self._spare,
            quota_mw=np.zeros(Z) if ban is not None else rules.quota_mw,
            register_share=rules.register_share,
            found_share=rules.found_share,
            ban_leave_share=ban.leave_share_per_month if ban is not None else 0.0,
            ban_hide_share=ban.hide_share if ban is not None else 0.0,
        )


def _cheapest(rules: MonthPolicy) -> Floats:
    """Tariff of the hours in which most registered miners run: the night's where it is the lower. (Z,)"""
    if rules.night_usd_per_mwh is None:
        return rules.tariff_usd_per_mwh
    return np.full_like(rules.tariff_usd_per_mwh, rules.night_usd_per_mwh)


def _by_night(rules: MonthPolicy, value_usd_per_mwh: float) -> tuple[Floats, float]:
    """Price of the hours in which the mean machine runs under a tariff by hour (Z,), and share of hours it stands."""
    day, night = rules.day_usd_per_mwh, rules.night_usd_per_mwh
    if day is None or night is None or value_usd_per_mwh >= day + float(rules.fee_usd_per_mwh.max()):
        return rules.tariff_usd_per_mwh, 0.0
    return np.full_like(rules.tariff_usd_per_mwh, night), 1.0 - rules.night_hours / HOURS_PER_DAY


def _paid_usd_per_mwh(case: Case, year: int) -> float:
    """What power costs miners of a case's country in the middle of a year, by its table. [USD/MWh]"""
    day = date(year, 7, 1)
    own = [p for p in case.power_prices if p.country == case.mining_country and p.start <= day]
    return max(own, key=lambda p: p.start).price_usd_per_mwh if own else 0.0


def _month(number: int) -> np.datetime64:
    return np.datetime64(number - 12 * 1970, "M")


def _month_number(month: np.datetime64) -> int:
    """Months since year 0."""
    return int(month.astype("datetime64[M]").astype(np.int64)) + 12 * 1970
