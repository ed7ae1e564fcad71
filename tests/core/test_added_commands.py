"""Commands that plugins add to groups that are there already, and names that they cannot take."""

from __future__ import annotations

from copy import deepcopy
from threading import Lock

import pytest
import typer
from typer.testing import CliRunner

from megaasr_core.cli.commands import add_plugin_commands, drop_parameters


class Point:
    """An entry point of a command."""

    dist = None

    def __init__(self, name: str, register_commands) -> None:
        self.name = f"command.{name}"
        self.plugin = type(name, (), {"register_commands": staticmethod(register_commands)})

    def load(self):
        return self.plugin


@pytest.fixture
def app() -> typer.Typer:
    """With the group ``plugins``, which lists when it is called by itself, and the command ``degrade``."""
    app, group = typer.Typer(), typer.Typer(name="plugins")

    @group.callback(invoke_without_command=True)
    def list_plugins(context: typer.Context):
        if context.invoked_subcommand is None:
            typer.echo("listed")

    @app.command()
    def degrade():
        typer.echo("degraded")

    app.add_typer(group)
    return app


def adds(group: str, command: str, text: str):
    def register_commands(app: typer.Typer) -> None:
        inner = typer.Typer()
        inner.command(command)(lambda: typer.echo(text))
        app.add_typer(inner, name=group)

    return register_commands


def run(app, *arguments):
    return CliRunner().invoke(app, list(arguments)).stdout.strip()


def test_a_group_is_extended(app, capsys):
    add_plugin_commands(
        app, [Point("one", adds("plugins", "show", "shown")), Point("two", adds("corpus", "x", "made"))]
    )
    assert capsys.readouterr().err == ""
    assert run(app, "plugins", "show") == "shown"
    assert run(app, "plugins") == "listed"
    assert run(app, "corpus", "x") == "made"
    assert run(app, "degrade") == "degraded"


def test_a_command_of_a_group_cannot_be_replaced(app, capsys):
    points = [Point("one", adds("plugins", "show", "first")), Point("two", adds("plugins", "show", "second"))]
    add_plugin_commands(app, points)
    assert "two" in (line := capsys.readouterr().err)
    assert "command 'plugins show' is already added by command.one" in line
    assert run(app, "plugins", "show") == "first"


def test_a_group_with_a_callback_of_its_own_cannot_take_the_place_of_one(app, capsys):
    def register_commands(other: typer.Typer) -> None:
        inner = typer.Typer(name="plugins")
        inner.callback(invoke_without_command=True)(lambda: typer.echo("taken over"))
        other.add_typer(inner)

    add_plugin_commands(app, [Point("one", register_commands)])
    assert "command 'plugins' is already added by the core of megaasr" in capsys.readouterr().err
    assert run(app, "plugins") == "listed"


def test_a_command_cannot_take_the_name_of_a_group(app, capsys):
    def register_commands(other: typer.Typer) -> None:
        other.command("plugins")(lambda: typer.echo("taken over"))

    add_plugin_commands(app, [Point("one", register_commands), Point("two", adds("degrade", "x", "taken over"))])
    assert capsys.readouterr().err.count("is already added by the core of megaasr") == 2
    assert run(app, "plugins") == "listed"
    assert run(app, "degrade") == "degraded"


def test_only_the_options_of_the_called_command_are_read_and_the_plugins_own_application_stays_as_it_is(app):
    inner = typer.Typer(name="corpus")

    @inner.command()
    def count(number: int = 3):
        """Count."""
        typer.echo(str(number))

    points = [Point("one", lambda other: other.add_typer(inner))]
    for call, text in ((["degrade"], "degraded"), (["corpus", "count", "--number", "4"], "4")):
        called = deepcopy(app)
        add_plugin_commands(called, points)
        drop_parameters(called, call)
        assert run(called, *call) == text
        assert "Count." in run(called, "corpus", "--help")
    drop_parameters(called, ["degrade"])
    assert "No such option: --number" in CliRunner().invoke(called, ["corpus", "count", "--number", "4"]).stderr


def test_a_command_may_be_a_method_of_what_cannot_be_copied(app):
    class Counter:
        def __init__(self) -> None:
            self.lock = Lock()

        def count(self, number: int = 3):
            typer.echo(str(number))

    add_plugin_commands(app, [Point("one", lambda other: other.command()(Counter().count))])
    drop_parameters(app, ["count"])
    assert run(app, "count", "--number", "4") == "4"
