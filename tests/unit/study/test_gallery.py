"""Close-ups of a run: what the report shows beyond the Run itself."""

import numpy as np
import pandas as pd
import pytest

from gridrush.case.load import load_case
from gridrush.study.gallery import Gallery, from_bytes, to_bytes
from gridrush.study.miners import Miners
from gridrush.study.risk import year_system
from gridrush.study.simulate import simulate


@pytest.fixture(scope="module")
def looked():
    """The crisis year of the built-in case, looked at while it is simulated, and one of its systems."""
    case = load_case("kazakhstan")
    miners = Miners.of(case, seed=1)
    gallery = Gallery(case, miners, (2021,), 1)
    systems = []

    def hook(year, months):
        gallery(year, months)
        if year == 2021:
            systems.append(year_system(months))

    simulate(case, "as-it-was", years=[2021], samples=1, seed=1, miners=miners, on_year=hook)
    return gallery.tables(), systems[0]


def test_every_table_is_there_and_survives_storing(looked):
    tables, _ = looked
    assert {"heat", "weeks", "headroom", "shocks", "replay", "rush", "stays", "evidence", "lessons"} <= set(tables)
    again = from_bytes(to_bytes(tables))
    for name, table in tables.items():
        pd.testing.assert_frame_equal(again[name], table, check_dtype=False, check_exact=False, rtol=1e-12)


def test_a_load_that_may_be_cut_more_often_may_be_larger(looked):
    table = looked[0]["headroom"]
    for _, part in table.groupby(["year", "zone"]):
        assert (np.diff(part.sort_values("cut_share")["load_mw"]) >= 0).all()
    assert table["load_mw"].max() > 100


def test_miners_who_can_be_told_to_stop_never_make_a_loss_worse_for_others(looked):
    shocks = looked[0]["shocks"]
    assert (shocks["firm_alone_mw"] >= shocks["firm_mw"] - 0.01).all()
    assert (shocks["firm_alone_mw"] > shocks["firm_mw"] + 1).any()
    assert shocks["firm_mw"].is_monotonic_decreasing


def test_the_trips_of_october_take_what_the_record_says(looked):
    replay = looked[0]["replay"]
    assert replay["out_mw"].max() == 1150.0
    assert replay.loc[replay["time"] < "2021-10-14T06", "out_mw"].max() == 0.0


def test_worst_weeks_hold_the_events_they_are_chosen_for(looked):
    weeks = looked[0]["weeks"]
    assert sorted(weeks["rank"].unique()) == list(range(1, 11))
    assert (weeks.groupby("rank").size() == 168).all()
    assert (weeks.groupby("rank")["short_mw"].sum() > 0).all()
    zones = weeks[["short_North_mw", "short_South_mw", "short_West_mw"]].sum(axis=1)
    assert np.allclose(zones, weeks["short_mw"], atol=2.0)
    assert (weeks["without_miners_mw"] < weeks["wanted_mw"]).all()


def test_the_fleet_stops_sooner_when_coins_are_worth_less(looked):
    stays = looked[0]["stays"]
    by = {m: part["running_share"].to_numpy() for m, part in stays.groupby("month")}
    worth = stays.groupby("month")["hashprice_usd_per_ph_day"].first().sort_values()
    for poor, rich in zip(worth.index[:-1], worth.index[1:], strict=True):
        assert (by[poor] <= by[rich] + 1e-9).all()
