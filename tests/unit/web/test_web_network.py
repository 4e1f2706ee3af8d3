"""What the server answers about a PyPSA network, and what it refuses."""

import json
import sys
import warnings
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")
pytest.importorskip("pypsa")
sys.path.insert(0, str(Path(__file__).parents[1] / "study"))
import small_network

with warnings.catch_warnings():  # newer releases of Starlette ask for httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

from gridrush.case.template import new_case
from gridrush.errors import CaseError
from gridrush.study.network_results import network_results
from gridrush.study.network_room import Change, operate
from gridrush.study.networks import Network, load_case
from gridrush.web.app import create_app
from gridrush.web.controls import Screen
from gridrush.web.network_controls import moves_of, stories
from gridrush.web.opened import Opened, Source

HOST = "http://127.0.0.1:8765"
pytestmark = pytest.mark.filterwarnings("ignore:.*legacy_string_dtype")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_network.week(tmp_path_factory.mktemp("net") / "week.nc")


@pytest.fixture(scope="module")
def network(file: Path) -> Network:
    found = load_case(file)
    assert isinstance(found, Network)
    return found


@pytest.fixture(scope="module")
def client(file: Path) -> Iterator[TestClient]:
    with TestClient(create_app(str(file), workers=1), base_url=HOST) as c:
        yield c


def ask(values: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"session": "t", "screen": {"base": "network", "values": values or {}}}


def result(client: TestClient, values: dict[str, Any] | None = None) -> dict[str, Any]:
    got = client.post("/api/simulate", json=ask(values))
    assert got.status_code == 200, got.text
    last = json.loads(got.text.splitlines()[-1])
    assert last["kind"] == "done", last
    found: dict[str, Any] = last["result"]
    return found


def test_the_page_is_told_what_the_network_is(client: TestClient) -> None:
    told = client.get("/api/case").json()
    n = told["network"]
    assert told["kind"] == "network"
    assert (told["title"], n["hours"], n["units"], n["links"]) == ("week.nc", 168, 3, 1)
    assert [(z["name"], z["lon"], z["lat"]) for z in told["zones"]] == [("North", 70.0, 52.0), ("South", 76.0, 43.0)]
    assert any("impedances" in x for x in n["dropped"])
    assert n["geographic"] is True
    assert {c["panel"] for c in told["controls"]} == {"lever", "assumption"}
    assert {"load:North", "plant:South:coal", "link:transit", "carbon", "cost:gas", "demand", "voll"} <= {
        c["key"] for c in told["controls"]}  # fmt: skip
    assert "/tmp" not in json.dumps(told)
    assert client.get("/api/health").json()["case"] == "week"


@pytest.mark.parametrize("values, change", [
    ({}, {}), ({"load:South": 100}, {"new_load_mw": {"South": 100}}),
    ({"load:South": 100, "cut": 5, "pays": 60}, {"new_load_mw": {"South": 100}, "cut_hours": 5,
                                                "pays_usd_per_mwh": 60}),
    ({"plant:South:gas": -600}, {"plant_mw": {("South", "gas"): -600}}),
    ({"carbon": 50}, {"carbon_price_usd_per_t": 50}),
    ({"link:transit": 1.5}, {"link_share": {"transit": 1.5}}), ({"demand": 0.9}, {"load_share": 0.9}),
    ({"cost:gas": 0.5}, {"cost_share": {"gas": 0.5}}), ({"voll": 4000}, {"value_usd_per_mwh": 4000}),
])  # fmt: skip
def test_a_screen_gives_the_figures_of_its_change(
    client: TestClient, network: Network, values: dict[str, Any], change: dict[str, Any]
) -> None:
    got, want = result(client, values), network_results(operate(network, Change(**change))).totals
    for name, value in want.items():
        assert got["annual"][name][0] == pytest.approx(value, rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize("values", [
    {"load:South": -1}, {"load:East": 1}, {"cut": 1e9}, {"carbon": "much"}, {"link:transit": True}, {"ban": True},
])  # fmt: skip
def test_values_out_of_bounds_are_named(client: TestClient, values: dict[str, Any]) -> None:
    got = client.post("/api/simulate", json=ask(values))
    assert got.status_code == 422
    assert next(iter(values)) in got.json()["problems"][0]["where"]


def test_a_network_has_no_scenarios_and_no_claims(client: TestClient) -> None:
    assert client.post("/api/simulate", json={**ask(), "screen": {"base": "nuclear"}}).status_code == 422
    got = client.post("/api/jobs/claims")
    assert got.status_code == 422
    assert "miners" in got.json()["problems"][0]["wanted"]


def test_hours_of_a_week_add_up_and_a_week_outside_is_empty(client: TestClient) -> None:
    week = client.post("/api/hours", json={**ask(), "first": "2030-01-07T00", "hours": 168}).json()
    assert len(week["time"]) == 168
    n = week["national"]
    made = sum(sum(x) for x in week["generation_mw"].values())
    assert made + sum(n["unserved_mw"]) == pytest.approx(sum(n["load_mw"]), rel=1e-3)
    (link,) = week["links"]
    assert max(abs(f) for f in link["flow_mw"]) <= link["forward_mw"] + 1
    assert client.post("/api/hours", json={**ask(), "first": "2031-01-07T00"}).json()["time"] == []


@pytest.mark.parametrize("view", ["start", "week", "take", "compare"])
@pytest.mark.parametrize("form", ["csv", "xlsx", "json", "nc", "zip", "pypsa"])
def test_a_view_can_be_taken_away(client: TestClient, form: str, view: str, tmp_path: Path) -> None:
    beside = [{"base": "network", "values": {"carbon": 20}}] if view == "compare" else []
    body = {**ask({"load:South": 20}), "view": view, "beside": beside, "first": "2030-01-07T00", "hours": 48}
    got = client.post(f"/api/take/{form}", json=body)
    assert got.status_code == 200, got.text
    assert "week-network-" in got.headers["content-disposition"]
    if form == "pypsa":
        path = tmp_path / "back.nc"
        path.write_bytes(got.content)
        again = load_case(path)
        assert isinstance(again, Network)
        want_mwh = 1e6 * result(client, {"load:South": 20})["annual"]["demand_twh"][0]
        assert float(again.load_mw.sum()) == pytest.approx(want_mwh, rel=1e-4)
    elif form == "nc":
        assert got.content[:4] == b"\x89HDF"
    elif form == "json":
        assert got.json()["changes"][0]["new_load_mw"] == {"South": 20}
    elif form == "xlsx":
        assert got.content[:2] == b"PK"
    else:
        files = zipfile.ZipFile(BytesIO(got.content))
        known = {"week": {"hours.csv"}, "compare": {"zones 1.csv", "change1.json"}}
        want = known.get(view, {"totals.csv", "links.csv"})
        assert want | {"README.txt", "change.json"} <= set(files.namelist())
        if view == "week":
            assert files.read("hours.csv").decode().count("\n") == 49


def test_the_snippet_gives_the_same_figures(client: TestClient, file: Path, monkeypatch: pytest.MonkeyPatch,
                                            capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    values = {"load:South": 100, "cut": 5, "plant:South:coal": 50, "link:transit": 0.5}
    got = client.post("/api/scenario", json=ask(values)["screen"]).json()
    monkeypatch.chdir(file.parent)
    space: dict[str, Any] = {}
    exec(got["python"], space)
    want = result(client, values)["annual"]
    assert space["run"].dispatch.unserved_mwh == pytest.approx(want["unserved_mwh"][0], rel=1e-4)
    assert "unserved_mwh" in capsys.readouterr().out


def test_risk_and_headroom_are_jobs(client: TestClient) -> None:
    screen = ask({"outage": 0.1})["screen"]
    found = job(client, "risk", {"screen": screen, "years": [2030], "samples": 20})
    assert found["risk"]["zones"]["system"]["LOLE_h"][0] > 0
    found = job(client, "headroom", {"screen": ask()["screen"], "year": 2030, "target_lole_h": 30, "shares": [0, 0.05]})
    assert found["samples"] == 0
    rows = {(h["zone"], h["share"]): h["mw"] for h in found["headroom"]}
    assert rows["South", 0.05] > rows["South", 0.0] > 0
    assert job(client, "headroom", {"screen": ask({"demand": 1.5})["screen"], "year": 2030})["headroom"] == []


def job(client: TestClient, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    name = client.post(f"/api/jobs/{kind}", json=body).json()["id"]
    states = [json.loads(x[6:]) for x in client.get(f"/api/jobs/{name}/events").text.splitlines() if x]
    assert states[-1]["state"] == "done", states[-1]
    found: dict[str, Any] = states[-1]["result"]
    return found


def test_headroom_found_fits_and_a_little_more_does_not(client: TestClient, network: Network) -> None:
    body = {"screen": ask()["screen"], "year": 2030, "target_lole_h": 30, "shares": [0]}
    rows = {h["zone"]: h["mw"] for h in job(client, "headroom", body)["headroom"]}
    for extra, holds in ((-1.0, True), (1.0, False)):
        run = operate(network, Change(new_load_mw={"South": rows["South"] + extra}))
        assert (network_results(run).totals["shortfall_h"] <= 30) is holds


def test_every_story_is_a_screen_of_the_network(network: Network) -> None:
    moves = moves_of(network)
    told = stories(network, moves)
    assert {"load", "flexible", "plant", "link", "carbon", "demand"} == {s["name"] for s in told}
    for s in told:
        moves.change(Screen(base="network", values=s["values"]))


def test_every_control_holds_its_default(network: Network) -> None:
    moves = moves_of(network)
    for c in moves.controls:
        at = moves.defaults[c.key]
        assert at is None or c.low <= at <= c.high
        assert at is None or (at - c.low) / c.step == pytest.approx(round((at - c.low) / c.step), abs=1e-6), c.key


def test_a_broken_network_is_told_in_place_until_it_is_mended(tmp_path: Path, file: Path) -> None:
    where = tmp_path / "mine.nc"
    where.write_bytes(b"this is no network")
    app = create_app(str(where), workers=1)
    app.app.state.pool.start = lambda: None
    with TestClient(app, base_url=HOST) as c:
        got = c.get("/api/case")
        assert got.status_code == 422
        assert "a PyPSA network" in got.json()["problems"][0]["wanted"]
        assert c.get("/").status_code == 200
        where.write_bytes(file.read_bytes())
        assert c.get("/api/case").json()["kind"] == "network"


def test_a_file_with_a_name_of_another_alphabet_can_be_taken_away(file: Path, tmp_path: Path) -> None:
    where = tmp_path / 'сеть "1".nc'
    where.write_bytes(file.read_bytes())
    with TestClient(create_app(str(where), workers=1), base_url=HOST) as c:
        got = c.post("/api/take/json", json={**ask(), "first": "2030-01-07T00"})
    assert got.status_code == 200
    assert got.headers["content-disposition"].endswith('filename="______1_-network-take.json"')


def test_buses_are_gathered_as_the_command_says_and_cases_have_none(file: Path, tmp_path: Path) -> None:
    opened = Opened(Source(str(file), zones=1))
    assert opened.look()
    assert len(json.loads(opened.told)["zones"]) == 1
    new_case(tmp_path / "case")
    with pytest.raises(CaseError, match="a network to go with it"):
        Source(str(tmp_path / "case"), zones=2).case()
