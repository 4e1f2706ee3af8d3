"""Random systems that look like power systems, for tests and benchmarks; no number here is a fact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gridrush.case.system import (
    NO_RESERVOIRS,
    NO_STORAGE,
    BlockKind,
    Demand,
    Links,
    Reservoirs,
    Storage,
    System,
    Units,
)  # fmt: skip


def random_system(
    seed: int, *, zones: int = 3, units: int = 46, hours: int = 168, meshed: bool = False, lossy: bool = True,
    ties: bool = False, stores: int = 0, reservoirs: int = 0,
) -> System:  # fmt: skip
    """A random system: units with daily profiles, noise and must-run, three blocks a zone, a tree or a mesh of links.

    Parameters
    ----------
    seed : int
    zones, units, hours : int
        Sizes Z, G, T.
    meshed : bool
        Add links that close loops, some of them beside another link.
    lossy : bool
        Links lose up to 8% of their flow; otherwise nothing.
    ties : bool
        Costs and values fall on multiples of 10 USD/MWh, some below zero, so that many are equal.
    stores, reservoirs : int
        Numbers of stores, and of reservoirs with two units each and a budget for every 730 hours.
    """
    rng = np.random.Generator(np.random.Philox(key=seed))
    T, Z, G, clock = hours, zones, units, np.arange(hours)
    rows = [np.ones(T), np.zeros(T)]
    for _ in range(6):
        wave = 0.6 + 0.35 * np.sin(clock / 24 * 2 * np.pi + rng.random() * 6)
        rows.append(np.clip(wave + 0.15 * rng.standard_normal(T), 0, 1))
    rows += [np.clip(0.3 * rows[2], 0, 1), np.clip(0.2 * rows[3], 0, 1)]
    capacity, cost = rng.uniform(20, 300, G), rng.uniform(5, 120, G)
    available = rng.choice([0, 0, 0, 2, 3, 4, 5, 6, 7], G)
    must_run = rng.choice([1, 1, 1, 8, 9], G)
    cost[(available > 1) & (rng.random(G) < 0.3)] = 0.0
    if ties:
        cost = np.round(cost / 10) * 10.0
        cost[rng.random(G) < 0.05] = -5.0
    reservoir = np.full(G, -1)
    period = clock // 730
    budget = np.zeros((reservoirs, int(period[-1]) + 1))
    for h in range(reservoirs):
        own = rng.choice(np.flatnonzero(reservoir < 0), 2, replace=False)
        reservoir[own], must_run[own], cost[own] = h, 1, rng.uniform(0, 5, 2)
        budget[h] = rng.uniform(0.15, 0.55, budget.shape[1]) * capacity[own].sum() * np.bincount(period)
    fleet = Units(
        tuple(f"unit {g}" for g in range(G)), ("plant",) * G, ("fuel",) * G, rng.integers(0, Z, G), capacity, cost,
        available, must_run, reservoir, np.full(G, 1000.0), np.full(G, 50.0), np.zeros(G), np.zeros(G),
        rng.uniform(0.1, 1.0, G),
    )  # fmt: skip
    total, weight = capacity.sum(), rng.dirichlet(np.full(Z, 2.0))
    names: list[str] = []
    kinds: list[BlockKind] = []
    values: list[float] = []
    loads = []
    for z in range(Z):
        shape = 0.62 + 0.15 * np.sin(clock / 24 * 2 * np.pi + 1) + 0.12 * np.sin(clock / 8760 * 2 * np.pi)
        load = np.maximum(total * weight[z] * (shape + 0.03 * rng.standard_normal(T)), 0.0)
        parts: tuple[tuple[BlockKind, float, float], ...] = (
            ("firm", 0.85, 3000.0), ("interruptible", 0.1, rng.uniform(40, 400)), ("export", 0.05, rng.uniform(20, 90)),
        )  # fmt: skip
        for kind, share, value in parts:
            names.append(f"{kind} {z}")
            kinds.append(kind)
            values.append(float(np.round(value / 10) * 10 if ties else value))
            loads.append(share * load)
    demand = Demand(tuple(names), tuple(kinds), np.repeat(np.arange(Z), 3), np.stack(loads, axis=1), np.array(values))
    ends = [(z, int(rng.integers(0, z))) for z in range(1, Z)]
    if meshed and Z > 1:
        for _ in range(max(1, Z // 2)):
            a, b = rng.choice(Z, 2, replace=False)
            ends.append((int(a), int(b)))
    L = len(ends)
    pairs = np.array([e if rng.random() < 0.5 else e[::-1] for e in ends], np.int64).reshape(L, 2)
    links = Links(
        tuple(f"link {i}" for i in range(L)), pairs[:, 0].copy(), pairs[:, 1].copy(),
        rng.uniform(0.005, 0.12, L) * total, rng.uniform(0.005, 0.12, L) * total,
        rng.uniform(0, 0.08, L) if lossy else np.zeros(L), rng.choice([0, 0, 2], L), np.full(L, np.inf), np.zeros(L),
    )  # fmt: skip
    time = np.datetime64("2021-01-01T00") + clock * np.timedelta64(1, "h")
    system = System(
        tuple(f"zone {z}" for z in range(Z)), time, period, np.stack(rows), fleet, demand, links, NO_STORAGE,
        Reservoirs(tuple(f"water {h}" for h in range(reservoirs)), budget) if reservoirs else NO_RESERVOIRS,
    )  # fmt: skip
    if not stores:
        return system
    power = rng.uniform(0.01, 0.04, (2, stores)) * total
    storage = Storage(
        tuple(f"store {j}" for j in range(stores)), rng.integers(0, Z, stores), power[0], power[1],
        rng.uniform(0.04, 0.2, stores) * total, rng.uniform(0.85, 0.97, stores), rng.uniform(0.85, 0.97, stores),
        rng.uniform(0, 1, stores),
    )  # fmt: skip
    return replace(system, storage=storage)
