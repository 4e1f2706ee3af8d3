"""A scenario: a base and the levers and assumptions that differ from it. Data only; `policy` knows what they do."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gridrush.case.schema import Month, Name, NotNegative, Positive, Share, Span, Strict


class _Lever(Span):
    def active_on(self, day: date) -> bool:
        """Whether the lever is pulled on a day."""
        return self.start <= day and (self.end is None or day < self.end)


class Ban(_Lever):
    """Mining is forbidden: registered miners leave or hide."""

    leave_share_per_month: Share = 0.5  # of those still there
    hide_share: Share = 0.2  # of those who would leave, become unregistered instead


class Freeze(_Lever):
    """No rush: miners stay at the level of the start month (the counterfactual)."""


class Registration(_Lever):
    """Unregistered miners may register; a quota by zone may cap registered MW."""

    register_share_per_month: Share = 0.0  # of unregistered miners with room under the quota
    quota_mw: dict[str, NotNegative] = Field(default_factory=dict)  # by zone; none = no cap


class Enforcement(_Lever):
    """Unregistered miners are found and disconnected."""

    found_share_per_month: Share
    cost_usd_per_mw: NotNegative = 0.0
    fine_usd_per_mw: NotNegative = 0.0  # paid by those found


class Fee(_Lever):
    """Levy per kWh on registered miners: flat, or the 2023 scale by the price of their power."""

    kind: Literal["flat", "by-power-price"] = "flat"
    kzt_per_kwh: NotNegative = 0.0

    @model_validator(mode="after")
    def _meant(self) -> Self:
        if self.kind == "by-power-price" and self.kzt_per_kwh:
            raise ValueError("a fee by power price has its own scale: leave kzt_per_kwh out")
        return self


class Tariff(_Lever):
    """What registered miners pay for energy and grid, fee left out; cheaper or dearer in some hours if so written."""

    usd_per_mwh: NotNegative
    night_usd_per_mwh: NotNegative | None = None
    night_hours: Annotated[int, Field(ge=1, le=23)] = 8  # of a day, from midnight, at the night price
    hourly_share: Share = 0.0  # of registered miners that pay their zone's price of the hour instead
    hourly_grid_usd_per_mwh: NotNegative = 0.0  # on top of that price, for the wires

    @model_validator(mode="after")
    def _meant(self) -> Self:
        if self.night_usd_per_mwh is not None and self.hourly_share:
            raise ValueError("hourly_share goes with one tariff for all hours: leave night_usd_per_mwh out")
        return self


class DataCentre(_Lever):
    """Other load that can move: decided on the start day, on the grid after the time its kind takes to build."""

    zone: Name
    capacity_mw: NotNegative
    kind: Literal["ai-data-centre", "ai-training", "cloud-data-centre"] = "ai-data-centre"


class ProfitTax(_Lever):
    """Share of what registered miners earn, less power and fee, that the treasury takes."""

    share: Share


class OwnGeneration(_Lever):
    """Registered miners must make a share of their power themselves: it does not come from the grid."""

    share: Share
    usd_per_mwh: NotNegative  # what own power costs
    renewable: bool = False  # pays the lower fee of the 2023 scale


class Rationing(_Lever):
    """Registered miners are cut before firm load is: by contract (paid) or by order (unpaid)."""

    share: Share = 1.0  # of registered MW that can be cut
    paid_usd_per_mwh: NotNegative = 0.0
    disconnect: bool = False  # cut in every hour, not only in short ones


class ImportContract(_Lever):
    """Firm power bought from a neighbour."""

    zone: Name
    partner: Name
    capacity_mw: NotNegative
    price_usd_per_mwh: NotNegative


class Build(Strict):
    """A project of the case goes ahead; `online` overrides the planned date plus slip, `capacity_mw` its size."""

    project: Name
    online: date | None = None
    capacity_mw: Positive | None = None


class Assumptions(Strict):
    """What is not decided but assumed. A blank one is the case's best value."""

    demand_growth_share: Annotated[float, Field(ge=-0.1, le=0.2)] | None = None
    census_quantile: Share = 0.5  # where in the posterior of mining MW the history lies
    hashprice_after: Literal["record", "flat", "low", "high"] = "record"  # record: as published, then the trend
    hashprice_growth_share: Annotated[float, Field(ge=-0.9, le=1.0)] = -0.15  # per year after the record ends
    world_quantile: Share | None = None  # of drawn worlds by what a MWh earns, after the record; none: the trend
    outage_stress: Positive | None = None
    hydro_share: Positive = 1.0  # of the expected year
    slip_extra_years: Annotated[float, Field(ge=-5, le=20)] = 0.0
    life_extra_years: Annotated[float, Field(ge=-20, le=30)] = 0.0  # of units whose closing lies after the case's date
    world_last_month: Month | None = None  # pretend the record ends here


class Scenario(Strict):
    """A named scenario. Levers of one kind may be pulled several times over different dates."""

    name: Name
    title: str
    story: str  # one or two sentences in plain words
    base: str | None = None
    ban: tuple[Ban, ...] = ()
    freeze: tuple[Freeze, ...] = ()
    registration: tuple[Registration, ...] = ()
    enforcement: tuple[Enforcement, ...] = ()
    fee: tuple[Fee, ...] = ()
    tariff: tuple[Tariff, ...] = ()
    profit_tax: tuple[ProfitTax, ...] = ()
    own_generation: tuple[OwnGeneration, ...] = ()
    rationing: tuple[Rationing, ...] = ()
    import_contract: tuple[ImportContract, ...] = ()
    data_centre: tuple[DataCentre, ...] = ()
    carbon_price_usd_per_t: NotNegative | None = None
    build: tuple[Build, ...] = ()
    also_build: tuple[Build, ...] = ()  # on top of `build`, so that a difference need not repeat the base's list
    assume: Assumptions = Assumptions()

    @property
    def builds(self) -> tuple[Build, ...]:
        """Every project that goes ahead."""
        return self.build + self.also_build

    def clashes(self) -> list[tuple[str, str, str]]:
        """Levers that cannot be pulled together: where, what was found, what is needed."""
        out = []
        for kind in ("ban", "freeze", "fee", "tariff", "profit_tax", "own_generation", "rationing"):
            starts = [x.start for x in getattr(self, kind)]
            if doubled := {d for d in starts if starts.count(d) > 1}:
                out.append((kind, f"two that start on {min(doubled)}", "one of a kind from any day"))
        for b in self.ban:
            for at, r in enumerate(self.registration):
                together = (r.end is None or b.start < r.end) and (b.end is None or r.start < b.end)
                if together and r.register_share_per_month:
                    found = f"miners register while a ban of {b.start} is in force"
                    out.append((f"registration.{at}", found, "no registration during a ban"))
        return out
