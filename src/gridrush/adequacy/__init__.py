"""Risk of shortfall: outages, exact methods, sequential Monte Carlo, capacity credit and headroom."""

from gridrush.adequacy.assess import assess
from gridrush.adequacy.hazards import NO_HAZARDS, CommonMode, Derating, Hazards, Response
from gridrush.adequacy.metrics import Assessment, Event
from gridrush.adequacy.schedule import planned_supply

__all__ = [
    "NO_HAZARDS", "Assessment", "CommonMode", "Derating", "Event", "Hazards", "Response", "assess", "planned_supply",
]
