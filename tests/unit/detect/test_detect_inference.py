"""What is believed of a feeder: farms against the honest, and what else is known of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridrush.detect import Detection, Example, Priors, find_farms, learn, synthetic
from gridrush.detect.find import FEATURES, _as_of, _labels
from gridrush.detect.inference import (
    SHARES,
    flat_before,
    log_odds_of_balance,
    log_odds_of_events,
    log_odds_of_tan_phi,
)
from gridrush.detect.shapes import HOUSEHOLD, SHOP, library

AT, MW = 200, 1.0


@pytest.fixture(scope="module")
def quiet() -> Example:
    """Sixty feeders with nothing on them, whole meters."""
    return synthetic(60, farm_share=0.0, honest_change_share=0.0, faults=False, seed=11)


Profile = tuple[tuple[float, ...], tuple[float, ...]]
SHIFT = ((0.2, 0.2, 1, 1, 1, 1, 0.2, 0.2), (0.2,) * 8)


def added(quiet: Example, profile: Profile, *, mw: float = MW, **options: object) -> Detection:
    """A load of this shape (working days, days of rest; blocks of 3 h) on the first 20 feeders from day AT on."""
    r = quiet.records
    rest, block = r.rest[r.day], r.hour // 3
    shape = np.where(rest, np.array(profile[1])[block], np.array(profile[0])[block])
    shape = mw * shape * (r.day >= AT) / (np.mean(profile[0]) * 5 / 7 + np.mean(profile[1]) * 2 / 7)
    load = r.load_mw.copy()
    load[:20] += shape.astype(np.float32)
    changes = {k: v for k, v in options.items() if k in ("reactive_mvar", "metered_mw", "facts")}
    rest_of = {k: v for k, v in options.items() if k not in changes}
    plain = {"reactive_mvar": None, "metered_mw": None, **changes}
    return find_farms(replace(r, load_mw=load, **plain), **rest_of)  # type: ignore[arg-type]


FLAT = ((1.0,) * 8, (1.0,) * 8)


def first(found: Detection) -> pd.DataFrame:
    """Rows of the feeders that got the load."""
    return found.table[found.table["feeder"].isin([f"F{i:04d}" for i in range(1, 21)])]


def test_flat_load_is_believed_a_farm_with_its_mw_and_day(quiet: Example) -> None:
    found = added(quiet, FLAT)
    rows = first(found)
    others = found.table[~found.table["feeder"].isin(rows["feeder"])]
    assert rows["probability"].median() > 0.3  # as far as shape alone can say: honest flat load looks the same
    assert others["probability"].mean() < 0.05
    pumped = others["tariff"] == "farming"  # irrigation comes for the season, day and night: honest, and alike
    assert others["probability"][~pumped].max() < 0.1
    assert rows["mw"].median() == pytest.approx(MW, rel=0.1)
    assert (rows["since"] == str(quiet.records.days[AT])).mean() > 0.8
    inside = (rows["mw_low"] <= MW) & (rows["mw_high"] >= MW)
    assert inside.mean() >= 0.75


@pytest.mark.parametrize("profile", [HOUSEHOLD, SHOP, SHIFT], ids=["homes", "shop", "shift"])
def test_load_with_the_shape_of_honest_customers_is_not(quiet: Example, profile: Profile) -> None:
    rows = first(added(quiet, profile))
    assert rows["probability"].max() < 0.15
    assert (rows["expected_mw"] < 0.15).all()


def test_growth_of_all_customers_is_not(quiet: Example) -> None:
    r = quiet.records
    load = r.load_mw.copy()
    load[:20, r.day >= AT] *= 1.2
    found = find_farms(replace(r, load_mw=load, reactive_mvar=None, metered_mw=None))
    rows = first(found)
    assert rows["probability"].median() < 0.05
    assert rows["probability"].max() < 0.3


def test_farms_that_run_at_night_only_are_seen_too(quiet: Example) -> None:
    rows = first(added(quiet, ((1, 1, 0, 0, 0, 0, 0, 1.0),) * 2))
    assert rows["probability"].median() > 0.3


def test_the_belief_grows_with_the_prior_and_never_leaves_its_bounds(quiet: Example) -> None:
    medians = [first(added(quiet, FLAT, priors=Priors(prevalence_share=p)))["probability"] for p in (0.002, 0.02, 0.2)]
    assert medians[0].median() < medians[1].median() < medians[2].median()
    assert all(((m >= 0) & (m <= 1)).all() for m in medians)


def test_what_the_register_says_is_no_unregistered_farm(quiet: Example) -> None:
    n = len(quiet.records.feeders)
    for name in ("registered_mw", "known_flat_mw"):
        known = replace(quiet.records.facts, **{name: np.full(n, MW)})
        rows = first(added(quiet, FLAT, facts=known))
        assert rows["probability"].median() < 0.1


def test_twice_the_registered_mw_is_not_explained_by_the_register(quiet: Example) -> None:
    n = len(quiet.records.feeders)
    known = replace(quiet.records.facts, registered_mw=np.full(n, 0.5 * MW))
    rows = first(added(quiet, FLAT, mw=2 * MW, facts=known))
    assert rows["probability"].median() > 0.3
    assert rows["mw"].median() == pytest.approx(1.5 * MW, rel=0.15)


def test_power_factor_and_meters_move_the_belief_the_right_way(quiet: Example) -> None:
    r = quiet.records
    assert r.reactive_mvar is not None
    assert r.metered_mw is not None
    came = (r.day >= AT).astype(np.float32) * MW
    plain = first(added(quiet, FLAT))["probability"].median()

    def with_tan(tan: float) -> float:
        q = r.reactive_mvar.copy()
        q[:20] += tan * came
        return float(first(added(quiet, FLAT, reactive_mvar=q))["probability"].median())

    assert with_tan(0.6) < 0.1 * plain
    assert with_tan(0.08) > plain
    hidden = first(added(quiet, FLAT, metered_mw=r.metered_mw))["probability"].median()
    shown = r.metered_mw.copy()
    shown[:20] += came * 0.96
    assert hidden > 0.7 > plain > first(added(quiet, FLAT, metered_mw=shown))["probability"].median()


def test_tan_phi_balance_and_events_by_hand() -> None:
    none = np.array([np.nan])
    assert log_odds_of_tan_phi(none, none).tolist() == [0.0]
    assert log_odds_of_balance(none, none, Priors()).tolist() == [0.0]
    pr = Priors(unmetered_farm_share=0.5, unmetered_honest_share=0.05)
    sharp = np.array([0.0, 0.0])
    assert log_odds_of_balance(np.array([0.95, 0.05]), sharp, pr) == pytest.approx(
        [np.log(0.5 / 0.05), np.log(0.5 / 0.95)], abs=0.01
    )
    drop, std = np.array([[1.0], [0.0], [1.0]]), np.full((3, 1), 0.02)
    got = log_odds_of_events(drop, std, np.array([2.0, 2.0, 2.0]), Priors(), registered_mw=np.array([0.0, 0.0, 2.0]))
    assert got[0] == pytest.approx(3.0)  # held
    assert got[1] == pytest.approx(np.log(0.5 + 0.5 * 20 / 20 * 0), abs=0.15)  # a farm that did not give way
    assert abs(got[2]) < 1.0  # registered mining behind it would have fallen as well


def test_flat_load_before_the_record_is_told_from_the_class() -> None:
    rng = np.random.default_rng(1)
    base = np.clip(0.5 + 0.03 * rng.standard_normal(50), 0.1, 0.9)
    base[0] = 0.5 + 0.5 * 0.5  # half of the load is flat
    ratio = flat_before(base, np.zeros(50, np.int64))
    best = SHARES[int(ratio[0].argmax())]
    assert best == pytest.approx(0.5, abs=0.1)
    assert ratio[0].max() > 3
    assert np.median(ratio[1:].max(axis=1)) < 1.0
    assert (flat_before(base[:5], np.zeros(5, np.int64)) == 0).all()  # too few to know the class


def test_the_order_of_feeders_does_not_matter(quiet: Example) -> None:
    made = synthetic(40, days=200, seed=12)
    order = np.random.default_rng(1).permutation(40)
    a = find_farms(made.records, events=made.events).table
    b = find_farms(made.records.take(order), events=made.events).table
    pd.testing.assert_frame_equal(a, b, rtol=1e-9, atol=1e-12)


def test_every_shape_means_one_over_the_week_and_weights_make_sense() -> None:
    shapes = library()
    for s in shapes:
        assert s.profile[0].mean() * 5 / 7 + s.profile[1].mean() * 2 / 7 == pytest.approx(1.0, abs=0.05)
        assert (s.profile >= 0).all()
    assert sum(s.weight for s in shapes if s.kind == "farm") == pytest.approx(1.0)
    assert 0.9 < 0.30 + sum(s.weight for s in shapes if s.kind == "honest") < 1.1


def test_inspections_teach_and_say_when_they_cannot() -> None:
    pytest.importorskip("sklearn")
    made = synthetic(400, farm_share=0.25, days=300, seed=13)
    truth = (made.truth["farm_mw"] > 0).astype(int)
    labels = pd.DataFrame({"feeder": made.truth["feeder"], "found": truth})
    half = np.random.default_rng(1).random(400) < 0.5
    found = find_farms(made.records, labels=labels[half], events=made.events)
    assert found.learned is not None
    assert found.learned.log_loss[found.learned.used] < 0.8 * found.learned.log_loss["base rate"]
    unseen = found.table.set_index("feeder").loc[labels["feeder"][~half]]
    y = truth[~half].to_numpy()
    p = unseen["probability"].to_numpy()
    error = np.sqrt((p * (1 - p)).sum()) / len(p)
    assert abs(p.mean() - y.mean()) < 4 * error + 0.02
    assert ((p - y) ** 2).mean() < 0.75 * y.mean() * (1 - y.mean())
    few = find_farms(made.records.take(range(40)), labels=labels.iloc[:8])
    assert few.learned is not None
    assert few.learned.used == "priors"
    assert any("too few to learn from" in s for s in few.said)


def test_trees_are_tried_with_many_labels_and_signs_known_of_no_feeder() -> None:
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(3)
    found = (rng.random(450) < 0.3).astype(np.int64)
    signs = pd.DataFrame(np.nan, index=range(450), columns=list(FEATURES))
    signs["log_odds"] = 2.0 * found - 1 + rng.standard_normal(450)
    signs["flatness"] = found * rng.random(450)
    got = learn(signs, found, [str(i) for i in range(450)], seed=1)
    assert {"signs", "trees", "model, scaled", "base rate"} <= got.log_loss.keys()
    p = got.predict(signs)
    assert p.mean() == pytest.approx(found.mean(), abs=0.03)
    assert got.log_loss[got.used] < 0.75 * got.log_loss["base rate"]


def test_what_came_after_an_inspection_teaches_nothing() -> None:
    """The same labels dated before the farm came: its later load is not seen by what is learned."""
    made = synthetic(60, farm_share=0.4, before_share=0.0, days=220, seed=14, faults=False)
    early = str(made.records.days[80])
    found = (made.truth["farm_mw"] > 0).astype(int)
    labels = pd.DataFrame({"feeder": made.truth["feeder"], "found": found, "on": early})
    rows, _, on = _labels(made.records, labels)
    nothing = {"events": None, "hashprice": None, "priors": None, "threads": 1}
    cut = _as_of(made.records, rows, on, **nothing)
    changed = made.records.load_mw.copy()
    changed[:, made.records.local >= np.datetime64(early)] *= 3
    again = _as_of(replace(made.records, load_mw=changed), rows, on, **nothing)
    here = ["step_share", "step_z", "base_share", "log_odds", "flatness", "load_factor"]
    pd.testing.assert_frame_equal(cut[here], again[here])


def test_evidence_is_said_in_words(quiet: Example) -> None:
    found = added(quiet, FLAT)
    words = first(found)["evidence"]
    assert words.str.contains(f"since {quiet.records.days[AT]}").mean() > 0.7
    assert words.str.contains(r"flat load of (?:0\.[89]\d*|1(?:\.\d+)?) MW since").mean() > 0.6
    assert words.str.contains("at night").mean() > 0.7
    assert words.str.contains("does not follow the season").mean() > 0.7


def test_synthetic_feeders_are_a_function_of_the_seed_and_say_what_they_are() -> None:
    a, b, c = synthetic(5, days=90, seed=1), synthetic(5, days=90, seed=1), synthetic(5, days=90, seed=2)
    np.testing.assert_array_equal(a.records.load_mw, b.records.load_mw)
    pd.testing.assert_frame_equal(a.truth, b.truth)
    assert not np.array_equal(a.records.load_mw, c.records.load_mw)
    assert "SYNTHETIC" in a.records.said[0]
    more = synthetic(9, days=90, seed=1)
    np.testing.assert_array_equal(more.records.load_mw[:5], a.records.load_mw)
