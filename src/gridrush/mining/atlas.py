"""Where mining is: share of the world's hash rate by country and month, EH/s and MW with low, best and high.

The Cambridge map shares out the hash rate its pools could place. When the miners of a large country hide, all other
shares come out too high: China read exactly 0% in July and August 2021, between 34% in June and 22% in September.
The correction puts the hidden share back on a straight line between its neighbours and scales the others down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridrush.case.model import Case
from gridrush.errors import CaseError, Problem
from gridrush.mining.fleet import PUE_BEST, PUE_HIGH, PUE_LOW, fleet_j_per_th
from gridrush.mining.network import Months, network_of
from gridrush.units import Floats, mw_from_ehs

HIDDEN_ABOVE_SHARE = 0.05
"""A reading of exactly zero between two months above this share is hiding, not leaving."""

WORST_TRADED_J_PER_TH = 98.0
"""Antminer S9, the worst machine still run in number in 2021 (CBECI device list): caps the high bound of a country."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """Countries by month; T months, C countries (the map's "Other" is one)."""

    months: Months  # (T,)
    countries: tuple[str, ...]  # C
    map_share: Floats  # (T, C) as printed
    share: Floats  # (T, C) corrected, sums to 1
    hashrate_ehs: Floats  # (T, C) corrected
    power_mw: Floats  # (T, C, 3) low, best, high
    hidden: Floats  # (T,) share of the world put back where the map read zero

    def of(self, country: str) -> int:
        """Column of a country.

        Raises
        ------
        KeyError
            If the map has no such country.
        """
        if country not in self.countries:
            raise KeyError(f"the atlas has no {country!r}; it has {', '.join(self.countries)}")
        return self.countries.index(country)


def country_atlas(case: Case) -> Atlas:
    """Country shares, EH/s and MW of the case's map, hidden months put right.

    MW = EH/s x J/TH x PUE: low with the best device and PUE 1.01, best with the fleet's mean and 1.10, high with the
    worst device that pays, an Antminer S9 at most, and 1.20.

    Raises
    ------
    CaseError
        If the map is empty, has a month without network row, or a country missing in a month.
    """
    if not case.atlas:
        raise CaseError([Problem("mining_atlas.csv", "no rows", "one row per month and country")])
    network = network_of(case)
    labels = sorted({r.month for r in case.atlas})
    countries = tuple(sorted({r.country for r in case.atlas}))
    share = np.full((len(labels), len(countries)), np.nan)
    problems = []
    for r in case.atlas:
        t, c = labels.index(r.month), countries.index(r.country)
        if not np.isnan(share[t, c]):
            problems.append(Problem(f"mining_atlas.csv[{r.month}, {r.country}]", "two rows", "one row"))
        share[t, c] = r.hashrate_share
    problems += [
        Problem(f"mining_atlas.csv[{labels[t]}, {countries[c]}]", "no row", "one row")
        for t, c in zip(*np.nonzero(np.isnan(share)), strict=True)
    ]
    inside = {str(m) for m in network.months}
    wanted = "a row, as the atlas has one"
    problems += [Problem(f"mining_network.csv[{m}]", "no row", wanted) for m in labels if m not in inside]
    if problems:
        raise CaseError(problems)
    months = np.array(labels, dtype="datetime64[M]")
    true, hidden = put_hidden_back(share)
    rows = np.array([network.at(m) for m in labels])
    ehs = true * network.hashrate_ehs[rows, None]
    j = fleet_j_per_th(case)[rows]
    j[:, 2] = np.maximum(np.minimum(j[:, 2], WORST_TRADED_J_PER_TH), j[:, 1])
    mw = mw_from_ehs(ehs[:, :, None], j[:, None, :], np.array([PUE_LOW, PUE_BEST, PUE_HIGH]))
    return Atlas(months, countries, share, true, ehs, mw, hidden)


def put_hidden_back(share: Floats) -> tuple[Floats, Floats]:
    """Shares with hidden months filled, and the share filled in. (T, C), (T,)

    Where a column reads exactly 0 between months above `HIDDEN_ABOVE_SHARE`, it gets the straight line between them and
    the other columns are scaled to leave room for it.

    Examples
    --------
    >>> import numpy as np
    >>> put_hidden_back(np.array([[0.4, 0.6], [0.0, 1.0], [0.2, 0.8]]))[0][1].round(2)
    array([0.3, 0.7])
    """
    total = share.sum(axis=1, keepdims=True)
    out = share / np.where(total > 0, total, 1.0)
    hidden = np.zeros(len(share))
    at = np.arange(len(share))
    for c in range(share.shape[1]):
        seen = share[:, c] > HIDDEN_ABOVE_SHARE
        if not seen.any():
            continue
        first, last = int(np.argmax(seen)), len(at) - 1 - int(np.argmax(seen[::-1]))
        gone = (share[:, c] == 0) & (at > first) & (at < last)
        if not gone.any():
            continue
        fill = np.interp(at[gone], at[share[:, c] > 0], share[share[:, c] > 0, c])
        out[gone] *= (1.0 - fill)[:, None]
        out[gone, c] = fill
        hidden[gone] += fill
    return out, hidden
