"""The command `gridrush`: every subcommand is a thin call of the library; heavy imports wait until one runs.

Exit codes: 0 done, 2 the input is wrong, 3 no plan or dispatch meets the limits, 4 a worker, solver or store failed,
130 interrupted. Results go to stdout, everything else to stderr; with --json stdout holds nothing but JSON.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, Any

import typer

from gridrush.cli import case as case_commands
from gridrush.cli import detect as detect_commands
from gridrush.cli import grid as grid_commands
from gridrush.cli import headroom as headroom_commands
from gridrush.cli import mining as mining_commands
from gridrush.cli import plan as plan_commands
from gridrush.cli import policy as policy_commands
from gridrush.cli import risk as risk_commands
from gridrush.cli import studies as studies_commands
from gridrush.cli import study as study_commands
from gridrush.cli import web as web_commands
from gridrush.cli.show import as_problem, give_problems
from gridrush.errors import CaseError, EngineError, GridrushError, InfeasibleError

INTERRUPTED = 130
GIVEN_AGAIN_S = 0.02
"""Wait before Ctrl-C that Python dropped is given again."""

BROKEN_PIPE = 141
BAD_INPUT = 2
CODES: dict[type[GridrushError], int] = {CaseError: BAD_INPUT, InfeasibleError: 3, EngineError: 4}

app = typer.Typer(
    name="gridrush", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    epilog="""\b
Examples:
  gridrush run kazakhstan                       the report, in out/kazakhstan
  gridrush run kazakhstan --scenario nuclear --years 2021-2040
  gridrush assess kazakhstan --years 2021       hours and energy short, with their errors
  gridrush assess --units units.csv --load load.csv --method exact --json
  gridrush compare kazakhstan ban open-door     scenarios side by side
  gridrush claims kazakhstan                    what was said, and what holds
  gridrush case new mycase                      a small case to start from
  gridrush case check mycase                    every problem at once""",
)  # fmt: skip

# What a usage error is called depends on the release of Typer, which brings its own click.
_UsageError: type[Exception] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def _version(wanted: bool) -> None:
    if wanted:
        from gridrush import __version__

        typer.echo(f"gridrush {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """A load that can move rushes onto a power grid: how much is there, what breaks, and what closes the gap."""


app.add_typer(case_commands.app, name="case")
app.add_typer(studies_commands.app, name="study")
app.add_typer(policy_commands.app, name="policy")
for _add in (study_commands.add, risk_commands.add, web_commands.add):
    _add(app)
for _add in (grid_commands.add, headroom_commands.add, mining_commands.add, plan_commands.add, detect_commands.add):
    _add(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    sys.unraisablehook = _dropped
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a job in the background ignores it
        signal.signal(signal.SIGINT, _interrupt)
    try:
        code = run(list(sys.argv[1:] if arguments is None else arguments))
    except Exception:
        if not _came.is_set():
            raise
        code = _interrupted()  # what Ctrl-C tore says no more than that
    sys.exit(code)


_came = threading.Event()


def _interrupt(number: int, frame: FrameType | None) -> None:
    _came.set()
    raise KeyboardInterrupt


def _dropped(caught: sys.UnraisableHookArgs) -> None:
    """Ctrl-C that fell into a destructor or a callback of the compiler, where Python drops it, is given again."""
    if caught.exc_type is KeyboardInterrupt:
        again = threading.Timer(GIVEN_AGAIN_S, _interrupt_again)  # when the callback has been left
        again.daemon = True
        again.start()
    elif not _came.is_set():  # else a destructor of what was torn half made
        sys.__unraisablehook__(caught)


def _interrupt_again() -> None:
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # wakes it, were it asleep
    else:
        _thread.interrupt_main()


def run(arguments: list[str]) -> int:
    """Exit code of a command line."""
    as_json = "--json" in arguments
    try:
        code = app(arguments, prog_name="gridrush", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except _UsageError as usage:
        err: Any = usage
        if type(err).__name__ == "NoArgsIsHelpError":
            typer.echo(str(err))
        elif as_json:
            give_problems([as_problem(err)], as_json=True)
        else:
            err.show()
        return BAD_INPUT
    except CaseError as wrong:
        give_problems(wrong.problems, as_json=as_json)
        return CODES[CaseError]
    except GridrushError as failed:
        typer.echo(f"gridrush: {failed}", err=True)
        return next((code for kind, code in CODES.items() if isinstance(failed, kind)), 1)
    except BrokenPipeError:  # the reader of our output has gone: `gridrush case show kazakhstan | head`
        sys.stdout = None
        return BROKEN_PIPE
    if code == INTERRUPTED:  # by Typer, or above
        return _interrupted()
    return code if isinstance(code, int) else 0


def _interrupted() -> int:
    typer.echo("gridrush: interrupted; nothing half-written is left.", err=True)
    return INTERRUPTED
