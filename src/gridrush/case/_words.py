"""Pydantic's complaints put as Problems: where, what was found, what was wanted, what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from gridrush.errors import Problem

Place = tuple[str | int, ...]

_UNITS = {
    "_usd_per_mw_year": "USD/MW/yr",
    "_usd_per_mwh_th": "USD/MWh of heat",
    "_usd_per_mwh": "USD/MWh",
    "_usd_per_mw": "USD/MW",
    "_usd_per_th": "USD per TH/s",
    "_usd_per_ph_day": "USD per PH/s per day",
    "_usd_per_t": "USD/t",
    "_kzt_per_usd": "KZT/USD",
    "_kzt_per_kwh": "KZT/kWh",
    "_j_per_th": "J/TH",
    "_btc_per_day": "BTC/day",
    "_t_per_mwh_th": "t/MWh of heat",
    "_share_per_month": "share, 0 to 1",
    "_share": "share, 0 to 1",
    "_ehs": "EH/s",
    "_ths": "TH/s",
    "_mwh": "MWh",
    "_twh": "TWh",
    "_mw": "MW",
    "_weeks": "weeks",
    "_hours": "h",
    "_years": "years",
    "_offset_h": "h",
    "_h": "h",
    "_usd": "USD",
    "_w": "W",
    "_pu": "per unit of the mean",
    "_cf": "capacity factor, 0 to 1",
}

_FORMS = {
    "date": "a date YYYY-MM-DD",
    "datetime": "a UTC time YYYY-MM-DDTHH:MM",
    "bool": "true or false",
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "list": "a list",
    "tuple": "a list",
    "dict": "names and values",
    "model": "names and values",
    "mapping": "names and values",
}

LISTED = 8
"""Choices that are listed in a problem; more than these make the sentence hard to read."""

_BOUNDS = {
    "greater_than": ("gt", ">"),
    "greater_than_equal": ("ge", ">="),
    "less_than": ("lt", "<"),
    "less_than_equal": ("le", "<="),
}

_PATTERNS = {r"^\d{4}-(0[1-9]|1[0-2])$": "a month YYYY-MM", r"^[A-Z]{3}$": "three capital letters"}


def closest(word: object, known: Iterable[str]) -> str:
    """A hint naming the known word most like this one, or the known words when they are few."""
    names = sorted(set(known))
    match = difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    if not match:  # the same letters in another case are farther than they look
        match = difflib.get_close_matches(
            str(word).lower(), [n for n in names if n.lower() == str(word).lower()], n=1, cutoff=0
        )
    if match:
        return f"did you mean {match[0]!r}?"
    return "known: " + ", ".join(names) if 0 < len(names) <= LISTED else ""


def with_unit(text: str, name: object) -> str:
    """The text, followed by the unit that ends a column's name."""
    unit = next((u for end, u in _UNITS.items() if f"_{name}".endswith(end)), "")
    return f"{text} [{unit}]" if unit else text


def problems_of(error: ValidationError, where: Callable[[Place], str], model: type[BaseModel]) -> list[Problem]:
    """One Problem for each complaint; `where` names a place in the user's file."""
    return [_problem(dict(e), where, model) for e in error.errors(include_url=False)]


def _problem(error: dict[str, Any], where: Callable[[Place], str], model: type[BaseModel]) -> Problem:
    place: Place = tuple(error["loc"])
    kind, found, limits = str(error["type"]), error["input"], error.get("ctx", {})
    name = place[-1] if place else ""
    head = kind.split("_")[0]
    if kind == "missing":
        return Problem(where(place), "nothing", with_unit("a value", name))
    if kind == "extra_forbidden":
        return Problem(where(place), name, "a key that is known here", closest(name, _known(model, place[:-1])))
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(limits["expected"]))
        hint = closest(found, choices)
        if len(choices) <= LISTED:
            return Problem(
                where(place), found, "one of " + ", ".join(choices), "" if hint.startswith("known") else hint
            )
        return Problem(where(place), found, f"one of {len(choices)} words", hint or "known: " + ", ".join(choices))
    if kind in _BOUNDS:
        limit, sign = _BOUNDS[kind]
        return Problem(where(place), found, with_unit(f"a number {sign} {limits[limit]:g}", name))
    if kind == "string_pattern_mismatch":
        pattern = str(limits["pattern"])
        return Problem(where(place), found, _PATTERNS.get(pattern, f"text of the form {pattern}"))
    if kind == "string_too_short":
        return Problem(where(place), found, f"text of {limits['min_length']} letters or more")
    if kind == "string_too_long":
        return Problem(where(place), found, f"text of at most {limits['max_length']} letters")
    if kind == "value_error":
        said = str(limits["error"])
        if unit := re.fullmatch(r"unit is (.+), need (.+)", said):
            return Problem(where((*place, "unit")), unit[1].strip("'"), f"the unit {unit[2]}")
        return Problem(where(place), said, "values that agree with each other")
    if head in _FORMS:
        found = found if isinstance(found, (str, int, float)) else "nothing" if found is None else type(found).__name__
        return Problem(where(place), found, with_unit(_FORMS[head], name), _number_hint(head, str(found)))
    return Problem(where(place), found, str(error["msg"]))


def _number_hint(head: str, found: str) -> str:
    if head not in ("float", "int"):
        return ""
    if "%" in found:
        return "write a share: 0.25, not 25%"
    if re.fullmatch(r"-?\d+,\d+", found):
        return "write 12.5, not 12,5"
    if re.match(r"-?\d+(\.\d+)?\s*[A-Za-z]", found):
        return "leave the unit out: it is in the name of the column"
    return ""


def _known(model: type[BaseModel], place: Place) -> Iterable[str]:
    """Names of the keys allowed at a place of a model."""
    here: object = model
    for step in place:
        if (
            isinstance(here, type)
            and issubclass(here, BaseModel)
            and isinstance(step, str)
            and step in here.model_fields
        ):
            here = here.model_fields[step].annotation
        here = _model_in(here)
    return here.model_fields if isinstance(here, type) and issubclass(here, BaseModel) else ()


def _model_in(annotation: object) -> object:
    """The first model inside an annotation such as `tuple[Model, ...] | None`."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation if issubclass(annotation, BaseModel) else None
    if get_origin(annotation) is not None or isinstance(annotation, UnionType):
        return next((m for a in get_args(annotation) if (m := _model_in(a)) is not None), None)
    return None
