"""A row with both `text` and `answer` means the same in every command: one reference, or a row refused by name."""

import json
from pathlib import Path

import numpy as np
import pytest

from megaasr import Audio, ManifestError, installed_plugins, write_audio
from megaasr_plugins.evaluation.pairing import check_comparable
from megaasr_plugins.interop.lhotse_cuts import write_cuts
from megaasr_plugins.training.training_clips import Source, open_clips
from recipes.tiny import dataset_files
from recipes.tiny.held_out import HeldOut
from tests.command_line import megaasr

EAR = str(Path(__file__).parents[1] / "core" / "ear_plugin.py")
SAMPLES = 3_200
AGREED = {"answer": "The cat sat down.", "text": "the cat sat down"}
SPLIT = {"answer": "the cat sat down", "text": "the dog ran off"}
FAULT = "'answer' is 'the cat sat down' and 'text' is 'the dog ran off': two references that differ; keep the one"
EAR_OPTIONS = ("--plugin", EAR, "--backend", "ear", "--backend-set", "table=table.json")


@pytest.fixture
def folder(tmp_path):
    """Three recordings: the reference of the first stands in one field, of the second in two, the third has two."""
    rng = np.random.default_rng(0)
    fields = [{"text": "one word"}, AGREED, SPLIT]
    for number in range(len(fields)):
        write_audio(tmp_path / f"{number}.wav", Audio(0.1 * rng.standard_normal(SAMPLES).astype(np.float32), 16_000))
    write(tmp_path / "in.jsonl", [{"audio": f"{n}.wav", "language": "en", **row} for n, row in enumerate(fields)])
    (tmp_path / "table.json").write_text(json.dumps({str(SAMPLES): ["the cat sat down", "unused"]}))
    return tmp_path


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("command", "out", "edits"),
    [
        (("eval", "in.jsonl", "out.jsonl"), "out.jsonl", "num_edits"),
        (("corpus", "label", "in.jsonl", "-o", "out.jsonl"), "out.jsonl", "base_num_edits"),
    ],
)
def test_eval_and_label_refuse_the_row_and_do_the_others(folder, command, out, edits):
    result = megaasr(*command, *EAR_OPTIONS, cwd=folder)
    assert result.returncode == 1, result.stderr
    rows = read(folder / out)
    assert [row.get(edits) for row in rows] == [4, 0, None]
    assert rows[2]["error"].startswith(f"in.jsonl, line 3: {FAULT}")


def test_plan_leaves_the_row_out_and_its_samples_have_the_answer(folder):
    call = ["corpus", "plan", "--speech", "in.jsonl", "--scenarios", "far_field", "--count", 4, "-o", "plan"]
    result = megaasr(*call, cwd=folder)
    assert result.returncode == 1, result.stderr
    assert f"line 3: {FAULT}" in result.stderr
    assert {row["text"] for row in read(folder / "plan" / "recipes-00000.jsonl")} == {"one word", AGREED["answer"]}


def test_training_refuses_the_row_and_takes_the_answer(folder):
    plugins = installed_plugins()
    with pytest.raises(ManifestError, match=rf"in\.jsonl, line 3: {FAULT}"):
        open_clips([Source(manifest=folder / "in.jsonl")], plugins)
    clips = open_clips([Source(manifest=folder / "in.jsonl", limit=2)], plugins)
    assert [clip.text for clip in clips] == ["one word", AGREED["answer"]]


def test_reward_refuses_the_row_and_takes_the_answer(folder):
    rows = [{**row, "prediction": "the cat sat down"} for row in read(folder / "in.jsonl")]
    write(folder / "results.jsonl", rows)
    result = megaasr("reward", "results.jsonl", "--reward", "wer_accuracy", cwd=folder)
    assert result.returncode == 2
    assert f"results.jsonl, line 3: {FAULT}" in result.stderr
    write(folder / "results.jsonl", [{**rows[1], "text": None, "sentence": AGREED["text"]}])
    result = megaasr("reward", "results.jsonl", "--reward", "wer_accuracy", "--json", cwd=folder)
    assert json.loads(result.stdout)["rows"][0]["reference"] == AGREED["answer"]


def test_results_of_earlier_versions_that_hold_both_can_still_be_paired():
    row = {"audio": "a.wav", "language": "en", "error": "x", **SPLIT}
    check_comparable([row], [{**row, "text": "something else again"}])
    with pytest.raises(ManifestError, match="the references differ"):
        check_comparable([row], [{**row, "answer": "another"}])


def test_lhotse_cuts_and_recipes_read_the_same_reference(folder):
    recipe = {"sample_rate": 16_000, "num_samples": SAMPLES}
    rows = [{"id": str(number), "recipe": recipe, **row} for number, row in enumerate(read(folder / "in.jsonl"))]
    write(folder / "m.jsonl", rows[:2])
    write_cuts(folder / "m.jsonl", folder / "cuts.jsonl")
    assert [cut["supervisions"][0]["text"] for cut in read(folder / "cuts.jsonl")] == ["one word", AGREED["answer"]]
    assert [row["text"] for row in dataset_files.read_any_rows(folder / "m.jsonl")] == ["one word", AGREED["answer"]]
    write(folder / "m.jsonl", rows)
    for call in (
        lambda: write_cuts(folder / "m.jsonl", folder / "cuts.jsonl"),
        lambda: HeldOut.load([folder / "m.jsonl"]),
    ):
        with pytest.raises(ManifestError, match="two references that differ"):
            call()
    with pytest.raises(ManifestError, match=rf"m\.jsonl, line 3: {FAULT}"):
        dataset_files.read_any_rows(folder / "m.jsonl")
