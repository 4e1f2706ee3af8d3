"""A dated event played again costs no less than the same hours without it, and says what was lost."""

import dataclasses

import numpy as np
import pytest

from gridrush.case.load import load_case
from gridrush.case.system import System
from gridrush.errors import CaseError
from gridrush.study import replay as replay_module
from gridrush.study.replay import replay, replays


def test_an_event_that_is_not_in_the_case_is_answered_with_those_that_are() -> None:
    with pytest.raises(CaseError, match=r"2021-10-14 \(trips of 14 October 2021\)"):
        replay(load_case("kazakhstan"), "2020-01-01")


def test_the_trips_of_october_2021_are_played_again() -> None:
    case = load_case("kazakhstan")
    found = replay(case, "2021-10-14", draws=0)
    assert found.drawn is None
    assert found.to_dict()["other_units_failing"] is None
    rows = replays(case)["trips of 14 October 2021"]
    assert {u for t in found.trips for u in t.units} == {o.unit for o in rows}
    assert [t.time for t in found.trips] == sorted({np.datetime64(o.start.replace(tzinfo=None), "h") for o in rows})
    assert 500.0 < sum(t.lost_mw for t in found.trips) <= 1150.0  # 1,150 MW of capacity, less what was not in use
    assert all(t.swing is not None and 48.0 < t.swing.nadir_hz < 50.0 for t in found.trips)
    assert found.tripped.cost_usd >= found.calm.cost_usd
    assert (found.shed_mw("firm") > -1e-6).all()
    told = found.to_dict()
    assert told["hours"] == found.calm.system.time.size
    assert [e["source"] for e in told["reported"]] == ["kegoc-155626"]


def test_with_the_other_units_failing_the_event_of_october_2021_cuts_interruptible_load() -> None:
    case = load_case("kazakhstan")
    found, again = (replay(case, "2021-10-14", draws=8) for _ in range(2))
    assert found.drawn is not None
    assert again.drawn is not None
    assert (found.drawn.shed_mwh["interruptible"] == again.drawn.shed_mwh["interruptible"]).all()
    assert (found.drawn.most_shed_mw["interruptible"] > 1.0).any()  # with all others up nobody is cut
    assert (found.drawn.shed_mwh["firm"] > -1e-6).all()
    told = found.to_dict()["other_units_failing"]
    assert isinstance(told, dict)
    assert told["draws"] == 8
    assert told["most_shed_mw"]["interruptible"]["stderr"] > 0.0
    assert 0.0 < told["firm_shed_share"]["stderr"] < 0.5  # none in eight is not never


def test_where_no_other_unit_fails_each_draw_is_the_replay_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    case = load_case("kazakhstan")
    held = replay_module.system_of

    def sure(*given: object, **more: object) -> System:
        s = held(*given, **more)  # type: ignore[arg-type]
        return dataclasses.replace(s, units=dataclasses.replace(s.units, mttf_h=np.full(len(s.units), np.inf)))

    monkeypatch.setattr(replay_module, "system_of", sure)
    found = replay(case, "2021-10-14", draws=2)
    assert found.drawn is not None
    for kind in ("firm", "interruptible", "export"):
        assert found.drawn.shed_mwh[kind] == pytest.approx(float(found.shed_mw(kind).sum()), abs=1e-6)
