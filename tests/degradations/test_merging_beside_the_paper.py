"""Effects beside the paper's seven keep their steps behind any other, above all the example of the README."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from megaasr import Audio, SampleKey, find_scenario, installed_plugins, load_plugins, merge, plan, render
from megaasr.testing import speech_like
from megaasr_core.testing.signals import AnyBank

PLUGINS = installed_plugins()
ANCHORS = ("far_field", "echo_reverb", "obstructed", "measured_room")
PAPER = ("far_field", "echo_reverb", "obstructed", "noise", "recording", "distortion", "dropout")
RATE = 16_000


@pytest.fixture(scope="module")
def with_telephone(tmp_path_factory):
    """The plugins, and the one that the README shows."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (text,) = (block for block in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "# telephone.py" in block)
    path = tmp_path_factory.mktemp("plugin") / "telephone.py"
    path.write_text(text)
    return load_plugins([str(path)])


def sound(name, plugins):
    audio = Audio(speech_like(RATE), RATE)
    recipe = plan(
        find_scenario(name, plugins),
        SampleKey(1, "u"),
        plugins,
        num_samples=RATE,
        sample_rate=RATE,
        severity=0.7,
        banks=AnyBank(),
    )
    return recipe, render(audio, recipe, plugins, AnyBank()).audio.samples


def share_above_4_khz(samples):
    power = np.abs(np.fft.rfft(samples)) ** 2
    return power[len(power) // 2 :].sum() / power.sum()


@pytest.mark.parametrize("other", PAPER)
def test_the_readmes_telephone_is_kept_whole_before_and_behind_every_effect(other, with_telephone):
    labels = ["highpass", "lowpass", "change_volume"]
    for name in (f"{other}+telephone", f"telephone+{other}"):
        recipe, samples = sound(name, with_telephone)
        chain = merge(find_scenario(name, with_telephone), with_telephone.degradations, with_telephone.stacking).chain
        assert [step.label for effect, step in chain if effect == "telephone"] == labels
        assert [step.label for effect, step in chain if effect == other] == [
            step.label for step in with_telephone.degradations[other].chain
        ]
        assert recipe.dropped == ()
        assert not np.array_equal(samples, sound(other, with_telephone)[1])


def test_far_field_and_telephone_has_the_band_of_a_telephone(with_telephone):
    alone, both = (sound(name, with_telephone)[1] for name in ("far_field", "far_field+telephone"))
    assert share_above_4_khz(both) < 0.5 * share_above_4_khz(alone)


@pytest.mark.parametrize("other", PAPER)
def test_phone_line_and_voip_keep_what_makes_them_and_voip_leaves_a_level_that_is_set(other):
    for effect in ("phone_line", "voip"):
        scenario = find_scenario(f"{other}+{effect}", PLUGINS)
        dropped = merge(scenario, PLUGINS.degradations, PLUGINS.stacking).dropped
        sets_level = "change_volume" in {step.merge_name for step in PLUGINS.degradations[other].chain}
        expected = [("voip", "change_volume")] if effect == "voip" and sets_level else []
        assert [(one.effect, one.step) for one in dropped] == expected


@pytest.mark.parametrize("anchor", ANCHORS)
def test_a_room_keeps_its_level_under_what_comes_after_it(anchor):
    """measured_room does as the paper's anchors do: the level of a distant talker is not brought back by the noise."""
    scenario = find_scenario(f"{anchor}+noise", PLUGINS)
    chain, dropped = merge(scenario, PLUGINS.degradations, PLUGINS.stacking)
    assert [(effect, step.label) for effect, step in chain if step.primitive == "change_volume"] == [
        (anchor, "change_volume")
    ]
    assert [str(one) for one in dropped] == [
        f"step change_volume of noise is dropped: merges with change_volume of {anchor}"
    ]
