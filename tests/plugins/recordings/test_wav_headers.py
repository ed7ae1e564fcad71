import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr import AudioError

from .made import OTHER, RATE_HZ, TONE, decoded, patched, written

WAV = written(TONE, "WAV")
DATA = WAV.index(b"data") + 8
UNKNOWN = [0, 0xFFFFFFFF, 0x7FFFF000, 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF - 36, 0x7FFFFFFF - 36, 0xFFFFF000]


def little(number: int, size: int = 4) -> bytes:
    return number.to_bytes(size, "little")


def samples_of(data: bytes) -> np.ndarray:
    return decoded(data).samples


@pytest.mark.parametrize("riff", [0, 36, 0xFFFFFFFF, 0x7FFFF024])
@pytest.mark.parametrize("length", UNKNOWN)
def test_a_length_that_a_writer_to_a_pipe_could_not_know_is_that_of_what_is_there(length, riff):
    unknown = patched(patched(WAV, DATA - 4, little(length)), 4, little(riff))
    assert np.array_equal(samples_of(unknown), samples_of(WAV))


def test_a_data_chunk_of_no_length_before_another_chunk_is_empty():
    empty = patched(WAV[:DATA], DATA - 4, little(0)) + b"LIST" + little(4) + b"INFO"
    with pytest.raises(AudioError, match="holds no samples"):
        decoded(empty)


@pytest.mark.parametrize("excess", [8, 16, 36, 44])
def test_a_length_with_the_header_counted_in_is_mended(excess):
    assert np.array_equal(samples_of(patched(WAV, DATA - 4, little(len(WAV) - DATA + excess))), samples_of(WAV))


@given(kept=st.integers(min_value=DATA + 400, max_value=len(WAV) - 2))
def test_a_truncated_file_is_refused_wherever_it_ends(kept):
    with pytest.raises(AudioError, match=f"truncated, {kept - DATA} of {len(WAV) - DATA} data bytes are there"):
        decoded(WAV[:kept])


def test_a_data_length_that_was_not_set_when_that_of_the_file_was_is_mended():
    assert np.array_equal(samples_of(patched(WAV, DATA - 4, little(2_000))), samples_of(WAV))


def test_chunks_and_padding_behind_the_data_are_no_sound():
    for tail in (b"LIST" + little(4) + b"INFO", bytes(512), b"TAG" + b"x" * 125):
        assert np.array_equal(samples_of(WAV + tail), samples_of(WAV))


@pytest.mark.parametrize("length", [None, 0, 0xFFFFFFFF])
def test_all_of_files_that_were_joined_is_heard(length):
    first = WAV if length is None else patched(WAV, DATA - 4, little(length))
    other = written(OTHER, "WAV", 2 * RATE_HZ)
    joined = decoded(first + other)
    assert joined.sample_rate == RATE_HZ
    assert len(joined.samples) == len(TONE) + len(OTHER) // 2
    assert np.array_equal(joined.samples[: len(TONE)], samples_of(WAV))


@pytest.mark.parametrize(("kind", "size_at"), [("RF64", None), ("W64", None), ("RIFX", None)])
def test_the_other_forms_of_wav_are_held_to_their_lengths(kind, size_at):
    whole = written(TONE, kind) if kind != "RIFX" else _big_endian()
    assert len(samples_of(whole)) == len(TONE)
    with pytest.raises(AudioError, match=r"truncated, \d+ of 32000 data bytes are there"):
        decoded(whole[: len(whole) // 2])
    at = {"RF64": whole.find(b"ds64") + 16, "W64": whole.find(b"data") + 16, "RIFX": whole.find(b"data") + 4}[kind]
    for unknown in (0, 2**64 - 1):
        mended = patched(whole, at, little(unknown, 8)[: 4 if kind == "RIFX" else 8])
        assert np.array_equal(samples_of(mended), samples_of(whole))


def _big_endian() -> bytes:
    import io

    import soundfile

    file = io.BytesIO()
    soundfile.write(file, TONE, RATE_HZ, format="WAV", endian="BIG")
    assert file.getvalue()[:4] == b"RIFX"
    return file.getvalue()


@pytest.mark.parametrize("kind", ["AIFF", "AU", "SVX", "VOC", "WVE", "MAT4", "NIST", "AVR", "CAF", "FLAC"])
def test_other_formats_are_held_to_their_lengths(kind, tmp_path):
    whole = written(TONE, kind)
    assert len(decoded(whole).samples) == len(TONE)
    with pytest.raises(AudioError, match=r"truncated|damaged|malformed"):
        decoded(whole[: len(whole) // 2])


def test_gsm_is_read():
    data = written(TONE[: RATE_HZ // 2], "WAV", 8_000, "GSM610")
    assert abs(len(decoded(data).samples) - RATE_HZ // 2) <= 320
