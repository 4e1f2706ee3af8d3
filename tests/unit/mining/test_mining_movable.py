"""Movable load that is not mining."""

import numpy as np
import pytest

from gridrush.mining.movable import KINDS, demand_blocks, respond


@pytest.mark.parametrize("name", sorted(KINDS))
def test_blocks_add_up_to_the_load(name):
    kind = KINDS[name]
    mw, value = demand_blocks(kind, 200.0)
    assert mw.sum() == pytest.approx(200.0 * kind.load_share)
    assert value[0] >= value[1]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_response_keeps_ramp_uptime_and_the_part_that_cannot_move(name):
    kind = KINDS[name]
    price = np.random.default_rng(5).lognormal(4.0, 1.5, 2000)
    load = respond(kind, 100.0, price_usd_per_mwh=price)
    full = 100.0 * kind.load_share
    assert (np.abs(np.diff(load)) <= kind.ramp_share_per_h * 100.0 + 1e-9).all()
    assert load.sum() >= kind.uptime_share * full * price.size - 1e-6
    assert load.min() >= full * (1 - kind.flexible_share) - 1e-9
    assert load.max() <= full + 1e-9


def test_an_ai_data_centre_gives_way_in_the_dearest_hours_only():
    kind = KINDS["ai-data-centre"]
    price = np.full(8760, 40.0)
    price[1000:1040] = 900.0
    load = respond(kind, 100.0, price_usd_per_mwh=price)
    assert load[1010] == pytest.approx(60.0)
    assert load[:990].min() == pytest.approx(80.0)


def test_nobody_moves_when_power_is_cheap():
    load = respond(KINDS["bitcoin-mine"], 100.0, price_usd_per_mwh=np.full(48, 20.0))
    assert load == pytest.approx(97.0)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="capacity_mw"):
        demand_blocks(KINDS["ai-training"], -1.0)
    with pytest.raises(ValueError, match="finite price"):
        respond(KINDS["ai-training"], 1.0, price_usd_per_mwh=[np.nan])
