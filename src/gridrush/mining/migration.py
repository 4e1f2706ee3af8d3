"""The rush: where machines go, month by month, over countries and inside the case over zones and status.

Every place has a margin share, what is left of a MWh's revenue after power, with hours lost to rationing:

    m_n = (1 - r_n) (1 - p_n / v),   v = 1000 h (1 - fee) / (24 e PUE)

In a month part of every stock moves on (churn), more of it where the margin lags the world's by more than a gap
(payback elsewhere is shorter) and where it does not pay at all; a ban drives out a share a month, some of which hides;
found machines are lost. The world's hash rate of the month less what stayed is new or moved: displaced machines are
placed first, a share of those waiting each month, then the rest, by a logit

    w_n ~ exp(a_c + b m_n) S_c^g x share of n's zone in its country x split of the zone by status,

each place limited by how fast it can build, by free grid room and by its quota. Units: EH/s inside, MW outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gridrush.case.model import Case
from gridrush.errors import CaseError, Problem
from gridrush.mining._kernels import _run, _step
from gridrush.mining.atlas import country_atlas
from gridrush.mining.census import zone_shares
from gridrush.mining.economics import break_even_price, revenue_usd_per_mwh
from gridrush.units import Floats

Ints = NDArray[np.int64]

CHINA = "China"
WET_MONTHS = (5, 6, 7, 8, 9, 10)
"""Months of cheap hydropower in Sichuan (mining_power_prices.csv, sichuan-power)."""

CHINA_BAN = {
    np.datetime64("2021-06", "M"): "first_month_leave_share",
    np.datetime64("2021-07", "M"): "second_month_leave_share",
}
"""China's order of 21 May 2021 empties farms in June and July (events.csv)."""

PLACE_SHARE_FLOOR = 1e-3
"""Smallest share of a zone and status in its country, so that a place can be seeded."""


@dataclass(frozen=True)
class RushParameters:
    """Numbers of the rush.

    Fitted by `calibrate.fit_rush` on the even months of the map (2019-09, 2019-11, ... 2021-09); 90% intervals in
    docs/mining.md. Those judged instead say so.
    """

    margin_weight: float = 4.399  # b
    attachment: float = 0.7113  # g
    churn_share: float = 0.08606  # of a stock moves on in a month
    exit_share: float = 0.1031  # more, a month, where the margin lags
    exit_gap: float = 0.2906  # lag of margin share at which half of that leaves
    return_share: float = 0.4063  # of displaced machines placed in a month
    china_wet_usd_per_mwh: float = 21.37
    china_dry_usd_per_mwh: float = 43.82
    first_month_leave_share: float = 0.2745  # of China's stock, June 2021
    second_month_leave_share: float = 0.3915  # July 2021
    pull: Mapping[str, float] = field(default_factory=dict)  # a by country; China 0
    pull_growth: Mapping[str, float] = field(default_factory=dict)  # of a, a year from 2020-09, until the case closes
    near: Mapping[str, float] = field(default_factory=dict)  # extra pull on displaced machines
    exit_width: float = 0.08  # judged: spread of paybacks among owners
    shut_share: float = 0.30  # judged: a month, where power costs more than it earns
    shut_margin: float = 0.0
    shut_width: float = 0.05  # judged: spread of efficiency around the fleet's
    build_share: float = 0.75  # largest rise of a stock in a month on the map, rounded up (Kazakhstan, Aug 2021: 0.70)
    build_floor_ehs: float = 1.0  # judged: what can be built in a month where nothing stands
    seed_share: float = 0.10  # judged: weight of the case's zone table against where the stock stands
    legal_margin: float = 0.05  # judged: what being registered is worth, in margin: banks, contracts, no flight
    pull_floor_share: float = 0.003  # judged: of the world, below which a country's stock pulls no less
    found_cost_months: float = 4.0  # judged: margin lost when a hidden farm is cut off, in months

    def vector(self) -> Floats:
        """The scalars in the order the kernel wants."""
        return np.array([
            self.margin_weight, self.attachment, self.churn_share, self.build_share, self.build_floor_ehs,
            self.exit_share, self.exit_gap, self.exit_width, self.shut_share, self.shut_margin, self.shut_width,
            self.seed_share, self.found_cost_months, self.return_share, self.legal_margin,
            self.pull_floor_share,
        ])  # fmt: skip


@dataclass(frozen=True, eq=False)
class RushState:
    """Where the machines are at the end of a month."""

    stock_ehs: Floats  # (N,) other countries, then zones x status of the case
    waiting_ehs: float  # displaced, not yet placed
    registered_mw: Floats  # (Z,) when running, grid-drawn
    unregistered_mw: Floats  # (Z,)
    found_mw: float = 0.0  # unregistered miners found and cut off in the month

    @property
    def total_mw(self) -> float:
        """All miners of the case. [MW]"""
        return float(self.registered_mw.sum() + self.unregistered_mw.sum())


@dataclass(frozen=True, eq=False)
class MonthDrivers:
    """What the world and the grid say in a month. Arrays by zone Z, second axis registered and unregistered."""

    month: np.datetime64
    world_hashrate_ehs: float
    hashprice_usd_per_ph_day: float
    fleet_j_per_th: float
    paid_usd_per_mwh: Floats  # (Z, 2) power, fee included
    rationed_share: Floats  # (Z, 2) of the hours without power
    room_mw: Floats  # (Z,) free on the grid for new load
    quota_mw: Floats  # (Z,) cap on registered MW; inf = none
    register_share: float = 0.0  # of unregistered miners that register, where that pays and the quota leaves room
    found_share: float = 0.0  # of unregistered miners found and cut off
    ban_leave_share: float = 0.0  # of registered miners driven out
    ban_hide_share: float = 0.0  # of those, hide instead


@dataclass(frozen=True, eq=False)
class RushModel:
    """The rush of one case, ready to be stepped."""

    countries: tuple[str, ...]  # other countries, then the case's own
    parameters: RushParameters
    zone_names: tuple[str, ...]
    pue: float
    pool_fee_share: float
    price_usd_per_mwh: Floats  # (C,) paid abroad; the case's own last
    base_share: Floats  # (Z, 2) of the case's miners, sums to 1
    start_ehs: Floats  # (C,) last month of the map
    start_month: np.datetime64
    pull: Floats  # (C,) at the last month of the map
    near: Floats  # (C,)

    @classmethod
    def of(cls, case: Case, *, parameters: RushParameters | None = None, registered_share: float = 0.5) -> RushModel:
        """Model of a case with a map and power prices.

        Parameters
        ----------
        registered_share : float
            Of the case's miners, where places are seeded before any stand there.

        Raises
        ------
        CaseError
            If the case names no mining country or the map does not hold it.
        """
        p = parameters or DEFAULT
        atlas = country_atlas(case)
        if case.mining_country not in atlas.countries:
            wanted = "a country of mining_atlas.csv"
            raise CaseError([Problem("case.yaml: mining_country", case.mining_country, wanted)])
        own = case.mining_country
        names = (*(c for c in atlas.countries if c != own), own)
        columns = [atlas.of(c) for c in names]
        z = zone_shares(case) * np.array([registered_share, 1.0 - registered_share])
        z = np.maximum(z, PLACE_SHARE_FLOOR)
        return cls(
            countries=names,
            parameters=p,
            zone_names=case.zone_names,
            pue=case.parameters.mining_pue.value,
            pool_fee_share=case.parameters.pool_fee_share.value,
            price_usd_per_mwh=np.array([price_of(case, c, atlas.months[-1]) for c in names]),
            base_share=z / z.sum(),
            start_ehs=atlas.hashrate_ehs[-1, columns],
            start_month=atlas.months[-1],
            pull=pull_at(p, names, atlas.months[-1:])[0],
            near=np.array([p.near.get(c, 0.0) for c in names]),
        )

    @property
    def _places(self) -> tuple[Ints, Floats, Ints, Ints]:
        """Country of each place, base share, where its banned miners hide, where its hidden miners register."""
        C, Z = len(self.countries) - 1, len(self.zone_names)
        group = np.concatenate([np.arange(C), np.full(2 * Z, C)]).astype(np.int64)
        base = np.concatenate([np.ones(C), self.base_share.ravel()])
        hide = np.full(C + 2 * Z, -1, np.int64)
        register = hide.copy()
        registered = C + 2 * np.arange(Z)
        hide[registered], register[registered + 1] = registered + 1, registered
        return group, base, hide, register

    def mw_per_ehs(self, fleet_j_per_th: float) -> float:
        """MW of one EH/s, site overhead included."""
        return fleet_j_per_th * self.pue

    def start(self, registered_mw: Floats, unregistered_mw: Floats, *, fleet_j_per_th: float) -> RushState:
        """State at the month the census ends: the case's miners as given, the other countries as on the map.

        Parameters
        ----------
        registered_mw, unregistered_mw : ndarray, shape (Z,)
            Grid-drawn miners when running. [MW]
        fleet_j_per_th : float
            Fleet of that month. [J/TH]
        """
        both = np.stack([registered_mw, unregistered_mw], axis=1) / self.mw_per_ehs(fleet_j_per_th)
        stock = np.concatenate([self.start_ehs[:-1], both.ravel()])
        return RushState(stock, 0.0, np.array(registered_mw, np.float64), np.array(unregistered_mw, np.float64))

    def step(self, state: RushState, drivers: MonthDrivers) -> RushState:
        """State a month later. Pure: nothing is changed, nothing is drawn.

        A higher fee, tariff or rationed share of registered miners never raises their MW, more enforcement never
        raises the unregistered, a wider quota never lowers the sum.
        """
        return _Stepper(self).step(state, drivers)

    def stepper(self) -> _Stepper:
        """The same step with its work space kept: for loops over many months."""
        return _Stepper(self)


class _Stepper:
    """A `RushModel` with its arrays laid out."""

    def __init__(self, model: RushModel) -> None:
        self._m = model
        self._group, self._base, self._hide, self._register = model._places
        n, c = self._base.size, len(model.countries)
        self._c, self._par = c - 1, model.parameters.vector()
        self._price, self._cut, self._found = np.empty(n), np.zeros(n), np.zeros(n)
        self._leave, self._room, self._quota = np.zeros(n), np.full(n, np.inf), np.full(n, np.inf)
        self._price[: c - 1] = model.price_usd_per_mwh[:-1]
        self._china = model.countries.index(CHINA) if CHINA in model.countries[:-1] else -1
        self._work = [np.empty(n) for _ in range(4)]
        self._size = np.empty(c)
        zone = model.base_share.sum(axis=1, keepdims=True)
        self._in_zone = model.base_share / zone

    def step(self, state: RushState, d: MonthDrivers) -> RushState:
        """One month; see `RushModel.step`."""
        m, c = self._m, self._c
        per = m.mw_per_ehs(d.fleet_j_per_th)
        value = revenue_usd_per_mwh(
            d.hashprice_usd_per_ph_day, d.fleet_j_per_th, pue=m.pue, pool_fee_share=m.pool_fee_share
        )
        if self._china >= 0:
            self._price[self._china] = china_price(m.parameters, d.month)
        self._price[c:] = d.paid_usd_per_mwh.ravel()
        self._cut[c:] = d.rationed_share.ravel().clip(0.0, 1.0)
        self._found[c + 1 :: 2] = d.found_share
        self._leave[c::2] = d.ban_leave_share
        self._room[c:] = (self._in_zone * np.maximum(d.room_mw, 0.0)[:, None]).ravel() / per
        self._quota[c::2] = d.quota_mw / per
        new = np.empty_like(state.stock_ehs)
        waiting, _ = _step(
            state.stock_ehs, state.waiting_ehs, self._group, d.world_hashrate_ehs, value,
            self._price, self._cut, self._found, self._leave, self._hide, d.ban_hide_share, self._register,
            d.register_share, self._room, self._quota, self._size, m.pull, m.near, self._base, self._par, new,
            *self._work,
        )  # fmt: skip
        both = new[c:].reshape(-1, 2) * per
        found = float(state.stock_ehs[c + 1 :: 2].sum() * per * d.found_share)
        return RushState(new, float(waiting), both[:, 0].copy(), both[:, 1].copy(), found)


def china_price(p: RushParameters, month: np.datetime64) -> float:
    """What miners in China pay: hydropower in the wet season, coal in the dry. [USD/MWh]"""
    wet = int(month.astype("datetime64[M]").astype(np.int64)) % 12 + 1 in WET_MONTHS
    return p.china_wet_usd_per_mwh if wet else p.china_dry_usd_per_mwh


def price_of(case: Case, country: str, month: np.datetime64) -> float:
    """Power price of a country in a month; "Other" where the case has none. [USD/MWh]

    Raises
    ------
    CaseError
        If neither the country nor "Other" has a price.
    """
    day = month.astype("datetime64[D]").astype(object)
    for name in (country, "Other"):
        known = [r for r in case.power_prices if r.country == name and r.start <= day]
        known = [r for r in known if r.end is None or day < r.end]
        if known:
            return max(known, key=lambda r: r.start).price_usd_per_mwh
    raise CaseError([Problem("mining_power_prices.csv", country, f"a price of {country} or Other in {month}")])


PULL_YEAR = np.datetime64("2020-09", "M")
"""Month from which `pull_growth` counts: the middle of the map."""


def pull_at(p: RushParameters, countries: tuple[str, ...], months: NDArray[np.datetime64]) -> Floats:
    """Pull of each country by month. (T, C)"""
    years = (months - PULL_YEAR).astype(np.int64) / 12.0
    level = np.array([p.pull.get(c, 0.0) for c in countries])
    growth = np.array([p.pull_growth.get(c, 0.0) for c in countries])
    return np.asarray(level + growth * years[:, None])


@dataclass(frozen=True, eq=False)
class History:
    """The rush replayed over the months of the map, countries as the map has them."""

    months: NDArray[np.datetime64]  # (T,)
    countries: tuple[str, ...]
    hashrate_ehs: Floats  # (T, C) where machines are
    map_ehs: Floats  # (T, C) what the map would show: hidden countries left out and the rest scaled up
    waiting_ehs: Floats  # (T,) displaced, not yet placed


def replay(case: Case, *, parameters: RushParameters | None = None) -> History:
    """The rush from the first month of the map to its last, with nothing of the map after the first month used.

    Given: the world's hash rate, hashprice and fleet, power prices, the Chinese ban. Found: who gained what.
    """
    return Replay.of(case).run(parameters or DEFAULT)


@dataclass(frozen=True, eq=False)
class Replay:
    """Arrays of `replay`, so that a fit can run it a thousand times."""

    months: NDArray[np.datetime64]
    countries: tuple[str, ...]
    start_ehs: Floats
    world_ehs: Floats
    hidden: Floats
    value_usd_per_mwh: Floats  # (T,)
    price_usd_per_mwh: Floats  # (T, C)

    @classmethod
    def of(cls, case: Case) -> Replay:
        """Arrays of a case."""
        from gridrush.mining.fleet import fleet_j_per_th
        from gridrush.mining.network import network_of

        atlas, network = country_atlas(case), network_of(case)
        rows = np.array([network.at(m) for m in atlas.months])
        value = break_even_price(
            network.hashprice_usd_per_ph_day[rows], [1.0], pue=case.parameters.mining_pue.value,
            pool_fee_share=case.parameters.pool_fee_share.value,
        )[:, 0] / fleet_j_per_th(case)[rows, 1]  # fmt: skip
        price = np.array([[price_of(case, c, m) for c in atlas.countries] for m in atlas.months])
        return cls(
            atlas.months, atlas.countries, atlas.hashrate_ehs[0], network.hashrate_ehs[rows], atlas.hidden, value, price
        )

    def run(self, p: RushParameters) -> History:
        """Replay under these parameters."""
        T, C = self.price_usd_per_mwh.shape
        price, leave = self.price_usd_per_mwh.copy(), np.zeros((T, C))
        if CHINA in self.countries:
            china = self.countries.index(CHINA)
            price[:, china] = [china_price(p, m) for m in self.months]
            for month, name in CHINA_BAN.items():
                leave[self.months == month, china] = getattr(p, name)
        none, free = np.zeros((T - 1, C)), np.full((T - 1, C), np.inf)
        nowhere = np.full(C, -1, np.int64)
        near = np.array([p.near.get(c, 0.0) for c in self.countries])
        out = np.empty((T, C))
        out[0] = self.start_ehs
        waiting = np.zeros(T)
        out[1:], waiting[1:] = _run(
            self.start_ehs, 0.0, np.arange(C), self.world_ehs[1:], self.value_usd_per_mwh[1:], price[1:], none, none,
            leave[1:], nowhere, 0.0, nowhere, np.zeros(T - 1), free, free, pull_at(p, self.countries, self.months)[1:],
            near, np.ones(C), p.vector(),
        )  # fmt: skip
        return History(self.months, self.countries, out, out / (1.0 - self.hidden[:, None]), waiting)


DEFAULT = RushParameters(
    pull={
        "Canada": -0.3462, "Germany": 0.4144, "Iran": -0.51, "Ireland": 0.2608, "Kazakhstan":
        0.5979, "Malaysia": 0.5895, "Other": 0.6192, "Russia": 0.0716, "United States": 0.5933,
    },
    pull_growth={"China": 0.1131, "United States": 0.542},
    near={"Kazakhstan": 1.717},
)
"""The fit of `calibrate.fit_rush(case)` on the Kazakhstan case, even months."""
