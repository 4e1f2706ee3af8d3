"""What each lever does in a month: one small function per instrument.

A scenario may pull a lever of one kind several times over different dates; where two overlap, the later-starting one
counts, except shares found or registered per month, which compound.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from typing import Protocol, TypeVar

import numpy as np

from gridrush.case.model import Case
from gridrush.case.scenario import Ban, Fee, Freeze, ImportContract, OwnGeneration, Rationing, Scenario, Tariff
from gridrush.case.schema import PolicyFact
from gridrush.units import HOURS_PER_DAY, Floats


class _Dated(Protocol):
    @property
    def start(self) -> date: ...

    @property
    def end(self) -> date | None: ...

    def active_on(self, day: date) -> bool: ...


L = TypeVar("L", bound=_Dated)


@dataclass(frozen=True, eq=False)
class MonthPolicy:
    """Everything policy says about miners in one month."""

    ban: Ban | None
    freeze: Freeze | None
    register_share: float  # of unregistered miners that register in the month
    quota_mw: Floats  # (Z,) cap on registered MW; inf = none
    found_share: float  # of unregistered miners found and cut off in the month
    found_cost_usd_per_mw: float
    fee_usd_per_mwh: Floats  # (Z,) on registered miners
    tariff_usd_per_mwh: Floats  # (Z,) energy and grid, registered miners
    hidden_usd_per_mwh: Floats  # (Z,) what unregistered miners pay
    retail_usd_per_mwh: float  # what households pay; 0 where a case without miners does not say
    rationing: Rationing | None
    fine_usd_per_mw: float = 0.0  # paid by those found
    profit_tax_share: float = 0.0
    own_share: float = 0.0  # of registered miners' power, made by themselves
    own_usd_per_mwh: float = 0.0
    own_fee_usd_per_mwh: float = 0.0
    hourly_share: float = 0.0  # of registered miners, pay the hour's price instead of the tariff
    hourly_grid_usd_per_mwh: float = 0.0  # and this on top
    night_usd_per_mwh: float | None = None  # lower tariff of the first hours of the day, where there is one
    day_usd_per_mwh: float | None = None  # and the tariff of the others
    night_hours: int = 0

    def seen_usd_per_mwh(self, value_usd_per_mwh: float, tariff_usd_per_mwh: Floats | None = None) -> Floats:
        """Price that leaves a registered miner with what all levers together leave it. (Z,)

        A share s of own power and a profit tax t: q = (1 - s) (tariff + fee) + s (own cost + own fee), and as the tax
        takes t of what is left of a MWh's value v, p = q + t max(v - q, 0).

        Parameters
        ----------
        value_usd_per_mwh : float
            What a MWh earns. [USD/MWh]
        tariff_usd_per_mwh : ndarray, shape (Z,), optional
            Another tariff than the month's mean, say that of the hours a miner runs. [USD/MWh]
        """
        own = self.own_usd_per_mwh + self.own_fee_usd_per_mwh
        tariff = self.tariff_usd_per_mwh if tariff_usd_per_mwh is None else tariff_usd_per_mwh
        paid = (1.0 - self.own_share) * (tariff + self.fee_usd_per_mwh) + self.own_share * own
        return np.asarray(paid + self.profit_tax_share * np.maximum(value_usd_per_mwh - paid, 0.0))


def in_force(levers: Sequence[L], day: date) -> L | None:
    """The lever of a kind that counts on a day: of those pulled, the one that started last."""
    pulled = [x for x in levers if x.active_on(day)]
    return max(pulled, key=lambda x: x.start) if pulled else None


def exchange_kzt_per_usd(case: Case, day: date) -> float:
    """Tenge per dollar on a day: the last rate known by then, or the first."""
    known = next((x for x in reversed(case.exchange) if x.on <= day), case.exchange[0] if case.exchange else None)
    return known.kzt_per_usd if known is not None else 1.0


def policy_fact(case: Case, item: str, day: date, *, default: float | None = None) -> float:
    """Value of a tariff, fee or rule on a day: the last one in force.

    Raises
    ------
    KeyError
        If the case has no such item and no default is given.
    """
    facts = _by_item(_Same(case.policies)).get(item, ())
    known = facts[0].value if facts else None
    for fact in facts:
        if fact.on > day:
            break
        known = fact.value
    if known is not None:
        return known
    if default is None:
        raise KeyError(f"policies.csv has no item {item!r}")
    return default


@dataclass(frozen=True, eq=False)
class _Same:
    """A value that is equal to nothing but itself, whatever it holds: cheap to look up by."""

    value: tuple[PolicyFact, ...]

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value


@lru_cache(maxsize=16)
def _by_item(policies: _Same) -> dict[str, list[PolicyFact]]:
    """Facts of each item in order of time."""
    out: dict[str, list[PolicyFact]] = {}
    for fact in sorted(policies.value, key=lambda p: p.on):
        out.setdefault(fact.item, []).append(fact)
    return out


def fee_kzt_per_kwh(fee: Fee | None, case: Case, day: date, *, power_price_kzt_per_kwh: float) -> float:
    """Digital mining fee of a kWh. [KZT/kWh]

    A flat fee is what the lever says. The scale of 2023 tops the price of power up to a total,
    fee = clip(total - price, floor, ceiling), floor 1 and total 25 KZT/kWh by Law 135-VII of 11 July 2022.
    """
    if fee is None:
        return 0.0
    if fee.kind == "flat":
        return fee.kzt_per_kwh
    floor = policy_fact(case, "mining_fee_scale_floor", day)
    ceiling = policy_fact(case, "mining_fee_scale_ceiling", day)
    return float(np.clip(ceiling - power_price_kzt_per_kwh, floor, ceiling))


def tariff_usd_per_mwh(tariff: Tariff) -> float:
    """Mean price of a day of even load under a tariff by hour. [USD/MWh]

    Examples
    --------
    >>> tariff_usd_per_mwh(Tariff(start=date(2022, 4, 1), usd_per_mwh=90, night_usd_per_mwh=60, night_hours=8))
    80.0
    """
    if tariff.night_usd_per_mwh is None:
        return tariff.usd_per_mwh
    night = tariff.night_hours / HOURS_PER_DAY
    return (1.0 - night) * tariff.usd_per_mwh + night * tariff.night_usd_per_mwh


def own_fee_kzt_per_kwh(own: OwnGeneration | None, fee: Fee | None, case: Case, day: date) -> float:
    """Fee on a kWh made by the miners themselves: the flat fee, or its own line of the 2023 scale. [KZT/kWh]"""
    if own is None or fee is None:
        return 0.0
    if fee.kind == "flat":
        return fee.kzt_per_kwh
    return policy_fact(case, "mining_fee_own_renewables" if own.renewable else "mining_fee_own_generation", day)


def month_policy(scenario: Scenario, case: Case, day: date, *, market_price_usd_per_mwh: Floats) -> MonthPolicy:
    """What the scenario's levers say in the month that begins on `day`.

    Parameters
    ----------
    market_price_usd_per_mwh : ndarray, shape (Z,)
        What registered miners pay for energy and grid where no tariff lever is pulled. [USD/MWh]
    """
    tariff = in_force(scenario.tariff, day)
    paid = np.array(market_price_usd_per_mwh, np.float64)
    if tariff is not None:
        paid[:] = tariff_usd_per_mwh(tariff)
    by_night = tariff is not None and (tariff.night_usd_per_mwh or np.inf) < tariff.usd_per_mwh
    rate = exchange_kzt_per_usd(case, day)
    fee = in_force(scenario.fee, day)
    by_price = {
        p: 1000.0 / rate * fee_kzt_per_kwh(fee, case, day, power_price_kzt_per_kwh=p * rate / 1000.0)
        for p in set(paid.tolist())
    }
    quota = np.full(len(case.zones), np.inf)
    stay = 1.0
    for r in scenario.registration:
        if r.active_on(day):
            stay *= 1.0 - r.register_share_per_month
            for zone, mw in r.quota_mw.items():
                quota[case.zone_names.index(zone)] = mw
    hidden = 1.0
    cost = fine = 0.0
    for e in scenario.enforcement:
        if e.active_on(day):
            hidden *= 1.0 - e.found_share_per_month
            cost, fine = max(cost, e.cost_usd_per_mw), max(fine, e.fine_usd_per_mw)
    tax, own = in_force(scenario.profit_tax, day), in_force(scenario.own_generation, day)
    return MonthPolicy(
        ban=in_force(scenario.ban, day),
        freeze=in_force(scenario.freeze, day),
        register_share=1.0 - stay,
        quota_mw=quota,
        found_share=1.0 - hidden,
        found_cost_usd_per_mw=cost,
        fee_usd_per_mwh=np.array([by_price[p] for p in paid.tolist()]),
        tariff_usd_per_mwh=paid,
        hidden_usd_per_mwh=np.array(market_price_usd_per_mwh, np.float64),
        retail_usd_per_mwh=1000.0 * policy_fact(case, "retail_household", day, default=0.0) / rate,
        rationing=in_force(scenario.rationing, day),
        fine_usd_per_mw=fine,
        profit_tax_share=tax.share if tax is not None else 0.0,
        own_share=own.share if own is not None else 0.0,
        own_usd_per_mwh=own.usd_per_mwh if own is not None else 0.0,
        own_fee_usd_per_mwh=1000.0 / rate * own_fee_kzt_per_kwh(own, fee, case, day),
        hourly_share=tariff.hourly_share if tariff is not None else 0.0,
        hourly_grid_usd_per_mwh=tariff.hourly_grid_usd_per_mwh if tariff is not None else 0.0,
        night_usd_per_mwh=tariff.night_usd_per_mwh if tariff is not None and by_night else None,
        day_usd_per_mwh=tariff.usd_per_mwh if tariff is not None and by_night else None,
        night_hours=tariff.night_hours if tariff is not None and by_night else 0,
    )


@dataclass(eq=False)
class PolicyCalendar:
    """`month_policy` of one scenario, worked out once for all months between dates on which something changes."""

    scenario: Scenario
    case: Case
    _known: dict[tuple[int, bytes], MonthPolicy] = field(default_factory=dict)

    @cached_property
    def _changes(self) -> list[date]:
        s = self.scenario
        levers: list[Sequence[_Dated]] = [s.tariff, s.fee, s.registration, s.enforcement, s.profit_tax,
                                          s.own_generation, s.ban, s.freeze, s.rationing]  # fmt: skip
        days = {day for pulled in levers for x in pulled for day in (x.start, x.end) if day is not None}
        days |= {x.on for x in self.case.exchange} | {x.on for x in self.case.policies}
        return sorted(days)

    def month(self, day: date, *, market_price_usd_per_mwh: Floats) -> MonthPolicy:
        """What the levers say in the month that begins on `day`; see `month_policy`."""
        key = bisect_right(self._changes, day), market_price_usd_per_mwh.tobytes()
        if key not in self._known:
            self._known[key] = month_policy(
                self.scenario, self.case, day, market_price_usd_per_mwh=market_price_usd_per_mwh
            )
        return self._known[key]


def contracts(scenario: Scenario) -> tuple[ImportContract, ...]:
    """Import contracts of the scenario."""
    return scenario.import_contract
