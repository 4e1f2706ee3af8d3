"""What happens when something breaks: load shed after the system has responded, and frequency in the first minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from gridrush.case.system import NO_RESERVOIRS, NO_STORAGE, BlockKind, Ints, System, Units
from gridrush.errors import CaseError, Problem
from gridrush.grid import _kernels_swing
from gridrush.grid.dispatch import Dispatch, dispatch, merit_order
from gridrush.grid.lp import unit_limits_mw
from gridrush.units import Floats

STEP_S = 0.01
"""Time step of the swing model; a tenth of the fastest relay delay in use."""


@dataclass(frozen=True)
class Contingency:
    """What is lost at once: units altogether, and the share of links that is left."""

    name: str
    units: tuple[int, ...] = ()
    links_left: tuple[tuple[int, float], ...] = ()


def single_units(system: System) -> list[Contingency]:
    """Loss of each unit that is not an import offer."""
    u = system.units
    return [
        Contingency(f"loss of {n}", (g,))
        for g, n in enumerate(u.name)
        if u.fuel[g] != "import" and u.capacity_mw[g] > 0
    ]


def largest_together(system: System, n: int) -> Contingency:
    """Loss of the n largest units at once, import offers not counted."""
    u = system.units
    own = [g for g in np.argsort(-u.capacity_mw, kind="stable") if u.fuel[g] != "import"][:n]
    return Contingency("loss of " + ", ".join(u.name[g] for g in own), tuple(int(g) for g in own))


def pairs(system: System, among: Sequence[int]) -> list[Contingency]:
    """Loss of every two of the given units (N-2)."""
    name = system.units.name
    return [Contingency(f"loss of {name[a]} and {name[b]}", (a, b)) for a, b in combinations(among, 2)]


def circuit(system: System, link: str, left_share: float) -> Contingency:
    """Loss of one circuit of a link, of which a share of the limit is left."""
    if link not in system.links.name:
        raise CaseError([Problem("link", link, f"one of {', '.join(system.links.name)}")])
    if not 0.0 <= left_share <= 1.0:
        raise CaseError([Problem("left_share", left_share, "a share in [0, 1]")])
    return Contingency(
        f"one circuit of {link} ({left_share:.0%} left)", (), ((system.links.name.index(link), left_share),)
    )


def islanding(system: System, zone: str) -> Contingency:
    """All links of a zone lost."""
    if zone not in system.zones:
        raise CaseError([Problem("zone", zone, f"one of {', '.join(system.zones)}")])
    z, k = system.zones.index(zone), system.links
    cut = np.flatnonzero((k.source == z) | (k.target == z))
    return Contingency(f"islanding of {zone}", (), tuple((int(i), 0.0) for i in cut))


@dataclass(frozen=True)
class Shed:
    """Load shed by one contingency in one hour, beyond what was cut before it."""

    contingency: Contingency
    hour: int
    lost_mw: float  # generation of the lost units and flow of the lost links before
    firm_mw: float
    interruptible_mw: float
    export_mw: float
    firm_by_zone_mw: tuple[float, ...]


def worst_hours(before: Dispatch, n: int) -> Ints:
    """Hours with the least spare capacity over load served, lowest first. (n,)"""
    high = unit_limits_mw(before.system, before.up)[1].sum(axis=1)
    return np.argsort(high - before.system.load_mw.sum(axis=1), kind="stable")[:n]


def contingencies(
    before: Dispatch,
    cases: Sequence[Contingency],
    *,
    hours: ArrayLike,
    response_h: float | None = None,
) -> list[Shed]:
    """Load shed by each contingency in each hour after imports, reserves and interruptible load respond, worst first.

    The hour is dispatched again without what was lost. Water is not limited within the hour and stores can give what
    they hold; worst means most firm load shed, then most interruptible.

    Parameters
    ----------
    before : Dispatch
        The year before anything broke.
    cases : sequence of Contingency
    hours : array_like of int, shape (n,)
        Hours to try, such as `worst_hours`.
    response_h : float, optional
        Time the units have: each can rise by ramp_share_per_h * capacity * response_h over where it was. None: all
        that is available. [h]
    """
    s, at = before.system, np.asarray(hours, np.int64)
    if (bad := (at < 0) | (at >= s.time.size)).any():
        raise CaseError([Problem("hours", int(at[bad][0]), f"an hour in 0..{s.time.size - 1}")])
    one, up0, links0 = _hours_apart(before, at, response_h)
    merit = merit_order(one)
    calm = dispatch(one, up=up0, links_up=links0, merit=merit)
    kinds: tuple[BlockKind, ...] = ("firm", "interruptible", "export")
    cut0 = {kind: calm.unserved_mw((kind,)) for kind in kinds}
    out: list[Shed] = []
    for case in cases:
        up, links_up = up0.copy(), links0.copy()
        up[:, list(case.units)] = 0.0
        lost = before.generation_mw[at][:, list(case.units)].sum(axis=1)
        for link, left in case.links_left:
            links_up[:, link] *= left
            lost = lost + np.abs(before.flow_mw[at, link]) * (1.0 - left)
        after = dispatch(one, up=up, links_up=links_up, merit=merit)
        cut = {kind: after.unserved_mw((kind,)) - cut0[kind] for kind in kinds}
        out.extend(
            Shed(
                case,
                int(t),
                float(lost[i]),
                float(cut["firm"][i].sum()),
                float(cut["interruptible"][i].sum()),
                float(cut["export"][i].sum()),
                tuple(cut["firm"][i].tolist()),
            )
            for i, t in enumerate(at)
        )
    return sorted(out, key=lambda x: (-x.firm_mw, -x.interruptible_mw, -x.lost_mw))


def _hours_apart(before: Dispatch, at: Ints, response_h: float | None) -> tuple[System, Floats, Floats]:
    """The chosen hours side by side without memory: stores are units, shares say how far each unit can go."""
    s, u, st = before.system, before.system.units, before.system.storage
    J, n = len(st), at.size
    up = np.ones((n, len(u))) if before.up is None else np.asarray(before.up, np.float64)[at]
    links_up = np.ones((n, len(s.links))) if before.links_up is None else np.asarray(before.links_up, np.float64)[at]
    if response_h is not None:
        high = unit_limits_mw(s, before.up)[1][at]
        reach = np.minimum(high, before.generation_mw[at] + u.ramp_share_per_h * u.capacity_mw * response_h)
        up = up * np.divide(reach, high, out=np.ones_like(high), where=high > 0)
    if J:
        held = (
            np.vstack([(st.energy_mwh * st.initial_share)[None], before.stored_mwh[:-1]])[at] * st.discharge_efficiency
        )
        share = np.divide(
            np.minimum(held, st.discharge_mw), st.discharge_mw, out=np.zeros((n, J)), where=st.discharge_mw > 0
        )
        up = np.hstack([up, share])
        same = np.zeros(J)
        u = Units(
            (*u.name, *(f"store {x}" for x in st.name)),
            (*u.technology, *("storage",) * J),
            (*u.fuel, *("storage",) * J),
            np.concatenate([u.zone, st.zone]),
            np.concatenate([u.capacity_mw, st.discharge_mw]),
            np.concatenate([u.cost_usd_per_mwh, same]),
            np.concatenate([u.available, same.astype(np.int64)]),
            np.concatenate([u.must_run, same.astype(np.int64) + 1]),
            np.concatenate([u.reservoir, same.astype(np.int64) - 1]),
            np.concatenate([u.mttf_h, same + np.inf]),
            np.concatenate([u.mttr_h, same]),
            np.concatenate([u.maintenance_h, same]),
            np.concatenate([u.co2_t_per_mwh, same]),
            np.concatenate([u.ramp_share_per_h, same + 1.0]),
        )
    one = replace(
        s,
        time=s.time[at],
        period=np.zeros(n, np.int64),
        profiles=np.ascontiguousarray(s.profiles[:, at]),
        units=replace(u, reservoir=np.full(len(u), -1)),
        demand=replace(s.demand, load_mw=s.demand.load_mw[at]),
        storage=NO_STORAGE,
        reservoirs=NO_RESERVOIRS,
    )
    return one, up, links_up


@dataclass(frozen=True)
class Frequency:
    """One-bus model of a synchronous area: every number is the caller's, none is assumed.

    ufls: steps of under-frequency load shedding as (frequency [Hz], delay [s], share of load shed).
    """

    nominal_hz: float
    kinetic_energy_mws: float  # sum of inertia constant times rating of what is synchronised, after the loss
    load_mw: float
    load_damping_share_per_hz: float  # share of load that goes with each Hz
    headroom_mw: float  # most that governors can add
    droop_mw_per_hz: float  # response of all governors together
    governor_s: float  # time constant of that response
    ufls: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Swing:
    """Course of the frequency after a loss."""

    time_s: Floats
    frequency_hz: Floats
    governor_mw: Floats
    shed_mw: Floats

    @property
    def nadir_hz(self) -> float:
        """Lowest frequency. [Hz]"""
        return float(self.frequency_hz.min())

    @property
    def total_shed_mw(self) -> float:
        """Load shed by the relays by the end. [MW]"""
        return float(self.shed_mw[-1])


def swing(lost_mw: float, system: Frequency, *, seconds: float = 60.0) -> Swing:
    """Frequency after the sudden loss of generation.

        2 E df/dt = f0 (governors + shed - lost - D load (f - f0)),   T dg/dt = min(K (f0 - f), headroom) - g

    with kinetic energy E; relays shed their share of load once the frequency has been below their setting for their
    delay.

    Parameters
    ----------
    lost_mw : float
        Generation lost at time zero. [MW]
    system : Frequency
    seconds : float
        Time followed. [s]

    References
    ----------
    Kundur, P. (1994), Power System Stability and Control, sections 3.9 and 11.1.
    """
    positive = ("nominal_hz", "kinetic_energy_mws", "load_mw", "governor_s")
    problems = [
        Problem(f"frequency.{f}", getattr(system, f), "a number > 0") for f in positive if not getattr(system, f) > 0
    ]
    if problems:
        raise CaseError(problems)
    n = round(seconds / STEP_S) + 1
    steps = np.array(sorted(system.ufls, reverse=True), np.float64).reshape(-1, 3)
    f, g, shed = np.empty(n), np.empty(n), np.empty(n)
    _kernels_swing.swing(
        lost_mw,
        system.nominal_hz,
        system.kinetic_energy_mws,
        system.load_mw,
        system.load_damping_share_per_hz,
        system.headroom_mw,
        system.droop_mw_per_hz,
        system.governor_s,
        steps,
        STEP_S,
        f,
        g,
        shed,
    )
    return Swing(np.arange(n, dtype=np.float64) * STEP_S, f, g, shed)
