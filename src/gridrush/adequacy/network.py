"""Cuts of a network of zones: what can flow into each subset, and which subsets can ever bind.

The least total shortfall of a lossless network is the largest, over subsets S of zones, of the deficit of S less
the capacity of the links into S (max-flow min-cut, Ford and Fulkerson 1956; Gale 1957): exact for any network.
"""

from __future__ import annotations

import numpy as np

from gridrush.case.system import Ints, System
from gridrush.errors import CaseError, Problem
from gridrush.units import Floats

MOST_ZONES = 12


def check_zones(system: System) -> None:
    """Raise when there are more zones than subsets can be listed for."""
    if not len(system.zones):
        raise CaseError([Problem("zones", 0, "at least one zone")])
    if not system.time.size:
        raise CaseError([Problem("time", 0, "at least one hour")])
    if len(system.zones) > MOST_ZONES:
        raise CaseError(
            [Problem("zones", len(system.zones), f"at most {MOST_ZONES} zones", "merge zones whose links never bind")]
        )


def link_into(system: System) -> Floats:
    """Capacity each link can bring into each subset of zones. (L, 2^Z) [MW]"""
    n = 1 << len(system.zones)
    s = np.arange(n)
    out = np.zeros((len(system.links), n))
    k = system.links
    for i in range(len(k)):
        a, b = s >> int(k.source[i]) & 1, s >> int(k.target[i]) & 1
        out[i] = np.where((b == 1) & (a == 0), k.forward_mw[i], 0.0) + np.where(
            (a == 1) & (b == 0), k.backward_mw[i], 0.0
        )
    return out


def link_patterns(system: System) -> tuple[Floats, Ints]:
    """Distinct hourly states of link limits (P, L) as shares, and the state of each hour (T,)."""
    T = system.time.size
    if not len(system.links):
        return np.ones((1, 0)), np.zeros(T, np.int64)
    share = system.profiles[system.links.available]
    patterns, at = np.unique(share.T, axis=0, return_inverse=True)
    return patterns, np.asarray(at, np.int64).reshape(-1)


def connected_subsets(system: System) -> list[int]:
    """Bit masks of the subsets of zones that links hold together."""
    Z = len(system.zones)
    near = [0] * Z
    for a, b in zip(system.links.source.tolist(), system.links.target.tolist(), strict=True):
        near[a] |= 1 << b
        near[b] |= 1 << a
    out = []
    for s in range(1, 1 << Z):
        seen = s & -s
        while True:
            wider = seen
            for z in range(Z):
                if seen >> z & 1:
                    wider |= near[z] & s
            if wider == seen:
                break
            seen = wider
        if seen == s:
            out.append(s)
    return out
