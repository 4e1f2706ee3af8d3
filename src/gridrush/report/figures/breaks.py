"""When something breaks: the trips on record played again, and the losses that would hurt most."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from gridrush.report.figures.figure import WIDE, Figure, hover_data
from gridrush.report.svg import Svg, bounds, frame, ticks
from gridrush.report.view import View, local_stamps
from gridrush.report.words import DAYS, MONTHS, THIN, joined, number, rough, with_unit


def replay(view: View) -> Figure | None:
    """The dated trips of the focus year hour by hour: what went out, what was left, who was cut, with and without."""
    table = view.gallery.get("replay")
    if table is None:
        return None
    event = str(table["event"].iloc[0])
    rows = table[table["event"] == event].reset_index(drop=True)
    time = pd.DatetimeIndex(rows["time"])
    main = view.hours_at(view.main, time)
    if main is None:
        return None
    cut = main["unserved_mw"] + main["interrupted_mw"]
    other = view.hours_at(view.without_rush, time) if view.without_rush is not None else None
    cut_other = other["unserved_mw"] + other["interrupted_mw"] if other is not None else None
    local = local_stamps(view.study, time)
    out, spare = rows["out_mw"].to_numpy(float), rows["spare_mw"].to_numpy(float)
    lost = float(out.max())
    worst = int(np.argmax(cut))
    homes = float(main["unserved_mw"].max())
    first = int(np.argmax(out > 0))
    day = f"{local[first].day} {MONTHS[local[first].month - 1]} {local[first].year}"
    if cut.max() < 1:
        title = f"The trips of {day} took {with_unit(lost, 'MW', 4)}, and nobody had to be cut"
    else:
        who = "miners and others" if homes > 1 else "miners only"
        title = (
            f"The trips of {day} took {with_unit(lost, 'MW', 4)}: up to "
            f"{with_unit(float(cut[worst]), 'MW', 3)} of load was cut, {who}"
        )
    caption = (
        f"The event as the record dates it, played in the model’s hours. When most was cut, "
        f"{with_unit(float(spare[worst]), 'MW', 3)} of plant and import offers stood unused elsewhere: power that "
        "the lines could not bring to where it was short."
        if cut[worst] > 1 and spare[worst] > 50
        else "The event as the record dates it, played in the model’s hours."
    )
    if cut_other is not None:
        most = float(cut_other.max())
        caption += (
            " Without the rush the same trips would have cut nobody."
            if most < 1
            else f" Without the rush the same trips would have cut {rough(most, 'MW')} at most."
        )
    units = [o for o in view.study.case.outages if o.event == event]
    notes = [
        f"{o.unit}: {with_unit(o.lost_share, 'share', 2)} out from {_stamp(view, o.start)} to {_stamp(view, o.end)} "
        f"local time ({o.grade})"
        for o in units
    ]
    panels = [("Out of service by the trips, MW", out, "var(--coal)"), ("Cut, MW", cut, "var(--cut)")]

    def draw(width: int) -> str:
        wide = width >= WIDE
        tall, gap = (120 if wide else 104), 42
        svg = Svg(width, 2 * tall + 2 * gap + 20, title)
        for i, (words, values, tone) in enumerate(panels):
            top = 24 + i * (tall + gap)
            seen = [*values, *(cut_other if i and cut_other is not None else [])]
            f = frame(svg, (0, len(time)), bounds(seen, count=3), left=52, right=10, top=top,
                      bottom=svg.height - top - tall)  # fmt: skip
            svg.text(2, top - 10, words, "strong")
            for v in (f.y0, f.y1 / 2, f.y1):
                svg.line(f.left, f.py(v), f.right, f.py(v), "axis" if v == 0 else "grid")
                svg.text(f.left - 6, f.py(v) + 4, number(v), "muted", "end")
            edge, steps = np.repeat(np.arange(len(time) + 1), 2)[1:-1], np.repeat(values, 2)
            svg.band(f.x(edge), np.full(edge.size, f.bottom), f.y(steps), f"fill:{tone}")
            if i:
                firm = np.repeat(main["unserved_mw"], 2)
                if firm.max() > 1:
                    svg.band(f.x(edge), np.full(edge.size, f.bottom), f.y(firm), "fill:var(--alarm)")
                if cut_other is not None:
                    svg.polyline(f.x(edge), f.y(np.repeat(cut_other, 2)),
                                 "stroke:var(--flow);stroke-width:2;stroke-dasharray:5 3")  # fmt: skip
            for k in np.flatnonzero(local.hour == 0).tolist():
                svg.line(f.px(k), f.top, f.px(k), f.bottom, "grid faint")
                if k + 12 < len(time):
                    day = local[k]
                    svg.text(f.px(k + 12), f.bottom + 16, f"{DAYS[day.dayofweek]} {day.day}", "muted", "middle")
            if i:
                f.hover(f.x(np.arange(len(time)) + 0.5))
        return str(svg)

    stamps = [f"{DAYS[t.dayofweek]} {t.day}, {t.hour:02d}:00" for t in local]
    data = pd.DataFrame({
        "local time": local.strftime("%Y-%m-%d %H:%M"), "out by the trips [MW]": out.round(1),
        "unused supply [MW]": spare.round(1), "miners cut [MW]": main["interrupted_mw"].round(1),
        "others cut [MW]": main["unserved_mw"].round(1),
    })  # fmt: skip
    series = [("Out by the trips", "var(--coal)", out.tolist()), ("Unused supply", "var(--load)", spare.tolist()),
              ("Miners cut", "var(--cut)", main["interrupted_mw"].tolist()),
              ("Others cut", "var(--alarm)", main["unserved_mw"].tolist())]  # fmt: skip
    legend = [("var(--coal)", "box", "Plant out by the trips"), ("var(--cut)", "box", "Miners cut")]
    legend += [("var(--alarm)", "box", "Homes and industry cut")] if homes > 1 else []
    if cut_other is not None and view.without_rush is not None:
        data[f"cut, {view.without_rush.name} [MW]"] = cut_other.round(1)
        series.append((view.without_rush.scenario.title, "var(--flow)", cut_other.tolist()))
        legend.append(("var(--flow)", "dash", f"Cut, {view.without_rush.scenario.title.lower()}"))
    sources = view.study.case.sources
    named = joined(dict.fromkeys(sources[o.source].title for o in units if o.source in sources))
    return Figure(
        "replay", title, caption, f"Model hours; trips from the case’s table of outages ({named}).", "estimated", draw,
        data, hover_data(stamps, "MW", series), legend, notes,
        tables=("outages", "events"),
    )  # fmt: skip


def _stamp(view: View, when: object) -> str:
    t = local_stamps(view.study, pd.DatetimeIndex([pd.Timestamp(str(when))]))[0]
    return f"{t.day} {MONTHS[t.month - 1]}, {t.hour:02d}:00"


def contingencies(view: View) -> Figure | None:
    """The ten worst losses: who is cut if miners can be told to stop, and if they cannot."""
    table = view.gallery.get("shocks")
    if table is None or not len(table):
        return None
    rows = table.to_dict("records")
    names = [plain_loss(str(r["contingency"]), view) for r in rows]
    firm = [float(r["firm_mw"]) for r in rows]
    alone = [float(r["firm_alone_mw"]) for r in rows]
    miners = [float(r["miners_cut_mw"]) for r in rows]
    hurt = [i for i, v in enumerate(firm) if v > 1]
    spared = sum(1 for a, b in zip(firm, alone, strict=True) if a < 1 < b)
    if not hurt:
        title = f"On the tightest hours of {view.focus} no loss tried would have cut homes or industry"
    elif len(hurt) == 1:
        i = hurt[0]
        title = f"One loss would cut homes and industry: {_small(names[i])}, {with_unit(firm[i], 'MW')}"
    else:
        title = f"{len(hurt)} of the {len(rows)} worst losses would cut homes and industry"
    if spared:
        title += f"; miners told to stop first spare them in {spared} more"
    caption = (
        "Ten worst of: any one unit, the two or three largest at once, one circuit of a line, a zone cut off. Tried in "
        f"the tightest hours of {view.focus}, every plant at its expected availability, after reserves and imports "
        "have answered. The hollow bar is what homes and industry would lose if no miner could be told to stop."
    )
    low = [(float(r["nadir_hz"]), n) for r, n in zip(rows, names, strict=True) if math.isfinite(float(r["nadir_hz"]))]
    if low:
        hz, name = min(low)
        caption += (
            f" If the grid stood alone, without its neighbours’ inertia, the frequency would fall to {hz:.2f}{THIN}Hz "
            f"after {_small(name)}; below 49 relays begin to drop load by themselves."
        )
    top = bounds([*[a + b for a, b in zip(firm, miners, strict=True)], *alone])[1]

    def draw(width: int) -> str:
        wide = width >= WIDE
        step, left, right = (38, 262, 84) if wide else (58, 8, 64)
        svg = Svg(width, 34 + step * len(rows) + 8, title)
        f = frame(svg, (0, top), (0, 1), left=left, right=right, top=32, bottom=8)
        for v in ticks(0, top, count=5 if wide else 3):
            svg.line(f.px(v), f.top, f.px(v), f.bottom, "axis" if v == 0 else "grid")
            svg.text(f.px(v), f.top - 8, number(v), "muted", "middle")
        if low:
            svg.text(width - 4, f.top - 8, "lowest Hz" if wide else "Hz", "muted", "end")
        at = (f.left - 14, f.top - 8, "end") if wide else (f.left, f.top - 21, "start")
        svg.text(at[0], at[1], "MW cut", "muted", at[2])
        for i, r in enumerate(rows):
            y = f.top + step * i + (step / 2 if wide else step - 20)
            limit = int((left - 16) / 6.3) if wide else int((width - 20) / 6.3)
            name = names[i] if len(names[i]) <= limit else names[i][: limit - 1] + "…"
            svg.text(left - 12 if wide else left, y + 4 if wide else y - 14, name, "" if wide else "small",
                     "end" if wide else "start")  # fmt: skip
            tip = (
                f"{names[i]}: {with_unit(float(r['lost_mw']), 'MW')} lost; cut: miners {with_unit(miners[i], 'MW')}, "
                f"homes and industry {with_unit(firm[i], 'MW')}; {with_unit(alone[i], 'MW')} if no miner could be told"
            )
            svg.rect(f.left, y - 9, f.px(firm[i]) - f.left, 11, "fill:var(--alarm)", tip=tip)
            svg.rect(f.px(firm[i]), y - 9, f.px(firm[i] + miners[i]) - f.px(firm[i]), 11, "fill:var(--cut)", tip=tip)
            hollow = "fill:none;stroke:var(--alarm);stroke-width:1.2"
            svg.rect(f.left, y + 4, f.px(alone[i]) - f.left, 6, hollow, tip=tip)
            if firm[i] + miners[i] < 1 and alone[i] < 1:
                svg.text(f.left + 6, y + 4, "nobody is cut", "muted small")
            hz = float(r["nadir_hz"])
            if math.isfinite(hz):
                svg.text(width - 4, y + 4, f"{hz:.2f}", "alarm strong" if hz < 49 else "muted", "end")
        return str(svg)

    data = table.assign(contingency=names).rename(columns={
        "time": "time (UTC)", "lost_mw": "lost [MW]", "miners_cut_mw": "miners cut [MW]",
        "firm_mw": "homes and industry cut [MW]", "firm_alone_mw": "cut if no miner can be told to stop [MW]",
        "nadir_hz": "lowest frequency, grid alone [Hz]", "relays_mw": "dropped by relays, grid alone [MW]",
    })  # fmt: skip
    return Figure(
        "contingencies", title, caption,
        "Model; inertia, governors and relays by textbook values and European rules.", "estimated", draw, data,
        legend=[("var(--alarm)", "box", "Homes and industry cut"), ("var(--cut)", "box", "Miners told to stop"),
                ("var(--alarm)", "hollow", "Homes and industry cut if no miner can be told to stop")],
        tables=("units", "links", "technologies"),
    )  # fmt: skip


def plain_loss(name: str, view: View) -> str:
    """A contingency as a reader says it."""
    links = {r.link for r in view.study.case.links}
    if name.startswith("islanding of "):
        zone = name.removeprefix("islanding of ")
        only = [r for r in links if (ends := view.ends(r)) and zone in ends]
        return f"All of the {only[0]}" if len(only) == 1 else f"Every line of the zone {zone}"
    if name.startswith("one circuit of "):
        link = name.removeprefix("one circuit of ").rsplit(" (", 1)[0]
        return f"One circuit of the {link}"
    units = name.removeprefix("loss of ").split(", ")
    if len(units) == 1:
        return units[0]
    plants = list(dict.fromkeys(u.rsplit(" unit ", 1)[0] for u in units))
    count = {2: "Two", 3: "Three", 4: "Four"}.get(len(units), str(len(units)))
    return f"{count} units of {joined(plants)} at once" if len(plants) == 1 else f"At once: {joined(units)}"


def _small(name: str) -> str:
    first = name.split(" ", 1)[0]
    return name[:1].lower() + name[1:] if first in ("All", "One", "Two", "Three", "Four", "Every", "At") else name


