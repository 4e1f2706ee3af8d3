"""The whole problem as one program: truth for small problems, and what the decomposition is tested against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gridrush.planning.budgets import budgets_of
from gridrush.planning.limits import Margin, add_plan
from gridrush.planning.lp import MW_PER_GW, Columns, Rows, add_operation, solved, solver
from gridrush.planning.operation import Operation, operations
from gridrush.planning.options import Candidate, Stage
from gridrush.planning.refresh import Operated, gathered
from gridrush.units import Floats

USD_PER_K = 1000.0


def solve_whole(
    stages: Sequence[Stage], candidates: Sequence[Candidate], *, gap: float = 1e-6, integer: bool = True,
    margins: Sequence[Margin] | None = None, margin_share: Sequence[float] = (), seconds: float = np.inf,
) -> tuple[Floats, list[list[Operated]], float, float] | None:  # fmt: skip
    """Every hour of every future in one linear or mixed-integer program.

    Returns
    -------
    tuple or None
        Standing capacity (Y, C) [MW], operation by stage and future, cost and its lower bound [USD];
        None when no plan exists.
    """
    rows = Rows()
    plan = add_plan(rows, stages, candidates, integer=integer, margins=margins, margin_share=margin_share)
    ops = operations(stages, candidates)
    where: list[list[Columns]] = []
    for y, (stage, mine) in enumerate(zip(stages, ops, strict=True)):
        where.append([])
        for future, op in zip(stage.futures, mine, strict=True):
            scale = stage.weight * future.probability
            c = add_operation(rows, op, hours=slice(0, op.T), scale=scale, standing_column=plan.standing[y])
            where[y].append(c)
            budgets = budgets_of(op, stage)
            for k in range(budgets.limit.size):
                r = rows.add_rows(np.array([-np.inf]), np.array([budgets.limit[k] / MW_PER_GW / op.T]))
                for i in np.flatnonzero(budgets.coefficient[k]):
                    if c.item[i, 0] >= 0:
                        rows.put(np.repeat(r, op.T), c.item[i], budgets.coefficient[k, i] * op.weight / op.T)
    options = {"mip_rel_gap": gap, "mip_feasibility_tolerance": 1e-8} if rows.integer else {}
    if np.isfinite(seconds):
        options["time_limit"] = seconds
    h = solver(rows, options)
    if not solved(h, "the whole program"):
        return None
    info, answer = h.getInfo(), h.getSolution()
    value, dual = np.asarray(answer.col_value), np.asarray(answer.row_dual)
    if not rows.integer:
        bound = info.objective_function_value
    else:
        bound = info.mip_dual_bound
        fixed = rows.integer  # prices come from the program with whole units held
        h.changeColsIntegrality(len(fixed), np.array(fixed, np.int32), np.zeros(len(fixed), np.uint8))
        held = np.round(value[fixed])
        h.changeColsBounds(len(fixed), np.array(fixed, np.int32), held, held)
        if solved(h, "the whole program, units held"):
            answer = h.getSolution()
            value, dual = np.asarray(answer.col_value), np.asarray(answer.row_dual)
    standing = np.maximum(value[plan.standing], 0.0) * MW_PER_GW
    out: list[list[Operated]] = []
    cost = 0.0
    costs = np.concatenate(rows.cost)
    cost = float(costs @ value) * USD_PER_K
    for y, mine in enumerate(ops):
        out.append([])
        for f, op in enumerate(mine):
            scale = stages[y].weight * stages[y].futures[f].probability
            part = (slice(0, op.T), (where[y][f], value, dual / scale, info.max_primal_infeasibility))
            out[y].append(gathered(op, standing[y], [part]))
    return standing, out, cost, float(bound) * USD_PER_K


def size(ops: Sequence[Sequence[Operation]]) -> int:
    """Columns of the whole program, roughly."""
    return sum(
        op.T * (op.zone.size + op.value.size + op.source.size + 3 * op.store_zone.size) for m in ops for op in m
    )
