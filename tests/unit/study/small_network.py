"""A PyPSA network of two buses and four hours, and one of a winter week, written to a file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def four_hours(path: Path) -> Path:
    """North: 100 MW of coal at 20, load 50. South: 60 MW of gas at 50, load 60, 90, 120, 150. Line: 40 MW."""
    n = _empty()
    n.set_snapshots(pd.date_range("2030-01-07", periods=4, freq="h"))
    n.add("Carrier", "coal", co2_emissions=0.4, nice_name="Hard coal", color="#111111")
    n.add("Carrier", "gas", co2_emissions=0.2)
    n.add("Bus", "North", x=70.0, y=52.0)
    n.add("Bus", "South", x=76.0, y=43.0)
    n.add("Load", "north", bus="North", p_set=[50.0] * 4)
    n.add("Load", "south", bus="South", p_set=[60.0, 90.0, 120.0, 150.0])
    n.add("Generator", "gres", bus="North", carrier="coal", p_nom=100.0, marginal_cost=20.0, efficiency=0.4)
    n.add("Generator", "chp", bus="South", carrier="gas", p_nom=60.0, marginal_cost=50.0, efficiency=0.5)
    n.add("Line", "transit", bus0="North", bus1="South", s_nom=40.0, x=0.1)
    return _write(n, path)


def week(path: Path) -> Path:
    """The file of `week_long`."""
    return _write(week_long(), path)


def broken(path: Path) -> Path:
    """The same with a bus that is not there, a capacity below zero and a load that is not a number."""
    n = week_long()
    n.generators.loc["chp", "bus"] = "Nowhere"
    n.generators.loc["gres", "p_nom"] = -5.0
    n.loads_t.p_set.iloc[7, 0] = np.nan
    return _write(n, path)


def week_long() -> Any:
    """The same for a week of days alike with some wind; load of the South peaks at 18 h above what there is."""
    n = _empty()
    hours = np.arange(168)
    n.set_snapshots(pd.date_range("2030-01-07", periods=168, freq="h"))
    for carrier, co2 in (("coal", 0.4), ("gas", 0.2), ("wind", 0.0)):
        n.add("Carrier", carrier, co2_emissions=co2)
    n.add("Bus", "North", x=70.0, y=52.0)
    n.add("Bus", "South", x=76.0, y=43.0)
    n.add("Load", "north", bus="North", p_set=np.full(168, 500.0))
    n.add("Load", "south", bus="South", p_set=700.0 + 320.0 * np.cos(2 * np.pi * (hours % 24 - 18) / 24))
    n.add("Generator", "gres", bus="North", carrier="coal", p_nom=1000.0, marginal_cost=20.0, efficiency=0.4)
    n.add("Generator", "chp", bus="South", carrier="gas", p_nom=600.0, marginal_cost=50.0, efficiency=0.5)
    n.add("Generator", "wind", bus="South", carrier="wind", p_nom=100.0, p_max_pu=0.5 + 0.5 * np.sin(hours / 9.0))
    n.add("Line", "transit", bus0="North", bus1="South", s_nom=400.0, x=0.1)
    return n


def _empty() -> Any:
    with warnings.catch_warnings():  # of pandas and PyPSA about each other
        warnings.simplefilter("ignore")
        import pypsa

        return pypsa.Network()


def _write(n: Any, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        n.export_to_netcdf(path)
    return path
