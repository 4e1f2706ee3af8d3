"""A power system over a span of hours, as arrays: what `grid`, `adequacy` and `planning` work on.

A `System` is one case, scenario and span of time turned into numbers. It holds no randomness and no policy: those
have already been applied by whoever built it. Axes: time T, zone Z, unit G, demand block B, link L, storage J,
reservoir H, period P, profile K.

Everything that can put power into a zone at a price is a *unit* (a turbine, a wind fleet, an import offer). Everything
that takes power and stops above a price is a *demand block* (households, a miner with a break-even price, an export
sale). A dispatcher then only ranks units by cost and blocks by value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gridrush.errors import CaseError, Problem
from gridrush.units import Floats

Ints = NDArray[np.int64]
BlockKind = Literal["firm", "interruptible", "export"]


@dataclass(frozen=True, eq=False)
class Units:
    """Supply, G units. `available` and `must_run` are rows of `System.profiles`; `reservoir` is a row or -1."""

    name: tuple[str, ...]
    technology: tuple[str, ...]
    fuel: tuple[str, ...]  # "import" for an import offer
    zone: Ints  # (G,)
    capacity_mw: Floats  # (G,)
    cost_usd_per_mwh: Floats  # (G,) short-run cost of one more MWh
    available: Ints  # (G,) profile row: share of capacity that can run when the unit is up
    must_run: Ints  # (G,) profile row: share of capacity that must run when the unit is up
    reservoir: Ints  # (G,) row of System.reservoirs, -1 when energy is not limited
    mttf_h: Floats  # (G,) mean time to failure; inf = never fails
    mttr_h: Floats  # (G,) mean time to repair
    maintenance_h: Floats  # (G,) planned outage in a year, to be placed by the adequacy room
    co2_t_per_mwh: Floats  # (G,)
    ramp_share_per_h: Floats  # (G,) 1 = no limit

    def __len__(self) -> int:
        return len(self.name)

    @property
    def forced_outage_share(self) -> Floats:
        """Long-run share of time on forced outage, mttr / (mttf + mttr). (G,)"""
        with np.errstate(invalid="ignore"):
            share = self.mttr_h / (self.mttf_h + self.mttr_h)
        return np.where(np.isinf(self.mttf_h), 0.0, share)

    @cached_property
    def planned(self) -> Units:
        """The same units once their water is spent and their maintenance placed, both as profiles."""
        return replace(self, maintenance_h=np.zeros(len(self)), reservoir=np.full(len(self), -1))


@dataclass(frozen=True, eq=False)
class Demand:
    """Load, B blocks; a block is cut when the zone's price would exceed its value."""

    name: tuple[str, ...]
    kind: tuple[BlockKind, ...]  # cutting a firm block is unserved energy
    zone: Ints  # (B,)
    load_mw: Floats  # (T, B)
    value_usd_per_mwh: Floats  # (B,)

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, eq=False)
class Links:
    """Connections between zones, L links; a flow is measured where it enters the link."""

    name: tuple[str, ...]
    source: Ints  # (L,)
    target: Ints  # (L,)
    forward_mw: Floats  # (L,) limit from source to target
    backward_mw: Floats  # (L,) limit from target to source
    loss_share: Floats  # (L,) share of the flow lost on the way
    available: Ints  # (L,) profile row: share of the limit in force in each hour
    mttf_h: Floats  # (L,) inf = never fails
    mttr_h: Floats  # (L,)

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, eq=False)
class Storage:
    """Batteries and pumped hydro, J stores."""

    name: tuple[str, ...]
    zone: Ints  # (J,)
    charge_mw: Floats  # (J,)
    discharge_mw: Floats  # (J,)
    energy_mwh: Floats  # (J,)
    charge_efficiency: Floats  # (J,)
    discharge_efficiency: Floats  # (J,)
    initial_share: Floats  # (J,) of energy, at the first hour and to be restored by the last

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, eq=False)
class Reservoirs:
    """Hydro energy that may be used in each period (month), H reservoirs."""

    name: tuple[str, ...]
    energy_mwh: Floats  # (H, P) upper limit of generation in the period

    def __len__(self) -> int:
        return len(self.name)


_NONE = np.zeros(0)
NO_STORAGE = Storage((), np.zeros(0, np.int64), _NONE, _NONE, _NONE, _NONE, _NONE, _NONE)
NO_RESERVOIRS = Reservoirs((), np.zeros((0, 1)))


@dataclass(frozen=True, eq=False)
class System:
    """Units, demand and links of Z zones over T hours."""

    zones: tuple[str, ...]
    time: NDArray[np.datetime64]  # (T,) UTC, start of each hour
    period: Ints  # (T,) column of Reservoirs.energy_mwh each hour belongs to
    profiles: Floats  # (K, T) shares in [0, 1]; row 0 is all ones, row 1 all zeros
    units: Units
    demand: Demand
    links: Links
    storage: Storage = NO_STORAGE
    reservoirs: Reservoirs = NO_RESERVOIRS

    def __post_init__(self) -> None:
        if problems := list(_problems(self)):
            raise CaseError(problems)

    def with_parts(
        self, profiles: Floats, reservoirs: Reservoirs, *, units: Units | None = None, demand: Demand | None = None,
        time: NDArray[np.datetime64] | None = None, period: Ints | None = None,
    ) -> System:  # fmt: skip
        """This system with parts swapped by code that knows they fit: they are not checked again."""
        given = {"units": units, "demand": demand, "time": time, "period": period}
        out = object.__new__(System)
        out.__dict__.update(self.__dict__, profiles=profiles, reservoirs=reservoirs)
        out.__dict__.update((name, part) for name, part in given.items() if part is not None)
        return out

    @property
    def load_mw(self) -> Floats:
        """Load of each zone that is not an export sale. (T, Z)"""
        wanted = [b for b, kind in enumerate(self.demand.kind) if kind != "export"]
        out = np.zeros((self.time.size, len(self.zones)))
        for b in wanted:
            out[:, self.demand.zone[b]] += self.demand.load_mw[:, b]
        return out


def _problems(s: System) -> Iterable[Problem]:
    T, Z, K = s.time.size, len(s.zones), s.profiles.shape[0]
    if s.profiles.ndim != 2 or s.profiles.shape[1] != T:
        yield Problem("profiles", s.profiles.shape, f"shape (K, {T})")
    elif s.profiles.size and not (s.profiles.min() >= 0 and s.profiles.max() <= 1):  # NaN fails both
        yield Problem("profiles", "values outside [0, 1] or not finite", "shares in [0, 1]")
    periods = s.reservoirs.energy_mwh.shape[-1]
    if len(s.reservoirs) and (s.period.shape != (T,) or (T and (s.period.min() < 0 or s.period.max() >= periods))):
        yield Problem("period", s.period.shape, "one column index of reservoirs.energy_mwh for each hour")
    groups: list[tuple[str, Units | Demand | Links | Storage, int]] = [
        ("units", s.units, len(s.units)), ("demand", s.demand, len(s.demand)),
        ("links", s.links, len(s.links)), ("storage", s.storage, len(s.storage)),
    ]
    for room, group, n in groups:
        fits = (T if isinstance(group, Demand) else -1, Z, K if isinstance(group, Units | Links) else -1,
                len(s.reservoirs) if isinstance(group, Units) else -1)  # fmt: skip
        if group.__dict__.get("_fits") == fits:  # its arrays are not changed once it is made
            continue
        found = list(_group_problems(room, group, n, fits))
        yield from found
        if not found:
            object.__setattr__(group, "_fits", fits)
    if len(s.links) and s.links.source.shape == s.links.target.shape and (s.links.source == s.links.target).any():
        who = s.links.name[int(np.argmax(s.links.source == s.links.target))]
        yield Problem(f"links[{who}]", "source and target are the same zone", "two different zones")
    if s.reservoirs.energy_mwh.ndim != 2 or s.reservoirs.energy_mwh.shape[0] != len(s.reservoirs):
        yield Problem("reservoirs.energy_mwh", s.reservoirs.energy_mwh.shape, f"shape ({len(s.reservoirs)}, P)")
    elif not (np.isfinite(s.reservoirs.energy_mwh) & (s.reservoirs.energy_mwh >= 0)).all():
        yield Problem("reservoirs.energy_mwh", "NaN, infinite or negative", "finite numbers >= 0 [MWh]")


def _group_problems(
    room: str, group: Units | Demand | Links | Storage, n: int, fits: tuple[int, int, int, int]
) -> Iterable[Problem]:
    T, Z, K, H = fits
    if len(set(group.name)) != n:
        twice = sorted({x for x in group.name if group.name.count(x) > 1})
        yield Problem(f"{room}.name", twice, "names that are unique")
    for f in fields(group):
        v = getattr(group, f.name)
        if isinstance(v, tuple):
            if len(v) != n:
                yield Problem(f"{room}.{f.name}", len(v), f"{n} entries")
            continue
        shape = (T, n) if f.name == "load_mw" else (n,)
        if v.shape != shape:
            yield Problem(f"{room}.{f.name}", v.shape, f"shape {shape}")
            continue
        top = {"zone": Z, "source": Z, "target": Z, "available": K, "must_run": K}.get(f.name)
        if top is not None and n and (v.min() < 0 or v.max() >= top):
            yield Problem(f"{room}.{f.name}", int(v.min() if v.min() < 0 else v.max()), f"an index in 0..{top - 1}")
        elif f.name == "reservoir" and n and (v.min() < -1 or v.max() >= H):
            yield Problem("units.reservoir", int(v.max()), f"an index in -1..{H - 1}")
        elif v.dtype.kind == "f":
            signed = f.name in ("cost_usd_per_mwh", "value_usd_per_mwh")
            allow_inf = f.name in ("mttf_h", "value_usd_per_mwh")
            low, high = (float(v.min()), float(v.max())) if v.size else (0.0, 0.0)
            if low >= (-np.inf if signed else 0.0) and high <= np.inf and (allow_inf or np.isfinite(high - low)):
                continue
            bad = np.isnan(v) | (np.zeros(v.shape, bool) if allow_inf else np.isinf(v))
            bad |= np.zeros(v.shape, bool) if signed else v < 0
            if bad.any():
                at = np.unravel_index(int(np.argmax(bad)), v.shape)
                who = group.name[at[-1]]
                wanted = "a finite number" if signed else "a finite number >= 0"
                yield Problem(f"{room}[{who}].{f.name}", float(v[at]), wanted)
