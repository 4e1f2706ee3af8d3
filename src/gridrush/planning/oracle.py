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
    learnt: bool = False  # whether values and schedule come from a solution

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
    oracles: Sequence[Oracle], standing: Sequence[Floats], *, bases: Bases, pool: ThreadPoolExecutor, tolerance: float
) -> list[tuple[list[Cut], Operated]]:
    """Cuts of each oracle that are tight at its capacities, and a dispatch that exists.

    Where what was learnt last still gives bounds within `tolerance` of the cost, nothing is solved. Where a year has
    budgets, their prices and the schedules are found in turns, until the bounds meet as closely.
    """
    cuts: list[list[Cut]] = [[] for _ in oracles]
    best: list[Operated | None] = [None for _ in oracles]

    def one(n: int) -> bool:
        """Bounds of one oracle by its schedule and values; whether they are too far apart."""
        o, x = oracles[n], standing[n]
        assert o.tree is not None
        made, multiplier = mixed(o.op, o.budgets, o.tree, x, o.schedule, o.multiplier)
        now = best[n]
        if now is None or (made.missing_mw, made.cost_usd) < (now.missing_mw, now.cost_usd):
            now = best[n] = made
        cuts[n] += [k for k in (o.cut(x),) if k is not None]
        if o.budgets.limit.size:
            o.price(multiplier)
            cuts[n] += [k for k in (o.cut(x),) if k is not None]
        return now.missing_mw > 0 or now.cost_usd - max(k.at(x) for k in cuts[n]) > tolerance * abs(now.cost_usd)

    def each(numbers: Sequence[int]) -> list[int]:
        return [n for n, more in zip(numbers, pool.map(one, numbers), strict=True) if more]

    def solve(numbers: Sequence[int], *, probe: bool) -> list[Operated]:
        ops = [priced(oracles[n].op, oracles[n].budgets, oracles[n].multiplier) for n in numbers]
        return operate(ops, [standing[n] for n in numbers], pool=pool, bases=bases, keys=numbers, probe=probe)

    looped = [n for n, o in enumerate(oracles) if o.tree is None]
    for probe in (True, False):
        for n, answer in zip(looped, solve(looped, probe=probe), strict=True):
            best[n] = answer
            if probe:
                cuts[n].append(oracles[n].cut_of(answer.price, answer.values))
    known = [n for n, o in enumerate(oracles) if o.learnt]
    enough = set(looped) | (set(known) - set(each(known)))
    busy = [n for n in range(len(oracles)) if n not in enough]
    for _ in range(TURNS):
        tied = [n for n in busy if has_memory(oracles[n].op)]
        for n, answer in zip(tied, solve(tied, probe=True), strict=True):
            o = oracles[n]
            o.values, o.schedule, o.learnt = answer.values, answer.schedule, True
            cuts[n].append(o.cut_of(answer.price, answer.values))
        busy = [n for n in each(busy) if oracles[n].budgets.limit.size]
        if not busy:
            break
    return [(k, o) for k, o in zip(cuts, best, strict=True) if o is not None]
