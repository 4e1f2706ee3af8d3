"""Every statement of the story beside what the facts and the model say: finding, verdict, margin.

A claim of the case names a quantity; a function here of the same name computes it. A case may make any subset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr

from gridrush.case.model import Case
from gridrush.case.schema import Claim
from gridrush.mining.atlas import Atlas, country_atlas
from gridrush.mining.census import Census, growth_of_year
from gridrush.study.run import Run
from gridrush.units import Floats

COLUMNS = ("claim", "who", "said", "text", "value", "unit", "low", "best", "high", "fact", "verdict", "margin", "why")

CLOSE_SHARE = 0.25
"""A claim outside the interval but within this share of the best value is partly right."""


@dataclass(frozen=True)
class Finding:
    """What we find for a quantity: interval, the fact it rests on, why; a verdict when the numbers do not decide it."""

    low: float
    best: float
    high: float
    fact: str
    why: str
    verdict: str = ""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What claims are judged with."""

    case: Case
    runs: Mapping[str, Run]
    census: Census
    relief: pd.DataFrame

    @property
    def main(self) -> Run:
        """The case's default scenario, or the first run."""
        return self.runs.get(self.case.default_scenario) or next(iter(self.runs.values()))

    @cached_property
    def atlas(self) -> Atlas:
        """The map with hidden months put right."""
        return country_atlas(self.case)

    def quantiles(self, draws: Floats) -> tuple[float, float, float]:
        """5, 50 and 95% of draws."""
        low, best, high = np.quantile(draws, [0.05, 0.5, 0.95])
        return float(low), float(best), float(high)


def judge_claims(evidence: Evidence) -> pd.DataFrame:
    """One row for each claim whose quantity can be found; see `COLUMNS`."""
    rows = []
    for claim in evidence.case.claims:
        find = QUANTITIES.get(claim.quantity)
        try:
            found = find(evidence, claim) if find is not None else None
        except NotFoundError as missing:
            found = Finding(np.nan, np.nan, np.nan, "", str(missing), "not settled")
        if found is None:
            found = Finding(np.nan, np.nan, np.nan, "", f"nothing here computes {claim.quantity}", "not settled")
        value = claim.value
        margin = np.nan if value is None or np.isnan(found.best) else value - found.best
        said = claim.low if claim.low is not None else value, claim.high if claim.high is not None else value
        rows.append((
            claim.claim, claim.who, claim.said, claim.text, np.nan if value is None else value, claim.unit, found.low,
            found.best, found.high, found.fact, found.verdict or verdict(value, found, said=said), margin, found.why,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


class NotFoundError(LookupError):
    """The runs at hand do not hold what a claim is judged with."""


def verdict(
    value: float | None, found: Finding, *, said: tuple[float | None, float | None] = (None, None)
) -> str:
    """true if the claim lies in our interval or our best value in the range claimed, partly if close, else false."""
    if value is None or np.isnan(found.best):
        return "not settled"
    low, high = said
    if found.low <= value <= found.high or (low is not None and high is not None and low <= found.best <= high):
        return "true"
    return "partly" if abs(value - found.best) <= CLOSE_SHARE * abs(found.best) else "false"


def hashrate_share(e: Evidence, claim: Claim) -> Finding:
    """Share of the world's hash rate in a month: as printed, and with China's hidden miners put back."""
    month = np.datetime64(claim.quantity[-7:].replace("_", "-"), "M")
    row = int(np.flatnonzero(e.atlas.months == month)[0])
    own = e.atlas.of(e.case.mining_country)
    printed, sound = float(e.atlas.map_share[row, own]), float(e.atlas.share[row, own])
    hidden = float(e.atlas.hidden[row])
    fact = f"the map prints {printed:.1%}"
    fact += f"; it shows China at zero, and about {hidden:.0%} is put back" if hidden > 0.01 else ""
    if hidden > 0.01:
        why = f"The printed share is right and inflated: with China's hidden miners put back it is about {sound:.1%}."
        return Finding(sound, sound, printed, fact, why, "misleading")
    return Finding(min(printed, sound), sound, max(printed, sound), fact, "The map prints it, and no month is hidden.")


def demand_growth_2021_share(e: Evidence, claim: Claim) -> Finding:
    """Growth of consumption in 2021 by the energy balance."""
    low, best, high = e.quantiles(growth_of_year(e.case, e.census, 2021))
    record = {d.year: d.consumption_twh for d in e.case.demand}
    fact = f"the record closes the year at {record[2021] / record[2020] - 1:.1%}" if {2020, 2021} <= set(record) else ""
    why = "True of the first ten months; the year as a whole closed lower, because the end of 2020 was already high."
    inside = claim.value is not None and low <= claim.value <= high
    return Finding(low, best, high, fact, why if not inside else f"{why} The posterior does not exclude it.", "partly")


def demand_growth_usual_share(e: Evidence, claim: Claim) -> Finding:
    """Yearly growth of the record before the rush."""
    record = sorted((d.year, d.consumption_twh) for d in e.case.demand if d.year <= 2020)
    if len(record) < 2:
        raise NotFoundError("fewer than two years of record before 2021")
    (y0, a), (y1, b) = record[0], record[-1]
    best = (b / a) ** (1.0 / (y1 - y0)) - 1.0
    steps = [q / p - 1 for (_, p), (_, q) in pairwise(record)]
    return Finding(min(steps), best, max(steps), f"the record grew {best:.1%} a year from {y0} to {y1}",
                   "Yearly steps of the record, miners of those years included.")  # fmt: skip


def mining_share_of_growth_2021(e: Evidence, claim: Claim) -> Finding:
    """Part of the growth of 2021 that miners' energy explains."""
    growth = growth_of_year(e.case, e.census, 2021)
    share = 1.0 - e.census.growth_share / np.maximum(growth, 1e-3)
    low, best, high = e.quantiles(share)
    judged = "true" if low > 0.5 else "partly" if best > 0.5 else "false"
    return Finding(low, best, high, "energy balance, map and statements together",
                   f"Miners explain about {best:.0%} of the year's growth.", judged)  # fmt: skip


def _october_mw(e: Evidence) -> Floats:
    return np.asarray(e.census.draws_mw[:, e.census.row("2021-10"), :])


def unregistered_over_registered(e: Evidence, claim: Claim) -> Finding:
    """Unregistered over registered MW, October 2021."""
    both = _october_mw(e)
    low, best, high = e.quantiles(both[:, 1] / both[:, 0])
    return Finding(low, best, high, "officials named 340 to 1,400 MW of hidden and about 600 MW of registered miners",
                   "The evidence allows anything from well under one to several times; nobody metered it.")  # fmt: skip


def unregistered_mw_2021_10(e: Evidence, claim: Claim) -> Finding:
    """Unregistered MW, October 2021."""
    low, best, high = e.quantiles(_october_mw(e)[:, 1])
    said = [s.value for s in e.case.statements if s.quantity == "unregistered_mw"]
    fact = f"statements run from {min(said):,.0f} to {max(said):,.0f} MW" if said else ""
    return Finding(low, best, high, fact, "Posterior of map, energy balance and statements.")


def mining_mw_2021_10(e: Evidence, claim: Claim) -> Finding:
    """All grid-drawn miners, October 2021."""
    low, best, high = e.quantiles(_october_mw(e).sum(axis=1))
    own = e.atlas.of(e.case.mining_country)
    map_mw = e.atlas.power_mw[int(np.flatnonzero(e.atlas.months == np.datetime64("2021-10", "M"))[0]), own]
    fact = f"map times fleet gives {map_mw[1]:,.0f} MW ({map_mw[0]:,.0f} to {map_mw[2]:,.0f})"
    return Finding(low, best, high, fact, "Posterior of map, energy balance and statements.")


def evening_peak_rise_2021_mw(e: Evidence, claim: Claim) -> Finding:
    """Autumn evening peak of 2021 over that of 2020; the interval is the census's."""
    peak = e.main.annual["autumn_evening_peak_mw"]
    if not {2020, 2021} <= set(e.main.years):
        raise NotFoundError("2020 and 2021 were not both simulated")
    best = float(peak.sel(year=2021) - peak.sel(year=2020))
    rise = e.census.total_mw[:, e.census.row("2021-10")] - e.census.total_mw[:, e.census.row("2020-10")]
    low, middle, high = e.quantiles(rise)
    return Finding(best + low - middle, best, best + high - middle, "simulated hour by hour, weather averaged",
                   "Highest hour between 18 and 22 local time, September to November.")  # fmt: skip


def trips_2021_10_mw(e: Evidence, claim: Claim) -> Finding:
    """Capacity lost in the dated outages of 14 October 2021."""
    size = {u.unit: u.capacity_mw for u in e.case.units}
    mw = sum(size[o.unit] * o.lost_share for o in e.case.outages if o.start.isoformat().startswith("2021-10-14"))
    if not mw:
        raise NotFoundError("the case has no outages dated 14 October 2021")
    fact = "the grid operator reports equipment failures; the owner of one plant calls its part a planned stop"
    why = "The size is right, the cause is not shown: plants fail as often without miners, but then it matters less."
    return Finding(mw, mw, mw, fact, why, "misleading")


def winter_import_need_mw(e: Evidence, claim: Claim) -> Finding:
    """Import in the tightest hours of the winter of 2021/22."""
    h = e.main.hourly
    winter = h.sel(time=slice("2021-11-01", "2022-03-31"))
    if not winter.sizes["time"]:
        raise NotFoundError("the winter of 2021/22 was not simulated")
    need = (winter["import_mw"] + winter["unserved_mw"]).sum("zone").values
    low, best, high = np.quantile(need, [0.95, 0.99, 1.0])
    needed = claim.value is not None and best >= (1.0 - CLOSE_SHARE) * claim.value
    return Finding(float(low), float(best), float(high), "import and shortage in the tightest 5%, 1% and single hour",
                   "With miners cut first; without that order the need is higher by what they draw.",
                   "true" if needed else "")  # fmt: skip


def autumn_shortfall_twh(e: Evidence, claim: Claim) -> Finding:
    """Energy of 2021 that own plants could not give; all but a trace of it is missing in autumn."""
    if 2021 not in e.main.years:
        raise NotFoundError("2021 was not simulated")
    year = e.main.annual.sel(year=2021)
    bought = float(year["import_twh"])
    lost = float((year["unserved_gwh"] + year["interrupted_gwh"]).sum()) / 1e3
    half = 2.0 * float(year.get("import_twh_stderr", xr.DataArray(0.0))) + lost
    best = bought + lost
    fact = f"{bought:.2f} TWh imported, {lost:.2f} TWh cut in the model"
    return Finding(max(best - half, 0.0), best, best + half, fact,
                   "How much is missing depends on which units fail, and the paths are few.")  # fmt: skip


def south_miners_cut_share(e: Evidence, claim: Claim) -> Finding:
    """Share of the hours of September to November 2021 in which southern miners were cut."""
    south = next((z for z in e.case.zone_names if z.lower() == "south"), None)
    if south is None:
        raise NotFoundError("the case has no zone called South")
    cut = e.main.monthly["rationed_share"].sel(zone=south, month=slice("2021-09-01", "2021-11-30")).values
    rest = e.main.monthly["rationed_share"].sel(month=slice("2021-09-01", "2021-11-30")).mean("month")
    first = bool(float(rest.sel(zone=south)) >= float(rest.max()) - 1e-9 and cut.max() > 0)
    why = "Of the zones the South is the one whose miners are cut most often." if first else (
        "In the model the South is not the zone that is cut most.")  # fmt: skip
    return Finding(float(cut.min()), float(cut.mean()), float(cut.max()), "share of hours by month",
                   why, "true" if first else "false")  # fmt: skip


def machines_arrived_count(e: Evidence, claim: Claim) -> Finding:
    """Machines that the rise of hash rate from June to October 2021 stands for."""
    own = e.atlas.of(e.case.mining_country)
    at = {m: int(np.flatnonzero(e.atlas.months == np.datetime64(m, "M"))[0]) for m in ("2021-06", "2021-10")}
    rise = e.atlas.hashrate_ehs[at["2021-10"], own] - e.atlas.hashrate_ehs[at["2021-06"], own]
    size = [m.hashrate_ths for m in e.case.machines if m.hashrate_ths and "2018" <= f"{m.released:%Y}" <= "2020"]
    if not size:
        raise NotFoundError("the case has no machines with a hash rate")
    big, middle, small = np.quantile(size, [0.9, 0.5, 0.1])
    part = claim.value is not None and claim.value < rise * 1e6 / big
    return Finding(rise * 1e6 / big, rise * 1e6 / middle, rise * 1e6 / small,
                   f"{rise:.1f} EH/s arrived; machines of 2018-2020 do {small:.0f} to {big:.0f} TH/s",
                   "Identified shipments of large firms are a part of what came.",
                   "partly" if part else "")  # fmt: skip


def fee_five_years_bn_usd(e: Evidence, claim: Claim) -> Finding:
    """Digital mining fee of 2022 to 2026 in the scenario that registers and charges."""
    run = e.runs.get("register-and-fee") or e.main
    years = [y for y in range(2022, 2027) if y in run.ledger.index]
    if len(years) < 5:
        raise NotFoundError("2022 to 2026 were not all simulated")
    best = float(run.ledger.loc[years, "fee"].sum()) / 1e9
    low, middle, high = e.quantiles(_october_mw(e).sum(axis=1))
    return Finding(best * low / middle, best, best * high / middle,
                   "the fee is 1 tenge a kilowatt-hour: 600 MW pay about 60 M USD in five years",
                   "The sum named is the turnover of the industry, not what the state receives.")  # fmt: skip


def nuclear_needed(e: Evidence, claim: Claim) -> Finding:
    """When a nuclear plant can serve, and whether anything else closes the gap before."""
    table = e.relief
    nuclear = table[table["remedy"].str.contains("uclear")]
    if nuclear.empty:
        raise NotFoundError("no scenario with a nuclear plant was run")
    first = nuclear.iloc[0]
    sooner = table[(table["first_year_best"] < first["first_year_low"]) & (table["eue_avoided_gwh"] > 0)]
    names = ", ".join(sooner.sort_values("first_year_best")["remedy"].head(4))
    why = f"It serves from {first['first_year_best']:.0f} at best guess; sooner come: {names.lower()}." if names else (
        f"It serves from {first['first_year_best']:.0f} at best guess.")  # fmt: skip
    year = (float(first["first_year_low"]), float(first["first_year_best"]), float(first["first_year_high"]))
    return Finding(*year, "first year in service, with the delays such plants have had", why, "not settled")


QUANTITIES: Mapping[str, Callable[[Evidence, Claim], Finding]] = {
    "hashrate_share_2021_06": hashrate_share,
    "hashrate_share_2021_08": hashrate_share,
    **{
        f.__name__: f
        for f in (
            demand_growth_2021_share, demand_growth_usual_share, mining_share_of_growth_2021,
            unregistered_over_registered, unregistered_mw_2021_10, mining_mw_2021_10, evening_peak_rise_2021_mw,
            trips_2021_10_mw, winter_import_need_mw, autumn_shortfall_twh, south_miners_cut_share,
            machines_arrived_count, fee_five_years_bn_usd, nuclear_needed,
        )
    },
}  # fmt: skip
"""What a claim may be about."""
