"""What to build, by when, and what bridges the years before it: plans with a certified gap.

Each name is fetched from its file when it is first used: dates and lead times need no solver.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridrush.planning.aggregate import typical_days as typical_days
    from gridrush.planning.decomposition import Progress as Progress
    from gridrush.planning.entry import Between as Between
    from gridrush.planning.entry import CarbonEntry as CarbonEntry
    from gridrush.planning.entry import Entry as Entry
    from gridrush.planning.entry import Pair as Pair
    from gridrush.planning.entry import break_even_capex as break_even_capex
    from gridrush.planning.entry import break_even_carbon_price as break_even_carbon_price
    from gridrush.planning.entry import worth_usd_per_mw_year as worth_usd_per_mw_year
    from gridrush.planning.leadtime import consent_years as consent_years
    from gridrush.planning.leadtime import earliest_stage_year as earliest_stage_year
    from gridrush.planning.leadtime import recorded_slip as recorded_slip
    from gridrush.planning.leadtime import service_years as service_years
    from gridrush.planning.leadtime import slip_quantile as slip_quantile
    from gridrush.planning.leadtime import slips_from_record as slips_from_record
    from gridrush.planning.least_cost import expand as expand
    from gridrush.planning.options import Candidate as Candidate
    from gridrush.planning.options import Future as Future
    from gridrush.planning.options import Stage as Stage
    from gridrush.planning.options import annuity_share as annuity_share
    from gridrush.planning.options import overnight_with_interest as overnight_with_interest
    from gridrush.planning.options import stage_weights as stage_weights
    from gridrush.planning.options import with_builds as with_builds
    from gridrush.planning.plan import LINES as LINES
    from gridrush.planning.plan import Plan as Plan
    from gridrush.planning.planner import Planner as Planner
    from gridrush.planning.regret import Bill as Bill
    from gridrush.planning.regret import minimax_regret as minimax_regret
    from gridrush.planning.regret import operate_plan as operate_plan
    from gridrush.planning.regret import regret_table as regret_table
    from gridrush.planning.regret import stranded_bill as stranded_bill
    from gridrush.planning.relief import Remedy as Remedy
    from gridrush.planning.relief import bridge as bridge
    from gridrush.planning.relief import presence as presence
    from gridrush.planning.relief import price_of_waiting as price_of_waiting
    from gridrush.planning.relief import relief_table as relief_table

_FILES = {
    "Between": "entry",
    "Bill": "regret",
    "Candidate": "options",
    "CarbonEntry": "entry",
    "Entry": "entry",
    "Future": "options",
    "LINES": "plan",
    "Pair": "entry",
    "Plan": "plan",
    "Planner": "planner",
    "Progress": "decomposition",
    "Remedy": "relief",
    "Stage": "options",
    "annuity_share": "options",
    "break_even_capex": "entry",
    "break_even_carbon_price": "entry",
    "bridge": "relief",
    "consent_years": "leadtime",
    "earliest_stage_year": "leadtime",
    "expand": "least_cost",
    "minimax_regret": "regret",
    "operate_plan": "regret",
    "overnight_with_interest": "options",
    "presence": "relief",
    "price_of_waiting": "relief",
    "recorded_slip": "leadtime",
    "regret_table": "regret",
    "relief_table": "relief",
    "service_years": "leadtime",
    "slip_quantile": "leadtime",
    "slips_from_record": "leadtime",
    "stage_weights": "options",
    "stranded_bill": "regret",
    "typical_days": "aggregate",
    "with_builds": "options",
    "worth_usd_per_mw_year": "entry",
}
"""Where each name lives."""

__all__ = [
    "LINES",
    "Between",
    "Bill",
    "Candidate",
    "CarbonEntry",
    "Entry",
    "Future",
    "Pair",
    "Plan",
    "Planner",
    "Progress",
    "Remedy",
    "Stage",
    "annuity_share",
    "break_even_capex",
    "break_even_carbon_price",
    "bridge",
    "consent_years",
    "earliest_stage_year",
    "expand",
    "minimax_regret",
    "operate_plan",
    "overnight_with_interest",
    "presence",
    "price_of_waiting",
    "recorded_slip",
    "regret_table",
    "relief_table",
    "service_years",
    "slip_quantile",
    "slips_from_record",
    "stage_weights",
    "stranded_bill",
    "typical_days",
    "with_builds",
    "worth_usd_per_mw_year",
]


def __getattr__(name: str) -> object:
    if name not in _FILES:
        raise AttributeError(f"module 'gridrush.planning' has no attribute {name!r}")
    value = getattr(import_module(f"gridrush.planning.{_FILES[name]}"), name)
    globals()[name] = value
    return value
