"""What the server answers, and what it refuses."""

import json
import os
import signal
import time
import warnings
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

with warnings.catch_warnings():  # newer releases of Starlette ask for httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

from gridrush.case.template import new_case
from gridrush.web.app import create_app

HOST = "http://127.0.0.1:8765"
ORIGIN = {"origin": HOST}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app("kazakhstan", workers=1), base_url=HOST) as c:
        yield c


def ask(values: dict[str, Any] | None = None, base: str = "as-it-was", session: str = "t") -> dict[str, Any]:
    return {"session": session, "screen": {"base": base, "values": values or {}}}


def lines(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(x) for x in answer.text.splitlines()]


def test_the_case_is_told_once_with_controls_and_map(client: TestClient) -> None:
    told = client.get("/api/case").json()
    assert {z["name"] for z in told["zones"]} == {"North", "South", "West"}
    assert {c["panel"] for c in told["controls"]} == {"lever", "assumption"}
    assert told["map"]["features"]
    assert "/work" not in json.dumps(told)


def test_a_simulation_ends_with_all_years_and_is_remembered(client: TestClient) -> None:
    got = lines(client.post("/api/simulate", json=ask({"fee": 3}), headers=ORIGIN))
    assert got[-1]["kind"] == "done"
    result = got[-1]["result"]
    assert result["years"] == list(range(2019, 2041))
    assert len(result["months"]) == 264
    for part in got[:-1]:
        n = len(part["result"]["years"])
        assert part["result"]["annual"]["co2_mt"] == result["annual"]["co2_mt"][:n]
    again = lines(client.post("/api/simulate", json=ask({"fee": 3})))
    assert again[-1]["cached"]
    assert again[-1]["result"] == result


def test_parties_pay_each_other_to_the_last_dollar(client: TestClient) -> None:
    result = lines(client.post("/api/simulate", json=ask()))[-1]["result"]
    for i in range(len(result["years"])):
        parts = [v[i] for v in result["balances"].values()]
        assert abs(sum(parts)) < 1e-3 * sum(abs(x) for x in parts)


def test_hours_of_a_week_balance(client: TestClient) -> None:
    week = client.post("/api/hours", json={**ask(), "first": "2021-10-31T18", "hours": 168}).json()
    assert len(week["time"]) == 168
    made = sum(v[100] for v in week["generation_mw"].values()) + week["national"]["import_mw"][100]
    n = {k: v[100] for k, v in week["national"].items()}
    used = n["load_mw"] - n["unserved_mw"] + n["registered_mw"] - n["interrupted_mw"] + n["export_mw"]
    assert made == pytest.approx(used, rel=0.03)  # losses and stores


@pytest.mark.parametrize("form, view", [
    ("csv", "money"), ("xlsx", "plants"), ("json", "years"), ("nc", "week"), ("zip", "start"), ("zip", "compare"),
])  # fmt: skip
def test_a_view_can_be_taken_away(client: TestClient, form: str, view: str) -> None:
    beside = [{"base": "nuclear", "values": {}}] if view == "compare" else []
    body = {**ask(), "view": view, "beside": beside, "first": "2021-10-25T00", "hours": 48}
    got = client.post(f"/api/take/{form}", json=body)
    assert got.status_code == 200, got.text
    assert f"-{view}." in got.headers["content-disposition"]
    if form == "nc":
        assert got.content[:4] in (b"\x89HDF", b"CDF\x01", b"CDF\x02")
    elif form == "json":
        assert [row[0] for row in got.json()["tables"]["years"]["data"]]
        assert got.json()["about"]
    elif form == "xlsx":
        assert got.content[:2] == b"PK"
    else:
        files = zipfile.ZipFile(BytesIO(got.content))
        names = {"start": {"years.csv", "months.csv", "ledger_usd.csv", "run.nc"}, "money": {"balances_usd.csv"},
                 "compare": {"years nuclear.csv", "years as-it-was.csv", "scenario1.json"}}[view]  # fmt: skip
        assert names | {"README.txt", "scenario.json"} <= set(files.namelist())
        assert all(name.partition(".csv")[0] in files.read("README.txt").decode() for name in names if "csv" in name)


def test_a_run_up_to_a_year_is_the_beginning_of_the_whole(client: TestClient) -> None:
    short = lines(client.post("/api/simulate", json={**ask({"fee": 4}), "until": 2022}))[-1]["result"]
    whole = lines(client.post("/api/simulate", json={**ask({"fee": 4}), "year": 2023}))[-1]["result"]
    assert short["years"] == [2019, 2020, 2021, 2022]
    assert short["annual"]["co2_mt"] == whole["annual"]["co2_mt"][:4]
    assert client.post("/api/simulate", json={**ask(), "until": 2050}).status_code == 422


def test_who_waits_is_told_the_year_looked_at_before_another_gets_the_rest(client: TestClient) -> None:
    def one(n: int) -> list[dict[str, Any]]:
        return lines(client.post("/api/simulate", json={**ask({"fee": 10 + n}, session=f"s{n}"), "year": 2022}))

    with ThreadPoolExecutor(4) as people:
        told = list(people.map(one, range(4)))
    assert {t[-1]["kind"] for t in told} == {"done"}
    assert sum(t[0]["result"]["until"] == 2022 for t in told) >= 3
    for t in told:
        assert t[0]["result"]["annual"]["co2_mt"] == t[-1]["result"]["annual"]["co2_mt"][: len(t[0]["result"]["years"])]


def test_pages_that_ask_the_same_share_one_answer(client: TestClient) -> None:
    pool = client.app.app.state.pool  # type: ignore[attr-defined]

    def one(n: int) -> list[dict[str, Any]]:
        return lines(client.post("/api/simulate", json={**ask({"fee": 21.5}, session=f"same{n}"), "year": 2022}))

    before = next(pool._numbers)
    with ThreadPoolExecutor(6) as people:
        told = list(people.map(one, range(6)))
    assert next(pool._numbers) - before == 2  # one question between the two looks
    assert {t[-1]["kind"] for t in told} == {"done"}
    assert all(t[-1]["result"] == told[0][-1]["result"] for t in told)


def test_who_turns_away_does_not_take_the_answer_from_others(client: TestClient) -> None:
    def one(session: str, fee: float) -> str:
        got = client.post("/api/simulate", json=ask({"fee": fee, "growth": 0.04}, session=session))
        return str(lines(got)[-1]["kind"])

    with ThreadPoolExecutor(3) as people:
        both = [people.submit(one, s, 22.5) for s in ("leaves", "stays")]
        time.sleep(0.2)
        newer = people.submit(one, "leaves", 23.5)
        assert {b.result() for b in both} <= {"done", "superseded"}
        assert (both[1].result(), newer.result()) == ("done", "done")


def test_a_case_that_does_not_load_is_told_in_place_until_it_is_mended(tmp_path: Path) -> None:
    where = tmp_path / "mine"
    new_case(where)
    header = (where / "case.yaml").read_text(encoding="utf-8")
    (where / "case.yaml").write_text(header + "nonsense: 1\n", encoding="utf-8")
    app = create_app(str(where), workers=1)
    app.app.state.pool.start = lambda: None
    with TestClient(app, base_url=HOST) as c:
        got = c.get("/api/case")
        assert got.status_code == 422
        assert "nonsense" in got.text
        assert c.post("/api/simulate", json=ask()).status_code == 422
        assert c.get("/").status_code == 200
        (where / "case.yaml").write_text(header, encoding="utf-8")
        assert c.get("/api/case").json()["zones"]


def test_the_snippet_gives_the_same_scenario(client: TestClient) -> None:
    got = client.post("/api/scenario", json={"base": "open-door", "values": {"fee": 2, "growth": 0.03}}).json()
    space: dict[str, Any] = {}
    exec(got["python"].split("run =")[0], space)
    mine = space["gr"].resolve_scenario(space["case"], space["mine"])
    assert mine.model_dump(mode="json") == got["scenario"]


@pytest.mark.parametrize("body", [
    ask(base="nowhere"), ask({"fee": 1e9}), ask({"nonsense": 1}), {**ask(), "extra": 1}, ask(session="../x"), {}, [],
])  # fmt: skip
def test_a_wrong_question_gets_a_list_of_problems(client: TestClient, body: Any) -> None:
    got = client.post("/api/simulate", json=body)
    assert got.status_code == 422
    assert got.json()["problems"][0]["wanted"]


def test_what_is_not_json_is_refused(client: TestClient) -> None:
    got = client.post("/api/simulate", content=b'{"screen": ', headers={"content-type": "application/json"})
    assert got.status_code == 422
    assert got.json()["problems"]


def test_a_body_of_many_megabytes_is_refused_before_it_is_read(client: TestClient) -> None:
    assert client.post("/api/simulate", content=b"x" * 100_000_000).status_code == 413
    assert client.post("/api/simulate", content=iter([b"x" * 40_000] * 4)).status_code == 413


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[", ""])
def test_another_host_name_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/api/case", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"origin": "null"},
                                     {"sec-fetch-site": "cross-site"}])  # fmt: skip
def test_a_page_of_another_site_cannot_ask(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/api/simulate", json=ask(), headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd",
                                  "/api/words/..%2f..%2fcase", "/api/words/xx", "/api/take/exe"])  # fmt: skip
def test_no_path_leads_out(client: TestClient, path: str) -> None:
    got = client.get(path)
    assert got.status_code in (404, 405, 422)
    assert "root:" not in got.text


def test_every_answer_carries_the_policy(client: TestClient) -> None:
    for got in (client.get("/api/case"), client.get("/api/nothing"), client.get("/", headers={"host": "x"})):
        assert "default-src 'none'" in got.headers["content-security-policy"]
        assert got.headers["x-content-type-options"] == "nosniff"


def test_a_job_tells_its_progress_and_its_result(client: TestClient) -> None:
    body = {"screen": ask()["screen"], "years": [2020], "samples": 20}
    job = client.post("/api/jobs/risk", json=body).json()
    states = [json.loads(x[6:]) for x in client.get(f"/api/jobs/{job['id']}/events").text.splitlines() if x]
    assert states[-1]["state"] == "done", states[-1]
    risk = states[-1]["result"]["risk"]
    assert risk["years"] == [2020]
    assert risk["zones"]["system"]["LOLE_h"][0] >= 0
    assert client.post("/api/jobs/risk", json=body).json()["id"] == job["id"]


def test_headroom_is_found_for_every_zone(client: TestClient) -> None:
    body = {"screen": ask()["screen"], "year": 2025, "shares": [0.0], "samples": 20}
    job = client.post("/api/jobs/headroom", json=body).json()
    states = [json.loads(x[6:]) for x in client.get(f"/api/jobs/{job['id']}/events").text.splitlines() if x]
    assert states[-1]["state"] == "done", states[-1]
    assert {h["zone"] for h in states[-1]["result"]["headroom"]} >= {"North", "South"}


def test_a_job_whose_process_dies_says_so(client: TestClient) -> None:
    job = client.post("/api/jobs/risk", json={"screen": ask()["screen"], "years": [2039], "samples": 2000}).json()
    known = client.app.app.state.jobs.get(job["id"])  # type: ignore[attr-defined]
    end = time.monotonic() + 60
    while (known.process is None or known.process.pid is None) and time.monotonic() < end:
        pass
    os.kill(known.process.pid, signal.SIGKILL)
    states = [json.loads(x[6:]) for x in client.get(f"/api/jobs/{job['id']}/events").text.splitlines() if x]
    assert states[-1]["state"] == "failed"
    assert "ended unexpectedly" in states[-1]["error"]
    assert client.get("/api/health").status_code == 200


def test_a_job_that_waits_is_cancelled_at_once(client: TestClient) -> None:
    first, waits = (
        client.post("/api/jobs/risk", json={"screen": ask()["screen"], "years": [y], "samples": 2000}).json()
        for y in (2037, 2038)
    )
    assert waits["state"] == "waiting"
    client.delete(f"/api/jobs/{waits['id']}")
    assert client.app.app.state.jobs.get(waits["id"]).state == "cancelled"  # type: ignore[attr-defined]
    assert client.app.app.state.jobs.get(first["id"]).state != "cancelled"  # type: ignore[attr-defined]
    client.delete(f"/api/jobs/{first['id']}")


def test_hours_from_a_day_that_is_none_are_refused(client: TestClient) -> None:
    got = client.post("/api/hours", json={**ask(), "first": "2021-13-45T00", "hours": 168})
    assert got.status_code == 422
    assert got.json()["problems"][0]["found"] == "2021-13-45T00"


def test_a_job_can_be_cancelled(client: TestClient) -> None:
    job = client.post("/api/jobs/risk", json={"screen": ask()["screen"], "years": [2040], "samples": 2000}).json()
    client.delete(f"/api/jobs/{job['id']}")
    states = [json.loads(x[6:]) for x in client.get(f"/api/jobs/{job['id']}/events").text.splitlines() if x]
    assert states[-1]["state"] == "cancelled"
    assert client.get("/api/jobs/none/events").status_code == 404


def test_a_worker_that_is_killed_is_replaced(client: TestClient) -> None:
    (pid,) = client.app.app.state.pool.pids  # type: ignore[attr-defined]
    os.kill(pid, signal.SIGKILL)
    got = client.post("/api/simulate", json=ask({"fee": 7}))
    if "failed" in got.text:  # it was asked before the loss was noticed
        got = client.post("/api/simulate", json=ask({"fee": 7}))
    assert lines(got)[-1]["kind"] == "done"
    end = time.monotonic() + 5
    while client.app.app.state.pool.pids == [pid] and time.monotonic() < end:  # type: ignore[attr-defined]
        pass
    assert client.app.app.state.pool.pids != [pid]  # type: ignore[attr-defined]
