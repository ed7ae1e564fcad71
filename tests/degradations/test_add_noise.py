"""add_noise: what is drawn, what is added and at which level."""

import math

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from megaasr import SILENCE_DBFS, SoundRef, installed_plugins
from megaasr_core.base.errors import RecipeError, UnknownNameError
from megaasr_core.base.sound_bank import SoundBank
from megaasr_core.contracts.primitive import ApplyContext, DrawContext
from megaasr_core.testing.signals import snr_db as measured_snr_db

ADD_NOISE = installed_plugins().primitives["add_noise"]
RATE = 16_000


def noise(seed, num_samples, level=0.1):
    return (level * np.random.default_rng(seed).standard_normal(num_samples)).astype(np.float32)


def applied(samples, seed=0, banks=None, **parameters):
    """The output, and the flags that were raised."""
    flags: list[str] = []
    context = ApplyContext(np.random.default_rng(seed), banks or {}, flags.append)
    return ADD_NOISE.create(parameters).apply(samples, RATE, context), flags


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    clips = {
        "short/eight": (noise(1, 8), RATE),
        "slow/half_rate": (noise(2, 4_000), 8_000),
        "silent/zeros": (np.zeros(5), RATE),
        "nearly/rounding": (noise(8, 9_000, 2.0**-16), RATE),
        "spiky/one_step_now_and_then": (2.0**-15 * (np.arange(9_000) % 500 == 7), RATE),
        "tiny/denormal": (noise(9, 9_000, 1e-40), RATE),
        "faint/above_the_floor": (noise(10, 9_000, 2e-4), RATE),
    }
    for path, (samples, rate) in clips.items():
        (folder / path).parent.mkdir()
        soundfile.write(folder / f"{path}.wav", samples, rate, subtype="FLOAT")
    return SoundBank.open(folder)


def drawn_for(bank, num_samples, seed=0, **parameters):
    context = DrawContext(np.random.default_rng(seed), num_samples, RATE, {"noise": bank} if bank else {})
    return ADD_NOISE.draw({"snr_db": 0.0, **parameters}, context)


@pytest.mark.parametrize(
    ("category", "num_samples", "offsets"),
    [("short", 6, 3), ("short", 8, 1), ("short", 9, 8), ("short", 100, 8), ("slow", 7_996, 5)],
)
def test_longer_noise_begins_where_it_lasts_and_shorter_noise_anywhere(bank, category, num_samples, offsets):
    drawn = [drawn_for(bank, num_samples, seed, category=category)["offset_samples"] for seed in range(200)]
    assert set(drawn) == set(range(offsets))


def test_any_category_may_come_unless_one_is_asked_for(bank):
    drawn = {drawn_for(bank, 6, seed)["noise"].path for seed in range(100)}
    assert drawn == {path for paths in bank.categories.values() for path in paths}
    with pytest.raises(UnknownNameError, match="did you mean 'short'"):
        drawn_for(bank, 6, category="shrt")


def test_what_is_given_is_not_drawn(bank):
    ref = drawn_for(bank, 6)["noise"]
    given = {"noise": ref, "offset_samples": 2, "floor_dbfs": -60.0}
    assert drawn_for(bank, 6, **given) == {"snr_db": 0.0, **given}
    assert {drawn_for(bank, 9, seed, offset_samples=3)["offset_samples"] for seed in range(20)} == {3}
    assert drawn_for(None, 6, source="white") == {"snr_db": 0.0, "source": "white"}


def test_what_is_added_is_the_recording_from_the_offset_on_over_and_over(bank):
    banks, speech = {"noise": bank}, noise(3, 30)
    given = {**drawn_for(bank, 30, category="short"), "offset_samples": 5}
    output, flags = applied(speech, banks=banks, **given)
    tiled = np.resize(np.roll(noise(1, 8), -5), 30)
    scale = math.sqrt(np.mean(speech.astype(float) ** 2) / np.mean(tiled.astype(float) ** 2))
    np.testing.assert_allclose(output - speech, scale * tiled, atol=1e-7)
    assert flags == []


@given(snr_db=st.floats(-30, 60), num_samples=st.integers(1, 3_000), seed=st.integers(0, 2**32 - 1))
def test_the_measured_snr_is_the_asked(snr_db, num_samples, seed):
    speech = noise(seed, num_samples)
    output, _ = applied(speech, seed + 1, snr_db=snr_db, source="white")
    assert measured_snr_db(speech, output) == pytest.approx(snr_db, abs=0.01)


def test_wet_is_a_factor_on_the_noise():
    speech = noise(4, 500)
    full, quarter = (applied(speech, snr_db=0.0, source="white", wet=wet)[0] for wet in (1.0, 0.25))
    np.testing.assert_allclose(quarter - speech, 0.25 * (full - speech), atol=1e-7)


def test_white_noise_is_flat_and_comes_from_the_generator():
    speech = noise(7, 4 * RATE)
    one, same, other = (applied(speech, seed=seed, snr_db=0.0, source="white")[0] for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert abs(np.corrcoef(one - speech, other - speech)[0, 1]) < 0.02
    power = (np.abs(np.fft.rfft(one - speech)) ** 2)[1:].reshape(8, -1).mean(axis=1)
    assert np.ptp(10 * np.log10(power)) < 0.5


def test_silence_on_either_side_is_flagged_and_left(bank):
    zeros = np.zeros(9, np.float32)
    assert applied(zeros, snr_db=0.0, source="white")[1] == ["silent_input"]
    speech = noise(5, 9)
    output, flags = applied(speech, banks={"noise": bank}, **drawn_for(bank, 9, category="silent"))
    assert flags == ["silent_noise"]
    assert np.array_equal(output, speech)


@pytest.mark.parametrize("category", ["silent", "nearly", "spiky", "tiny"])
@pytest.mark.parametrize("snr_db", [-60.0, 0.0, 10.0])
def test_nearly_silent_noise_is_flagged_and_not_amplified_into_clicks(bank, category, snr_db):
    speech = noise(5, 4_000)
    drawn = {**drawn_for(bank, 4_000, category=category), "snr_db": snr_db}
    assert drawn["floor_dbfs"] == SILENCE_DBFS  # the recipe keeps what was used
    output, flags = applied(speech, banks={"noise": bank}, **drawn)
    assert flags == ["silent_noise"]
    assert np.array_equal(output, speech)


def test_faint_noise_above_the_floor_is_added_and_a_recipe_without_a_floor_replays_as_before(bank):
    speech, banks = noise(5, 4_000), {"noise": bank}
    output, flags = applied(speech, banks=banks, **drawn_for(bank, 4_000, category="faint"))
    assert flags == []
    assert measured_snr_db(speech, output) == pytest.approx(0.0, abs=0.01)
    earlier = {**drawn_for(bank, 4_000, category="nearly"), "floor_dbfs": None}
    output, flags = applied(speech, banks=banks, **earlier)
    assert flags == []
    assert measured_snr_db(speech, output) == pytest.approx(0.0, abs=0.01)


class OneSound:
    """A bank whose every sound is the given samples."""

    def __init__(self, samples):
        self.samples = samples

    def load(self, sound, sample_rate):
        return self.samples


def rms(samples):
    return math.sqrt(np.mean(np.square(samples, dtype=np.float64)))


@given(level_db=st.floats(-200, 0), speech_db=st.floats(-200, 0), snr_db=st.floats(-60, 100))
def test_at_any_two_levels_the_noise_has_the_asked_one_or_is_left_out(level_db, speech_db, snr_db):
    speech, background = noise(11, 400, 10.0 ** (speech_db / 20.0)), noise(12, 400, 10.0 ** (level_db / 20.0))
    given_sound = {"noise": SoundRef(path="x.wav", digest="0" * 16), "floor_dbfs": SILENCE_DBFS, "snr_db": snr_db}
    output, flags = applied(speech, banks={"noise": OneSound(background)}, **given_sound)
    silent = 20.0 * math.log10(rms(background)) <= SILENCE_DBFS
    assert flags == (["silent_noise"] if silent else [])
    added = 0.0 if silent else rms(speech) * 10.0 ** (-snr_db / 20.0)
    assert rms(output - speech.astype(np.float64)) == pytest.approx(added, rel=0.01, abs=1e-6 * rms(speech))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_noise_that_is_not_finite_is_refused_in_one_line(tmp_path, bad):
    samples = noise(13, 900)
    samples[450] = bad
    soundfile.write(tmp_path / "bad.wav", samples, RATE, subtype="FLOAT")
    bank = SoundBank.open(tmp_path)
    with pytest.raises(RecipeError, match=r"bad\.wav: sample 450 is .*; every sample must be finite") as caught:
        applied(noise(14, 900), banks={"noise": bank}, **drawn_for(bank, 900))
    assert "\n" not in str(caught.value)


def test_a_step_that_was_not_planned_is_refused_in_one_line():
    with pytest.raises(RecipeError, match="names no recording; plan the recipe with a noise bank"):
        applied(noise(6, 9), snr_db=0.0)
