"""The errors gridrush raises: the input, the plan, or the machinery.

Every problem says where it is, what was found, what was wanted and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where, found, wanted, hint."""

    where: str
    found: object
    wanted: str
    hint: str = ""

    def __str__(self) -> str:
        tail = f" Hint: {self.hint}" if self.hint else ""
        return f"{self.where}: found {self.found!r}, need {self.wanted}.{tail}"


class GridrushError(Exception):
    """Base of everything gridrush raises on purpose."""


class CaseError(GridrushError):
    """The input is wrong; carries every problem found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        lines = "\n".join(f"  - {p}" for p in self.problems)
        super().__init__(f"{len(self.problems)} problem(s) in the case:\n{lines}")

    def __reduce__(self) -> tuple[type[CaseError], tuple[list[Problem]]]:  # pickled, it is made again from what it was
        return CaseError, (self.problems,)


class InfeasibleError(GridrushError):
    """No plan or dispatch meets the limits; says which limits clash."""

    def __init__(self, message: str, clashes: Iterable[str] = ()) -> None:
        self.message, self.clashes = message, list(clashes)
        lines = "".join(f"\n  - {c}" for c in self.clashes)
        super().__init__(message + lines)

    def __reduce__(self) -> tuple[type[InfeasibleError], tuple[str, list[str]]]:
        return InfeasibleError, (self.message, self.clashes)


class EngineError(GridrushError):
    """A solver, worker or store failed."""
