"""Runs as the page reads them: plain lists of numbers, named by quantity and unit. Nothing is computed here."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from gridrush.case.model import Case
from gridrush.study.instant import in_service, links_of, party_balances, party_lines, system_costs
from gridrush.study.run import Run

Json = dict[str, Any]

_SUMMED = ("demand_twh", "registered_twh", "unregistered_twh", "unserved_gwh", "interrupted_gwh")
_SINGLE = ("import_twh", "export_twh", "net_import_twh", "peak_mw", "autumn_evening_peak_mw", "installed_mw",
           "available_mw", "co2_mt")  # fmt: skip
_DIGITS = 5


def rounded(values: Any) -> Any:
    """Numbers as lists, five significant figures; what is not a number becomes null when it is written as JSON."""
    x = np.asarray(values, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        places = _DIGITS - 1 - np.floor(np.log10(np.abs(x)))
        places = np.where(np.isfinite(places), places, 0.0)
        up, down = 10.0 ** np.maximum(places, 0.0), 10.0 ** np.maximum(-places, 0.0)
        return (np.rint(x * up / down) / up * down).tolist()


def of_run(run: Run) -> Json:
    """Years, months and money of a run."""
    years = [int(y) for y in run.annual["year"].values]
    n = 12 * len(years)
    a = {str(k): np.asarray(v.values) for k, v in run.annual.variables.items()}
    m = {str(k): np.asarray(v.values)[:n] for k, v in run.monthly.variables.items()}
    zones, fuels = [str(z) for z in a["zone"]], [str(f) for f in a["fuel"]]

    def each(names: list[str], table: Any) -> Json:
        return dict(zip(names, rounded(np.asarray(table).T), strict=True))

    annual = {k: rounded(a[k].sum(axis=1)) for k in _SUMMED if k in a}
    annual |= {k: rounded(a[k]) for k in _SINGLE if k in a}
    annual["shortfall_h"] = rounded(a["shortfall_h"].max(axis=1))
    monthly = {k: rounded(m[k].sum(axis=1)) for k in ("registered_mw", "unregistered_mw")}
    bounds = [str(b) for b in run.monthly["bound"].values]
    monthly |= {f"mining_{b}_mw": v for b, v in each(bounds, m["mining_mw"]).items()}
    monthly |= {k: rounded(m[k]) for k in ("hashrate_ehs", "world_hashrate_ehs", "hashprice_usd_per_ph_day",
                                           "breakeven_usd_per_mwh") if k in m}  # fmt: skip
    cash = run.ledger
    paid = each([str(k) for k in cash.columns], cash.to_numpy())
    net = party_balances(run)
    return {
        "scenario": run.scenario.name, "title": run.scenario.title, "years": years, "annual": annual,
        "zones": {k: each(zones, a[k]) for k in _SUMMED}, "generation_twh": each(fuels, a["generation_twh"]),
        "months": [str(x)[:7] for x in m["month"]], "monthly": monthly,
        "monthly_zones": {k: each(zones, m[k]) for k in ("registered_mw", "unregistered_mw", "rationed_share")},
        "ledger": paid, "balances": each([str(k) for k in net.columns], net.to_numpy()),
        "system_cost_usd": rounded(system_costs(run).to_numpy()),
        "projects": in_service(run), "lines": party_lines(), "seconds": round(run.seconds, 3),
    }  # fmt: skip


def of_risk(risk: xr.Dataset) -> Json:
    """LOLE and EUE by year and zone, with their standard errors."""
    return {
        "years": [int(y) for y in risk["year"].values],
        "zones": {str(z): {str(k): rounded(risk[k].sel(zone=z)) for k in risk.data_vars} for z in risk["zone"].values},
    }


def of_hours(case: Case, hours: xr.Dataset, first: pd.Timestamp, last: pd.Timestamp) -> Json:
    """Hours from `first` up to `last` in UTC: by fuel, by zone, by link with its limit."""
    at = pd.DatetimeIndex(hours["time"].values)
    part = hours.isel(time=np.flatnonzero((at >= first) & (at < last)))
    time = pd.DatetimeIndex(part["time"].values)
    offset = _offset_h(case, first)
    names = ("load_mw", "registered_mw", "unregistered_mw", "unserved_mw", "interrupted_mw", "import_mw", "export_mw",
             "discharged_mw", "charged_mw")  # fmt: skip
    zones = [str(z) for z in part["zone"].values]
    flows = links_of(case, [str(x) for x in part["link"].values], first.date())
    return {
        "time": [int(t) for t in time.values.astype("datetime64[s]").astype(np.int64)], "utc_offset_h": offset,
        "national": {k: rounded(part[k].sum("zone").round(1)) for k in names},
        "generation_mw": {str(f): rounded(part["generation_mw"].sel(fuel=f).sum("zone").round(1))
                          for f in part["fuel"].values if float(part["generation_mw"].sel(fuel=f).max()) > 0.5},
        "zones": {z: {**{k: rounded(part[k].sel(zone=z).round(1)) for k in names},
                      "price_usd_per_mwh": rounded(part["price_usd_per_mwh"].sel(zone=z).round(2)),
                      "generation_mw": rounded(part["generation_mw"].sel(zone=z).sum("fuel").round(1))}
                  for z in zones},
        "links": [{**f, "flow_mw": rounded(part["flow_mw"].sel(link=f["link"]).round(1))} for f in flows],
    }  # fmt: skip


def as_utc(case: Case, local: pd.Timestamp) -> pd.Timestamp:
    """A legal time as UTC."""
    return local - pd.Timedelta(hours=_offset_h(case, local))


def _offset_h(case: Case, at: pd.Timestamp) -> int:
    known = [c for c in sorted(case.clock, key=lambda c: c.start) if pd.Timestamp(c.start) <= at]
    return known[-1].utc_offset_h if known else 0


def of_table(table: pd.DataFrame) -> list[Json]:
    """Rows of a table; a blank is null."""
    def plain(x: Any) -> Any:
        if isinstance(x, float):
            return x if math.isfinite(x) else None
        return x.isoformat() if isinstance(x, date) else x

    return [{str(k): plain(v) for k, v in row.items()} for row in table.to_dict("records")]

