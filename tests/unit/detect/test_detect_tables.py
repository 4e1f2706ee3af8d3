"""Records from tables: wide and long, units, half-hours, clocks that change, and every problem at once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridrush.detect import Facts, Records, read_events, read_labels, read_records
from gridrush.errors import CaseError

DAYS = 60


def stamps(days: int = DAYS, *, step: str = "h", start: str = "2021-03-01") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=days * (24 if step == "h" else 48), freq=step)


def wide(days: int = DAYS) -> pd.DataFrame:
    t = stamps(days)
    return pd.DataFrame({"time": t.strftime("%Y-%m-%d %H:%M"), "A_mw": 2 + np.sin(np.arange(t.size)), "B_mw": 3.0})


def problems(*arguments: object, **options: object) -> str:
    with pytest.raises(CaseError) as wrong:
        read_records(*arguments, **options)  # type: ignore[arg-type]
    return "\n".join(map(str, wrong.value.problems))


def test_wide_and_long_tables_and_parquet_say_the_same(tmp_path: Path) -> None:
    table = wide()
    a = read_records(table)
    long = table.melt("time", var_name="feeder", value_name="load_mw")
    long["feeder"] = long["feeder"].str.removesuffix("_mw")
    b = read_records(long.sample(frac=1, random_state=1))
    order = [b.feeders.index(f) for f in a.feeders]
    np.testing.assert_allclose(a.load_mw, b.load_mw[order])
    assert a.time[0] == np.datetime64("2021-03-01T00")
    table.to_parquet(tmp_path / "x.parquet")
    table.to_csv(tmp_path / "x.csv", index=False, encoding="utf-8-sig")
    for name in ("x.parquet", "x.csv"):
        np.testing.assert_allclose(read_records(tmp_path / name).load_mw, a.load_mw)


@pytest.mark.parametrize(("column", "unit", "factor"), [("load_kw", None, 1e3), ("Energy (kWh)", None, 1e3),
                                                       ("load", "kW", 1e3), ("p_mw", None, 1.0)])  # fmt: skip
def test_units_are_read_from_names_or_given(column: str, unit: str | None, factor: float) -> None:
    t = stamps()
    table = pd.DataFrame({"feeder": "A", "time": t, column: 2.0 * factor})
    assert read_records(table, unit=unit).load_mw == pytest.approx(2.0)


def test_half_hours_of_energy_become_hours_of_power() -> None:
    t = stamps(step="30min")
    table = pd.DataFrame({"feeder": "A", "time": t, "kwh": np.tile([400.0, 600.0], t.size // 2)})
    r = read_records(table)
    assert r.load_mw == pytest.approx(1.0)  # 1,000 kWh in the hour
    assert any("30 min" in s for s in r.said)


def test_the_hour_that_comes_twice_is_two_hours_and_the_skipped_one_no_hole() -> None:
    """Berlin 2021: clocks forward on 28 March, back on 31 October; local stamps without an offset."""
    utc = pd.date_range("2021-03-01", "2021-11-30", freq="h", tz="UTC")
    local = utc.tz_convert("Europe/Berlin").tz_localize(None)
    table = pd.DataFrame({"time": local.strftime("%Y-%m-%d %H:%M"), "A_mw": np.arange(utc.size, dtype=float)})
    r = read_records(table, clock="Europe/Berlin")
    assert np.isfinite(r.load_mw).all()
    np.testing.assert_array_equal(r.load_mw[0], np.arange(utc.size))
    assert r.utc_offset_h[0] == 1
    assert set(r.utc_offset_h) == {1, 2}
    assert any("clocks go back" in s for s in r.said)
    aware = table.assign(time=utc.strftime("%Y-%m-%dT%H:%MZ"))
    np.testing.assert_array_equal(read_records(aware, clock="Europe/Berlin").load_mw, r.load_mw)


def test_without_a_clock_the_double_hour_is_averaged_and_said() -> None:
    table = wide()
    again = pd.concat([table, table.iloc[[100]].assign(A_mw=99.0)])
    r = read_records(again)
    assert r.load_mw[0, 100] == pytest.approx((table["A_mw"][100] + 99.0) / 2)
    assert any("more than one reading" in s for s in r.said)


def test_the_clock_moves_the_night() -> None:
    r = read_records(wide(), clock="+6")
    assert r.time[0] == np.datetime64("2021-02-28T18")
    assert r.hour[0] == 0
    assert r.days[0] == np.datetime64("2021-03-01")
    assert not r.rest[0]
    assert r.rest[5]  # 6 March 2021 was a Saturday


def test_missing_hours_stay_empty_and_are_said() -> None:
    table = wide().drop(index=range(50, 60))
    r = read_records(table)
    assert np.isnan(r.load_mw[:, 50:60]).all()
    assert r.load_mw.shape == (2, DAYS * 24)
    assert any("10 of" in s for s in r.said)


def test_meters_add_up_behind_their_feeder_and_a_silent_meter_empties_the_hour() -> None:
    t = stamps()
    two = (("1", 500.0), ("2", 700.0))
    rows = [pd.DataFrame({"feeder": "A", "meter": m, "time": t, "load_kw": kw}) for m, kw in two]
    meters = pd.concat(rows)
    meters.iloc[10, 3] = np.nan
    r = read_records(wide(), meters=meters)
    assert r.metered_mw is not None
    assert r.metered_mw[0, 5] == pytest.approx(1.2)
    assert np.isnan(r.metered_mw[0, 10])
    assert np.isnan(r.metered_mw[1]).all()


def test_facts_come_in_kva_and_any_order() -> None:
    facts = pd.DataFrame({"Feeder": ["B", "A", "Z"], "rated_kva": [8000, 6000, 1], "tariff": ["shop", "home", "x"],
                          "registered_mw": [0.5, None, 0]})  # fmt: skip
    r = read_records(wide(), facts=facts)
    assert r.facts.rated_mw.tolist() == [6.0, 8.0]
    assert r.facts.tariff == ("home", "shop")
    assert r.facts.registered_mw.tolist() == [0.0, 0.5]
    assert any("1 feeders have no load record" in s for s in r.said)


def test_reactive_power_comes_as_mvar_or_as_power_factor() -> None:
    q = wide().rename(columns={"A_mw": "A_mvar", "B_mw": "B_mvar"})
    r = read_records(wide(), reactive=q)
    assert r.reactive_mvar is not None
    np.testing.assert_allclose(r.reactive_mvar, r.load_mw)
    long = pd.DataFrame({"feeder": "A", "time": stamps(), "load_mw": 4.0, "power_factor": 0.8})
    r = read_records(long)
    assert r.reactive_mvar is not None
    np.testing.assert_allclose(r.reactive_mvar, 3.0, rtol=1e-6)


def test_temperature_and_holidays_are_placed_on_the_hours() -> None:
    warm = pd.DataFrame({"time": stamps(DAYS), "temperature_c": np.arange(DAYS * 24) / 24})
    r = read_records(wide(), temperature=warm, holidays=pd.DataFrame({"day": ["2021-03-08"]}))
    assert r.temperature_c is not None
    assert r.temperature_c[48] == pytest.approx(2.0)
    assert r.rest[7]


def test_every_problem_comes_at_once() -> None:
    table = wide()
    table["A_mw"] = table["A_mw"].astype(object)
    table.loc[3, "A_mw"] = "error"
    table.loc[9, "A_mw"] = "n/a?"
    table["C_mw"] = np.inf
    said = problems(table, meters=pd.DataFrame({"when": [1]}), clock="Mars/Olympus")
    for words in ("A_mw[3]", "'error'", "A_mw[9]", "infinity", "Mars/Olympus", "meters.time"):
        assert words in said


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (wide().rename(columns={"A_mw": "A", "B_mw": "B"}), "no unit"),
        (wide(20), "20 days"),
        (wide().drop(columns="time"), "a column of times"),
        (wide().assign(time="yesterday"), "'yesterday'"),
        (wide().assign(time=np.arange(DAYS * 24)), "time stamps such as"),
        (wide()[["time"]], "a column of time only"),
        (wide().head(0), "no rows"),
        (wide().assign(time=pd.date_range("2021-01-01", periods=DAYS * 24, freq="7min")), "a step of 420 s"),
        (pd.DataFrame({"feeder": ["A"], "time": ["2021-01-01"], "colour": [1]}), "a column of load"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_a_table_that_cannot_be_used_says_why(table: pd.DataFrame, words: str) -> None:
    assert words in problems(table)


def test_readings_that_come_twice_and_differ_are_a_problem() -> None:
    table = pd.DataFrame({"feeder": "A", "time": stamps(), "load_mw": 1.0})
    assert "come twice and differ" in problems(pd.concat([table, table.assign(load_mw=2.0)]))


def test_load_in_kw_taken_for_mw_is_noticed() -> None:
    facts = pd.DataFrame({"feeder": ["A", "B"], "rated_mw": [4.0, 0.004]})
    said = problems(wide(), facts=facts)
    assert "feeders.B" in said
    assert "is the load in kW" in said
    assert "feeders.A" not in said


def test_wrong_facts_and_unknown_meters_are_problems() -> None:
    facts = pd.DataFrame({"feeder": ["A", "A"], "customers": [-1, 2]})
    said = problems(wide(), facts=facts)
    assert "one row for each feeder" in said
    assert "facts[0].customers" in said
    assert "meters.feeder" in problems(wide(), meters=wide().rename(columns={"A_mw": "Z_mw"}))
    long = pd.DataFrame({"feeder": "A", "time": stamps(), "load_mw": 4.0, "power_factor": 1.8})
    assert "power_factor" in problems(long)
    assert "degrees Celsius" in problems(wide(), temperature=pd.DataFrame({"time": stamps(), "temperature_c": 290.0}))


def test_files_that_are_not_there_are_problems(tmp_path: Path) -> None:
    assert "that can be read" in problems(tmp_path / "none.csv")
    (tmp_path / "bad.parquet").write_text("no")
    assert "that can be read" in problems(tmp_path / "bad.parquet")


def test_labels_and_events_are_checked() -> None:
    table = pd.DataFrame({"feeder": ["A", "B"], "found": ["yes", 0], "on": ["2021-05-01", None]})
    good = read_labels(table, ("A", "B"))
    assert good["found"].tolist() == [1, 0]
    assert good["on"].isna().tolist() == [False, True]
    with pytest.raises(CaseError) as wrong:
        read_labels(pd.DataFrame({"feeder": ["A", "Q"], "found": ["perhaps", 1], "on": ["soon", None]}), ("A", "B"))
    assert len(wrong.value.problems) == 3
    assert read_events(pd.DataFrame({"start": ["2021-05-01"], "end": ["2021-05-02"]}))["kind"].tolist() == ["event"]
    with pytest.raises(CaseError, match="a later end"):
        read_events(pd.DataFrame({"start": ["2021-05-02"], "end": ["2021-05-01"], "kind": ["x"]}))
    with pytest.raises(CaseError, match=r"events\.start"):
        read_events(pd.DataFrame({"from": [1]}))


def test_records_made_of_arrays_are_checked_as_one() -> None:
    from gridrush.detect.records import check

    time = np.datetime64("2021-01-01T00") + np.arange(24 * 60).astype("timedelta64[h]")
    time[100:] += 5
    wrong = Records(("A", "A"), time, np.ones((2, 5), np.float32), Facts.unknown(3), np.zeros(time.size, np.int64))
    with pytest.raises(CaseError) as error:
        check(wrong)
    where = {p.where for p in error.value.problems}
    assert {"load_mw", "feeders", "time", "facts.rated_mw"} <= where
