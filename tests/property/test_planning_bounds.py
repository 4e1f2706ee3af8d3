"""Bounds of planning hold whatever the system: clearing against linear programs and against its own prices."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridrush.case.system import Demand, Links, Reservoirs, Storage, System, Units
from gridrush.planning.clearing import Clearing, price_cut, tree_of
from gridrush.planning.operation import Operation, operation
from gridrush.planning.options import Candidate, Future
from gridrush.planning.refresh import no_values, operate

T = 24
POOL = ThreadPoolExecutor(1)


def random_operation(seed: int, *, memory: bool, loss: bool) -> tuple[Operation, np.ndarray, np.ndarray]:
    """Two to five zones on a tree, with ties in cost and power paid to run; two standing plans."""
    r = np.random.default_rng(seed)
    Z, G, B = int(r.integers(2, 6)), int(r.integers(3, 12)), int(r.integers(2, 7))
    profiles = np.vstack([np.ones(T), np.zeros(T), r.random((3, T)), 0.3 * r.random(T)])
    cost = np.round(r.uniform(-5, 60, G), -1 if r.random() < 0.5 else 2)
    units = Units(
        tuple(f"u{i}" for i in range(G)), ("t",) * G, ("f",) * G, r.integers(0, Z, G), r.uniform(0, 100, G), cost,
        r.choice([0, 2, 3, 4], G), r.choice([1, 1, 5], G), np.where((np.arange(G) == 0) & memory, 0, -1),
        np.full(G, np.inf), np.ones(G), np.zeros(G), r.random(G), np.ones(G),
    )  # fmt: skip
    kinds = r.choice(["firm", "interruptible", "export"], B)
    demand = Demand(tuple(f"d{i}" for i in range(B)), tuple(kinds), r.integers(0, Z, B), r.uniform(0, 90, (T, B)),
                    np.round(r.uniform(5, 500, B), -1))  # fmt: skip
    parent = np.array([r.integers(0, k) for k in range(1, Z)])
    double = [*parent, parent[0]] if r.random() < 0.3 else [*parent]
    child = [*range(1, Z), 1] if len(double) == Z else [*range(1, Z)]
    swap = r.random(len(child)) < 0.5
    a, b = np.where(swap, child, double), np.where(swap, double, child)
    lost = np.round(r.uniform(0, 0.1, Z - 1), 2) * loss
    losses = np.array([lost[c - 1] for c in child])
    L = len(child)
    links = Links(tuple(f"l{i}" for i in range(L)), a.astype(np.int64), b.astype(np.int64),
                  np.round(r.uniform(-20, 60, L).clip(0)), np.round(r.uniform(-20, 60, L).clip(0)), losses,
                  r.choice([0, 2], L), np.full(L, np.inf), np.ones(L))  # fmt: skip
    store = Storage(("s",), np.array([0]), np.array([20.0]), np.array([15.0]), np.array([50.0]), np.array([0.9]),
                    np.array([0.95]), np.array([0.3]))  # fmt: skip
    water = Reservoirs(("w",), np.array([[units.capacity_mw[0] * 6 + 30 * T * 0.3]]))
    time = np.datetime64("2030-01-01T00", "h") + np.arange(T)
    system = System(tuple(f"z{i}" for i in range(Z)), time, np.zeros(T, np.int64), profiles, units, demand, links,
                    *((store, water) if memory else ()))  # fmt: skip
    candidates = [
        Candidate("new", "gas", 0, cost_usd_per_mwh=30.0),
        Candidate("wind", "wind", Z - 1),
        Candidate("line", "line", 0, zone_to=1, kind="link", loss_share=float(lost[0])),
    ]
    if memory:
        battery = Candidate("battery", "battery", Z - 1, kind="storage", storage_hours=3, charge_efficiency=0.9)
        candidates.append(battery)
    available = np.ones((len(candidates), T))
    available[1] = profiles[2]
    x, y = r.uniform(0, 60, (2, len(candidates)))
    return operation(Future("f", 1.0, system, available), candidates), x, y


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_without_memory_clearing_is_the_linear_program_and_its_prices_prove_it(seed: int, loss: bool) -> None:
    op, x, y = random_operation(seed, memory=False, loss=loss)
    tree = tree_of(op)
    assert tree is not None
    cleared = Clearing(op, tree).run(x, values=no_values(op))
    (lp,) = operate([op], [x], pool=POOL, bases={}, keys=[0], probe=False)
    assert cleared.missing_mw == 0.0
    assert cleared.cost_usd == pytest.approx(lp.cost_usd, rel=1e-7, abs=1e-3)
    cut = price_cut(op, cleared.price, no_values(op))
    assert cut.at(x) == pytest.approx(cleared.cost_usd, rel=1e-6, abs=1e-2)
    (other,) = operate([op], [y], pool=POOL, bases={}, keys=[0], probe=False)
    assert cut.at(y) <= other.cost_usd * (1 + 1e-9) + 1e-3


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_with_stores_and_water_both_bounds_hold_and_meet_where_values_are_right(seed: int, loss: bool) -> None:
    op, x, y = random_operation(seed, memory=True, loss=loss)
    tree = tree_of(op)
    assert tree is not None
    (lp,) = operate([op], [x], pool=POOL, bases={}, keys=[0], probe=False)
    clearing = Clearing(op, tree)
    upper = clearing.run(x, schedule=lp.schedule)
    scale = abs(lp.cost_usd) + 1e4
    assert upper.cost_usd >= lp.cost_usd - 1e-6 * scale
    assert upper.cost_usd == pytest.approx(lp.cost_usd, abs=1e-5 * scale)
    for cut in (
        price_cut(op, lp.price, lp.values), price_cut(op, clearing.run(x, values=lp.values).price, lp.values)
    ):  # fmt: skip
        assert cut.at(x) == pytest.approx(lp.cost_usd, abs=1e-5 * scale)
        (other,) = operate([op], [y], pool=POOL, bases={}, keys=[0], probe=False)
        assert cut.at(y) <= other.cost_usd + 1e-6 * scale
    nonsense = price_cut(op, 50.0 * np.random.default_rng(seed).random((op.Z, op.T)), lp.values)
    assert nonsense.at(x) <= lp.cost_usd + 1e-6 * scale
