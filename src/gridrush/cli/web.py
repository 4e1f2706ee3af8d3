"""`gridrush web`: the policy simulator in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gridrush.cli.show import give_problems
from gridrush.errors import CaseError, EngineError, Problem


def add(app: typer.Typer) -> None:
    """Put the command of this module under `gridrush`."""
    app.command(epilog="""\b
Examples:
  gridrush web
  gridrush web mycase --port 8800 --no-browser""")(web)  # fmt: skip


def web(
    case: Annotated[str, typer.Argument(help="Folder of the case, or the name of a built-in one.")] = "kazakhstan",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8765,
    host: Annotated[str, typer.Option(help="Address to bind; anything but 127.0.0.1 lets others in.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(help="Warm processes.", min=1, max=16)] = 2,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """The policy simulator: a page on this computer where every slider runs the hourly model again."""
    import socket

    from gridrush.case.load import load_case

    try:
        load_case(case)  # what is wrong with it is said before anything starts
    except CaseError as wrong:
        if not (Path(case) / "case.yaml").is_file():
            raise
        give_problems(wrong.problems, as_json=False)
        typer.echo("gridrush: the page lists them; mend the case and press Check again.", err=True)
    try:
        import uvicorn

        from gridrush.web.app import STATIC, create_app
    except ImportError as missing:
        raise EngineError(f"{missing.name} is not installed; the page needs: pip install 'gridrush[web]'") from missing
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
    app = create_app(case, host=host, workers=workers)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2))
    server.run(sockets=[listener])
