import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megaasr_degradations.dsp.freeverb import ALLPASSES, COMBS, freeverb

RATE = 16_000
ROOM = {"room_size": 0.5, "damping": 0.6, "wet_level": 0.4, "dry_level": 0.3}
share = st.floats(0.0, 1.0)
seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=15)


def noise(seed: int, num_samples: int = 4_000) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(num_samples)).astype(np.float32)


def impulse(num_samples: int, at: int = 0) -> np.ndarray:
    samples = np.zeros(num_samples, np.float32)
    samples[at] = 1.0
    return samples


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_the_impulse_response_has_the_transfer_function_of_the_formulae(rate):
    # At room size 0 the feedback is 0.7: 200 rounds of the longest comb leave nothing to wrap around.
    num_samples = 200 * COMBS[-1] * rate // 44_100
    room = {"room_size": 0.0, "damping": 0.7, "wet_level": 0.4, "dry_level": 0.3}
    response = np.fft.rfft(freeverb(impulse(num_samples), rate, **room).astype(np.float64))
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(num_samples))  # z^-1
    low_pass = (1 - 0.28) / (1 - 0.28 * turn)
    expected = np.zeros(len(turn), complex)
    for delay in COMBS:
        late = turn ** (delay * rate // 44_100)
        expected += 0.015 * late / (1 - 0.7 * low_pass * late)
    for delay in ALLPASSES:
        late = turn ** (delay * rate // 44_100)
        expected *= (1.5 * late - 1) / (1 - 0.5 * late)
    expected = 2 * 0.3 + 3 * 0.4 * expected
    assert np.abs(response - expected).max() < 1e-5


@quick
@given(room_size=share, damping=share, wet=share, dry=share)
def test_direct_sound_stays_and_the_first_reflection_comes_with_the_shortest_comb(room_size, damping, wet, dry):
    response = freeverb(impulse(1_000), RATE, room_size, damping, wet, dry)
    first = COMBS[0] * RATE // 44_100
    assert response[0] == np.float32(2.0 * dry)
    assert not response[1:first].any()
    assert response[first] == pytest.approx(0.015 * 3.0 * wet, rel=1e-6)  # four allpasses turn the sign four times


@quick
@given(width=share)
def test_width_scales_the_reverberation_alone(width):
    samples = noise(0)
    wet_only = {**ROOM, "dry_level": 0.0}
    full = freeverb(samples, RATE, **wet_only)
    np.testing.assert_allclose(freeverb(samples, RATE, **wet_only, width=width), full * (1 + width) / 2, atol=1e-7)
    dry_only = {**ROOM, "wet_level": 0.0}
    np.testing.assert_array_equal(freeverb(samples, RATE, **dry_only, width=width), freeverb(samples, RATE, **dry_only))


@quick
@given(first=seeds, second=seeds, a=st.floats(-2.0, 2.0), b=st.floats(-2.0, 2.0))
def test_it_is_linear(first, second, a, b):
    x, y = noise(first), noise(second)
    mixed = (a * x.astype(np.float64) + b * y).astype(np.float32)
    separate = a * freeverb(x, RATE, **ROOM).astype(np.float64) + b * freeverb(y, RATE, **ROOM)
    np.testing.assert_allclose(freeverb(mixed, RATE, **ROOM), separate, atol=1e-6)


@quick
@given(seed=seeds, later=st.integers(1, 3_000), end=st.integers(1, 4_000))
def test_later_sound_is_later_output_and_the_future_has_no_influence(seed, later, end):
    samples = noise(seed)
    output = freeverb(samples, RATE, **ROOM)
    np.testing.assert_array_equal(freeverb(np.pad(samples, (later, 0)), RATE, **ROOM)[later:], output)
    np.testing.assert_array_equal(freeverb(samples[:end].copy(), RATE, **ROOM), output[:end])


def test_a_larger_room_rings_longer_and_a_damped_one_is_duller():
    def energy(room_size, damping, highest_share):
        tail = freeverb(impulse(2 * RATE), RATE, room_size, damping, 1.0, 0.0)[RATE:].astype(np.float64)
        spectrum = np.abs(np.fft.rfft(tail)) ** 2
        return spectrum[int(len(spectrum) * (1 - highest_share)) :].sum()

    assert energy(0.9, 0.5, 1.0) > 100 * energy(0.4, 0.5, 1.0)
    assert energy(0.9, 0.1, 0.5) > 100 * energy(0.9, 0.9, 0.5)


def test_the_tail_ends_in_zeros_before_it_becomes_denormal():
    # 0.7^200 is 1e-31, while single precision would show the tail down to 1e-45.
    ringing = 200 * (COMBS[-1] * RATE // 44_100)
    room = {"room_size": 0.0, "damping": 0.0, "wet_level": 1.0, "dry_level": 0.0}
    output = freeverb(impulse(ringing + RATE), RATE, **room)
    assert output[: ringing // 2].any()
    assert not output[ringing:].any()


@pytest.mark.parametrize("num_samples", [0, 1, 403, RATE])
def test_silence_and_short_clips_stay_what_they_are(num_samples):
    output = freeverb(np.zeros(num_samples, np.float32), RATE, **ROOM)
    assert output.dtype == np.float32
    np.testing.assert_array_equal(output, np.zeros(num_samples))


def test_the_input_is_neither_changed_nor_returned():
    samples = noise(3)
    kept = samples.copy()
    samples.flags.writeable = False
    output = freeverb(samples, RATE, room_size=0.5, damping=0.5, wet_level=0.0, dry_level=0.5)
    np.testing.assert_array_equal(samples, kept)
    np.testing.assert_array_equal(output, kept)
    assert not np.shares_memory(samples, output)
