"""Limits over a whole year: carbon and fuels. Priced in the bound; kept by mixing dispatches in the plan.

A set of dispatches is convex: the cheapest mixture of dispatches made at different prices of the budgets keeps the
budgets exactly, and the dual values of that mixture are the next prices to try (column generation).

References
----------
G. B. Dantzig and P. Wolfe, "Decomposition principle for linear programs", Operations Research 8 (1960) 101-111.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gridrush.errors import InfeasibleError
from gridrush.planning.clearing import Cleared, Clearing, Schedule, Tree
from gridrush.planning.operation import Operation
from gridrush.planning.options import Stage
from gridrush.planning.refresh import Operated, no_values
from gridrush.units import Floats

ROUNDS = 25


@dataclass(frozen=True, eq=False)
class Budgets:
    """K limits on weighted sums of generation over all hours."""

    name: tuple[str, ...]
    coefficient: Floats  # (K, N) per MWh
    limit: Floats  # (K,)


def budgets_of(op: Operation, stage: Stage) -> Budgets:
    """The carbon cap and fuel caps of a stage."""
    names, rows, limits = [], [], []
    if np.isfinite(stage.carbon_cap_t):
        names.append(f"carbon cap of {stage.carbon_cap_t:.6g} t in {stage.year}")
        rows.append(op.co2)
        limits.append(stage.carbon_cap_t)
    for fuel, mwh in stage.fuel_cap_mwh.items():
        names.append(f"{fuel} cap of {mwh:.6g} MWh in {stage.year}")
        rows.append(np.array([float(f == fuel) for f in op.fuel]))
        limits.append(mwh)
    return Budgets(tuple(names), np.array(rows).reshape(len(rows), op.zone.size), np.array(limits))


def priced(op: Operation, budgets: Budgets, multiplier: Floats) -> Operation:
    """The operation with the budgets' prices added to the cost of items."""
    if not multiplier.any():
        return op
    return replace(op, cost=op.cost + multiplier @ budgets.coefficient)


def used(op: Operation, budgets: Budgets, item_mw: Floats) -> Floats:
    """How much of each budget a dispatch takes. (K,)"""
    return np.asarray(budgets.coefficient @ (item_mw @ op.weight))


def _generate(
    op: Operation, budgets: Budgets, clear: Callable[[Clearing], Cleared], tree: Tree, start: Floats
) -> tuple[list[Cleared], Floats, Floats]:
    """Dispatches, the shares of the cheapest mixture within the budgets, and the budgets' prices."""
    from scipy.optimize import linprog

    K = budgets.limit.size
    top = 2.0 * float(np.abs(op.value).max(initial=1.0))
    tries = [np.zeros(K), start] if start.any() else [np.zeros(K)]
    tries.append(np.array([top / max(float(row[row > 0].min(initial=1.0)), 1e-9) for row in budgets.coefficient]))
    dispatches: list[Cleared] = []
    costs: list[float] = []
    usage: list[Floats] = []

    def ask(multiplier: Floats) -> float:
        c = clear(Clearing(priced(op, budgets, multiplier), tree))
        dispatches.append(c)
        usage.append(used(op, budgets, c.item_mw))
        costs.append(c.cost_usd - float(multiplier @ usage[-1]))
        return c.cost_usd

    for m in tries:
        ask(m)
    scale = np.maximum(np.abs(budgets.limit), 1.0)
    multiplier, share = np.zeros(K), np.zeros(0)
    for _ in range(ROUNDS):
        c = np.array(costs)
        unit = max(1.0, float(np.abs(c).max()))
        mix = linprog(
            c / unit, A_ub=np.array(usage).T / scale[:, None], b_ub=budgets.limit / scale,
            A_eq=np.ones((1, c.size)), b_eq=[1.0], method="highs",
        )  # fmt: skip
        if mix.status != 0:
            raise InfeasibleError(
                "no dispatch keeps the limits of the year: what must run already exceeds them",
                [f"{n}: at least {u:.6g} is used" for n, u in zip(budgets.name, np.min(usage, axis=0), strict=True)],
            )
        share = np.asarray(mix.x)
        multiplier = np.maximum(-np.asarray(mix.ineqlin.marginals) * unit / scale, 0.0)
        before = float(mix.fun or 0.0) * unit + float(multiplier @ budgets.limit)
        if before - ask(multiplier) <= 1e-6 * unit:
            costs.pop(), usage.pop(), dispatches.pop()
            break
        share = np.append(share, 0.0)
    return dispatches, share[: len(dispatches)], multiplier


def mixed(op: Operation, budgets: Budgets, tree: Tree, standing_mw: Floats, schedule: Schedule,
          multiplier: Floats) -> tuple[Operated, Floats]:  # fmt: skip
    """A dispatch that exists, stores and reservoirs held to a schedule, yearly limits kept; their prices."""
    x, values = standing_mw, no_values(op)
    if not budgets.limit.size:
        c = Clearing(op, tree).run(x, schedule=schedule)
        return Operated(values, schedule, c.price, c.cost_usd, c.missing_mw, None, None, None, None), multiplier
    all_of, share, found = _generate(
        op, budgets, lambda c: c.run(x, schedule=schedule, detail=True), tree, multiplier
    )
    item = sum((s * c.item_mw for s, c in zip(share, all_of, strict=True)), np.zeros((op.zone.size, op.T)))
    unserved = sum((s * c.unserved_mw for s, c in zip(share, all_of, strict=True)), np.zeros((op.value.size, op.T)))
    out, into = (
        sum(
            (s * np.maximum(sign * c.sent_mw, 0.0) for s, c in zip(share, all_of, strict=True)),
            np.zeros((op.Z, op.T)),
        )
        for sign in (1.0, -1.0)
    )
    cost = float(op.cost @ (item @ op.weight)) + float(op.value @ (unserved @ op.weight))
    missing = max((c.missing_mw for s, c in zip(share, all_of, strict=True) if s > 0), default=0.0)
    best = all_of[int(np.argmax(share))]
    return Operated(values, schedule, best.price, cost, missing, item, unserved, (out, into), None), found
