"""What a simulation gives: one scenario of one case over years of hours, with its errors.

All numbers sit in four xarray data sets; every variable carries `units` and `long_name`.

hourly  (time, zone[, fuel | link])    one sampled path of weather and outages, so that a week can be looked at
    load_mw            firm load wanted, unregistered miners included, registered miners left out
    registered_mw      registered miners' load wanted          unregistered_mw   (part of load_mw)
    generation_mw      (time, fuel, zone) fuels in `fuel`      import_mw, export_mw
    charged_mw, discharged_mw, spilled_mw, loss_mw             unserved_mw  firm load not served
    interrupted_mw     registered miners' load not served      price_usd_per_mwh
    flow_mw            (time, link), positive from the first to the second zone named
    Identity in every hour and zone, `inflow` being what links bring in less what they take out:
    generation + import + discharged + inflow = (load - unserved) + (registered - interrupted) + export + charged
    + spilled; summed over zones, inflow is minus the losses.
monthly (month[, zone])                miners and money by month
    registered_mw, unregistered_mw (month, zone)   mean over samples of the load wanted
    mining_mw (month, bound)           national total; bound = low, best, high (5, 50, 95%)
    hashrate_ehs, world_hashrate_ehs, hashprice_usd_per_ph_day, breakeven_usd_per_mwh
    idle_mw (month, zone)              registered load that does not pay at its tariff
    rationed_share (month, zone)       share of hours in which miners were cut
annual  (year[, zone | fuel | ...])    mean over samples; `<name>_stderr` beside it where samples differ
    demand_twh (year, zone)            all load wanted, miners included
    registered_twh, unregistered_twh (year, zone)
    generation_twh (year, fuel), import_twh, export_twh, net_import_twh (year)
    peak_mw (year), autumn_evening_peak_mw (year), installed_mw, available_mw (year)
    unserved_gwh (year, zone), shortfall_h (year, zone), interrupted_gwh (year, zone)
    co2_mt (year)
risk    (year, zone)                   Monte Carlo over unit outages: LOLE_h, EUE_mwh and *_stderr;
                                       zone "system" counts an hour once. Only the years assessed are present.
ledger  (year, line)                   USD of 2021; each line named in `policy.fiscal.LINES`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from gridrush.case.model import Case
from gridrush.case.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, eq=False)
class Run:
    """One simulated scenario; the data sets are described at the top of this module."""

    case: Case
    scenario: Scenario
    seed: int
    samples: int
    hourly: xr.Dataset
    monthly: xr.Dataset
    annual: xr.Dataset
    risk: xr.Dataset
    ledger: pd.DataFrame  # index year, columns lines [USD]
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return self.scenario.name

    @property
    def years(self) -> list[int]:
        """Years simulated."""
        return [int(y) for y in self.annual["year"].values]


@dataclass(frozen=True, eq=False)
class Study:
    """Several runs of one case and the tables drawn from them; what the report shows."""

    case: Case
    runs: Mapping[str, Run]  # by scenario name, the case's default first
    claims: pd.DataFrame  # claim, who, said, text, value, unit, low, best, high, fact, verdict, margin, why
    relief: pd.DataFrame  # remedy, kind, first_year_low/best/high, power_mw, eue_avoided_gwh, cost_usd_per_mwh, why
    checks: pd.DataFrame  # quantity, year, model, official, deviation_share, within, source
    events: Mapping[str, xr.Dataset] = field(default_factory=dict)  # replays, e.g. "2021-10-14"
    folder: Path | None = None  # where it is stored
    seconds: float = 0.0
    gallery: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # close-ups of the first run: study.gallery
    plan: Mapping[str, Any] | None = None  # what the planner found, where it was asked: study.plan_store
