"""Risk by year and zone: Monte Carlo over unit outages of a run's months."""

from __future__ import annotations

import xarray as xr

NO_RISK = xr.Dataset(coords={"year": [], "zone": []})
"""No year was assessed."""


def assess_months(*args, **kw):
    raise NotImplementedError
