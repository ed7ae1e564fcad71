"""What a reader of the documentation alone ran into: each was silent or a traceback, and is one line now."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from megaasr import (
    Audio,
    BackendError,
    BackendInfo,
    PluginError,
    RecipeError,
    RewardSample,
    Route,
    SampleKey,
    ScenarioError,
    Transcriber,
    Transcript,
    checked_scores,
    find_scenario,
    load_plugins,
    plan,
    read_scenario,
    render,
)
from megaasr_core.flows.opening import BaseOnly
from tests.core.fake_backend import Syllables

AUDIO = Audio(0.1 * np.sin(np.arange(16_000, dtype=np.float32)), 16_000, "clip")
HEAD = "from typing import ClassVar\nfrom megaasr import *\n"
PRIMITIVE = """
class Shorter(Primitive):
    '''Cut the end off.'''

    name: ClassVar[str] = "shorter"

    def apply(self, samples, sample_rate, context):
        return samples[:CUT]

@hookimpl
def register_primitives(register):
    register(Shorter)

@hookimpl
def register_degradations(register):
    register(Degradation("short", Role.MODIFIER, (step("shorter"),), "shorter"))
"""


def planned(plugins):
    size = len(AUDIO.samples)
    return plan(find_scenario("short", plugins), SampleKey(0, "u"), plugins, num_samples=size, sample_rate=16_000)


def test_a_primitive_that_changes_the_length_without_saying_so_is_refused(tmp_path):
    path = tmp_path / "cut.py"
    path.write_text(HEAD + PRIMITIVE.replace("CUT", "100"))
    plugins = load_plugins([str(path)])
    with pytest.raises(PluginError, match=r"primitive shorter: clip: returns 100 samples for 16000; .*'length'"):
        render(AUDIO, planned(plugins), plugins)


def test_a_recipe_is_not_replayed_by_a_plugin_whose_file_has_changed(tmp_path):
    path = tmp_path / "cut.py"
    path.write_text(HEAD + PRIMITIVE.replace(":CUT", ":"))
    recipe = planned(load_plugins([str(path)]))
    path.write_text(HEAD + PRIMITIVE.replace("[:CUT]", " * 0.5"))
    with pytest.raises(RecipeError, match=r"primitive shorter has changed since .* the file cut\.py \(digest"):
        render(AUDIO, recipe, load_plugins([str(path)]))


@pytest.mark.parametrize(
    "fields", [{"text": None}, {"text": b"x"}, {"language": None}, {"flags": None}, {"mean_logprob": float("nan")}]
)
def test_a_transcript_has_the_types_that_it_declares(fields):
    with pytest.raises((TypeError, ValueError), match=f"Transcript: {next(iter(fields))} = "):
        Transcript(**{"text": "a", "language": "en", **fields})


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("field", ["mean_logprob", "token_logprobs"])
def test_a_backend_whose_log_probabilities_are_not_finite_fails_the_row_by_name(monkeypatch, field, number):
    def deaf(self, batch, options, adapters=None):
        wrong = number if field == "mean_logprob" else (-0.5, number)
        return [Transcript("!!!!!", "en", **({field: wrong} if one.name == "bad.wav" else {})) for one in batch]

    monkeypatch.setattr(Syllables, "transcribe", deaf)
    clips = [Audio(np.ones(8_000, np.float32) * 0.1, Syllables().info.sample_rate, name) for name in ("a", "bad.wav")]
    first, second = Transcriber(Syllables(), BaseOnly()).try_batch(clips)
    assert first.text == "!!!!!"
    assert re.match(
        r"backend syllables: bad\.wav: ValueError: Transcript: mean_logprob = .* finite number", str(second)
    )


def test_a_route_has_a_reason_and_a_probability():
    with pytest.raises(ValueError, match="reason = None"):
        Route(None, None)
    with pytest.raises(ValueError, match=r"probability = 7\.0 is outside 0\.\.1"):
        Route(None, "loud", 7.0)


def test_a_language_that_the_backend_does_not_know_fails_the_recording():
    class English:
        kind, name = "backend", "english"
        info = BackendInfo(16_000, languages=("en",))

    with pytest.raises(BackendError, match=r"backend english does not know the language 'de' \(known: en\)"):
        Transcriber(English(), None, options=object(), language="de").transcribe(AUDIO)


def test_a_scenario_of_a_file_does_not_take_a_registered_name(tmp_path):
    path = tmp_path / "noise.yaml"
    path.write_text("name: noise\neffects: [dropout]\n")
    with pytest.raises(ScenarioError, match="the name 'noise' is that of a scenario of"):
        read_scenario(path, load_plugins())


KIND = """
class Guard(Unit):
    '''Refuse some recordings.'''

@hookimpl
def register_kinds(register):
    register(Kind("guard", Guard, 200, "A guard."))
"""
GUARD = """
from IMPORT import Guard

class Loud(Guard):
    '''Refuse what is loud.'''

    name: ClassVar[str] = "loud"

@hookimpl
def register_guards(register):
    register(Loud)
"""


@pytest.mark.parametrize("order", [("kindy.py", "loud.py"), ("loud.py", "kindy.py")])
def test_a_kind_and_its_plugin_may_be_two_files_in_any_order(tmp_path, order):
    (tmp_path / "kindy.py").write_text(HEAD + KIND)
    (tmp_path / "loud.py").write_text(HEAD + GUARD.replace("IMPORT", ".kindy"))
    plugins = load_plugins([str(tmp_path / name) for name in order])
    assert list(plugins.registry("guard")) == ["loud"]


def test_a_base_class_of_a_second_copy_of_its_module_is_told(tmp_path):
    (tmp_path / "kindly.py").write_text(HEAD + KIND)
    (tmp_path / "loud.py").write_text(HEAD + GUARD.replace("IMPORT", "kindly"))
    with pytest.raises(PluginError, match=r"write `from \.kindly import Guard`"):
        load_plugins([str(tmp_path / name) for name in ("kindly.py", "loud.py")])


def test_a_program_is_warned_of_a_plugin_that_is_not_loaded(tmp_path):
    path = tmp_path / "boom.py"
    path.write_text("raise RuntimeError('boom')\n")
    result = subprocess.run(
        [sys.executable, "-c", "import megaasr; print(megaasr.wer('a', 'a')); megaasr.installed_plugins()"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MEGAASR_PLUGINS": str(path)},
    )
    assert result.stdout == "0.0\n"
    assert "is not loaded: RuntimeError: boom (boom.py:1)" in result.stderr


def test_a_reward_that_exits_is_one_line(tmp_path):
    path = tmp_path / "leaves.py"
    path.write_text(
        HEAD + "@reward\ndef leaves(batch):\n    raise SystemExit(3)\n"
        "@hookimpl\ndef register_rewards(register):\n    register(leaves)\n"
    )
    leaves = load_plugins([str(path)]).rewards["leaves"].create()
    with pytest.raises(PluginError, match="reward leaves: SystemExit: 3"):
        checked_scores(leaves, [RewardSample("a", "a")])
