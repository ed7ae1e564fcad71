"""Parts of recordings through a corpus: planned, rendered, labelled, filtered and evaluated by offset and duration."""

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from megaasr import installed_plugins, read_sample, write_audio
from megaasr_core.base.audio import Audio
from megaasr_plugins.corpus.planning.plan_corpus import PlanRequest, plan_corpus
from megaasr_plugins.corpus.planning.scenario_lists import open_scenarios
from megaasr_plugins.corpus.rendering.render_corpus import render_corpus
from megaasr_plugins.interop.recipe_dataset import RecipeDataset
from megaasr_plugins.training.training_clips import Source, open_clips
from tests.command_line import megaasr
from tests.plugins.corpus.corpora import contents, rows_of
from tests.plugins.corpus.serial_engine import Serial

EAR = str(Path(__file__).parents[2] / "core" / "ear_plugin.py")
ROWS = [
    {"audio": "long.wav", "text": "the cat", "offset": 0.25, "duration": 0.5},
    {"audio": "long.wav", "text": "the dog", "offset": 0.75},
    {"audio": "long.wav", "text": "all of it"},
    {"audio": "long.wav", "text": "too far", "offset": 0.9, "duration": 0.5},
    {"audio": "./long.wav", "text": "too fast", "speed": 1.1},
]


@pytest.fixture
def speech(tmp_path):
    rng = np.random.default_rng(0)
    write_audio(tmp_path / "long.wav", Audio((0.1 * rng.standard_normal(16_000)).astype(np.float32), 16_000))
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path


def plan(speech, manifest="m.jsonl", name="plan"):
    plugins = installed_plugins()
    request = PlanRequest(speech / manifest, open_scenarios("dropout", plugins), count=3, seed=2)
    return plan_corpus(request, speech / name, plugins, Serial.create())


def test_parts_are_planned_rendered_and_read_as_the_parts_alone_are(speech):
    report = plan(speech)
    assert (report.settings.utterances, report.settings.unreadable) == (3, 2)
    errors = [row["error"] for row in rows_of(speech / "plan" / "unreadable.jsonl")]
    assert "m.jsonl, line 5: 'speed' 1.1 changes what is heard" in errors[0]
    assert "is 1 s long, and 0.9 s to 1.4 s is wanted" in errors[1]
    planned = rows_of(speech / "plan" / "recipes-00000.jsonl")
    lengths = {row["text"]: row["recipe"]["num_samples"] for row in planned}
    assert lengths == {"the cat": 8_000, "the dog": 4_000, "all of it": 16_000}
    assert sorted(row["recipe"]["utterance"] for row in planned) == [
        "long.wav",
        "long.wav[0.25:0.75]",
        "long.wav[0.75:]",
    ]
    render_corpus(speech / "plan", speech / "out", Serial.create(), "folder")
    dataset = RecipeDataset(speech / "plan")
    for number, row in enumerate(rows_of(speech / "out" / "manifest.jsonl")):
        assert row["duration_s"] == lengths[row["text"]] / 16_000
        assert "offset_s" not in row
        assert row.get("source_offset_s") == {"the cat": 0.25, "the dog": 0.75}.get(row["text"])
        rendered = read_sample(speech / "out" / row["audio"]).samples
        assert len(rendered) == lengths[row["text"]] == len(dataset[number]["samples"])


def test_a_compressed_or_marked_manifest_is_planned_alike(speech):
    plan(speech)
    text = (speech / "m.jsonl").read_bytes()
    (speech / "m.jsonl.gz").write_bytes(gzip.compress(text))
    (speech / "marked.jsonl").write_bytes(b"\xef\xbb\xbf" + text)
    for manifest in ("m.jsonl.gz", "marked.jsonl"):
        plan(speech, manifest, f"plan of {manifest}")
        folder = contents(speech / f"plan of {manifest}")
        assert folder["recipes-00000.jsonl"] == contents(speech / "plan")["recipes-00000.jsonl"]
        assert sorted(folder) == ["plan.json", "recipes-00000.jsonl", "unreadable.jsonl"]


def test_labels_and_filters_keep_the_parts_and_training_hears_them(speech):
    (speech / "table.json").write_text('{"8000": ["the cat", ""], "4000": ["the dot", ""], "16000": ["all of it", ""]}')
    setting = ("--backend", "ear", "--backend-set", "table=table.json", "--plugin", EAR)
    (speech / "labels").mkdir()
    done = megaasr("corpus", "label", "m.jsonl", "-o", "labels/l.jsonl", *setting, cwd=speech)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("megaasr: failed: ") == 2
    labelled = rows_of(speech / "labels" / "l.jsonl")
    assert [row.get("base_text") for row in labelled] == ["the cat", "the dot", "all of it", None, None]
    assert {**ROWS[0], "audio": "../long.wav"}.items() <= labelled[0].items()
    done = megaasr("corpus", "filter", "labels/l.jsonl", "--max-wer", "0.1", "-o", "kept.jsonl", cwd=speech)
    assert done.returncode == 0, done.stderr
    assert [row["offset"] for row in rows_of(speech / "kept.jsonl") if "offset" in row] == [0.25]
    clips = open_clips([Source(manifest=speech / "kept.jsonl")], installed_plugins())
    assert [len(clip.read(installed_plugins()).samples) for clip in clips] == [8_000, 16_000]
    assert [clip.key for clip in clips] == ["0:long.wav[0.25:0.75]", "0:long.wav"]


def test_eval_hears_the_parts_and_compares_them_one_by_one(speech):
    (speech / "table.json").write_text('{"8000": ["the cat", ""], "4000": ["the dot", ""], "16000": ["all of it", ""]}')
    setting = ("--backend", "ear", "--backend-set", "table=table.json", "--plugin", EAR, "--router", "always_base")
    done = megaasr("eval", "m.jsonl", "a.jsonl", *setting, cwd=speech)
    assert done.returncode == 1
    rows = rows_of(speech / "a.jsonl")
    assert [row.get("audio_s") for row in rows] == [0.5, 0.25, 1.0, None, None]
    assert [row.get("num_edits") for row in rows] == [0, 1, 0, None, None]
    again = megaasr("eval", "m.jsonl", "b.jsonl", *setting, "--compare", "a.jsonl", cwd=speech)
    assert again.returncode == 1
    assert "megaasr: error" not in again.stderr


BROKEN = {
    "deep": '{"audio": "long.wav", "answer": "x", "k": ' + "[" * 9_000 + "]" * 9_000 + "}",
    "big": '{"audio": "long.wav", "answer": "x", "k": ' + "1" * 5_000 + "}",
    "infinite": '{"audio": "long.wav", "answer": "x", "k": 1e400}',
    "nul": '{"audio": "\\u0000", "answer": "x"}',
    "long": json.dumps({"audio": "x" * 5_000, "answer": "x"}),
    "twice": '{"audio": "long.wav", "audio": "b.wav", "answer": "x"}',
    "list": '{"audio": "long.wav", "answer": ["x"]}',
    "no json": "\x00\xff",
}


@pytest.mark.parametrize(
    "command", [("eval", "b.jsonl", "out.jsonl"), ("corpus", "label", "b.jsonl", "-o", "out.jsonl")]
)
def test_each_broken_row_is_one_line_and_the_rest_is_done(speech, command):
    good = json.dumps({"audio_path": "long.wav", "answer": None, "text": "all of it"})
    lines = [good, *BROKEN.values(), good.replace("long.wav", "copy.wav")]
    shutil.copy(speech / "long.wav", speech / "copy.wav")
    (speech / "b.jsonl").write_text("\r\n".join(lines) + "\n", encoding="utf-8-sig")
    (speech / "table.json").write_text('{"16000": ["all of it", "all of it"]}')
    setting = ("--backend", "ear", "--backend-set", "table=table.json", "--plugin", EAR)
    done = megaasr(*command, *setting, cwd=speech)
    assert done.returncode == 1
    failed = [line for line in done.stderr.splitlines() if line.startswith("megaasr: failed: ")]
    assert len(failed) == len(BROKEN), done.stderr
    assert "Traceback" not in done.stderr
    rows = rows_of(speech / "out.jsonl")
    assert ["error" in row for row in rows] == [False, *[True] * len(BROKEN), False]
    assert all(row.get("prediction", row.get("base_text")) == "all of it" for row in (rows[0], rows[-1]))
