"""Networks and their runs as the page reads them; nothing is computed here."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from gridrush import __version__
from gridrush.study.network_opened import OpenedNetwork
from gridrush.study.network_results import FEEDS_IN, FEW_DAYS, NetworkResults
from gridrush.study.network_room import firm_value, technologies_of
from gridrush.web.network_controls import BASE, Moves, stories
from gridrush.web.payload import Json, rounded

_ZONES = ("demand_twh", "generation_twh", "net_import_twh", "unserved_mwh", "shortfall_h", "price_usd_per_mwh",
          "curtailed_gwh", "new_load_mw", "new_cut_mwh")  # fmt: skip


def about_network(opened: OpenedNetwork, moves: Moves) -> Json:
    """Everything about a network that no slider moves."""
    n = opened.network
    first, last = pd.Timestamp(n.time[0]), pd.Timestamp(n.time[-1])
    u, k, st = n.units, n.links, n.storage
    names = (*technologies_of(n), *((FEEDS_IN,) if "" in u.technology else ()))
    peak = float(n.load_mw.sum(axis=1).max(initial=0.0))
    zones = [{"name": z, "title": z, "lon": opened.places.get(z, (None, None))[0],
              "lat": opened.places.get(z, (None, None))[1]} for z in n.zones]  # fmt: skip
    return {
        "kind": "network", "version": __version__, "name": n.path.stem if n.path else n.name, "title": n.name,
        "summary": "", "first_year": first.year, "last_year": first.year, "as_of": first.date().isoformat(),
        "decided": first.date().isoformat(), "currency": "", "digest": opened.digest, "default_scenario": BASE,
        "zones": zones, "controls": [c.model_dump() for c in moves.controls],
        "scenarios": [{"name": BASE, "title": n.name, "story": "", "defaults": moves.defaults}],
        "sources": {}, "events": [], "plants": [], "projects": {}, "map": None, "metered": True, "hours_note": "",
        "network": {
            "first": first.isoformat(), "last": last.isoformat(), "hours": int(n.time.size), "units": len(u),
            "links": len(k), "stores": len(st), "reservoirs": len(n.reservoirs), "peak_mw": rounded(peak),
            "installed_mw": rounded(u.capacity_mw.sum()), "storage_mw": rounded(st.discharge_mw.sum()),
            "storage_mwh": rounded(st.energy_mwh.sum()), "value_usd_per_mwh": firm_value(n),
            "dropped": list(n.dropped), "engine": opened.engine, "by_day": bool(last - first <= pd.Timedelta(
                days=FEW_DAYS)), "co2": bool((u.co2_t_per_mwh > 0).any()),
            "fails": bool(np.isfinite(u.mttf_h).any()), "geographic": _geographic(opened),
            "look": pd.Timestamp(n.time[int(np.argmax(n.load_mw.sum(axis=1)))]).isoformat()[:13],
            "technologies": [{"name": t, "title": opened.titles.get(t, t), "colour": opened.colours.get(t, "")}
                             for t in names],
            "stories": stories(n, moves),
        },
    }  # fmt: skip


def _geographic(opened: OpenedNetwork) -> bool:
    """Whether coordinates read as longitude and latitude."""
    return bool(opened.places) and all(abs(x) <= 180 and abs(y) <= 90 for x, y in opened.places.values())


def of_network(opened: OpenedNetwork, found: NetworkResults, seconds: float, look: pd.Timestamp) -> Json:
    """A run in the shape of a case's, with one span of time for years, and what only a network has beside it."""
    year = pd.Timestamp(opened.network.time[0]).year
    spells, kinds = found.spells, list(found.technologies.index)
    totals = {k: [v] for k, v in zip(found.totals, rounded(list(found.totals.values())), strict=True)}

    def table(frame: pd.DataFrame) -> Json:
        return {str(c): rounded(frame[c]) if frame[c].dtype.kind in "fi" else [str(x) for x in frame[c]]
                for c in frame.columns}  # fmt: skip

    cost = found.totals["running_cost_usd"] + found.totals["not_served_value_usd"]
    return {
        "scenario": BASE, "title": opened.network.name, "until": year, "years": [year], "annual": totals,
        "zones": {q: {z: [x] for z, x in zip(found.zones.index, rounded(found.zones[q]), strict=True)}
                  for q in _ZONES},
        "generation_twh": {t: [x] for t, x in zip(kinds, rounded(found.technologies["generation_twh"]), strict=True)},
        "months": list(spells.index), "monthly": table(spells.drop(columns=[f"{t}_mw" for t in kinds])),
        "monthly_zones": {}, "ledger": {}, "balances": {}, "system_cost_usd": [rounded(cost)], "projects": [],
        "lines": [], "seconds": round(seconds, 3),
        "network": {
            "technologies": {"technology": kinds, **table(found.technologies)},
            "links": {"link": list(found.links.index), **table(found.links)},
            "duration": {"share": rounded(found.duration.index), **table(found.duration)},
            "generation_mw": {t: rounded(spells[f"{t}_mw"]) for t in kinds}, "look": look.isoformat()[:13],
        },
    }  # fmt: skip


def of_network_hours(hours: xr.Dataset) -> Json:
    """Hours by technology, by zone and by link with its limit."""
    zones, links = [str(z) for z in hours["zone"].values], [str(x) for x in hours["link"].values]
    names = ("load_mw", "new_load_mw", "unserved_mw", "cut_mw", "discharged_mw", "charged_mw", "exported_mw",
             "curtailed_mw", "spilled_mw")  # fmt: skip
    time = hours["time"].values.astype("datetime64[s]").astype(np.int64)
    made = hours["generation_mw"]
    run = [t for t in made["technology"].values if time.size and float(made.sel(technology=t).max()) > 0.05]
    forward, backward = hours["forward_mw"].values, hours["backward_mw"].values
    return {
        "time": [int(t) for t in time], "utc_offset_h": 0,
        "national": {k: rounded(hours[k].sum("zone").round(1)) for k in names},
        "generation_mw": {str(t): rounded(made.sel(technology=t).sum("zone").round(1)) for t in run},
        "zones": {z: {**{k: rounded(hours[k].sel(zone=z).round(1)) for k in names},
                      "price_usd_per_mwh": rounded(hours["price_usd_per_mwh"].sel(zone=z).round(2)),
                      "generation_mw": rounded(made.sel(zone=z).sum("technology").round(1))} for z in zones},
        "links": [{"link": x, "from": hours.attrs["source"][i], "to": hours.attrs["target"][i],
                   "forward_mw": float(forward[:, i].max(initial=0.0)),
                   "backward_mw": float(backward[:, i].max(initial=0.0)),
                   "forward_each_mw": rounded(forward[:, i]), "backward_each_mw": rounded(backward[:, i]),
                   "flow_mw": rounded(hours["flow_mw"].values[:, i].round(1))} for i, x in enumerate(links)],
    }  # fmt: skip
