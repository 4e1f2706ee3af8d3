"""A case: everything known about one country, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from gridrush.case import schema as row
from gridrush.case.scenario import Scenario
from gridrush.case.schema import Clock, Grade, Name, Parameters, Source, Strict, Zone


class SeriesNote(Strict):
    """Unit, source and grade of a table whose rows are too many to repeat them."""

    unit: str
    source: Annotated[str, Field(min_length=3)]
    grade: Grade
    note: str = ""


class Header(Strict):
    """What `case.yaml` holds."""

    name: Name
    title: str
    summary: str
    first_year: Annotated[int, Field(ge=1990, le=2100)]
    last_year: Annotated[int, Field(ge=1990, le=2100)]
    as_of: date  # nothing that happened later may be used to fit
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    mining_country: str = ""  # name of the country in mining_atlas.csv; blank = no miners
    default_scenario: Name
    clock: tuple[Clock, ...]
    zones: Annotated[tuple[Zone, ...], Field(min_length=1)]
    parameters: Parameters
    series: dict[str, SeriesNote] = Field(default_factory=dict)  # table name -> note


@dataclass(frozen=True)
class Table:
    """Where a table of the case lies and what its rows are."""

    file: str
    row: type[Strict]
    required: bool = False


TABLES: Mapping[str, Table] = {
    "units": Table("units.csv", row.PlantUnit, required=True),
    "technologies": Table("technologies.csv", row.TechnologyFact, required=True),
    "fuels": Table("fuels.csv", row.FuelFact, required=True),
    "demand": Table("demand.csv", row.DemandYear, required=True),
    "demand_areas": Table("demand_areas.csv", row.DemandArea, required=True),
    "demand_shape": Table("demand_shape.csv", row.DemandShape, required=True),
    "links": Table("links.csv", row.Link),
    "ties": Table("ties.csv", row.Tie),
    "outages": Table("outages.csv", row.DatedOutage),
    "renewable_shape": Table("renewable_shape.csv", row.RenewableShape),
    "renewable_stats": Table("renewable_stats.csv", row.RenewableStats),
    "renewable_correlation": Table("renewable_correlation.csv", row.RenewableCorrelation),
    "generation": Table("generation.csv", row.GenerationYear),
    "capacity": Table("capacity.csv", row.CapacityDate),
    "projects": Table("projects.csv", row.Project),
    "announcements": Table("announcements.csv", row.Announcement),
    "network": Table("mining_network.csv", row.NetworkMonth),
    "atlas": Table("mining_atlas.csv", row.AtlasMonth),
    "machines": Table("mining_machines.csv", row.Machine),
    "machine_prices": Table("mining_machine_prices.csv", row.MachinePrice),
    "power_prices": Table("mining_power_prices.csv", row.PowerPrice),
    "statements": Table("mining_statements.csv", row.Statement),
    "mining_zones": Table("mining_zones.csv", row.MiningZone),
    "events": Table("events.csv", row.Event),
    "policies": Table("policies.csv", row.PolicyFact),
    "claims": Table("claims.csv", row.Claim),
    "exchange": Table("exchange.csv", row.Exchange),
}
"""Every table a case may have: attribute of `Case`, file, row model."""


class Case(Header):
    """Header, sources, tables and scenarios of one country; see `schema` for the rows."""

    sources: dict[str, Source]
    units: tuple[row.PlantUnit, ...]
    technologies: tuple[row.TechnologyFact, ...]
    fuels: tuple[row.FuelFact, ...]
    demand: tuple[row.DemandYear, ...]
    demand_areas: tuple[row.DemandArea, ...]
    demand_shape: tuple[row.DemandShape, ...]
    links: tuple[row.Link, ...] = ()
    ties: tuple[row.Tie, ...] = ()
    outages: tuple[row.DatedOutage, ...] = ()
    renewable_shape: tuple[row.RenewableShape, ...] = ()
    renewable_stats: tuple[row.RenewableStats, ...] = ()
    renewable_correlation: tuple[row.RenewableCorrelation, ...] = ()
    generation: tuple[row.GenerationYear, ...] = ()
    capacity: tuple[row.CapacityDate, ...] = ()
    projects: tuple[row.Project, ...] = ()
    announcements: tuple[row.Announcement, ...] = ()
    network: tuple[row.NetworkMonth, ...] = ()
    atlas: tuple[row.AtlasMonth, ...] = ()
    machines: tuple[row.Machine, ...] = ()
    machine_prices: tuple[row.MachinePrice, ...] = ()
    power_prices: tuple[row.PowerPrice, ...] = ()
    statements: tuple[row.Statement, ...] = ()
    mining_zones: tuple[row.MiningZone, ...] = ()
    events: tuple[row.Event, ...] = ()
    policies: tuple[row.PolicyFact, ...] = ()
    claims: tuple[row.Claim, ...] = ()
    exchange: tuple[row.Exchange, ...] = ()
    scenarios: dict[str, Scenario] = Field(default_factory=dict)
    digest: str = ""  # hash of every file of the case

    def to_pypsa(
        self, path: str | Path | None = None, *, scenario: str | Scenario | None = None, year: int | None = None,
        seed: int = 1,
    ) -> Any:  # fmt: skip
        """A year of the case as a PyPSA network, or the netCDF file it was written to.

        See `gridrush.study.to_pypsa`, which it is by name: making hours of a case takes rooms that stand after this
        one.
        """
        write = import_module("gridrush.study.networks").to_pypsa
        return write(self, path, scenario=scenario, year=year, seed=seed)

    @property
    def zone_names(self) -> tuple[str, ...]:
        """Names of the zones in order."""
        return tuple(z.name for z in self.zones)

    @property
    def years(self) -> range:
        """First to last year."""
        return range(self.first_year, self.last_year + 1)
