"""White noise by counting, against what independent normal numbers must look like; the seeds are fixed."""

import numpy as np
import pytest
from scipy import stats

from megaasr_degradations.dsp.normals import standard_normals

COUNT = 2_000_000


@pytest.fixture(scope="module")
def numbers():
    return standard_normals(COUNT, np.random.default_rng(0)).astype(np.float64)


def test_the_moments_are_those_of_the_normal_distribution(numbers):
    # Standard errors of mean, variance, skewness and excess kurtosis of n normals: 1, 2, 6 and 24 over n, under a root.
    measured = [numbers.mean(), numbers.var() - 1.0, stats.skew(numbers), stats.kurtosis(numbers)]
    errors = np.sqrt(np.array([1, 2, 6, 24]) / COUNT)
    assert (np.abs(measured) < 4.0 * errors).all()


def test_the_distribution_is_normal_into_the_tails(numbers):
    assert stats.kstest(numbers, "norm").pvalue > 0.01
    for limit in (3.0, 4.0):
        expected = COUNT * 2.0 * stats.norm.sf(limit)
        assert abs((np.abs(numbers) > limit).sum() - expected) < 4.0 * np.sqrt(expected)


@pytest.mark.parametrize("lag", [1, 2, 15, 16, 17, 32, 33, 64])
def test_neighbours_and_their_squares_are_unrelated(numbers, lag):
    for values in (numbers, numbers**2 - 1.0):
        correlation = np.mean(values[:-lag] * values[lag:]) / np.mean(values**2)
        assert abs(correlation) < 4.5 / np.sqrt(COUNT)


def test_the_spectrum_is_flat(numbers):
    power = np.abs(np.fft.rfft(numbers[: 2**20].reshape(1024, 1024), axis=1)) ** 2
    bands = power.mean(axis=0)[1:-1] / 1024
    assert np.abs(10 * np.log10(bands)).max() < 4.5 * 10 / np.log(10) / np.sqrt(1024)


def test_other_keys_give_unrelated_noise_and_equal_keys_equal_noise():
    one, other, again = (standard_normals(100_000, np.random.default_rng(seed)) for seed in (1, 2, 1))
    assert abs(np.mean(one * other)) < 4.5 / np.sqrt(100_000)
    np.testing.assert_array_equal(one, again)


def test_a_longer_clip_begins_with_the_same_noise():
    long = standard_normals(1_000, np.random.default_rng(3))
    for num_samples in (0, 1, 31, 32, 33, 999):
        np.testing.assert_array_equal(standard_normals(num_samples, np.random.default_rng(3)), long[:num_samples])
