"""`gridrush web`: the policy simulator in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gridrush.cli.options import SystemArgument, Zones, zoning
from gridrush.cli.show import give_problems
from gridrush.errors import CaseError, EngineError, Problem


def add(app: typer.Typer) -> None:
    """Put the command of this module under `gridrush`."""
    app.command(epilog="""\b
Examples:
  gridrush web
  gridrush web mycase --port 8800 --no-browser
  gridrush web network.nc --zones 8""")(web)  # fmt: skip


def web(
    case: SystemArgument = "kazakhstan",
    zones: Zones = None,
    period: Annotated[int | None, typer.Option(help="Network: investment period; default: all end to end.")] = None,
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8765,
    host: Annotated[str, typer.Option(help="Address to bind; anything but 127.0.0.1 lets others in.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(help="Warm processes.", min=1, max=16)] = 2,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """The policy simulator: a page on this computer where every slider runs the hourly model again."""
    import socket

    try:
        import uvicorn

        from gridrush.web.app import STATIC, create_app
        from gridrush.web.opened import Opened, Source
    except ImportError as missing:
        raise EngineError(f"{missing.name} is not installed; the page needs: pip install 'gridrush[web]'") from missing
    opened = Opened(Source(case, zoning(zones), period))
    if not opened.look():  # what is wrong with it is said before anything starts
        if not _can_be_mended(Path(case)):
            raise CaseError([Problem(p["where"], p["found"], p["wanted"], p["hint"]) for p in opened.problems])
        give_problems([Problem(p["where"], p["found"], p["wanted"], p["hint"]) for p in opened.problems], as_json=False)
        typer.echo("gridrush: the page lists them; mend the file and press Check again.", err=True)
    if not (STATIC / "index.html").is_file():
        raise EngineError("the page has not been built in this checkout; build it with scripts/build-web")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)  # who comes early waits, and is not refused
    except (OSError, OverflowError) as error:
        raise CaseError([Problem("--port", port, "a free port", "give another with --port")]) from error
    address = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{listener.getsockname()[1]}/"
    typer.echo(f"{address}   (Ctrl-C ends it)")
    if browser:
        import threading
        import webbrowser

        threading.Timer(1.0, webbrowser.open, [address]).start()
    app = create_app(opened, host=host, workers=workers)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2))
    server.run(sockets=[listener])


def _can_be_mended(path: Path) -> bool:
    """Whether there is a case or network to list the problems of, rather than nothing."""
    from gridrush.study.networks import is_file_of_a_system

    return (path / "case.yaml").is_file() or (path.exists() and is_file_of_a_system(path))
