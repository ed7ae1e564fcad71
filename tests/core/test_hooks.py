"""Every hook is documented under its own signature, and every hook registers what it says."""

import re
from pathlib import Path
from typing import ClassVar

import pytest
import typer

from megaasr import Degradation, Reward, Role, Router, Scenario, hookimpl, load_plugins, step
from megaasr_core.contracts.engine import Engine
from megaasr_core.contracts.trainer import Trainer
from megaasr_core.discovery.kinds import KINDS
from megaasr_core.discovery.plugins import Plugins
from megaasr_core.discovery.registry import Owner
from tests.core.ear_plugin import Ear
from tests.core.tone_plugin import Gain

PAGE = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text(encoding="utf-8")
HOOKS = {kind.hook: "register" for kind in KINDS} | {"register_kinds": "register", "register_commands": "app"}


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_documented_with_its_signature(name):
    assert f"## {name}({HOOKS[name]})\n" in PAGE


def test_no_hook_is_documented_that_is_not_there():
    assert sorted(re.findall(r"^## (\w+)\(", PAGE, flags=re.MULTILINE)) == sorted(HOOKS)


class Nothing(Reward):
    """Always 0."""

    name: ClassVar[str] = "nothing"

    def score(self, batch):
        return [0.0] * len(batch)


class Nowhere(Router):
    """No route."""

    name: ClassVar[str] = "nowhere"

    def route(self, batch):
        return []


class Loop(Engine):
    """One after another."""

    name: ClassVar[str] = "loop"

    def run(self, task, items):
        return iter(())


class Patience(Trainer):
    """Trains nothing."""

    name: ClassVar[str] = "patience"

    def train(self, out):
        return {}


THINGS = {
    "primitive": Gain,
    "degradation": Degradation("d", Role.MODIFIER, (step("gain", gain_db=1.0),)),
    "scenario": Scenario("s", ("d",)),
    "reward": Nothing,
    "router": Nowhere,
    "backend": Ear,
    "engine": Loop,
    "trainer": Patience,
}


@pytest.mark.parametrize("kind", THINGS)
def test_every_hook_registers_its_kind(kind):
    class Plugin:
        @hookimpl
        def register_primitives(self, register):
            register(Gain)

        @hookimpl
        def register_degradations(self, register):
            register(THINGS["degradation"])

    def register(self, register):
        register(THINGS[kind])

    if kind not in ("primitive", "degradation"):
        setattr(Plugin, f"register_{kind}s", hookimpl(register))
    plugins = Plugins()
    plugins.add(Plugin(), Owner("p", "file", "-"))
    plugins.fill()
    assert not plugins.failures
    registry = next(one for one in plugins.registries if one.kind == kind)
    assert list(registry.values()) == [THINGS[kind]]


def test_a_command_plugin_adds_its_command(capsys):
    from megaasr_core.cli.commands import add_plugin_commands

    class Hello:
        @staticmethod
        def register_commands(app):
            @app.command()
            def hello():
                """Say hello."""

    class Point:
        dist = None

        def __init__(self, name, load):
            self.name, self.load = name, load

    def broken():
        raise RuntimeError("boom")

    points = [Point("command.hello", lambda: Hello), Point("command.broken", broken), Point("reward.x", broken)]
    app = typer.Typer()
    add_plugin_commands(app, points)
    assert [command.callback.__name__ for command in app.registered_commands] == ["hello"]
    assert capsys.readouterr().err.count("boom") == 1


def test_the_generated_reference_is_up_to_date(monkeypatch):
    import importlib.util

    monkeypatch.delenv("MEGAASR_PLUGINS", raising=False)
    path = Path(__file__).parents[2] / "docs" / "generate.py"
    spec = importlib.util.spec_from_file_location("generate", path)
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    own = [row for row in load_plugins().rows() if row.owner.distribution != "megaasr"]
    if own:
        pytest.skip(f"other plugins are installed: {own[0].owner}")
    assert generate.reference(load_plugins()) == generate.TARGET.read_text(encoding="utf-8"), "run `make docs`"
