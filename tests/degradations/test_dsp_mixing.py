import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from megaasr_degradations.dsp.mixing import mixed, rms, tile_from, with_noise

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


@given(seed=seeds, num_samples=st.integers(1, 500), snr_db=st.floats(-60.0, 60.0), level_db=st.floats(-40.0, 0.0))
def test_the_noise_is_at_the_snr(seed, num_samples, snr_db, level_db):
    speech, background = noise(seed, num_samples), noise(seed + 1, num_samples, 10.0 ** (level_db / 20.0))
    noisy, speech_energy, noise_energy = with_noise(speech, background, snr_db, 1.0)
    assert speech_energy == pytest.approx(float(np.sum(speech.astype(np.float64) ** 2)), rel=1e-12)
    assert noise_energy == pytest.approx(float(np.sum(background.astype(np.float64) ** 2)), rel=1e-12)
    gain = np.sqrt(speech_energy / noise_energy) * 10.0 ** (-snr_db / 20.0)
    expected = speech + gain * background.astype(np.float64)
    np.testing.assert_allclose(
        noisy, expected, atol=3e-7 * (1.0 + gain) * max(np.abs(speech).max(), np.abs(background).max())
    )


@given(seed=seeds, num_samples=st.integers(0, 100), gains=st.tuples(st.floats(-2, 2), st.floats(-2, 2)))
def test_a_mix_is_the_weighted_sum(seed, num_samples, gains):
    one, other = noise(seed, num_samples), noise(seed + 1, num_samples)
    expected = gains[0] * one.astype(np.float64) + gains[1] * other
    np.testing.assert_allclose(mixed(one, gains[0], other, gains[1]), expected, atol=1e-7)


@pytest.mark.parametrize(("speech", "background"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_silence_has_no_snr_and_gets_no_noise(speech, background):
    samples = np.full(9, speech, np.float32)
    noisy, *_ = with_noise(samples, np.full(9, background, np.float32), 0.0, 1.0)
    np.testing.assert_array_equal(noisy, samples)


@given(
    noise_samples=st.integers(1, 50), offset=st.integers(0, 120), wanted=st.integers(0, 200), read_only=st.booleans()
)
def test_noise_begins_at_the_offset_and_again_at_its_end(noise_samples, offset, wanted, read_only):
    background = np.arange(noise_samples, dtype=np.float32)
    background.flags.writeable = not read_only
    tiled = tile_from(background, offset, wanted)
    assert tiled.dtype == np.float32
    assert tiled.tolist() == [(offset + place) % noise_samples for place in range(wanted)]
    assert np.shares_memory(tiled, background) or wanted == 0 or offset % noise_samples + wanted > noise_samples


def test_no_noise_is_silence():
    assert tile_from(np.zeros(0, np.float32), 3, 4).tolist() == [0.0] * 4
    assert len(tile_from(np.zeros(0, np.float32), 0, 0)) == 0
