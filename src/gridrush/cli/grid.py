"""`gridrush dispatch`, `commit` and `contingency`: who runs, who is cut, and what the ten worst losses would do."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridrush.cli.options import Json, ScenarioName, SystemArgument, WeatherSeed, Year, Zones, zoning
from gridrush.cli.show import give_json, give_table, progress_bar
from gridrush.errors import CaseError, Problem

if TYPE_CHECKING:
    from gridrush.case.system import System
    from gridrush.grid.dispatch import Dispatch, Engine
    from gridrush.study.networks import Given
    from gridrush.units import Floats

Engines = Annotated[
    str | None, typer.Option(help="fast or lp (HiGHS); default: fast, but lp where links form very many loops.")
]
Without = Annotated[list[str] | None, typer.Option(help="A unit that is out all the time; may be given again.")]
HOURS, TOGETHER = 20, 3
DUST_MWH = 1e-6
"""Energy below this is rounding."""


def add(app: typer.Typer) -> None:
    """Put the commands of this module under `gridrush`."""
    app.command(epilog="""\b
Examples:
  gridrush dispatch kazakhstan --year 2021 --week 42
  gridrush dispatch network.nc --engine lp --json
  gridrush dispatch network.nc --zones 5
  gridrush dispatch kazakhstan --without "Ekibastuz GRES-1 unit 2" --rationing orders.csv""")(dispatch)  # fmt: skip
    app.command(epilog="""\b
Examples:
  gridrush commit network.nc --week 3
  gridrush commit network.nc --relaxed --reserve 200 --json""")(commit)
    app.command(epilog="""\b
Examples:
  gridrush contingency kazakhstan --year 2021
  gridrush contingency kazakhstan --year 2021 --at 2021-10-14T12 --json
  gridrush contingency kazakhstan --event 2021-10-14
  gridrush contingency network.nc --response-h 1""")(contingency)  # fmt: skip


def quiet() -> None:
    """Leave PyPSA's own talk out of what the command line says."""
    for name in ("pypsa", "linopy"):
        logging.getLogger(name).setLevel(logging.ERROR)


def read_system(where: str, year: int | None, scenario: str | None, zones: str | None, seed: int) -> Given:
    """The system meant on the command line."""
    from gridrush.study.networks import given

    quiet()
    return given(where, year=year, scenario=scenario, zones=zoning(zones), seed=seed)


def dispatch(
    system: SystemArgument,
    year: Year = None,
    week: Annotated[int | None, typer.Option(help="Only this week, 1 to 53, counted from the first hour.")] = None,
    scenario: ScenarioName = None,
    engine: Engines = None,
    zones: Zones = None,
    without: Without = None,
    rationing: Annotated[
        Path | None, typer.Option(help="Write the schedule of cuts to this CSV file, or - for stdout.")
    ] = None,
    seed: WeatherSeed = 1,
    as_json: Json = False,
) -> None:
    """Cheapest operation hour by hour: cost, load not served, energy by fuel, prices."""
    given, result, seconds = _dispatched(system, year, week, scenario, engine, zones, without, seed)
    from gridrush._jit import compiling

    if rationing is not None:
        schedule = _schedule(result)
        if str(rationing) == "-":
            if as_json:
                raise CaseError([Problem("--rationing", "- with --json", "one of them: both write to stdout")])
            typer.echo(schedule, nl=False)
            return
        try:
            rationing.write_text(schedule, encoding="utf-8")
        except OSError as err:
            raise CaseError([Problem("--rationing", err.strerror or str(err), "a file to write")]) from err
    found = {**given.to_dict(), "week": week, **_figures(result), "engine": result.engine, "seconds": seconds,
             "build_seconds": given.seconds, "compile_seconds": compiling.seconds}  # fmt: skip
    if as_json:
        give_json(found)
        return
    _say_dropped(given)
    typer.echo(
        f"{given.name}{'' if given.year is None else f' {given.year}'}: {result.system.time.size} hours, "
        f"cost {result.cost_usd:,.0f} USD, not served {found['unserved_mwh']:,.1f} MWh; "
        f"{result.engine} in {seconds:.3f} s"
        f"{f'; {compiling.seconds:.0f} s of compiling, once' if compiling.seconds > 1 else ''}"
    )
    give_table(["fuel", "GWh"], [[k, v / 1e3] for k, v in found["generation_mwh"].items()])
    heads = ["zone", "load GWh", "not served MWh", "mean price USD/MWh"]
    give_table(heads, [[z, f["load_mwh"] / 1e3, f["unserved_mwh"], f["mean_price_usd_per_mwh"]]
                       for z, f in found["zones"].items()])  # fmt: skip


def commit(
    network: Annotated[str, typer.Argument(help="A PyPSA network (.nc, .h5, CSV folder) with committable generators.")],
    period: Annotated[int | None, typer.Option("--year", help="Investment period of the network.")] = None,
    week: Annotated[int | None, typer.Option(help="Only this week, 1 to 53, counted from the first hour.")] = None,
    zones: Zones = None,
    relaxed: Annotated[
        bool, typer.Option("--relaxed", help="Let units be partly on: quicker, and no dearer than the truth.")
    ] = False,
    reserve: Annotated[float, typer.Option(min=0.0, help="Headroom that running units keep together. [MW]")] = 0.0,
    as_json: Json = False,
) -> None:
    """Units on or off, with least loads, least times and costs of starting, week by week (linopy and HiGHS)."""
    import numpy as np

    from gridrush.grid._pypsa_open import COMMITMENT, is_network, open_network
    from gridrush.grid.commitment import commit as operate
    from gridrush.grid.commitment import commitment_terms
    from gridrush.grid.pypsa import from_pypsa
    from gridrush.study.networks import Given, week_of

    if not is_network(Path(network)):
        wanted = "a PyPSA network: nothing else says what units load at least and what a start costs"
        raise CaseError([Problem("network", network, wanted)])
    quiet()
    problems: list[Problem] = []
    n = open_network(network, problems)
    whole, dropped = from_pypsa(n, zones=zoning(zones), period=period, found=problems)
    dropped = [x for x in dropped if COMMITMENT not in x]  # which is what this command is for
    given = Given(Path(network).name, whole, year=period, dropped=tuple(dropped))
    system = whole if week is None else week_of(whole, week)
    bound = commitment_terms(n, whole)
    listed = bound.before_h != 0.0
    if week not in (None, 1):
        bound = replace(bound, before_h=np.zeros(listed.size))  # what was before the first hour is not before this one
    began = time.perf_counter()
    with progress_bar("on and off, week by week") as tell:
        found = operate(system, bound, integer=not relaxed, reserve_mw=reserve, progress=tell)
    seconds = time.perf_counter() - began
    firm = np.array([kind == "firm" for kind in system.demand.kind], bool)
    unserved = _mwh((system.demand.load_mw - found.served_mw)[:, firm])
    lacking = _mwh(found.lacking_mw)
    rose = np.maximum(np.diff(found.on, axis=0), 0.0).sum(axis=0)
    units = {
        name: {"hours_on": float(found.on[:, g].sum()), "starts": float(rose[g]),
               "generation_mwh": float(found.generation_mw[:, g].sum())}
        for g, name in enumerate(system.units.name) if listed[g]
    }  # fmt: skip
    if as_json:
        give_json({
            **given.to_dict(), "week": week, "hours": system.time.size, "integer": not relaxed, "reserve_mw": reserve,
            "cost_usd": found.cost_usd, "start_cost_usd": found.start_cost_usd, "unserved_mwh": unserved,
            "reserve_lacking_mwh": lacking, "reserve_lacking_cost_usd": found.lacking_cost_usd,
            "units": units, "engine": "lp", "seconds": seconds,
        })  # fmt: skip
        return
    _say_dropped(given)
    typer.echo(
        f"{given.name}: {system.time.size} hours, cost {found.cost_usd:,.0f} USD, of it starts and stops "
        f"{found.start_cost_usd:,.0f}, not served {unserved:,.1f} MWh; {seconds:.1f} s"
    )
    if lacking:
        typer.echo(f"Of the reserve {lacking:,.1f} MWh are lacking; of the cost {found.lacking_cost_usd:,.0f} USD are "
                   "for them.")  # fmt: skip
    give_table(["unit", "hours on", "starts", "GWh"],
               [[k, u["hours_on"], u["starts"], u["generation_mwh"] / 1e3] for k, u in units.items()])  # fmt: skip


def contingency(
    system: SystemArgument,
    year: Year = None,
    week: Annotated[int | None, typer.Option(help="Only this week, 1 to 53, counted from the first hour.")] = None,
    scenario: ScenarioName = None,
    hours: Annotated[int, typer.Option(min=1, help="How many of the tightest hours to try.")] = HOURS,
    at: Annotated[
        list[str] | None, typer.Option(help="An hour to try instead, as in 2021-10-14T12 (UTC); may be given again.")
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(help="Play a dated event of the case again instead: its name, or its first day as in 2021-10-14."),
    ] = None,
    together: Annotated[int, typer.Option(min=1, help="Most of the largest units to lose at once.")] = TOGETHER,
    response_h: Annotated[
        float | None, typer.Option(min=0.0, help="Hours the other units have to ramp; default: as long as they need.")
    ] = None,
    engine: Engines = None,
    zones: Zones = None,
    without: Without = None,
    seed: WeatherSeed = 1,
    as_json: Json = False,
) -> None:
    """The ten worst losses of a unit, of several, of a circuit or of a zone's links: MW shed by class, lowest Hz."""
    if event is not None:
        others = {"--year": year, "--week": week, "--at": at, "--response-h": response_h, "--engine": engine,
                  "--zones": zones, "--without": without, "--hours": None if hours == HOURS else hours,
                  "--together": None if together == TOGETHER else together}  # fmt: skip
        if wrong := [Problem(k, x, "nothing beside --event, which has its own hours") for k, x in others.items() if x]:
            raise CaseError(wrong)
        _replayed(system, event, scenario, seed, as_json)
        return
    from gridrush.study.shocks import UFLS, worst_shocks

    given, before, seconds = _dispatched(system, year, week, scenario, engine, zones, without, seed)
    began = time.perf_counter()
    chosen = _hours(before, hours, at)
    circuits = {} if given.case is None else {k.link: k.circuits for k in given.case.links}
    with progress_bar(f"losses at {len(chosen)} hours"):
        worst = worst_shocks(before, hours=chosen, together=together, response_h=response_h, circuits=circuits)
    rows = [s.to_dict(before.system.zones) for s in worst]
    seconds += time.perf_counter() - began
    if as_json:
        about = "the system as an island, inertia and governors by textbook constants, relays from "
        give_json({**given.to_dict(), "week": week, "hours": [str(before.system.time[t]) for t in chosen],
                   "worst": rows, "frequency": f"{about}{UFLS[0][0]:g} Hz", "seconds": seconds,
                   "build_seconds": given.seconds})  # fmt: skip
        return
    _say_dropped(given)
    heads = ["contingency", "hour (UTC)", "lost MW", "firm MW shed", "interruptible MW", "export MW", "lowest Hz",
             "relays shed MW"]  # fmt: skip
    give_table(heads, [[s.shed.contingency.name, str(s.time), s.shed.lost_mw, s.shed.firm_mw, s.shed.interruptible_mw,
                        s.shed.export_mw, s.nadir_hz, s.swing.total_shed_mw if s.swing else None]
                       for s in worst])  # fmt: skip
    typer.echo("\nFrequency: the system as an island, with textbook inertia and governors.")


def _replayed(where: str, event: str, scenario: str | None, seed: int, as_json: bool) -> None:
    """Print a dated event of a case played again."""
    from gridrush.case.model import Case
    from gridrush.study.networks import load_case
    from gridrush.study.replay import replay

    case = load_case(where)
    if not isinstance(case, Case):
        raise CaseError([Problem("--event", event, "a case to go with it: a network has no dated events")])
    began = time.perf_counter()
    with progress_bar(f"{event} again"):
        found = replay(case, event, scenario=scenario, seed=seed).to_dict()
    if as_json:
        give_json({**found, "seconds": time.perf_counter() - began})
        return
    trips: Any = found["trips"]
    give_table(["time (UTC)", "units", "lost MW", "lowest Hz", "relays shed MW"],
               [[t["time"], ", ".join(t["units"]), t["lost_mw"], t["nadir_hz"], t["relays_shed_mw"]] for t in trips],
               title=str(found["event"]))  # fmt: skip
    shed: Any = found["shed_mwh"]
    most: Any = found["most_shed_mw"]
    drawn: Any = found["other_units_failing"]
    mean, top = drawn["most_shed_mw"], drawn["most_shed_mw_in_1_of_20"]
    give_table(["shed because of it", "MWh", "most MW", "most MW, others failing", "+-", "in 1 draw of 20"],
               [[k, shed[k], most[k], mean[k]["mean"], mean[k]["stderr"], top[k]] for k in shed])
    said: Any = found["reported"]
    for e in said:
        typer.echo(f"reported {e['on']}: {e['event']} ({e['source']})")
    typer.echo(f"\nOthers failing: mean of {drawn['draws']} draws in which every unit without a dated outage fails and "
               "is repaired at its own rates.")
    typer.echo("Frequency: the system as an island, with textbook inertia and governors.")


def _dispatched(
    where: str, year: int | None, week: int | None, scenario: str | None, engine: str | None, zones: str | None,
    without: list[str] | None, seed: int,
) -> tuple[Given, Dispatch, float]:  # fmt: skip
    """The system meant, its operation, and the seconds that took, kernels compiled for it apart."""
    if engine not in (None, "fast", "lp"):
        raise CaseError([Problem("--engine", engine, "fast or lp")])
    from gridrush._jit import compiling
    from gridrush.grid.dispatch import dispatch as operate
    from gridrush.study.networks import quicker_engine, week_of

    with progress_bar("building the system"):
        found = read_system(where, year, scenario, zones, seed)
    system = found.system if week is None else week_of(found.system, week)
    chosen: Engine = "lp" if engine == "lp" else "fast" if engine == "fast" else quicker_engine(system)
    up = _up(system, without)
    began = time.perf_counter() - compiling.seconds
    with progress_bar(f"{system.time.size} hours"):
        result = operate(system, up=up, engine=chosen)
    return found, result, time.perf_counter() - compiling.seconds - began


def _up(system: System, without: list[str] | None) -> Any:
    """Share of each unit that is up, when some are taken out."""
    if not without:
        return None
    import numpy as np

    names = system.units.name
    wrong = [Problem("--without", x, f"a unit, such as {', '.join(names[:3])}") for x in without if x not in names]
    if wrong:
        raise CaseError(wrong)
    up = np.ones((system.time.size, len(names)))
    up[:, [names.index(x) for x in without]] = 0.0
    return up


def _hours(before: Dispatch, tightest: int, at: list[str] | None) -> list[int]:
    from gridrush.grid.security import worst_hours

    stamps = [str(t) for t in before.system.time.astype("datetime64[h]")]
    if not at:
        return [int(t) for t in worst_hours(before, min(tightest, len(stamps)))]
    found, problems = [], []
    for text in at:
        try:
            stamp = datetime.fromisoformat(text).strftime("%Y-%m-%dT%H")
        except ValueError:
            stamp = text
        if stamp in stamps:
            found.append(stamps.index(stamp))
        else:
            problems.append(Problem("--at", text, f"an hour from {stamps[0]} to {stamps[-1]} (UTC)"))
    if problems:
        raise CaseError(problems)
    return found


def _figures(d: Dispatch) -> dict[str, Any]:
    """What a dispatch comes to: cost, energy by fuel and zone, what is not served by class of load."""
    s, u = d.system, d.system.units
    fuels: dict[str, float] = {}
    for g, (fuel, technology) in enumerate(zip(u.fuel, u.technology, strict=True)):
        key = fuel or technology or "other"
        fuels[key] = fuels.get(key, 0.0) + float(d.generation_mw[:, g].sum())
    cut = {kind: d.unserved_mw((kind,)) for kind in ("firm", "interruptible", "export")}
    load, price = s.load_mw, d.price_usd_per_mwh
    return {
        "hours": s.time.size, "cost_usd": d.cost_usd, "unserved_mwh": _mwh(cut["firm"]),
        "cut_mwh": {kind: _mwh(mw) for kind, mw in cut.items()},
        "hours_short": int((cut["firm"].sum(axis=1) > 1e-6).sum()),
        "co2_t": float((d.generation_mw.sum(axis=0) * u.co2_t_per_mwh).sum()),
        "generation_mwh": dict(sorted(fuels.items(), key=lambda kv: -kv[1])), "spilled_mwh": _mwh(d.spilled_mw),
        "zones": {
            z: {"load_mwh": float(load[:, i].sum()), "unserved_mwh": _mwh(cut["firm"][:, i]),
                "mean_price_usd_per_mwh": float(price[:, i].mean())}
            for i, z in enumerate(s.zones)
        },
        "links": {
            name: {"mean_mw": float(d.flow_mw[:, k].mean()), "congestion_rent_usd": float(rent)}
            for k, (name, rent) in enumerate(zip(s.links.name, d.congestion_rent_usd.sum(axis=0), strict=True))
        },
    }  # fmt: skip


def _mwh(power_mw: Floats) -> float:
    """Energy of hours of power, without the dust of rounding. [MWh]"""
    energy = float(power_mw.sum())
    return 0.0 if abs(energy) < DUST_MWH else energy


def _schedule(d: Dispatch) -> str:
    """CSV of who is cut when and by how much: interruptible load first, then by the value of what is cut."""
    from gridrush.grid.rationing import ration

    b = d.system.demand
    cuttable = [i for i, kind in enumerate(b.kind) if kind != "export"]
    steps = sorted({(b.kind[i] == "firm", float(b.value_usd_per_mwh[i])) for i in cuttable})
    ranks = [[b.name[i] for i in cuttable if (b.kind[i] == "firm", float(b.value_usd_per_mwh[i])) == step]
             for step in steps]  # fmt: skip
    lines = ["start_utc,hours,zone,block,class,cut_mwh,max_mw,lost_usd"]
    for o in ration(d, ranks).orders():
        i = b.name.index(o.block)
        if b.kind[i] == "export":
            continue
        mwh = sum(o.cut_mw)
        name = f'"{o.block}"' if "," in o.block else o.block
        lines.append(f"{str(o.start)[:13]}:00,{o.hours},{o.zone},{name},{b.kind[i]},{mwh:.3f},{max(o.cut_mw):.3f},"
                     f"{mwh * float(b.value_usd_per_mwh[i]):.2f}")  # fmt: skip
    return "\n".join(lines) + "\n"


def _say_dropped(given: Given) -> None:
    for line in given.dropped:
        typer.echo(f"not in the model: {line}", err=True)
