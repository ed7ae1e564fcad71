"""The seven effects against the paper's table, typed in from it, alone and in the 54 scenarios."""

import json

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from megaasr import Audio, Role, installed_plugins
from megaasr.library.scenarios import find_scenario
from megaasr_core.base.seeding import SampleKey
from megaasr_core.base.sound_bank import SoundBank
from megaasr_core.contracts.recipe import Recipe
from megaasr_core.contracts.scenario import merge
from megaasr_core.flows.plan import plan
from megaasr_core.flows.render import render

PLUGINS = installed_plugins()
RATE = 16_000

# effect: (role, [(step, {parameter: (at severity 0, at severity 1)})]), numbers that do not move stand alone.
TABLE = {
    "noise": (
        Role.MODIFIER,
        [("add_noise", {"snr_db": (10, -5), "wet": 1}), ("change_volume", {"target_lufs": -23})],
    ),
    "far_field": (
        Role.ANCHOR,
        [
            ("add_reverb", {"room_size": (0.4, 0.6), "damping": (0.6, 0.8), "wet_level": (0.4, 0.5), "dry_level": 0.5}),
            ("apply_filter", {"type": "lowpass", "cutoff_hz": (4500, 3500), "repeat": 3}),
            ("change_volume", {"target_lufs": (-27, -38)}),
        ],
    ),
    "obstructed": (
        Role.ANCHOR,
        [
            ("apply_filter", {"type": "lowpass", "cutoff_hz": (2000, 1500), "repeat": (2, 4), "wet": 0.9}),
            ("add_reverb", {"room_size": 0.4, "damping": 0.9, "wet_level": (0.5, 0.7), "dry_level": 0.4}),
            ("change_volume", {"target_lufs": (-15, -25)}),
        ],
    ),
    "echo_reverb": (
        Role.ANCHOR,
        [
            ("add_reverb", {"room_size": (0.8, 0.95), "damping": 0.5, "wet_level": (0.6, 0.8), "dry_level": 0.4}),
            ("apply_filter", {"type": "highpass", "cutoff_hz": (100, 300), "repeat": 1}),
            ("add_echo", {"delay_s": (0.1, 0.3), "feedback": (0.3, 0.5), "mix": (0.2, 0.3)}),
            ("change_volume", {"target_lufs": (-23, -30)}),
        ],
    ),
    "recording": (
        Role.MODIFIER,
        [
            ("add_resample", {"target_rate_hz": 8000, "prob": (0, 1), "threshold": 0.4}),
            ("add_noise", {"source": "white", "snr_db": (10, -5)}),
            ("apply_filter", {"type": "highpass", "cutoff_hz": (400, 600), "repeat": (4, 6)}),
            ("apply_filter", {"type": "lowpass", "cutoff_hz": (4500, 3500), "repeat": (4, 6)}),
            ("change_volume", {"target_lufs": -23}),
        ],
    ),
    "distortion": (
        Role.MODIFIER,
        [
            ("add_distortion", {"drive_db": (20, 60)}),
            ("apply_filter", {"type": "lowpass", "cutoff_hz": (6000, 2800), "repeat": 1}),
            ("change_volume", {"target_lufs": (-27, -38)}),
        ],
    ),
    "dropout": (
        Role.MODIFIER,
        [
            (
                "add_stutter_replace",
                {"frame_ms": 20, "stutter_prob": (0.05, 0.3), "max_repeats": (2, 4), "repeat_prob": 0.7},
            ),
            ("change_volume", {"target_lufs": -23}),
        ],
    ),
}


@pytest.fixture(scope="module")
def banks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(0)
    for number, seconds in enumerate((0.3, 5.0)):
        noise = 0.05 * rng.standard_normal(int(seconds * RATE))
        soundfile.write(folder / f"{number}.wav", noise, RATE, subtype="FLOAT")
    return {"noise": SoundBank.open(folder)}


def speech(seconds=1.0):
    rng = np.random.default_rng(1)
    envelope = np.abs(np.sin(np.arange(int(seconds * RATE)) * 2 * np.pi * 3 / RATE))
    return Audio((0.1 * envelope * rng.standard_normal(len(envelope))).astype(np.float32), RATE, "speech")


def planned(name, banks, severity=0.5, seed=1, audio=None):
    audio = audio or speech()
    size = len(audio.samples)
    key = SampleKey(seed, "utt")
    scenario = find_scenario(name, PLUGINS)
    return plan(scenario, key, PLUGINS, num_samples=size, sample_rate=RATE, severity=severity, banks=banks)


@pytest.mark.parametrize("effect", TABLE)
@pytest.mark.parametrize("end", [0, 1])
def test_every_number_is_the_papers(effect, end, banks):
    role, chain = TABLE[effect]
    assert PLUGINS.degradations[effect].role is role
    steps = planned(effect, banks, severity=float(end)).steps
    assert [step.primitive for step in steps] == [name for name, _ in chain]
    for step, (_, numbers) in zip(steps, chain, strict=True):
        for name, value in numbers.items():
            assert step.parameters[name] == (value[end] if isinstance(value, tuple) else value), (step.primitive, name)


def test_integers_are_rounded_on_the_way(banks):
    repeats = [planned("obstructed", banks, severity).steps[0].parameters["repeat"] for severity in (0.0, 0.3, 0.9)]
    assert repeats == [2, 3, 4]


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("far_field+noise", ["add_reverb", "apply_filter", "change_volume", "add_noise"]),
        ("recording", ["add_resample", "add_noise", "highpass", "lowpass", "change_volume"]),
        (
            "noise+recording",
            ["add_noise", "change_volume", "add_resample", "add_noise", "highpass", "lowpass"],
        ),
        (
            "far_field+distortion",
            ["add_reverb", "apply_filter", "change_volume", "add_distortion", "change_volume_distortion"],
        ),
        ("obstructed+dropout", ["apply_filter", "add_reverb", "change_volume", "add_stutter_replace"]),
    ],
)
def test_chains_merge_as_the_paper_says(name, labels):
    merged = merge(PLUGINS.scenarios[name], PLUGINS.degradations, PLUGINS.stacking).chain
    assert [step.label for _, step in merged] == labels


@pytest.mark.parametrize("name", list(PLUGINS.scenarios))
def test_every_scenario_renders_and_replays_bit_for_bit(name, banks):
    audio = speech()
    recipe = planned(name, banks)
    once = render(audio, recipe, PLUGINS, banks)
    again = render(audio, Recipe.parse(json.dumps(json.loads(recipe.model_dump_json()))), PLUGINS, banks)
    assert np.array_equal(once.audio.samples, again.audio.samples)
    assert len(once.audio.samples) == len(audio.samples)
    assert not np.array_equal(once.audio.samples, audio.samples)


@settings(max_examples=25)
@given(name=st.sampled_from(list(PLUGINS.scenarios)), severity=st.floats(0, 1), seed=st.integers(0, 99))
def test_any_severity_and_seed_renders_finite_samples_of_the_same_length(name, severity, seed, banks):
    audio = speech(0.5)
    samples = render(audio, planned(name, banks, severity, seed, audio), PLUGINS, banks).audio.samples
    assert samples.dtype == np.float32
    assert samples.shape == audio.samples.shape
    assert np.isfinite(samples).all()


def test_the_measured_snr_is_the_asked_and_noise_is_tiled_or_cropped(banks):
    audio = speech(2.0)
    seen = set()
    for seed in range(12):
        recipe = planned("noise", banks, 0.4, seed, audio)
        recipe = recipe.model_copy(update={"steps": recipe.steps[:1]})
        seen.add(recipe.steps[0].parameters["noise"]["path"])
        added = render(audio, recipe, PLUGINS, banks).audio.samples - audio.samples
        snr_db = 10 * np.log10(np.sum(audio.samples.astype(float) ** 2) / np.sum(added.astype(float) ** 2))
        assert snr_db == pytest.approx(4.0, abs=0.01)
    assert seen == {"0.wav", "1.wav"}


def test_resampling_sets_in_above_the_threshold(banks):
    def energy_above_4_khz(severity):
        recipe = planned("recording", banks, severity)
        recipe = recipe.model_copy(update={"steps": recipe.steps[:1]})
        spectrum = np.abs(np.fft.rfft(render(speech(), recipe, PLUGINS, banks).audio.samples)) ** 2
        return spectrum[len(spectrum) * 55 // 100 :].sum() / spectrum.sum()

    assert energy_above_4_khz(0.4) > 0.3
    assert energy_above_4_khz(0.41) < 1e-6


def test_silence_and_short_clips_are_flagged_and_left(banks):
    silence = Audio(np.zeros(RATE, np.float32), RATE)
    rendered = render(silence, planned("noise", banks, audio=silence), PLUGINS, banks)
    assert rendered.flags == ("silent_input", "unmeasurable_loudness")
    short = speech(0.1)
    assert "unmeasurable_loudness" in render(short, planned("far_field", banks, audio=short), PLUGINS, banks).flags


def test_a_narrow_recording_is_flagged_where_an_effect_has_nothing_to_take_away(banks):
    audio = Audio(speech().samples[:8_000].copy(), 8_000)
    scenario = find_scenario("recording", PLUGINS)
    recipe = plan(scenario, SampleKey(0, "u"), PLUGINS, num_samples=8_000, sample_rate=8_000, severity=0.5, banks=banks)
    assert render(audio, recipe, PLUGINS, banks).flags == ("already_narrow_band", "cutoff_above_nyquist")
