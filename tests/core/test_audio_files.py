import io
import os
import resource
import threading

import numpy as np
import pytest
import soundfile

from megaasr import Audio, read_standard_input, write_audio
from megaasr_core.base.audio import check_audio
from megaasr_core.base.audio_files import AudioLimits, read_audio
from megaasr_core.base.errors import AudioError, OutputError

NOISE = (0.1 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32)


def cut_short(path, whole):
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return path


def test_wav_comes_back_bit_for_bit(tmp_path):
    write_audio(tmp_path / "a.wav", Audio(NOISE * 20, 16_000))
    assert np.array_equal(read_audio(tmp_path / "a.wav").samples, NOISE * 20)


def test_flac_comes_back_within_24_bits(tmp_path):
    write_audio(tmp_path / "a.flac", Audio(NOISE, 16_000))
    assert np.max(np.abs(read_audio(tmp_path / "a.flac").samples - NOISE)) <= 2.0**-23


def test_an_integer_format_does_not_cut_peaks_in_silence(tmp_path):
    with pytest.raises(AudioError, match=r"the peak is .* write a \.wav"):
        write_audio(tmp_path / "a.flac", Audio(NOISE * 20, 16_000))
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_suffix_is_refused(tmp_path):
    for suffix in ("xyz", "raw", "mat5"):
        with pytest.raises(AudioError, match=f"cannot write the format '{suffix}'"):
            write_audio(tmp_path / f"a.{suffix}", Audio(NOISE, 16_000))


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        write_audio(tmp_path / "nowhere" / "a.wav", Audio(NOISE, 16_000))


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_what_cannot_be_written_whole_is_refused_with_the_systems_reason(tmp_path, suffix):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(OutputError, match=rf"cannot write .*a\.{suffix}: File too large"):
            write_audio(tmp_path / f"a.{suffix}", Audio(NOISE, 16_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def bad_file(tmp_path, kind):
    path = tmp_path / f"{kind}.wav"
    if kind == "missing":
        return path
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("this is no audio at all, just some words\n" * 20)
    elif kind == "header_only":
        soundfile.write(path, NOISE[:0], 16_000)
    elif kind == "nan":
        soundfile.write(
            path, np.where(np.arange(16_000) == 7, np.nan, NOISE).astype(np.float32), 16_000, subtype="FLOAT"
        )
    elif kind == "loud":
        soundfile.write(path, NOISE * np.float32(1e38), 16_000, subtype="FLOAT")
    elif kind == "rate_1":
        soundfile.write(path, NOISE, 1)
    elif kind == "two_samples":
        soundfile.write(path, NOISE[:2], 16_000)
    elif kind == "three_hours":
        soundfile.write(path, np.zeros(3 * 3600 * 8000, np.int16), 8_000)
    elif kind == "truncated_wav":
        soundfile.write(tmp_path / "whole", NOISE, 16_000, format="WAV")
        cut_short(path, tmp_path / "whole")
    elif kind == "truncated_flac":
        soundfile.write(tmp_path / "whole", NOISE, 16_000, format="FLAC")
        cut_short(path, tmp_path / "whole")
    elif kind == "truncated_mp3":
        soundfile.write(tmp_path / "whole", NOISE, 16_000, format="MP3")
        cut_short(path, tmp_path / "whole")
    elif kind == "truncated_ogg":
        soundfile.write(tmp_path / "whole", np.tile(NOISE, 20), 16_000, format="OGG")
        cut_short(path, tmp_path / "whole")
    return path


BAD = {
    "missing": "no such file",
    "folder": "is a folder",
    "empty": "is empty",
    "text": "cannot be read as audio",
    "header_only": "holds no samples",
    "nan": "sample 7 is nan",
    "loud": "is no sound",
    "rate_1": r"sample rate 1 Hz is outside 8000..192000 Hz",
    "two_samples": "2 samples",
    "three_hours": "10800 s is longer than the limit of 7200 s",
    "truncated_wav": "truncated",
    "truncated_flac": "truncated",
    "truncated_mp3": "truncated",
    "truncated_ogg": "truncated",
}


@pytest.mark.parametrize("kind", BAD)
def test_each_bad_file_is_one_line_that_names_it(tmp_path, kind):
    path = bad_file(tmp_path, kind)
    with pytest.raises(AudioError, match=BAD[kind]) as caught:
        read_audio(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_convert_takes_any_rate_that_can_be_of_sound(tmp_path):
    soundfile.write(tmp_path / "a.wav", NOISE, 4_000)
    with pytest.raises(AudioError, match=r"sample rate 4000 Hz is outside 8000\.\.192000 Hz"):
        read_audio(tmp_path / "a.wav")
    assert read_audio(tmp_path / "a.wav", AudioLimits(convert=True)).sample_rate == 4_000
    soundfile.write(tmp_path / "a.wav", NOISE, 1)
    with pytest.raises(AudioError, match=r"sample rate 1 Hz is outside 1000\.\.768000 Hz"):
        read_audio(tmp_path / "a.wav", AudioLimits(convert=True))


def test_channels_are_mixed_and_the_audio_says_so(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([NOISE, np.roll(NOISE, 99)], axis=1), 96_000, subtype="FLOAT")
    audio = read_audio(tmp_path / "a.wav")
    assert audio.sample_rate == 96_000
    assert audio.samples == pytest.approx((NOISE + np.roll(NOISE, 99)) / 2, abs=1e-6)
    assert audio.flags == ("mixed",)
    assert audio.resampled(16_000).flags == audio.cut(0, 9).flags == check_audio(audio) == ("mixed",)


@pytest.mark.parametrize("gain", [0.99, 0.7, 0.3])
def test_of_channels_of_opposite_phase_the_loudest_is_taken(tmp_path, gain):
    soundfile.write(tmp_path / "a.wav", np.stack([-gain * NOISE, NOISE], axis=1), 16_000, subtype="FLOAT")
    audio = read_audio(tmp_path / "a.wav")
    expected = (NOISE, ("inverted",)) if gain > 0.5 else ((1 - gain) / 2 * NOISE, ("mixed",))
    assert audio.samples == pytest.approx(expected[0], abs=1e-6)
    assert audio.flags == expected[1]


def test_a_silent_channel_and_silence_are_not_taken_for_opposite_phases(tmp_path):
    for number, stereo in enumerate(([NOISE, 0 * NOISE], [0 * NOISE, 0 * NOISE], [NOISE] + [0 * NOISE] * 7)):
        soundfile.write(tmp_path / f"{number}.wav", np.stack(stereo, axis=1), 16_000, subtype="FLOAT")
        assert read_audio(tmp_path / f"{number}.wav").flags == ("mixed",)


def test_one_channel_can_be_asked_for(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([NOISE, -NOISE], axis=1), 16_000, subtype="FLOAT")
    audio = read_audio(tmp_path / "a.wav", AudioLimits(channel=1))
    assert np.array_equal(audio.samples, -NOISE)
    assert audio.flags == ()
    for channel in (2, -1):
        with pytest.raises(AudioError, match=f"there is no channel {channel}; it has 2, counted from 0"):
            read_audio(tmp_path / "a.wav", AudioLimits(channel=channel))


@pytest.mark.parametrize("scale", [2.0**15, 2.0**31])
def test_float_files_in_the_range_of_integers_are_read(tmp_path, scale):
    soundfile.write(tmp_path / "a.wav", NOISE * np.float32(scale), 16_000, subtype="FLOAT")
    assert np.array_equal(read_audio(tmp_path / "a.wav").samples, NOISE * np.float32(scale))


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_equal_samples_give_equal_files(tmp_path, suffix):
    for name in "ab":
        write_audio(tmp_path / f"{name}.{suffix}", Audio(NOISE, 16_000))
    first, second = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in "ab")
    assert first == second
    assert len(read_audio(tmp_path / f"a.{suffix}").samples) == len(NOISE)


def test_a_pipe_is_read_as_a_file_is(tmp_path):
    soundfile.write(tmp_path / "a.wav", NOISE, 16_000, subtype="FLOAT")
    os.mkfifo(tmp_path / "pipe.wav")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe.wav").write_bytes((tmp_path / "a.wav").read_bytes()))
    writer.start()
    audio = read_audio(tmp_path / "pipe.wav")
    writer.join()
    assert np.array_equal(audio.samples, NOISE)


def test_standard_input_is_read_as_a_file_is(tmp_path, monkeypatch):
    write_audio(tmp_path / "a.flac", Audio(NOISE, 16_000))
    given = io.BytesIO((tmp_path / "a.flac").read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(given))
    audio = read_standard_input()
    assert audio.name == "-"
    assert np.array_equal(audio.samples, read_audio(tmp_path / "a.flac").samples)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    with pytest.raises(AudioError, match=r"^-: is empty"):
        read_standard_input()


def test_a_pipe_that_never_ends_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("megaasr_core.base.audio_files.PIPED_BYTES", 2**21)
    with pytest.raises(AudioError, match="/dev/zero: gives more than"):
        read_audio("/dev/zero")


def test_a_wav_streamed_without_a_length_is_not_called_truncated(tmp_path):
    soundfile.write(tmp_path / "a.wav", NOISE, 16_000)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    data[4:8] = b"\xff\xff\xff\xff"
    (tmp_path / "a.wav").write_bytes(bytes(data))
    assert len(read_audio(tmp_path / "a.wav").samples) == 16_000
