"""Levers and assumptions of the page: what each is called, may be set to, and does to a scenario.

A screen is a base scenario and the values that differ from it, by the key of a control. `apply` turns them into a
`Scenario`, which the case's own checks then judge; the page never makes a scenario by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from gridrush.case.load import resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.case.schema import Fact, Strict
from gridrush.errors import CaseError, Problem

Value = StrictBool | StrictInt | StrictFloat | StrictStr

MAX_VALUES = 80


class Screen(Strict):
    """What the page asks for: a base scenario and the values that differ from it."""

    base: Annotated[str, Field(min_length=1, max_length=80)]
    values: dict[Annotated[str, Field(max_length=200)], Value] = Field(default_factory=dict, max_length=MAX_VALUES)


class Control(Strict):
    """One thing the user can move."""

    key: str
    panel: Literal["lever", "assumption"]
    group: str
    kind: Literal["range", "choice", "switch", "project"]
    unit: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    title: str = ""  # proper name where there is one (a project); else the catalogue's text of the key
    zone: str = ""
    zone_to: str = ""  # of a link
    capacity_mw: float | None = None
    evidence: tuple[dict[str, Any], ...] = ()


_FACTS: Mapping[str, tuple[str, float, float, float]] = {
    # key -> parameter of the case, lowest, highest, step
    "growth": ("demand_growth_share", -0.02, 0.06, 0.005),
    "stress": ("outage_stress", 0.8, 2.0, 0.05),
}


def controls(case: Case) -> list[Control]:
    """Controls of a case."""
    levers = [
        Control(key="ban", panel="lever", group="mining", kind="switch", evidence=_events(case, "ban")),
        Control(key="register", panel="lever", group="mining", kind="range", unit="share/month",
                low=0, high=0.2, step=0.01),
        Control(key="quota", panel="lever", group="mining", kind="range", unit="MW", low=0, high=3000, step=50),
        Control(key="found", panel="lever", group="mining", kind="range", unit="share/month", low=0, high=0.3,
                step=0.01),
        Control(key="fee", panel="lever", group="mining", kind="range", unit="KZT/kWh", low=0, high=25, step=0.5,
                evidence=_policies(case, "fee")),
        Control(key="tariff", panel="lever", group="mining", kind="range", unit="USD/MWh", low=10, high=150, step=5,
                evidence=_policies(case, "tariff")),
        Control(key="rationing", panel="lever", group="mining", kind="choice",
                choices=("none", "order", "contract", "disconnect")),
        Control(key="paid", panel="lever", group="mining", kind="range", unit="USD/MWh", low=0, high=200, step=10),
    ]  # fmt: skip
    levers += [
        Control(key=f"import:{zone}", panel="lever", group="import", kind="range", unit="MW", low=0, high=1500, step=50,
                zone=zone, evidence=_offers(case, zone))
        for zone in _import_zones(case)
    ]  # fmt: skip
    levers.append(Control(key="carbon", panel="lever", group="plant", kind="range", unit="USD/t", low=0, high=60,
                          step=1, evidence=(_parameter(case, "carbon_price"),)))  # fmt: skip
    levers += [
        Control(key=f"build:{p.project}", panel="lever", group="plant", kind="project", title=_title(p.project),
                unit="year", low=max(case.as_of.year + 1, case.first_year), high=case.last_year + 1, step=1,
                zone=p.zone, capacity_mw=p.capacity_mw, evidence=(_fact(p),))
        for p in case.projects
    ]  # fmt: skip
    assumptions = [
        Control(key=key, panel="assumption", group="world" if key != "stress" else "grid", kind="range",
                unit=getattr(case.parameters, name).unit, low=low, high=high, step=step,
                evidence=(_parameter(case, name),))
        for key, (name, low, high, step) in _FACTS.items()
    ]  # fmt: skip
    assumptions += [
        Control(key="census", panel="assumption", group="world", kind="range", unit="share", low=0.05, high=0.95,
                step=0.05, evidence=tuple(_fact(s) for s in case.statements)),
        Control(key="price", panel="assumption", group="world", kind="choice",
                choices=("record", "flat", "low", "high")),
        Control(key="price_growth", panel="assumption", group="world", kind="range", unit="share/yr", low=-0.5,
                high=0.3, step=0.05),
        Control(key="hydro", panel="assumption", group="grid", kind="range", unit="share", low=0.7, high=1.3, step=0.05,
                evidence=(_parameter(case, "hydro_energy"),)),
        Control(key="slip", panel="assumption", group="grid", kind="range", unit="years", low=-3, high=10, step=1),
    ]  # fmt: skip
    return levers + assumptions


def defaults(case: Case, base: Scenario) -> dict[str, Any]:
    """What each control says in a base scenario, at the month after the case's date."""
    s, a, day = base, base.assume, decided(case)

    def at(levers: Any) -> Any:
        pulled = [x for x in levers if x.active_on(day) or x.start > day]
        return min(pulled, key=lambda x: max(x.start, day)) if pulled else None

    rationing, fee, tariff = at(s.rationing), at(s.fee), at(s.tariff)
    registration, enforcement = at(s.registration), at(s.enforcement)
    mode = "none" if rationing is None else (
        "disconnect" if rationing.disconnect else "contract" if rationing.paid_usd_per_mwh else "order")  # fmt: skip
    quota = sum(registration.quota_mw.values()) if registration and registration.quota_mw else None
    bought = {f"import:{z}": sum(c.capacity_mw for c in s.import_contract if c.zone == z) for z in _import_zones(case)}
    built = {b.project: b for b in s.builds}
    projects: dict[str, Any] = {}
    for p in case.projects:
        b = built.get(p.project)
        projects[f"build:{p.project}"] = False if b is None else True if b.online is None else b.online.year
    return {
        "ban": bool(s.ban), "register": registration.register_share_per_month if registration else 0.0, "quota": quota,
        "found": enforcement.found_share_per_month if enforcement else 0.0,
        "fee": None if fee is not None and fee.kind != "flat" else fee.kzt_per_kwh if fee else 0.0,
        "tariff": tariff.usd_per_mwh if tariff else None, "rationing": mode,
        "paid": rationing.paid_usd_per_mwh if rationing else 0.0, **bought,
        "carbon": case.parameters.carbon_price.value if s.carbon_price_usd_per_t is None else s.carbon_price_usd_per_t,
        **projects,
        "growth": _or(a.demand_growth_share, case.parameters.demand_growth_share),
        "stress": _or(a.outage_stress, case.parameters.outage_stress),
        "census": a.census_quantile, "price": a.hashprice_after, "price_growth": a.hashprice_growth_share,
        "hydro": a.hydro_share, "slip": a.slip_extra_years,
    }  # fmt: skip


def decided(case: Case) -> date:
    """First day on which a lever of the page bites: the month after the case's date."""
    after = 12 * case.as_of.year + case.as_of.month
    return date(after // 12, after % 12 + 1, 1)


def apply(case: Case, screen: Screen) -> Scenario:
    """The scenario of a screen, checked.

    Raises
    ------
    CaseError
        For an unknown base or control, or a value out of bounds.
    """
    if screen.base not in case.scenarios:
        raise CaseError([Problem("base", screen.base[:80], "one of " + ", ".join(case.scenarios))])
    base = resolve_scenario(case, screen.base)
    if not screen.values:
        return base
    known = _controls_of(case)
    problems = [p for key, value in screen.values.items() for p in wrong(known.get(key), key, value)]
    if problems:
        raise CaseError(problems)
    v, day = screen.values, decided(case)
    old = defaults(case, base)
    change: dict[str, Any] = {"name": "custom", "title": base.title, "story": base.story}
    if "ban" in v:
        change["ban"] = [{"start": day}] if v["ban"] else []
    if {"register", "quota"} & v.keys():
        share, quota = v.get("register", old["register"]), v.get("quota", old["quota"])
        lever: dict[str, Any] = {"start": day, "register_share_per_month": share}
        if quota is not None:
            lever["quota_mw"] = _spread(case, base, float(quota))
        change["registration"] = [*_before(base.registration, day), lever]
    if "found" in v:
        cost = max((e.cost_usd_per_mw for s in case.scenarios.values() for e in s.enforcement), default=0.0)
        lever = {"start": day, "found_share_per_month": v["found"], "cost_usd_per_mw": cost}
        change["enforcement"] = [*_before(base.enforcement, day), *([lever] if v["found"] else [])]
    if "fee" in v:
        change["fee"] = [*_before(base.fee, day), {"start": day, "kzt_per_kwh": v["fee"]}]
    if "tariff" in v:
        change["tariff"] = [*_before(base.tariff, day), {"start": day, "usd_per_mwh": v["tariff"]}]
    if {"rationing", "paid"} & v.keys():
        mode = v.get("rationing", "contract" if v.get("paid") and old["rationing"] == "order" else old["rationing"])
        paid = float(v.get("paid", old["paid"]) or 0.0)
        lever = {"start": day, "disconnect": mode == "disconnect",
                 "paid_usd_per_mwh": (paid or 60.0) if mode == "contract" else 0.0}  # fmt: skip
        change["rationing"] = [*_before(base.rationing, day), *([lever] if mode != "none" else [])]
    bought = {k.partition(":")[2]: float(x) for k, x in v.items() if k.startswith("import:")}
    if bought:
        kept = [c.model_dump() for c in base.import_contract if c.zone not in bought]
        change["import_contract"] = kept + [_contract(case, z, mw, day) for z, mw in bought.items() if mw > 0]
    if "carbon" in v:
        change["carbon_price_usd_per_t"] = v["carbon"]
    change |= _builds(case, base, v)
    assume = {field: v[key] for key, field in _ASSUME.items() if key in v}
    if assume:
        change["assume"] = {**base.assume.model_dump(), **assume}
    made = Scenario.model_validate({**base.model_dump(), **change, "base": None})
    return resolve_scenario(case, made)


_LAST: list[tuple[Case, dict[str, Control]]] = []


def _controls_of(case: Case) -> dict[str, Control]:
    """Controls by key, made once for the case at hand: every move asks for them."""
    if not _LAST or _LAST[0][0] is not case:
        _LAST[:] = [(case, {c.key: c for c in controls(case)})]
    return _LAST[0][1]


_ASSUME = {
    "growth": "demand_growth_share", "stress": "outage_stress", "census": "census_quantile", "price": "hashprice_after",
    "price_growth": "hashprice_growth_share", "hydro": "hydro_share", "slip": "slip_extra_years",
}  # fmt: skip


def wrong(control: Control | None, key: str, value: Value) -> list[Problem]:
    """What is wrong with the value of a control."""
    where = f"values[{key[:60]}]"
    if control is None:
        return [Problem(where, key[:60], "a control listed by /api/case")]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    inside = number and control.low is not None and control.high is not None and (
        control.low - 1e-9 <= float(value) <= control.high + 1e-9)  # fmt: skip
    good = {
        "range": inside, "switch": isinstance(value, bool), "choice": value in control.choices,
        "project": isinstance(value, bool) or inside,
    }[control.kind]  # fmt: skip
    if good:
        return []
    wanted = {
        "range": f"a number from {control.low:g} to {control.high:g}" if control.low is not None and
                 control.high is not None else "a number",
        "switch": "true or false", "choice": "one of " + ", ".join(control.choices),
        "project": "true, false or the year it comes into service",
    }[control.kind]  # fmt: skip
    return [Problem(where, str(value)[:60], wanted)]


def _before(levers: Any, day: date) -> list[dict[str, Any]]:
    """What the base did up to a day."""
    kept = [x for x in levers if x.start < day]
    return [{**x.model_dump(), "end": min(x.end or day, day)} for x in kept]


def _builds(case: Case, base: Scenario, v: Mapping[str, Value]) -> dict[str, Any]:
    asked = {k.partition(":")[2]: x for k, x in v.items() if k.startswith("build:")}
    if not asked:
        return {}
    kept = [b.model_dump() for b in base.builds if b.project not in asked]
    for project, value in asked.items():
        if value is not False:
            kept.append({"project": project, "online": None if value is True else date(int(float(value)), 1, 1)})
    order = {p.project: i for i, p in enumerate(case.projects)}
    return {"build": sorted(kept, key=lambda b: order[b["project"]]), "also_build": ()}


def _spread(case: Case, base: Scenario, total_mw: float) -> dict[str, float]:
    """A national quota over the zones: as some scenario of the case divides it, else by registered miners."""
    quotas = [r.quota_mw for s in (base, *case.scenarios.values()) for r in s.registration if r.quota_mw]
    share = quotas[0] if quotas else {m.zone: m.share for m in case.mining_zones if m.status == "registered"}
    whole = sum(share.values())
    return {zone: total_mw * x / whole for zone, x in share.items()} if whole else {}


def _contract(case: Case, zone: str, mw: float, day: date) -> dict[str, Any]:
    """A contract at the price some scenario of the case pays in the zone, else at the dearest normal offer."""
    known = [c for s in case.scenarios.values() for c in s.import_contract if c.zone == zone]
    if known:
        return {**known[0].model_dump(), "start": day, "end": None, "capacity_mw": mw}
    offers = [t for t in case.ties if t.zone == zone and t.direction == "import" and not t.emergency]
    best = max(offers, key=lambda t: t.price_usd_per_mwh)
    return {"start": day, "zone": zone, "partner": best.partner, "capacity_mw": mw,
            "price_usd_per_mwh": best.price_usd_per_mwh}  # fmt: skip


def _import_zones(case: Case) -> list[str]:
    have = {t.zone for t in case.ties if t.direction == "import" and not t.emergency}
    return [z for z in case.zone_names if z in have]


def _title(project: str) -> str:
    """A project's key as a name: `ust-kamenogorsk-chp` -> `Ust Kamenogorsk CHP`."""
    words = re.sub(r"\b(chp|ccgt|ocgt|gres|dc|spic|acwa)", lambda m: m[1].upper(), project.replace("-", " "))
    return re.sub(r"\b(balkhash|kamenogorsk)", lambda m: m[1].title(), words[:1].upper() + words[1:])


def _offers(case: Case, zone: str) -> tuple[dict[str, Any], ...]:
    return tuple(_fact(t) for t in case.ties if t.zone == zone and t.direction == "import")[:4]


def _or(value: float | None, fact: Fact) -> float:
    return fact.value if value is None else value


def _parameter(case: Case, name: str) -> dict[str, Any]:
    fact: Fact = getattr(case.parameters, name)
    return _fact(fact)


def _fact(row: Any) -> dict[str, Any]:
    """What a row of the case says about itself: numbers, source, grade, note."""
    keep = ("value", "unit", "low", "high", "source", "grade", "note", "who", "on", "quantity", "item", "partner",
            "capacity_mw", "price_usd_per_mwh", "planned", "slip_years", "capex_usd_per_mw", "status")  # fmt: skip
    out = {k: getattr(row, k) for k in keep if getattr(row, k, None) not in (None, "")}
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in out.items()}


def _policies(case: Case, word: str) -> tuple[dict[str, Any], ...]:
    return tuple(_fact(p) for p in case.policies if word in p.item)[:6]


def _events(case: Case, word: str) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"on": e.on, "source": e.source, "grade": e.grade, "note": e.event}
        for e in case.events
        if re.search(rf"\b{word}", e.event, re.IGNORECASE)
    )[:4]
