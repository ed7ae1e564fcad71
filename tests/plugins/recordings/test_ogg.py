import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr import AudioError, ogg_checksum, ogg_pages

from .made import OTHER, RATE_HZ, TONE, decoded, patched, written

NOISE = np.random.default_rng(0).normal(0, 0.1, 3 * RATE_HZ).astype(np.float32)
VORBIS, OPUS = (written(NOISE, "OGG", subtype=subtype) for subtype in ("VORBIS", "OPUS"))


def without_end(data: bytes) -> bytes:
    """The end mark of the last page is taken away, and its checksum is right."""
    (*_, last) = ogg_pages(data, "x")
    page = bytearray(data[last.start :])
    page[5] &= ~4
    page[22:26] = bytes(4)
    page[22:26] = ogg_checksum(bytes(page)).to_bytes(4, "little")
    return data[: last.start] + bytes(page)


@given(at=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7), data=st.sampled_from([VORBIS, OPUS]))
def test_a_flipped_bit_anywhere_is_refused(at, bit, data):
    at %= len(data)
    with pytest.raises(AudioError, match=r"damaged|truncated|cannot be read as audio"):
        decoded(patched(data, at, bytes([data[at] ^ 1 << bit])))


@given(kept=st.integers(min_value=1), data=st.sampled_from([VORBIS, OPUS]))
def test_a_file_that_ends_within_a_page_is_refused(kept, data):
    kept %= len(data)
    if kept and kept not in {page.start for page in ogg_pages(data, "x")}:
        with pytest.raises(AudioError, match=r"truncated|cannot be read as audio"):
            decoded(data[:kept])


def test_a_missing_page_is_refused():
    pages = list(ogg_pages(VORBIS, "x"))
    assert len(pages) > 3
    gone = pages[-2]
    with pytest.raises(AudioError, match=f"damaged, pages are missing before byte {gone.start}"):
        decoded(VORBIS[: gone.start] + VORBIS[gone.stop :])


@pytest.mark.parametrize("data", [VORBIS, OPUS], ids=["vorbis", "opus"])
def test_a_stream_without_an_end_mark_is_read_and_flagged(data):
    audio = decoded(without_end(data))
    assert np.array_equal(audio.samples, decoded(data).samples)
    assert audio.flags == ("unended",)


def test_all_parts_of_a_chained_file_are_heard_at_the_rate_of_the_first():
    parts = [VORBIS, written(OTHER, "OGG", 8_000), written(np.stack([TONE, TONE], axis=1), "OGG", subtype="OPUS")]
    audio = decoded(b"".join(parts))
    assert audio.sample_rate == RATE_HZ
    assert len(audio.samples) == 3 * len(TONE) + 2 * len(OTHER) + len(TONE)
    assert np.array_equal(audio.samples[: 3 * len(TONE)], decoded(VORBIS).samples)
    assert audio.flags == ("mixed",)
