"""Cases, scenarios and methods joined: simulate one, run all, assess, judge the claims."""

from gridrush.study.networks import load_case, to_pypsa
from gridrush.study.run import Run, Study
from gridrush.study.runner import run_all
from gridrush.study.simulate import assess, simulate, year_systems
from gridrush.study.store import load_run, save_run

__all__ = [
    "Run", "Study", "assess", "load_case", "load_run", "run_all", "save_run", "simulate", "to_pypsa", "year_systems",
]  # fmt: skip
