"""What the page is told once: the case, its controls, scenarios, sources, events and map."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from gridrush import __version__
from gridrush.case.load import resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.study.service import service_range as serves
from gridrush.web.controls import Screen, controls, decided, defaults


def about_case(case: Case) -> dict[str, Any]:
    """Everything about a case that no slider moves."""
    scenarios = []
    for name in [case.default_scenario, *(n for n in case.scenarios if n != case.default_scenario)]:
        s = resolve_scenario(case, name)
        scenarios.append({"name": name, "title": s.title, "story": s.story, "defaults": defaults(case, s)})
    plants: dict[tuple[str, str, str], dict[str, Any]] = {}
    for u in case.units:
        if u.lat is None or u.lon is None:
            continue
        new = {"plant": u.plant, "zone": u.zone, "technology": u.technology, "lat": u.lat, "lon": u.lon, "mw": 0.0}
        at = plants.setdefault((u.plant, u.zone, u.technology), new)
        if u.active_in(case.as_of.year):
            at["mw"] += u.capacity_mw
    fuel = {t.technology: t.fuel for t in case.technologies}
    base = resolve_scenario(case, case.default_scenario)
    metered = case.series.get("demand_shape")
    return {
        "version": __version__, "name": case.name, "title": case.title, "summary": case.summary,
        "first_year": case.first_year, "last_year": case.last_year, "as_of": case.as_of.isoformat(),
        "decided": decided(case).isoformat(), "currency": case.currency, "digest": case.digest,
        "default_scenario": case.default_scenario,
        "zones": [z.model_dump() for z in case.zones],
        "controls": [c.model_dump() for c in controls(case)], "scenarios": scenarios,
        "sources": {k: s.model_dump() for k, s in case.sources.items()},
        "events": [{"on": e.on, "event": e.event, "zone": e.zone, "mw": e.power_mw, "source": e.source}
                   for e in case.events],
        "plants": [{**p, "fuel": fuel.get(p["technology"], "other")} for p in plants.values() if p["mw"] >= 50],
        "projects": {p.project: {"serves": serves(p, None, base), "technology": p.technology, "line": bool(p.zone_to)}
                     for p in case.projects},
        "map": _map(case),
        "metered": metered is not None and metered.grade == "measured",
        "hours_note": metered.note if metered is not None else "",
    }  # fmt: skip


def _map(case: Case) -> dict[str, Any] | None:
    """Regions of a built-in case, if it has a map."""
    file = resources.files("gridrush.case").joinpath("cases", case.name, "regions.geojson")
    if not file.is_file():
        return None
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    zones = {f["properties"].get("zone", "") for f in found.get("features", [])}
    return found if zones & set(case.zone_names) else None


def snippet(where: str, case: Case, screen: Screen, scenario: Scenario) -> str:
    """The same run in Python."""
    name = case.name if not Path(where).is_dir() else where
    lines = ["import gridrush as gr", "", f"case = gr.load_case({Path(name).name!r})"]
    if not screen.values:
        lines.append(f"run = gr.simulate(case, {screen.base!r}, samples=1)")
    else:
        base = resolve_scenario(case, screen.base).model_dump(mode="json", exclude_defaults=True)
        changed = {k: v for k, v in scenario.model_dump(mode="json").items() if base.get(k) != v and k != "base"}
        empty = type(scenario)(name="x", title="x", story="x").model_dump(mode="json")
        kept = {k: v for k, v in changed.items() if k in ("name",) or k in base or empty.get(k) != v}
        lines += [
            f"base = gr.resolve_scenario(case, {screen.base!r}).model_dump(mode='json')",
            f"mine = gr.Scenario.model_validate(base | {kept!r})",
            "run = gr.simulate(case, mine, samples=1)",
        ]
    return "\n".join([*lines, "print(run.annual)", ""])
