"""What the server was given: a case or a network, loaded, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from gridrush.case.model import Case
from gridrush.errors import CaseError, Problem
from gridrush.study.networks import is_file_of_a_system
from gridrush.web.controls import Screen, apply
from gridrush.web.worker import problems_of

if TYPE_CHECKING:
    from gridrush.study.network_opened import OpenedNetwork
    from gridrush.web.network_controls import Moves


Times = Mapping[str, int | str | None]
"""Years, and times that begin with one, by the name they were asked under."""

NO_TIMES: Times = {}


@dataclass(frozen=True)
class Source:
    """Path of a case or network given to the command, the only one the server opens, and how buses are gathered."""

    where: str
    zones: str | int | None = None
    period: int | None = None

    @property
    def is_network(self) -> bool:
        """Whether it is a network in a file rather than a case."""
        return is_file_of_a_system(self.where)

    def case(self) -> Case:
        """The case."""
        from gridrush.case.load import load_case

        if wrong := [Problem(f"--{name}", x, "a network to go with it")
                     for name, x in (("zones", self.zones), ("period", self.period)) if x is not None]:  # fmt: skip
            raise CaseError(wrong)
        return load_case(self.where)

    def network(self) -> OpenedNetwork:
        """The network."""
        from gridrush.study.network_opened import open_with_places

        return open_with_places(self.where, zones=self.zones, period=self.period)


class Subject(Protocol):
    """A case or a network as the server asks about it."""

    @property
    def name(self) -> str:
        """What its files are called by."""

    @property
    def digest(self) -> str:
        """Hash of its content."""

    def about(self) -> dict[str, Any]:
        """What the page is told once."""

    def check(self, screen: Screen, at: Times = NO_TIMES) -> None:
        """Raise a CaseError for a screen, year or time that does not fit."""

    def scenario(self, screen: Screen) -> dict[str, Any]:
        """A screen as what it stands for, and as Python."""

    def refuse(self, what: str) -> None:
        """Raise a CaseError if it has nothing to answer such a question with."""


@dataclass(frozen=True, eq=False)
class OfCase:
    """A case: years, scenarios, miners, policies."""

    case: Case
    where: str

    @property
    def name(self) -> str:
        """Name of the case."""
        return self.case.name

    @property
    def digest(self) -> str:
        """Hash of the case."""
        return self.case.digest

    def about(self) -> dict[str, Any]:
        """The case, its controls, scenarios, sources, events and map."""
        from gridrush.web.about import about_case

        return about_case(self.case)

    def check(self, screen: Screen, at: Times = NO_TIMES) -> None:
        """Refuse what is not in the case, and years, or times that begin with one, outside it."""
        apply(self.case, screen)
        first, last = self.case.first_year, self.case.last_year
        wrong = [Problem(name, x, f"in the years {first} to {last}")
                 for name, x in at.items() if x is not None and not first <= int(str(x)[:4]) <= last]  # fmt: skip
        if wrong:
            raise CaseError(wrong)

    def scenario(self, screen: Screen) -> dict[str, Any]:
        """The scenario, and Python."""
        from gridrush.web.about import snippet

        made = apply(self.case, screen)
        return {"scenario": made.model_dump(mode="json"), "python": snippet(self.where, self.case, screen, made)}

    def refuse(self, what: str) -> None:
        """A PyPSA file is one of a network."""
        if what == "pypsa":
            raise CaseError([Problem("format", what, "csv, xlsx, json, nc or zip; `gridrush export` writes a year")])


@dataclass(frozen=True, eq=False)
class OfNetwork:
    """A network: hours, units and links."""

    opened: OpenedNetwork
    source: Source

    @property
    def name(self) -> str:
        """Name of its file, less the ending."""
        path = self.opened.network.path
        return path.stem if path else "network"

    @cached_property
    def digest(self) -> str:
        """Hash of its numbers."""
        return self.opened.digest

    @cached_property
    def moves(self) -> Moves:
        """Its controls."""
        from gridrush.web.network_controls import moves_of

        return moves_of(self.opened.network)

    def about(self) -> dict[str, Any]:
        """What it is made of, what was dropped, and its controls."""
        from gridrush.web.network_payload import about_network

        return about_network(self.opened, self.moves)

    def check(self, screen: Screen, at: Times = NO_TIMES) -> None:
        """Refuse what is not in the network; its hours are cut to those it has."""
        self.moves.change(screen)

    def scenario(self, screen: Screen) -> dict[str, Any]:
        """The change, and Python."""
        from gridrush.web.network_controls import plain, snippet

        change = self.moves.change(screen)
        name = self.opened.network.name
        return {"scenario": plain(change), "python": snippet(name, self.source.zones, self.source.period, change)}

    def refuse(self, what: str) -> None:
        """What needs miners, policies or years."""
        if what == "claims":
            raise CaseError([Problem(what, "a network", "a case: a network has neither miners, policies nor claims")])


class Opened:
    """The subject of the server once it is loaded."""

    def __init__(self, source: Source) -> None:
        self.source, self.told, self.problems = source, b"", list[dict[str, Any]]()
        self._subject: Subject | None = None

    @property
    def subject(self) -> Subject:
        """The case or network.

        Raises
        ------
        CaseError
            If it could not be loaded.
        """
        if self._subject is None:
            s = self.source
            self._subject = OfNetwork(s.network(), s) if s.is_network else OfCase(s.case(), s.where)
        return self._subject

    def look(self) -> bool:
        """Load it; whether that went well."""
        if self.told:
            return True
        try:
            self.told, self.problems = orjson.dumps(self.subject.about()), []
        except CaseError as wrong:
            path = Path(self.source.where)  # whose name is enough for the page
            self.problems = [{**p, "where": path.name if p["where"] == str(path) else p["where"]}
                             for p in problems_of(wrong)]  # fmt: skip
        return not self.problems
