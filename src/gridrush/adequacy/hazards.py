"""What can go wrong beyond independent two-state outages, and what may be called on when it does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.units import Floats


@dataclass(frozen=True, slots=True)
class Derating:
    """A failure of `unit` is partial with this probability: it loses `lost_share` of its capacity for `mttr_h`."""

    unit: str
    probability: float
    lost_share: float
    mttr_h: float


@dataclass(frozen=True, slots=True)
class CommonMode:
    """One cause that takes several units at once: a bus fault, a gas line, a cooling pond."""

    name: str
    units: tuple[str, ...]
    mttf_h: float
    mttr_h: float


@dataclass(frozen=True, slots=True)
class Response:
    """Load that may be cut by contract, called after storage; without limits it never counts as unserved.

    A contract served last is firm load plus a response of the same size: when its hours, energy or calls are used up
    the load is firm.
    """

    name: str
    zone: str
    power_mw: float | Floats  # one number or (T,)
    hours: float = math.inf  # in the span
    energy_mwh: float = math.inf  # in the span
    calls: float = math.inf  # calls of consecutive hours, in the span


@dataclass(frozen=True, eq=False)
class Hazards:
    """Outages beyond the System's MTTF and MTTR, and contracts.

    Parameters
    ----------
    stress : float
        Multiplier on every unit's failure rate: 1.25 says a quarter more failures. [1]
    failure_multiplier : mapping of unit name to array, shape (T,)
        Hourly multiplier on the unit's failure rate (weather, load on the machine); p_t = 1 - (1 - p)^m_t. [1]
    deratings, common_modes, responses : tuple
        Partial outages, common causes, and contracts.
    load_draws_mw : ndarray, shape (N, Z), optional
        Flat firm load added in each zone; every sample draws one row at equal odds (a census posterior). [MW]
    """

    stress: float = 1.0
    failure_multiplier: Mapping[str, Floats] = field(default_factory=dict)
    deratings: tuple[Derating, ...] = ()
    common_modes: tuple[CommonMode, ...] = ()
    responses: tuple[Response, ...] = ()
    load_draws_mw: Floats | None = None

    def check(self, system: System) -> None:
        """Raise one CaseError with everything that does not fit `system`."""
        if problems := list(_problems(self, system)):
            raise CaseError(problems)

    @property
    def memoryless(self) -> bool:
        """Whether outages are independent, stationary chains (what exact methods and importance sampling need)."""
        return not self.failure_multiplier and not self.common_modes and self.load_draws_mw is None


def _problems(h: Hazards, s: System) -> Iterable[Problem]:
    T, Z, units = s.time.size, len(s.zones), set(s.units.name)
    if not (math.isfinite(h.stress) and h.stress >= 0):
        yield Problem("hazards.stress", h.stress, "a finite number >= 0")
    for name, m in h.failure_multiplier.items():
        if name not in units:
            yield Problem("hazards.failure_multiplier", name, "the name of a unit")
        if m.shape != (T,) or not (np.isfinite(m) & (m >= 0)).all():
            yield Problem(f"hazards.failure_multiplier[{name}]", m.shape, f"({T},) finite numbers >= 0")
    for d in h.deratings:
        if d.unit not in units:
            yield Problem("hazards.deratings", d.unit, "the name of a unit")
        for key, value, top in (("probability", d.probability, 1.0), ("lost_share", d.lost_share, 1.0)):
            if not 0 <= value <= top:
                yield Problem(f"hazards.deratings[{d.unit}].{key}", value, "a share in [0, 1]")
        if not (math.isfinite(d.mttr_h) and d.mttr_h >= 1):
            yield Problem(f"hazards.deratings[{d.unit}].mttr_h", d.mttr_h, "a finite number >= 1 [h]")
    seen: set[str] = set()
    for c in h.common_modes:
        for u in c.units:
            if u not in units:
                yield Problem(f"hazards.common_modes[{c.name}].units", u, "the name of a unit")
            if u in seen:
                yield Problem(f"hazards.common_modes[{c.name}].units", u, "a unit in no other common mode")
            seen.add(u)
        if not (c.mttf_h > 0 and c.mttr_h >= 1 and math.isfinite(c.mttr_h)):
            yield Problem(f"hazards.common_modes[{c.name}]", (c.mttf_h, c.mttr_h), "mttf_h > 0 and finite mttr_h >= 1")
    for r in h.responses:
        p = np.asarray(r.power_mw, np.float64)
        if r.zone not in s.zones:
            yield Problem(f"hazards.responses[{r.name}].zone", r.zone, f"one of {s.zones}")
        if p.shape not in ((), (T,)) or not (np.isfinite(p) & (p >= 0)).all():
            yield Problem(f"hazards.responses[{r.name}].power_mw", p.shape, f"a number or ({T},), finite and >= 0 [MW]")
        if not (r.hours >= 0 and r.energy_mwh >= 0 and r.calls >= 0):
            yield Problem(f"hazards.responses[{r.name}]", (r.hours, r.energy_mwh, r.calls), "limits >= 0")
    if h.load_draws_mw is not None:
        a = h.load_draws_mw
        if a.ndim != 2 or a.shape[1] != Z or not len(a) or not np.isfinite(a).all():
            yield Problem("hazards.load_draws_mw", a.shape, f"(N, {Z}) finite numbers [MW]")


NO_HAZARDS = Hazards()
