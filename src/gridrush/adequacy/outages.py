"""Components that fail, as numbers the kernels use: scales of their hourly chains, and what they take when down."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridrush.adequacy.hazards import Hazards
from gridrush.case.system import Ints, Storage, System
from gridrush.errors import CaseError, Problem
from gridrush.units import Floats

Words = NDArray[np.uint64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def hash_words(z: Words) -> Words:
    """SplitMix64 finaliser on an array, as in the kernels."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def name_word(text: str) -> int:
    """64 bits of a name: the address of a random stream."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def hourly_rates(mttf_h: float, mttr_h: float) -> tuple[float, float]:
    """Chance per hour to fail and to be repaired, of a chain with forced outage share mttr / (mttf + mttr).

    1/mttf and 1/mttr; when either mean is under an hour both are slowed alike, which keeps the share.

    Examples
    --------
    >>> hourly_rates(50.0, 4.0)
    (0.02, 0.25)
    >>> hourly_rates(8.0, 0.5)
    (0.0625, 1.0)
    """
    s = min(1.0, mttf_h, mttr_h)
    if s <= 0.0:
        return (0.0, 1.0) if mttr_h <= 0.0 else (1.0, 0.0)
    return s / mttf_h, s / mttr_h


@dataclass(frozen=True, eq=False)
class FailingStorage(Storage):
    """Storage with outages: a store that is out neither charges nor discharges, and keeps its energy."""

    mttf_h: Floats  # (J,) inf = never fails
    mttr_h: Floats  # (J,)


def stores_in_use(storage: Storage) -> Ints:
    """Stores that can do something."""
    s = storage
    return np.flatnonzero(
        (s.energy_mwh > 0) & (s.discharge_mw > 0) & (s.charge_efficiency > 0) & (s.discharge_efficiency > 0)
    )


@dataclass(frozen=True, eq=False)
class Components:
    """C things that fail: units and common causes, whose row is a zone, then links and stores, each with its own."""

    name: tuple[str, ...]
    unit: Ints  # (C,) index of the unit, -1 for others
    row: Ints  # (C,) zone, or Z + place among failing links, then among failing stores
    fail: Floats  # (C,) chance per hour
    repair: Floats  # (C,)
    part_share: Floats  # (C,) chance that a failure is partial
    part_lost: Floats  # (C,) share of capacity lost then
    part_repair: Floats  # (C,)
    common_of: Ints  # (C,) common cause the unit belongs to, -1
    is_common: Ints  # (C,) number of the common cause this is, -1
    links: Ints  # (L',) links that fail
    stores: Ints  # (J',) stores that fail

    def __len__(self) -> int:
        return len(self.name)

    @property
    def shares(self) -> tuple[Floats, Floats]:
        """Long-run shares of time in full and in partial outage. (C,), (C,)"""
        with np.errstate(divide="ignore", invalid="ignore"):
            full = np.where(self.fail > 0, (1 - self.part_share) * self.fail / self.repair, 0.0)
            part = np.where(self.part_share > 0, self.part_share * self.fail / self.part_repair, 0.0)
        whole = 1.0 + full + part
        with np.errstate(invalid="ignore"):
            p_full = np.where(np.isinf(full), 1.0, full / whole)
        return p_full, np.where(np.isinf(full), 0.0, part / whole)


def components(system: System, hazards: Hazards) -> Components:
    """The components of `system` that fail. Common causes come before the units they take.

    Raises
    ------
    CaseError
        For a unit or link with mttf_h and mttr_h both zero.
    """
    u, links = system.units, system.links
    problems: list[Problem] = []
    partial = {d.unit: d for d in hazards.deratings}
    common_at = {name: j for j, c in enumerate(hazards.common_modes) for name in c.units}
    where = {name: g for g, name in enumerate(u.name)}
    rows: list[tuple[str, int, int, float, float, float, float, float, int, int]] = []

    def add(
        name: str, unit: int, row: int, mttf: float, mttr: float, stress: float, of: int = -1, is_: int = -1
    ) -> None:
        if mttf == 0 and mttr == 0:
            problems.append(Problem(f"{name}.mttf_h", 0.0, "mttf_h and mttr_h not both zero"))
            return
        if np.isinf(mttf) and of < 0:
            return
        fail, repair = (0.0, 1.0) if np.isinf(mttf) else hourly_rates(mttf / stress if stress else np.inf, mttr)
        d = partial.get(name) if unit >= 0 else None
        if fail == 0.0 and of < 0:
            return
        q, lost, back = (d.probability, d.lost_share, 1.0 / d.mttr_h) if d else (0.0, 0.0, 1.0)
        rows.append((name, unit, row, fail, repair, q, lost, back, of, is_))

    for j, c in enumerate(hazards.common_modes):
        zone = int(u.zone[where[c.units[0]]]) if c.units else 0
        add(f"common:{c.name}", -1, zone, c.mttf_h, c.mttr_h, 1.0, -1, j)
    for g, name in enumerate(u.name):
        if u.capacity_mw[g] > 0:
            add(
                name, g, int(u.zone[g]), float(u.mttf_h[g]), float(u.mttr_h[g]), hazards.stress, common_at.get(name, -1)
            )
    failing: list[int] = []
    for n, name in enumerate(links.name):
        before = len(rows)
        add(f"link:{name}", -1, len(system.zones) + len(failing), float(links.mttf_h[n]), float(links.mttr_h[n]), 1.0)
        if len(rows) > before:
            failing.append(n)
    broken: list[int] = []
    if isinstance(system.storage, FailingStorage):
        st, first = system.storage, len(system.zones) + len(failing)
        for j in stores_in_use(st).tolist():
            before = len(rows)
            mttf, mttr = float(st.mttf_h[j]), float(st.mttr_h[j])
            add(f"store:{st.name[j]}", -1, first + len(broken), mttf, mttr, 1.0)
            if len(rows) > before:
                broken.append(j)
    if problems:
        raise CaseError(problems)
    cols = list(zip(*rows, strict=True)) if rows else [()] * 10
    ints = [np.array(cols[k], np.int64) for k in (1, 2, 8, 9)]
    floats = [np.array(cols[k], np.float64) for k in (3, 4, 5, 6, 7)]
    return Components(
        name=tuple(cols[0]),
        unit=ints[0],
        row=ints[1],
        fail=floats[0],
        repair=floats[1],
        part_share=floats[2],
        part_lost=floats[3],
        part_repair=floats[4],
        common_of=ints[2],
        is_common=ints[3],
        links=np.array(failing, np.int64),
        stores=np.array(broken, np.int64),
    )


def stream_words(c: Components) -> Words:
    """Address of each component's random stream; by name, so that adding a unit leaves the others' draws alone."""
    return np.array([name_word("outage:" + n) for n in c.name], np.uint64)


def slots(c: Components, hours: int, words: Words) -> tuple[Ints, Words]:
    """Where each component's ready draws start (C + 1,), and the counter of each draw.

    As many as a sample needs with a margin of two standard deviations; the rest are drawn one by one.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        cycle = np.where(c.fail > 0, 1 / c.fail + 1 / np.maximum(c.repair, 1e-12), np.inf)
    mean = (2.0 + (c.part_share > 0)) * hours / cycle + 1.0
    count = np.ceil(mean + 2.0 * np.sqrt(mean) + 2.0).astype(np.int64)
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    k = np.arange(start[-1]) - np.repeat(start[:-1], count)
    return start, hash_words(np.repeat(words, count) + k.astype(np.uint64) * _GOLDEN)
