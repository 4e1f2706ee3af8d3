"""What may be built when: the rows that tie builds to what stands, shared by the whole program and by the master."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gridrush.planning.lp import MW_PER_GW, Rows
from gridrush.planning.options import Candidate, Stage
from gridrush.units import Floats

PEAK_HOURS = 20
"""Hours of the highest net load over which the firm part of wind, sun and water is measured."""


@dataclass(frozen=True, eq=False)
class Margin:
    """Firm capacity that sets of zones must hold: rows of coefficients @ standing [MW] >= need [MW]."""

    coefficient: Floats  # (R, C)
    firm_mw: Floats  # (R,) of what stands without the plan, links into the set within
    peak_mw: Floats  # (R,)
    name: tuple[str, ...]

    def need(self, margin_share: float) -> Floats:
        """Firm capacity still to be built. [MW] (R,)"""
        return (1.0 + margin_share) * self.peak_mw - self.firm_mw


@dataclass(frozen=True, eq=False)
class PlanColumns:
    """Columns of builds and of what stands, (Y, C), and where each group of rows is."""

    build: NDArray[np.int64]
    standing: NDArray[np.int64]  # GW
    groups: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def add_plan(
    rows: Rows, stages: Sequence[Stage], candidates: Sequence[Candidate], *, integer: bool,
    margins: Sequence[Margin] | None = None, margin_share: Sequence[float] = (),
) -> PlanColumns:  # fmt: skip
    """Put builds and what stands into a program, with all limits on them and their annual cost."""
    Y, C = len(stages), len(candidates)
    unit = np.array([c.unit_mw / MW_PER_GW if c.unit_mw > 0 else 1.0 for c in candidates])
    build = np.zeros((Y, C), np.int64)
    standing = np.zeros((Y, C), np.int64)
    groups: dict[str, tuple[int, int]] = {}
    for i, c in enumerate(candidates):
        for y, s in enumerate(stages):
            room = 0.0 if c.earliest_year > s.year else math.inf
            if math.isfinite(c.build_mw_per_year):
                before = stages[y - 1].year if y else c.earliest_year - 1
                span = max(0, s.year - max(before, c.earliest_year - 1))
                first = max(0.0, c.first_mw - c.build_mw_per_year) if span and before < c.earliest_year else 0.0
                room = min(room, (c.build_mw_per_year * span + first) / MW_PER_GW)
                if c.unit_mw > 0 and integer:
                    room = math.floor(room / unit[i] + 1e-9) * unit[i]
            build[y, i] = rows.add_columns(np.zeros(1), np.zeros(1), np.array([room / unit[i]]))[0]
            if integer and c.unit_mw > 0:
                rows.integer.append(int(build[y, i]))
            most = min(c.max_mw, c.at_most_mw.get(s.year, math.inf)) / MW_PER_GW
            least = max((mw for year, mw in c.at_least_mw.items() if year <= s.year), default=0.0) / MW_PER_GW
            standing[y, i] = rows.add_columns(
                np.array([s.weight * c.annual_usd_per_mw]), np.zeros(1), np.array([most])
            )[0]
            r = rows.add_rows(np.zeros(1), np.zeros(1))
            rows.put(r, standing[y, i : i + 1], 1.0)
            for e in range(y + 1):
                if stages[e].year + c.life_years > s.year:
                    rows.put(r, build[e, i : i + 1], -unit[i])
            if least > 0:
                first = rows.rows
                rows.put(rows.add_rows(np.array([least]), np.array([np.inf])), standing[y, i : i + 1], 1.0)
                groups[f"at least {least * MW_PER_GW:.0f} MW of {c.name} by {s.year}"] = (first, rows.rows)
    sharing: dict[str, list[int]] = {}
    for i, c in enumerate(candidates):
        for name in c.replaces:
            sharing.setdefault(name, []).append(i)
    for name in {tuple(v): k for k, v in sharing.items() if len(v) > 1}.values():
        for y in range(Y):
            first = rows.rows
            r = rows.add_rows(np.array([-np.inf]), np.array([1.0]))
            for i in sharing[name]:
                rows.put(r, standing[y, i : i + 1], MW_PER_GW / candidates[i].max_mw)
            groups[f"{name} can be replaced only once"] = (first, rows.rows)
    for y, m in enumerate(margins or ()):
        need = m.need(margin_share[y])
        for k in range(need.size):
            first = rows.rows
            r = rows.add_rows(need[k : k + 1] / MW_PER_GW, np.array([np.inf]))
            rows.put(np.repeat(r, C), standing[y], m.coefficient[k])
            groups[f"firm capacity for {m.name[k]} in {stages[y].year}"] = (first, rows.rows)
    return PlanColumns(build, standing, groups)


def margin_of(stage: Stage, candidates: Sequence[Candidate]) -> Margin:
    """Firm capacity and peak of every set of zones, in the future where each set is shortest.

    A set of zones lives on what is firm inside it and on what links can carry into it; by max-flow min-cut, all sets
    together hold exactly when the peak can be met. Firm: capacity less forced outages for units that run at will,
    mean availability over the `PEAK_HOURS` hours of highest load for the rest, and for stores the power they can
    hold for the hours around the peak. Only a guide: the reliability target itself is tested by simulation.
    """
    Z = len(stage.futures[0].system.zones)
    sets = [s for n in range(1, Z + 1) for s in combinations(range(Z), n)]
    coefficient, firm, peak = np.zeros((len(sets), len(candidates))), np.zeros(len(sets)), np.zeros(len(sets))
    names = tuple(" + ".join(stage.futures[0].system.zones[z] for z in s) for s in sets)
    for k, inside in enumerate(sets):
        worst = -math.inf
        for f in stage.futures:
            s = f.system
            firm_load = np.zeros(s.time.size)
            for b, kind in enumerate(s.demand.kind):
                if kind == "firm" and s.demand.zone[b] in inside:
                    firm_load += s.demand.load_mw[:, b]
            hours = np.argsort(-firm_load, kind="stable")[: min(PEAK_HOURS, firm_load.size)]
            share = s.profiles[:, hours].mean(axis=1)
            u, g, link = s.units, s.storage, s.links
            mine = np.isin(u.zone, inside)
            have = float((u.capacity_mw * (1.0 - u.forced_outage_share) * share[u.available])[mine].sum())
            have += float(np.minimum(g.discharge_mw, g.energy_mwh / STORE_PEAK_H)[np.isin(g.zone, inside)].sum())
            a, b_in = np.isin(link.source, inside), np.isin(link.target, inside)
            have += float((link.forward_mw * (1.0 - link.loss_share) * share[link.available])[~a & b_in].sum())
            have += float((link.backward_mw * (1.0 - link.loss_share) * share[link.available])[a & ~b_in].sum())
            top = float(firm_load[hours].max(initial=0.0))
            if top - have <= worst:
                continue
            worst, firm[k], peak[k] = top - have, have, top
            for i, c in enumerate(candidates):
                if c.kind == "link":
                    enters = c.zone_to in inside and c.zone not in inside
                    leaves = c.zone in inside and c.zone_to not in inside and not c.one_way
                    coefficient[k, i] = (1.0 - c.loss_share) * float(enters or leaves)
                elif c.zone in inside:
                    credit = min(1.0, c.storage_hours / STORE_PEAK_H) if c.kind == "storage" else 1.0
                    if c.kind == "unit" and f.available is not None:
                        credit = float(f.available[i, hours].mean())
                    credit *= 1.0 - c.forced_outage_share
                    coefficient[k, i] = c.credit_share if c.credit_share is not None else credit
                for name in c.replaces:
                    g_at = u.name.index(name) if name in u.name else -1
                    if g_at >= 0 and u.zone[g_at] in inside:
                        lost = u.capacity_mw[g_at] * (1.0 - u.forced_outage_share[g_at]) * share[u.available[g_at]]
                        coefficient[k, i] -= float(lost) / c.max_mw
    return Margin(coefficient, firm, peak, names)


STORE_PEAK_H = 4.0
"""Hours a store must hold its power around the peak to count in full."""
