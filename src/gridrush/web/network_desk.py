"""A network inside a warm process: every question is a dispatch of all its hours, the last ones are kept."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pandas as pd

from gridrush.study.network_opened import OpenedNetwork
from gridrush.study.network_results import NetworkResults, hour_to_look_at, hours_of, network_results
from gridrush.study.network_room import Change, Operated, operate
from gridrush.study.networks import week_of
from gridrush.web import network_export, network_payload
from gridrush.web.controls import Screen
from gridrush.web.network_controls import Moves, moves_of

HOURS_PER_WEEK = 168

KEPT_BYTES = 400_000_000
"""Of dispatched hours in memory."""


@dataclass(eq=False)
class NetworkDesk:
    """Answers questions about a network."""

    opened: OpenedNetwork
    moves: Moves
    _kept: OrderedDict[bytes, tuple[Operated, NetworkResults, float]] = field(default_factory=OrderedDict)

    @classmethod
    def of(cls, opened: OpenedNetwork) -> NetworkDesk:
        """A desk with its kernels loaded."""
        warm = opened.network if opened.network.time.size <= 2 * HOURS_PER_WEEK else week_of(opened.network, 1)
        network_results(operate(warm, engine=opened.engine))
        return cls(opened, moves_of(opened.network))

    def run(self, screen: Screen) -> tuple[Operated, NetworkResults, float]:
        """All hours of a screen, what they add up to, and the seconds it took."""
        key = orjson.dumps(screen.model_dump(), option=orjson.OPT_SORT_KEYS)
        if key not in self._kept:
            began = time.perf_counter()
            done = operate(self.opened.network, self.moves.change(screen), engine=self.opened.engine)
            results = network_results(done)
            self._kept[key] = done, results, time.perf_counter() - began
            each = 8 * done.system.time.size * (len(done.system.units) + len(done.system.demand) + 4)
            while len(self._kept) > max(2, KEPT_BYTES // max(each, 1)) or len(self._kept) > 24:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def answer(self, kind: str, content: Any) -> bytes:
        """The answer to `run`, `hours` or `tables`."""
        screen = Screen.model_validate(content["screen"])
        done, results, seconds = self.run(screen)
        if kind == "run":
            look = pd.Timestamp(done.system.time[hour_to_look_at(done)])
            return orjson.dumps(network_payload.of_network(self.opened, results, seconds, look))
        first = np.datetime64(content["first"], "h")
        last = first + np.timedelta64(content["hours"], "h")
        if kind == "hours":
            return orjson.dumps(network_payload.of_network_hours(hours_of(done, first, last)))
        screens = [screen, *(Screen.model_validate(x) for x in content["beside"])]
        taken = [network_export.Taken(*self.run(s)[:2]) for s in screens]
        span = (first, last) if content["view"] in network_export.WEEKLY else (None, None)
        return network_export.packed(self.opened.network, taken, content["view"], content["format"], span)


def risk(opened: OpenedNetwork, content: Any, tell: Callable[[float, str], None]) -> dict[str, Any]:
    """Hours and energy short of a network by Monte Carlo over unit outages."""
    from gridrush.study.network_risk import network_risk

    samples = content["samples"]
    found = network_risk(opened.network, _change(opened, content), samples=samples, progress=tell)
    row: dict[str, list[float]] = {}
    for name, metric in (("LOLE_h", "LOLE_h"), ("EUE_mwh", "EUE_MWh")):
        row |= {name: [found[metric].mean], f"{name}_stderr": [found[metric].stderr]}
    year = pd.Timestamp(opened.network.time[0]).year
    return {"risk": {"years": [year], "zones": {"system": row}}, "samples": samples}


def room(opened: OpenedNetwork, content: Any, tell: Callable[[float, str], None]) -> dict[str, Any]:
    """New flat load each zone takes at a risk target over the hours of a network."""
    from gridrush.study.network_risk import network_headroom

    found = network_headroom(opened.network, _change(opened, content), target_lole_h=content["target_lole_h"],
                             shares=content["shares"], samples=content["samples"], progress=tell)  # fmt: skip
    rows = [{"zone": h.zone, "share": h.curtailable_share, "mw": h.load_mw.mean, "stderr": h.load_mw.stderr}
            for h in found.rows]  # fmt: skip
    return {"headroom": rows, "lole_h": found.lole_h.mean, "samples": found.samples,
            **{k: content[k] for k in ("year", "target_lole_h")}}  # fmt: skip


def _change(opened: OpenedNetwork, content: Any) -> Change:
    return moves_of(opened.network).change(Screen.model_validate(content["screen"]))


JOBS: dict[str, Callable[[Any, Any, Callable[[float, str], None]], dict[str, Any]]] = {"risk": risk, "headroom": room}
