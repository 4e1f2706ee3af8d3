"""Levers and assumptions of a network: what each may be set to, and the `Change` a screen stands for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.study.network_room import (
    Change,
    can_be_added,
    capacity_mw,
    firm_value,
    steady_technologies,
    technologies_of,
)
from gridrush.web.controls import Control, Screen, wrong

BASE = "network"
"""The one base of a network: as it was read."""

MOST_KEY = 200

Put = Callable[[dict[str, Any], float], None]


@dataclass(frozen=True, eq=False)
class Moves:
    """Controls of a network, what they say when nothing is moved, and what each does to a change."""

    controls: tuple[Control, ...]
    defaults: dict[str, float | None]
    puts: dict[str, Put]

    def change(self, screen: Screen) -> Change:
        """The change of a screen.

        Raises
        ------
        CaseError
            For another base, an unknown control or a value out of bounds.
        """
        if screen.base != BASE:
            raise CaseError([Problem("base", screen.base[:80], f"{BASE!r}: a network has no scenarios")])
        known = {c.key: c for c in self.controls}
        problems = [p for key, value in screen.values.items() for p in wrong(known.get(key), key, value)]
        if problems:
            raise CaseError(problems)
        said: dict[str, Any] = {}
        for key, value in screen.values.items():
            self.puts[key](said, float(value))
        return Change(**said)


def moves_of(system: System) -> Moves:
    """What of a network can be moved."""
    made = _Maker(system)
    for build in (made.load, made.plants, made.links, made.world):
        build()
    return Moves(tuple(made.controls), made.defaults, made.puts)


class _Maker:
    def __init__(self, system: System) -> None:
        self.s = system
        self.controls: list[Control] = []
        self.defaults: dict[str, float | None] = {}
        self.puts: dict[str, Put] = {}

    def _add(self, control: Control, default: float | None, put: Put) -> None:
        if len(control.key) <= MOST_KEY and control.key not in self.puts:
            self.controls.append(control)
            self.defaults[control.key] = default
            self.puts[control.key] = put

    def load(self) -> None:
        s = self.s
        peak = s.load_mw.max(axis=0, initial=0.0)
        most = float(peak.max(initial=0.0)) or 1000.0
        for z, zone in enumerate(s.zones):
            high, step = _scale(max(float(peak[z]), 0.1 * most))
            self._add(Control(key=f"load:{zone}", panel="lever", group="load", kind="range", unit="MW", low=0,
                              high=high, step=step, zone=zone), 0.0, _into("new_load_mw", zone))  # fmt: skip
        hours = s.time.size
        self._add(Control(key="cut", panel="lever", group="load", kind="range", unit="h", low=0,
                          high=max(1, hours // 10), step=max(1, hours // 1000)), 0.0,
                  lambda said, x: said.update(cut_hours=round(x)))  # fmt: skip
        self._add(Control(key="pays", panel="lever", group="load", kind="range", unit="USD/MWh", low=0, high=500,
                          step=10), None, lambda said, x: said.update(pays_usd_per_mwh=x))  # fmt: skip

    def plants(self) -> None:
        s, have = self.s, capacity_mw(self.s)
        peak = s.load_mw.max(axis=0, initial=0.0)
        names = technologies_of(s)
        spare = {t for t in names if can_be_added(s, t)}
        for z, zone in enumerate(s.zones):
            for name in names:
                mw = have.get((zone, name), 0.0)
                if mw <= 0.0 and name not in spare:
                    continue
                high, step = _scale(max(mw, float(peak[z]), 1.0))
                self._add(Control(key=f"plant:{zone}:{name}", panel="lever", group="plant", kind="range", unit="MW",
                                  low=-step * math.ceil(mw / step - 1e-9), high=high, step=step, zone=zone, title=name,
                                  capacity_mw=mw), 0.0, _into("plant_mw", (zone, name)))  # fmt: skip
            mw = float(s.storage.discharge_mw[s.storage.zone == z].sum())
            if mw > 0.0:
                high, step = _scale(max(mw, float(peak[z])))
                self._add(Control(key=f"store:{zone}", panel="lever", group="plant", kind="range", unit="MW",
                                  low=-step * math.ceil(mw / step - 1e-9), high=high, step=step, zone=zone,
                                  capacity_mw=mw), 0.0, _into("store_mw", zone))  # fmt: skip

    def links(self) -> None:
        k = self.s.links
        for i, name in enumerate(k.name):
            self._add(Control(key=f"link:{name}", panel="lever", group="link", kind="range", unit="share", low=0,
                              high=2, step=0.05, title=name, zone=self.s.zones[k.source[i]],
                              zone_to=self.s.zones[k.target[i]],
                              capacity_mw=float(max(k.forward_mw[i], k.backward_mw[i]))), 1.0,
                      _into("link_share", name))  # fmt: skip

    def world(self) -> None:
        s, u = self.s, self.s.units
        if (u.co2_t_per_mwh > 0).any():
            self._add(Control(key="carbon", panel="lever", group="price", kind="range", unit="USD/t", low=0, high=250,
                              step=5), 0.0, lambda said, x: said.update(carbon_price_usd_per_t=x))  # fmt: skip
        self._add(Control(key="demand", panel="assumption", group="world", kind="range", unit="share", low=0.5, high=2,
                          step=0.01), 1.0, lambda said, x: said.update(load_share=x))  # fmt: skip
        for name in technologies_of(s):
            own = np.array([t == name for t in u.technology])
            if (u.cost_usd_per_mwh[own] > 0).any():
                self._add(Control(key=f"cost:{name}", panel="assumption", group="world", kind="range", unit="share",
                                  low=0, high=3, step=0.05, title=name), 1.0, _into("cost_share", name))  # fmt: skip
        worth = firm_value(s)
        high, step = _scale(max(3.0 * worth, 30_000.0))
        self._add(Control(key="voll", panel="assumption", group="grid", kind="range", unit="USD/MWh", low=0, high=high,
                          step=step), worth, lambda said, x: said.update(value_usd_per_mwh=x))  # fmt: skip
        self._add(Control(key="outage", panel="assumption", group="grid", kind="range", unit="share", low=0, high=0.2,
                          step=0.01), 0.0, lambda said, x: said.update(outage_share=x))  # fmt: skip


def _into(name: str, key: Any) -> Put:
    """Put a number into one of the tables of a change."""

    def put(said: dict[str, Any], x: float) -> None:
        said.setdefault(name, {})[key] = x

    return put


def _scale(most: float) -> tuple[float, float]:
    """A round end and step of a slider that reaches at least as far: 3,906 -> 4,000 in steps of 100."""
    rough = most / 40.0
    ten = 10.0 ** math.floor(math.log10(rough))
    step = next(ten * x for x in (1.0, 2.0, 5.0, 10.0) if ten * x >= rough - 1e-12)
    return step * math.ceil(most / step - 1e-9), step


def stories(system: System, moves: Moves) -> list[dict[str, Any]]:
    """Screens worth a look, made of what the network has: each a name, its values, and the words of its text."""
    s, told = system, list[dict[str, Any]]()
    by_key = {c.key: c for c in moves.controls}
    peak = s.load_mw.max(axis=0, initial=0.0)
    zone = s.zones[int(np.argmax(peak))]
    new = by_key[f"load:{zone}"]
    assert new.high is not None
    assert new.step is not None
    mw = max(new.step, new.step * round(0.1 * float(peak.max(initial=0.0)) / new.step))
    hours = max(1, round(0.01 * s.time.size))
    cut = by_key["cut"]
    assert cut.step is not None
    hours = int(cut.step * max(1, round(hours / cut.step)))
    told.append({"name": "load", "values": {f"load:{zone}": mw}, "zone": zone, "mw": mw})
    told.append({"name": "flexible", "values": {f"load:{zone}": mw, "cut": hours}, "zone": zone, "mw": mw,
                 "hours": hours})  # fmt: skip
    plants = [c for c in moves.controls if c.key.startswith("plant:") and c.capacity_mw]
    firm = steady_technologies(s)
    if plants:
        gone = max(plants, key=lambda c: (c.title in firm, c.capacity_mw))
        assert gone.low is not None
        told.append({"name": "plant", "values": {gone.key: gone.low}, "zone": gone.zone, "technology": gone.title,
                     "mw": gone.capacity_mw})  # fmt: skip
    links = [c for c in moves.controls if c.group == "link"]
    if links:
        big = max(links, key=lambda c: c.capacity_mw or 0.0)
        told.append({"name": "link", "values": {big.key: 0.0}, "link": big.title, "mw": big.capacity_mw})
    if "carbon" in by_key:
        told.append({"name": "carbon", "values": {"carbon": 100.0}})
    told.append({"name": "demand", "values": {"demand": 1.1}})
    return told


def snippet(where: str, zones: str | int | None, period: int | None, change: Change) -> str:
    """The same in Python."""
    more = "".join(f", {k}={v!r}" for k, v in (("zones", zones), ("period", period)) if v is not None)
    empty = Change()
    said = {k: getattr(change, k) for k in Change.__dataclass_fields__ if getattr(change, k) != getattr(empty, k)}
    inner = ", ".join(f"{k}={dict(v) if isinstance(v, dict) else v!r}" for k, v in said.items())
    return "\n".join([
        "import gridrush as gr", "from gridrush.study.network_results import network_results",
        "from gridrush.study.network_room import Change, operate", "",
        f"network = gr.load_case({where!r}{more})",
        f"run = operate(network, Change({inner}))",
        "print(network_results(run).totals)", "",
    ])  # fmt: skip


def plain(change: Change) -> dict[str, Any]:
    """A change as JSON."""
    out: dict[str, Any] = {}
    for k in Change.__dataclass_fields__:
        v: Any = getattr(change, k)
        out[k] = {" ".join(x) if isinstance(x, tuple) else x: y for x, y in v.items()} if isinstance(v, dict) else v
    return out
