import contextlib
import struct
import threading
from fractions import Fraction
from io import BytesIO

import numpy as np
import pytest
import soundfile

from megaasr import AudioError, AudioLimits, SoundBank, measure_audio, read_audio, read_sample
from megaasr_plugins.recordings import av_sound, opening
from megaasr_plugins.recordings.reader import Av

from .made import RATE_HZ, TONE, decoded, patched, written

av = pytest.importorskip("av")

FORMATS = {  # container, codec, sample format
    "m4a": ("ipod", "aac", "fltp"),
    "mp4": ("mp4", "aac", "fltp"),
    "mov": ("mov", "pcm_s16le", "s16"),
    "aac": ("adts", "aac", "fltp"),
    "mkv": ("matroska", "flac", "s16"),
    "webm": ("webm", "libopus", "flt"),
    "wma": ("asf", "wmav2", "fltp"),
    "ac3": ("ac3", "ac3", "fltp"),
    "3gp": ("3gp", "aac", "fltp"),
    "avi": ("avi", "pcm_s16le", "s16"),
}


def made(suffix: str, seconds: int = 1, channels: int = 1, rate_hz: int = 48_000) -> bytes:
    container, codec, form = FORMATS[suffix]
    file = BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate_hz, layout="mono" if channels == 1 else "stereo")
        stream.codec_context.format = form
        stream.bit_rate = 96_000
        tone = 0.2 * np.sin(np.arange(seconds * rate_hz) * 0.05)
        size = stream.codec_context.frame_size or 1_024
        for start in range(0, len(tone) - len(tone) % size, size):
            block = np.repeat(tone[None, start : start + size], channels, axis=0)
            block = (block * 2**15).astype(np.int16) if form == "s16" else block.astype(np.float32)
            packed = block if form.endswith("p") else np.ascontiguousarray(block.T).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format=form, layout="mono" if channels == 1 else "stereo")
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize("suffix", FORMATS)
def test_each_format_is_read(suffix):
    audio = decoded(made(suffix))
    assert audio.sample_rate == 48_000
    assert audio.duration_s == pytest.approx(1.0, abs=0.07)
    middle = audio.samples[10_000:30_000]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.2 / np.sqrt(2), rel=0.02)
    assert np.abs(np.fft.rfft(middle)).argmax() == round(0.05 * len(middle) / (2 * np.pi))


def test_a_file_is_read_by_its_bytes_whatever_it_is_called(tmp_path):
    (tmp_path / "voice.wav").write_bytes(made("m4a"))
    (tmp_path / "voice.m4a").write_bytes(made("m4a"))
    audio = read_audio(tmp_path / "voice.m4a")
    assert np.array_equal(read_audio(tmp_path / "voice.wav").samples, audio.samples)
    assert np.array_equal(read_sample(tmp_path / "voice.m4a").samples, audio.samples)
    assert measure_audio(tmp_path / "voice.m4a") == (len(audio.samples), audio.sample_rate)
    bank = SoundBank.open(tmp_path)
    assert len(bank.load(bank.ref("voice.m4a"), 16_000)) == bank.num_samples(bank.ref("voice.m4a"), 16_000)


def test_channels_are_mixed_or_chosen():
    assert decoded(made("m4a", channels=2)).flags == ("mixed",)
    assert decoded(made("m4a", channels=2), limits=AudioLimits(channel=1)).flags == ()
    with pytest.raises(AudioError, match="there is no channel 2; it has 2"):
        decoded(made("m4a", channels=2), limits=AudioLimits(channel=2))


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_a_truncated_file_is_refused(suffix):
    data = made(suffix, seconds=4)
    with pytest.raises(AudioError, match=r"truncated|damaged"):
        decoded(data[: len(data) // 2])


def test_a_file_that_decodes_to_more_than_the_limit_is_refused_while_it_is_decoded(monkeypatch):
    blocks = []
    original = av_sound._block
    monkeypatch.setattr(av_sound, "_block", lambda *given: blocks.append(1) or original(*given))
    with pytest.raises(AudioError, match="is longer than the limit of 1 s; split the file"):
        decoded(made("mkv", seconds=20), limits=AudioLimits(max_duration_s=1.0))
    assert len(blocks) < 200


def test_pictures_without_sound_are_refused():
    file = BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        output.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        output.mux(stream.encode(None))
    with pytest.raises(AudioError, match="holds no sound, only video"):
        decoded(file.getvalue())


def test_damage_and_playlists_are_one_line(tmp_path):
    (tmp_path / "a.wav").write_bytes(written(TONE, "WAV"))
    for case in (f"#EXTM3U\n#EXTINF:1\n{tmp_path}/a.wav\n", f"ffconcat version 1.0\nfile {tmp_path}/a.wav"):
        with pytest.raises(AudioError, match="cannot be read as audio"):
            decoded(case.encode())
    rng, data = np.random.default_rng(0), made("m4a")
    for _ in range(40):
        with contextlib.suppress(AudioError):  # anything else fails here
            decoded(patched(data, int(rng.integers(len(data))), rng.bytes(64)))


def test_no_thread_is_left_behind():
    before = threading.active_count()
    decoded(made("webm"))
    assert threading.active_count() == before


def test_mp3_in_wav_is_read(tmp_path):
    soundfile.write(tmp_path / "a.mp3", TONE, RATE_HZ)
    frames = (tmp_path / "a.mp3").read_bytes()
    form = struct.pack("<HHIIHHHHIHHH", 0x55, 1, RATE_HZ, 8_000, 1, 0, 12, 1, 2, 288, 1, 0)
    header = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(frames))
    data = b"RIFF" + struct.pack("<I", len(header) + len(frames)) + header + frames
    assert decoded(data).duration_s == pytest.approx(1.0, abs=0.12)


def test_without_pyav_a_line_says_what_to_install(monkeypatch):
    data = made("m4a")
    monkeypatch.setattr(av_sound, "is_installed", lambda: False)
    with pytest.raises(AudioError, match=r'^voice: .*; pip install "megaasr\[av\]" reads it$'):
        decoded(data, "voice")


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "AIFF", "MP3"])
def test_what_libsndfile_reads_well_does_not_go_through_pyav(kind, monkeypatch, tmp_path):
    def refuse(*_given):
        raise AssertionError("PyAV was asked")

    monkeypatch.setattr(opening, "AvSound", refuse)
    soundfile.write(tmp_path / f"a.{kind.lower()}", TONE, RATE_HZ, format=kind)
    audio = read_audio(tmp_path / f"a.{kind.lower()}")
    assert len(audio.samples) == len(TONE)


def test_the_reader_takes_files_by_their_suffix(tmp_path):
    reader = Av()
    assert reader.takes_audio(tmp_path / "A.M4A")
    assert not any(reader.takes_audio(tmp_path / name) for name in ("a.wav", "a.flac", "a.mp3", "shard.tar#a.flac"))
