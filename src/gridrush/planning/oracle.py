"""One future of one stage, asked again and again: bounds on its cost of operation at other capacities."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from gridrush.planning.budgets import Budgets, mixed, priced
from gridrush.planning.clearing import Clearing, Cut, Schedule, Tree, Values, price_cut, tree_of
from gridrush.planning.operation import Operation
from gridrush.planning.refresh import Bases, Operated, has_memory, no_values, operate
from gridrush.units import Floats

TURNS = 6
"""Turns between schedules and prices of budgets, at most."""


@dataclass(eq=False)
class Oracle:
    """An operation with the values and schedule learnt last."""

    op: Operation
    budgets: Budgets
    tree: Tree | None
    values: Values
    schedule: Schedule
    multiplier: Floats  # (K,) price of each budget
    clearing: Clearing | None  # of the operation with budgets priced

    @staticmethod
    def of(op: Operation, budgets: Budgets) -> Oracle:
        """An oracle that knows nothing yet."""
        tree = tree_of(op)
        J, none = op.store_zone.size, np.zeros(budgets.limit.size)
        empty = Schedule(np.zeros((J, op.T)), np.zeros((J, op.T)), np.zeros((op.zone.size, op.T)))
        clearing = None if tree is None else Clearing(op, tree)
        return Oracle(op, budgets, tree, no_values(op), empty, none, clearing)

    def price(self, multiplier: Floats) -> None:
        """Set the prices of the budgets."""
        if self.tree is not None and not np.array_equal(multiplier, self.multiplier):
            self.clearing = Clearing(priced(self.op, self.budgets, multiplier), self.tree)
        self.multiplier = multiplier

    def cut(self, standing_mw: Floats) -> Cut | None:
        """A lower bound that is tight here if the values learnt last are right here; None on a network with loops."""
        if self.clearing is None:
            return None
        cleared = self.clearing.run(standing_mw, values=self.values)
        return self.cut_of(cleared.price, self.values)

    def cut_of(self, price: Floats, values: Values) -> Cut:
        """The lower bound that prices of power and stored energy give."""
        k = price_cut(priced(self.op, self.budgets, self.multiplier), price, values)
        return Cut(k.const - float(self.multiplier @ self.budgets.limit), k.slope)


def learn(
    oracles: Sequence[Oracle], standing: Sequence[Floats], *, threads: int, bases: Bases,
    pool: ThreadPoolExecutor | None, tolerance: float,
) -> list[tuple[list[Cut], Operated]]:  # fmt: skip
    """Solve the operation of each oracle at its capacities: cuts that are tight there and a dispatch that exists.

    Where a year has budgets, their prices and the schedules are found in turns, until the bounds here differ by less
    than `tolerance` of the cost.
    """
    cuts: list[list[Cut]] = [[] for _ in oracles]
    best: list[Operated | None] = [None for _ in oracles]
    busy = list(range(len(oracles)))

    def one(n: int) -> bool:
        """Bounds of one oracle after its schedule was made; whether it needs another turn."""
        o, x = oracles[n], standing[n]
        if o.tree is None:
            (answer,) = operate([o.op], [x], threads=1, bases={}, keys=[n], probe=False)
            best[n] = answer
            return False
        if (k := o.cut(x)) is not None:
            cuts[n].append(k)
        made, multiplier = mixed(o.op, o.budgets, o.tree, x, o.schedule, o.multiplier)
        old = best[n]
        if old is None or made.cost_usd < old.cost_usd:
            best[n] = made
        if not o.budgets.limit.size:
            return False
        o.price(multiplier)
        if (k := o.cut(x)) is not None:
            cuts[n].append(k)
        upper = min(made.cost_usd, old.cost_usd if old is not None else np.inf)
        return upper - max(k.at(x) for k in cuts[n]) > tolerance * abs(upper)

    for _ in range(TURNS):
        tied = [n for n in busy if has_memory(oracles[n].op) or oracles[n].tree is None]
        solved = operate(
            [priced(oracles[n].op, oracles[n].budgets, oracles[n].multiplier) for n in tied],
            [standing[n] for n in tied], threads=threads, bases=bases, keys=tied, probe=True,
        )  # fmt: skip
        for n, answer in zip(tied, solved, strict=True):
            oracles[n].values, oracles[n].schedule = answer.values, answer.schedule
            cuts[n].append(oracles[n].cut_of(answer.price, answer.values))
        again = list(pool.map(one, busy)) if pool is not None else [one(n) for n in busy]
        busy = [n for n, more in zip(busy, again, strict=True) if more]
        if not busy:
            break
    return [(k, o) for k, o in zip(cuts, best, strict=True) if o is not None]
