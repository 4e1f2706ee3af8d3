"""Small systems for the tests of planning."""

from __future__ import annotations

import numpy as np

from gridrush.case.system import NO_RESERVOIRS, NO_STORAGE, Demand, Links, Storage, System, Units
from gridrush.planning.options import Candidate, Future, Stage


def one_zone(load_mw: np.ndarray, *, units: int = 4, size_mw: float = 50.0, outage: bool = False, value: float = 1000.0,
             store: Storage = NO_STORAGE) -> System:  # fmt: skip
    """Coal units in one zone, each failing 10% of the time if `outage`."""
    T, G = load_mw.size, units
    fleet = Units(
        name=tuple(f"coal {i + 1}" for i in range(G)), technology=("coal",) * G, fuel=("coal",) * G,
        zone=np.zeros(G, np.int64), capacity_mw=np.full(G, size_mw), cost_usd_per_mwh=np.full(G, 20.0),
        available=np.zeros(G, np.int64), must_run=np.ones(G, np.int64), reservoir=np.full(G, -1),
        mttf_h=np.full(G, 900.0 if outage else np.inf), mttr_h=np.full(G, 100.0), maintenance_h=np.zeros(G),
        co2_t_per_mwh=np.full(G, 1.0), ramp_share_per_h=np.ones(G),
    )  # fmt: skip
    links = Links((), *(np.zeros(0, np.int64),) * 2, *(np.zeros(0),) * 3, np.zeros(0, np.int64), *(np.zeros(0),) * 2)
    demand = Demand(("load",), ("firm",), np.array([0]), load_mw[:, None].astype(float), np.array([value]))
    time = np.datetime64("2030-01-01T00", "h") + np.arange(T)
    profiles = np.vstack([np.ones(T), np.zeros(T)])
    return System(("A",), time, np.zeros(T, np.int64), profiles, fleet, demand, links, store, NO_RESERVOIRS)


def stage(load_mw: np.ndarray, year: int = 2030, *, weight: float = 1.0, **more: object) -> Stage:
    """A stage with one future."""
    return Stage(year, weight, [Future("f", 1.0, one_zone(load_mw))], **more)  # type: ignore[arg-type]


def gas(**more: object) -> Candidate:
    """An open-cycle turbine of any size."""
    base = {"capex_usd_per_mw_year": 50e3, "cost_usd_per_mwh": 60.0, "co2_t_per_mwh": 0.5}
    return Candidate("gas", "gas", 0, **{**base, **more})  # type: ignore[arg-type]


def nuclear(**more: object) -> Candidate:
    """Reactors of 100 MW."""
    base = {"capex_usd_per_mw_year": 300e3, "cost_usd_per_mwh": 10.0, "unit_mw": 100.0}
    return Candidate("nuclear", "nuclear", 0, **{**base, **more})  # type: ignore[arg-type]
