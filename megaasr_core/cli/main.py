"""`megaasr`: the application, its commands and the one place where errors become a line and an exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from contextlib import suppress
from copy import deepcopy
from importlib.metadata import entry_points
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Annotated

import typer

from megaasr.library.endings import flush_stdout, prepare_streams, stopped_by_signals, unexpected

from ..discovery.entry_points import DISABLED, GROUP, listed
from .commands import add_plugin_commands, drop_parameters
from .context import EXIT_INTERRUPTED, EXIT_USER_ERROR, say
from .plugins import plugins

APP = typer.Typer(
    name="megaasr",
    help="Speech recognition that holds up on bad recordings: simulate, score, route, transcribe.\n\n"
    "Anywhere on the command line: --verbose logs what is done, --traceback shows the traceback of an error.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
APP.add_typer(plugins)


def _print_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        sys.stdout.write(f"megaasr {__version__}\n")
        raise typer.Exit


@APP.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    disable_plugin: Annotated[
        list[str] | None,
        typer.Option(
            "--disable-plugin",
            metavar="NAME",
            help="Do not load this plugin: an entry point, a distribution or a file. Repeatable; also MEGAASR_DISABLE.",
        ),
    ] = None,
) -> None:
    del version, disable_plugin  # `main` has read it: it concerns the commands too


def _taken(flag: str, arguments: list[str]) -> bool:
    """Remove a flag from the arguments before ``--``; whether it was there."""
    if flag not in takewhile("--".__ne__, arguments):
        return False
    arguments.remove(flag)
    return True


def _disable_plugins(arguments: list[str]) -> None:
    """Disable what ``--disable-plugin`` names before ``--``, through the environment: worker processes inherit it."""
    pairs = pairwise([*takewhile("--".__ne__, arguments), ""])
    options = [(*argument.partition("="), following) for argument, following in pairs]
    names = [value or following for option, _, value, following in options if option == "--disable-plugin"]
    if names:
        os.environ[DISABLED] = os.pathsep.join([*listed(DISABLED), *names])


def _log_to_stderr(name: str, level: int) -> None:
    logging.basicConfig(format="megaasr: %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger(name).setLevel(level)


def main() -> None:
    """Run the command line; whatever goes wrong is one line on stderr and an exit code."""
    arguments = sys.argv[1:]
    with_traceback = _taken("--traceback", arguments)
    prepare_streams()
    with stopped_by_signals() as signals:
        try:
            code = _run(arguments, with_traceback)
            flush_stdout()
        except (KeyboardInterrupt, typer.Abort):
            code = EXIT_INTERRUPTED
        except BrokenPipeError:  # the reader, such as `head`, had enough
            with suppress(OSError):
                flush_stdout()
            code = 0
        except Exception as error:
            code = EXIT_USER_ERROR
            if not signals:
                _say_error(error, with_traceback)
        if signals:
            code = 128 + signals[0]
        if signals or code == EXIT_INTERRUPTED:
            stopped = signals and signals[0] != signal.SIGINT
            say(f"megaasr: stopped by {signal.Signals(signals[0]).name}" if stopped else "megaasr: interrupted")
    sys.exit(code)


def _run(arguments: list[str], with_traceback: bool) -> int:
    if _taken("--verbose", arguments):
        _log_to_stderr("megaasr", logging.INFO)
    if with_traceback:
        _log_to_stderr("megaasr.plugins", logging.DEBUG)
    _check_current_folder()
    _disable_plugins(arguments)
    app = deepcopy(APP)
    failures = add_plugin_commands(app, entry_points(group=GROUP))
    drop_parameters(app, arguments)
    try:
        return app(arguments or ["--help"], standalone_mode=False, obj=failures) or 0
    except SystemExit as error:  # typer's, of a pipe that the reader has closed
        if isinstance(error.__context__, BrokenPipeError):
            raise error.__context__ from None
        raise


def _check_current_folder() -> None:
    """MegaasrError where the current folder was removed: libraries end the process when they are loaded there."""
    from ..base.errors import MegaasrError

    try:
        Path.cwd()
    except OSError as error:
        raise MegaasrError("the current folder was removed; change to another") from error


def _say_error(error: Exception, with_traceback: bool) -> None:
    from ..base.errors import MegaasrError, one_line

    is_users = isinstance(error, typer.TyperException)
    if with_traceback and not is_users:
        traceback.print_exception(error)
    if is_users or isinstance(error, MegaasrError):
        say(f"megaasr: error: {one_line(getattr(error, 'format_message', error.__str__)())}")
    else:
        with suppress(OSError):  # it may be what has failed
            flush_stdout()
        say(f"megaasr: error: {unexpected(error)}")
