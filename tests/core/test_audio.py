import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr import Audio, level_dbfs
from megaasr_core.base.audio import check_audio
from megaasr_core.base.errors import AudioError


def tone(num_samples: int = 1600, amplitude: float = 0.1) -> np.ndarray:
    return (amplitude * np.sin(np.arange(num_samples) * 0.3)).astype(np.float32)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([0.0, 1.0], "a numpy array is expected, not list"),
        (np.zeros((2, 100), np.float32), r"mono samples of shape \(num_samples,\) are expected, not \(2, 100\)"),
        (np.zeros(100), "float32 samples are expected, not float64"),
        (np.zeros(100, np.float32)[::2], "contiguous"),
        (np.array([0, 1, np.nan], np.float32), "sample 2 is nan"),
        (np.array([0, np.inf], np.float32), "sample 1 is inf"),
    ],
)
def test_anything_but_mono_finite_float32_is_refused(samples, expected):
    with pytest.raises(AudioError, match=expected):
        Audio(samples, 16_000, "here")


def test_huge_but_finite_samples_are_accepted():
    assert Audio(np.full(10, 1e30, np.float32), 16_000).duration_s == 10 / 16_000


def test_a_rate_must_be_positive():
    with pytest.raises(AudioError, match="sample rate 0 Hz"):
        Audio(tone(), 0)


@given(rate=st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]))
def test_resampling_keeps_the_duration_and_the_level(rate):
    audio = Audio(tone(rate, 0.1), rate)
    resampled = audio.resampled(16_000)
    assert resampled.sample_rate == 16_000
    assert abs(resampled.duration_s - audio.duration_s) < 1e-3
    assert level_dbfs(resampled.samples) == pytest.approx(level_dbfs(audio.samples), abs=0.1)


def test_resampling_to_the_same_rate_is_the_same_object():
    audio = Audio(tone(), 16_000)
    assert audio.resampled(16_000) is audio


def test_level_is_rms_relative_to_full_scale():
    assert level_dbfs(np.full(100, 0.1, np.float32)) == pytest.approx(-20.0, abs=1e-4)
    assert level_dbfs(np.zeros(5, np.float32)) == -np.inf
    assert level_dbfs(np.zeros(0, np.float32)) == -np.inf


def test_flags_tell_of_silence_and_of_clipping():
    assert check_audio(Audio(np.zeros(100, np.float32), 16_000)) == ("silent",)
    assert check_audio(Audio(np.clip(tone() * 100, -1, 1).astype(np.float32), 16_000)) == ("clipped",)
    assert check_audio(Audio(tone(), 16_000)) == ()
