"""Numbers and names as a reader sees them: thin spaces, units, intervals, plain words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date

THIN = "\u202f"  # narrow no-break space: thousands, and between a number and its unit
YEAR_END = 0.02
"""Part of a year, a week, that counts as the next one: a plan for 1 January is not of the year before."""
DASH = "\u2013"
MINUS = "\u2212"
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

GRADES: Mapping[str, str] = {
    "measured": "read from an instrument or counted",
    "reported": "published by an authority, a company or the press",
    "estimated": "worked out by a model or from other figures",
    "assumed": "our best guess, no document found",
}

FUEL_ORDER = ("nuclear", "coal", "gas", "oil", "biomass", "waste", "hydro", "wind", "solar", "battery")
FUEL_NAMES: Mapping[str, str] = {"lignite": "Lignite", "biomass": "Biomass", "battery": "Storage"}

UNIT_WORDS: Mapping[str, str] = {
    "share": "%", "share/yr": "% a year", "share/month": "% a month", "h/yr": "hours a year", "1": "", "count": "",
    "bn USD": "bn USD", "USD/MW/yr": "USD/MW a year", "weeks/yr": "weeks a year",
}  # fmt: skip
_PERCENT = ("share", "share/yr", "share/month")


def number(value: float | None, digits: int = 3) -> str:
    """A number to `digits` significant figures (whole numbers stay whole from 10 000), thin spaces between thousands.

    Examples
    --------
    >>> number(1784.6).replace(THIN, " "), number(0.0456), number(-3.0), number(float("nan"))
    ('1 780', '0.0456', '−3', 'n/a')
    """
    if value is None or not math.isfinite(value):
        return "n/a"
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(float(value), places)
    text = f"{abs(rounded):,.{max(places, 0)}f}".replace(",", THIN)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return (MINUS if rounded < 0 else "") + text


def with_unit(value: float | None, unit: str, digits: int = 3) -> str:
    """A number and its unit; a share becomes percent, large money bn or M.

    Examples
    --------
    >>> [with_unit(v, u).replace(THIN, " ") for v, u in ((0.183, "share"), (6.1e7, "USD"), (2100, "MW"))]
    ['18.3%', '61 M USD', '2 100 MW']
    """
    if unit == "year" and value is not None and math.isfinite(value):
        return str(whole_year(value))
    value, unit = scaled(value, unit)
    shown = number(value, digits)
    if shown == "n/a":
        return shown
    tail = UNIT_WORDS.get(unit, unit)
    return shown + tail if tail.startswith("%") else (shown + THIN + tail if tail else shown)


def rough(value: float, unit: str) -> str:
    """A model result in a sentence: two figures, and next to nothing said as such.

    Examples
    --------
    >>> [rough(v, "h").replace(THIN, " ") for v in (8.46, 0.02, 0.0)]
    ['8.5 h', 'under 0.1 h', '0 h']
    """
    if unit in ("h", "GWh") and 0 < value < 0.1:
        return with_unit(0.1, unit, 2).replace("0.1", "under 0.1", 1)
    return with_unit(value, unit, 2)


def whole_year(year: float) -> int:
    """The year a point in time lies in; its last days are the next year, as on the page."""
    return math.floor(year + YEAR_END)


def when(year: float) -> str:
    """A point in time in words: `late 2021`; a whole year stays a year.

    Examples
    --------
    >>> when(2021.91), when(2036.0), when(2022.5)
    ('late 2021', '2036', 'mid-2022')
    """
    if not math.isfinite(year):
        return "an unknown year"
    whole = whole_year(year)
    part = year - whole
    if part < 0.02:
        return str(whole)
    return f"early {whole}" if part < 0.3 else f"mid-{whole}" if part < 0.7 else f"late {whole}"


def shown_unit(unit: str, *values: float | None) -> str:
    """Unit to show a finding in: numbers without unit that all read as calendar years are years.

    Examples
    --------
    >>> shown_unit("1", 2036.5, None), shown_unit("1", 1.7), shown_unit("MW", 2030.0)
    ('year', '1', 'MW')
    """
    known = [v for v in values if v is not None and math.isfinite(v)]
    return "year" if unit == "1" and known and all(1990 <= v <= 2110 for v in known) else unit


def scaled(value: float | None, unit: str) -> tuple[float | None, str]:
    """Value and unit as shown: percent for shares, M or bn for large money."""
    if value is None:
        return None, unit
    if unit in _PERCENT:
        return 100 * value, unit
    if unit == "USD" and abs(value) >= 1e9:
        return value / 1e9, "bn USD"
    if unit == "USD" and abs(value) >= 1e5:
        return value / 1e6, "M USD"
    return value, unit


def interval(low: float | None, high: float | None, unit: str = "", digits: int = 3) -> str:
    """A range as `814–3 210 MW`; one number where both ends print alike; empty where an end is missing.

    Examples
    --------
    >>> interval(814, 3212.4, "MW").replace(THIN, " "), interval(2, 2, "h").replace(THIN, " "), interval(None, 3, "h")
    ('814–3 210 MW', '2 h', '')
    """
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    if unit == "year":
        first, last = with_unit(low, unit), with_unit(high, unit)
        return first if first == last else first + DASH + last
    top, shown = scaled(high, unit)
    bottom = low * (top / high) if top is not None and high else low
    a, b = number(bottom, digits), number(top, digits)
    tail = UNIT_WORDS.get(shown, shown)
    end = tail if not tail or tail.startswith("%") else THIN + tail
    link = " to " if bottom < 0 else DASH
    return (b if a == b else a + link + b) + end


def ranged(best: float, low: float | None, high: float | None, unit: str, digits: int = 3) -> str:
    """Best value with its interval: `1 780 MW (814–3 210)`.

    Examples
    --------
    >>> ranged(1784.6, 814, 3212, "MW").replace(THIN, " ")
    '1 780 MW (814–3 210)'
    """
    inside = interval(low, high, unit, digits)
    best_text = with_unit(best, unit, digits)
    if not inside or inside == best_text:
        return best_text
    tail = UNIT_WORDS.get(unit, unit)
    if tail and inside.endswith(THIN + tail):
        inside = inside[: -len(THIN + tail)]
    return f"{best_text} ({inside})"


def signed(value: float, unit: str = "", digits: int = 3) -> str:
    """A change, with its sign."""
    text = with_unit(value, unit, digits)
    if text.startswith("0") and number(value, digits) == "0":
        return text
    return text if text.startswith(MINUS) or text in ("0", "n/a", "0%") else "+" + text


def joined(words: Iterable[str], last: str = "and") -> str:
    """Words as a list in a sentence.

    Examples
    --------
    >>> joined(["a", "b", "c"]), joined(["a"])
    ('a, b and c', 'a')
    """
    items = list(words)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + f" {last} " + items[-1] if items else ""


def month_name(month: str) -> str:
    """`2021-10` as `October 2021`."""
    return f"{MONTHS[int(month[5:7]) - 1]} {month[:4]}"


def day_name(day: date) -> str:
    """A date as `14 October 2021`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def fuel_name(fuel: str) -> str:
    """A fuel as a label."""
    return FUEL_NAMES.get(fuel, fuel[:1].upper() + fuel[1:])


def fuel_order(fuels: Iterable[str]) -> list[str]:
    """Fuels from the base of a stack to its top."""
    rank = {f: i for i, f in enumerate(FUEL_ORDER)}
    return sorted(fuels, key=lambda f: (rank.get(f, len(rank)), f))


def fuel_colour(fuel: str) -> str:
    """CSS colour of a fuel; a fuel without its own gets the spare one."""
    return f"var(--{fuel}, var(--other))" if fuel in (*FUEL_ORDER, "lignite") else "var(--other)"


def plain(name: str) -> str:
    """An identifier as words: `as-it-was` -> `As it was`."""
    text = name.replace("_", " ").replace("-", " ").strip()
    return text[:1].upper() + text[1:]


def anchor(text: str) -> str:
    """A safe name for a file or an element id."""
    safe = "".join(c if c.isascii() and c.isalnum() else "-" for c in text.lower())
    return "-".join(p for p in safe.split("-") if p) or "x"
