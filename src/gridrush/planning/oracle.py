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
        return self._cut(cleared.price, self.values)

    def _cut(self, price: Floats, values: Values) -> Cut:
        k = price_cut(priced(self.op, self.budgets, self.multiplier), price, values)
        return Cut(k.const - float(self.multiplier @ self.budgets.limit), k.slope)


def learn(
    oracles: Sequence[Oracle], standing: Sequence[Floats], *, threads: int, bases: Bases, pool: ThreadPoolExecutor | None
) -> list[tuple[list[Cut], Operated]]:
    """Solve the operation of each oracle at its capacities: cuts that are tight there and a dispatch that exists."""
    for o, x in zip(oracles, standing, strict=True):
        if o.budgets.limit.size:
            o.price(o.budgets.find(o.op, o.tree, o.clearing is not None, x, o.values, o.multiplier))
    busy = [n for n, o in enumerate(oracles) if has_memory(o.op) or o.tree is None]
    solved = operate(
        [priced(oracles[n].op, oracles[n].budgets, oracles[n].multiplier) for n in busy],
        [standing[n] for n in busy], threads=threads, bases=bases, keys=busy, probe=True,
    )  # fmt: skip
    first = {}
    for n, answer in zip(busy, solved, strict=True):
        o = oracles[n]
        o.values, o.schedule = answer.values, answer.schedule
        first[n] = o._cut(answer.price, answer.values)

    def one(n: int) -> tuple[list[Cut], Operated]:
        o, x = oracles[n], standing[n]
        cuts = [first[n]] if n in first else []
        if o.tree is None:
            (answer,) = operate([o.op], [x], threads=1, bases={}, keys=[n], probe=False)
            return cuts, answer
        if (k := o.cut(x)) is not None:
            cuts.append(k)
        return cuts, mixed(o.op, o.budgets, o.tree, x, o.schedule, o.multiplier)

    numbers = range(len(oracles))
    return list(pool.map(one, numbers)) if pool is not None else [one(n) for n in numbers]
