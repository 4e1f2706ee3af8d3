"""What a reader should know of the run and of its limits."""

from __future__ import annotations

import hashlib

from gridrush import __version__
from gridrush.case.scenario import Scenario
from gridrush.report.figures import money
from gridrush.report.view import View
from gridrush.report.words import day_name, number
from gridrush.study.run import Study


def scenario_digest(scenario: Scenario) -> str:
    """Short hash of everything a scenario says, its base included."""
    return hashlib.blake2b(scenario.model_dump_json().encode(), digest_size=8).hexdigest()


def run_box(view: View) -> list[tuple[str, str]]:
    """What made these results, for those who want to make them again."""
    study, run = view.study, view.main
    residuals = [float(r.hourly.attrs[k]) for r in study.runs.values() for k in r.hourly.attrs if "residual" in str(k)]
    balance = f"{max(residuals):.1e} of load, in any hour, zone and scenario" if residuals else "not stored"
    years = view.years
    span = f"{years[0]}" if len(years) == 1 else f"{years[0]} to {years[-1]}"
    return [
        ("gridrush", f"version {__version__}"),
        ("Case", f"{study.case.name}, digest {study.case.digest[:16] or 'not stored'}"),
        ("Knowledge of the case ends", day_name(study.case.as_of)),
        ("Scenario told first", f"{run.name}, digest {scenario_digest(run.scenario)}"),
        ("Years", span),
        ("Seed and samples", f"seed {run.seed}, {number(run.samples, 9)} samples a year and scenario"),
        ("Time to compute", f"{study.seconds or sum(r.seconds for r in study.runs.values()):.1f} s"),
        ("Largest hourly imbalance", balance),
        ("Ledger: parties add up to", f"{money.check_sum(view)} USD"),
    ]  # fmt: skip


def limits(view: View) -> list[str]:
    """What the model does not know or do, in plain words."""
    case = view.study.case
    out = []
    if not view.metered:
        out.append(
            "No metered hourly load is public. Hours are built from monthly and daily tables, weather noise and the "
            "clock: they are plausible hours, not recorded ones. Users can give their own metered series."
        )
    out += [
        "The size of unregistered mining is inferred. It is given as a range, and the range is wide because the "
        "evidence conflicts.",
        f"Inside each of the {len(case.zones)} zones power flows freely. Local networks, voltage and stability are "
        "left out; faults there can cut load that the model serves.",
        "Breakdowns are random with rates of whole classes of plant. A particular trip on a particular day is not "
        "predicted, only replayed where the record gives it.",
        f"Nothing that became known after {day_name(case.as_of)} was used to fit the model; rules and plans put on "
        "record since then may be part of a scenario. Later years are scenarios, not forecasts.",
        "Miners are assumed to follow their margin. Political protection, theft and debt are seen only through "
        "their effect on the totals.",
        "Dates of plants are announced dates plus the delays such plants have had. They are ranges for that reason.",
        "Intervals on risk show the sampling error of the model. That assumptions may be wrong is shown by "
        "comparing scenarios, not by them.",
    ]
    return out


def command(study: Study) -> str:
    """The command that makes this report again."""
    run = next(iter(study.runs.values()))
    first, last = run.years[0], run.years[-1]
    parts = ["gridrush run", study.case.name]
    if len(study.runs) < len(study.case.scenarios):
        parts += [f"--scenario {name}" for name in study.runs]
    if [first, last] != [study.case.first_year, study.case.last_year]:
        parts.append(f"--years {first}-{last}")
    return " ".join([*parts, f"--samples {run.samples}", f"--seed {run.seed}", "--out out"])
