import numpy as np
import pytest
import soundfile

from megaasr import AudioError, read_audio
from megaasr_plugins.recordings import mp3
from megaasr_plugins.recordings.flac import flac_parts

from .made import OTHER, RATE_HZ, TONE, decoded, patched, written


@pytest.fixture(scope="module")
def mp3s(tmp_path_factory) -> list[bytes]:
    """Two files, each with a Xing header."""
    folder, files = tmp_path_factory.mktemp("mp3"), []
    for number, samples in enumerate((np.tile(TONE, 3), OTHER)):
        soundfile.write(folder / f"{number}.mp3", samples, RATE_HZ)
        files.append((folder / f"{number}.mp3").read_bytes())
    return files


def without_header(data: bytes) -> bytes:
    first = mp3._frame(data, 0)
    assert data[first.start + first.tag_at :][:4] in (b"Xing", b"Info")
    return data[first.stop :]


def test_mp3_without_a_header_is_as_long_as_its_frames(mp3s):
    bare = without_header(mp3s[0])
    audio = decoded(bare)
    assert audio.duration_s == pytest.approx(3.0, abs=0.12)
    assert audio.flags == ()
    assert len(decoded(b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + bare + b"TAG" + bytes(125)).samples) == len(audio.samples)


def test_mp3_that_ends_within_a_frame_is_read_up_to_there_and_flagged(mp3s):
    bare = without_header(mp3s[0])
    audio = decoded(bare[: len(bare) * 2 // 3])
    assert 1.5 < audio.duration_s < 2.5
    assert audio.flags == ("unended",)


def test_mp3_with_fewer_frames_than_its_header_says_is_refused(mp3s):
    with pytest.raises(AudioError, match=r"truncated, \d+ of \d+ frames are there"):
        decoded(mp3s[0][: len(mp3s[0]) // 2])


def test_bytes_between_frames_that_are_none_are_refused(mp3s):
    with pytest.raises(AudioError, match=r"damaged, bytes \d+ to \d+ are no frames"):
        decoded(patched(without_header(mp3s[0]), 3_000, b"\x01" * 400))


@pytest.mark.parametrize("tag", [b"", b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)])
def test_all_of_joined_mp3s_is_heard(mp3s, tag):
    both = decoded(mp3s[0] + tag + mp3s[1])
    lengths = [len(decoded(one).samples) for one in mp3s]
    assert len(both.samples) == sum(lengths)
    assert np.array_equal(both.samples[: lengths[0]], decoded(mp3s[0]).samples)
    bare = decoded(mp3s[0] + tag + without_header(mp3s[1]))
    assert bare.duration_s == pytest.approx(3.5, abs=0.15)


def without_length(data: bytes) -> bytes:
    return patched(data, 21, bytes([data[21] & 0xF0, 0, 0, 0, 0]))


@pytest.mark.parametrize("num_samples", [900, 4_096, 5_000, 16_000])
@pytest.mark.parametrize("rate_hz", [RATE_HZ, 44_100])
def test_flac_of_unknown_length_is_as_long_as_its_frames(num_samples, rate_hz):
    data = written(TONE[:num_samples], "FLAC", rate_hz)
    assert np.array_equal(decoded(without_length(data)).samples, decoded(data).samples)


def test_flac_of_unknown_length_that_does_not_end_with_a_whole_frame_is_refused():
    with pytest.raises(AudioError, match="does not end with a whole frame"):
        decoded(without_length(written(TONE, "FLAC"))[:-3])


@pytest.mark.parametrize("copies", [1, 20])
def test_all_of_joined_flacs_is_heard(tmp_path, copies):
    noise = np.random.default_rng(0).normal(0, 0.1, copies * RATE_HZ).astype(np.float32)
    first, second = written(TONE, "FLAC"), written(noise, "FLAC", 2 * RATE_HZ)
    (tmp_path / "joined.flac").write_bytes(first + second)
    audio = read_audio(tmp_path / "joined.flac")
    assert len(audio.samples) == len(TONE) + copies * RATE_HZ // 2
    assert np.array_equal(audio.samples, decoded(first + second).samples)


def test_ordinary_flac_is_not_searched_and_not_copied(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.random.default_rng(0).normal(0, 0.1, 20 * RATE_HZ), RATE_HZ)
    with (tmp_path / "a.flac").open("rb", buffering=0) as file:
        assert flac_parts(file, "a", is_searched=False) == [file]
