"""Risk of shortfall: outages, exact methods, sequential Monte Carlo, capacity credit and headroom."""

from gridrush.adequacy.assess import assess
from gridrush.adequacy.credit import (
    Headroom,
    add_load,
    add_unit,
    efc,
    elcc,
    equivalent_load,
    headroom,
    with_load_error,
)
from gridrush.adequacy.hazards import NO_HAZARDS, CommonMode, Derating, Hazards, Response
from gridrush.adequacy.metrics import Assessment, Event
from gridrush.adequacy.pras import read_pras
from gridrush.adequacy.replay import Outage, Replay, replay
from gridrush.adequacy.schedule import planned_supply
from gridrush.adequacy.tables import read_tables
from gridrush.adequacy.trips import TripRisk, trip_risk

__all__ = [
    "NO_HAZARDS",
    "Assessment",
    "CommonMode",
    "Derating",
    "Event",
    "Hazards",
    "Headroom",
    "Outage",
    "Replay",
    "Response",
    "TripRisk",
    "add_load",
    "add_unit",
    "assess",
    "efc",
    "elcc",
    "equivalent_load",
    "headroom",
    "planned_supply",
    "read_pras",
    "read_tables",
    "replay",
    "trip_risk",
    "with_load_error",
]
