"""Networks as somebody moves them, by hand numbers and identities."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pypsa")
sys.path.insert(0, str(Path(__file__).parent))
import small_network

import gridrush
from gridrush.errors import CaseError
from gridrush.study.network_opened import OpenedNetwork, open_with_places
from gridrush.study.network_results import hour_to_look_at, hours_of, network_results
from gridrush.study.network_room import REPAIR_H, Change, changed, operate, with_outages


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenedNetwork:
    return open_with_places(small_network.four_hours(tmp_path_factory.mktemp("net") / "four.nc"))


def totals(opened: OpenedNetwork, **change: object) -> dict[str, float]:
    return network_results(operate(opened.network, Change(**change))).totals  # type: ignore[arg-type]


def test_a_network_without_a_change_is_dispatched_as_it_is(opened: OpenedNetwork) -> None:
    found, want = totals(opened), gridrush.dispatch(opened.network)
    # South takes 40 over the line and 60 of its own: of 60, 90, 120, 150 it lacks 20 and 50
    assert found["unserved_mwh"] == pytest.approx(70.0)
    assert found["shortfall_h"] == 2
    assert found["running_cost_usd"] == pytest.approx(20 * (4 * 50 + 4 * 40) + 50 * (20 + 50 + 60 + 60))
    assert found["running_cost_usd"] + found["not_served_value_usd"] == pytest.approx(want.cost_usd)
    assert found["co2_mt"] == pytest.approx((360 * 0.4 / 0.4 + 190 * 0.2 / 0.5) / 1e6)
    assert found["full_link_h"] == 4


def test_places_names_and_colours_come_from_the_file(opened: OpenedNetwork) -> None:
    assert opened.places == {"North": (70.0, 52.0), "South": (76.0, 43.0)}
    assert opened.titles == {"coal": "Hard coal"}
    assert opened.colours == {"coal": "#111111"}


def test_new_load_that_cannot_be_cut_is_unserved_like_any_other(opened: OpenedNetwork) -> None:
    assert totals(opened, new_load_mw={"South": 10.0})["unserved_mwh"] == pytest.approx(70 + 10 + 10)
    assert totals(opened, new_load_mw={"North": 10.0})["unserved_mwh"] == pytest.approx(70.0)
    assert totals(opened, new_load_mw={"North": 20.0})["unserved_mwh"] == pytest.approx(70 + 2 * 10)  # 90 over 40 + 50


def test_new_load_goes_first_in_as_many_hours_as_it_allows_and_the_hardest(opened: OpenedNetwork) -> None:
    two = operate(opened.network, Change(new_load_mw={"South": 10.0}, cut_hours=2))
    assert two.cut_mw[:, 1] == pytest.approx([0, 0, 10, 10])
    assert two.dispatch.unserved_mwh == pytest.approx(70.0)
    one = operate(opened.network, Change(new_load_mw={"South": 60.0}, cut_hours=1))
    # all four hours are short then, by 20, 50, 80 and 110; it is cut in one of those it needs most
    assert (one.cut_mw > 1e-6).sum() == 1
    assert one.cut_mw.sum() == pytest.approx(60.0)
    assert one.dispatch.unserved_mwh == pytest.approx(70 + 20 + 50 + 60)
    assert one.new_load_mw[:, 1] == pytest.approx([60.0] * 4)


def test_new_load_stops_above_the_price_it_pays_in_the_hours_it_allows(opened: OpenedNetwork) -> None:
    free = operate(opened.network, Change(new_load_mw={"South": 10.0}, cut_hours=4, pays_usd_per_mwh=40.0))
    assert free.cut_mw[:, 1] == pytest.approx([10.0] * 4)  # gas at 50 sets the price at all hours
    held = operate(opened.network, Change(new_load_mw={"South": 10.0}, cut_hours=3, pays_usd_per_mwh=40.0))
    assert (held.cut_mw > 1e-6).sum() == 3
    assert held.cut_mw[:2].sum() == pytest.approx(10.0)


def test_plants_links_and_prices_move_what_they_name(opened: OpenedNetwork) -> None:
    assert totals(opened, plant_mw={("South", "gas"): 50.0})["unserved_mwh"] == pytest.approx(0.0)
    assert totals(opened, plant_mw={("South", "coal"): 20.0})["unserved_mwh"] == pytest.approx(30.0)
    assert totals(opened, plant_mw={("South", "gas"): -1e9})["unserved_mwh"] == pytest.approx(20 + 50 + 80 + 110)
    assert totals(opened, link_share={"transit": 0.0})["unserved_mwh"] == pytest.approx(30 + 60 + 90)
    assert totals(opened, load_share=0.5)["unserved_mwh"] == 0.0
    assert totals(opened, cost_share={"gas": 2.0})["running_cost_usd"] == pytest.approx(20 * 360 + 100 * 190)
    carbon = totals(opened, carbon_price_usd_per_t=10.0)
    assert carbon["running_cost_usd"] == pytest.approx(totals(opened)["running_cost_usd"] + 10 * 1e6 * carbon["co2_mt"])
    dear = totals(opened, value_usd_per_mwh=500.0)
    assert dear["not_served_value_usd"] == pytest.approx(70 * 500.0)


def test_carbon_turns_the_order_of_units_round(opened: OpenedNetwork) -> None:
    spare = {"load_share": 0.5, "plant_mw": {("North", "gas"): 100.0}}
    assert totals(opened, **spare)["co2_mt"] > totals(opened, **spare, carbon_price_usd_per_t=100.0)["co2_mt"]


def test_tables_and_hours_add_up_to_the_totals(opened: OpenedNetwork) -> None:
    run = operate(opened.network, Change(new_load_mw={"South": 10.0}, cut_hours=1))
    found, hours = network_results(run), hours_of(run)
    assert found.zones["unserved_mwh"].sum() == pytest.approx(found.totals["unserved_mwh"])
    assert found.zones["net_import_twh"].sum() == pytest.approx(0.0)
    made = float(hours["generation_mw"].sum())
    assert found.technologies["generation_twh"].sum() == pytest.approx(made / 1e6)
    got = hours["load_mw"] - hours["unserved_mw"] - hours["cut_mw"]
    assert float(got.sum()) == pytest.approx(made)
    assert found.duration["load_mw"].is_monotonic_decreasing
    assert found.links["full_h"].tolist() == [4.0]
    assert hour_to_look_at(run) == 3
    part = hours_of(run, np.datetime64("2030-01-07T01"), np.datetime64("2030-01-07T03"))
    assert part.sizes["time"] == 2


def test_steady_units_that_never_fail_get_the_outages_assumed(opened: OpenedNetwork) -> None:
    made = with_outages(changed(opened.network, Change()), 0.1)
    assert made.units.forced_outage_share == pytest.approx([0.1, 0.1])
    assert made.units.mttr_h == pytest.approx([REPAIR_H, REPAIR_H])
    assert with_outages(opened.network, 0.0) is opened.network


def test_everything_that_does_not_fit_is_named_at_once(opened: OpenedNetwork) -> None:
    with pytest.raises(CaseError) as wrong:
        changed(opened.network, Change(
            new_load_mw={"East": 1.0, "South": -1.0}, plant_mw={("South", "fusion"): 1.0}, store_mw={"South": 1.0},
            link_share={"x": 1.0}, cost_share={"y": 1.0}, load_share=float("nan"), outage_share=1.5))  # fmt: skip
    assert len(wrong.value.problems) == 8


def test_the_changed_network_goes_back_to_pypsa_and_costs_the_same(opened: OpenedNetwork, tmp_path: Path) -> None:
    from gridrush.study.networks import write_pypsa

    run = operate(opened.network, Change(new_load_mw={"North": 5.0}, link_share={"transit": 0.5}))
    path = tmp_path / "changed.nc"
    write_pypsa(run.system, path)
    again = gridrush.dispatch(gridrush.load_case(path))
    assert again.cost_usd == pytest.approx(run.dispatch.cost_usd)
