"""Scenarios in processes: what goes wrong in one arrives whole; a process that may not start others does without."""

import multiprocessing
import os
import pickle
import signal

import pytest

import gridrush as gr
from gridrush.errors import CaseError, EngineError, InfeasibleError, Problem
from gridrush.study import runner
from gridrush.study.store import RunStore


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runner") / "case"
    gr.new_case(folder)
    return folder


@pytest.fixture(scope="module")
def case(path):
    return gr.load_case(path)


def run(case, store, **given):
    return gr.run_all(case, years=[2019], samples=1, risk_samples=10, store=RunStore(store), **given)


@pytest.mark.parametrize(
    "error",
    [
        CaseError([Problem("x.csv:3", "abc", "a number", "remove it"), Problem("y", 1, "two")]),
        InfeasibleError("no plan meets the limits", ["LOLE", "CO2"]),
        EngineError("full"),
    ],
)
def test_errors_come_through_pickle_as_they_were(error):
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)


needs_fork = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="patched code is forked")


@needs_fork
def test_what_is_wrong_in_one_scenario_arrives_with_all_its_problems(case, tmp_path, monkeypatch):
    wrong = [Problem("a", 1, "b", "c"), Problem("d", 2, "e")]
    plain = runner.simulate

    def fails(case, scenario, **given):
        if given.get("risk_years") is not None and scenario.name == names[1]:
            raise CaseError(wrong)
        return plain(case, scenario, **given)

    names = list(case.scenarios)
    monkeypatch.setattr(runner, "simulate", fails)
    with pytest.raises(CaseError) as caught:
        run(case, tmp_path, workers=2)
    assert caught.value.problems == wrong


@needs_fork
def test_a_scenario_that_kills_its_workers_is_named(case, tmp_path, monkeypatch):
    def dies(job, scenario):
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(runner._Job, "run", dies)
    with pytest.raises(EngineError, match="workers died of it"):
        run(case, tmp_path, workers=2)


def claims_in(store, path, pipe):
    from gridrush.web.worker import claims

    os.environ["GRIDRUSH_STORE"] = str(store)
    try:
        pipe.send(claims(gr.load_case(path), {}, lambda share, word: None))
    except BaseException as failed:
        pipe.send(failed)


def test_claims_are_judged_in_a_process_that_may_not_start_others(case, path, tmp_path):
    ours, theirs = multiprocessing.Pipe()
    there = multiprocessing.Process(target=claims_in, args=(tmp_path, path, theirs), daemon=True)
    there.start()
    assert ours.poll(240)
    got = ours.recv()
    there.join()
    assert isinstance(got, dict), got
    assert set(got["risk"]) == set(case.scenarios)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"scenarios": []}, ["scenarios"]),
        ({"years": [1900], "samples": 0}, ["samples", "years"]),
        ({"years": []}, ["years"]),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is(case, given, wrong):
    with pytest.raises(CaseError) as caught:
        gr.run_all(case, **given)
    assert [p.where for p in caught.value.problems] == wrong
    if "scenarios" not in given:
        with pytest.raises(CaseError):
            gr.simulate(case, **given)


def test_no_rush_where_nobody_mines(case):
    with pytest.raises(CaseError, match="mining_country"):
        gr.rush(case.model_copy(update={"mining_country": ""}))
