# mypy: disable-error-code="no-untyped-def,assignment,arg-type"
"""Compiled: energy spent on the peaks."""

from __future__ import annotations

import numpy as np

from gridrush.adequacy._jit import kernel
from gridrush.units import Floats


def shave(need: Floats, low: Floats, high: Floats, energy: float) -> Floats:
    """clip(need - level, low, high) with the level that spends `energy`, or the nearest bound. (T,) -> (T,)"""
    out = np.empty(need.size)
    fill(need, low, high, float(energy), out)
    return out


@kernel
def fill(need, low, high, energy, out):
    """What `shave` gives, into `out`: Newton's steps on the level, kept inside a bracket.

    Spending is piecewise linear and falls with the level.
    """
    n = need.size
    most, least = 0.0, 0.0
    for t in range(n):
        most += high[t]
        least += low[t]
    if most <= energy or least >= energy:
        share = energy / least if least > 0 else 0.0
        for t in range(n):
            out[t] = high[t] if most <= energy else low[t] * share
        return
    a, b = np.inf, -np.inf
    for t in range(n):
        a = min(a, need[t] - high[t])
        b = max(b, need[t] - low[t])
    level = 0.5 * (a + b)
    for _ in range(200):
        spent, slope = 0.0, 0
        for t in range(n):
            x = need[t] - level
            if x <= low[t]:
                spent += low[t]
            elif x >= high[t]:
                spent += high[t]
            else:
                spent += x
                slope += 1
        if abs(spent - energy) <= 1e-9 * energy:
            break
        if spent > energy:
            a = level
        else:
            b = level
        step = level + (spent - energy) / slope if slope else a
        level = step if a < step < b else 0.5 * (a + b)
    for t in range(n):
        out[t] = min(max(need[t] - level, low[t]), high[t])


@kernel
def take_off(short, zone, capacity, row, profiles, up):
    """Subtract what units can give from what zones lack, in place. short: (Z, T), profiles: (K, T), up: (G, T)"""
    for g in range(zone.size):
        z, k, c = zone[g], row[g], capacity[g]
        if c != 0.0:
            for t in range(short.shape[1]):
                short[z, t] -= c * profiles[k, t] * up[g, t]
