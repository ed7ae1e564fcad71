import numpy as np
import pytest
import soundfile

from megaasr import Audio, write_audio
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
    elif kind == "eight_channels":
        soundfile.write(path, np.tile(NOISE[:, None], (1, 8)), 16_000)
    elif kind == "rate_96k":
        soundfile.write(path, NOISE, 96_000)
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
    "eight_channels": "has 8 channels where mono is expected; pass --convert",
    "rate_96k": "sample rate 96000 Hz is outside 8000..48000 Hz; pass --convert",
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


def test_convert_mixes_channels_and_takes_any_rate(tmp_path):
    stereo = np.stack([NOISE, -NOISE], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, 96_000)
    audio = read_audio(tmp_path / "a.wav", AudioLimits(convert=True))
    assert audio.sample_rate == 96_000
    assert np.max(np.abs(audio.samples)) < 1e-4


def test_a_wav_streamed_without_a_length_is_not_called_truncated(tmp_path):
    soundfile.write(tmp_path / "a.wav", NOISE, 16_000)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    data[4:8] = b"\xff\xff\xff\xff"
    (tmp_path / "a.wav").write_bytes(bytes(data))
    assert len(read_audio(tmp_path / "a.wav").samples) == 16_000
