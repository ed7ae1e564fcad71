"""What a row of a manifest says, whichever tool wrote it, and the sound that is heard of it."""

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr import (
    AudioLimits,
    BrokenRow,
    ManifestError,
    MegaasrError,
    is_usual,
    manifest_row,
    moved_row,
    read_row_audio,
    reference_of,
    row_name,
    tried_rows,
    utterance_name,
    write_audio,
)
from megaasr_core.base.audio import Audio

RATE = 8_000


@pytest.fixture
def ramp(tmp_path):
    """One second whose sample n is n / 10,000, so that each part is known by its first sample."""
    write_audio(tmp_path / "a.wav", Audio(np.arange(RATE, dtype=np.float32) / 10_000, RATE))
    return tmp_path


def heard(folder, **fields):
    samples = read_row_audio(manifest_row({"audio": "a.wav", **fields}, folder, "m.jsonl, line 1")).samples
    return round(float(samples[0]) * 10_000), len(samples)


@pytest.mark.parametrize(
    ("fields", "start", "length"),
    [
        ({}, 0, 8_000),
        ({"offset": 0.25}, 2_000, 6_000),
        ({"offset": 0.25, "duration": 0.5}, 2_000, 4_000),
        ({"offset_s": 0.25, "duration_s": 0.5}, 2_000, 4_000),
        ({"start": 0.25, "end": 0.75}, 2_000, 4_000),
        ({"start": 0.25, "duration": 0.5, "end": 0.75}, 2_000, 4_000),
        ({"start_ms": 250, "end_ms": 750}, 2_000, 4_000),
        ({"offset": "0.25", "duration": "0.5"}, 2_000, 4_000),  # as a table has them
        ({"end": 0.5}, 0, 4_000),
        ({"duration": 0.5}, 0, 4_000),
        ({"duration": 0.98}, 0, 8_000),  # rounded: it only says how long the recording is
        ({"duration": 1.03}, 0, 8_000),
        ({"offset": 0.0, "duration": 0.98}, 0, 7_840),
        ({"offset": 0.5, "duration": 0.52}, 4_000, 4_000),  # ends behind the recording by rounding
        ({"offset": None, "duration": None, "channel": None}, 0, 8_000),
        ({"speed": 1.0, "gain": 0, "volume": "two"}, 0, 8_000),
    ],
)
def test_offset_duration_and_end_say_what_is_heard(ramp, fields, start, length):
    assert heard(ramp, **fields) == (start, length)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"offset": 1.0}, "is 1 s long, and 1 s is wanted; mend the offset or the duration"),
        ({"offset": 0.5, "duration": 0.6}, "is 1 s long, and 0.5 s to 1.1 s is wanted"),
        ({"duration": 100}, "is 1 s long, and 0 s to 100 s is wanted"),
        ({"offset": 0.5, "duration": 0.001}, "1 ms of"),
        ({"offset": -1}, "'offset' is -1; a time from 0 on is expected"),
        ({"offset": 1e308}, "'offset' is 1e+308; a time from 0 on is expected"),
        ({"offset": True}, "'offset' is True; a time"),
        ({"offset": "soon"}, "'offset' is 'soon'; a time"),
        ({"duration": 0}, "the duration 0 s is not above 0"),
        ({"start": 0.5, "end": 0.5}, "the end 0.5 s is not behind the start 0.5 s"),
        ({"start": 0.1, "offset": 0.4}, "offset and start differ; leave one of them out"),
        ({"start": 0.1, "duration": 0.2, "end": 0.9}, "does not lead from 0.1 s to the end 0.9 s"),
        ({"channel": -1}, "'channel' is -1; the number of one channel, from 0, is expected"),
        ({"channel": [0, 1]}, "'channel' is [0, 1]; the number of one channel"),
        ({"channel": "left"}, "'channel' is 'left'"),
        ({"speed": 1.1}, "'speed' 1.1 changes what is heard, and is not applied"),
        ({"tempo": "0.9"}, "'tempo' 0.9 changes what is heard"),
        ({"gain": -6}, "'gain' -6 changes what is heard"),
        ({"audio": "x\0y"}, "the path of a recording is expected"),
        ({"audio": ""}, "the path of a recording is expected"),
        ({"audio": 5}, "'audio' is 5; a text is expected"),
        ({"audio": None}, "needs 'audio' or 'audio_path', a text; it has audio"),
        ({"audio": "sox a.wav -t wav - |"}, "is the command 'sox a.wav -t wav - |'; commands are never run"),
        ({"audio": "x" * 5_000}, "File name too long"),
        ({"audio": "/"}, "is a folder"),
        ({"text": ["a"]}, "'text' is ['a']; a text is expected"),
    ],
)
def test_a_row_that_cannot_be_used_is_one_line(ramp, fields, reason):
    with pytest.raises(MegaasrError) as refused:
        heard(ramp, **fields)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_channel_reaches_the_limits_of_the_recording(ramp):
    for channel in (1, "1", [1], 1.0):
        row = manifest_row({"audio": "a.wav", "channel": channel}, ramp, "x")
        assert row.limits(AudioLimits(convert=True)) == AudioLimits(convert=True, channel=1)
    assert manifest_row({"audio": "a.wav"}, ramp, "x").limits(None) == AudioLimits()


@pytest.mark.parametrize(
    "row",
    [
        {"audio": "a.wav", "answer": "x", "text": "X!", "language": "fr"},
        {"audio_path": "a.wav", "answer": None, "text": "x", "lang": "fr"},
        {"audio_filepath": "a.wav", "text": "x", "duration": 1.0, "lang": "fr"},  # NeMo
        {"path": "a.wav", "sentence": "x", "locale": "fr", "client_id": "c"},  # Common Voice
        {"file_name": "a.wav", "transcription": "x", "language": "fr"},  # a Hugging Face folder
        {"audio": {"path": "a.wav", "bytes": None}, "transcription": "x", "language": "fr"},
    ],
)
def test_the_names_of_other_tools_are_read(ramp, row):
    found = manifest_row(row, ramp, "x")
    assert (found.audio, found.reference, found.language) == (ramp / "a.wav", "x", "fr")
    assert moved_row(row, ramp, ramp / "b")[next(iter(row))] in ("../a.wav", {"path": "../a.wav", "bytes": None})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, None),
        ({"answer": None, "text": None}, None),
        ({"transcript": "a"}, "a"),
        ({"answer": "Two dogs!", "text": "2 dogs"}, "Two dogs!"),
        ({"text": "two dogs", "sentence": "Two dogs.", "transcription": "TWO  DOGS"}, "two dogs"),
        ({"answer": "你好，世界", "text": "你好世界", "language": "zh"}, "你好，世界"),
        ({"answer": "a", "text": 5}, "a"),
        ({"answer": "a b", "text": "a b", "language": "no language"}, "a b"),
        ({"answer": "a b", "text": "a  b", "language": "no language"}, "a b"),
    ],
)
def test_fields_that_agree_are_one_reference(fields, said):
    assert reference_of(fields) == said


@pytest.mark.parametrize(
    "fields", [{"answer": "a", "text": "b"}, {"answer": "", "text": "a"}, {"sentence": "a", "transcript": "a b"}]
)
def test_two_references_that_differ_are_refused_by_name(fields):
    (one, said), (other, second) = fields.items()
    message = f"m.jsonl, line 3: '{one}' is {said!r} and '{other}' is {second!r}: two references that differ; keep "
    row = {"audio": "a.wav", "language": "en", **fields}
    assert not is_usual(row)
    for read in (lambda: reference_of(row, "m.jsonl, line 3"), lambda: manifest_row(row, Path(), "m.jsonl, line 3")):
        with pytest.raises(ManifestError, match=re.escape(message)):
            read()


def test_parts_of_one_recording_have_names_of_their_own():
    rows = [
        {"audio": "a.wav", **part} for part in ({}, {"duration": 3.4}, {"offset": 1, "duration": 0.5}, {"channel": 1})
    ]
    assert [utterance_name(row) for row in rows] == ["a.wav", "a.wav", "a.wav[1:1.5]", "a.wav[channel 1]"]
    assert row_name({"audio": "a.wav", "id": 3}) == "3"


ROWS = [{"audio": "a.wav", "text": "ü"}, {"audio": "b.wav", "text": "y"}]
TEXT = "\r\n\r\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("m.jsonl", TEXT.encode("utf-8-sig")),
        ("m.jsonl", TEXT.encode("utf-16")),
        ("m.jsonl", b"\xfe\xff" + TEXT.encode("utf-16-be")),
        ("m.jsonl", TEXT.encode("utf-32")),
        ("m.jsonl.gz", gzip.compress(TEXT.encode(), mtime=0)),
        ("m.json.gz", gzip.compress(TEXT.encode("utf-8-sig"), mtime=0)),
        ("m", gzip.compress(TEXT.encode("utf-16"), mtime=0)),
    ],
)
def test_byte_order_marks_carriage_returns_and_gzip_are_read(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    assert [row for _, row in tried_rows(tmp_path / name)] == ROWS


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(b"{}\n" * 99, mtime=0)[:-9], "ended before the end-of-stream"),
        (b"\x1f\x8b" + bytes(99), "cannot read"),
        (b"\xff\xfe\x00", "truncated data"),
        (b"{" * 16_000_001, "longer than 16000000 bytes; this is no manifest"),
    ],
)
def test_a_file_that_is_no_manifest_is_one_line(tmp_path, data, reason):
    (tmp_path / "m.jsonl").write_bytes(data)
    with pytest.raises(ManifestError, match=reason) as refused:
        list(tried_rows(tmp_path / "m.jsonl"))
    assert "\n" not in str(refused.value)


def test_a_broken_row_stands_among_the_others(tmp_path):
    (tmp_path / "m.jsonl").write_text('{"audio": "a"}\n{"audio": 1e999}\n{"audio": "b"}\n')
    rows = [row for _, row in tried_rows(tmp_path / "m.jsonl")]
    assert [isinstance(row, BrokenRow) for row in rows] == [False, True, False]
    with pytest.raises(ManifestError, match=r"line 2: the number 1e999 is beyond a float; mend or remove the line"):
        manifest_row(rows[1], tmp_path, "unused")


FIELDS = ("audio", "path", "text", "answer", "language", "lang", "duration", "duration_s", "offset", "end", "channel")
VALUES = st.sampled_from([None, "", " ", "a.wav", "x\0", "sox a.wav |", "fr", 0.0, -1.0, 2.5, 1e5, 1e-320, 3, True, []])


@given(st.dictionaries(st.sampled_from((*FIELDS, "duration_ms", "start", "speed", "volume", "note")), VALUES))
def test_a_usual_row_is_a_row_of_which_all_is_heard_with_its_words(row):
    for one in (row, {"audio": "a.wav", "text": "x", **row}):
        if is_usual(one):
            found = manifest_row(one, Path(), "x")
            assert (found.name, found.part, found.is_length or not found.is_part) == (one["audio"], "", True)
            assert found.reference == (one["answer"] if "answer" in one else one["text"])
            assert found.language == (one.get("language") or None)


def test_the_rows_of_a_corpus_are_usual():
    row = {"audio": "a.wav", "text": "x", "duration_s": 2.5, "speaker": "1", "language": "en", "id": "a"}
    assert is_usual(row)
    assert is_usual({"audio": "a.wav", "answer": "x", "subset": "sim-en-noise"})
    for other in ({"offset": 1.0}, {"channel": 1}, {"speed": 1.1}, {"audio": "x\0"}, {"text": 3}, {"duration": 2.5}):
        assert not is_usual({**row, **other})
