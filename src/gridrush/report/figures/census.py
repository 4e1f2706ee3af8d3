"""What the evidence on the miners is worth, and what one more measurement would teach."""

from __future__ import annotations

import re

import pandas as pd

from gridrush.report.figures.figure import WIDE, Figure
from gridrush.report.svg import Svg, bounds, frame, ticks
from gridrush.report.view import View
from gridrush.report.words import THIN, day_name, month_name, number, signed, with_unit

MEASUREMENTS = {
    "unregistered_mw": "A survey of farms without a meter",
    "registered_mw": "Meters of the licensed farms",
    "total_mw": "Night load of substations before and after a cut",
    "fee_receipts_mw": "One quarter’s receipts of the mining fee",
    "registered_share": "A sample of farms checked against the register",
}
QUANTITIES = {
    "registered_mw": "registered", "unregistered_mw": "not registered", "total_mw": "in all",
    "ratio": "times as many unregistered", "growth_share": "growth of demand", "fee_usd": "fee received",
}  # fmt: skip
_NAME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (.*): (\w+) ([-\d.e+]+)")


def spoken(name: str) -> tuple[str, str]:
    """Who said it when, and what: from the census's name of a piece of evidence.

    Examples
    --------
    >>> spoken("2021-10-05 Ministry of Energy: registered_mw 600")[0]
    'Ministry of Energy, 5 October 2021'
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return name, ""
    year, month, day, who, quantity, value = found.groups()
    unit = next((u for end, u in (("_mw", "MW"), ("share", "share"), ("_usd", "USD")) if quantity.endswith(end)), "")
    what = f"{with_unit(float(value), unit)} {QUANTITIES.get(quantity, quantity)}"
    return f"{who}, {int(day)} {month_name(f'{year}-{month}')}", what


def evidence(view: View) -> Figure | None:
    """How much each statement narrows the interval, and which way it moves the middle."""
    table = view.gallery.get("evidence")
    if table is None:
        return None
    rows = table.to_dict("records")
    width_mw = float(rows[0]["width_with_mw"])
    gain = [float(r["width_without_mw"]) - float(r["width_with_mw"]) for r in rows]
    shift = [float(r["shift_mw"]) for r in rows]
    said = [spoken(str(r["name"])) for r in rows]
    best = max(range(len(rows)), key=lambda i: gain[i])
    worst = min(range(len(rows)), key=lambda i: gain[i])
    most = with_unit(max(abs(s) for s in shift), "MW", 2)
    title = f"No one statement settles it: leaving out any one of them moves the estimate by {most} at most"
    caption = (
        f"The range that holds nine in ten of the estimates is {with_unit(width_mw, 'MW', 3)} wide. Each bar: how much "
        f"narrower it is for hearing this statement (left: wider, because it contradicts the others). Most telling: "
        f"{said[best][0]}."
    )
    if gain[worst] < -1:
        caption += f" Most at odds with the rest: {said[worst][0]}."
    caption += " The number on the right is how far the statement moves the middle."
    low, top = bounds(gain)

    def draw(width: int) -> str:
        wide = width >= WIDE
        step, left, right = (34, 330, 96) if wide else (52, 8, 74)
        svg = Svg(width, 46 + step * len(rows) + 8, title)
        f = frame(svg, (low, top), (0, 1), left=left, right=right, top=44, bottom=8)
        for v in ticks(low, top, count=5 if wide else 3):
            svg.line(f.px(v), f.top, f.px(v), f.bottom, "axis" if v == 0 else "grid")
            svg.text(f.px(v), f.top - 8, signed(v), "muted", "middle")
        svg.text(width - 4, f.top - 26, "moves it, MW", "muted", "end")
        svg.text(f.px(0), f.top - 26, "MW narrower", "muted", "middle" if wide else "start")
        for i in range(len(rows)):
            y = f.top + step * i + (step / 2 if wide else step - 16)
            who, what = said[i]
            limit = int((left - 14) / 5.9) if wide else int((width - 16) / 5.9)
            if wide:
                svg.text(left - 12, y - 2, who if len(who) <= limit else who[: limit - 1] + "…", "small", "end")
                svg.text(left - 12, y + 11, what, "muted small", "end")
            else:
                line = f"{who}: {what}"
                svg.text(left, y - 12, line if len(line) <= limit else line[: limit - 1] + "…", "small halo")
            a, b = sorted((f.px(0), f.px(gain[i])))
            tone = "var(--flow)" if gain[i] >= 0 else "var(--alarm)"
            tip = f"{who}: {what}. Narrows by {with_unit(gain[i], 'MW')}, moves the middle by {signed(shift[i], 'MW')}"
            svg.rect(a, y - 7, max(b - a, 1.5), 14, f"fill:{tone}", tip=tip)
            svg.text(width - 4, y + 4, signed(shift[i], "", 2), "muted", "end")
        return str(svg)

    data = pd.DataFrame({
        "who and when": [s[0] for s in said], "what": [s[1] for s in said],
        "interval without it [MW]": table["width_without_mw"].round(1),
        "interval with it [MW]": table["width_with_mw"].round(1),
        "moves the middle by [MW]": table["shift_mw"].round(1),
    })  # fmt: skip
    return Figure(
        "evidence", title, caption,
        f"Model census of {day_name(view.study.case.as_of)}; statements with their sources in the table “Statements”.",
        "estimated", draw, data,
        legend=[("var(--flow)", "box", "Narrows the range"), ("var(--alarm)", "box", "Widens it")],
        tables=("statements", "network", "atlas"),
    )  # fmt: skip


def lessons(view: View) -> Figure | None:
    """Width of the interval now, and what each measurement is expected to leave."""
    table = view.gallery.get("lessons")
    if table is None:
        return None
    rows = table.sort_values("width_expected_mw").to_dict("records")
    now = float(rows[0]["width_now_mw"])
    left_mw = [float(r["width_expected_mw"]) for r in rows]
    names = [MEASUREMENTS.get(str(r["quantity"]), str(r["quantity"])) for r in rows]
    title = (
        f"{names[0]} would shrink the range of the total by {with_unit(1 - left_mw[0] / now, 'share', 2)}: the "
        "measurement to order first"
    )
    caption = (
        f"Today the range that holds nine in ten estimates is {with_unit(now, 'MW')} wide. Bars: how wide it is "
        "expected to be after one more measurement, before anyone knows its result, with the error such "
        "a measurement has."
    )

    def draw(width: int) -> str:
        wide = width >= WIDE
        step, left, right = (34, 330, 70) if wide else (50, 8, 64)
        svg = Svg(width, 34 + step * len(rows) + 8, title)
        f = frame(svg, (0, bounds([now])[1]), (0, 1), left=left, right=right, top=28, bottom=8)
        for v in ticks(0, f.x1, count=5 if wide else 3):
            svg.line(f.px(v), f.top, f.px(v), f.bottom, "axis" if v == 0 else "grid")
            svg.text(f.px(v), f.top - 8, number(v) + (f"{THIN}MW" if v == 0 else ""), "muted", "middle")
        svg.line(f.px(now), f.top - 2, f.px(now), f.bottom, "mark")
        for i, r in enumerate(rows):
            y = f.top + step * i + (step / 2 if wide else step - 16)
            note = f"error {with_unit(float(r['std_share']), 'share', 2)}"
            if wide:
                svg.text(left - 12, y - 2, names[i], "small", "end")
                svg.text(left - 12, y + 11, note, "muted small", "end")
            else:
                svg.text(left, y - 12, f"{names[i]}, {note}", "small halo")
            svg.rect(f.left, y - 7, f.px(left_mw[i]) - f.left, 14, "fill:var(--flow)",
                     tip=f"{names[i]}: {with_unit(left_mw[i], 'MW')} left of {with_unit(now, 'MW')}")  # fmt: skip
            svg.text(f.px(left_mw[i]) + 6, y + 4, with_unit(left_mw[i], "MW"), "halo")
        return str(svg)

    data = pd.DataFrame({
        "measurement": names, "error, share": [float(r["std_share"]) for r in rows],
        "range now [MW]": round(now, 1), "range expected [MW]": [round(v, 1) for v in left_mw],
    })  # fmt: skip
    return Figure(
        "lessons", title, caption, "Model census; errors of measurements are assumed.", "estimated", draw, data,
        legend=[("var(--flow)", "box", "Range expected after it"), ("var(--ink)", "dots", "Range today")],
        tables=("statements",),
    )  # fmt: skip
