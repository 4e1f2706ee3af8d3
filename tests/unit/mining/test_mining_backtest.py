"""The forecast, had it been made earlier."""

import pytest

from gridrush.case.load import load_case
from gridrush.mining.backtest import as_known, cover_rush, cover_world


@pytest.fixture(scope="module")
def case():
    return load_case("kazakhstan")


def test_a_case_as_known_earlier_has_nothing_later(case):
    then = as_known(case, "2021-02")
    assert str(then.as_of) == "2021-02-28"
    assert max(r.month for r in then.atlas) == "2021-02"
    assert all(s.on <= then.as_of for s in then.statements)
    assert then.digest != case.digest


def test_nine_in_ten_readings_a_year_on_lie_in_the_interval(case):
    """From October 2020, before the rise and with the ban unknown; ten countries, October 2021."""
    found = cover_rush(case, origins=("2020-10",), horizons=(6, 12), samples=120)
    rows = {(x.what, x.horizon_months): x for x in found}
    assert rows["all countries", 12].cases == 10
    assert rows["all countries", 12].inside_share >= 0.8
    assert rows["Kazakhstan", 12].inside_share == 1.0
    assert rows["all countries", 12].interval_std > rows["all countries", 6].interval_std


def test_the_world_after_november_2021_lay_in_its_interval(case):
    found = cover_world(case, origins=("2021-11",), until="2022-11", samples=120)
    rows = {(x.what, x.horizon_months): x for x in found}
    assert all(rows["hashrate_ehs", h].inside_share == 1.0 for h in (3, 6, 12))
    assert rows["hashrate_ehs", 12].miss_std == 0.0  # one origin
