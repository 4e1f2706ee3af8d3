"""What the hours of a network add up to: totals, and tables by zone, technology, link and spell of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from gridrush.case.system import Ints, System
from gridrush.grid.lp import link_limits_mw, unit_limits_mw
from gridrush.study.network_room import Operated, technologies_of
from gridrush.units import Floats

SHORT_MW = 1e-3
"""Load not served from which an hour counts as short."""

AT_LIMIT_SHARE = 0.999
"""Flow over its limit from which a link counts as full."""

FEW_DAYS = 62
"""A network of no more days is told day by day, a longer one month by month."""

DURATION_POINTS = 101

FEEDS_IN = "fed in"
"""Technology of loads that give power, which have no name."""


@dataclass(frozen=True, eq=False)
class NetworkResults:
    """Sums over the hours of a network; names end in their unit."""

    totals: dict[str, float]
    zones: pd.DataFrame  # by zone
    technologies: pd.DataFrame  # by technology
    links: pd.DataFrame  # by link
    spells: pd.DataFrame  # by day or month: power by technology and load, mean of its hours [MW]
    duration: pd.DataFrame  # highest to lowest: load, load less wind and sun, and price, at shares of the hours


def network_results(op: Operated) -> NetworkResults:
    """Totals and tables of a network's hours.

    Curtailment is what units whose availability changes by the hour could have made and did not, and what had to be
    thrown away; a unit's own storage of water is not in it. A price is weighed by load.
    """
    s, d = op.system, op.dispatch
    load, unserved, price = s.load_mw, d.unserved_mw(), d.price_usd_per_mwh
    cut, new = op.cut_mw, op.new_load_mw
    idle = _idle_mw(op)
    u = s.units
    made = d.generation_mw.sum(axis=0)
    co2 = float((made * u.co2_t_per_mwh).sum())
    hours = float(s.time.size)
    short = unserved.sum(axis=1) > SHORT_MW
    weighed = float((price * load).sum())
    totals = {
        "hours": hours, "demand_twh": load.sum() / 1e6, "peak_mw": load.sum(axis=1).max(initial=0.0),
        "unserved_mwh": unserved.sum(), "shortfall_h": float(short.sum()),
        "running_cost_usd": float((made * u.cost_usd_per_mwh).sum()),
        "not_served_value_usd": float(d.cost_usd - (made * u.cost_usd_per_mwh).sum()),
        "price_usd_per_mwh": weighed / load.sum() if load.sum() > 0 else 0.0,
        "co2_mt": co2 / 1e6, "curtailed_gwh": (idle.sum() + d.spilled_mw.sum()) / 1e3,
        "new_load_twh": new.sum() / 1e6, "new_cut_mwh": cut.sum(),
        "new_cut_h": float((cut > SHORT_MW).sum(axis=0).max(initial=0)),
        "full_link_h": _full(op).any(axis=1).sum() if len(s.links) else 0.0,
        "congestion_rent_usd": float(d.congestion_rent_usd.sum()),
    }  # fmt: skip
    Z = len(s.zones)
    zones = pd.DataFrame({
        "demand_twh": load.sum(axis=0) / 1e6, "generation_twh": _by_zone(d.generation_mw, u.zone, Z).sum(axis=0) / 1e6,
        "net_import_twh": _net_import_mw(op).sum(axis=0) / 1e6, "unserved_mwh": unserved.sum(axis=0),
        "shortfall_h": (unserved > SHORT_MW).sum(axis=0).astype(float),
        "price_usd_per_mwh": [float(np.average(price[:, z], weights=load[:, z])) if load[:, z].sum() > 0
                              else float(price[:, z].mean()) for z in range(len(s.zones))],
        "curtailed_gwh": (_by_zone(idle, u.zone, Z).sum(axis=0) + d.spilled_mw.sum(axis=0)) / 1e3,
        "new_load_mw": new.max(axis=0, initial=0.0), "new_cut_mwh": cut.sum(axis=0),
    }, index=pd.Index(s.zones, name="zone"))  # fmt: skip
    return NetworkResults({k: float(v) for k, v in totals.items()}, zones, _technologies(op, idle), _link_table(op),
                          _spells(op), _duration(op))  # fmt: skip


def hours_of(op: Operated, first: np.datetime64 | None = None, last: np.datetime64 | None = None) -> xr.Dataset:
    """Hours from `first` up to `last` by zone, technology and link. [MW, USD/MWh]"""
    s, d = op.system, op.dispatch
    at = np.ones(s.time.size, bool)
    if first is not None:
        at &= s.time >= first
    if last is not None:
        at &= s.time < last
    names, Z = (*technologies_of(s), *((FEEDS_IN,) if "" in s.units.technology else ())), len(s.zones)
    kinds = np.array([t or FEEDS_IN for t in s.units.technology], object)
    generation = np.stack([_by_zone(d.generation_mw[:, kinds == t][at], s.units.zone[kinds == t], Z) for t in names]
                          or [np.zeros((int(at.sum()), Z))])  # fmt: skip
    bought = [b for b, k in enumerate(s.demand.kind) if k == "export"]
    fields = {
        "load_mw": s.load_mw, "unserved_mw": d.unserved_mw(), "new_load_mw": op.new_load_mw, "cut_mw": op.cut_mw,
        "exported_mw": _by_zone(d.served_mw[:, bought], s.demand.zone[bought], Z),
        "charged_mw": _by_zone(d.charge_mw, s.storage.zone, Z),
        "discharged_mw": _by_zone(d.discharge_mw, s.storage.zone, Z),
        "spilled_mw": d.spilled_mw, "curtailed_mw": _by_zone(_idle_mw(op), s.units.zone, Z),
        "price_usd_per_mwh": d.price_usd_per_mwh,
    }  # fmt: skip
    forward, backward = (x[at] for x in link_limits_mw(s))
    return xr.Dataset(
        {**{k: (("time", "zone"), v[at]) for k, v in fields.items()},
         "generation_mw": (("technology", "time", "zone"), generation),
         "flow_mw": (("time", "link"), d.flow_mw[at]), "forward_mw": (("time", "link"), forward),
         "backward_mw": (("time", "link"), backward)},
        coords={"time": s.time[at].astype("datetime64[ns]"), "zone": list(s.zones), "technology": list(names) or [""],
                "link": list(s.links.name)},
        attrs={"source": [s.zones[z] for z in s.links.source], "target": [s.zones[z] for z in s.links.target]},
    )  # fmt: skip


def hour_to_look_at(op: Operated) -> int:
    """The hour in which most load goes unserved; where none does, the one with the highest load."""
    short = op.dispatch.unserved_mw().sum(axis=1)
    return int(np.argmax(short if short.max(initial=0.0) > SHORT_MW else op.system.load_mw.sum(axis=1)))


def _by_zone(values: Floats, zone: Ints, zones: int) -> Floats:
    """Columns added up by zone. (T, N) -> (T, Z)"""
    out = np.zeros((values.shape[0], zones))
    for i, z in enumerate(zone):
        out[:, z] += values[:, i]
    return out


def _varying(s: System) -> NDArray[np.bool_]:
    """Units whose availability changes by the hour. (G,)"""
    return np.asarray((np.ptp(s.profiles, axis=1) > 1e-9)[s.units.available] & (s.units.reservoir < 0))


def _idle_mw(op: Operated) -> Floats:
    """What units whose availability changes by the hour leave unused. [MW] (T, G)"""
    s = op.system
    high = unit_limits_mw(s, None)[1]
    return np.where(_varying(s)[None, :], np.maximum(high - op.dispatch.generation_mw, 0.0), 0.0)


def _net_import_mw(op: Operated) -> Floats:
    s, d = op.system, op.dispatch
    out = np.zeros((s.time.size, len(s.zones)))
    sent, got = d.flow_mw, d.received_mw
    for i, (a, b) in enumerate(zip(s.links.source, s.links.target, strict=True)):
        out[:, a] -= np.where(sent[:, i] >= 0, sent[:, i], got[:, i])
        out[:, b] += np.where(sent[:, i] >= 0, got[:, i], sent[:, i])
    return out


def _full(op: Operated) -> NDArray[np.bool_]:
    """Hours in which a link carries all it may. (T, L)"""
    forward, backward = link_limits_mw(op.system)
    flow = op.dispatch.flow_mw
    limit = np.where(flow >= 0, forward, backward)
    return np.asarray((limit > 0) & (np.abs(flow) >= AT_LIMIT_SHARE * limit))


def _technologies(op: Operated, idle: Floats) -> pd.DataFrame:
    s, u = op.system, op.system.units
    names = np.array([t or FEEDS_IN for t in u.technology], object)
    made, hours = op.dispatch.generation_mw.sum(axis=0), s.time.size
    rows = {}
    for name in dict.fromkeys((*technologies_of(s), *names)):
        own = names == name
        mw, mwh = float(u.capacity_mw[own].sum()), float(made[own].sum())
        rows[name] = {
            "capacity_mw": mw, "generation_twh": mwh / 1e6, "used_share": mwh / (mw * hours) if mw > 0 else 0.0,
            "curtailed_gwh": float(idle[:, own].sum()) / 1e3,
            "running_cost_usd": float((made[own] * u.cost_usd_per_mwh[own]).sum()),
            "co2_mt": float((made[own] * u.co2_t_per_mwh[own]).sum()) / 1e6,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("technology")


def _link_table(op: Operated) -> pd.DataFrame:
    s, d, k = op.system, op.dispatch, op.system.links
    forward, backward = link_limits_mw(s)
    flow = d.flow_mw
    limit = np.where(flow >= 0, forward, backward)
    used = np.divide(np.abs(flow), limit, out=np.zeros_like(flow), where=limit > 0)
    return pd.DataFrame({
        "from": [s.zones[z] for z in k.source], "to": [s.zones[z] for z in k.target], "forward_mw": k.forward_mw,
        "backward_mw": k.backward_mw, "used_share": used.mean(axis=0) if len(k) else [], "full_h":
        _full(op).sum(axis=0).astype(float) if len(k) else [], "forward_twh": np.maximum(flow, 0).sum(axis=0) / 1e6,
        "backward_twh": np.maximum(-flow, 0).sum(axis=0) / 1e6, "rent_usd": d.congestion_rent_usd.sum(axis=0),
    }, index=pd.Index(k.name, name="link"))  # fmt: skip


def _spells(op: Operated) -> pd.DataFrame:
    s, d = op.system, op.dispatch
    names = np.array([t or FEEDS_IN for t in s.units.technology], object)
    span = s.time[-1] - s.time[0]
    spell = "D" if span <= np.timedelta64(24 * FEW_DAYS, "h") else "M"
    of, starts = np.unique(s.time.astype(f"datetime64[{spell}]"), return_inverse=True)
    count = np.bincount(starts, minlength=of.size).astype(float)

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(starts, values, minlength=of.size) / count)

    columns = {f"{t}_mw": mean(d.generation_mw[:, names == t].sum(axis=1))
               for t in dict.fromkeys((*technologies_of(s), *names))}  # fmt: skip
    load = s.load_mw.sum(axis=1)
    price = np.divide((d.price_usd_per_mwh * s.load_mw).sum(axis=1), load, out=np.zeros_like(load), where=load > 0)
    columns |= {
        "discharged_mw": mean(d.discharge_mw.sum(axis=1)), "charged_mw": mean(d.charge_mw.sum(axis=1)),
        "unserved_mw": mean(d.unserved_mw().sum(axis=1)), "cut_mw": mean(op.cut_mw.sum(axis=1)),
        "load_mw": mean(load), "price_usd_per_mwh": mean(price),
    }  # fmt: skip
    return pd.DataFrame(columns, index=pd.Index([str(x) for x in of], name="day" if spell == "D" else "month"))


def _duration(op: Operated) -> pd.DataFrame:
    s, d = op.system, op.dispatch
    load = s.load_mw.sum(axis=1)
    free = unit_limits_mw(s, None)[1][:, _varying(s)].sum(axis=1)
    price = np.divide((d.price_usd_per_mwh * s.load_mw).sum(axis=1), load, out=np.zeros_like(load), where=load > 0)
    at = np.linspace(0.0, 1.0, min(DURATION_POINTS, s.time.size))
    rows = np.round(at * (s.time.size - 1)).astype(int)
    return pd.DataFrame({
        "load_mw": np.sort(load)[::-1][rows], "residual_mw": np.sort(load - free)[::-1][rows],
        "price_usd_per_mwh": np.sort(price)[::-1][rows],
    }, index=pd.Index(at, name="share_of_hours"))  # fmt: skip
