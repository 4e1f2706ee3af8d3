"""A dated event played again costs no less than the same hours without it, and says what was lost."""

import numpy as np
import pytest

from gridrush.case.load import load_case
from gridrush.errors import CaseError
from gridrush.study.replay import replay, replays


def test_an_event_that_is_not_in_the_case_is_answered_with_those_that_are() -> None:
    with pytest.raises(CaseError, match=r"2021-10-14 \(trips of 14 October 2021\)"):
        replay(load_case("kazakhstan"), "2020-01-01")


def test_the_trips_of_october_2021_are_played_again() -> None:
    case = load_case("kazakhstan")
    found = replay(case, "2021-10-14")
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
