"""A system turned into the integers the kernels walk over."""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gridrush.adequacy.hazards import Hazards
from gridrush.adequacy.network import check_zones, connected_subsets, link_into, link_patterns
from gridrush.adequacy.outages import Components, components, slots, stores_in_use, stream_words
from gridrush.adequacy.schedule import planned_supply
from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.units import HOURS_PER_DAY, Floats

COMPONENT = np.dtype(
    [
        ("id", "u8"),  # address of its random stream
        ("slot", "i8"), ("slot_end", "i8"),  # its ready draws
        ("seg", "i8"), ("seg_end", "i8"),  # its pieces of constant capacity
        ("row", "i8"),  # zone, or Z + place among failing links, then stores
        ("scale_up", "f8"), ("scale_down", "f8"), ("scale_part", "f8"),  # see `chain_scale`
        ("part_draw", "f8"), ("start_full", "f8"), ("start_any", "f8"),  # exponential draws below which it is so
        ("p_full", "f8"), ("p_part", "f8"),  # long-run shares
        ("is_common", "i8"), ("common_of", "i8"), ("stress_row", "i8"),  # -1: none
    ]
)  # fmt: skip
STORE = np.dtype(
    [("zone", "i8"), ("row", "i8"), *((n, "f8") for n in ("charge", "discharge", "energy", "into", "out", "start"))]
)
CONTRACT = np.dtype([("zone", "i8"), ("energy", "f8"), ("hours", "f8"), ("calls", "f8")])

KernelPlan = namedtuple(
    "KernelPlan",
    "Z T off D R Y scale n_scenarios n_common max_events interruptible all_links scenario_cum scenario_weight cut "
    "limit day_limit day_least day_peak surplus flexible clock cut_capacity link_word link_loss draws comp counter "
    "plain other stress seg_hour seg_full seg_part store contract contract_mw",
)
"""What the kernel walks over, in integer units. Rows R of loss: Z zones, links that fail up to Y, stores that fail.
limit (N, K, T), day_limit (N, D, K), day_least (N, D), day_peak (N, Z + 1, D), surplus and flexible (N, Z, T), clock
(T, 2) link pattern and month * 24 + hour, cut_capacity (P, S), link_word (L', K), link_loss (L', P, S), comp (C,) of
COMPONENT, store (J,) of STORE, contract (H,) of CONTRACT."""


NO_LIMIT = 2.0**60
"""Stands for infinity in the units of the kernel."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What sampling needs of a system: components, margins in integer units, cuts."""

    systems: tuple[System, ...]
    weights: Floats  # (N,)
    hazards: Hazards
    parts: Components
    maintenance: dict[str, tuple[int, int]]
    surplus_mw: Floats  # (N, Z, T) supply with nothing on forced outage, less firm load
    flexible_mw: Floats  # (N, Z, T) interruptible load
    kernel: Any  # KernelPlan in fine units

    @property
    def zones(self) -> tuple[str, ...]:
        return self.systems[0].zones

    @property
    def shape(self) -> tuple[int, int]:
        """Zones and hours."""
        return len(self.zones), int(self.systems[0].time.size)

    @property
    def lost_mw(self) -> Floats:
        """What each component takes in full outage; 1 for a link, 0 for a common cause. (C, T) [MW]"""
        u, profiles = self.systems[0].units, self.systems[0].profiles
        out = np.zeros((len(self.parts), self.shape[1]))
        for c, g in enumerate(self.parts.unit.tolist()):
            is_link = self.parts.row[c] >= self.shape[0]
            out[c] = u.capacity_mw[g] * profiles[u.available[g]] if g >= 0 else float(is_link)
        return out


def chain_scale(chance: float) -> float:
    """Scale s such that floor(s E), E exponential of mean one, is the hours a chain stays beyond the first."""
    if chance >= 1.0:
        return 0.0
    return math.inf if chance <= 0.0 else -1.0 / math.log1p(-chance)


def demand_by_zone(system: System, kind: str) -> Floats:
    """Load of all blocks of one kind. (Z, T) [MW]"""
    out = np.zeros((len(system.zones), system.time.size))
    for b, k in enumerate(system.demand.kind):
        if k == kind:
            out[system.demand.zone[b]] += system.demand.load_mw[:, b]
    return out


def supply_by_zone(system: System) -> Floats:
    """Capacity times availability with no forced outage. (Z, T) [MW]"""
    Z = len(system.zones)
    rows = np.zeros((Z, system.profiles.shape[0]))
    np.add.at(rows, (system.units.zone, system.units.available), system.units.capacity_mw)
    return rows @ system.profiles


def make_plan(
    systems: Sequence[System], *, weights: Floats | None = None, hazards: Hazards, utc_offset_h: int = 0
) -> Plan:
    """Check the systems (one, or several weather years of the same grid) and turn them into a Plan."""
    if not systems:
        raise CaseError([Problem("systems", 0, "at least one system")])
    check_zones(systems[0])
    hazards.check(systems[0])
    s0 = systems[0]
    for n, s in enumerate(systems[1:], 1):
        same = s.zones == s0.zones and s.time.size == s0.time.size
        if not (same and s.units.name == s0.units.name and s.links.name == s0.links.name):
            raise CaseError(
                [Problem(f"systems[{n}]", s.zones, "the zones, hours, units and links of the first system")]
            )
    w = np.full(len(systems), 1.0 / len(systems)) if weights is None else np.asarray(weights, np.float64)
    if w.shape != (len(systems),) or not (np.isfinite(w) & (w >= 0)).all() or w.sum() <= 0:
        raise CaseError([Problem("weights", weights, f"{len(systems)} numbers >= 0, not all zero")])
    w = w / w.sum()
    systems, windows = _planned(systems, w)
    s0 = systems[0]
    parts = components(s0, hazards)
    prone = parts.unit[parts.unit >= 0]
    for n, s in enumerate(systems[1:], 1):
        if differ := _differ(s0, s, prone):
            raise CaseError(
                [
                    Problem(
                        f"systems[{n}]",
                        f"units that fail differ from those of the first: {', '.join(differ[:5])}",
                        "the same capacity and availability in each weather year",
                        "give weather units mttf_h = inf",
                    )
                ]
            )
    surplus = np.stack([supply_by_zone(s) - demand_by_zone(s, "firm") for s in systems])
    flexible = np.stack([demand_by_zone(s, "interruptible") for s in systems])
    kernel = _kernel_plan(systems, w, hazards, parts, surplus, flexible, utc_offset_h)
    return Plan(systems, w, hazards, parts, windows, surplus, flexible, kernel)


def _planned(systems: Sequence[System], weights: Floats) -> tuple[tuple[System, ...], dict[str, tuple[int, int]]]:
    """Systems with water spent and maintenance placed; weather years share the windows their mean load asks for."""
    s0 = systems[0]
    if len(systems) == 1 or not s0.units.maintenance_h.any():
        planned = [planned_supply(s) for s in systems]
        return tuple(s for s, _ in planned), planned[0][1]
    mean = s0
    if all(s.demand.name == s0.demand.name for s in systems):
        load_mw = sum(x * s.demand.load_mw for x, s in zip(weights, systems, strict=True))
        mean = replace(s0, demand=replace(s0.demand, load_mw=np.asarray(load_mw)))
    windows = planned_supply(mean)[1]
    out = []
    for s in systems:
        wet = planned_supply(replace(s, units=replace(s.units, maintenance_h=np.zeros(len(s.units)))))[0]
        available, rows = wet.units.available.copy(), list(wet.profiles)
        for name, (a, b) in windows.items():
            g = wet.units.name.index(name)
            profile = rows[available[g]].copy()
            profile[a:b] = 0.0
            available[g] = len(rows)
            rows.append(profile)
        out.append(replace(wet, profiles=np.asarray(rows), units=replace(wet.units, available=available)))
    return tuple(out), windows


def _differ(a: System, b: System, units: Any) -> list[str]:
    """Names of those units whose hourly capacity differs between two systems."""
    alike: dict[tuple[int, int], bool] = {}
    out = []
    for g in units.tolist():
        rows = (int(a.units.available[g]), int(b.units.available[g]))
        if rows not in alike:
            alike[rows] = bool(np.allclose(a.profiles[rows[0]], b.profiles[rows[1]]))
        if not (alike[rows] and np.isclose(a.units.capacity_mw[g], b.units.capacity_mw[g])):
            out.append(a.units.name[g])
    return out


def _scale(surplus: Floats, parts: Components, s: System) -> float:
    """Integer units to a MW: a millionth of a MW, or as fine as 39 bits leave room for."""
    unit = parts.unit[parts.unit >= 0]
    most = s.units.capacity_mw[unit] * s.profiles.max(axis=1)[s.units.available[unit]]
    top = float(np.abs(surplus).sum(axis=1).max() + most.sum() + s.storage.energy_mwh.sum())
    top += float(s.links.forward_mw.sum() + s.links.backward_mw.sum()) + len(parts) - unit.size
    scale = 1e6
    while top * scale > 2.0**39:
        scale /= 10.0
    return scale


def fixed(values: Any, scale: float) -> Any:
    """Nearest integer units."""
    return np.rint(np.asarray(values, np.float64) * scale).astype(np.int64)


def segments(s: System, parts: Components, scale: float) -> tuple[Any, Any, Any, Any]:
    """Pieces of constant capacity of each component: pointers (C + 1,), first hours, full loss, partial loss."""
    u, first = s.units, np.zeros(1, np.int64)
    pieces: dict[int, Any] = {}  # first hours of the pieces of a profile
    ptr, hours, full, part = [0], [], [], []
    for c, g in enumerate(parts.unit.tolist()):
        at, whole = first, np.array([int(parts.row[c] >= len(s.zones))])
        if g >= 0:
            k = int(u.available[g])
            if k not in pieces:
                pieces[k] = np.concatenate([first, np.flatnonzero(np.diff(s.profiles[k])) + 1])
            at = pieces[k]
            whole = fixed(u.capacity_mw[g] * s.profiles[k, at], scale)
            if at.size > 1:
                new = np.concatenate([[True], np.diff(whole) != 0])
                at, whole = at[new], whole[new]
        hours.append(at)
        full.append(whole)
        part.append(np.rint(whole * parts.part_lost[c]).astype(np.int64))
        ptr.append(ptr[-1] + at.size)
    if not hours:
        none = np.zeros(0, np.int64)
        return np.zeros(1, np.int64), none, none, none
    return np.array(ptr, np.int64), np.concatenate(hours).astype(np.int64), np.concatenate(full), np.concatenate(part)


def by_day(values: Any, off: int, D: int, filler: float) -> Any:
    """The last axis by local day, hours outside the span filled. (..., T) -> (..., D, 24)"""
    out = np.full((*values.shape[:-1], D * HOURS_PER_DAY), filler, values.dtype)
    out[..., off : off + values.shape[-1]] = values
    return out.reshape(*values.shape[:-1], D, HOURS_PER_DAY)


def _kernel_plan(
    systems: Sequence[System],
    w: Floats,
    hazards: Hazards,
    parts: Components,
    surplus: Floats,
    flexible: Floats,
    utc_offset_h: int,
) -> Any:
    s0 = systems[0]
    Z, T, C, N = len(s0.zones), s0.time.size, len(parts), len(systems)
    scale = _scale(surplus, parts, s0)
    first = s0.time[0].astype("datetime64[h]") + np.timedelta64(utc_offset_h, "h")
    local = first + np.arange(T).astype("timedelta64[h]")
    hour = (local - local.astype("datetime64[D]")).astype(np.int64)
    month = local.astype("datetime64[M]").astype(np.int64) % 12
    off = int(hour[0])
    D = -(-(T + off) // HOURS_PER_DAY)

    patterns, pattern = link_patterns(s0)
    into = link_into(s0)
    cut_capacity = fixed(patterns @ into, scale).astype(np.float64)  # (P, S)
    link_loss = fixed(patterns.T[parts.links][:, :, None] * into[parts.links][:, None, :], scale).astype(np.float64)
    fixed_surplus = fixed(surplus, scale)
    fixed_flexible = fixed(flexible, scale)
    track = bool(fixed_flexible.any())
    margin_of = fixed_surplus - fixed_flexible
    subsets = connected_subsets(s0)
    margins = np.empty((N, len(subsets), T), np.int64)
    for k, s in enumerate(subsets):
        members = [z for z in range(Z) if s >> z & 1]
        margins[:, k] = margin_of[:, members].sum(axis=1) + cut_capacity[pattern, s].astype(np.int64)
    seg_ptr, seg_hour, seg_full, seg_part = segments(s0, parts, scale)
    most = np.maximum.reduceat(seg_full, seg_ptr[:-1]) if C else np.zeros(0, np.int64)
    drawn = np.zeros((0, Z)) if hazards.load_draws_mw is None else hazards.load_draws_mw
    draws = fixed(drawn, scale)
    reach = np.zeros(len(subsets))
    for k, s in enumerate(subsets):
        inside = (parts.row < Z) & (s >> np.minimum(parts.row, Z) & 1 == 1)
        reach[k] = most[inside].sum() + link_loss[:, :, s].max(axis=1, initial=0.0).sum()
        if len(draws):
            reach[k] += max(0, draws[:, [z for z in range(Z) if s >> z & 1]].sum(axis=1).max())
    keep = np.flatnonzero(margins.min(axis=(0, 2)) < reach)
    if not keep.size:
        keep = np.array([int(np.argmin(margins.min(axis=(0, 2)) - reach))])
    limit = np.ascontiguousarray(margins[:, keep])
    cut = np.array([subsets[k] for k in keep], np.int64)
    link_word = np.array(
        [[link_loss[i, :, s].max(initial=0.0) for s in cut] for i in range(len(parts.links))], np.int64
    )
    link_word = link_word.reshape(len(parts.links), cut.size)
    most_margin = np.iinfo(np.int64).max
    day_limit = np.ascontiguousarray(by_day(limit, off, D, most_margin).min(axis=-1).transpose(0, 2, 1))
    load = np.stack([demand_by_zone(s, "firm") for s in systems])
    load = np.concatenate([load, load.sum(axis=1, keepdims=True)], axis=1)
    day_peak = by_day(load, off, D, -1.0).argmax(axis=-1) + HOURS_PER_DAY * np.arange(D) - off

    words = stream_words(parts)
    slot, counter = slots(parts, T, words)
    up = np.array([chain_scale(x) for x in parts.fail])
    down = np.array([chain_scale(x) for x in parts.repair])
    back = np.array([chain_scale(x) for x in parts.part_repair])
    p_full, p_part = parts.shares
    with np.errstate(divide="ignore"):
        part_draw = np.where(parts.part_share > 0, -np.log1p(-np.minimum(parts.part_share, 1.0)), 0.0)
        start_full, start_any = -np.log1p(-p_full), -np.log1p(-np.minimum(p_full + p_part, 1.0))
    names = list(hazards.failure_multiplier)
    stress_row = np.array([names.index(n) if n in names else -1 for n in parts.name], np.int64)
    stress = np.zeros((len(names), T + 1))
    for i, n in enumerate(names):
        stress[i, 1:] = np.cumsum(hazards.failure_multiplier[n])
    plain = (parts.part_share == 0) & (stress_row < 0) & (parts.common_of < 0) & (parts.is_common < 0)
    with np.errstate(divide="ignore"):
        cycle = np.where(parts.fail > 0, 1 / parts.fail + 1 / np.maximum(parts.repair, 1e-12), np.inf)
    outages = float((T / cycle).sum()) + C
    events = 3.0 * outages * (1.0 + (seg_ptr[-1] - C) / max(1, C) / 8.0) + 2.0 * (seg_ptr[-1] - C)
    st, zone_at = s0.storage, {z: i for i, z in enumerate(s0.zones)}
    dr = hazards.responses
    power = np.array([np.broadcast_to(np.asarray(r.power_mw, np.float64), (T,)) for r in dr]).reshape(len(dr), T)
    use = stores_in_use(st)
    Y = Z + len(parts.links)
    broken = {j: Y + i for i, j in enumerate(parts.stores.tolist())}
    comp = np.zeros(C, COMPONENT)
    for name, values in (
        ("id", words), ("slot", slot[:-1]), ("slot_end", slot[1:]), ("seg", seg_ptr[:-1]), ("seg_end", seg_ptr[1:]),
        ("row", parts.row), ("scale_up", up), ("scale_down", down), ("scale_part", back), ("part_draw", part_draw),
        ("start_full", start_full), ("start_any", start_any), ("p_full", p_full), ("p_part", p_part),
        ("is_common", parts.is_common), ("common_of", parts.common_of), ("stress_row", stress_row),
    ):  # fmt: skip
        comp[name] = values
    store = np.zeros(use.size, STORE)
    store["row"] = [broken.get(j, -1) for j in use.tolist()]
    for name, values in (
        ("zone", st.zone), ("charge", st.charge_mw * scale), ("discharge", st.discharge_mw * scale),
        ("energy", st.energy_mwh * scale), ("into", st.charge_efficiency), ("out", st.discharge_efficiency),
        ("start", st.initial_share * st.energy_mwh * scale),
    ):  # fmt: skip
        store[name] = values[use]
    contract = np.zeros(len(dr), CONTRACT)
    for h, r in enumerate(dr):
        limits = (r.energy_mwh * scale, r.hours, r.calls)
        contract[h] = (zone_at[r.zone], *(min(x, NO_LIMIT) for x in limits))
    return KernelPlan(
        Z=Z, T=T, off=off, D=D, R=Y + len(broken), Y=Y, scale=scale, n_scenarios=N, n_common=len(hazards.common_modes),
        max_events=int(events + 6.0 * math.sqrt(events) + 256), interruptible=track,
        all_links=int(link_word.max(axis=1, initial=0).sum()), scenario_cum=np.cumsum(w), scenario_weight=w, cut=cut,
        limit=limit, day_limit=day_limit, day_least=np.ascontiguousarray(day_limit.min(axis=2)),
        day_peak=day_peak, surplus=fixed_surplus.astype(np.float64),
        flexible=fixed_flexible.astype(np.float64), clock=np.stack([pattern, month * HOURS_PER_DAY + hour], axis=1),
        cut_capacity=cut_capacity, link_word=link_word, link_loss=link_loss, draws=draws, comp=comp, counter=counter,
        plain=np.flatnonzero(plain), other=np.flatnonzero(~plain), stress=stress, seg_hour=seg_hour, seg_full=seg_full,
        seg_part=seg_part, store=store, contract=contract, contract_mw=power * scale,
    )  # fmt: skip
