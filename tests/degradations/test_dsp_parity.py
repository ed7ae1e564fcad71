"""The kernels beside pedalboard (JUCE) and pyloudnorm, which compute in single and in double precision."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from megaasr_core.testing import speech_like
from megaasr_degradations.dsp.echo import delay_samples, echo
from megaasr_degradations.dsp.first_order import first_order
from megaasr_degradations.dsp.freeverb import freeverb
from megaasr_degradations.dsp.loudness import integrated_loudness

pytestmark = pytest.mark.oracle

BOUND_DB = -90.0
rates = st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000])
shares = st.floats(0.05, 1.0)
quick = settings(max_examples=15)


def error_db(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Energy of the difference relative to the energy of the output, in dB."""
    assert ours.dtype == theirs.dtype == np.float32
    assert ours.shape == theirs.shape
    error, energy = (float(np.sum(np.square(part, dtype=np.float64))) for part in (ours - theirs, theirs))
    return 10.0 * math.log10(error / energy) if error else -math.inf


@quick
@given(rate=rates, room_size=st.floats(0.0, 1.0), damping=st.floats(0.0, 1.0), wet=shares, dry=st.floats(0.0, 1.0))
@example(rate=16_000, room_size=0.4, damping=0.6, wet=0.4, dry=0.5)
@example(rate=16_000, room_size=0.95, damping=0.5, wet=0.8, dry=0.4)
@example(rate=16_000, room_size=0.4, damping=0.9, wet=0.7, dry=0.0)
def test_freeverb_is_that_of_pedalboard(rate, room_size, damping, wet, dry):
    from pedalboard import Reverb

    samples = speech_like(rate, 2.0)
    theirs = Reverb(room_size=room_size, damping=damping, wet_level=wet, dry_level=dry)(samples, rate)
    assert error_db(freeverb(samples, rate, room_size, damping, wet, dry), theirs) <= BOUND_DB


@pytest.mark.parametrize("width", [0.0, 0.3, 1.0])
def test_width_is_that_of_pedalboard(width):
    from pedalboard import Reverb

    samples = speech_like(16_000, 2.0)
    theirs = Reverb(room_size=0.5, damping=0.5, wet_level=0.5, dry_level=0.0, width=width)(samples, 16_000)
    assert error_db(freeverb(samples, 16_000, 0.5, 0.5, 0.5, 0.0, width), theirs) <= BOUND_DB


@quick
@given(
    rate=rates, kind=st.sampled_from(["lowpass", "highpass"]), cutoff=st.floats(0.005, 0.45), repeat=st.integers(1, 6)
)
@example(rate=16_000, kind="lowpass", cutoff=4_500 / 16_000, repeat=3)
@example(rate=16_000, kind="lowpass", cutoff=1_500 / 16_000, repeat=4)
@example(rate=16_000, kind="highpass", cutoff=100 / 16_000, repeat=1)
@example(rate=16_000, kind="highpass", cutoff=600 / 16_000, repeat=6)
def test_first_order_is_that_of_pedalboard(rate, kind, cutoff, repeat):
    from pedalboard import HighpassFilter, LowpassFilter, Pedalboard

    samples = speech_like(rate, 1.0)
    cutoff_hz = float(np.float32(cutoff * rate))
    one_pass = {"lowpass": LowpassFilter, "highpass": HighpassFilter}[kind]
    theirs = Pedalboard([one_pass(cutoff_hz) for _ in range(repeat)])(samples, rate)
    assert error_db(first_order(samples, rate, kind, cutoff_hz, repeat), theirs) <= BOUND_DB


@quick
@given(rate=rates, delay_s=st.floats(0.001, 0.4), feedback=st.floats(0.0, 0.95), mix=st.floats(0.0, 1.0))
@example(rate=16_000, delay_s=0.1, feedback=0.3, mix=0.2)
@example(rate=16_000, delay_s=0.3, feedback=0.5, mix=0.3)
@example(rate=16_000, delay_s=0.29, feedback=0.5, mix=1.0)
def test_echo_is_that_of_pedalboard(rate, delay_s, feedback, mix):
    from pedalboard import Delay

    samples = speech_like(rate, 1.0)
    theirs = Delay(delay_s, feedback, mix)(samples, rate)
    assert error_db(echo(samples, rate, delay_s, feedback, mix), theirs) <= BOUND_DB


@settings(max_examples=100)
@given(rate=rates, wanted=st.integers(1, 900))
def test_a_delay_that_is_whole_in_samples_is_rounded_as_by_pedalboard(rate, wanted):
    from pedalboard import Delay

    impulse = np.zeros(1_000, np.float32)
    impulse[0] = 1.0
    repeats = np.flatnonzero(Delay(wanted / rate, 0.0, 1.0)(impulse, rate))
    if len(repeats):  # none where it rounds to no delay at all, which pedalboard does not play
        assert repeats[0] == delay_samples(wanted / rate, rate)
    else:
        assert delay_samples(wanted / rate, rate) == wanted == 1


@quick
@given(
    rate=rates,
    duration_s=st.floats(0.4, 3.0),
    gain_db=st.floats(-80.0, 20.0),
    pause_s=st.floats(0.0, 2.0),
    quieter_db=st.floats(0.0, 20.0),
)
@example(rate=16_000, duration_s=0.4, gain_db=0.0, pause_s=0.0, quieter_db=20.0)
@example(rate=16_000, duration_s=3.0, gain_db=0.0, pause_s=0.0, quieter_db=12.0)
@example(rate=16_000, duration_s=2.0, gain_db=-40.0, pause_s=1.0, quieter_db=14.0)
def test_loudness_is_that_of_pyloudnorm(rate, duration_s, gain_db, pause_s, quieter_db):
    from pyloudnorm import Meter

    # A loud beginning, a pause and a quieter end, so that both gates have work.
    first = speech_like(rate, duration_s + 0.001)
    second = first * np.float32(10.0 ** (-quieter_db / 20.0))
    samples = np.concatenate([first, np.zeros(int(pause_s * rate), np.float32), second]) * np.float32(
        10.0 ** (gain_db / 20.0)
    )
    for part in (samples, samples[: len(first)]):
        ours, theirs = integrated_loudness(part, rate), Meter(rate).integrated_loudness(part.astype(np.float64))
        assert ours == pytest.approx(theirs, abs=5e-5)
        # pyloudnorm rounds its filters' output to single precision if that is what it gets.
        assert ours == pytest.approx(Meter(rate).integrated_loudness(part), abs=5e-5)


@pytest.mark.parametrize("num_samples", [*range(6_400, 9_700, 160), 7_199, 7_200, 7_201, 8_799, 8_800, 8_801])
def test_blocks_are_counted_as_by_pyloudnorm(num_samples):
    from pyloudnorm import Meter

    samples = speech_like(16_000, 1.0)[:num_samples]
    theirs = Meter(16_000).integrated_loudness(samples.astype(np.float64))
    assert integrated_loudness(samples, 16_000) == pytest.approx(theirs, abs=5e-5)


def test_what_pyloudnorm_refuses_is_nan_and_what_it_calls_silent_is_silent():
    from pyloudnorm import Meter

    too_short, silent = np.ones(6_399, np.float32), np.zeros(6_400, np.float32)
    with pytest.raises(ValueError, match="greater than the block size"):
        Meter(16_000).integrated_loudness(too_short)
    assert np.isnan(integrated_loudness(too_short, 16_000))
    assert Meter(16_000).integrated_loudness(silent) == integrated_loudness(silent, 16_000) == -np.inf
