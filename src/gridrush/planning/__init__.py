"""What to build, by when, and what bridges the years before it: plans with a certified gap."""

from gridrush.planning.aggregate import typical_days
from gridrush.planning.decomposition import Progress
from gridrush.planning.entry import (
    Between,
    CarbonEntry,
    Entry,
    Pair,
    break_even_capex,
    break_even_carbon_price,
    worth_usd_per_mw_year,
)
from gridrush.planning.expand import expand
from gridrush.planning.leadtime import (
    consent_years,
    earliest_stage_year,
    recorded_slip,
    service_years,
    slip_quantile,
    slips_from_record,
)
from gridrush.planning.options import (
    Candidate,
    Future,
    Stage,
    annuity_share,
    overnight_with_interest,
    stage_weights,
    with_builds,
)
from gridrush.planning.plan import LINES, Plan
from gridrush.planning.planner import Planner
from gridrush.planning.regret import Bill, minimax_regret, operate_plan, regret_table, stranded_bill
from gridrush.planning.relief import Remedy, bridge, presence, price_of_waiting, relief_table

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
