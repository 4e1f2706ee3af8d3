"""A number that carries its sampling error."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """Mean of a Monte Carlo quantity with its standard error and unit; stderr 0 means exact."""

    mean: float
    stderr: float
    unit: str

    def agrees_with(self, value: float, *, n_stderr: float = 3.0, exact_to: float = 1e-9) -> bool:
        """Whether `value` lies within `n_stderr` standard errors (plus rounding) of the mean."""
        return abs(self.mean - value) <= n_stderr * self.stderr + exact_to * max(1.0, abs(value))

    def interval(self, *, level: float = 0.95) -> tuple[float, float]:
        """Normal confidence interval. The usual levels 0.90, 0.95 and 0.99 and any other in (0, 1)."""
        from statistics import NormalDist

        half = NormalDist().inv_cdf(0.5 + level / 2) * self.stderr
        return self.mean - half, self.mean + half

    def to_dict(self) -> dict[str, float | str]:
        """As `{"mean": ..., "stderr": ..., "unit": ...}`, the form the command line prints."""
        return {"mean": self.mean, "stderr": self.stderr, "unit": self.unit}

    def __str__(self) -> str:
        if not self.stderr:
            return f"{self.mean:.6g} {self.unit}"
        digits = max(0, 1 - math.floor(math.log10(self.stderr))) if self.stderr < 10 else 0
        return f"{self.mean:.{digits}f} +- {self.stderr:.{digits}f} {self.unit}"
