"""The kit's sounds and meters are what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr_core.testing.guards import touched_generators
from megaasr_core.testing.signals import (
    SPEECH_RMS,
    AnyBank,
    lag,
    noise_burst,
    rms_db,
    snr_db,
    speech_like,
    square_wave,
    synthetic_bank,
)


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100, 48_000])
def test_speech_has_the_level_and_pauses_of_speech(sample_rate):
    speech = speech_like(sample_rate, 2.0)
    assert (len(speech), speech.dtype) == (2 * sample_rate, np.float32)
    assert rms_db(speech) == pytest.approx(20 * np.log10(SPEECH_RMS), abs=1e-3)
    assert np.max(np.abs(speech)) < 0.5
    frames = speech[: len(speech) // 100 * 100].reshape(100, -1)
    levels = np.sqrt(np.mean(frames**2, axis=1))
    assert np.mean(levels < 0.1 * SPEECH_RMS) > 0.3


def test_speech_of_other_keys_differs_and_of_equal_ones_does_not():
    assert speech_like(key="a") is speech_like(key="a")
    assert not np.array_equal(speech_like(key="a"), speech_like(key="b"))
    assert len(speech_like(duration_s=0.0)) == 0


@given(st.integers(-500, 500))
def test_lag_finds_every_shift(shift):
    burst = noise_burst(8_000)
    moved = np.roll(burst, shift)  # silence at both ends, so nothing wraps
    assert lag(burst, moved) == shift
    assert lag(burst, -moved) == shift, "a turned polarity is no delay"


@given(st.floats(-20.0, 40.0))
def test_snr_is_measured_as_it_is_defined(level_db):
    speech = speech_like()
    noise = np.resize(noise_burst(16_000), len(speech)).astype(np.float64)
    noise *= 10 ** ((rms_db(speech) - rms_db(noise) - level_db) / 20)
    assert snr_db(speech, (speech + noise).astype(np.float32)) == pytest.approx(level_db, abs=1e-3)


def test_square_wave_is_at_full_scale():
    assert rms_db(square_wave(44_100)) == 0.0
    assert rms_db(np.zeros(8, np.float32)) == -np.inf


def test_synthetic_bank(tmp_path):
    bank = synthetic_bank(tmp_path)
    assert {name: len(paths) for name, paths in bank.categories.items()} == {"hiss": 1, "hum": 1}
    rng = np.random.default_rng(0)
    assert bank.num_samples(bank.pick(rng, "hiss"), 16_000) == 9_600
    assert bank.num_samples(bank.pick(rng, "hum"), 16_000) == 40_000


def test_any_bank_answers_to_every_name():
    banks = AnyBank()
    assert "rooms" in banks
    assert 3 not in banks
    assert banks["rooms"] is banks["noise"]
    assert list(banks) == ["noise"]
    assert len(banks) == 1


def test_watched_generators_get_their_state_back():
    import random

    state = np.random.get_state()[1].copy()  # noqa: NPY002
    python_state = random.getstate()
    assert touched_generators(lambda: np.random.seed(0)) == ["numpy.random"]  # noqa: NPY002
    assert touched_generators(lambda: random.seed(0)) == ["random"]
    with pytest.raises(ZeroDivisionError):
        touched_generators(lambda: (random.random(), np.random.random(), 1 / 0))  # noqa: NPY002
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert random.getstate() == python_state
