"""The model beside official figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridrush.study.run import Run

COLUMNS = ("quantity", "year", "model", "official", "deviation_share", "within", "source")

WITHIN_SHARE = 0.10
"""Generation by fuel should agree with the official totals within this share."""


def check_run(run: Run) -> pd.DataFrame:
    """Generation by fuel, net trade, demand and capacity beside the official figures; see `COLUMNS`."""
    rows = []
    a, case = run.annual, run.case
    for g in case.generation:
        if g.year in run.years and g.fuel in a["fuel"].values:
            model = float(a["generation_twh"].sel(year=g.year, fuel=g.fuel))
            rows.append(_row(f"generation {g.fuel} [TWh]", g.year, model, g.generation_twh, g.source))
        elif g.year in run.years and g.fuel in ("net import", "net_import"):
            model = float(a["net_import_twh"].sel(year=g.year))
            sign = np.sign(model) == np.sign(g.generation_twh)
            rows.append(("net import [TWh]", g.year, model, g.generation_twh, np.nan, bool(sign), g.source))
    for d in case.demand:
        if d.year in run.years:
            model = float(a["demand_twh"].sel(year=d.year).sum())
            rows.append(_row("demand [TWh]", d.year, model, d.consumption_twh, d.source))
    for c in case.capacity:
        if c.on.year in run.years and c.on.month in (6, 7, 8):
            for name, official in (("installed_mw", c.installed_mw), ("available_mw", c.available_mw)):
                rows.append(_row(name.replace("_mw", " capacity [MW]"), c.on.year,
                                 float(a[name].sel(year=c.on.year)), official, c.source))  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(name: str, year: int, model: float, official: float, source: str) -> tuple[object, ...]:
    off = model / official - 1.0 if official else np.nan
    return name, year, model, official, off, bool(abs(off) <= WITHIN_SHARE), source
