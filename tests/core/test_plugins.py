import textwrap

import pytest

from megaasr import load_plugins
from megaasr_core.base.errors import PluginError, UnknownNameError
from megaasr_core.discovery import loading as discovery
from tests.core.conftest import TONES


def plugin_file(tmp_path, text, name="extra.py"):
    path = tmp_path / name
    path.write_text("from megaasr import *\nfrom typing import ClassVar\n" + textwrap.dedent(text))
    return str(path)


@pytest.fixture
def load(monkeypatch):
    """Load files as an environment variable would, so that a broken one is a row and not an error."""
    monkeypatch.setattr(discovery, "entry_points", lambda group: [])

    def loaded(*files, **options):
        monkeypatch.setenv("MEGAASR_PLUGINS", ":".join(files))
        return load_plugins(**options)

    return loaded


def test_everything_of_a_plugin_is_registered_with_its_owner(only_tones):
    assert list(only_tones.primitives) == ["gain", "hiss", "sound"]
    assert list(only_tones.degradations) == ["crowd", "hall", "hissy", "loud", "room"]
    assert only_tones.primitives.owner("gain").plugin == TONES
    assert not only_tones.failures


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise RuntimeError('boom\\nbang')", "RuntimeError: boom bang"),
        ("import surely_not_installed", "ModuleNotFoundError: No module named 'surely_not_installed'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("x = 1", "no @hookimpl function"),
        ("@hookimpl\ndef register_primitives(wrong): pass", "Argument"),
        ("@hookimpl\ndef register_primitives(register): register(3)", "takes a subclass of Primitive, not 3"),
        ("@hookimpl\ndef register_scenarios(register): register('x')", "takes a Scenario, not 'x'"),
        (
            "@hookimpl\ndef register_degradations(register):\n"
            "    register(Degradation(5, Role.ANCHOR, (step('gain', gain_db=1.0),)))",
            "degradation 5 is not a name",
        ),
        (
            "@hookimpl\ndef register_degradations(register):\n"
            "    register(Degradation('a+b', Role.ANCHOR, (step('gain', gain_db=1.0),)))",
            r"\+ joins the effects",
        ),
        ("@hookimpl\ndef register_scenarios(register): register(Scenario('s', None))", "TypeError"),
        (
            "class A(Primitive):\n    name: ClassVar[str] = 'a'\n"
            "@hookimpl\ndef register_primitives(register): register(A)",
            "primitive a does not define: apply",
        ),
        (
            "@hookimpl\ndef register_degradations(register):\n"
            "    register(Degradation('d', Role.ANCHOR, (step('gian', gain_db=1.0),)))",
            "unknown primitive 'gian': did you mean 'gain'?",
        ),
        (
            "@hookimpl\ndef register_degradations(register):\n"
            "    register(Degradation('d', Role.ANCHOR, (step('gain', gain_db=Range(0.0, 61.0)),)))",
            r"degradation d, step gain, severity 1: primitive gain: gain_db = 61.0: .* less than or equal to 60",
        ),
        (
            "@hookimpl\ndef register_scenarios(register): register(Scenario('s', ('room', 'hall')))",
            "room and hall are anchors",
        ),
        (
            "@hookimpl\ndef register_degradations(register):\n"
            "    register(Degradation('room', Role.ANCHOR, (step('gain', gain_db=1.0),)))",
            "degradation 'room' of .*extra.py .* is already registered by .*tone_plugin.py",
        ),
    ],
)
def test_a_broken_plugin_is_a_row_and_stops_nothing(tmp_path, load, text, reason):
    import re

    broken = plugin_file(tmp_path, text)
    plugins = load(TONES, broken)
    assert len(plugins.failures) == 1
    assert plugins.failures[0].owner.plugin == broken
    assert re.search(reason, plugins.failures[0].error), plugins.failures[0].error
    assert "\n" not in plugins.failures[0].error
    assert "gain" in plugins.primitives
    assert "room+hissy" in plugins.scenarios


def test_a_plugin_that_fails_midway_leaves_nothing_behind(tmp_path, load):
    text = """
    @hookimpl
    def register_degradations(register):
        register(Degradation("fine", Role.MODIFIER, (step("gain", gain_db=1.0),)))
        raise ValueError("midway")
    """
    plugins = load(TONES, plugin_file(tmp_path, text))
    assert "fine" not in plugins.degradations
    assert [row.kind for row in plugins.failures] == ["plugin"]


def test_what_leans_on_a_plugin_that_fails_later_fails_too(tmp_path, load):
    leaning = plugin_file(
        tmp_path,
        "@hookimpl\ndef register_degradations(register):\n"
        "    register(Degradation('aaa', Role.MODIFIER, (step('own', x=1.0),)))",
        "leaning.py",
    )
    failing = plugin_file(
        tmp_path,
        """
        class Own(Primitive):
            name: ClassVar[str] = "own"
            x: float

            def apply(self, samples, sample_rate, context):
                return samples

        @hookimpl
        def register_primitives(register):
            register(Own)

        @hookimpl
        def register_degradations(register):
            register(Degradation("zzz", Role.MODIFIER, (step("missing"),)))
        """,
        "failing.py",
    )
    plugins = load(TONES, leaning, failing)
    assert {row.owner.plugin for row in plugins.failures} == {leaning, failing}
    assert "aaa" not in plugins.degradations


def test_a_file_that_is_named_twice_is_loaded_once(load):
    plugins = load(TONES, TONES)
    assert not plugins.failures
    assert "gain" in plugins.primitives


def test_strict_makes_a_broken_plugin_an_error(tmp_path, load):
    with pytest.raises(PluginError, match="boom"):
        load(TONES, plugin_file(tmp_path, "raise RuntimeError('boom')"), strict=True)


def test_a_plugin_that_was_asked_for_by_name_must_load(tmp_path, load):
    with pytest.raises(PluginError, match="boom"):
        load_plugins([plugin_file(tmp_path, "raise RuntimeError('boom')")])
    with pytest.raises(PluginError, match="no such file"):
        load_plugins(["nowhere.py"])
    with pytest.raises(PluginError, match="no module 'surely_not_installed'"):
        load_plugins(["surely_not_installed"])


def test_the_installed_entry_points_are_loaded_one_by_one(monkeypatch):
    from importlib.metadata import EntryPoint

    points = [EntryPoint("broken", "surely_not_installed", "megaasr"), EntryPoint("reward.x", "json", "megaasr")]
    monkeypatch.setattr(discovery, "entry_points", lambda group: points)
    monkeypatch.delenv("MEGAASR_PLUGINS", raising=False)
    plugins = load_plugins([TONES])
    assert [row.name for row in plugins.failures] == ["broken", "reward.x"]
    assert len(plugins.primitives) == 3


def test_an_unknown_name_gets_the_nearest_one(only_tones):
    with pytest.raises(UnknownNameError, match=r"unknown primitive 'gein': did you mean 'gain'\? \(known: gain, hiss"):
        only_tones.primitives["gein"]
    assert only_tones.primitives.get("gein") is None


def test_rows_list_what_is_there_and_what_failed(tmp_path, load):
    rows = load(TONES, plugin_file(tmp_path, "raise RuntimeError('boom')")).rows()
    assert {row.kind for row in rows} == {"primitive", "degradation", "scenario", "plugin"}
    assert [row.error for row in rows if row.error] == ["RuntimeError: boom (extra.py:3)"]
