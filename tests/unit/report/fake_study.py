"""A made-up study with plausible shapes, so that the report can be tested without running a model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from fake_gallery import make_gallery, make_plan

from gridrush.case import schema as row
from gridrush.case.model import Case
from gridrush.case.scenario import Freeze, Scenario
from gridrush.policy.fiscal import LINES
from gridrush.study.run import Run, Study

FUELS = ["coal", "gas", "oil", "hydro", "wind", "solar", "nuclear"]
ZONES = ["North", "South", "West"]
MARK = {"source": "made-up", "grade": "assumed"}
PLACES = [
    ("Alder", "North", "coal", 4000, 51.9, 75.4), ("Birch", "North", "coal", 2450, 52.1, 76.9),
    ("Cedar", "North", "hydro", 700, 50.4, 81.1), ("Dogwood", "South", "coal", 1200, 43.3, 76.9),
    ("Elm", "South", "gas", 1200, 42.9, 71.4), ("Fir", "West", "gas", 900, 47.1, 51.9),
    ("Gorse", "West", "gas", 600, 43.7, 51.2), ("Hazel", "North", "wind", 300, 51.2, 71.4),
    ("Iris", "South", "solar", 400, 43.6, 73.8), ("Juniper", "South", "hydro", 360, 43.9, 77.1),
]  # fmt: skip
SCENARIOS = [
    "as-it-was", "no-rush", "open-door", "ban", "register-and-fee", "import", "nuclear", "wind-storage", "gas",
]  # fmt: skip


def make_case(**changes: Any) -> Case:
    """A three-zone country with a rush in 2021."""
    units = {
        name: next(u for u in ("share", "share/yr", "USD/MWh", "TWh", "1", "USD/t") if _takes(name, u))
        for name in row.Parameters.model_fields
    }
    facts = {n: row.Fact(value=0.5, unit=u, low=0.2, high=0.9, **MARK) for n, u in units.items()}
    zones = [row.Zone(name=z, title=f"{z} zone", lat=a, lon=o) for z, a, o in
             (("North", 51.5, 72.0), ("South", 43.8, 73.5), ("West", 47.5, 53.0))]  # fmt: skip
    body: dict[str, Any] = {
        "name": "examplia",
        "title": "Examplia: a made-up rush",
        "summary": "A country made up for tests.",
        "first_year": 2019,
        "last_year": 2040,
        "as_of": date(2021, 11, 30),
        "currency": "KZT",
        "mining_country": "Examplia",
        "default_scenario": "as-it-was",
        "clock": (row.Clock(start=date(2004, 1, 1), utc_offset_h=6, **MARK),),
        "zones": tuple(zones),
        "parameters": row.Parameters(**facts),
        "sources": {"made-up": row.Source(title="Nobody's yearbook", date="2021", address="example.org/x",
                                          licence="CC0")},
        "units": tuple(
            row.PlantUnit(unit=f"{p}-1", plant=p, zone=z, technology=f, capacity_mw=mw, lat=a, lon=o,
                          start=date(1980, 1, 1), **MARK) for p, z, f, mw, a, o in PLACES),
        "technologies": tuple(
            row.TechnologyFact(technology=f, fuel=f, parameter="efficiency_share", value=0.4, **MARK) for f in FUELS),
        "fuels": (row.FuelFact(fuel="coal", parameter="price_usd_per_mwh_th", value=3.0, **MARK),),
        "demand": tuple(row.DemandYear(year=y, consumption_twh=105 + 2 * (y - 2019), **MARK) for y in (2019, 2020)),
        "demand_areas": (row.DemandArea(zone="North", area="A", consumption_twh=60, **MARK),),
        "demand_shape": (row.DemandShape(month=1, hour=0, mean_pu=1.0, std_pu=0.05),),
        "links": (row.Link(link="North-South", zone_from="North", zone_to="South", forward_mw=2100, backward_mw=1500,
                           start=date(2018, 12, 11), **MARK),),
        "ties": (row.Tie(tie="N-R", zone="North", partner="Rusland", direction="import", capacity_mw=900,
                         price_usd_per_mwh=40, start=date(2000, 1, 1), **MARK),
                 row.Tie(tie="S-K", zone="South", partner="Kirgistan", direction="import", capacity_mw=300,
                         price_usd_per_mwh=40, start=date(2000, 1, 1), **MARK)),
        "generation": tuple(row.GenerationYear(year=2020, fuel=f, generation_twh=v, **MARK)
                            for f, v in (("coal", 74), ("gas", 22), ("hydro", 9.7))),
        "statements": (
            row.Statement(on=date(2021, 11, 1), who="Energy minister", quantity="registered_mw", value=600, **MARK),
            row.Statement(on=date(2021, 11, 2), who="President's office", quantity="unregistered_mw", value=1200,
                          low=900, high=1200, **MARK),
            row.Statement(on=date(2021, 11, 20), who="Industry body", quantity="total_mw", value=1100, **MARK),
        ),
        "events": (row.Event(on="2021-05-21", event="The big neighbour bans mining", **MARK),
                   row.Event(on="2021-10-14", event="Trips at three plants", zone="North", power_mw=1150, **MARK)),
        "scenarios": {s: _scenario(s) for s in SCENARIOS},
        "digest": "0123456789abcdef",
    }  # fmt: skip
    return Case(**(body | changes))


def _takes(name: str, unit: str) -> bool:
    from pydantic import TypeAdapter, ValidationError

    fact = row.Fact(value=0.5, unit=unit, low=0.2, high=0.9, **MARK)  # type: ignore[arg-type]
    try:
        TypeAdapter(row.Parameters.model_fields[name].rebuild_annotation()).validate_python(fact)
    except ValidationError:
        return False
    return True


def _scenario(name: str) -> Scenario:
    freeze = (Freeze(start=date(2020, 10, 1)),) if name == "no-rush" else ()
    return Scenario(name=name, title=name.replace("-", " ").capitalize(), story=f"The story of {name}.", freeze=freeze)


def _data(values: np.ndarray, dims: tuple[str, ...], unit: str) -> xr.Variable:
    return xr.Variable(dims, values, {"units": unit, "long_name": unit})


def make_hourly(years: range = range(2020, 2022), *, rush: float = 1.0, links: bool = True) -> xr.Dataset:
    """Hours of a sampled path; leap days left out as in the model."""
    time = pd.date_range(f"{years[0]}-01-01", f"{years[-1]}-12-31 23:00", freq="h")
    time = time[~((time.month == 2) & (time.day == 29))]
    n, rng = len(time), np.random.default_rng(7)
    hour, day = (time.hour.to_numpy() + 6) % 24, time.dayofyear.to_numpy()
    shape = 1 + 0.14 * np.cos(2 * np.pi * (day - 15) / 365) + 0.09 * np.cos(2 * np.pi * (hour - 19) / 24)
    shape = shape + 0.01 * rng.standard_normal(n)
    ramp = np.clip((time.year.to_numpy() - 2020) + (day - 120) / 300, 0.2, 1.6) * rush
    registered = np.outer(ramp, [500, 120, 20])
    unregistered = np.outer(ramp, [300, 250, 20])
    load = np.outer(shape, [8200, 2900, 1300]) + unregistered
    gen = np.zeros((n, len(FUELS), 3))
    sun = np.clip(np.sin(np.pi * (hour - 6) / 12), 0, 1)
    wind = 0.3 + 0.2 * np.sin(np.arange(n) / 37.0)
    gen[:, 5] = np.outer(sun, [100, 600, 20])
    gen[:, 4] = np.outer(wind, [400, 300, 100])
    gen[:, 3] = np.outer(1 + 0.3 * (shape - 1), [800, 500, 0])
    gen[:, 2] = [60, 20, 40]
    flow = np.clip(load[:, 1] + registered[:, 1] - gen[:, :, 1].sum(1) - 900, 0, 2100)
    gen[:, 1, 1] = 500.0
    gen[:, 1, 2] = load[:, 2] + registered[:, 2] - gen[:, :, 2].sum(1)
    gen[:, 0, 1] = np.clip(load[:, 1] + registered[:, 1] - gen[:, :, 1].sum(1) - flow, 0, 900)
    need = load[:, 0] + registered[:, 0] + flow * 1.03 - gen[:, :, 0].sum(1)
    gen[:, 0, 0] = np.clip(need, 0, 10300)
    imports = np.zeros((n, 3))
    imports[:, 0] = np.clip(need - gen[:, 0, 0], 0, 700)
    short = np.zeros((n, 3))
    inflow = np.stack([-flow * 1.03, flow, 0 * flow], 1)
    short = np.clip(load + registered - gen.sum(1) - imports - inflow, 0, None)
    cut = np.minimum(short, registered)
    zero = np.zeros((n, 3))
    out = {
        "load_mw": load, "registered_mw": registered, "unregistered_mw": unregistered, "import_mw": imports,
        "export_mw": zero, "charged_mw": zero, "discharged_mw": zero, "spilled_mw": zero,
        "loss_mw": np.stack([flow * 0.03, zero[:, 0], zero[:, 0]], 1), "unserved_mw": short - cut,
        "interrupted_mw": cut, "price_usd_per_mwh": zero + 20,
    }  # fmt: skip
    variables = {k: _data(v, ("time", "zone"), k.split("_", 1)[1]) for k, v in out.items()}
    variables["generation_mw"] = _data(gen, ("time", "fuel", "zone"), "MW")
    coords: dict[str, Any] = {"time": time, "zone": ZONES, "fuel": FUELS}
    if links:
        variables["flow_mw"] = _data(flow[:, None], ("time", "link"), "MW")
        coords["link"] = ["North-South"]
    return xr.Dataset(variables, coords=coords)


def make_run(case: Case, name: str, index: int, years: range, hourly: xr.Dataset) -> Run:
    """One scenario whose shortage shrinks with its index."""
    rng = np.random.default_rng(index)
    y, rush = np.array(list(years)), 0.25 if name == "no-rush" else 1.0
    months = [f"{v}-{m:02d}" for v in years for m in range(1, 13)]
    t = np.arange(len(months))
    best = rush * (150 + 1500 / (1 + np.exp(-(t - 26) / 2.5)) * np.exp(-np.clip(t - 36, 0, None) / 30))
    mining = np.stack([0.5 * best, best, 1.7 * best], 1)
    one = np.ones((len(months), 3)) * [0.6, 0.35, 0.05]
    monthly = xr.Dataset(
        {
            "registered_mw": _data(0.5 * best[:, None] * one, ("month", "zone"), "MW"),
            "unregistered_mw": _data(0.5 * best[:, None] * one, ("month", "zone"), "MW"),
            "mining_mw": _data(mining, ("month", "bound"), "MW"),
            "hashprice_usd_per_ph_day": _data(300 * np.exp(-t / 60), ("month",), "USD/PH/day"),
            "breakeven_usd_per_mwh": _data(200 * np.exp(-t / 60), ("month",), "USD/MWh"),
        },
        coords={"month": months, "zone": ZONES, "bound": ["low", "best", "high"]},
    )
    yearly = best.reshape(-1, 12).mean(1) * 8.76e-3
    base = 105 * 1.02 ** (y - 2019)
    late = np.clip((y - 2033 + index / 2) / 4, 0, 1)
    mix = np.stack([0.68 * base * (1 - 0.3 * late), 0.2 * base, 0.01 * base, 0.09 * base, 0.02 * base * (1 + y - 2019),
                    0.01 * base * (1 + y - 2019), 18 * late * (name == "nuclear")], 1)  # fmt: skip
    trouble = rush * np.exp(-((y - 2022.5) ** 2) / 8) * 40 / (1 + index) + 0.5 * np.clip(y - 2026, 0, None)
    lole = np.stack([0.5 * trouble, 0.8 * trouble, 0.1 * trouble], 1)
    share = np.array([0.6, 0.3, 0.1])
    annual = xr.Dataset(
        {
            "demand_twh": _data((base + yearly)[:, None] * share, ("year", "zone"), "TWh"),
            "registered_twh": _data(0.5 * yearly[:, None] * share, ("year", "zone"), "TWh"),
            "unregistered_twh": _data(0.5 * yearly[:, None] * share, ("year", "zone"), "TWh"),
            "generation_twh": _data(mix, ("year", "fuel"), "TWh"),
            "import_twh": _data(1.5 + 0.3 * rng.random(len(y)), ("year",), "TWh"),
            "export_twh": _data(1.9 - 0.04 * (y - 2019), ("year",), "TWh"),
            "net_import_twh": _data(-0.4 + 0.04 * (y - 2019), ("year",), "TWh"),
            "peak_mw": _data(15500 + 300.0 * (y - 2019), ("year",), "MW"),
            "unserved_gwh": _data(lole, ("year", "zone"), "GWh"),
            "co2_mt": _data(0.9 * mix[:, 0], ("year",), "Mt"),
        },
        coords={"year": y, "zone": ZONES, "fuel": FUELS},
    )
    system = np.c_[lole, lole.sum(1)]
    risk = xr.Dataset(
        {
            "LOLE_h": _data(system, ("year", "zone"), "h/yr"),
            "LOLE_h_stderr": _data(0.05 * system + 0.1, ("year", "zone"), "h/yr"),
            "LOLE_days": _data(system / 4, ("year", "zone"), "days/yr"),
            "LOLE_days_stderr": _data(0.05 * system / 4, ("year", "zone"), "days/yr"),
            "EUE_mwh": _data(system * 250, ("year", "zone"), "MWh"),
            "EUE_mwh_stderr": _data(system * 12, ("year", "zone"), "MWh"),
        },
        coords={"year": y, "zone": [*ZONES, "system"]},
    )
    money = pd.DataFrame({line: np.zeros(len(y)) for line in LINES}, index=pd.Index(y, name="year"))
    money["fuel"], money["fixed"] = 9e6 * base, 8e8
    money["consumer_power"] = 3e7 * base
    money["registered_power"], money["unregistered_power"] = 2e7 * yearly, 1.5e7 * yearly
    money["imports"], money["exports"] = 6e7 * rush, 4e7
    money["registered_coins"] = money["unregistered_coins"] = 6e7 * yearly
    money["fee"] = 1.2e6 * yearly * (y >= 2022)
    money["unserved"] = lole.sum(1) * 250 * 3000.0
    return Run(case, case.scenarios[name], 1, 200, hourly, monthly, annual, risk, money, 1.5)


@cache
def make_study(scenarios: int = len(SCENARIOS), first: int = 2019, last: int = 2040) -> Study:
    """The whole made-up study."""
    case = make_case()
    hourly = make_hourly()
    runs: Mapping[str, Run] = {
        s: make_run(case, s, i, range(first, last + 1), hourly) for i, s in enumerate(SCENARIOS[:scenarios])
    }
    claims = pd.DataFrame(
        [
            ("share-doubled", "Press", "2021-10", "The share of the world's mining doubled", 0.181, "share",
             0.15, 0.183, 0.21, "The atlas shows China at zero", "misleading", 0.002, "The base was wrong."),
            ("tax", "Industry body", "2021-11", "Mining brings 1.5 bn USD in five years", 1.5, "bn USD", 0.1, 0.3, 0.6,
             "The fee is 1 per kWh", "false", -1.2, "It is turnover, not tax."),
            ("growth", "Energy ministry", "2021-10", "Demand grew by 8%", 0.08, "share", 0.05, 0.062, 0.07, "Autumn",
             "partly", 0.018, "True of the autumn, not of the year."),
            ("nuclear", "President", "2021-11", "Only a nuclear plant closes the gap", None, "1", None, None, None, "",
             "not settled", None, "It comes too late to help."),
        ],
        columns=["claim", "who", "said", "text", "value", "unit", "low", "best", "high", "fact", "verdict", "margin",
                 "why"],
    )  # fmt: skip
    relief = pd.DataFrame(
        [
            ("Cut registered miners first", "policy", 2021.2, 2021.5, 2021.8, 600, 4.0, 5, "They can stop in minutes."),
            ("More imports", "trade", 2021.5, 2022, 2023, 900, 3.0, 40, "A contract and a line that exists."),
            ("Ban", "policy", 2021.5, 2022, 2022.5, 800, 2.0, None, "Half hide."),
            ("Gas plant", "plant", 2026, 2027, 2029, 1000, 8.0, 60, "Under construction."),
            ("Wind and storage", "plant", 2027, 2028, 2030, 1000, 2.0, 55, "Planned."),
            ("Nuclear plant", "plant", 2035, 2037, 2041, 2400, 0.0, 110, "The record of such plants."),
        ],
        columns=["remedy", "kind", "first_year_low", "first_year_best", "first_year_high", "power_mw",
                 "eue_avoided_gwh", "cost_usd_per_mwh", "why"],
    )  # fmt: skip
    checks = pd.DataFrame(
        [
            ("coal", 2020, 71.0, 74.0, -0.04, True, "made-up"), ("gas", 2020, 23.5, 22.0, 0.07, True, "made-up"),
            ("hydro", 2020, 9.1, 9.7, -0.06, True, "made-up"), ("wind", 2020, 1.3, 1.1, 0.18, False, "made-up"),
            ("net import", 2020, -0.4, -0.74, -0.46, True, "made-up"),
        ],
        columns=["quantity", "year", "model", "official", "deviation_share", "within", "source"],
    )  # fmt: skip
    return Study(case, runs, claims, relief, checks, {}, None, 12.0, make_gallery(), make_plan())
