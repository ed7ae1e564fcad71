"""Containers are held to the lengths that their headers promise; live ones, which promise none, are read."""

import struct
from io import BytesIO

import numpy as np
import pytest

from megaasr import AudioError

from .made import RATE_HZ, TONE, decoded, patched, written
from .test_av import made

av = pytest.importorskip("av")

SEGMENT, CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
UNKNOWN = b"\x01" + b"\xff" * 7


def live(data: bytes) -> bytes:
    """A WebM file as a browser records it: no length of the segment and the clusters, no duration, no index."""
    segment = data.index(SEGMENT)
    tracks, first = data.index(b"\x16\x54\xae\x6b", segment + 60), data.index(CLUSTER)
    cues = data.rfind(b"\x1c\x53\xbb\x6b")
    kept, at = data[:segment] + SEGMENT + UNKNOWN + data[tracks:first], first
    while at < cues:
        start, length = _body(data, at + 4)
        kept += CLUSTER + UNKNOWN + data[start : start + length]
        at = start + length
    return kept


def _body(data: bytes, at: int) -> tuple[int, int]:
    size = 9 - data[at].bit_length()
    return at + size, int.from_bytes(data[at : at + size], "big") - (1 << 7 * size)


@pytest.mark.parametrize("suffix", ["webm", "mkv", "wma", "mp4"])
@pytest.mark.parametrize("lost", [1, 40, 900])
def test_a_file_that_lacks_only_its_last_bytes_is_refused(suffix, lost):
    data = made(suffix) if suffix != "mp4" else faststart(made("mp4"))
    assert decoded(data).flags == ()
    with pytest.raises(AudioError, match=r"^a file: truncated.*; copy the file again$"):
        decoded(data[:-lost])


def faststart(data: bytes) -> bytes:
    """The tables before the sound, so that a file that lacks its end still has them."""
    mdat, moov = data.index(b"mdat") - 4, data.rindex(b"moov") - 4
    tables = bytearray(data[moov:])
    at = tables.index(b"stco")
    count = struct.unpack_from(">I", tables, at + 8)[0]
    for place in range(at + 12, at + 12 + 4 * count, 4):
        struct.pack_into(">I", tables, place, struct.unpack_from(">I", tables, place)[0] + len(tables))
    return data[:mdat] + bytes(tables) + data[mdat:moov]


@pytest.mark.parametrize("suffix", ["webm", "mkv", "wma"])
@pytest.mark.parametrize("size", [1, 7, 300])
def test_a_file_that_lacks_bytes_inside_is_refused(suffix, size):
    data = made(suffix)
    for place in (len(data) // 3, len(data) // 2, 2 * len(data) // 3):
        with pytest.raises(AudioError, match=r"truncated|damaged"):
            decoded(data[:place] + data[place + size :])


@pytest.mark.parametrize("suffix", ["webm", "wma"])
def test_the_head_of_a_file_before_the_tail_of_another_is_refused(suffix):
    data, other = made(suffix, seconds=2), made("mkv")
    with pytest.raises(AudioError, match=r"truncated|damaged"):
        decoded(data[: len(data) // 2] + other[len(other) // 3 :] + bytes(len(data)))


def test_a_browsers_recording_without_any_length_is_read():
    whole = made("webm")
    browsers = live(whole)
    audio = decoded(browsers)
    assert audio.flags == ()
    assert len(audio.samples) == pytest.approx(len(decoded(whole).samples), abs=1_000)
    assert np.array_equal(decoded(browsers + bytes(64)).samples, audio.samples)


def test_a_browsers_recording_that_ends_within_a_block_is_read_and_flagged():
    browsers = live(made("webm"))
    assert decoded(browsers[:-5]).flags == ("unended",)
    with pytest.raises(AudioError, match="damaged, no element begins at byte"):
        decoded(browsers[:9_000] + browsers[9_050:])


@pytest.mark.parametrize("form", ["known", "live"])
def test_all_of_matroska_files_that_were_joined_is_heard(form):
    first = made("webm") if form == "known" else live(made("webm"))
    one, joined = decoded(first), decoded(first + made("mkv"))
    assert len(joined.samples) == len(one.samples) + len(decoded(made("mkv")).samples)
    assert np.array_equal(joined.samples[: len(one.samples)], one.samples)


def test_a_broadcast_of_windows_media_without_lengths_is_read():
    data = bytearray(made("wma"))
    properties = data.index(b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11")
    data[properties + 88] |= 1
    content = data.index(b"\x36\x26\xb2\x75\x8e\x66\xcf\x11")
    struct.pack_into("<Q", data, content + 16, 0)
    assert decoded(bytes(data)).duration_s == pytest.approx(1.0, abs=0.1)
    assert decoded(bytes(data[:-100])).flags == ("unended",)


@pytest.mark.parametrize("subtype", ["PCM_16", "ALAC_16"])
def test_caf_that_lacks_bytes_inside_or_at_its_end_is_refused(subtype):
    data = written(TONE, "CAF", subtype=subtype)
    assert len(decoded(data).samples) == len(TONE)
    for damaged in (data[:-9], data[: len(data) // 2], data[:6_000] + data[6_007:]):
        with pytest.raises(AudioError, match=r"truncated.* of \d+ .* are there"):
            decoded(damaged)


def test_caf_whose_table_counts_more_frames_than_it_gives_is_refused():
    data = written(TONE, "CAF", subtype="ALAC_16")
    table = data.index(b"pakt") + 12
    with pytest.raises(AudioError, match=f"truncated or damaged, .* of {2 * RATE_HZ} frames are there"):
        decoded(patched(data, table + 8, (2 * RATE_HZ).to_bytes(8, "big")))


def test_caf_written_to_a_pipe_is_read():
    data = written(TONE, "CAF", subtype="PCM_16")
    at = data.index(b"data", 60) + 4
    assert len(decoded(patched(data, at, b"\xff" * 8)).samples) == len(TONE)


@pytest.mark.parametrize("order", ["big", "little"])
def test_au_whose_data_would_begin_too_late_is_refused(order):
    data = written(TONE, "AU")
    if order == "little":
        data = struct.pack("<6I", 0x2E736E64, *struct.unpack(">6I", data[:24])[1:]) + data[24:]
    for offset in (60, 32_767, 0xFF7F0018):
        with pytest.raises(AudioError, match=r"truncated, \d+ of 32000 data bytes are there"):
            decoded(patched(data, 4, offset.to_bytes(4, order)))
    unknown = patched(written(TONE, "AU"), 8, b"\xff" * 4)
    assert len(decoded(unknown).samples) == len(TONE)


def mp3_in_wav() -> bytes:
    file = BytesIO()
    with av.open(file, "w", format="wav") as output:
        stream = output.add_stream("libmp3lame", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.tile(TONE, 2)[None, :24_192], format="fltp", layout="mono")
        frame.sample_rate = 48_000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def test_mp3_in_wav_has_the_length_of_its_frames():
    assert decoded(mp3_in_wav()).duration_s == pytest.approx(24_192 / 48_000, abs=0.06)


def test_mp3_in_wav_with_other_bytes_behind_its_frames_is_refused():
    data = mp3_in_wav()
    rest = len(data) - 2_000
    with pytest.raises(AudioError, match=r"damaged, bytes \d+ to \d+ are no frames"):
        decoded(data[:2_000] + bytes(number % 199 + 1 for number in range(rest)))


def test_frames_of_mp3_behind_other_bytes_are_no_recording():
    file = BytesIO()
    with av.open(file, "w", format="mp3") as output:
        stream = output.add_stream("libmp3lame", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.tile(TONE, 2)[None, :24_192], format="fltp", layout="mono")
        frame.sample_rate = 48_000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    assert decoded(file.getvalue()).duration_s > 0.4
    with pytest.raises(AudioError, match="cannot be read as audio") as raised:
        decoded(b"\0\0\0\1OpusHead" * 10 + file.getvalue())
    assert raised.value.__cause__ is not raised.value  # of which a reader of causes would find no end
