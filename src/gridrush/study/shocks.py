"""The ten worst things that could break in a year: load shed by class, and the frequency of the first minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gridrush.case.system import Ints, System
from gridrush.errors import CaseError, Problem
from gridrush.grid.dispatch import Dispatch
from gridrush.grid.lp import unit_limits_mw
from gridrush.grid.security import (
    Contingency,
    Frequency,
    Shed,
    Swing,
    circuit,
    contingencies,
    islanding,
    single_units,
    swing,
    worst_hours,
)

NOMINAL_HZ = 50.0
INERTIA_S = {"hydro": 3.0, "": 4.0}
"""Kinetic energy over rating of turbine and generator: hydro 2-4 s, two-pole thermal sets 2.5-6 s; middle values.
Kundur (1994), Power System Stability and Control, table 3.2."""
LOAD_DAMPING_SHARE_PER_HZ = 0.03
"""1.5% of load per 1% of frequency; Kundur (1994), section 11.1.1, gives 1 to 2."""
DROOP_SHARE = 0.05
"""Fall of frequency, as a share of nominal, that opens a governor fully; Kundur (1994), section 11.1.1."""
GOVERNOR_S = 8.0
"""Time constant of a reheat steam turbine with its governor: 7 s of it the reheater; Kundur (1994), section 11.1.4."""
UFLS = ((49.0, 0.15, 0.05), (48.8, 0.15, 0.09), (48.6, 0.15, 0.09), (48.4, 0.15, 0.09), (48.2, 0.15, 0.09),
        (48.0, 0.15, 0.09))  # fmt: skip
"""Steps of under-frequency shedding as (Hz, s, share of load): 5% at 49.0 Hz, 50% in all by 48.0 Hz in six steps.
Regulation (EU) 2017/2196, annex, continental Europe; its relays may take 150 ms."""
NOT_TURNING = ("wind", "solar", "pv", "batter", "import", "storage", "store", "interconnector", "cut")
"""Parts of a technology's or fuel's name that bring no inertia to the grid."""

MOST_LINES = 10


@dataclass(frozen=True, eq=False)
class Shock:
    """One thing that broke in one hour, what it cost, and how low the frequency went."""

    shed: Shed
    time: np.datetime64
    swing: Swing | None  # None when nothing that generates was lost

    @property
    def nadir_hz(self) -> float | None:
        """Lowest frequency of the system as an island. [Hz]"""
        return None if self.swing is None else self.swing.nadir_hz

    def to_dict(self, zones: Sequence[str]) -> dict[str, object]:
        """A row of the list of the worst."""
        s = self.shed
        return {
            "contingency": s.contingency.name, "time": str(self.time), "lost_mw": s.lost_mw,
            "shed_mw": {"firm": s.firm_mw, "interruptible": s.interruptible_mw, "export": s.export_mw},
            "firm_by_zone_mw": dict(zip(zones, s.firm_by_zone_mw, strict=True)),
            "nadir_hz": self.nadir_hz,
            "relays_shed_mw": None if self.swing is None else self.swing.total_shed_mw,
        }  # fmt: skip


def worst_shocks(
    before: Dispatch, *, hours: Sequence[int] | Ints | None = None, together: int = 3, response_h: float | None = None,
    circuits: Mapping[str, int] | None = None, worst: int = MOST_LINES,
) -> list[Shock]:  # fmt: skip
    """The worst of: each unit, the largest together, one circuit of each link, each zone cut off; each once.

    Wind and sun are left out: their fleets are many plants under one name. The largest together are those that give
    most in the first of the hours.

    Parameters
    ----------
    before : Dispatch
        The hours before anything broke.
    hours : sequence of int, optional
        Hours to try; default: the twenty with the least spare capacity.
    together : int
        Largest units lost at once, 2 up to this many.
    response_h : float, optional
        Time the other units have; see `contingencies`. [h]
    circuits : mapping, optional
        Circuits of each link, of which one is lost; a link not named is lost as a whole.
    worst : int
        How many to give.

    Returns
    -------
    list of Shock
        Each contingency in its worst hour, worst first: most firm load shed, then most interruptible, then most
        generation lost.
    """
    s = before.system
    problems = [Problem(n, x, "a whole number >= 1") for n, x in (("together", together), ("worst", worst)) if x < 1]
    if problems:
        raise CaseError(problems)
    at = worst_hours(before, min(20, s.time.size)) if hours is None else np.asarray(hours, np.int64)
    whole = turning(s)
    cases = [c for c in single_units(s) if whole[c.units[0]]]
    out = before.generation_mw[at[0]]
    largest = [int(g) for g in np.argsort(-out, kind="stable") if whole[g] and out[g] > 0][:together]
    cases += [
        Contingency("loss of " + ", ".join(s.units.name[g] for g in largest[:n]), tuple(largest[:n]))
        for n in range(2, len(largest) + 1)
    ]
    for link in s.links.name:
        number = (circuits or {}).get(link, 1)
        cases.append(circuit(s, link, (number - 1) / number))
    cases += [islanding(s, z) for z in s.zones if len(s.zones) > 1 and len(s.links)]
    first: dict[Contingency, Shed] = {}
    for shed in contingencies(before, cases, hours=at, response_h=response_h):
        first.setdefault(shed.contingency, shed)
    return [_shock(before, shed) for shed in list(first.values())[:worst]]


def _shock(before: Dispatch, shed: Shed) -> Shock:
    units = list(shed.contingency.units)
    lost = float(before.generation_mw[shed.hour, units].sum())
    moved = swing(lost, frequency_of(before, shed.hour, without=units)) if lost > 0 else None
    return Shock(shed, before.system.time[shed.hour], moved)


def turning(system: System) -> np.ndarray:
    """Units whose mass turns with the grid, by the names of their technology and fuel. (G,)"""
    u = system.units
    names = [f"{t} {f}".lower() for t, f in zip(u.technology, u.fuel, strict=True)]
    return np.array([not any(part in name for part in NOT_TURNING) for name in names], bool)


def frequency_of(before: Dispatch, hour: int, *, without: Sequence[int] = ()) -> Frequency:
    """One-bus model of the units that run in an hour, as an island with textbook constants (see this module).

    Parameters
    ----------
    without : sequence of int
        Units that are lost.
    """
    s, u = before.system, before.system.units
    runs = (before.generation_mw[hour] > 0) & turning(s)
    runs[list(without)] = False
    inertia = np.array([INERTIA_S["hydro" if "hydro" in t.lower() else ""] for t in u.technology])
    high = unit_limits_mw(s, before.up)[1][hour]
    room = np.maximum(high - before.generation_mw[hour], 0.0)[runs]
    rating = float(u.capacity_mw[runs].sum())
    return Frequency(
        nominal_hz=NOMINAL_HZ, kinetic_energy_mws=max(float((inertia * u.capacity_mw)[runs].sum()), 1e-6),
        load_mw=float(before.served_mw[hour].sum()), load_damping_share_per_hz=LOAD_DAMPING_SHARE_PER_HZ,
        headroom_mw=float(room.sum()), droop_mw_per_hz=rating / (DROOP_SHARE * NOMINAL_HZ), governor_s=GOVERNOR_S,
        ufls=UFLS,
    )  # fmt: skip
