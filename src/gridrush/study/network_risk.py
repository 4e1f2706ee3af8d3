"""Risk and room of a changed network, by Monte Carlo over unit outages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gridrush.adequacy.assess import assess
from gridrush.adequacy.credit import Headroom, headroom
from gridrush.adequacy.metrics import Assessment
from gridrush.case.estimate import Estimate
from gridrush.case.system import System
from gridrush.study.network_room import Change, changed, with_outages

FEW_SAMPLES = 2
"""Sample years of a network whose units never fail: they are all alike."""

MOST_ZONES = 12
"""Zones whose headroom is looked for, the largest by load."""


@dataclass(frozen=True)
class NetworkRoom:
    """New load the zones of a network take; none is looked for when the network misses the target as it is."""

    lole_h: Estimate  # of the network as it is
    rows: list[Headroom]
    samples: int  # sample years of a look; 0 when no unit fails


def network_risk(
    system: System, change: Change, *, samples: int = 200, seed: int = 1,
    progress: Callable[[float, str], None] | None = None,
) -> Assessment:  # fmt: skip
    """Expected hours and energy short of a changed network, outages assumed included."""
    made = with_outages(changed(system, change), change.outage_share)

    def told(drawn: int, error: float | None) -> None:
        if progress is not None:
            progress(min(0.99, drawn / samples), "")

    return assess(made, samples=samples, seed=seed, progress=told)


def network_headroom(
    system: System, change: Change, *, target_lole_h: float, shares: Sequence[float] = (0.0,), samples: int = 200,
    seed: int = 1, progress: Callable[[float, str], None] | None = None,
) -> NetworkRoom:  # fmt: skip
    """New flat load each of the largest zones of a changed network takes at a risk target over its hours.

    Parameters
    ----------
    target_lole_h : float
        Expected hours short over the hours of the network. [h]
    shares : sequence of float
        Share of the hours in which the new load lets itself be cut.
    """
    made = with_outages(changed(system, change), change.outage_share)
    fails = bool(np.isfinite(made.units.mttf_h).any() or np.isfinite(made.links.mttf_h).any())
    n = samples if fails else FEW_SAMPLES
    now = assess(made, samples=n, seed=seed)["LOLE_h"]
    largest = np.argsort(-made.load_mw.max(axis=0, initial=0.0), kind="stable")[:MOST_ZONES]
    points = [(made.zones[z], share) for z in sorted(largest) for share in shares]
    rows: list[Headroom] = []
    for k, (zone, share) in enumerate(points if now.mean <= target_lole_h else []):
        if progress is not None:
            progress(0.02 + 0.98 * k / len(points), zone)
        rows += headroom(
            made, zones=[zone], curtailable_shares=[share], target_lole_h=target_lole_h, samples=n, seed=seed
        )
    return NetworkRoom(now, rows, n if fails else 0)
