"""AIFF and AU: lengths that contradict each other, lengths that a writer to a pipe left open, and no header at all."""

import numpy as np
import pytest

from megaasr import AudioError, measure_audio, read_audio

from .made import TONE, decoded, patched, written


def test_aiff_whose_sound_is_shorter_than_its_frames_is_refused():
    for subtype in ("PCM_16", "FLOAT", "ULAW"):
        data = written(TONE, "AIFF", subtype=subtype)
        at = data.index(b"SSND") + 4
        shorter = int.from_bytes(data[at : at + 4], "big") // 2
        with pytest.raises(AudioError, match=rf"truncated, \d+ of {len(TONE)} frames are there"):
            decoded(patched(data, at, shorter.to_bytes(4, "big")))


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "ULAW", "IMA_ADPCM"])
def test_aiff_is_read_in_each_coding(subtype):
    assert len(decoded(written(TONE, "AIFF", subtype=subtype)).samples) == pytest.approx(len(TONE), abs=64)


def test_aiff_that_sox_wrote_to_a_pipe_is_read():
    data = written(TONE, "AIFF")
    sound, common = data.index(b"SSND") + 4, data.index(b"COMM") + 10
    piped = patched(data, sound, (0x7F00_0008).to_bytes(4, "big"))
    piped = patched(patched(piped, common, (0x3F80_0000).to_bytes(4, "big")), 4, (0x7F00_002E).to_bytes(4, "big"))
    assert np.array_equal(decoded(piped).samples, decoded(data).samples)


@pytest.mark.parametrize("suffix", [".au", ".snd"])
def test_bytes_without_a_header_are_no_sound_whatever_they_are_called(tmp_path, suffix):
    path = tmp_path / f"voice{suffix}"
    path.write_bytes(written(TONE, "AU")[14_001:])
    for read in (read_audio, measure_audio):
        with pytest.raises(AudioError, match="has no header that says what its samples are"):
            read(path)
