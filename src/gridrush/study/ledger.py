"""Fills the ledger of a run: month by month for the miners, year by year for the system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd
import xarray as xr

from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.grid.network import GridModel
from gridrush.planning.options import annuity_share
from gridrush.policy.fiscal import ledger
from gridrush.policy.levers import MonthPolicy
from gridrush.study.collect import MonthSums
from gridrush.study.hours import MonthHours
from gridrush.study.miners import MinersNow

HOURS_PER_DAY = 24.0


@dataclass(eq=False)
class RunLedger:
    """Payments of a run as they add up."""

    case: Case
    scenario: Scenario
    model: GridModel
    amounts_usd: dict[str, dict[int, float]] = field(default_factory=dict)

    def _pay(self, line: str, year: int, usd: float) -> None:
        by_year = self.amounts_usd.setdefault(line, {})
        by_year[year] = by_year.get(year, 0.0) + usd

    def add_month(self, hours: MonthHours, sums: MonthSums, miners: MinersNow, rules: MonthPolicy) -> None:
        """Payments of miners and consumers in a month, mean over its paths; `sums` are those of its hours."""
        paths = hours.system.time.size // hours.hours
        year = hours.month // 12
        wanted, registered, hidden, unserved, cut = sums.of(
            "demand_twh", "registered_twh", "unregistered_twh", "unserved_gwh", "interrupted_gwh"
        )
        consumers = wanted - registered - hidden - unserved
        registered = registered - cut
        registered_mwh, hidden_mwh, cut_mwh = (float(sum(x.tolist())) for x in (registered, hidden, cut))
        fee_usd = float(registered @ rules.fee_usd_per_mwh)
        power_usd = float(registered @ rules.tariff_usd_per_mwh)
        if rules.day_usd_per_mwh is not None and rules.night_usd_per_mwh is not None:
            price = np.where(hours.legal_hour < rules.night_hours, rules.night_usd_per_mwh, rules.day_usd_per_mwh)
            power_usd = float((hours.registered_mw - hours.interrupted_mw).sum(axis=1) @ price) / paths
        if hours.answered is not None:  # those who pay the hour's price
            by_hour = hours.answered.hourly_mw.sum(axis=0) / paths
            power_usd += float(by_hour @ (rules.hourly_grid_usd_per_mwh - rules.tariff_usd_per_mwh))
            power_usd += hours.answered.hourly_usd / paths
        self._pay("registered_power", year, power_usd)
        self._pay("fee", year, fee_usd)
        self._pay("unregistered_power", year, hidden_mwh * rules.retail_usd_per_mwh)
        self._pay("consumer_power", year, float(consumers.sum()) * rules.retail_usd_per_mwh)
        paid = rules.rationing.paid_usd_per_mwh if rules.rationing is not None else 0.0
        self._pay("interruption", year, cut_mwh * paid)
        self._pay("enforcement", year, miners.found_mw * rules.found_cost_usd_per_mw)
        self._pay("fines", year, miners.found_mw * rules.fine_usd_per_mw)
        per_mwh = miners.revenue_usd_per_mwh
        own = float(miners.own_mw.sum()) * hours.hours * self.case.parameters.mining_uptime_share.value
        self._pay("own_power", year, own * rules.own_usd_per_mwh)
        self._pay("fee", year, own * rules.own_fee_usd_per_mwh)
        self._pay("registered_coins", year, (registered_mwh + own) * per_mwh)
        self._pay("unregistered_coins", year, hidden_mwh * per_mwh)
        spent = power_usd + fee_usd
        spent += own * (rules.own_usd_per_mwh + rules.own_fee_usd_per_mwh)
        profit = (registered_mwh + own) * per_mwh + cut_mwh * paid - spent
        self._pay("profit_tax", year, rules.profit_tax_share * max(profit, 0.0))

    def table(self, annual: xr.Dataset, risk: xr.Dataset | None = None) -> pd.DataFrame:
        """The ledger by year, with the system's lines from the yearly sums. [USD]

        Energy not served is the expected one of the Monte Carlo, linear between the years assessed, at the value of
        industry, which is cut before homes. Where no year was assessed it is what the simulated paths had.
        """
        expected = self._unserved_usd(risk)
        carbon = self.model.carbon_price_usd_per_t
        sums = {k: annual[k].values.tolist()
                for k in ("co2_mt", "fuel_usd", "import_usd", "export_usd", "unserved_usd")}  # fmt: skip
        for i, y in enumerate(annual["year"].values.tolist()):
            levy = carbon * 1e6 * sums["co2_mt"][i]
            self._pay("fuel", y, sums["fuel_usd"][i] - levy)
            self._pay("carbon", y, levy)
            self._pay("imports", y, sums["import_usd"][i])
            self._pay("exports", y, sums["export_usd"][i])
            self._pay("unserved", y, expected(y) if expected is not None else sums["unserved_usd"][i])
            fixed, new = self._fixed_usd(y)
            self._pay("fixed", y, fixed)
            self._pay("new_plant", y, new)
        return ledger(self.amounts_usd)

    def _unserved_usd(self, risk: xr.Dataset | None) -> Callable[[int], float] | None:
        if risk is None or "EUE_mwh" not in risk:
            return None
        years = risk["year"].values.astype(float)
        mwh = risk["EUE_mwh"].sel(zone="system").values
        value = self.case.parameters.value_industry.value
        return lambda year: float(np.interp(year, years, mwh)) * value if year >= years[0] else 0.0

    def _fixed_usd(self, year: int) -> tuple[float, float]:
        """Fixed cost of what stands, and annuity of what the scenario has built, in mid-year. [USD/yr]"""
        month = 12 * year + 6
        fixed = self.model.fixed_cost_usd_per_year(month)
        projects = {p.project: p for p in self.case.projects}
        rate = self.case.parameters.discount_share.value
        new = 0.0
        serving = {_project_of(p.name) for p in self.model.active(month)}
        serving |= {w.name for w in self.model.wires if w.first_month <= month < w.last_month}
        for build in self.scenario.builds:
            p = projects[build.project]
            if p.project in serving:
                life = self.model.parameter(p.technology, "life_years", 30.0)
                mw = p.capacity_mw if build.capacity_mw is None else build.capacity_mw
                new += mw * p.capex_usd_per_mw * annuity_share(rate, life)
        return fixed, new


@lru_cache(maxsize=4096)
def _project_of(name: str) -> str:
    """Project a unit or line belongs to: its name without the number of the unit."""
    head, _, tail = name.rpartition(" ")
    return head if tail.isdigit() else name
