import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from megaasr_degradations.dsp.mixing import noise_gain, rms, tile_from

seeds = st.integers(0, 2**32 - 1)
clips = arrays(np.float32, st.integers(1, 300), elements=st.floats(-1.0, 1.0, width=32))


def noise(seed: int, num_samples: int, level: float = 0.1) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(num_samples)).astype(np.float32)


@given(clips)
def test_rms_is_the_root_of_the_mean_square_in_double_precision(samples):
    exact = np.sqrt(np.mean(samples.astype(np.longdouble) ** 2))
    assert rms(samples) == pytest.approx(float(exact), rel=1e-12)
    assert isinstance(rms(samples), float)


@pytest.mark.parametrize(
    ("samples", "expected"), [([], 0.0), ([0.0, 0.0], 0.0), ([-0.5], 0.5), ([3.0, 4.0], 12.5**0.5), ([3e38], 3e38)]
)
def test_rms_of_special_cases(samples, expected):
    assert rms(np.array(samples, np.float32)) == pytest.approx(expected, rel=1e-6)


@given(seed=seeds, speech_samples=st.integers(1, 500), snr_db=st.floats(-60.0, 100.0), level_db=st.floats(-80.0, 0.0))
def test_the_gain_gives_the_snr(seed, speech_samples, snr_db, level_db):
    speech = noise(seed, speech_samples)
    background = noise(seed + 1, 700, 10.0 ** (level_db / 20.0))
    scaled = noise_gain(speech, background, snr_db) * background.astype(np.float64)
    assert 20.0 * np.log10(rms(speech) / rms(scaled)) == pytest.approx(snr_db, abs=1e-9)


@pytest.mark.parametrize(("speech", "background"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_silence_has_no_snr_and_gets_no_noise(speech, background):
    assert noise_gain(np.full(9, speech, np.float32), np.full(5, background, np.float32), 0.0) == 0.0
    assert noise_gain(np.zeros(0, np.float32), np.zeros(0, np.float32), 0.0) == 0.0


@given(
    noise_samples=st.integers(1, 50), offset=st.integers(0, 120), wanted=st.integers(0, 200), read_only=st.booleans()
)
def test_noise_begins_at_the_offset_and_again_at_its_end(noise_samples, offset, wanted, read_only):
    background = np.arange(noise_samples, dtype=np.float32)
    background.flags.writeable = not read_only
    tiled = tile_from(background, offset, wanted)
    assert tiled.dtype == np.float32
    assert tiled.tolist() == [(offset + place) % noise_samples for place in range(wanted)]
    tiled[:] = -1.0
    assert (background == np.arange(noise_samples)).all()


def test_no_noise_is_silence():
    assert tile_from(np.zeros(0, np.float32), 3, 4).tolist() == [0.0] * 4
    assert len(tile_from(np.zeros(0, np.float32), 0, 0)) == 0
