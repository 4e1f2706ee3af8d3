"""What the browser tests share: a server of one's own, when a page has settled, and what axe finds in it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

Open = Callable[..., Any]


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """Address of `gridrush web` with these arguments, in a process that ends as by Ctrl-C."""
    command = [sys.executable, "-c", "from gridrush.cli.main import main; main()", "web", *arguments, "--port", "0",
               "--no-browser"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}) as p:
        assert p.stdout is not None
        try:
            yield p.stdout.readline().split()[0]
        finally:
            p.send_signal(signal.SIGINT)
            p.wait(timeout=20)


def settled(page: Any) -> None:
    """Wait until figures stand; kernels may have to be compiled first."""
    page.wait_for_selector("[data-busy=no]", timeout=180_000)


def figure(page: Any, name: str) -> str:
    """A figure as it reads."""
    return str(page.locator(f"[data-key={name}] strong").inner_text())


def violations(page: Any) -> list[Any]:
    """What axe finds wrong: rule and the first places."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    run = "axe.run().then(r => r.violations.map(v => [v.id, v.nodes.slice(0, 3).map(n => n.html)]))"
    found: list[Any] = page.evaluate(run)
    return found
