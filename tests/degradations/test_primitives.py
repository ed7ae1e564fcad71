"""The primitives: bounds, formulae and flags; add_noise and the kernels have tests of their own."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megaasr import installed_plugins
from megaasr_core.base.errors import ParameterError
from megaasr_core.contracts.primitive import ApplyContext
from megaasr_core.testing import speech_like
from megaasr_core.testing.signals import lag, noise_burst, rms_db

PLUGINS = installed_plugins()
RATE = 16_000
NAMES = {
    "add_noise",
    "add_echo",
    "add_reverb",
    "add_distortion",
    "add_resample",
    "apply_filter",
    "change_volume",
    "add_stutter_replace",
}
quick = settings(max_examples=25)


def applied(name, samples, sample_rate=RATE, seed=0, **parameters):
    """The output of one primitive, and the flags that it raised."""
    flags: list[str] = []
    context = ApplyContext(np.random.default_rng(seed), flag=flags.append)
    output = PLUGINS.primitives[name].create(parameters).apply(samples, sample_rate, context)
    assert output.dtype == np.float32
    return output, flags


def noise(seed, num_samples, level=0.1):
    return (level * np.random.default_rng(seed).standard_normal(num_samples)).astype(np.float32)


def impulse(num_samples):
    return np.eye(1, num_samples, dtype=np.float32)[0]


def tone(hertz, sample_rate=RATE, seconds=1.0, level=0.1):
    return (level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * sample_rate)) / sample_rate)).astype(np.float32)


def test_each_of_the_eight_comes_from_an_entry_point_of_its_own():
    own = {name: PLUGINS.primitives.owner(name) for name in NAMES}
    assert {name: owner.plugin for name, owner in own.items()} == {name: f"primitive.{name}" for name in NAMES}
    assert {name for name in NAMES if PLUGINS.stacking[name]} == {"add_noise"}


@pytest.mark.parametrize(
    ("name", "parameters", "reason"),
    [
        ("add_noise", {"snr_db": math.inf}, "snr_db = inf"),
        ("add_noise", {"snr_db": 0.0, "wet": 1.1}, "wet = 1.1"),
        ("add_noise", {"snr_db": 0.0, "offset_samples": -1}, "offset_samples = -1"),
        ("add_noise", {"snr_db": 0.0, "source": "pink"}, "source = 'pink'"),
        ("add_noise", {"snr_db": 0.0, "source": "white", "category": "rain"}, "white noise has no .* category"),
        ("add_noise", {"snr": 0.0}, "did you mean 'snr_db'"),
        ("add_echo", {"delay_s": 0.0, "feedback": 0.1, "mix": 0.1}, "delay_s = 0.0"),
        ("add_echo", {"delay_s": 0.1, "feedback": 1.0, "mix": 0.1}, "feedback = 1.0"),
        ("add_echo", {"delay_s": 0.1, "feedback": 0.1, "mix": 1.1}, "mix = 1.1"),
        ("add_reverb", {"room_size": 1.1, "damping": 0.5, "wet_level": 0.5, "dry_level": 0.5}, "room_size = 1.1"),
        ("add_reverb", {"room_size": 0.5, "damping": 0.5, "wet_level": -0.1, "dry_level": 0.5}, "wet_level = -0.1"),
        ("add_distortion", {"drive_db": -1.0}, "drive_db = -1.0"),
        ("add_resample", {"target_rate_hz": 0}, "target_rate_hz = 0"),
        ("add_resample", {"target_rate_hz": 8_000.5}, "target_rate_hz = 8000.5"),
        ("apply_filter", {"type": "bandpass", "cutoff_hz": 500.0}, "type = 'bandpass'"),
        ("apply_filter", {"type": "lowpass", "cutoff_hz": 0.0}, "cutoff_hz = 0.0"),
        ("apply_filter", {"type": "lowpass", "cutoff_hz": 500.0, "repeat": 2.5}, "repeat = 2.5"),
        ("change_volume", {"target_lufs": 0.1}, "target_lufs = 0.1"),
        ("add_stutter_replace", {"stutter_prob": 1.1, "max_repeats": 2}, "stutter_prob = 1.1"),
        ("add_stutter_replace", {"stutter_prob": 0.1, "max_repeats": 0}, "max_repeats = 0"),
    ],
)
def test_a_number_out_of_bounds_is_one_line_that_names_it(name, parameters, reason):
    with pytest.raises(ParameterError, match=reason) as caught:
        PLUGINS.primitives[name].create(parameters)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_echo_repeats_after_the_delay_weaker_by_the_feedback():
    output, _ = applied("add_echo", impulse(5_000), delay_s=0.1, feedback=0.25, mix=0.4)
    assert {int(place): float(output[place]) for place in np.flatnonzero(output)} == pytest.approx(
        {0: 0.6, 1_600: 0.4, 3_200: 0.1, 4_800: 0.025}
    )


def test_reverb_keeps_the_direct_sound_where_it_was_and_rings_by_its_numbers():
    numbers = {"room_size": 0.5, "damping": 0.5, "wet_level": 0.5, "dry_level": 0.3}
    output, _ = applied("add_reverb", impulse(RATE), **numbers)
    assert output[0] == pytest.approx(0.6)  # Freeverb doubles the dry level
    shortest_comb = 1_116 * RATE // 44_100
    assert not output[1:shortest_comb].any()

    def late_db(**changed):
        return rms_db(applied("add_reverb", impulse(RATE), **{**numbers, **changed})[0][RATE // 2 :])

    assert late_db(room_size=0.9) > late_db() + 6
    assert late_db(damping=0.9) < late_db() - 1
    assert late_db(wet_level=1.0) == pytest.approx(late_db() + 20 * math.log10(2), abs=1e-3)
    assert late_db(dry_level=0.9) == pytest.approx(late_db(), abs=1e-9)
    no_wet, _ = applied("add_reverb", noise(7, 900), **{**numbers, "wet_level": 0.0})
    np.testing.assert_allclose(no_wet, 0.6 * noise(7, 900), rtol=1e-6)


class TestAddDistortion:
    @quick
    @given(drive_db=st.floats(0, 100), level=st.floats(-1, 1, width=32))
    def test_it_is_the_hyperbolic_tangent_of_the_driven_sample(self, drive_db, level):
        output, _ = applied("add_distortion", np.full(3, level, np.float32), drive_db=drive_db)
        assert output == pytest.approx(math.tanh(10 ** (drive_db / 20) * level), rel=1e-6)

    @pytest.mark.parametrize("drive_db", [0.0, 20.0, 60.0])
    def test_the_curve_is_the_hyperbolic_tangent_in_single_precision(self, drive_db):
        samples = np.concatenate([noise(8, 20_000), np.logspace(-30, 1, 5_000, dtype=np.float32)])
        exact = np.tanh(10.0 ** (drive_db / 20.0) * samples.astype(np.float64))
        np.testing.assert_allclose(applied("add_distortion", samples, drive_db=drive_db)[0], exact, rtol=5e-7)

    def test_wet_is_a_share_and_the_result_is_cut_at_full_scale(self):
        samples = np.array([-3.0, -0.1, 0.0, 0.1, 3.0], np.float32)
        dry, half = (applied("add_distortion", samples, drive_db=20.0, wet=wet)[0] for wet in (0.0, 0.5))
        np.testing.assert_allclose(dry, [-1.0, -0.1, 0.0, 0.1, 1.0], rtol=1e-6)
        np.testing.assert_allclose(half[1:4], 0.5 * samples[1:4] + 0.5 * np.tanh(10 * samples[1:4]), rtol=1e-6)
        assert half[[0, -1]].tolist() == [-1.0, 1.0]


class TestAddResample:
    @pytest.mark.parametrize(("prob", "takes_place"), [(0.0, False), (0.4, False), (0.401, True), (1.0, True)])
    def test_it_takes_place_above_the_threshold(self, prob, takes_place):
        samples = noise(9, RATE)
        output, flags = applied("add_resample", samples, target_rate_hz=8_000, prob=prob, threshold=0.4)
        assert flags == []
        assert np.array_equal(output, samples) is not takes_place

    @pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
    def test_what_is_below_half_the_target_rate_stays_and_the_rest_goes(self, rate):
        low, high = tone(1_000, rate), tone(4_600, rate)
        inside = slice(rate // 10, -rate // 10)  # the ends have less to go by
        kept, gone = (applied("add_resample", one, rate, target_rate_hz=8_000)[0][inside] for one in (low, high))
        assert rms_db(kept - low[inside]) < rms_db(low) - 80
        assert rms_db(gone) < rms_db(high) - 80

    @quick
    @given(num_samples=st.integers(0, 2_000), rate=st.sampled_from([11_025, 16_000, 44_100, 48_000]))
    def test_any_length_is_kept(self, num_samples, rate):
        assert len(applied("add_resample", noise(10, num_samples), rate, target_rate_hz=8_000)[0]) == num_samples

    @pytest.mark.parametrize("rate", [16_000, 44_100])
    def test_the_timing_is_kept(self, rate):
        burst = noise_burst(rate)[:-1]
        assert lag(burst, applied("add_resample", burst, rate, target_rate_hz=8_000)[0]) == 0

    def test_wet_is_a_share(self):
        samples = noise(11, 2_001)
        full, part = (applied("add_resample", samples, target_rate_hz=8_000, wet=wet)[0] for wet in (1.0, 0.3))
        np.testing.assert_allclose(part, 0.7 * samples + 0.3 * full, atol=1e-7)

    def test_a_rate_that_is_not_lower_is_flagged_and_left(self):
        for target in (16_000, 44_100):
            output, flags = applied("add_resample", noise(12, 99), target_rate_hz=target)
            assert flags == ["already_narrow_band"]
            assert np.array_equal(output, noise(12, 99))


class TestApplyFilter:
    @pytest.mark.parametrize(("kind", "kept", "taken"), [("lowpass", 50, 7_500), ("highpass", 7_500, 50)])
    def test_the_type_says_what_is_kept(self, kind, kept, taken):
        def gain_db(hertz):
            output, _ = applied("apply_filter", tone(hertz), type=kind, cutoff_hz=1_000.0, repeat=2)
            return rms_db(output[RATE // 4 :]) - rms_db(tone(hertz)[RATE // 4 :])

        assert gain_db(kept) == pytest.approx(0.0, abs=0.2)
        assert gain_db(taken) < -30
        assert gain_db(1_000) == pytest.approx(-6.02, abs=0.01)  # two passes of 3 dB

    def test_wet_is_a_share(self):
        samples = noise(13, 1_000)
        full, part = (
            applied("apply_filter", samples, type="lowpass", cutoff_hz=500.0, wet=wet)[0] for wet in (1.0, 0.9)
        )
        np.testing.assert_allclose(part, 0.1 * samples + 0.9 * full, atol=1e-7)

    @pytest.mark.parametrize("cutoff_hz", [4_000.0, 5_000.0])
    def test_above_nyquist_a_lowpass_has_nothing_to_do_and_a_highpass_would_leave_nothing(self, cutoff_hz):
        output, flags = applied("apply_filter", noise(14, 99), 8_000, type="lowpass", cutoff_hz=cutoff_hz)
        assert flags == ["cutoff_above_nyquist"]
        assert np.array_equal(output, noise(14, 99))
        with pytest.raises(ParameterError, match=rf"cutoff_hz = {cutoff_hz:g} must be below .* 4000 Hz"):
            applied("apply_filter", noise(14, 99), 8_000, type="highpass", cutoff_hz=cutoff_hz)


class TestChangeVolume:
    @pytest.mark.parametrize("level", [1e-3, 0.1, 0.9])
    @pytest.mark.parametrize("target_lufs", [-15.0, -23.0, -38.0])
    def test_a_tone_comes_out_at_the_level_that_the_standard_gives_its_loudness(self, level, target_lufs):
        # BS.1770-4: a full-scale sine at 997 Hz in one channel has -3.01 LUFS, so its loudness is its RMS level;
        # EBU Tech 3341 lets a meter be off by 0.1 LU.
        output, flags = applied("change_volume", tone(997, 48_000, 2.0, level), 48_000, target_lufs=target_lufs)
        assert rms_db(output) == pytest.approx(target_lufs, abs=0.1)
        assert flags == []

    def test_nothing_but_the_scale_changes(self):
        speech = speech_like(RATE, 2.0)
        output, _ = applied("change_volume", speech, target_lufs=-30.0)
        scale = float(np.dot(output, speech) / np.dot(speech, speech))
        np.testing.assert_allclose(output, scale * speech, rtol=1e-5, atol=1e-9)
        again, _ = applied("change_volume", output, target_lufs=-30.0)
        np.testing.assert_allclose(again, output, rtol=1e-5, atol=1e-9)

    @pytest.mark.parametrize(
        "samples", [noise(15, 6_399), np.zeros(RATE, np.float32), noise(15, RATE, 1e-6), noise(0, 0)]
    )
    def test_short_silent_and_gated_audio_is_flagged_and_left(self, samples):
        output, flags = applied("change_volume", samples, target_lufs=-23.0)
        assert flags == ["unmeasurable_loudness"]
        assert np.array_equal(output, samples)


STUTTER = {"stutter_prob": 0.3, "max_repeats": 4, "repeat_prob": 0.7}


class TestAddStutterReplace:
    @pytest.mark.parametrize(("rate", "frame_samples"), [(8_000, 160), (16_000, 320), (44_100, 882)])
    def test_a_frame_is_what_it_was_or_the_one_before_or_silence(self, rate, frame_samples):
        num_frames = 200
        samples = noise(16, num_frames * frame_samples + 7)
        output, _ = applied("add_stutter_replace", samples, rate, **STUTTER)
        assert len(output) == len(samples)
        assert np.array_equal(output[-7:], samples[-7:])
        before, after = (one[:-7].reshape(num_frames, frame_samples) for one in (samples, output))
        kept = (after == before).all(axis=1)
        silent = ~after.any(axis=1)
        copied = np.concatenate([[False], (after[1:] == after[:-1]).all(axis=1)]) & ~kept & ~silent
        assert kept[0]
        assert (kept | silent | copied).all()
        assert kept.sum() > 60
        assert copied.sum() > silent.sum() > 0

    def test_the_losses_are_those_of_the_generator(self):
        samples = noise(17, 2 * RATE)
        one, same, other = (applied("add_stutter_replace", samples, seed=s, **STUTTER)[0] for s in (1, 1, 2))
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)

    def test_no_probability_no_loss(self):
        output, _ = applied("add_stutter_replace", noise(18, RATE), stutter_prob=0.0, max_repeats=4)
        assert np.array_equal(output, noise(18, RATE))
