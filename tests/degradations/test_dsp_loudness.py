import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megaasr_degradations.dsp.k_weighting import high_pass_pole, high_shelf
from megaasr_degradations.dsp.loudness import integrated_loudness

RATE = 16_000
BLOCK = 6_400
seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=25)


def noise(seed: int, duration_s: float = 1.0, level: float = 0.1) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(round(duration_s * RATE))).astype(np.float32)


def tone(hz: float, rate: int, duration_s: float = 5.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(duration_s * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_tone_at_997_hz_and_full_scale_has_minus_3_01_lufs(rate):
    # The calibration point of BS.1770-4, annex 1. At 8 kHz the shelf is bent so far that it is 0.2 LU lower.
    assert integrated_loudness(tone(997.0, rate), rate) == pytest.approx(-3.01, abs=0.1)


def test_the_weighting_lifts_the_treble_by_four_db_and_takes_the_bass_away():
    at_997_hz = integrated_loudness(tone(997.0, 48_000), 48_000)
    assert integrated_loudness(tone(10_000.0, 48_000), 48_000) - at_997_hz == pytest.approx(3.3, abs=0.3)
    assert integrated_loudness(tone(20.0, 48_000), 48_000) < at_997_hz - 10.0


def test_the_shelf_has_the_gains_of_its_kind_at_both_ends():
    b0, b1, b2, a1, a2 = high_shelf(RATE)
    assert (b0 + b1 + b2) / (1 + a1 + a2) == pytest.approx(1.0, abs=1e-9)
    assert (b0 - b1 + b2) / (1 - a1 + a2) == pytest.approx(10.0 ** (4.0 / 20.0), rel=1e-9)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_the_high_pass_has_the_double_pole_of_the_cookbooks_biquad_at_q_a_half(rate):
    w = 2 * math.pi * 38.0 / rate
    alpha = math.sin(w) / (2 * 0.5)
    denominator = [1.0, -2 * math.cos(w) / (1 + alpha), (1 - alpha) / (1 + alpha)]
    assert np.poly([high_pass_pole(rate)] * 2) == pytest.approx(denominator, rel=1e-12)


@quick
@given(seed=seeds, gain_db=st.floats(-30.0, 20.0))
def test_a_gain_moves_the_loudness_by_as_much(seed, gain_db):
    samples = noise(seed)
    louder = samples * np.float32(10.0 ** (gain_db / 20.0))
    moved = integrated_loudness(louder, RATE) - integrated_loudness(samples, RATE)
    assert moved == pytest.approx(gain_db, abs=1e-5)
    doubled = integrated_loudness(2 * samples, RATE) - integrated_loudness(samples, RATE)
    assert doubled == pytest.approx(20 * math.log10(2), abs=1e-12)


@quick
@given(seed=seeds)
def test_polarity_is_not_heard(seed):
    assert integrated_loudness(-noise(seed), RATE) == integrated_loudness(noise(seed), RATE)


def test_what_is_below_the_absolute_gate_counts_for_nothing():
    loud = noise(1, 4.0)
    hiss = noise(2, 40.0, 1e-4)
    assert integrated_loudness(hiss, RATE) == -math.inf
    alone = integrated_loudness(loud, RATE)
    # Only the three blocks across the seam change anything: at most 3 of 40, by at most 6 dB.
    assert alone - 0.3 < integrated_loudness(np.concatenate([loud, hiss]), RATE) < alone


@pytest.mark.parametrize(("quieter_db", "counted"), [(-12.0, True), (-13.5, False)])
def test_what_is_ten_lu_below_the_mean_counts_for_nothing(quieter_db, counted):
    # The mean of a loud half and one 12 to 14 dB quieter is 2.8 LU below the loud one, so the gate is at -12.8 LU.
    loud, quiet = noise(1, 10.0), noise(2, 10.0) * np.float32(10.0 ** (quieter_db / 20.0))
    drop_lu = integrated_loudness(loud, RATE) - integrated_loudness(np.concatenate([loud, quiet]), RATE)
    mean_db = -10 * math.log10((1 + 10.0 ** (quieter_db / 10.0)) / 2)
    assert drop_lu == pytest.approx(mean_db if counted else 0.0, abs=0.15)


@pytest.mark.parametrize("num_samples", [BLOCK, 16_000, 100_000])
def test_silence_has_no_loudness(num_samples):
    assert integrated_loudness(np.zeros(num_samples, np.float32), RATE) == -math.inf


@pytest.mark.parametrize("num_samples", [0, 1, 160, BLOCK - 1])
def test_less_than_a_block_cannot_be_measured(num_samples):
    assert math.isnan(integrated_loudness(np.ones(num_samples, np.float32), RATE))


def test_one_block_can_be_measured():
    assert math.isfinite(integrated_loudness(noise(0)[:BLOCK], RATE))


def test_the_input_is_not_changed():
    samples = noise(0)
    kept = samples.copy()
    samples.flags.writeable = False
    assert isinstance(integrated_loudness(samples, RATE), float)
    np.testing.assert_array_equal(samples, kept)
