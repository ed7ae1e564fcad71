import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megaasr_degradations.dsp.echo import delay_samples, echo

RATE = 16_000
seeds = st.integers(0, 2**32 - 1)
feedbacks = st.floats(0.0, 0.95)
mixes = st.floats(0.0, 1.0)
quick = settings(max_examples=25)


def noise(seed: int, num_samples: int = 2_000) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(num_samples)).astype(np.float32)


def impulse(num_samples: int) -> np.ndarray:
    samples = np.zeros(num_samples, np.float32)
    samples[0] = 1.0
    return samples


@quick
@given(delay=st.integers(1, 900), feedback=feedbacks, mix=mixes)
def test_repeats_come_at_multiples_of_the_delay_each_weaker_by_the_feedback(delay, feedback, mix):
    delay_s = (delay + 0.5) / RATE
    expected = np.zeros(4_000)
    taps = np.arange(1, -(-4_000 // delay))
    expected[taps * delay] = mix * feedback ** (taps - 1.0)
    expected[0] = 1.0 - mix
    np.testing.assert_allclose(echo(impulse(4_000), RATE, delay_s, feedback, mix), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("delay_s", "delay"), [(0.1, 1_600), (0.2, 3_200), (0.29, 4_639), (0.3, 4_800), (1e-9, 1), (0.0, 1)]
)
def test_delays_are_whole_samples_and_at_least_one(delay_s, delay):
    assert delay_samples(delay_s, RATE) == delay
    assert np.flatnonzero(echo(impulse(5_000), RATE, delay_s, 0.0, 1.0)).tolist() == [delay]


@quick
@given(seed=seeds, feedback=feedbacks, mix=mixes)
def test_a_delay_beyond_the_end_leaves_the_direct_sound_alone(seed, feedback, mix):
    output = echo(noise(seed), RATE, 1.0, feedback, mix)
    np.testing.assert_allclose(output, (1.0 - mix) * noise(seed), rtol=1e-6)


@quick
@given(first=seeds, second=seeds, feedback=feedbacks, mix=mixes, a=st.floats(-2, 2), b=st.floats(-2, 2))
def test_it_is_linear(first, second, feedback, mix, a, b):
    def repeated(samples):
        return echo(samples, RATE, 0.02, feedback, mix).astype(np.float64)

    x, y = noise(first), noise(second)
    mixed = (a * x.astype(np.float64) + b * y).astype(np.float32)
    np.testing.assert_allclose(repeated(mixed), a * repeated(x) + b * repeated(y), atol=1e-6)


@quick
@given(feedback=feedbacks, mix=mixes, level=st.floats(-1.0, 1.0, width=32))
def test_a_constant_settles_at_the_gain_of_the_closed_form(feedback, mix, level):
    output = echo(np.full(30_000, level, np.float32), RATE, 0.001, feedback, mix)
    assert output[-1] == pytest.approx(level * (1.0 - mix + mix / (1.0 - feedback)), rel=2e-6, abs=2e-6)


@quick
@given(seed=seeds, later=st.integers(1, 500))
def test_later_sound_is_later_output(seed, later):
    output = echo(noise(seed), RATE, 0.01, 0.5, 0.3)
    delayed = echo(np.pad(noise(seed), (later, 0)), RATE, 0.01, 0.5, 0.3)[later:]
    np.testing.assert_array_equal(delayed, output)


def test_repeats_end_in_zeros_before_they_become_denormal():
    # 0.5^100 is 1e-30; single precision would show repeats down to 0.5^149.
    output = echo(impulse(16 * 200), RATE, 0.00101, 0.5, 0.5)
    assert output[16 * 95]
    assert not output[16 * 102 :].any()


@pytest.mark.parametrize("num_samples", [0, 1, 100, 5_000])
def test_silence_and_short_clips_stay_what_they_are(num_samples):
    output = echo(np.zeros(num_samples, np.float32), RATE, 0.1, 0.5, 0.3)
    assert output.dtype == np.float32
    np.testing.assert_array_equal(output, np.zeros(num_samples))


def test_the_input_is_neither_changed_nor_returned():
    samples = noise(2)
    kept = samples.copy()
    samples.flags.writeable = False
    output = echo(samples, RATE, 0.01, 0.5, 0.0)
    np.testing.assert_array_equal(samples, kept)
    np.testing.assert_array_equal(output, kept)
    assert not np.shares_memory(samples, output)
