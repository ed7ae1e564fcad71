"""convolve_rir and codec, and the three degradations beyond the paper's seven that are built of them."""

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from megaasr import ApplyContext, Audio, installed_plugins
from megaasr.library.scenarios import find_scenario
from megaasr_core.base.errors import ParameterError, RecipeError
from megaasr_core.base.seeding import SampleKey
from megaasr_core.base.sound_bank import SoundBank
from megaasr_core.flows.plan import plan
from megaasr_core.flows.render import render
from megaasr_core.testing import speech_like
from megaasr_degradations.dsp.convolution import convolve_aligned

PLUGINS = installed_plugins()
RATE = 16_000
SPEECH = speech_like(RATE)


def lag(samples, reference) -> int:
    """Delay in samples at which the cross-correlation peaks."""
    size = 1 << (2 * len(reference)).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(samples, size) * np.conj(np.fft.rfft(reference, size)))
    peak = int(np.argmax(correlation))
    return peak if peak < size // 2 else peak - size


def rms(samples):
    return np.sqrt(np.mean(samples.astype(float) ** 2))


@given(st.integers(1, 300), st.integers(1, 200), st.integers(0, 99))
def test_convolution_is_numpys_shifted_to_the_direct_path(num_samples, length, seed):
    rng = np.random.default_rng(seed)
    x, h = (rng.standard_normal(n).astype(np.float32) for n in (num_samples, length))
    direct = int(np.argmax(np.abs(h)))
    expected = np.convolve(x.astype(float), h.astype(float))[direct : direct + num_samples]
    assert np.max(np.abs(convolve_aligned(x, h) - expected)) < 1e-4


@pytest.fixture
def rooms(tmp_path):
    """A room whose direct path comes 5 ms in, and a response of nothing."""
    rng = np.random.default_rng(0)
    response = np.zeros(8_000)
    response[80] = 1.0
    response[200:] = 0.05 * rng.standard_normal(7_800) * np.exp(-np.arange(7_800) / 1_600)
    for name, samples in (("hall", response), ("dead", np.zeros(100))):
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / "r.wav", samples, RATE, subtype="FLOAT")
    return SoundBank.open(tmp_path)


def convolve(rooms, wet=1.0, category="hall", samples=SPEECH):
    flags = []
    context = ApplyContext(np.random.default_rng(0), {"rir": rooms}, flags.append)
    sound = rooms.pick(np.random.default_rng(0), category)
    unit = PLUGINS.primitives["convolve_rir"].create({"wet": wet, "rir": sound})
    return unit.apply(samples, RATE, context), flags


def test_a_room_keeps_time_and_level(rooms):
    wet, flags = convolve(rooms)
    assert lag(wet, SPEECH) == 0
    assert rms(wet) == pytest.approx(rms(SPEECH), rel=1e-4)
    assert not np.allclose(wet, SPEECH, atol=1e-3)
    assert flags == []


def test_wet_mixes_in_time_with_the_dry_sound(rooms):
    wet, half = convolve(rooms)[0], convolve(rooms, wet=0.5)[0]
    assert np.allclose(half, 0.5 * SPEECH + 0.5 * wet, atol=1e-6)
    assert np.array_equal(convolve(rooms, wet=0.0)[0], SPEECH)


def test_a_response_of_nothing_is_flagged_and_silence_stays(rooms):
    same, flags = convolve(rooms, category="dead")
    assert np.array_equal(same, SPEECH)
    assert flags == ["silent_response"]
    silence = np.zeros(100, np.float32)
    assert np.array_equal(convolve(rooms, samples=silence)[0], silence)


def test_a_recipe_names_its_response():
    unit = PLUGINS.primitives["convolve_rir"].create({})
    with pytest.raises(RecipeError, match="names no impulse response"):
        unit.apply(SPEECH, RATE, ApplyContext(np.random.default_rng(0)))


CODECS = [
    ("g711_mu", None),
    ("g711_a", None),
    ("gsm", None),
    ("opus", 12.0),
    ("opus", 64.0),
    ("mp3", 16.0),
    ("mp3", 64.0),
]


def coded(codec, bitrate, samples=SPEECH, rate=RATE):
    flags = []
    numbers = {"codec": codec} if bitrate is None else {"codec": codec, "bitrate_kbps": bitrate}
    unit = PLUGINS.primitives["codec"].create(numbers)
    return unit.apply(samples, rate, ApplyContext(np.random.default_rng(0), {}, flags.append)), flags


@pytest.mark.parametrize(("codec", "bitrate"), CODECS)
@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100])
def test_a_codec_keeps_time_length_and_about_the_level(codec, bitrate, rate):
    speech = speech_like(rate)
    heard, flags = coded(codec, bitrate, speech, rate)
    assert len(heard) == len(speech)
    assert heard.dtype == np.float32
    assert abs(lag(heard, speech)) <= 2 * max(1, rate // 16_000)
    assert -6.0 < 20 * np.log10(rms(heard) / rms(speech)) < 1.0
    assert flags == []
    assert not np.array_equal(heard, speech)


def test_fewer_bits_lose_more():
    def loss(codec, bitrate):
        heard = coded(codec, bitrate)[0]
        return rms(heard - SPEECH) / rms(SPEECH)

    assert loss("opus", 64.0) < loss("opus", 12.0)
    assert loss("mp3", 64.0) < loss("mp3", 16.0)


def test_g711_leaves_nothing_above_4_khz():
    noise = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)
    power = np.abs(np.fft.rfft(coded("g711_mu", None, noise)[0])) ** 2
    assert power[4_300:].sum() < 1e-4 * power.sum()


def test_a_codec_is_the_same_every_time():
    assert np.array_equal(coded("opus", 12.0)[0], coded("opus", 12.0)[0])


def test_what_an_encoder_would_cut_is_flagged():
    assert coded("g711_a", None, 20 * SPEECH)[1] == ["cut_by_codec"]


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ({"codec": "opus"}, "opus needs a bitrate_kbps"),
        ({"codec": "gsm", "bitrate_kbps": 13.0}, "gsm does not take a bitrate_kbps"),
        ({"codec": "mp3", "bitrate_kbps": 200.0}, r"mp3 takes a bitrate_kbps of 8\.\.160"),
        ({"codec": "aac"}, "codec = 'aac'"),
    ],
)
def test_a_codec_says_what_it_takes(numbers, reason):
    with pytest.raises(ParameterError, match=reason):
        PLUGINS.primitives["codec"].create(numbers)


@pytest.mark.parametrize("name", ["measured_room", "voip", "phone_line", "measured_room+noise+voip"])
def test_they_compose_with_the_others_and_replay(name, rooms):
    banks = {"rir": rooms, "noise": rooms}
    audio = Audio(SPEECH, RATE)
    scenario = find_scenario(name, PLUGINS)
    size = {"num_samples": len(SPEECH), "sample_rate": RATE}
    recipe = plan(scenario, SampleKey(3, "u"), PLUGINS, severity=0.5, banks=banks, **size)
    once, again = (render(audio, recipe, PLUGINS, banks).audio.samples for _ in range(2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, SPEECH)


def test_a_measured_room_needs_its_responses():
    scenario = find_scenario("measured_room", PLUGINS)
    with pytest.raises(RecipeError, match=r"primitive convolve_rir: needs the bank 'rir' .*--bank rir=PATH"):
        plan(scenario, SampleKey(0, "u"), PLUGINS, num_samples=10, sample_rate=RATE, severity=0.5)


@pytest.mark.parametrize("severity", [0.0, 1.0])
def test_a_phone_line_leaves_the_band_of_a_phone(severity):
    rng = np.random.default_rng(1)
    noise = Audio((0.1 * rng.standard_normal(4 * RATE)).astype(np.float32), RATE)
    size = {"num_samples": len(noise.samples), "sample_rate": RATE}
    recipe = plan(find_scenario("phone_line", PLUGINS), SampleKey(3, "u"), PLUGINS, severity=severity, **size)
    heard = render(noise, recipe, PLUGINS).audio.samples
    power = np.abs(np.fft.rfft(heard)) ** 2 / np.abs(np.fft.rfft(noise.samples)).mean() ** 2
    hz = np.fft.rfftfreq(len(heard), 1 / RATE)

    def level_db(low, high):
        return 10 * np.log10(power[(hz >= low) & (hz < high)].mean())

    passed = level_db(800, 2_500)
    assert -3 < passed < 3
    assert level_db(0, 60) < passed - 10
    assert level_db(4_200, 8_000) < passed - 25
