"""Tests of the recipe's passages and small manifests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from megaasr_core.base.errors import ManifestError, ParameterError
from recipes.tiny import dataset_files, manifests, pack_speech
from tests.recipes.made import speech

RATE = 16_000


def test_a_passage_has_all_the_words_of_its_utterances_and_fits_the_window(tmp_path: Path) -> None:
    rows = speech(tmp_path / "clean", [2.0, 3.0, 4.0, 13.0])
    made = pack_speech.pack(
        rows, tmp_path / "clean", tmp_path / "packs", 40, 1.0, pack_speech.Lengths(0.3, 0.3), seed=1
    )
    assert {row["utterances"] for row in made} > {1, 2}
    for row in made:
        samples = dataset_files.read_clip(tmp_path / "packs" / row["audio"])
        assert len(samples) / RATE == pytest.approx(row["duration_s"], abs=1e-3)
        assert row["duration_s"] <= 13.5
        spoken = [int(word) for word in row["text"].split()[1::2]]
        assert len(spoken) == row["utterances"]
        assert row["utterance"] == sorted({f"{number}.flac" for number in spoken})
        edges = np.flatnonzero(np.diff(np.concatenate([[0], (np.abs(samples) > 1e-3).astype(int), [0]])))
        lengths = np.diff(edges)[::2] / RATE
        speeds = np.array([rows[number]["duration_s"] for number in spoken]) / lengths
        slowest, fastest = pack_speech.SPEEDS
        assert slowest - 0.01 <= speeds.min() <= speeds.max() <= fastest + 0.01
        assert row["split"] == "train"
    again = pack_speech.pack(
        rows, tmp_path / "clean", tmp_path / "again", 40, 1.0, pack_speech.Lengths(0.3, 0.3), seed=1
    )
    assert again == made


def test_every_second_clip_of_a_folder_is_left_out(tmp_path: Path) -> None:
    names = ("audio/packages/a", "audio/speech/b", "audio/packages/c", "audio/packages/d", "audio/packages/e")
    kept = pack_speech.thinned([{"audio": name} for name in names], "packages")
    assert [row["audio"] for row in kept] == ["audio/speech/b", "audio/packages/c", "audio/packages/e"]
    with pytest.raises(
        ManifestError, match=r"--thin package: no clip lies below audio/package; there are packages, speech$"
    ):
        pack_speech.thinned([{"audio": name} for name in names], "package")


def test_shares_of_single_utterances_and_of_short_groups(tmp_path: Path) -> None:
    rows = speech(tmp_path, [1.0, 1.2, 1.4])
    drawn = {
        (single, short): pack_speech.pack(
            rows, tmp_path, tmp_path / "p", 80, 1.0, pack_speech.Lengths(single, short), seed=1
        )
        for single, short in ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (0.5, 0.5))
    }
    assert {row["utterances"] for row in drawn[1.0, 0.0]} == {1}
    assert {row["utterances"] for row in drawn[0.0, 1.0]} >= {1, 2, 3, 4}
    assert max(row["duration_s"] for row in drawn[0.0, 1.0]) <= 8.0
    lengths = [row["duration_s"] for row in drawn[0.0, 0.0]]
    assert 5.0 < min(lengths) < 8.0 < max(lengths) <= 13.5
    assert 25 < sum(row["utterances"] == 1 for row in drawn[0.5, 0.5]) < 60


def test_a_share_above_one_is_refused(tmp_path: Path) -> None:
    speech(tmp_path, [1.0])
    with pytest.raises(ParameterError, match=r"--single 0\.7 and --short 0\.4 add up to 1\.1; at most 1 fits"):
        pack_speech.main(tmp_path / dataset_files.MANIFEST, tmp_path / "packs", 2, single=0.7, short=0.4)


def test_synthetic_voices_have_passages_of_their_own(tmp_path: Path) -> None:
    people = speech(tmp_path, [2.0, 2.0])
    made = [{**row, "text_source": "spoken from it (synthetic)", "speaker": "robot"} for row in people]
    rows = pack_speech.pack(
        [*people, *made], tmp_path, tmp_path / "packs", 60, 0.5, pack_speech.Lengths(0.0, 0.0), seed=0
    )
    robots = ["robot" in row["speakers"] for row in rows]
    assert all(row["speakers"] == ["robot"] for row, robot in zip(rows, robots, strict=True) if robot)
    assert 15 < sum(robots) < 45


def test_manifests_take_clean_utterances_of_people(tmp_path: Path) -> None:
    rows = speech(tmp_path / "clean", [1.0, 1.0, 1.0, 1.0])
    rows[1]["text_source"] = "spoken from it (synthetic)"
    rows[2]["snr_est_db"], rows[3]["snr_est_db"] = 29.0, 31.0
    dataset_files.write_manifest(tmp_path / "clean" / dataset_files.MANIFEST, rows)
    speech(tmp_path / "packs", [5.0])
    for part in ("choose", "report"):
        held = speech(tmp_path / "audio" / part, [1.0, 1.0, 1.0])
        fields = ({"family": "commonvoice", "snr_est_db": 40.0}, {"family": "everyday"}, {"family": "nonnative"})
        held = [
            {**row, **more, "audio": f"../audio/{part}/{row['audio']}"} for row, more in zip(held, fields, strict=True)
        ]
        dataset_files.write_manifest(tmp_path / "parts" / f"{part}.jsonl", held)
    counts = {path.relative_to(tmp_path).as_posix(): count for path, count in manifests.write_all(tmp_path).items()}
    assert counts == {
        "clean/people.jsonl": 2,
        "packs/clean.jsonl": 1,
        "sources/choose.jsonl": 2,
        "sources/report.jsonl": 2,
    }
    for name in counts:
        for row in map(json.loads, (tmp_path / name).read_text().splitlines()):
            assert ((tmp_path / name).parent / row["audio"]).is_file()
            assert "from" not in row
