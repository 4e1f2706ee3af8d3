"""The evidence of a feeder as a person would say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gridrush.detect.find import Look

DUTIES = {"flat farm": "flat ", "farm at night": "night ", "farm off peak": "off-peak "}
WORTH_SAYING = 0.02
"""Chance below which a change is not called a farm."""


def evidence_words(seen: Look) -> list[str]:
    """One line a feeder: what changed, when, by how much, at which hours, and what speaks for or against."""
    return [_feeder(seen, i) for i in range(len(seen.records.feeders))]


def _feeder(seen: Look, i: int) -> str:
    c, p, e, days = seen.changes, seen.posterior, seen.evidence, seen.records.days
    parts = []
    for k in range(int(c.count[i])):
        chance = p.change_farm[i, k]
        if abs(c.z[i, k]) < 2.5 or abs(c.level_mw[i, k]) < 0.01 * c.mean_mw[i]:
            continue
        kind = p.names[p.change_kind[i, k]]
        if chance >= WORTH_SAYING:
            parts.append(_step(seen, i, k, chance))
        else:
            way = "rise" if c.level_mw[i, k] > 0 else "fall"
            parts.append(f"{way} of {abs(c.level_mw[i, k]):.2g} MW on {days[c.day[i, k]]} looks like: {kind}")
    if p.before[i] >= WORTH_SAYING:
        base = seen.features["base_share"].iloc[i]
        parts.append(f"flatter than its class: night {base:.2f} of mean load, since before the record")
    missing = e.missing_share[i]
    if np.isfinite(missing) and missing > 0.05:
        parts.append(f"meters miss {missing:.0%} of night load beyond technical losses")
    for k in range(e.event_drop_mw.shape[1]):
        drop, std = e.event_drop_mw[i, k], e.event_drop_std_mw[i, k]
        if np.isfinite(drop) and drop > 3 * std and p.farm_mw[i] > 0:
            parts.append(f"fell by {drop:.2g} MW in event {k + 1}")
    known = np.nan_to_num(seen.records.facts.registered_mw[i])
    if known > 0:
        parts.append(f"{known:.2g} MW of mining registered")
    if not parts:
        days_used = int(c.days_used[i])
        return "no change worth naming" if days_used >= 56 else f"only {days_used} whole days on record"
    return "; ".join(parts)


def _step(seen: Look, i: int, k: int, chance: float) -> str:
    c, p, e, days = seen.changes, seen.posterior, seen.evidence, seen.records.days
    step, rest = c.delta_mw[i, k, 0], c.delta_mw[i, k, 1]
    level = c.level_mw[i, k]
    way = "load of" if level > 0 else "load gone of"
    night, day = step[[0, 1]].mean(), step[3:7].mean()
    even = abs(night / day) if day else np.inf
    name = DUTIES[p.names[p.change_duty[i, k]]]
    words = f"{name}{way} {abs(p.change_mw[i, k]):.2g} MW since {days[c.day[i, k]]} (farm {chance:.0%})"
    if np.isfinite(even) and even < 9.95:
        words += f", at night {even:.2f} of day"
    drive = c.delta_mw[i, k, 2].mean()
    error = np.sqrt(max(c.spread[i, 3 * k + 2, 3 * k + 2] * c.innovation[i].mean(), 0.0))
    follows = abs(drive) > 2 * error and abs(drive) > 0.1 * abs(level)
    words += ", follows the season" if follows else ", does not follow the season"
    if abs(rest.mean()) > 0.15 * abs(level):
        words += f", {'more' if rest.mean() * level > 0 else 'less'} on days of rest"
    if np.isfinite(e.tan_phi[i, k]) and e.tan_phi_std[i, k] < 0.2:
        words += f", power factor of what came {1 / np.hypot(1, e.tan_phi[i, k]):.2f}"
    if np.isfinite(e.unmetered_share[i, k]) and e.unmetered_std[i, k] < 0.3:
        words += f", {min(max(e.unmetered_share[i, k], 0), 1):.0%} of it not on any meter"
    return words
