# mypy: disable-error-code="no-untyped-def"
"""Compiled: the hours of a month."""

import numpy as np

from gridrush._jit import kernel


@kernel
def fill_month(shares, weather, factor, water_row, water_share, water, period, load, sales_mw, profiles, with_sales):
    """Fill the profiles (K, T) and the load with offers to buy (T, B + E) of a month; gives whether the load is sound.

    shares: (K,) of profiles the hours do not change; weather: (N, 2) profile and row of factor (R, T); water_row: (W,)
    profiles that must run at a share water_share (W,) of capacity, times the water (P,) of their path, period (T,), at
    most 1; load: (T, B) finite and not negative when sound; sales_mw: (E,).
    """
    K, T = profiles.shape
    B, E = load.shape[1], sales_mw.size
    for k in range(K):
        for t in range(T):
            profiles[k, t] = shares[k]
    for i in range(weather.shape[0]):
        k, r = weather[i, 0], weather[i, 1]
        for t in range(T):
            profiles[k, t] = factor[r, t]
    for i in range(water_row.size):
        k = water_row[i]
        for t in range(T):
            profiles[k, t] = min(water_share[i] * water[period[t]], 1.0)
    least, most = 0.0, 0.0
    for t in range(T):
        for b in range(B):
            mw = load[t, b]
            with_sales[t, b] = mw
            least, most = min(least, mw), max(most, mw)
            if mw != mw:
                least = -1.0
        for e in range(E):
            with_sales[t, B + e] = sales_mw[e]
    return least >= 0.0 and most < np.inf
