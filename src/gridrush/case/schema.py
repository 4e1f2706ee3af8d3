"""What a case folder may hold: one model per table row and per YAML block.

Every row and every fact names its source (a key of `sources.yaml`) and its grade. Column names end in their unit.
A blank cell is a missing value and is allowed only where a field has a default.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gridrush.units import Unit

Grade = Literal["measured", "reported", "estimated", "assumed"]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
MOST_LETTERS = 80
Name = Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)]


class Strict(BaseModel):
    """Unknown keys are errors, values are frozen, NaN and infinity are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True)


class Sourced(Strict):
    """A row that says where it comes from and how good it is."""

    source: Annotated[str, Field(min_length=3)]
    grade: Grade
    note: str = ""


class Range(Sourced):
    """A row whose best value may lie between a low and a high one (both or neither)."""

    _best: ClassVar[str] = "value"  # field that low and high bound
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        best = getattr(self, self._best)
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high come together: give both or neither")
        if self.low is not None and self.high is not None and not self.low <= best <= self.high:
            raise ValueError(f"need low <= best <= high, found {self.low} <= {best} <= {self.high}")
        return self


class Fact(Range):
    """One number with its unit and where it comes from. There is no shorter form."""

    value: float
    unit: Unit


def fact_in(unit: Unit) -> AfterValidator:
    """Require a Fact to be given in this unit."""

    def check(fact: Fact) -> Fact:
        if fact.unit != unit:
            raise ValueError(f"unit is {fact.unit!r}, need {unit!r}")
        return fact

    return AfterValidator(check)


ShareFact = Annotated[Fact, fact_in("share")]
UsdPerMwhFact = Annotated[Fact, fact_in("USD/MWh")]


class Source(Strict):
    """A document or data set that facts are taken from."""

    title: Annotated[str, Field(min_length=3)]
    date: str  # as printed: a year, a month or a day
    address: Annotated[str, Field(min_length=3)]
    licence: Annotated[str, Field(min_length=3)]


class Clock(Sourced):
    """Legal time from a date on."""

    start: date
    utc_offset_h: Annotated[int, Field(ge=-12, le=14)]


class Parameters(Strict):
    """The scalars of a case."""

    # demand
    demand_growth_share: Annotated[Fact, fact_in("share/yr")]  # after the last year of demand.csv, miners left out
    load_follows_clock_share: ShareFact  # part of the load that follows legal time, not the sun
    load_weather_std_share: ShareFact  # day-to-day spread of load around its monthly mean
    load_weather_autocorrelation: ShareFact  # of that spread, day to day
    industry_share: ShareFact  # of firm load, rationed before households
    # grid
    value_household: UsdPerMwhFact  # of energy not served
    value_industry: UsdPerMwhFact
    value_export: UsdPerMwhFact  # price at which surplus is sold, when ties.csv gives none
    hydro_energy: Annotated[Fact, fact_in("TWh")]  # expected year
    hydro_std_share: ShareFact  # year to year
    hydro_flat_share: ShareFact  # part of a month's water released evenly (must run)
    oil_start_share: ShareFact  # oil burnt by coal and gas steam plants, as a share of their output
    outage_stress: Annotated[Fact, fact_in("1")]  # failure rates of 2021 over those of 2020
    # mining
    mining_pue: Annotated[Fact, fact_in("1")]
    pool_fee_share: ShareFact
    mining_uptime_share: ShareFact  # of nameplate MW, hour by hour, when not cut
    mining_on_grid_share: ShareFact  # of the country's miners' MW drawn from the public grid
    mining_in_base_demand: Annotated[Fact, fact_in("share")]  # of grid-drawn miners that the demand record contains
    # money
    discount_share: Annotated[Fact, fact_in("share/yr")]
    carbon_price: Annotated[Fact, fact_in("USD/t")]


class Zone(Strict):
    """An area with one price and no limits inside."""

    name: Name
    title: str
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]


class Span(Strict):
    """From a day on, up to another (exclusive) or for good."""

    start: date
    end: date | None = None

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"end {self.end} is not after start {self.start}")
        return self


class _Dated(Sourced, Span):
    """A sourced row that holds over a span of dates."""

    def active_in(self, year: int) -> bool:
        """Whether any day of the year lies in [start, end)."""
        return self.start < date(year + 1, 1, 1) and (self.end is None or self.end > date(year, 1, 1))


class PlantUnit(_Dated):
    """A generating unit (or a fleet of wind or solar plants) from its first day to its last."""

    unit: Name
    plant: Name
    zone: Name
    oblast: str = ""
    technology: Name
    capacity_mw: Positive
    low_mw: NotNegative | None = None
    high_mw: NotNegative | None = None
    captive: bool = False  # runs for the industry that owns it
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None


TechnologyParameter = Literal[
    "efficiency_share",  # electricity over fuel heat
    "variable_cost_usd_per_mwh",  # without fuel
    "fixed_cost_usd_per_mw_year",
    "available_winter_share",  # October to March: working over installed capacity
    "available_summer_share",
    "must_run_winter_share",  # of installed capacity, tied to heat, process or voltage support
    "must_run_summer_share",
    "forced_outage_share",
    "mttr_h",
    "maintenance_weeks",
    "ramp_share_per_h",
    "life_years",
    "capex_usd_per_mw",
    "lead_time_years",  # from the decision to the first day of service
    "construction_years",  # of it, those over which capex is spent
    "closing_age_years",  # at which a unit that is not rebuilt closes
    "storage_hours",
    "round_trip_share",
]


class TechnologyFact(Range):
    """One number about a technology."""

    technology: Name
    fuel: Name
    parameter: TechnologyParameter
    value: NotNegative

    @model_validator(mode="after")
    def _share(self) -> Self:
        if self.parameter.endswith("_share") and self.value > 1:
            raise ValueError(f"{self.parameter} is a share in [0, 1], found {self.value}")
        if self.parameter == "efficiency_share" and self.value == 0:
            raise ValueError("efficiency_share is above 0: fuel is divided by it")
        return self


class FuelFact(Range):
    """Price or carbon content of a fuel, in a zone or (blank) everywhere."""

    fuel: Name
    zone: str = ""
    parameter: Literal["price_usd_per_mwh_th", "co2_t_per_mwh_th"]
    value: NotNegative


class DatedOutage(Sourced):
    """A unit known to be out (or short) over dated hours, UTC."""

    unit: Name
    start: datetime
    end: datetime
    lost_share: Share
    event: str

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"end {self.end} is not after start {self.start}")
        return self


class Link(_Dated):
    """Transfer limit between two zones over a span of dates."""

    link: Name
    zone_from: Name
    zone_to: Name
    forward_mw: NotNegative
    backward_mw: NotNegative
    loss_share: Share = 0.0
    circuits: Annotated[int, Field(ge=1)] = 1
    low_mw: NotNegative | None = None
    high_mw: NotNegative | None = None


class Tie(_Dated):
    """Power that can be bought from or sold to a neighbour."""

    tie: Name
    zone: Name
    partner: Name
    direction: Literal["import", "export"]
    capacity_mw: NotNegative
    low_mw: NotNegative | None = None
    high_mw: NotNegative | None = None
    price_usd_per_mwh: float
    emergency: bool = False  # called after miners are cut, before industry is


class DemandYear(Range):
    """Electricity consumption of a year, network losses and miners included."""

    _best: ClassVar[str] = "consumption_twh"
    year: Annotated[int, Field(ge=1990, le=2100)]
    consumption_twh: Positive


class DemandArea(Sourced):
    """Consumption of a province in a reference year; its share sets the zone's share."""

    zone: Name
    area: Name
    consumption_twh: Positive


class DemandShape(Strict):
    """Mean and spread of load by month and local hour, per unit of the annual mean."""

    month: Annotated[int, Field(ge=1, le=12)]
    hour: Annotated[int, Field(ge=0, le=23)]
    mean_pu: Positive
    std_pu: NotNegative


class RenewableShape(Strict):
    """Mean and spread of a capacity factor by month and local hour."""

    zone: Name
    technology: Name
    month: Annotated[int, Field(ge=1, le=12)]
    hour: Annotated[int, Field(ge=0, le=23)]
    mean_cf: Share
    std_cf: NotNegative


class RenewableStats(Sourced):
    """How persistent a resource is, and how much its days differ."""

    zone: Name
    technology: Name
    annual_mean_cf: Share
    hourly_autocorrelation: Share
    daily_autocorrelation: Share
    daily_std_cf: NotNegative


class RenewableCorrelation(Strict):
    """Correlation of the daily anomalies of two resources, named zone:technology."""

    first: Name
    second: Name
    correlation: Annotated[float, Field(ge=-1, le=1)]


class GenerationYear(Range):
    """Official generation by fuel, for comparison only."""

    _best: ClassVar[str] = "generation_twh"
    year: int
    fuel: Name
    generation_twh: float


class CapacityDate(Sourced):
    """Official installed and available capacity, for comparison only."""

    on: date
    installed_mw: Positive
    available_mw: Positive


class Project(Range):
    """A plant, line or store that can be added; low and high are the slip against the planned date in years."""

    _best: ClassVar[str] = "slip_years"
    project: Name
    technology: Name
    zone: Name
    zone_to: str = ""  # for a line
    capacity_mw: Positive
    unit_mw: Positive
    decided: date | None = None  # when the decision was or could be taken
    planned: date  # first full day in service, as announced
    capex_usd_per_mw: NotNegative
    capex_low_usd_per_mw: NotNegative | None = None
    capex_high_usd_per_mw: NotNegative | None = None
    slip_years: float  # best guess of the delay against `planned`
    status: Literal["existing-rebuild", "under-construction", "planned", "candidate"]
    replaces: str = ""  # plant closed when this one starts
    needs_consent: bool = False


class Announcement(Sourced):
    """A date of service that was announced, and what became of it: the record that slips are drawn from."""

    project: Name
    said: date
    planned: date  # as announced then
    became: date  # when it served, or is now to serve; not built by then if the note says so
    done: bool

    @model_validator(mode="after")
    def _ahead(self) -> Self:
        if self.planned <= self.said:
            raise ValueError(f"planned {self.planned} is not after it was said, {self.said}")
        return self

    @property
    def slip_share(self) -> float:
        """Slip over the time that was announced."""
        return (self.became - self.planned).days / (self.planned - self.said).days


class NetworkMonth(Sourced):
    """The Bitcoin network in a month."""

    month: Month
    hashrate_ehs: Positive
    difficulty: Positive
    price_usd: Positive
    block_subsidy_btc: Positive
    issuance_btc_per_day: Positive
    fees_btc_per_day: NotNegative | None = None
    hashprice_usd_per_ph_day: Positive
    fleet_low_j_per_th: Positive | None = None
    fleet_best_j_per_th: Positive | None = None
    fleet_high_j_per_th: Positive | None = None


class AtlasMonth(Sourced):
    """Share of the world's hash rate measured in a country."""

    month: Month
    country: Name
    hashrate_share: Share
    hashrate_ehs: NotNegative


class Machine(Sourced):
    """A mining machine."""

    model: Name
    maker: Name
    released: date
    efficiency_j_per_th: Positive
    hashrate_ths: Positive | None = None
    power_w: Positive | None = None


class MachinePrice(Range):
    """Price of machines of an efficiency class."""

    _best: ClassVar[str] = "price_usd_per_th"
    month: Month
    min_j_per_th: NotNegative
    max_j_per_th: Positive
    price_usd_per_th: Positive


class PowerPrice(Range):
    """What miners pay for power in a country in a span of years, all charges included."""

    _best: ClassVar[str] = "price_usd_per_mwh"
    country: Name
    start: date
    end: date | None = None
    price_usd_per_mwh: NotNegative


class Statement(Range):
    """What somebody said about the size of mining."""

    on: date
    who: str
    quantity: Literal["registered_mw", "unregistered_mw", "total_mw", "growth_share", "ratio", "fee_usd"]
    value: float


class MiningZone(Range):
    """Share of the country's miners of a status found in a zone."""

    _best: ClassVar[str] = "share"
    zone: Name
    status: Literal["registered", "unregistered"]
    share: Share


class Event(Sourced):
    """Something that happened, for the time line and for replays."""

    on: str  # a year, month or day
    event: str
    zone: str = ""
    power_mw: float | None = None


class PolicyFact(Range):
    """A tariff, fee, rule or rate in force from a date on."""

    on: date
    item: Name
    value: float
    unit: Unit


class Claim(Range):
    """A statement of the news story, to be set beside the model and the facts."""

    claim: Name
    who: str
    said: str  # date
    text: str  # in our words
    quantity: Name  # a key the study room knows how to compute
    value: float | None = None
    unit: Unit


class Exchange(Sourced):
    """Exchange rate from a date on."""

    on: date
    kzt_per_usd: Positive
