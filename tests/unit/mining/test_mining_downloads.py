"""The user's own files of the Cambridge map and of chain series."""

import pytest

from gridrush.case.load import load_case
from gridrush.errors import CaseError
from gridrush.mining.downloads import read_blockchain_com, read_cambridge_map, read_coin_metrics, replaced


def test_the_cambridge_map_is_read_with_percent_signs_and_long_names(tmp_path):
    path = tmp_path / "map.csv"
    path.write_text(
        "date,country,monthly_hashrate_%,monthly_absolute_hashrate_EH/S\n"
        "2021-10-01,Mainland China,18.09%,26.98\n2021-10-01,Kazakhstan,18.31%,27.31\n",
        encoding="utf-8-sig",
    )
    rows = read_cambridge_map(path)
    assert [(r.month, r.country, r.hashrate_ehs) for r in rows] == [
        ("2021-10", "China", 26.98), ("2021-10", "Kazakhstan", 27.31),
    ]  # fmt: skip
    assert rows[1].hashrate_share == pytest.approx(0.1831)


def test_every_bad_row_of_the_map_is_told_at_once(tmp_path):
    path = tmp_path / "map.csv"
    path.write_text("date,country,share,EH/s\n2021-10,Iran,x,1\n2021-10,Iran,120,1\n2021-10,Iran,1,nan\n")
    with pytest.raises(CaseError) as err:
        read_cambridge_map(path)
    assert len(err.value.problems) == 3


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
def test_a_map_without_rows_or_columns_is_refused(tmp_path, text):
    path = tmp_path / "map.csv"
    path.write_text(text)
    with pytest.raises(CaseError):
        read_cambridge_map(path)


def test_coin_metrics_days_become_months(tmp_path):
    path = tmp_path / "btc.csv"
    days = "\n".join(f"2021-10-{d:02d}T00:00:00Z,147000000,20000000000000,58000,940,15.5" for d in range(1, 32))
    path.write_text("time,HashRate,DiffMean,PriceUSD,IssTotNtv,FeeTotNtv\n" + days + "\n2021-11-01,1,1,1,900,1\n")
    (month,) = read_coin_metrics(path)
    assert month.month == "2021-10"
    assert month.hashrate_ehs == pytest.approx(147.0)
    assert month.block_subsidy_btc == 6.25
    assert month.hashprice_usd_per_ph_day == pytest.approx(58000 * 955.5 / 147e3)


def test_blockchain_com_charts_are_joined_by_day(tmp_path):
    values = {"hash-rate": 147e6, "difficulty": 2e13, "market-price": 58000, "issuance": 940, "transaction-fees": 15}
    paths = {}
    for chart, value in values.items():
        paths[chart] = tmp_path / f"{chart}.csv"
        rows = "\n".join(f"2021-10-{d:02d} 00:00:00,{value}" for d in range(1, 32))
        paths[chart].write_text(f"Timestamp,{chart}\n{rows}\n")
    (month,) = read_blockchain_com(paths)
    assert month.hashrate_ehs == pytest.approx(147.0)
    assert month.fees_btc_per_day == pytest.approx(15.0)
    case = load_case("kazakhstan")
    rows = {r.month: r for r in replaced(case.network, [month])}
    assert rows["2021-10"].hashrate_ehs == pytest.approx(147.0)
    assert rows["2021-10"].fleet_best_j_per_th == pytest.approx(59.43)
    assert len(rows) == len(case.network)


def test_an_unknown_chart_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(CaseError, match="one of"):
        read_blockchain_com({"mood": tmp_path / "x.csv"})
    with pytest.raises(CaseError, match="CSV file"):
        read_coin_metrics(tmp_path / "none.csv")
