"""gridrush: a load that can move rushes onto a grid; how much is there, what breaks, what closes the gap.

Nothing heavy is imported here: each name below is fetched from its room when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from gridrush.errors import CaseError, EngineError, GridrushError, InfeasibleError, Problem

if TYPE_CHECKING:
    from gridrush.case.check import check_case as check_case
    from gridrush.case.estimate import Estimate as Estimate
    from gridrush.case.load import resolve_scenario as resolve_scenario
    from gridrush.case.model import Case as Case
    from gridrush.case.scenario import Scenario as Scenario
    from gridrush.case.system import System as System
    from gridrush.case.template import new_case as new_case
    from gridrush.detect.find import find_farms as find_farms
    from gridrush.grid.security import contingencies as contingencies
    from gridrush.mining.census import census as census
    from gridrush.mining.rush import rush as rush
    from gridrush.study.doors import assess as assess
    from gridrush.study.doors import dispatch as dispatch
    from gridrush.study.doors import headroom as headroom
    from gridrush.study.expansion import plan as plan
    from gridrush.study.networks import Network as Network
    from gridrush.study.networks import load_case as load_case
    from gridrush.study.run import Run as Run
    from gridrush.study.run import Study as Study
    from gridrush.study.runner import run_all as run_all
    from gridrush.study.simulate import simulate as simulate

__version__ = "0.1.0"

_ROOMS = {
    "Case": "gridrush.case.model",
    "Estimate": "gridrush.case.estimate",
    "Network": "gridrush.study.networks",
    "Run": "gridrush.study.run",
    "Scenario": "gridrush.case.scenario",
    "Study": "gridrush.study.run",
    "System": "gridrush.case.system",
    "assess": "gridrush.study.doors",
    "census": "gridrush.mining.census",
    "check_case": "gridrush.case.check",
    "contingencies": "gridrush.grid.security",
    "dispatch": "gridrush.study.doors",
    "find_farms": "gridrush.detect.find",
    "headroom": "gridrush.study.doors",
    "load_case": "gridrush.study.networks",
    "new_case": "gridrush.case.template",
    "plan": "gridrush.study.expansion",
    "resolve_scenario": "gridrush.case.load",
    "run_all": "gridrush.study.runner",
    "rush": "gridrush.mining.rush",
    "simulate": "gridrush.study.simulate",
}
"""Where each public name lives."""

__all__ = [
    "Case", "CaseError", "EngineError", "Estimate", "GridrushError", "InfeasibleError", "Network", "Problem",
    "Run", "Scenario", "Study", "System", "__version__", "assess", "census", "check_case", "contingencies",
    "dispatch", "find_farms", "headroom", "load_case", "new_case", "plan", "resolve_scenario", "run_all", "rush",
    "simulate",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module 'gridrush' has no attribute {name!r}")
    value = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
