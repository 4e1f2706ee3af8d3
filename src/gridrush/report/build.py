"""Puts the report together: one HTML file that opens from disk, and its tables beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from gridrush import __version__
from gridrush.report import about, facts, tables
from gridrush.report.answers import answers, summary
from gridrush.report.figures import (
    breaks,
    census,
    curves,
    doubt,
    hours,
    mining,
    money,
    plan,
    relief,
    risk,
    rush,
    tight,
    years,
)
from gridrush.report.figures import map as atlas
from gridrush.report.figures.figure import NARROW, WIDE, Choice, Figure
from gridrush.report.view import View
from gridrush.report.words import GRADES, day_name, interval, number, plain, shown_unit, with_unit
from gridrush.study.run import Run, Study

if TYPE_CHECKING:
    from jinja2 import Environment

VERDICTS = {"true": "good", "partly": "fair", "misleading": "fair", "false": "bad", "not settled": "open"}
"""Tone of each verdict on a claim."""

CLAIMS = "claim who said text value unit low best high fact verdict margin why"
RELIEF = "remedy kind first_year_low first_year_best first_year_high power_mw eue_avoided_gwh cost_usd_per_mwh why"
CHECKS = "quantity year model official deviation_share within source"


@dataclass(frozen=True, eq=False)
class Section:
    """A chapter of the page: an id, a heading, a word for the contents, an opening line and its figures."""

    key: str
    heading: str
    short: str
    lede: str
    body: tuple[Figure | Choice | str, ...]  # a string names a block of the template


def build(study: Study, out: Path | str) -> Path:
    """Write `out/report.html` and `out/tables/*.csv`.

    Parameters
    ----------
    study : Study
        Runs and the tables drawn from them. At least one run.
    out : path
        Folder; made when missing. A report already there is replaced only when the new one is complete.

    Returns
    -------
    Path
        The HTML file. It holds everything; the tables are a convenience.

    Raises
    ------
    ValueError
        For a study without runs.
    """
    if not study.runs:
        raise ValueError("the study has no runs: simulate at least one scenario first")
    folder = Path(out)
    beside = folder / "tables"
    beside.mkdir(parents=True, exist_ok=True)
    page = _page(study, beside)
    part = folder / ".report.html.part"
    part.write_text(page, encoding="utf-8")
    path = folder / "report.html"
    os.replace(part, path)
    return path


def _page(study: Study, beside: Path) -> str:
    view = View(study)
    found = answers(view)
    sections = list(_sections(view))
    links: dict[str, str] = {}
    for section in sections:
        for figure in _figures(section):
            links[figure.key] = tables.data_uri(tables.write_csv(figure.table, beside / f"{figure.key}.csv"))
    extra = {
        "claims": study.claims,
        "remedies": study.relief,
        "facts": facts.all_facts(study.case),
        "ledger": money.ledger(view),
    }
    for name, table in extra.items():
        links[name] = tables.data_uri(tables.write_csv(table, beside / f"{name}.csv"))
    fact_tables = facts.tables(study.case)
    for part in fact_tables:
        tables.write_csv(part.table, beside / f"case-{part.name}.csv")
    references = facts.references(study.case)
    return (
        _environment()
        .get_template("report.html")
        .render(
            view=view,
            case=study.case,
            study=study,
            answers=found,
            lede=summary(view, found),
            sections=sections,
            links=links,
            grades=GRADES,
            counts=facts.grade_counts(study.case),
            claims=list(_claims(study)),
            parameters=facts.parameters(study.case),
            fact_tables=fact_tables,
            table_titles={t.name: t.title for t in fact_tables},
            references=references,
            cited={r.key: r for r in references},
            numbers={r.key: r.number for r in references},
            scenarios=list(study.runs.values()),
            ledger=extra["ledger"],
            totals=money.total_by_scenario(view),
            box=about.run_box(view),
            limits=about.limits(view),
            version=__version__,
            style=_asset("report.css"),
            script=_asset("report.js"),
        )
    )


def _sections(view: View) -> Iterator[Section]:
    week, flow = hours.weeks(view), hours.flows(view)
    plans: list[tuple[str, str, str, str, list[Figure | Choice | str | None]]] = [
        ("map", "Where it happens", "Map", "Zones, plants and the lines between them.", [atlas.country(view)]),
        ("week", f"{view.season[:1].upper() + view.season[1:]}, hour by hour", "Hour by hour",
         "A shortage is made of hours. This is what ran, what was wanted, and what was missing.", [week, flow]),
        ("trips", "When something breaks", "If plants trip", "Machines fail. What matters is how many may fail before "
         "someone has to be cut, and who is cut first.", [breaks.replay(view), breaks.contingencies(view)]),
        ("curves", "All hours of the year, in order", "Load and price curves", "One evening can mislead. Put all hours "
         "of a year in order of size and the rush shows in the whole curve.",
         [curves.load(view), curves.price(view), curves.line(view)]),
        ("mining", "How much mining there is", "Mining load",
         "No one has metered it all, so each figure is a range.",
         [mining.size(view), mining.status(view), census.evidence(view), census.lessons(view)]),
        ("rush", "Why they came, and what makes them stop", "The rush", "Machines go where power is cheap and free to "
         "take, and stop when it costs more than they earn.", [rush.countries(view), rush.stays(view)]),
        ("years", "Where the power comes from", "Power by year", "Years tell less than hours, but they show what "
        "is growing.",
         [years.mix(view), years.growth(view)]),
        ("risk", "The risk of running short", "Risk",
         "The measure is the loss-of-load expectation (LOLE): the number of hours in a year in which, on average "
         "over many "
         "possible years of weather and breakdowns, some load cannot be met.",
         [risk.lines(view), risk.heat(view), risk.multiples(view), tight.calendar(view), tight.gallery(view)]),
        ("room", "Room for new load", "Room for new load", "A load that lets itself be cut in a few hours needs no new "
         "plant for them. How much would fit, and where?", [tight.headroom(view)]),
        ("money", "Who pays", "Who pays", "Money moves between parties; only fuel, plants and lost supply are a "
        "cost to all.",
         [money.parties(view), "totals", money.fee(view), "ledger"]),
        ("claims", "What was said, and what holds", "Claims",
         "Statements of the time, in our words, beside what the model and the facts say.",
         ["claims" if len(view.study.claims) else None]),
        ("remedies", "When each remedy arrives", "Remedies",
         "A remedy counts from the day it works, not from the day it is announced.", [relief.timeline(view)]),
        ("plan", "What a planner would build", "Least-cost plan", "The cheapest way to keep the lights on, by all "
         "hours of each milestone year, with proof of how far from the best it can be.",
         [plan.schedule(view), plan.waterfall(view), plan.nuclear(view), plan.regret(view)]),
        ("doubt", "What is not known, and what it does", "What is not known", "Everything uncertain is drawn at once, "
         "many times over.", [doubt.bands(view), doubt.sensitivity(view)]),
        ("check", "Does the model match what happened?", "Model check",
         "Before believing its story of the crisis, see how it does on a year that is known.", [years.check(view)]),
    ]  # fmt: skip
    for key, heading, short, lede, body in plans:
        kept = tuple(b for b in body if b is not None)
        if any(not isinstance(b, str) for b in kept) or "claims" in kept:
            yield Section(key, heading, short, lede, kept)


def _figures(section: Section) -> Iterator[Figure]:
    for item in section.body:
        if isinstance(item, Figure):
            yield item
        elif isinstance(item, Choice):
            yield from (figure for _, figure in item.options)


def _claims(study: Study) -> Iterator[dict[str, Any]]:
    for _, row in study.claims.iterrows():
        low, best, high, value, margin = (_number(row[k]) for k in ("low", "best", "high", "value", "margin"))
        unit = shown_unit(str(row["unit"]), low, best, high)
        verdict = str(row["verdict"])
        yield {
            "text": row["text"],
            "who": row["who"],
            "said": row["said"],
            "fact": _words(row["fact"]),
            "why": _words(row["why"]),
            "verdict": verdict,
            "tone": VERDICTS.get(verdict, "open"),
            "mark": Markup(relief.claim_mark(row)),
            "claimed": with_unit(value, unit) if value is not None else "",
            "found": with_unit(best, unit) if best is not None else "",
            "interval": interval(low, high, unit),
            "margin": _margin(margin, best, unit),
        }


def _margin(margin: float | None, best: float | None, unit: str) -> str:
    """How far a claim lies from the finding; empty when it hardly does."""
    if margin is None or best is None or abs(margin) <= 0.01 * abs(best):
        return ""
    size = with_unit(abs(margin), unit, 2)
    if unit.startswith("share"):
        size = size.replace("%", "\u202fpoints", 1)
    return f"{size} {'higher' if margin > 0 else 'lower'}"


def _number(value: object) -> float | None:
    try:
        out = float(str(value))
    except ValueError:
        return None
    return out if out == out else None


def _words(value: object) -> str:
    return "" if value is None or value != value else str(value)


def report(
    runs: Iterable[Run], *, title: str = "", gallery: Mapping[str, pd.DataFrame] | None = None,
    plan: Mapping[str, Any] | None = None,
) -> Report:  # fmt: skip
    """A report on some runs of one case, ready to be saved.

    Parameters
    ----------
    runs : iterable of Run
        The first is the one the story is told with.
    title : str
        Left out: the title of the case.
    gallery : mapping of name to DataFrame, optional
        Close-ups of the first run and tables of a study; see `gridrush.study.gallery`.
    plan : mapping, optional
        What the planner found; see `gridrush.study.plan_store`.
    """
    chosen = list(runs)
    if not chosen:
        raise ValueError("no runs given: report([run, ...]) needs at least one")
    case = chosen[0].case if not title else chosen[0].case.model_copy(update={"title": title})
    study = Study(case, {r.name: r for r in chosen}, _blank(CLAIMS), _blank(RELIEF), _blank(CHECKS),
                  gallery=gallery or {}, plan=plan)  # fmt: skip
    return Report(study)


def _blank(columns: str) -> pd.DataFrame:
    return pd.DataFrame(columns=columns.split())


@dataclass(frozen=True, eq=False)
class Report:
    """A report not yet written."""

    study: Study

    def save(self, path: Path | str) -> Path:
        """Write it: a name ending in .html is the file itself, anything else the folder it goes into."""
        target = Path(path)
        if target.suffix.lower() not in (".html", ".htm"):
            return build(self.study, target)
        made = build(self.study, target.parent)
        if made != target:
            os.replace(made, target)
        return target


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("gridrush.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(
        both=_both,
        is_choice=lambda x: isinstance(x, Choice),
        is_figure=lambda x: isinstance(x, Figure),
        block=_block,
        table=tables.html_table,
        number=number,
        plain=plain,
        command=about.command,
        scenario_digest=about.scenario_digest,
        svg=Markup,
        day_name=day_name,
    )
    return env


def _both(figure: Figure) -> Markup:
    """The drawing at two widths; the page shows the one that fits."""
    wide, narrow = figure.draw(WIDE), figure.draw(NARROW)
    return Markup(f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>')


def _block(figure: Figure) -> Markup:
    """The values a reader meets when walking along the chart, as JSON in the page."""
    if not figure.hover:
        return Markup("")
    text = json.dumps(figure.hover, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    return Markup(f'<script type="application/json" class="values">{text}</script>')


@cache
def _asset(name: str) -> Markup:
    return Markup(resources.files("gridrush.report").joinpath("template", name).read_text("utf-8"))
