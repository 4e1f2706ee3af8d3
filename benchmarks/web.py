"""The page under load: start, slider to repaint, and many users at once. Only this machine is asked.

    python benchmarks/web.py                     start, slider in Chromium, 50 users for a minute
    python benchmarks/web.py --users 10 --seconds 10
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from statistics import median
from typing import Any

import httpx

SLIDERS: dict[str, list[float]] = {
    "fee": [x / 2 for x in range(51)], "found": [x / 100 for x in range(31)], "tariff": list(range(10, 155, 5)),
    "carbon": list(range(61)), "growth": [x / 200 for x in range(-4, 13)],
}  # fmt: skip
"""Sliders that users move, and the values these take."""
MOVES_A_DRAG = 5
MOST_USERS = 100
LONGEST_WAIT_S = 300.0
CHECKED = 10
"""Users whose last value is asked once more and compared."""


def main() -> None:
    """Run what is asked and print one line of JSON for each."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--users", type=int, default=50)
    wanted.add_argument("--seconds", type=float, default=60.0)
    wanted.add_argument("--moves", type=int, default=20)
    wanted.add_argument("--until", type=int, help="last year users ask for; default: all")
    wanted.add_argument("--only", choices=["start", "slider", "users"], action="append")
    wanted.add_argument("--network", help="a PyPSA network: start, and its slider of new load, instead of Kazakhstan")
    given = wanted.parse_args()
    began = time.perf_counter()
    command = [sys.executable, "-c", "from gridrush.cli.main import main; main()", "web",
               *([given.network] if given.network else []), "--port", "0", "--no-browser"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=1) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[0]
            show("start", **start(address, began))
            only = given.only or ["start", "slider", *([] if given.network else ["users"])]
            if "slider" in only and (chromium := shutil.which("chromium")):
                show("slider", **slider(address, chromium, given.moves, network=bool(given.network)))
            if "users" in only:
                show("users", **asyncio.run(crowd(
                    address, min(given.users, MOST_USERS), min(given.seconds, 120.0), given.until)))
        finally:
            server.send_signal(signal.SIGINT)


def show(what: str, **figures: Any) -> None:
    """One line."""
    print(json.dumps({"what": what, **figures}), flush=True)


def start(address: str, began: float) -> dict[str, float]:
    """Seconds until the server answers, and until a worker is warm."""
    httpx.get(address + "api/health", timeout=60)
    answers = time.perf_counter() - began
    while httpx.get(address + "api/health").json()["workers_ready"] < 2:
        time.sleep(0.1)
    return {"answers_s": round(answers, 2), "both_warm_s": round(time.perf_counter() - began, 2)}


def slider(address: str, chromium: str, moves: int, *, network: bool = False) -> dict[str, Any]:
    """Milliseconds from a slider's input event to the first repaint with new numbers, and to the whole 22 years (or all
    hours of a network)."""
    from playwright.sync_api import sync_playwright

    out: dict[str, Any] = {}
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        began = time.perf_counter()
        page.goto(address + ("?view=span" if network else "?s=open-door&view=years"))
        page.locator(".keys strong").first.wait_for()
        out["first_figures_s"] = round(time.perf_counter() - began, 2)
        steps: list[tuple[str, str, list[float]]] = [
            ("fee", "#c-fee", [0.5 + i for i in range(moves)]),
            ("growth", "#c-growth", [0.0 + 0.005 * (i % 12) for i in range(1, moves + 1)]),
        ]  # fmt: skip
        if network:
            new = page.locator("[id^=c-load-]").first
            step = float(new.get_attribute("step") or 1)
            steps = [("new_load", "[id^=c-load-]", [step * i for i in range(1, min(moves, 40) + 1)])]
        for name, place, values in steps:
            first, whole = [], []
            box = page.locator(place).first
            for value in values:
                page.wait_for_selector("[data-busy=no]", timeout=60_000)
                time.sleep(0.3)
                page.evaluate("gridrush.paints.length = 0")
                at = time.perf_counter()
                box.evaluate(
                    "(e, v) => { Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(e, v);"
                    " e.dispatchEvent(new Event('input', {bubbles: true})); }", str(value))  # fmt: skip
                page.wait_for_selector("[data-busy=no]", timeout=60_000)
                whole.append(1e3 * (time.perf_counter() - at))
                first += page.evaluate("gridrush.paints.slice(0, 1)")
            out[name] = {"first_paint_ms": spread(first), "all_years_ms": spread(whole)}
        browser.close()
    return out


def spread(values: list[float]) -> dict[str, float]:
    """Median and p90."""
    ranked = sorted(values)
    return {"median": round(median(ranked)), "p90": round(ranked[int(0.9 * (len(ranked) - 1))]), "n": len(ranked)}


async def crowd(address: str, users: int, seconds: float, until: int | None) -> dict[str, Any]:
    """Users who drag one slider after another, let go, and wait for the value they left it at.

    Each has a screen of its own that grows with every drag, so hardly two ask the same. A value is lost when its answer
    is not the last thing a user hears; it is wrong when the same screen, asked once more, has other figures.
    """
    waits: list[float] = []
    firsts: list[float] = []
    count = dict.fromkeys(("drags", "lost", "wrong"), 0)
    errors: list[str] = []
    left: list[tuple[int, dict[str, Any], list[float]]] = []
    end = time.monotonic() + seconds

    async def user(n: int, client: httpx.AsyncClient) -> None:
        rng = random.Random(n)
        await asyncio.sleep(rng.uniform(0.0, 1.0))
        values: dict[str, Any] = {}
        told: list[float] = []
        moves = 0
        while time.monotonic() < end:
            name = rng.choice(list(SLIDERS))
            asked = []
            for value in (rng.choice(SLIDERS[name]) for _ in range(MOVES_A_DRAG)):
                values = {**values, name: value}
                at = time.monotonic()
                moves += 1
                asked.append(asyncio.create_task(ask(client, n, values, moves)))
                await asyncio.sleep(0.05)
            count["drags"] += 1
            kind, first, told = (await asyncio.gather(*asked))[-1]
            waits.append(time.monotonic() - at)
            firsts.append(first - at)
            if kind != "done":
                count["lost"] += 1
                errors.append(kind)
            await asyncio.sleep(rng.uniform(0.5, 2.0))
        if told:
            left.append((n, values, told))

    async def ask(
        client: httpx.AsyncClient, n: int, values: dict[str, Any], move: int
    ) -> tuple[str, float, list[float]]:
        """How the answer ends, when its first years came, and its CO2 by year."""
        screen = {"base": "open-door", "values": values}
        body = {"session": f"user{n}", "screen": screen, "year": 2022, "until": until, "move": move}
        first, last = 0.0, b""
        try:
            async with client.stream("POST", "api/simulate", json=body) as answer:
                async for line in answer.aiter_lines():
                    first, last = first or time.monotonic(), line.encode()
                if answer.status_code != 200:
                    return f"{answer.status_code} {last[:80]!r}", first, []
        except httpx.HTTPError as failed:
            return repr(failed), first, []
        end = json.loads(last)
        return str(end["kind"]), first, end["result"]["annual"]["co2_mt"] if end["kind"] == "done" else []

    limits = httpx.Limits(max_connections=users * (MOVES_A_DRAG + 1))
    async with httpx.AsyncClient(base_url=address, timeout=LONGEST_WAIT_S, limits=limits) as client:
        await asyncio.gather(*(user(n, client) for n in range(users)))
        for n, values, told in left[:CHECKED]:
            count["wrong"] += (await ask(client, n, values, 0))[2] != told
        alive = (await client.get("api/health")).status_code == 200
    out = {"users": users, "seconds": seconds, **count, "errors": errors[:3], "server_alive": alive}
    for name, taken in (("first_years", firsts), ("all_years", waits)):
        ranked = sorted(taken)
        out[name] = {"median_s": round(median(ranked), 2), "p95_s": round(ranked[int(0.95 * (len(ranked) - 1))], 2)}
    return out


if __name__ == "__main__":
    main()
