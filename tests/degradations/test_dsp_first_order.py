import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from megaasr_core.base.errors import ParameterError, UnknownNameError
from megaasr_degradations.dsp.first_order import first_order

RATE = 16_000
kinds = st.sampled_from(["lowpass", "highpass"])
cutoffs_hz = st.floats(20.0, 7_900.0)
repeats = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=25)


def noise(seed: int, num_samples: int = 2_000) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(num_samples)).astype(np.float32)


def gain_db(kind: str, cutoff_hz: float, repeat: int, tone_hz: float) -> float:
    """Gain of a steady tone, from its complex amplitude in the last second of two."""
    time_s = np.arange(2 * RATE) / RATE
    tone = (0.5 * np.cos(2 * np.pi * tone_hz * time_s)).astype(np.float32)
    output = first_order(tone, RATE, kind, cutoff_hz, repeat)[RATE:]
    return 20.0 * math.log10(abs(np.mean(output * np.exp(-2j * np.pi * tone_hz * time_s[RATE:]))) / 0.25)


@pytest.mark.parametrize("kind", ["lowpass", "highpass"])
@pytest.mark.parametrize("cutoff_hz", [100.0, 1_500.0, 6_000.0])
@pytest.mark.parametrize("repeat", [1, 3, 6])
def test_each_pass_takes_three_db_at_the_cutoff(kind, cutoff_hz, repeat):
    assert gain_db(kind, cutoff_hz, repeat, cutoff_hz) == pytest.approx(repeat * 10 * math.log10(0.5), abs=0.001)


@pytest.mark.parametrize(("kind", "tones_hz"), [("lowpass", (1_000.0, 500.0)), ("highpass", (20.0, 40.0))])
def test_the_slope_is_six_db_an_octave(kind, tones_hz):
    cutoff_hz = {"lowpass": 50.0, "highpass": 1_000.0}[kind]
    lower, upper = (gain_db(kind, cutoff_hz, 1, tone_hz) for tone_hz in tones_hz)
    assert upper - lower == pytest.approx(6.02, abs=0.1)


@quick
@given(cutoff_hz=cutoffs_hz, repeat=repeats, level=st.floats(-1.0, 1.0, width=32))
def test_a_lowpass_keeps_a_constant_and_a_highpass_takes_it_away(cutoff_hz, repeat, level):
    constant = np.full(2 * RATE, level, np.float32)
    assert first_order(constant, RATE, "lowpass", cutoff_hz, repeat)[-1] == pytest.approx(level, abs=1e-4)
    assert first_order(constant, RATE, "highpass", cutoff_hz, repeat)[-1] == pytest.approx(0.0, abs=1e-4)


@quick
@given(seed=seeds, kind=kinds, cutoff_hz=cutoffs_hz, repeat=repeats)
def test_it_is_the_bilinear_transform_of_the_analogue_section(seed, kind, cutoff_hz, repeat):
    # From s / w -> (1 - z^-1) / (1 + z^-1) / k, written with cosines: k = sin w / (1 + cos w) = (1 - cos w) / sin w.
    w = 2 * math.pi * cutoff_hz / RATE
    sin, side = math.sin(w), 1 + math.cos(w)
    b = [sin, sin] if kind == "lowpass" else [side, -side]
    expected = noise(seed).astype(np.float64)
    for _ in range(repeat):
        expected = lfilter(b, [side + sin, sin - side], expected)
    np.testing.assert_allclose(first_order(noise(seed), RATE, kind, cutoff_hz, repeat), expected, atol=1e-6)


@quick
@given(first=seeds, second=seeds, kind=kinds, cutoff_hz=cutoffs_hz, a=st.floats(-2, 2), b=st.floats(-2, 2))
def test_it_is_linear(first, second, kind, cutoff_hz, a, b):
    def filtered(samples):
        return first_order(samples, RATE, kind, cutoff_hz, 3).astype(np.float64)

    x, y = noise(first), noise(second)
    mixed = (a * x.astype(np.float64) + b * y).astype(np.float32)
    np.testing.assert_allclose(filtered(mixed), a * filtered(x) + b * filtered(y), atol=1e-6)


@quick
@given(seed=seeds, cutoff_hz=cutoffs_hz)
def test_lowpass_and_highpass_add_up_to_the_input(seed, cutoff_hz):
    samples = noise(seed)
    low, high = (first_order(samples, RATE, kind, cutoff_hz, 1) for kind in ("lowpass", "highpass"))
    np.testing.assert_allclose(low + high, samples, atol=1e-6)


@quick
@given(seed=seeds, kind=kinds, cutoff_hz=cutoffs_hz, later=st.integers(1, 500))
def test_later_sound_is_later_output(seed, kind, cutoff_hz, later):
    output = first_order(noise(seed), RATE, kind, cutoff_hz, 2)
    delayed = first_order(np.pad(noise(seed), (later, 0)), RATE, kind, cutoff_hz, 2)
    np.testing.assert_allclose(delayed[later:], output, atol=1e-6)
    assert not delayed[:later].any()


def test_what_rings_out_ends_in_zeros_before_it_becomes_denormal():
    # The pole is at 0.961: 1e-30 after 1700 samples, while single precision would show down to 1e-45, at 2500. What
    # is that small is taken out every 1024 samples.
    samples = np.zeros(4_000, np.float32)
    samples[0] = 1.0
    output = first_order(samples, RATE, "lowpass", 100.0, 1)
    assert output[:500].all()
    assert not output[2_048:].any()
    assert np.abs(output[output != 0]).min() > np.finfo(np.float32).tiny


@pytest.mark.parametrize("kind", ["lowpass", "highpass"])
@pytest.mark.parametrize("num_samples", [0, 1, 100])
def test_silence_and_short_clips_stay_what_they_are(kind, num_samples):
    output = first_order(np.zeros(num_samples, np.float32), RATE, kind, 1_000.0, 4)
    assert output.dtype == np.float32
    np.testing.assert_array_equal(output, np.zeros(num_samples))


def test_no_pass_is_a_copy_and_the_input_is_never_changed():
    samples = noise(1)
    kept = samples.copy()
    samples.flags.writeable = False
    output = first_order(samples, RATE, "lowpass", 1_000.0, 0)
    first_order(samples, RATE, "lowpass", 1_000.0, 2)
    np.testing.assert_array_equal(output, kept)
    np.testing.assert_array_equal(samples, kept)
    assert not np.shares_memory(samples, output)


@pytest.mark.parametrize("cutoff_hz", [-1.0, 0.0, 8_000.0, 9_000.0, math.nan])
def test_a_cutoff_out_of_bounds_is_refused(cutoff_hz):
    with pytest.raises(ParameterError, match="above 0 and below half the sample rate, 8000 Hz"):
        first_order(noise(0), RATE, "lowpass", cutoff_hz, 1)


def test_an_unknown_kind_is_refused():
    with pytest.raises(UnknownNameError, match="unknown filter 'lopass': did you mean 'lowpass'"):
        first_order(noise(0), RATE, "lopass", 1_000.0, 1)


@pytest.mark.parametrize(
    ("kind", "cutoff_hz"), [("lowpass", 5e-324), ("lowpass", 1e-6), ("lowpass", 1.0), ("highpass", 7_999.999_999)]
)
@pytest.mark.parametrize("repeat", [1, 8, 32])
def test_legal_numbers_at_the_edge_give_finite_samples(kind, cutoff_hz, repeat):
    output = first_order(noise(1, 16_000), RATE, kind, cutoff_hz, repeat)
    assert np.all(np.isfinite(output))
    assert np.max(np.abs(output)) < 0.1
