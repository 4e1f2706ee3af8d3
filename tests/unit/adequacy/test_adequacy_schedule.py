"""Water spent where its zone lacks most, against the formula of `planned_supply` written out a second time."""

import numpy as np
import pytest
from scipy.optimize import brentq

from gridrush.adequacy import planned_supply
from gridrush.grid.lp import unit_limits_mw
from gridrush.grid.synthetic import random_system


def side(system, lack, zone, seen=()):
    """What a zone and all behind it lack once their neighbours have lent what they can. (T,)"""
    k, total = system.links, lack[zone].copy()

    def limit(a, b):
        return ((k.source == a) & (k.target == b)) @ k.forward_mw + ((k.target == a) & (k.source == b)) @ k.backward_mw

    for n in range(len(system.zones)):
        there, back = limit(zone, n), limit(n, zone)
        if n not in seen and n != zone and (there > 0 or back > 0):
            total += np.clip(side(system, lack, n, (*seen, zone)), -back, there)
    return total


@pytest.mark.parametrize("outages", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_water_is_spent_above_one_level_of_lack_in_each_period(seed, outages):
    rng = np.random.default_rng(seed)
    s = random_system(seed, zones=4, units=14, hours=96, reservoirs=1)
    u, T = s.units, s.time.size
    up = (rng.random((T, len(u))) > 0.2).astype(float) if outages else None
    low, high = unit_limits_mw(s, up)
    fed = np.flatnonzero((u.reservoir == 0) & (u.capacity_mw > 0))
    lack = np.zeros((len(s.zones), T))
    for b, kind in enumerate(s.demand.kind):
        lack[s.demand.zone[b]] += s.demand.load_mw[:, b] * (kind == "firm")
    for g in np.flatnonzero(u.reservoir < 0):
        share = 1.0 if outages else 1.0 - u.forced_outage_share[g]
        lack[u.zone[g]] -= high[:, g] * share
    need = side(s, lack, int(u.zone[fed[0]]))
    must, can = low[:, fed].sum(axis=1), high[:, fed].sum(axis=1)

    planned, _ = planned_supply(s, up=up)

    run = unit_limits_mw(planned, up)[1][:, fed].sum(axis=1)
    for p in np.unique(s.period):
        at = s.period == p
        energy = s.reservoirs.energy_mwh[0, p]

        def spent(level, at=at):
            return np.clip(need[at] - level, must[at], can[at])

        if can[at].sum() > energy > must[at].sum():
            level = brentq(lambda x, spent=spent, energy=energy: spent(x).sum() - energy, -1e6, 1e6, xtol=1e-10)
            np.testing.assert_allclose(run[at], spent(level), atol=1e-5)
        assert run[at].sum() == pytest.approx(np.clip(energy, 0.0, can[at].sum()), rel=1e-6)
