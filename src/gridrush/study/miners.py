"""The miners of a scenario, month by month: the census up to the case's date, the rush model after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.mining.census import Census, census, zone_shares
from gridrush.mining.economics import break_even_price
from gridrush.mining.fleet import fleet_j_per_th
from gridrush.mining.network import Network, network_of
from gridrush.policy.levers import MonthPolicy
from gridrush.units import Floats


@dataclass(frozen=True, eq=False)
class MinersNow:
    """Grid-drawn miners of one month."""

    registered_mw: Floats  # (Z,) when running
    unregistered_mw: Floats  # (Z,)
    bounds_mw: Floats  # (3,) national total, low, best, high
    found_mw: float  # unregistered MW found and cut off in the month
    world_hashrate_ehs: float
    hashprice_usd_per_ph_day: float
    efficiency_j_per_th: float  # machines, without the site
    pue: float

    @property
    def hashrate_ehs(self) -> float:
        """Hash rate of the country's grid-drawn miners. [EH/s]"""
        return float((self.registered_mw + self.unregistered_mw).sum() / (self.efficiency_j_per_th * self.pue))

    @property
    def revenue_usd_per_mwh(self) -> float:
        """What a MWh at the site earns; also the power price at which the mean machine breaks even. [USD/MWh]"""
        return float(break_even_price([self.hashprice_usd_per_ph_day], [self.efficiency_j_per_th], pue=self.pue)[0, 0])

    def figures(self) -> dict[str, Floats]:
        """What the monthly data set shows."""
        return {
            "registered_mw": self.registered_mw, "unregistered_mw": self.unregistered_mw, "mining_mw": self.bounds_mw,
            "hashrate_ehs": np.asarray(self.hashrate_ehs), "world_hashrate_ehs": np.asarray(self.world_hashrate_ehs),
            "hashprice_usd_per_ph_day": np.asarray(self.hashprice_usd_per_ph_day),
            "breakeven_usd_per_mwh": np.asarray(self.revenue_usd_per_mwh),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Miners:
    """What is known of the miners before any scenario; `start` gives a fresh copy that can be stepped."""

    case: Case
    census: Census | None
    network: Network | None
    efficiency_j_per_th: Floats  # (T,) best, by month of the network
    zone_share: Floats  # (Z, 2)

    @classmethod
    def of(cls, case: Case, *, seed: int = 1, draws: int = 2000) -> Miners:
        """Census and network of a case; a case without a mining country has no miners."""
        if not case.mining_country:
            return cls(case, None, None, np.zeros(0), np.zeros((len(case.zones), 2)))
        return cls(case, census(case, draws=draws, seed=seed, first=f"{case.first_year}-01"), network_of(case),
                   fleet_j_per_th(case)[:, 1], zone_shares(case))  # fmt: skip

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
    _last: MinersNow | None = None

    def __post_init__(self) -> None:
        Z = len(self.known.case.zones)
        self._rationed, self._spare = np.zeros(Z), np.full(Z, np.inf)

    def contained_twh(self, years: Sequence[int]) -> Floats:
        """Grid-drawn miners' energy by year as the census has it at the scenario's quantile. [TWh] (Y,)"""
        found = self.known.census
        if found is None:
            return np.zeros(len(years))
        mw = found.at(self.scenario.assume.census_quantile).sum(axis=1)
        month = found.months.astype(np.int64) + 12 * 1970
        out = np.zeros(len(years))
        for i, year in enumerate(years):
            rows = np.clip(np.arange(12 * year, 12 * year + 12) - month[0], 0, mw.size - 1)
            out[i] = mw[rows].mean() * self.known.case.parameters.mining_uptime_share.value * 8760.0 / 1e6
        return out

    def power_price(self, year: int) -> Floats:
        """What registered miners pay where no tariff lever is pulled. [USD/MWh] (Z,)"""
        case = self.known.case
        day = date(year, 7, 1)
        known = [p for p in case.power_prices if p.country == case.mining_country and p.start <= day]
        price = max(known, key=lambda p: p.start).price_usd_per_mwh if known else 0.0
        return np.full(len(case.zones), price)

    def month(self, month: int, rules: MonthPolicy) -> MinersNow:
        """Miners of a month (12 year + month - 1); months come in order."""
        known, found, net = self.known, self.known.census, self.known.network
        Z = len(known.case.zones)
        if found is None or net is None:
            return MinersNow(np.zeros(Z), np.zeros(Z), np.zeros(3), 0.0, 0.0, 0.0, 1.0, 1.0)
        origin = int(found.months[0].astype(np.int64)) + 12 * 1970
        row = min(month - origin, len(found.months) - 1)
        if rules.freeze is not None:
            row = min(row, 12 * rules.freeze.start.year + rules.freeze.start.month - 1 - origin)
        at = min(max(month - int(net.months[0].astype(np.int64)) - 12 * 1970, 0), len(net.months) - 1)
        both = found.at(self.scenario.assume.census_quantile)[row]
        now = MinersNow(
            registered_mw=both[0] * known.zone_share[:, 0],
            unregistered_mw=both[1] * known.zone_share[:, 1],
            bounds_mw=np.quantile(found.total_mw[:, row], [0.05, 0.5, 0.95]),
            found_mw=0.0,
            world_hashrate_ehs=float(net.hashrate_ehs[at]),
            hashprice_usd_per_ph_day=float(net.hashprice_usd_per_ph_day[at]),
            efficiency_j_per_th=float(known.efficiency_j_per_th[at]),
            pue=known.case.parameters.mining_pue.value,
        )
        self._last = now
        return now

    def feed_back(self, *, rationed_share: Floats, spare_mw: Floats) -> None:
        """Tell the miners how the month went: hours they were cut, and room left on the grid."""
        self._rationed, self._spare = rationed_share, spare_mw
