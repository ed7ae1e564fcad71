"""The RL JSONL is read as a manifest: rows that other tools wrote, what is refused, what trainers get of it."""

import gzip
import json

import numpy as np
import pytest

from megaasr import Audio, located_rows, manifest_reader, manifest_row, read_row_audio, tried_rows, write_audio
from megaasr_plugins.evaluation.evaluate import read_items
from tests.command_line import megaasr

RATE = 8_000
ROW = {
    "messages": [{"role": "system", "content": ""}, {"role": "user", "content": "<audio>Transcribe the speech."}],
    "audios": ["a.wav"],
    "solution": "the cat sat",
    "prediction": "the cat",
    "base_wer": 0.25,
    "meta": {"id": "7", "language": "en", "scenario": "crowd"},
}


@pytest.fixture
def folder(tmp_path):
    write_audio(tmp_path / "a.wav", Audio(np.arange(RATE, dtype=np.float32) / 10_000, RATE))
    return tmp_path


def write(folder, *rows, name="rl.jsonl"):
    (folder / name).write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
    return folder / name


def test_a_row_is_a_labelled_row(folder):
    path = write(folder, ROW)
    ((where, row),) = located_rows(path)
    assert where == f"{path}, line 1"
    assert row == {
        "id": "7",
        "language": "en",
        "scenario": "crowd",
        "audio": "a.wav",
        "text": "the cat sat",
        "base_text": "the cat",
        "base_wer": 0.25,
        "messages": ROW["messages"],
    }
    (item,) = read_items(path)
    assert (item.reference, item.language, item.audio) == ("the cat sat", "en", folder / "a.wav")
    assert len(read_row_audio(manifest_row(row, folder, where)).samples) == RATE


def test_only_messages_and_audios_are_needed_and_other_fields_are_kept(folder):
    least = {"messages": [{"role": "user", "content": [{"type": "audio"}]}], "audios": ["a.wav"]}
    (row,) = [row for _, row in located_rows(write(folder, least))]
    assert row == {"audio": "a.wav", "messages": least["messages"]}
    nulls = dict.fromkeys(("solution", "prediction", "base_wer", "meta"))
    (row,) = [row for _, row in located_rows(write(folder, {**least, **nulls, "language": "zh", "prompt_id": 3}))]
    assert row == {"language": "zh", "prompt_id": 3, "audio": "a.wav", "messages": least["messages"]}


def test_rows_may_be_compressed_and_begin_with_a_broken_line(folder):
    (folder / "rl.jsonl.gz").write_bytes(gzip.compress((json.dumps(ROW) + "\n").encode()))
    assert manifest_reader(folder / "rl.jsonl.gz").name == "rl"
    path = write(folder, "{broken\n", ROW)
    first, second = (row for _, row in tried_rows(path))
    assert "line 1" in str(first.fault)
    assert second["text"] == "the cat sat"


def test_other_json_lines_are_left_to_the_other_readers(folder):
    for row in ({"audio": "a.wav", "text": "x"}, {"messages": [], "text": "x"}, {"audios": ["a.wav"]}):
        assert manifest_reader(write(folder, row)) is None
    assert manifest_reader(write(folder)) is None
    assert manifest_reader(folder / "none.jsonl") is None
    assert manifest_reader(write(folder, ROW, name="rl.txt")) is None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"messages": "<audio>"}, "messages must be a list of objects with role and content"),
        ({"messages": [{"content": "<audio>"}]}, "messages must be a list of objects with role and content"),
        ({"messages": [{"role": "user", "content": "<audio><audio>"}]}, "messages hold 2 times <audio>"),
        ({"audios": []}, "audios must be a list with the path of one recording"),
        ({"audios": ["a.wav", "b.wav"]}, "audios must be a list with the path of one recording"),
        ({"audios": "a.wav"}, "audios must be a list with the path of one recording"),
        ({"audios": ["cat a.wav |"]}, "commands are never run"),
        ({"solution": 3}, "solution is no text"),
        ({"prediction": ["the"]}, "prediction is no text"),
        ({"base_wer": "0.2"}, "base_wer is missing or not a number"),
        ({"base_wer": -1}, "base_wer is missing or not a number"),
        ({"meta": [1]}, "meta is no object"),
        ({"meta": {"base_wer": 0.5}}, "meta and the row differ in 'base_wer'"),
        ({"meta": {"language": "zh"}, "language": "en"}, "meta and the row differ in 'language'"),
        ({"meta": {"sentence": "a dog"}}, "'text' is 'the cat sat' and 'sentence' is 'a dog'"),
        ({"meta": {"start": 0.5, "end": 1.0}}, "audios names a whole recording, and the row says which part is heard"),
        ({"audio": "b.wav"}, "has both 'audio' and 'audios'"),
    ],
)
def test_a_bad_row_is_one_line_and_the_others_are_read(folder, fields, reason):
    path = write(folder, ROW, {**ROW, **fields}, ROW)
    first, second, third = (row for _, row in tried_rows(path))
    assert first == third != {}
    assert str(second.fault).startswith(f"{path}, line 2: ")
    assert reason in str(second.fault)
    assert "\n" not in str(second.fault)


def test_commands_take_it_as_a_manifest(folder):
    rows = [{**ROW, "base_wer": wer, "meta": {"id": str(wer)}} for wer in (0.1, 0.5, 0.9)]
    write(folder, *rows)
    done = megaasr("corpus", "filter", "rl.jsonl", "--max-wer", "0.7", "-o", "kept.jsonl", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "kept.jsonl: 2 of 3 rows kept; 0 had no label\n")
    again = megaasr("corpus", "rl", "rl.jsonl", "--count", "3", "-o", "again.jsonl", cwd=folder)
    assert again.returncode == 0
    assert [json.loads(line) for line in (folder / "again.jsonl").read_text().splitlines()] == rows


def test_what_corpus_rl_writes_is_read_by_datasets_with_columns_of_one_type(folder):
    datasets = pytest.importorskip("datasets")
    rows = [
        {"id": name, "audio": "a.wav", "text": "x", "base_text": "y", "base_wer": wer, "snr_db": snr, "recipe": recipe}
        for name, wer, snr, recipe in (("1", 0, None, {"steps": [{"x": 1}]}), ("2", 1.5, 3.5, {"steps": [{"x": "a"}]}))
    ]
    write(folder, *rows, name="labelled.jsonl")
    assert megaasr("corpus", "rl", "labelled.jsonl", "--count", "2", "-o", "rl.jsonl", cwd=folder).returncode == 0
    table = datasets.Dataset.from_json(str(folder / "rl.jsonl"), cache_dir=str(folder / "cache"))
    assert table.features["base_wer"] == datasets.Value("float64")
    assert table["base_wer"] == [0.0, 1.5]
    assert table.features["meta"] == {"id": datasets.Value("string"), "snr_db": datasets.Value("float64")}
    assert table["meta"][1] == {"id": "2", "snr_db": 3.5}
