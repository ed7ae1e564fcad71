"""Tests of the recipe's passages and small manifests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from megaasr_core.base.errors import ManifestError
from recipes.tiny import dataset_files, manifests, pack_speech
from tests.recipes.made import speech

RATE = 16_000


def test_a_passage_has_all_the_words_of_its_utterances_and_fits_the_window(tmp_path: Path) -> None:
    rows = speech(tmp_path / "clean", [2.0, 3.0, 4.0, 14.0])
    made = pack_speech.pack(rows, tmp_path / "clean", tmp_path / "packs", 40, real=1.0, single=0.3, seed=1)
    assert {row["utterances"] for row in made} > {1, 2}
    for row in made:
        samples = dataset_files.read_clip(tmp_path / "packs" / row["audio"])
        assert len(samples) / RATE == pytest.approx(row["duration_s"], abs=1e-3)
        assert row["duration_s"] <= 14.6
        spoken = [int(word) for word in row["text"].split()[1::2]]
        assert len(spoken) == row["utterances"]
        assert row["utterance"] == sorted({f"{number}.flac" for number in spoken})
        edges = np.flatnonzero(np.diff(np.concatenate([[0], (np.abs(samples) > 1e-3).astype(int), [0]])))
        lengths = np.diff(edges)[::2] / RATE
        speeds = np.array([rows[number]["duration_s"] for number in spoken]) / lengths
        slowest, fastest = pack_speech.SPEEDS
        assert slowest - 0.01 <= speeds.min() <= speeds.max() <= fastest + 0.01
        assert row["split"] == "train"
    again = pack_speech.pack(rows, tmp_path / "clean", tmp_path / "again", 40, real=1.0, single=0.3, seed=1)
    assert again == made


def test_every_second_clip_of_a_folder_is_left_out(tmp_path: Path) -> None:
    names = ("audio/packages/a", "audio/speech/b", "audio/packages/c", "audio/packages/d", "audio/packages/e")
    kept = pack_speech.thinned([{"audio": name} for name in names], "packages")
    assert [row["audio"] for row in kept] == ["audio/speech/b", "audio/packages/c", "audio/packages/e"]
    with pytest.raises(
        ManifestError, match=r"--thin package: no clip lies below audio/package; there are packages, speech$"
    ):
        pack_speech.thinned([{"audio": name} for name in names], "package")


def test_dev_passages_are_said_as_fast_as_they_were(tmp_path: Path) -> None:
    rows = speech(tmp_path, [2.0, 3.0, 4.0], split="dev")
    made = pack_speech.pack(rows, tmp_path, tmp_path / "packs", 10, real=1.0, single=1.0, seed=1)
    for row in made:
        number = int(row["text"].split()[1])
        assert row["duration_s"] == rows[number]["duration_s"]
        assert np.array_equal(
            dataset_files.read_clip(tmp_path / "packs" / row["audio"]) > 0.0,
            dataset_files.read_clip(tmp_path / f"{number}.flac") > 0.0,
        )
        assert row["split"] == "dev"


def test_synthetic_voices_have_passages_of_their_own(tmp_path: Path) -> None:
    people = speech(tmp_path, [2.0, 2.0])
    made = [{**row, "text_source": "spoken from it (synthetic)", "speaker": "robot"} for row in people]
    rows = pack_speech.pack([*people, *made], tmp_path, tmp_path / "packs", 60, real=0.5, single=0.0, seed=0)
    robots = ["robot" in row["speakers"] for row in rows]
    assert all(row["speakers"] == ["robot"] for row, robot in zip(rows, robots, strict=True) if robot)
    assert 15 < sum(robots) < 45


def test_manifests_leave_synthetic_dev_voices_and_other_splits_out(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    rows = speech(out / "clean", [1.0, 1.0, 1.0])
    rows[0]["split"] = rows[1]["split"] = "dev"
    rows[1]["text_source"] = "spoken from it (synthetic)"
    dataset_files.write_manifest(out / "clean" / dataset_files.MANIFEST, rows)
    speech(out / "packs", [5.0])
    rooms = speech(data / "rir", [0.5, 0.5])
    dataset_files.write_manifest(data / "rir" / dataset_files.MANIFEST, [{**row, "kind": "room"} for row in rooms])
    real = speech(data / "dev_real" / "noizeus", [1.0, 1.0, 1.0], split="dev_real")
    counts = {path.relative_to(out).as_posix(): count for path, count in manifests.write_all(data, out).items()}
    assert counts == {
        "dev/clean.jsonl": 1,
        "clean/people.jsonl": 1,
        "packs/clean.jsonl": 1,
        "rir/train.jsonl": 2,
        "rir/dev.jsonl": 0,
        "dev/real.jsonl": 3,
        "dev/steer.jsonl": 2,
    }
    for name in counts:
        for row in map(json.loads, (out / name).read_text().splitlines()):
            assert ((out / name).parent / row["audio"]).is_file()
    assert len(real) == 3
    marked = [row["chosen_by"] for row in map(json.loads, (out / "dev" / "real.jsonl").read_text().splitlines())]
    assert marked == [True, True, False]
