"""`megaasr`: the application, its commands and the one place where errors become a line and an exit code."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import Annotated

import typer

from .compare import compare
from .context import EXIT_INTERRUPTED, EXIT_USER_ERROR, say
from .corpus import app as corpus
from .degrade import degrade
from .doctor import doctor
from .evaluate import evaluate
from .new import new
from .plugins import plugins
from .reward import reward
from .scenarios import scenarios
from .train import train
from .transcribe import transcribe

app = typer.Typer(
    name="megaasr",
    help="Speech recognition that holds up on bad recordings: simulate, score, route, transcribe.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(transcribe)
app.command()(degrade)
app.command()(scenarios)
app.add_typer(corpus)
app.command()(reward)
app.command(name="eval")(evaluate)
app.command()(compare)
app.command()(train)
app.command()(plugins)
app.command()(new)
app.command()(doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        sys.stdout.write(f"megaasr {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


def add_plugin_commands() -> None:
    """Let plugins add commands: only entry points named ``command.*`` are imported, so that --help stays fast."""
    for point in entry_points(group="megaasr"):
        if not point.name.startswith("command."):
            continue
        try:
            point.load().register_commands(app)
        except Exception as error:  # a broken plugin stops nothing
            say(f"megaasr: warning: plugin {point.name} is not loaded: {type(error).__name__}: {error}")


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    from ..base.errors import MegaasrError, one_line

    add_plugin_commands()
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False) or 0
        if code == EXIT_INTERRUPTED:  # typer makes an exit code of the interrupt
            say("megaasr: interrupted")
        sys.exit(code)
    except typer.TyperException as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        say(f"megaasr: error: {one_line(message)}")
        sys.exit(EXIT_USER_ERROR)
    except MegaasrError as error:
        say(f"megaasr: error: {one_line(error)}")
        sys.exit(EXIT_USER_ERROR)
    except (KeyboardInterrupt, typer.Abort):
        say("megaasr: interrupted")
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader, such as `head`, had enough
        sys.stderr.close()
        sys.exit(0)
