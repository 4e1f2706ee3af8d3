"""What runs inside the warm processes: simulations that answer sliders, and jobs that take their time."""

from __future__ import annotations

import gc
import logging
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from gridrush.errors import CaseError, GridrushError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from gridrush.case.model import Case
    from gridrush.study.instant import Instant
    from gridrush.web.opened import Source

log = logging.getLogger(__name__)

Message = tuple[str, Any]
"""Kind and content: part, begun, done, progress, problems, failed, superseded, ready."""


def problems_of(error: CaseError) -> list[dict[str, Any]]:
    """Problems as the page shows them."""
    return [{"where": p.where, "found": str(p.found)[:200], "wanted": p.wanted, "hint": p.hint} for p in error.problems]


Answer = Callable[[str, Any, Connection, Callable[[], bool]], Message]


def serve(pipe: Connection, stop: Any, source: Source) -> None:
    """Answer requests from the pipe until it closes.

    Parameters
    ----------
    stop : shared value
        Number of the request nobody waits for any more.
    source : Source
        The case or network.
    """
    _quiet()
    answer = _of_network(source) if source.is_network else _of_case(source)
    gc.collect()
    gc.freeze()  # what is warm stays; later collections need not look at it
    pipe.send(("ready", None))
    while True:
        try:
            number, kind, content = pipe.recv()
        except EOFError:
            return
        gone = partial(_superseded, stop, number)
        pipe.send(_answered(partial(answer, kind, content, pipe, gone)))


def _of_case(source: Source) -> Answer:
    """Answers about a case, its kernels loaded before the first slider moves."""
    from gridrush.study.instant import Instant

    case = source.case()
    instant = Instant.of(case)
    instant.run(case.default_scenario)
    return partial(_answer, instant)


def _of_network(source: Source) -> Answer:
    from gridrush.web.network_desk import NetworkDesk

    desk = NetworkDesk.of(source.network())

    def answer(kind: str, content: Any, pipe: Connection, gone: Callable[[], bool]) -> Message:
        return "done", desk.answer(kind, content)

    return answer


def _superseded(stop: Any, number: int) -> bool:
    return bool(stop.value == number)


def _answered(work: Callable[[], Message]) -> Message:
    from gridrush.study.instant import Superseded

    try:
        return work()
    except Superseded:
        return "superseded", None
    except CaseError as wrong:
        return "problems", problems_of(wrong)
    except (GridrushError, ValueError, ArithmeticError, LookupError) as failed:
        log.exception("a request failed")
        return "failed", f"{type(failed).__name__}: {failed}"[:500]


def _answer(instant: Instant, kind: str, content: Any, pipe: Connection, gone: Callable[[], bool]) -> Message:
    import orjson
    import pandas as pd

    from gridrush.web import payload
    from gridrush.web.controls import Screen, apply

    scenario = apply(instant.case, Screen.model_validate(content["screen"]))
    if kind == "hours":
        first, last, span = _span(instant, content)
        return "done", orjson.dumps(payload.of_hours(instant.case, instant.hours(scenario, *span), first, last))
    if kind == "tables":
        from gridrush.web import export

        screens = [scenario, *(apply(instant.case, Screen.model_validate(x)) for x in content["beside"])]
        taken = [export.Taken(instant.run(s, superseded=gone)) for s in screens]
        if content["view"] in export.HOURLY:
            first, last, span = _span(instant, content)
            hours = instant.hours(scenario, *span)
            at = pd.DatetimeIndex(hours["time"].values)
            taken = [export.Taken(taken[0].run, hours.isel(time=(at >= first) & (at < last)))]
        return "done", export.packed(taken, content["view"], content["format"])
    year, until = content["year"], content["until"] or instant.case.last_year
    if content["brief"] and year is not None and year < until:
        run = instant.run(scenario, superseded=gone, until=year)
        return "begun", orjson.dumps({"until": year, **payload.of_run(run)})
    run = instant.run(
        scenario, superseded=gone, looked_at=year, until=until,
        on_part=lambda r, year: pipe.send(("part", orjson.dumps({"until": year, **payload.of_run(r)}))),
    )  # fmt: skip
    return "done", orjson.dumps({"until": run.years[-1], **payload.of_run(run)})


def _span(instant: Instant, content: Any) -> tuple[pd.Timestamp, pd.Timestamp, list[int]]:
    """Hours asked for in UTC, inside the years of the case, and the first and last month they lie in."""
    import pandas as pd

    from gridrush.web import payload

    case = instant.case
    try:
        first = payload.as_utc(case, pd.Timestamp(content["first"]))
    except ValueError as wrong:
        raise CaseError([Problem("week", content["first"], "a day, YYYY-MM-DD", str(wrong))]) from wrong
    last = first + pd.Timedelta(hours=content["hours"])
    first = max(first, pd.Timestamp(case.first_year, 1, 1))
    last = min(last, pd.Timestamp(case.last_year + 1, 1, 1))
    return first, last, [12 * t.year + t.month - 1 for t in (first, last - pd.Timedelta(hours=1))]


def work(pipe: Connection, source: Source, kind: str, content: Any) -> None:
    """Do one job, telling how far it is."""
    _quiet()

    def tell(share: float, word: str) -> None:
        pipe.send(("progress", (float(share), word)))

    def begin() -> Message:
        if source.is_network:
            from gridrush.web.network_desk import JOBS as OF_NETWORKS

            return "done", OF_NETWORKS[kind](source.network(), content, tell)
        return "done", JOBS[kind](source.case(), content, tell)

    pipe.send(_answered(begin))
    pipe.close()


def risk(case: Case, content: Any, tell: Callable[[float, str], None]) -> dict[str, Any]:
    """Hours and energy short by Monte Carlo over unit outages, of the years asked for."""
    from gridrush.study.simulate import simulate
    from gridrush.web import payload
    from gridrush.web.controls import Screen, apply

    scenario = apply(case, Screen.model_validate(content["screen"]))
    run = simulate(case, scenario, years=range(case.first_year, max(content["years"]) + 1), samples=2,
                   risk_years=content["years"], risk_samples=content["samples"], progress=tell)  # fmt: skip
    return {"risk": payload.of_risk(run.risk), "samples": content["samples"]}


def claims(case: Case, content: Any, tell: Callable[[float, str], None]) -> dict[str, Any]:
    """Every scenario of the case, the claims judged with them and the time to relief."""
    from gridrush.study.runner import run_all
    from gridrush.web import payload

    study = run_all(case, workers=1, progress=tell)
    return {"claims": payload.of_table(study.claims), "relief": payload.of_table(study.relief),
            "checks": payload.of_table(study.checks),
            "risk": {name: payload.of_risk(run.risk) for name, run in study.runs.items()}}  # fmt: skip


def room(case: Case, content: Any, tell: Callable[[float, str], None]) -> dict[str, Any]:
    """New flat load each zone takes in a year at a risk target, by the share of hours it lets itself be cut."""
    from gridrush.study.doors import headroom
    from gridrush.study.networks import given
    from gridrush.web.controls import Screen, apply

    scenario = apply(case, Screen.model_validate(content["screen"]))
    tell(0.0, "")
    system = given(case, year=content["year"], scenario=scenario).system
    rows: list[dict[str, Any]] = []
    points = [(zone, share) for zone in system.zones for share in content["shares"]]
    for k, (zone, share) in enumerate(points):
        tell(k / len(points), zone)
        rows += [
            {"zone": h.zone, "share": h.curtailable_share, "mw": h.load_mw.mean, "stderr": h.load_mw.stderr}
            for h in headroom(system, zones=[zone], curtailable_shares=[share], target_lole_h=content["target_lole_h"],
                              samples=content["samples"])
        ]  # fmt: skip
    return {"headroom": rows, **{k: content[k] for k in ("year", "target_lole_h", "samples")}}


JOBS: dict[str, Callable[[Any, Any, Callable[[float, str], None]], dict[str, Any]]] = {
    "risk": risk, "claims": claims, "headroom": room,
}  # fmt: skip
"""Jobs the page may start."""


def _quiet() -> None:
    """Ctrl-C belongs to the server, which closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
