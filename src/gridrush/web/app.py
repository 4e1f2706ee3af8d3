"""The server: a page, what it asks, and what it may take away."""

from __future__ import annotations

import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from gridrush import __version__
from gridrush.case.schema import Strict
from gridrush.errors import CaseError
from gridrush.web.controls import Screen
from gridrush.web.formats import FORMATS
from gridrush.web.guard import Guard, known_hosts
from gridrush.web.jobs import Job, Jobs
from gridrush.web.opened import Opened, Source
from gridrush.web.pool import Busy, Pool
from gridrush.web.worker import problems_of

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
MOST_CACHED = 256

Session = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


class Ask(Strict):
    """A screen to simulate up to a year, the page that asks, and the year it looks at, which is told first."""

    session: Session
    screen: Screen
    year: int | None = None
    until: int | None = None
    move: Annotated[int, Field(ge=0)] = 0  # counts the questions of the page; 0: not counted


class AskHours(Ask):
    """Hours of a screen from a time on, legal time."""

    first: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d$")]
    hours: Annotated[int, Field(ge=1, le=24 * 14)] = 168


class AskTake(AskHours):
    """A view to take away: its screen, those beside it, and its week."""

    view: Annotated[str, Field(pattern=r"^[a-z]{1,20}$")] = "take"
    beside: Annotated[tuple[Screen, ...], Field(max_length=3)] = ()


class AskRisk(Strict):
    """Monte Carlo over unit outages of a screen."""

    screen: Screen
    years: Annotated[list[int], Field(min_length=1, max_length=8)]
    samples: Annotated[int, Field(ge=10, le=2000)] = 200


class AskRoom(Strict):
    """New load a screen takes in a year at a risk target, by the share of hours it lets itself be cut."""

    screen: Screen
    year: int
    target_lole_h: Annotated[float, Field(ge=0.1, le=500)] = 24.0
    shares: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1, max_length=5)] = (0.0, 0.01)
    samples: Annotated[int, Field(ge=10, le=1000)] = 200


class Answers:
    """Finished answers by what was asked, a bounded number of them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """An answer given before."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: str, answer: bytes) -> None:
        """Remember an answer."""
        self._kept[key] = answer
        while len(self._kept) > MOST_CACHED:
            self._kept.popitem(last=False)


def create_app(
    given: Opened | Source | str, *, host: str = "127.0.0.1", workers: int = 2, static: Path = STATIC
) -> Any:
    """The application for a case or a network.

    Parameters
    ----------
    given : Opened, Source or str
        Folder of the case, the name of a built-in one, or file of a network. The only path the server opens, and not
        the page's to choose.
    host : str
        Address the server binds.
    workers : int
        Warm processes.
    """
    opened = given if isinstance(given, Opened) else Opened(given if isinstance(given, Source) else Source(given))
    pool, jobs, answers = Pool(opened.source, workers), Jobs(opened.source), Answers()

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        if opened.look():
            pool.start()
        yield
        jobs.close()
        pool.close()

    app = FastAPI(title="gridrush", version=__version__, lifespan=life, docs_url=None, redoc_url=None)
    app.state.pool, app.state.jobs = pool, jobs
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, wrong: RequestValidationError) -> JSONResponse:
        rows = [{"where": ".".join(str(x) for x in e["loc"])[:100], "found": str(e.get("input"))[:100],
                 "wanted": e["msg"], "hint": ""} for e in wrong.errors()[:50]]  # fmt: skip
        return JSONResponse({"problems": rows}, 422)

    @app.exception_handler(CaseError)
    async def _wrong(_: Request, wrong: CaseError) -> JSONResponse:
        return JSONResponse({"problems": problems_of(wrong)}, 422)

    @app.exception_handler(Busy)
    async def _busy(_: Request, __: Busy) -> JSONResponse:
        return JSONResponse(_one("server", "too many questions", "patience", "try again in a minute"), 503)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, e: HTTPException) -> JSONResponse:
        return JSONResponse(_one("address", e.detail, "an address listed in /openapi.json"), e.status_code)

    @app.get("/api/case")
    async def about() -> Response:
        """The case: zones, years, controls, scenarios, sources, events, map; or what is wrong with it."""
        if not opened.told and await run_in_threadpool(opened.look):  # it has been mended since
            pool.start()
        if not opened.told:
            return JSONResponse({"problems": opened.problems}, 422)
        return Response(opened.told, media_type="application/json")

    @app.get("/api/words/{language}")
    async def words(language: Literal["en", "ru", "kk", "vi"]) -> Response:
        """Catalogue of texts of a language, and its formats."""
        folder = resources.files("gridrush.i18n")
        texts = orjson.loads(folder.joinpath(f"{language}.json").read_bytes())
        formats = orjson.loads(folder.joinpath("formats.json").read_bytes())[language]
        return Response(orjson.dumps({"texts": texts, "formats": formats}), media_type="application/json")

    @app.get("/api/health")
    async def health() -> dict[str, Any]:
        """Whether the workers are warm."""
        named = Path(opened.source.where).name if opened.problems else opened.subject.name
        return {"version": __version__, "case": named, "workers_ready": pool.ready}

    @app.post("/api/simulate")
    async def simulate(ask: Ask) -> Response:
        """Simulate a screen hour by hour. Lines of JSON: parts as years are done, then the whole; or an error."""
        opened.subject.check(ask.screen, {"year": ask.year, "until": ask.until})
        key = _key(opened.subject.digest, ask.screen, ask.until)
        if (known := answers.get(key)) is not None:
            pool.turn(ask.session, ask.move)
            return Response(b'{"kind":"done","cached":true,"result":' + known + b"}\n", media_type=_LINES)
        content = ask.model_dump(exclude={"session", "move"})
        stream = pool.ask(ask.session, "run", content, f"{key} {ask.year}", move=ask.move)
        first = await anext(stream)

        async def lines() -> AsyncIterator[bytes]:
            message = first
            while True:
                yield _line(message)
                if message[0] == "done":
                    answers.put(key, message[1])
                if message[0] != "part":
                    return
                message = await anext(stream)

        return StreamingResponse(lines(), media_type=_LINES, headers={"content-encoding": "identity"})

    @app.post("/api/hours")
    async def hours(ask: AskHours) -> Response:
        """Hours of a screen: by fuel, zone and link."""
        opened.subject.check(ask.screen, {"first": ask.first})
        return await _single(pool, ask.session, "hours", ask.model_dump(exclude={"session"}))

    @app.post("/api/take/{form}")
    async def take(form: Literal["csv", "xlsx", "json", "nc", "zip", "pypsa"], ask: AskTake) -> Response:
        """What a view shows as a file: years, months, ledger, projects, or the hours of a week; a network as PyPSA."""
        opened.subject.refuse(form)
        for screen in (ask.screen, *ask.beside):
            opened.subject.check(screen, {"first": ask.first})
        made = await _single(pool, ask.session, "tables", {**ask.model_dump(exclude={"session"}), "format": form})
        if made.status_code == 200:
            made.headers["content-type"] = FORMATS[form][0]
            known = re.sub(r"[^A-Za-z0-9_.-]", "_", opened.subject.name)  # a header holds no other alphabet
            name = f"{known}-{ask.screen.base}-{ask.view}.{FORMATS[form][1]}"
            made.headers["content-disposition"] = f'attachment; filename="{name}"'
        return made

    @app.post("/api/scenario")
    async def scenario(screen: Screen) -> dict[str, Any]:
        """A screen as the scenario it stands for, and as Python."""
        return opened.subject.scenario(screen)

    @app.post("/api/jobs/risk", status_code=202)
    async def start_risk(ask: AskRisk) -> dict[str, Any]:
        """Begin a Monte Carlo over unit outages."""
        for year in ask.years:
            opened.subject.check(ask.screen, {"years": year})
        return jobs.start("risk", ask.model_dump()).told()

    @app.post("/api/jobs/claims", status_code=202)
    async def start_claims() -> dict[str, Any]:
        """Begin to simulate every scenario of the case and judge the claims."""
        opened.subject.refuse("claims")
        return jobs.start("claims", {"case": opened.subject.digest}).told()

    @app.post("/api/jobs/headroom", status_code=202)
    async def start_headroom(ask: AskRoom) -> dict[str, Any]:
        """Begin to look for the new load each zone takes at a risk target."""
        opened.subject.check(ask.screen, {"year": ask.year})
        return jobs.start("headroom", ask.model_dump()).told()

    @app.get("/api/jobs/{name}/events")
    async def events(name: str) -> StreamingResponse:
        """Progress of a job as server-sent events; the last carries the result."""
        job = _job(jobs, name)

        async def stream() -> AsyncIterator[bytes]:
            async for state in jobs.watch(job):
                result = job.result if state["state"] == "done" else None
                yield b"data: " + orjson.dumps({**state, "result": result}) + b"\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"cache-control": "no-store"})

    @app.delete("/api/jobs/{name}")
    async def cancel(name: str) -> dict[str, Any]:
        """Cancel a job."""
        job = _job(jobs, name)
        jobs.cancel(job)
        return job.told()

    if (static / "index.html").is_file():
        app.mount("/", StaticFiles(directory=static, html=True))
    return Guard(app, known_hosts(host), any_address=host in ("0.0.0.0", "::"))


_LINES = "application/x-ndjson"


async def _single(pool: Pool, session: str, kind: str, content: dict[str, Any]) -> Response:
    """The answer to a question that has one answer."""
    async for message in pool.ask(session, kind, content):
        if message[0] == "done":
            return Response(message[1], media_type="application/json")
        rows = message[1] if message[0] == "problems" else _one("simulation", message[1], "one that ends")["problems"]
        return JSONResponse({"problems": rows}, 422 if message[0] == "problems" else 500)
    raise RuntimeError("a question ended without an answer")


def _line(message: tuple[str, Any]) -> bytes:
    kind, content = message
    if kind in ("part", "done"):
        return b"".join((b'{"kind":"', kind.encode(), b'","result":', content, b"}\n"))
    end: bytes = orjson.dumps({"kind": kind, "problems": content if kind == "problems" else None,
                         "message": content if kind == "failed" else None})  # fmt: skip
    return end + b"\n"


def _key(digest: str, screen: Screen, until: int | None) -> str:
    text = digest.encode() + orjson.dumps([screen.model_dump(), until], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _job(jobs: Jobs, name: str) -> Job:
    job = jobs.get(name)
    if job is None:
        raise HTTPException(404, "no such job")
    return job


def _one(where: str, found: object, wanted: str, hint: str = "") -> dict[str, Any]:
    return {"problems": [{"where": where, "found": str(found), "wanted": wanted, "hint": hint}]}
