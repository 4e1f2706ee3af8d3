"""The levers there are: what each does, what it moves, what is known of it in a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from gridrush.case import scenario as levers
from gridrush.case.model import Case


@dataclass(frozen=True)
class Lever:
    """One instrument of policy."""

    name: str  # key in a scenario file
    title: str
    does: str
    pays: tuple[str, ...] = ()  # lines of the ledger it fills
    moves: str = ""  # direction that tests hold
    model: type[BaseModel] | None = None  # its fields in a scenario file
    items: tuple[str, ...] = ()  # rows of policies.csv that tell of it
    words: tuple[str, ...] = ()  # words of events.csv that tell of it


LEVERS: Mapping[str, Lever] = {
    x.name: x
    for x in (
        Lever(
            "ban", "Ban",
            "Mining is forbidden: a share of registered miners leaves in each month, part of those hides and is then "
            "unregistered, nobody registers.",
            moves="registered MW fall, unregistered may rise", model=levers.Ban, words=("ban",),
        ),
        Lever(
            "freeze", "No rush",
            "The counterfactual: the census is held at a month, as if nobody had come after it.",
            moves="MW stay", model=levers.Freeze,
        ),
        Lever(
            "registration", "Registration and quota",
            "A share of unregistered miners registers in each month where the quota of the zone leaves room; the quota "
            "caps registered MW, and whom it turns away goes elsewhere.",
            moves="a looser quota never lowers mining", model=levers.Registration,
            items=("new_mine_cap_mw", "mining_licence_law"), words=("Draft rule", "rules for miners"),
        ),
        Lever(
            "enforcement", "Enforcement",
            "A share of unregistered MW is found and cut off in each month; who stays counts the risk, who is found "
            "loses his machines' place and may be fined.",
            ("enforcement", "fines"), "more of it never raises unregistered MW", levers.Enforcement,
            words=("unregistered",),
        ),
        Lever(
            "fee", "Fee on energy",
            "Registered miners pay the treasury for every kWh: a flat fee, or the scale of 2023 that tops the price of "
            "their power up to a total.",
            ("fee",), "a higher fee never raises registered MW", levers.Fee,
            ("mining_fee_flat", "mining_fee_scale_floor", "mining_fee_scale_ceiling", "mining_fee_proposed"),
        ),
        Lever(
            "tariff", "Tariff",
            "What registered miners pay for energy and grid, with another price at night if so written; machines that "
            "earn less than it stand still. A share may pay the hour's price of its zone instead, and stops hour by "
            "hour. Unregistered miners go on paying the households' price.",
            ("registered_power",), "a higher tariff never raises registered MW", levers.Tariff,
            ("retail_household", "ceiling_tariff_group_2", "ceiling_tariff_group_17"),
        ),
        Lever(
            "profit_tax", "Tax on profit",
            "A share of what registered miners earn less power and fee, month by month; nobody whose margin is "
            "positive is made to stop, but a place abroad looks better.",
            ("profit_tax",), "never raises registered MW", levers.ProfitTax, ("mining_claimed_effect_per_year",),
        ),
        Lever(
            "own_generation", "Own generation",
            "Registered miners make a share of their power themselves: that much leaves the grid, at a cost and a fee "
            "of its own.",
            ("own_power", "fee"), "load on the grid falls", levers.OwnGeneration,
            ("mining_fee_own_generation", "mining_fee_own_renewables"),
        ),
        Lever(
            "rationing", "Rationing and interruptible contracts",
            "Registered miners are cut before firm load is: by order (unpaid), by contract (paid for every MWh), or "
            "altogether.",
            ("interruption",), "never raises unserved energy of others", levers.Rationing,
            words=("ration", "limited", "closes its southern farm"),
        ),
        Lever(
            "import_contract", "Import contract",
            "Firm power bought from a neighbour, on top of what the ties give.",
            ("imports",), "never raises unserved energy of the same miners", levers.ImportContract,
            words=("Russian power",),
        ),
        Lever(
            "data_centre", "Data centre",
            "Other load that can move: firm load of high value, and a part that gives way in dear hours as far as its "
            "uptime and ramp allow; on the grid after the time its kind takes to build.",
            ("consumer_power",), "load rises by no more than its own", levers.DataCentre,
        ),
        Lever(
            "carbon_price_usd_per_t", "Carbon price",
            "Paid by plants for every tonne; changes their order and the price, and comes back to the treasury.",
            ("carbon",), "never raises CO2 of the same load",
        ),
        Lever(
            "build", "Projects",
            "A project goes ahead, on the date announced with the delays its kind has had, or on a date given (for one "
            "that waits for public consent, the date that follows from it). Left out: it is not built. `also_build` "
            "adds to the base's list.",
            ("new_plant", "fixed"), "more plant never raises unserved energy of the same miners", levers.Build,
            words=("uclear", "agreement", "line planned"),
        ),
    )
}  # fmt: skip
"""Every lever, by its key in a scenario file."""


def evidence(lever: Lever, case: Case) -> list[dict[str, Any]]:
    """What a case knows of a lever: rows of its policies and events with source and grade, in order of time."""
    rows: list[dict[str, Any]] = [
        {"on": str(p.on), "what": p.item, "value": p.value, "unit": p.unit, "source": p.source, "grade": p.grade,
         "note": p.note}
        for p in case.policies
        if p.item in lever.items
    ]  # fmt: skip
    rows += [
        {"on": e.on, "what": e.event, "value": e.power_mw, "unit": "MW" if e.power_mw is not None else "",
         "source": e.source, "grade": e.grade, "note": e.note}
        for e in case.events
        if any(w in e.event for w in lever.words)
    ]  # fmt: skip
    return sorted(rows, key=lambda r: str(r["on"]))


def used_by(lever: Lever, case: Case) -> list[str]:
    """Scenarios of a case that pull a lever themselves."""
    names = [lever.name, *(["also_build"] if lever.name == "build" else [])]
    return [n for n, s in case.scenarios.items() if any(getattr(s, k) for k in names)]


def fields_of(lever: Lever) -> list[dict[str, str]]:
    """Keys of a lever in a scenario file: name, type, default."""
    if lever.model is None:
        return []
    return [
        {"key": name, "type": _plain(f.annotation), "default": "" if f.is_required() else _default(f)}
        for name, f in lever.model.model_fields.items()
    ]


def _plain(annotation: Any) -> str:
    text = getattr(annotation, "__name__", None) if isinstance(annotation, type) else str(annotation)
    return str(text).replace("typing.", "").replace("datetime.", "")


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    return "-" if value is None else str(value)
