"""A PyPSA network with extendable components as a planning problem."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gridrush.errors import CaseError, Problem
from gridrush.grid._pypsa_open import Zoning, hours_of_snapshots, open_network, zones_of
from gridrush.grid.pypsa import from_pypsa
from gridrush.planning.options import Candidate, Future, Stage, annuity_share
from gridrush.units import Floats

if TYPE_CHECKING:
    import pandas as pd

UNSERVED_USD_PER_MWH = 1e5
"""Value of load in a network to plan for: PyPSA serves all of it, so it must cost more than any build."""


def network_problem(source: Any, *, zones: Zoning = None) -> tuple[list[Stage], list[Candidate], list[str]]:
    """Stages and candidates of a PyPSA network, and a line for everything that was dropped or changed.

    What is extendable is a candidate between its least and most size, in modules where it has them, at its capital
    (or annuitised overnight) and fixed cost; it is paid for in full, present size included, as in PyPSA's objective
    plus its constant. Investment periods are stages. A limit on CO2 is kept. New stores that are cyclic begin at the
    best level, others half full, and all end as they began.

    Parameters
    ----------
    source : path or pypsa.Network
    zones : mapping, str or int, optional
        See `from_pypsa`.
    """
    n: Any = open_network(source) if isinstance(source, str | Path) else source
    periods = [int(p) for p in n.investment_periods] if n.snapshots.nlevels > 1 else [None]
    hours, whole = hours_of_snapshots(n)
    dropped: list[str] = []
    systems = []
    for period in periods:
        system, lines = from_pypsa(
            n, zones=zones, value_usd_per_mwh=UNSERVED_USD_PER_MWH, period=period, extendable=False
        )
        systems.append(system)
        dropped += [x for x in lines if not x.startswith(("global constraints", "snapshots weightings"))]
    reader = _Extendables(n, zones, whole)
    candidates = reader.candidates()
    if not candidates:
        raise CaseError([Problem("network", "nothing extendable", "p_nom_, s_nom_ or e_nom_extendable")])
    stages = []
    for y, (period, system) in enumerate(zip(periods, systems, strict=True)):
        weight, year = 1.0, y + 1
        at = np.ones(len(n.snapshots), bool)
        if period is not None:
            weight, year = float(n.investment_period_weightings.loc[period, "objective"]), period
            at = np.asarray(n.snapshots.get_level_values(0)) == period
        elif n.snapshots.dtype.kind == "M":
            year = int(n.snapshots[0].year)
        times = hours[at].astype(np.int64) if whole else np.ones(int(at.sum()), np.int64)
        available = np.repeat(reader.available[:, at], times, axis=1)
        each = np.ones(available.shape[1]) if whole else hours[at]
        future = Future("network", 1.0, system, available, each)
        stages.append(Stage(year, weight, [future], carbon_cap_t=_carbon_cap(n, period, reader.dropped)))
    if len(periods) > 1:
        reader.dropped.append("investment periods: a candidate can be built in its build year or any period after it")
    return stages, candidates, list(dict.fromkeys([*dropped, *reader.dropped]))


def _carbon_cap(n: Any, period: int | None, dropped: list[str]) -> float:
    """Tightest limit on CO2 of a period; other global constraints are dropped and said so. [t]"""
    cap = math.inf
    for name, row in n.global_constraints.iterrows():
        when = float(row.get("investment_period", math.nan))
        ours = period is None or when == period
        kept = row["type"] == "primary_energy" and row["carrier_attribute"] == "co2_emissions" and row["sense"] == "<="
        if kept and ours:
            cap = min(cap, float(row["constant"]))
        elif not kept or math.isnan(when):
            dropped.append(f"global constraint {name}: {row['type']} {row['sense']}, not in the model")
    return cap


class _Extendables:
    """One pass over the extendable components of a network."""

    def __init__(self, n: Any, zones: Zoning, whole: bool) -> None:
        self.n, self.whole = n, whole
        self.problems: list[Problem] = []
        self.dropped: list[str] = []
        buses = [str(b) for b in n.buses.index]
        self.zone_of = zones_of(n, buses, zones, self.problems)
        self.zones = tuple(dict.fromkeys(self.zone_of.values()))
        self.profiles: list[Floats] = []
        self.names: set[str] = set()
        weights = n.snapshot_weightings["objective"].to_numpy(np.float64)
        self.years = float(weights.sum()) / 8760.0 / max(1, len(n.investment_periods))

    @property
    def available(self) -> Floats:
        """Share of each candidate that can run in each snapshot. (C, T)"""
        return np.array(self.profiles).reshape(len(self.profiles), len(self.n.snapshots))

    def candidates(self) -> list[Candidate]:
        """Every extendable component as a candidate."""
        found = [*self._generators(), *self._links(), *self._lines(), *self._storage_units(), *self._stores()]
        if self.problems:
            raise CaseError(self.problems)
        return found

    def _each(self, kind: str, size: str) -> Iterable[tuple[str, pd.Series[Any]]]:
        table = getattr(self.n, kind)
        for name, row in table[table[f"{size}_extendable"].astype(bool)].iterrows():
            if "active" in row and not bool(row["active"]):
                continue
            yield str(name), row

    def _drop(self, kind: str, name: str, what: str) -> None:
        self.dropped.append(f"{kind} {name}: {what}")

    def _zone(self, kind: str, name: str, bus: str) -> int:
        if bus not in self.zone_of:
            self.problems.append(Problem(f"{kind}[{name}].bus", bus, "a bus of the network"))
            return 0
        return self.zones.index(self.zone_of[bus])

    def _series(self, kind: str, name: str, field: str, fixed: float) -> Floats:
        table = getattr(self.n, f"{kind}_t").get(field)
        T = len(self.n.snapshots)
        values = table[name].to_numpy(np.float64) if table is not None and name in table else np.full(T, float(fixed))
        if not np.isfinite(values).all():
            self.problems.append(Problem(f"{kind}[{name}].{field}", "NaN or infinite", "finite numbers"))
            return np.zeros(T)
        return values

    def _common(self, kind: str, name: str, row: pd.Series[Any], size: str, zone: int, share: Floats) -> Candidate:
        """What all candidates have: size, money, time."""
        if (share < 0).any() or (share > 1 + 1e-9).any():
            self._drop(kind, name, "availability outside 0 to 1, cut off")
        self.profiles.append(np.clip(share, 0.0, 1.0))
        shown = name if name not in self.names else f"{name} ({kind})"
        self.names.add(shown)
        least, most = float(row[f"{size}_min"]), float(row[f"{size}_max"])
        if not 0 <= least <= most:
            self.problems.append(Problem(f"{kind}[{name}].{size}_min", least, f"a number from 0 to {most:g}"))
        built = float(row.get("build_year", 0.0))
        return Candidate(
            shown, str(row.get("carrier", "")) or kind, zone, max_mw=most, unit_mw=float(row.get(f"{size}_mod", 0.0)),
            capex_usd_per_mw_year=self._capital(row), fixed_usd_per_mw_year=_number(row, "fom_cost", 0.0),
            earliest_year=int(built) if self.n.snapshots.nlevels > 1 else 0,
            life_years=float(row.get("lifetime", math.inf)) if self.n.snapshots.nlevels > 1 else math.inf,
            at_least_mw={self._first(built): least} if least > 0 else {},
        )  # fmt: skip

    def _first(self, built: float) -> int:
        """First stage in which something stands."""
        if self.n.snapshots.nlevels > 1:
            return min((int(p) for p in self.n.investment_periods if p >= built), default=int(built))
        return int(self.n.snapshots[0].year) if self.n.snapshots.dtype.kind == "M" else 1

    def _capital(self, row: pd.Series[Any]) -> float:
        """Cost of capacity over the hours of a stage, as PyPSA has it. [USD/MW]"""
        overnight = _number(row, "overnight_cost", math.nan)
        if math.isnan(overnight):
            return float(row["capital_cost"])
        rate, life = _number(row, "discount_rate", 0.0), float(row["lifetime"])
        share = rate if math.isinf(life) else annuity_share(rate, life)
        return overnight * share * self.years

    def _generators(self) -> Iterable[Candidate]:
        for name, row in self._each("generators", "p_nom"):
            high, low = (self._series("generators", name, f, row[f]) for f in ("p_max_pu", "p_min_pu"))
            cost = self._series("generators", name, "marginal_cost", row["marginal_cost"])
            if np.ptp(cost) > 0:
                self._drop("generator", name, "marginal cost that changes by snapshot, its mean is used")
            if row["committable"]:
                self._drop("generator", name, "unit commitment and start costs")
                low = np.zeros_like(low)
            share = np.divide(low, high, out=np.zeros_like(low), where=high > 0)
            if np.ptp(share[high > 0]) > 1e-9 if (high > 0).any() else False:
                self._drop("generator", name, "least output that changes by snapshot, its least is used")
            if math.isfinite(float(row["e_sum_max"])) or math.isfinite(float(row["e_sum_min"])):
                self._drop("generator", name, "limit on its energy")
            carrier = str(row["carrier"])
            co2 = float(self.n.carriers.loc[carrier, "co2_emissions"]) if carrier in self.n.carriers.index else 0.0
            c = self._common("generators", name, row, "p_nom", self._zone("generators", name, str(row["bus"])), high)
            must = float(np.clip(share[high > 0].min(initial=1.0), 0.0, 1.0)) if (high > 0).any() else 0.0
            yield replace(
                c, cost_usd_per_mwh=float(cost.mean()), co2_t_per_mwh=co2 / float(row["efficiency"]), fuel=carrier,
                must_run_share=must,
            )  # fmt: skip

    def _links(self) -> Iterable[Candidate]:
        for name, row in self._each("links", "p_nom"):
            ends = [self._zone("links", name, str(row[b])) for b in ("bus0", "bus1")]
            if ends[0] == ends[1]:
                self._drop("link", name, "inside a zone")
                continue
            high, low = (self._series("links", name, f, row[f]) for f in ("p_max_pu", "p_min_pu"))
            keep = float(self._series("links", name, "efficiency", row["efficiency"]).mean())
            if not 0.0 < keep <= 1.0:
                self.problems.append(Problem(f"links[{name}].efficiency", keep, "a share in (0, 1]"))
                keep = 1.0
            back = np.allclose(low, -high)
            if not back and (low != 0).any():
                self._drop("link", name, "limits that differ by direction or least flow; it carries one way only")
            if float(row["marginal_cost"]) != 0.0:
                self._drop("link", name, "cost of the flow")
            c = self._common("links", name, row, "p_nom", ends[0], high)
            yield replace(c, kind="link", zone_to=ends[1], loss_share=1.0 - keep, one_way=not back)

    def _lines(self) -> Iterable[Candidate]:
        for kind in ("lines", "transformers"):
            for name, row in self._each(kind, "s_nom"):
                ends = [self._zone(kind, name, str(row[b])) for b in ("bus0", "bus1")]
                if ends[0] == ends[1]:
                    self._drop(kind, name, "inside a zone")
                    continue
                share = self._series(kind, name, "s_max_pu", row["s_max_pu"])
                self._drop(kind, name, "impedance (Kirchhoff's voltage law); its flow is held by limits only")
                c = self._common(kind, name, row, "s_nom", ends[0], share)
                yield replace(c, kind="link", zone_to=ends[1])

    def _storage_units(self) -> Iterable[Candidate]:
        for name, row in self._each("storage_units", "p_nom"):
            zone = self._zone("storage_units", name, str(row["bus"]))
            if self._series("storage_units", name, "inflow", row["inflow"]).any():
                self._drop("storage unit", name, "inflow")
            self._store_notes("storage unit", name, row, "cyclic_state_of_charge", "state_of_charge_initial")
            c = self._common("storage_units", name, row, "p_nom", zone, np.ones(len(self.n.snapshots)))
            yield replace(
                c, kind="storage", storage_hours=float(row["max_hours"]),
                free_start=bool(row["cyclic_state_of_charge"]), charge_efficiency=float(row["efficiency_store"]),
                discharge_efficiency=float(row["efficiency_dispatch"]),
            )  # fmt: skip

    def _stores(self) -> Iterable[Candidate]:
        for name, row in self._each("stores", "e_nom"):
            self._store_notes("store", name, row, "e_cyclic", "e_initial")
            zone = self._zone("stores", name, str(row["bus"]))
            c = self._common("stores", name, row, "e_nom", zone, np.ones(len(self.n.snapshots)))
            # all of it within an hour is no limit
            yield replace(c, kind="storage", storage_hours=1.0, free_start=bool(row["e_cyclic"]))

    def _store_notes(self, kind: str, name: str, row: pd.Series[Any], cyclic: str, first: str) -> None:
        if not row[cyclic]:
            self._drop(kind, name, f"first level of {float(row[first]):g} MWh, free last level: half full at both ends")
        for what, field in (("standing loss", "standing_loss"), ("cost of use", "marginal_cost")):
            if float(row[field]) != 0.0:
                self._drop(kind, name, what)


def _number(row: pd.Series[Any], field: str, default: float) -> float:
    value = float(row.get(field, default))
    return default if math.isnan(value) else value
