"""What a plugin does wrong is never silent: names that are taken, hooks that would not be called, code that raises."""

import json

import numpy as np
import pytest

from megaasr import Audio, write_audio
from tests.command_line import megaasr
from tests.core.installed_plugin import install

REWARD = """
class Mine(Reward):
    '''A reward.'''

    name: ClassVar[str] = "mine"

    def score(self, batch):
        return [0.5] * len(batch)
"""
HOOK = """
@hookimpl
def register_rewards(register):
    register(Mine)
"""


def rows(*args, path="", **environment):
    result = megaasr("plugins", "--json", *args, path=path, **environment)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def failure(plugin, path="", **environment):
    """The one failed row, which must be of `plugin`."""
    failed = [row for row in rows(path=path, **environment) if row["error"]]
    assert [row["name"] for row in failed] == [plugin]
    assert "\n" not in failed[0]["error"]
    return failed[0]["error"]


@pytest.fixture
def recording(tmp_path):
    samples = 0.1 * np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    write_audio(tmp_path / "in.wav", Audio(samples.astype(np.float32), 16_000))
    return tmp_path / "in.wav"


# Names that are taken


TAKES_CHANGE_VOLUME = """
class Silence(Primitive):
    '''Silence everything.'''

    name: ClassVar[str] = "change_volume"
    target_lufs: float = -23.0

    def apply(self, samples, sample_rate, context):
        return 0.0 * samples

@hookimpl(tryfirst=True)
def register_primitives(register):
    register(Silence)
"""


def test_an_in_tree_name_cannot_be_taken_over_by_alphabet(tmp_path, recording):
    folder = install(tmp_path / "site", "aaa", {"acme": "aaa_plugin"}, aaa_plugin=TAKES_CHANGE_VOLUME)
    error = failure("acme", path=folder)
    assert "primitive 'change_volume' of acme (aaa 1.5) is already registered by primitive.change_volume" in error
    outputs = []
    for path in ("", folder):
        target = tmp_path / "out.wav"
        result = megaasr("degrade", recording, target, "--scenario", "far_field", "--severity", 0.5, path=path)
        assert result.returncode == 0, result.stderr
        outputs.append(target.read_bytes())
    assert outputs[0] == outputs[1]
    assert "plugin acme (aaa 1.5) is not loaded" in result.stderr


def test_of_two_third_parties_the_later_is_refused_naming_both(tmp_path):
    folder = install(tmp_path / "site", "first", {"one": "plugin_one"}, plugin_one=REWARD + HOOK)
    install(folder, "second", {"two": "plugin_two"}, plugin_two=REWARD + HOOK)
    error = failure("two", path=folder)
    assert "reward 'mine' of two (second 1.5) is already registered by one (first 1.5)" in error


COMMAND = """
@hookimpl
def register_commands(app):
    @app.command()
    def NAME():
        '''A command of a third party.'''
        print("taken over")
"""


@pytest.mark.parametrize("name", ["transcribe", "corpus", "eval"])
def test_a_command_cannot_be_replaced(tmp_path, name):
    source = COMMAND.replace("NAME", name)
    folder = install(tmp_path / "site", "aaa", {"command.aaa": "aaa_command"}, aaa_command=source)
    assert f"command '{name}' is already added by" in failure("command.aaa", path=folder)
    result = megaasr(name, "--help", path=folder)
    assert result.returncode == 0
    assert "third party" not in result.stdout
    assert "plugin command.aaa (aaa 1.5) is not loaded" in result.stderr
    assert megaasr("plugins", "--strict-plugins", path=folder).returncode == 2


def test_a_command_of_a_third_party_runs(tmp_path):
    source = COMMAND.replace("NAME", "greet")
    folder = install(tmp_path / "site", "aaa", {"command.greet": "aaa_command"}, aaa_command=source)
    assert megaasr("greet", path=folder).stdout == "taken over\n"


@pytest.mark.parametrize("name", ["acme", "aaa"])
def test_a_plugin_can_be_disabled_by_entry_point_or_distribution(tmp_path, name):
    folder = install(tmp_path / "site", "aaa", {"acme": "aaa_plugin"}, aaa_plugin=REWARD + HOOK)
    assert "mine" in [row["name"] for row in rows(path=folder)]
    listed = rows(path=folder, MEGAASR_DISABLE=name)
    assert [row["name"] for row in listed if row["disabled"]] == ["acme"]
    assert "mine" not in [row["name"] for row in listed]
    result = megaasr("--disable-plugin", name, "plugins", path=folder)
    assert "acme" in result.stdout
    assert "disabled" in result.stdout


@pytest.mark.parametrize("option", [["--disable-plugin", "command.greet"], ["--disable-plugin=aaa"]])
def test_a_disabled_command_is_neither_there_nor_imported(tmp_path, option):
    source = COMMAND.replace("NAME", "greet") + "\nraise RuntimeError('imported')\n"
    folder = install(tmp_path / "site", "aaa", {"command.greet": "aaa_command"}, aaa_command=source)
    assert "RuntimeError: imported" in megaasr("--help", path=folder).stderr
    assert "imported" not in megaasr(*option, "--help", path=folder).stderr
    result = megaasr(*option, "greet", path=folder)
    assert result.returncode == 2
    assert "No such command 'greet'" in result.stderr


def test_a_name_to_disable_that_no_plugin_has_is_refused(tmp_path):
    result = megaasr("--disable-plugin", "reward.dg_wgop", "scenarios")
    assert result.returncode == 2
    assert "unknown plugin to disable 'reward.dg_wgop': did you mean 'reward.dg_wgpo'?" in result.stderr


# Hooks that would never be called


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("@hookimpl\ndef register_degradation(register): pass", "is no hook: did you mean register_degradations?"),
        (REWARD + HOOK.replace("@hookimpl", ""), "register_rewards is not decorated with @hookimpl"),
        (REWARD + HOOK + "\ndef register_router(register): pass", "did you mean register_routers, with @hookimpl?"),
        ("@hookimpl\ndef register_hologram(register): pass", "made for another version of megaasr"),
        ("PLUGIN_API = (1, 9)\n" + REWARD + HOOK, r"needs megaasr >= the release with plugin API 1.9, this is megaasr"),
        ("PLUGIN_API = (0, 3)\n" + REWARD + HOOK, "was written for plugin API 0.3"),
        ("PLUGIN_API = 1\n" + REWARD + HOOK, "a tuple (major, minor) is expected"),
    ],
)
def test_a_hook_that_would_never_be_called_is_a_failed_row(tmp_path, source, reason):
    folder = install(tmp_path / "site", "aaa", {"acme": "aaa_plugin"}, aaa_plugin=source)
    assert reason in failure("acme", path=folder)
    result = megaasr("scenarios", "--strict-plugins", path=folder)
    assert result.returncode == 2
    assert reason in result.stderr


def test_a_plugin_of_this_api_version_is_loaded(tmp_path):
    from megaasr import PLUGIN_API

    source = f"PLUGIN_API = {PLUGIN_API}\n" + REWARD + HOOK
    folder = install(tmp_path / "site", "aaa", {"acme": "aaa_plugin"}, aaa_plugin=source)
    assert not [row for row in rows(path=folder) if row["error"]]


def test_a_command_behind_another_entry_point_is_a_failed_row(tmp_path):
    source = COMMAND.replace("NAME", "greet")
    folder = install(tmp_path / "site", "aaa", {"greet": "aaa_plugin"}, aaa_plugin=source)
    assert "begin the name of its entry point with 'command.'" in failure("greet", path=folder)


def test_a_command_that_cannot_be_imported_is_a_failed_row(tmp_path):
    folder = install(tmp_path / "site", "aaa", {"command.greet": "aaa_plugin"}, aaa_plugin="import surely_missing")
    assert "No module named 'surely_missing'" in failure("command.greet", path=folder)


# Code that raises


RAISING = """
class Broken(Primitive):
    '''Raise.'''

    name: ClassVar[str] = "broken"

    def apply(self, samples, sample_rate, context):
        return samples[10**9]

@hookimpl
def register_primitives(register):
    register(Broken)

@hookimpl
def register_degradations(register):
    register(Degradation("wreck", Role.MODIFIER, (step("broken"),), "raises"))
"""


def test_a_primitive_that_raises_is_one_line_and_traceback_shows_all(tmp_path, recording):
    plugin = tmp_path / "wreck.py"
    plugin.write_text("from megaasr import *\nfrom typing import ClassVar\n" + RAISING)
    command = ["degrade", recording, tmp_path / "out.wav", "--scenario", "wreck", "--plugin", plugin]
    result = megaasr(*command)
    assert result.returncode == 2
    (line,) = result.stderr.strip().split("\n")
    assert line.startswith("megaasr: error: primitive broken: ")
    assert "IndexError: index 1000000000 is out of bounds" in line
    assert line.endswith("(wreck.py:10)")
    assert not (tmp_path / "out.wav").exists()
    shown = megaasr(*command, "--traceback")
    assert "Traceback (most recent call last)" in shown.stderr
    assert "return samples[10**9]" in shown.stderr


def test_a_plugin_that_raises_while_it_is_loaded_says_where(tmp_path):
    plugin = tmp_path / "boom.py"
    plugin.write_text("\n\nraise RuntimeError('boom')\n")
    result = megaasr("scenarios", "--plugin", plugin)
    assert result.returncode == 2
    assert f"plugin {plugin} (file -): RuntimeError: boom (boom.py:3)" in result.stderr
    shown = megaasr("scenarios", "--plugin", plugin, "--traceback")
    assert "Traceback (most recent call last)" in shown.stderr
