"""Country shares, hidden months, MW."""

import numpy as np
import pytest

from gridrush.case.load import load_case
from gridrush.errors import CaseError
from gridrush.mining.atlas import country_atlas, put_hidden_back


@pytest.fixture(scope="module")
def atlas():
    return country_atlas(load_case("kazakhstan"))


def test_a_hidden_month_gets_the_line_between_its_neighbours():
    share, hidden = put_hidden_back(np.array([[0.6, 0.4], [0.0, 1.0], [0.0, 1.0], [0.3, 0.7]]))
    assert share[1, 0] == pytest.approx(0.5)
    assert share[2, 0] == pytest.approx(0.4)
    assert hidden == pytest.approx([0.0, 0.5, 0.4, 0.0])
    assert share.sum(axis=1) == pytest.approx(1.0)


def test_a_country_that_leaves_for_good_is_not_hiding():
    share, hidden = put_hidden_back(np.array([[0.6, 0.4], [0.0, 1.0], [0.0, 1.0]]))
    assert (hidden == 0).all()
    assert share[2, 0] == 0


def test_a_small_country_at_zero_is_not_hiding():
    _, hidden = put_hidden_back(np.array([[0.01, 0.99], [0.0, 1.0], [0.01, 0.99]]))
    assert (hidden == 0).all()


def test_china_is_put_back_in_july_and_august_2021_only(atlas):
    gone = atlas.hidden > 0
    assert [str(m) for m in atlas.months[gone]] == ["2021-07", "2021-08"]
    kz = atlas.of("Kazakhstan")
    august = list(atlas.months).index(np.datetime64("2021-08", "M"))
    assert atlas.map_share[august, kz] == pytest.approx(0.181)
    assert 0.12 < atlas.share[august, kz] < 0.14


def test_shares_add_to_one_and_bounds_are_in_order(atlas):
    assert atlas.share.sum(axis=1) == pytest.approx(1.0)
    assert (np.diff(atlas.power_mw, axis=2) >= 0).all()


def test_an_unknown_country_is_named(atlas):
    with pytest.raises(KeyError, match="Atlantis"):
        atlas.of("Atlantis")


def test_a_country_missing_in_a_month_is_a_problem_of_the_case():
    case = load_case("kazakhstan")
    short = case.model_copy(update={"atlas": case.atlas[:-1]})
    with pytest.raises(CaseError, match="no row"):
        country_atlas(short)


def test_an_empty_map_is_a_problem_of_the_case():
    with pytest.raises(CaseError, match="no rows"):
        country_atlas(load_case("kazakhstan").model_copy(update={"atlas": ()}))
