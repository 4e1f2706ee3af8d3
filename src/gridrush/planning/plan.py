"""A plan: what is built when, what it costs line by line, how good it can be, how far any limit is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gridrush.case.estimate import Estimate
from gridrush.case.system import System
from gridrush.planning.clearing import tree_of
from gridrush.planning.decomposition import Progress, gap_share
from gridrush.planning.operation import Operation, operation
from gridrush.planning.options import Candidate, Stage, with_builds
from gridrush.planning.refresh import Operated
from gridrush.units import Floats

LINES = ("capex", "fixed", "variable", "import", "carbon", "unserved", "interrupted", "export")
"""Cost lines. `export` is what sales not made would have paid, as in dispatch."""

_KIND_LINE = {"firm": "unserved", "interruptible": "interrupted", "export": "export"}


@dataclass(frozen=True, eq=False)
class Plan:
    """Result of `expand`. Axes: stage Y, candidate C."""

    stages: Sequence[Stage]
    candidates: Sequence[Candidate]
    standing_mw: Floats  # (Y, C)
    built_mw: Floats  # (Y, C) new at each stage
    cost_usd: float  # present value
    lower_bound_usd: float
    costs: pd.DataFrame  # year x LINES, present value [USD]; its sum is cost_usd
    price_usd_per_mwh: list[list[Floats]]  # by stage and future: (Z, T)
    generation_mw: list[list[Floats]]  # items (N, T), in the order of `operation`
    unserved_mw: list[list[Floats]]  # blocks (B, T)
    co2_t: Floats  # (Y,) expected in the year
    violation_mw: float  # largest distance of any limit from being kept
    seconds: float
    engine: str
    log: tuple[Progress, ...] = ()
    margin_share: tuple[float, ...] = ()
    lole: tuple[Estimate, ...] = field(default=())  # h/yr of each stage, when asked for

    @property
    def gap(self) -> float:
        """Distance of the cost from its lower bound, as a share of the cost."""
        return gap_share(self.cost_usd, self.lower_bound_usd)

    @property
    def years(self) -> list[int]:
        """Milestone years."""
        return [s.year for s in self.stages]

    @property
    def units(self) -> np.ndarray:
        """Whole units standing of discrete candidates, 0 for the others. (Y, C)"""
        size = np.array([c.unit_mw for c in self.candidates])
        return np.where(size > 0, np.round(self.standing_mw / np.where(size > 0, size, 1.0)), 0).astype(np.int64)

    def schedule(self) -> pd.DataFrame:
        """Builds as a table: candidate, technology, zone, year, built_mw, standing_mw; only what is built."""
        zones = self.stages[0].futures[0].system.zones
        rows = [
            (c.name, c.technology, zones[c.zone], s.year, float(self.built_mw[y, i]), float(self.standing_mw[y, i]))
            for i, c in enumerate(self.candidates)
            for y, s in enumerate(self.stages)
            if self.built_mw[y, i] > 0.5
        ]
        return pd.DataFrame(rows, columns=["candidate", "technology", "zone", "year", "built_mw", "standing_mw"])

    def system(self, stage: int, future: int = 0) -> System:
        """The system of a stage and future with what stands in the plan."""
        return with_builds(self.stages[stage].futures[future], self.candidates, self.standing_mw[stage])

    def generation(self) -> pd.DataFrame:
        """Expected energy of each fuel in each year, imports and unserved energy within. [MWh]"""
        rows: list[dict[str, float]] = []
        for y, s in enumerate(self.stages):
            line: dict[str, float] = {}
            for f, op in enumerate(operation(x, self.candidates) for x in s.futures):
                p = s.futures[f].probability
                for fuel, mwh in zip(op.fuel, self.generation_mw[y][f] @ op.weight, strict=True):
                    line[fuel] = line.get(fuel, 0.0) + p * float(mwh)
                for kind, mwh in zip(op.block_kind, self.unserved_mw[y][f] @ op.weight, strict=True):
                    name = _KIND_LINE[kind]
                    line[name] = line.get(name, 0.0) + p * float(mwh)
            rows.append(line)
        return pd.DataFrame(rows, index=pd.Index(self.years, name="year")).fillna(0.0)

    def tables(self) -> dict[str, pd.DataFrame]:
        """What a workbook of the plan holds, by sheet."""
        found = {"builds": self.schedule(), "costs_usd": self.costs, "energy_mwh": self.generation()}
        zones = self.stages[0].futures[0].system.zones
        mean = [
            sum(f.probability * np.average(p, axis=1, weights=f.weight) for f, p in zip(s.futures, prices, strict=True))
            for s, prices in zip(self.stages, self.price_usd_per_mwh, strict=True)
        ]
        found["price_usd_per_mwh"] = pd.DataFrame(mean, index=pd.Index(self.years, name="year"), columns=list(zones))
        if self.lole:
            risk = {"LOLE_h": [e.mean for e in self.lole], "LOLE_h_stderr": [e.stderr for e in self.lole]}
            found["reliability"] = pd.DataFrame(risk, index=pd.Index(self.years, name="year"))
        return found

    def to_dict(self) -> dict[str, object]:
        """What the command line prints as JSON."""
        return {
            "cost_usd": self.cost_usd, "lower_bound_usd": self.lower_bound_usd, "gap": self.gap,
            "seconds": self.seconds, "violation_mw": self.violation_mw, "engine": self.engine,
            "builds": self.schedule().to_dict("records"),
            "costs_usd": {str(y): {k: float(v) for k, v in row.items()} for y, row in self.costs.iterrows()},
            "co2_t": [float(x) for x in self.co2_t], "lole": [x.to_dict() for x in self.lole],
        }  # fmt: skip


def built_of(stages: Sequence[Stage], candidates: Sequence[Candidate], standing_mw: Floats) -> Floats:
    """What is new at each stage, given what stands: standing less earlier builds still alive. (Y, C)"""
    built = np.zeros_like(standing_mw)
    for i, c in enumerate(candidates):
        for y, s in enumerate(stages):
            alive = sum(built[e, i] for e in range(y) if stages[e].year + c.life_years > s.year)
            built[y, i] = max(0.0, standing_mw[y, i] - alive)
    return built


def cost_lines(
    stages: Sequence[Stage], candidates: Sequence[Candidate], ops: Sequence[Sequence[Operation]], standing_mw: Floats,
    operated: Sequence[Sequence[Operated]],
) -> tuple[pd.DataFrame, Floats]:  # fmt: skip
    """Present value of each cost line by year, and expected CO2 of each year (Y,)."""
    table = pd.DataFrame(0.0, index=pd.Index([s.year for s in stages], name="year"), columns=list(LINES))
    co2 = np.zeros(len(stages))
    for y, s in enumerate(stages):
        line = dict.fromkeys(LINES, 0.0)
        for i, c in enumerate(candidates):
            line["capex"] += c.capex_usd_per_mw_year * standing_mw[y, i]
            line["fixed"] += c.fixed_usd_per_mw_year * standing_mw[y, i]
        for future, op, o in zip(s.futures, ops[y], operated[y], strict=True):
            assert o.item_mw is not None
            assert o.unserved_mw is not None
            p, mwh, lost = future.probability, o.item_mw @ op.weight, o.unserved_mw @ op.weight
            carbon = s.carbon_price_usd_per_t * op.co2
            for i, fuel in enumerate(op.fuel):
                line["import" if fuel == "import" else "variable"] += p * float((op.cost[i] - carbon[i]) * mwh[i])
            line["carbon"] += p * float(carbon @ mwh)
            co2[y] += p * float(op.co2 @ mwh)
            for b, kind in enumerate(op.block_kind):
                line[_KIND_LINE[kind]] += p * float(op.value[b] * lost[b])
        table.loc[s.year] = [s.weight * line[k] for k in LINES]
    return table, co2


def violation_mw(op: Operation, standing_mw: Floats, o: Operated) -> float:
    """Largest distance of any limit of operation from being kept; energy limits count their MWh as MW."""
    assert o.item_mw is not None
    assert o.unserved_mw is not None
    x = standing_mw
    cap = op.mw.at(x)[:, None]
    worst = [
        (o.item_mw - cap * op.profiles[op.avail]).max(initial=0.0),
        (cap * op.profiles[op.must] - o.item_mw)[(op.reservoir < 0) & (op.cost >= 0)].max(initial=0.0),
        (o.unserved_mw - op.load).max(initial=0.0), (-o.unserved_mw).max(initial=0.0),
    ]  # fmt: skip
    net = np.zeros((op.Z, op.T))
    np.add.at(net, op.zone, o.item_mw)
    np.add.at(net, op.block_zone, o.unserved_mw - op.load)
    charge = o.schedule.charge * op.charge.at(x)[:, None]
    discharge = o.schedule.discharge * op.discharge.at(x)[:, None]
    np.add.at(net, op.store_zone, discharge - charge)
    energy = op.energy.at(x)
    moved = charge * op.eta_in[:, None] - discharge / op.eta_out[:, None]
    so_far = np.cumsum(moved, axis=1)
    start = np.where(op.free_start, -so_far.min(axis=1, initial=0.0), op.start_share * energy)
    content = start[:, None] + so_far
    worst += [(content - energy[:, None]).max(initial=0.0), (-content).max(initial=0.0)]
    if op.store_zone.size:
        worst.append(np.abs(content[:, -1] - start).max())
    forward, backward = op.forward.at(x)[:, None], op.backward.at(x)[:, None]
    share = op.profiles[op.link_avail]
    if o.flow_mw is not None:
        f, g = o.flow_mw
        both = (op.loss == 0)[:, None]
        worst += [(f - forward * share).max(initial=0.0), (g - backward * share).max(initial=0.0),
                  np.where(both, -f - backward * share, -f).max(initial=0.0), (-g).max(initial=0.0)]  # fmt: skip
        keep = (1.0 - op.loss)[:, None]
        np.add.at(net, op.source, -f + keep * g)
        np.add.at(net, op.target, keep * f - g)
    elif o.sent_mw is not None:
        tree = tree_of(op)
        assert tree is not None
        out, into = o.sent_mw
        for k, mine in enumerate(tree.links):
            if tree.parent[k] < 0:
                continue
            z, up, keep_k = tree.node_zone[k], tree.node_zone[tree.parent[k]], tree.keep[k]
            top = sum((forward[i] if points else backward[i]) * share[i] for i, points in mine)
            low = sum((backward[i] if points else forward[i]) * share[i] for i, points in mine)
            net[z] += keep_k * into[k] - out[k]
            net[up] += keep_k * out[k] - into[k]
            worst += [(out[k] - top).max(), (into[k] - low).max()]
    worst.append((-net).max(initial=0.0))
    for h in range(op.water.shape[0]):
        mine = op.reservoir == h
        have = np.bincount(op.period, weights=o.item_mw[mine].sum(axis=0), minlength=op.water.shape[1])
        worst.append((have - op.water[h]).max())
    return float(max(worst))
