"""Systems as PyPSA networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from gridrush.case.system import System

WATER = "water"
"""Carrier of the buses that stand for reservoirs; `from_pypsa` reads them back."""


def to_pypsa(system: System) -> Any:
    """PyPSA network whose optimum costs what `dispatch` costs.

    A block is a load with a generator that cuts it at its value; spill is a generator that only takes; a reservoir is
    a bus with one generator for each period, limited in energy. What PyPSA has no field for (times to failure, fuel)
    travels in extra columns that `from_pypsa` reads back.
    """
    import pandas as pd
    import pypsa

    s, u, d, k, st = system, system.units, system.demand, system.links, system.storage
    time = pd.DatetimeIndex(s.time)
    n = pypsa.Network(snapshots=time)
    n.add("Carrier", sorted({*u.technology, "AC", WATER, "cut", "spill"} - {""}))
    n.add("Bus", list(s.zones), carrier="AC")
    taps = [f"reservoir {name}" for name in s.reservoirs.name]
    for h, bus in enumerate(taps):
        n.add("Bus", bus, carrier=WATER)
        most = float(u.capacity_mw[u.reservoir == h].sum())
        for p in range(s.reservoirs.energy_mwh.shape[1]):
            n.add(
                "Generator",
                f"{bus} period {p}",
                bus=bus,
                carrier=WATER,
                p_nom=most,
                p_max_pu=pd.Series((s.period == p).astype(float), time),
                e_sum_max=float(s.reservoirs.energy_mwh[h, p]),
            )
    for g, name in enumerate(u.name):
        high = s.profiles[u.available[g]]
        low = np.minimum(high, s.profiles[u.must_run[g]])
        shared: dict[str, Any] = {
            "p_nom": u.capacity_mw[g],
            "carrier": u.technology[g],
            "marginal_cost": u.cost_usd_per_mwh[g],
            "p_max_pu": pd.Series(high, time),
            "p_min_pu": pd.Series(low, time),
            "fuel": u.fuel[g],
            "mttf_h": u.mttf_h[g],
            "mttr_h": u.mttr_h[g],
            "maintenance_h": u.maintenance_h[g],
            "co2_t_per_mwh": u.co2_t_per_mwh[g],
        }
        zone = s.zones[u.zone[g]]
        if u.reservoir[g] >= 0:
            n.add("Link", name, bus0=taps[u.reservoir[g]], bus1=zone, **shared)
        else:
            n.add("Generator", name, bus=zone, **shared)
    most = 2.0 * float(u.capacity_mw.sum() + st.discharge_mw.sum()) + 1.0
    for zone in s.zones:
        n.add("Generator", f"spill {zone}", bus=zone, carrier="spill", p_nom=most, p_min_pu=-1.0, p_max_pu=0.0)
    for b, name in enumerate(d.name):
        load, top = d.load_mw[:, b], float(d.load_mw[:, b].max(initial=0.0))
        n.add("Load", name, bus=s.zones[d.zone[b]], p_set=pd.Series(load, time))
        n.add(
            "Generator",
            f"cut {name}",
            bus=s.zones[d.zone[b]],
            carrier="cut",
            p_nom=top,
            cuts=name,
            kind=d.kind[b],
            p_max_pu=pd.Series(load / top if top > 0 else load, time),
            marginal_cost=float(d.value_usd_per_mwh[b]),
        )
    for i, name in enumerate(k.name):
        ends = {"bus0": s.zones[k.source[i]], "bus1": s.zones[k.target[i]]}
        share = s.profiles[k.available[i]]
        f, r, keep = float(k.forward_mw[i]), float(k.backward_mw[i]), 1.0 - float(k.loss_share[i])
        if keep == 1.0 and f > 0:
            n.add(
                "Link", name, p_nom=f, p_max_pu=pd.Series(share, time), p_min_pu=pd.Series(-share * r / f, time), **ends
            )
            continue
        n.add("Link", name, p_nom=f, p_max_pu=pd.Series(share, time), efficiency=keep, **ends)
        if r > 0:
            n.add(
                "Link",
                f"{name} back",
                p_nom=r,
                p_max_pu=pd.Series(share, time),
                efficiency=keep,
                bus0=ends["bus1"],
                bus1=ends["bus0"],
            )
    for j, name in enumerate(st.name):
        size, first = float(max(st.charge_mw[j], st.discharge_mw[j])), float(st.energy_mwh[j] * st.initial_share[j])
        over = size if size > 0 else 1.0
        last = pd.Series(np.nan, time)
        last.iloc[-1] = first
        n.add(
            "StorageUnit",
            name,
            bus=s.zones[st.zone[j]],
            p_nom=size,
            p_min_pu=-st.charge_mw[j] / over,
            p_max_pu=st.discharge_mw[j] / over,
            max_hours=st.energy_mwh[j] / over,
            state_of_charge_initial=first,
            efficiency_store=st.charge_efficiency[j],
            efficiency_dispatch=st.discharge_efficiency[j],
            state_of_charge_set=last,
        )
    return n
