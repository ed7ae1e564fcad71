"""Tests of the selection of speech and the building of noise in recipes/tiny, on generated clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from megaasr_core.base.audio import SAMPLE_RATE_HZ
from megaasr_core.base.errors import ManifestError
from recipes.tiny import build_noise, casing, dataset_files, levels, noise_shapes, select_speech
from recipes.tiny.parts import PARTS
from tests.recipes.made import IEEE, content, put


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Speech of 12 speakers of train and 8 of each other part, and 4 recordings of noise of each part."""
    root = tmp_path / "data"
    part_of = [part for part, count in zip(PARTS, (12, 8, 8), strict=True) for _ in range(count)]
    speech = [
        put(
            root / "speech",
            f"{speaker:02d}/{number}.flac",
            1.5,
            100 * speaker + number,
            text=f"Speaker {speaker} says sentence number {number} here.",
            language="en",
            speaker=f"s{speaker:02d}",
            split=part_of[speaker],
            whisper_base_wer=0.1 * number,
        )
        for speaker in range(len(part_of))
        for number in range(2)
    ]
    noise = [
        put(
            root / "noise",
            f"{'rain' if number % 2 else 'street'}/{number}.flac",
            2.0,
            number,
            category="rain" if number % 2 else "street",
            recording=f"r{number}",
            split=PARTS[number // 4],
        )
        for number in range(12)
    ]
    dataset_files.write_manifest(root / "speech" / dataset_files.MANIFEST, speech)
    dataset_files.write_manifest(root / "noise" / dataset_files.MANIFEST, noise)
    return root


def select(data: Path, out: Path, **limits: float) -> dict[str, object]:
    return select_speech.select([str(data)], out, select_speech.Limits(**limits))


def noise_of(data: Path, out: Path, seed: int = 0) -> list[dataset_files.Row]:
    manifests = [[data / kind / dataset_files.MANIFEST] for kind in ("noise", "speech")]
    return build_noise.build(*manifests, out, train=12, held=8, duration_s=2.0, seed=seed)


def test_selected_speech_is_16_bit_at_keyed_levels(data: Path, tmp_path: Path) -> None:
    select(data, tmp_path / "clean")
    rows = dataset_files.read_rows(tmp_path / "clean" / dataset_files.MANIFEST)
    levels_db = []
    for row in rows:
        info = soundfile.info(tmp_path / "clean" / row["audio"])
        assert (info.samplerate, info.channels, info.subtype) == (SAMPLE_RATE_HZ, 1, "PCM_16")
        samples = dataset_files.read_clip(tmp_path / "clean" / row["audio"])
        levels_db.append(levels.active_level_db(samples))
        assert np.abs(samples).max() <= levels.MAX_PEAK + 1e-4
        assert row["level_db"] == pytest.approx(levels_db[-1], abs=0.05)
    assert -30.1 <= min(levels_db) < -26 < -24 < max(levels_db) <= -19.9
    assert len(rows) == 24


def test_selection_leaves_out_what_the_limits_say(data: Path, tmp_path: Path) -> None:
    manifest = data / "speech" / dataset_files.MANIFEST
    rows = dataset_files.read_any_rows(manifest)
    changes: list[dict[str, object]] = [
        {"language": "sv"},
        {"text": IEEE[0]},
        {"duration_s": 20.0},
        {"expert_scores": {"accuracy": 7.5, "completeness": 1.0}},
        {"expert_scores": {"accuracy": 9.0, "completeness": 0.8}},
        {"expert_scores": {"accuracy": 8.0, "completeness": 1.0}, "text": "Said as it was written down."},
        {"up_votes": 1, "down_votes": "1"},
        {"up_votes": 1, "down_votes": 0, "wav2vec2_wer": 0.4},
        {"up_votes": "2", "down_votes": "0", "wav2vec2_wer": 0.4, "text": "Two listeners accepted this."},
        {"up_votes": 2, "down_votes": 0, "wav2vec2_wer": 0.6},
    ]
    for row, change in zip(rows[::2], changes, strict=False):
        row.update(change)
    dataset_files.write_manifest(manifest, rows)
    summary = select(data, tmp_path / "clean", max_wer=0.05)
    assert summary["left_out"] == {
        "not English": 1,
        "held-out sentence": 1,
        "too short or long": 1,
        "base WER too high": 12,
        "expert scores too low": 2,
        "rejected by listeners": 1,
        "wav2vec2 WER too high": 2,
        "not of train": 32,
    }
    texts = [row["text"] for row in dataset_files.read_rows(tmp_path / "clean" / dataset_files.MANIFEST)]
    assert len(texts) == 4
    assert "Two listeners accepted this." in texts
    assert "Said as it was written down." in texts


def test_selected_speech_shares_no_sentence_with_held_out_manifests(data: Path, tmp_path: Path) -> None:
    manifest = data / "speech" / dataset_files.MANIFEST
    rows = dataset_files.read_any_rows(manifest)
    texts = ("He said that the old mill had burned down.", "had burned down again", "the tide comes in at seven")
    for row, text in zip(rows, texts, strict=False):
        row["text"] = text
    dataset_files.write_manifest(manifest, rows)
    held = tmp_path / "report.jsonl"
    held.write_text(
        '{"audio": "a", "text": "THE OLD MILL HAD BURNED DOWN"}\n'  # the first text holds it
        '{"audio": "b", "text": "all of it had burned down again before anybody in town woke"}\n'  # it holds the second
    )
    summary = select_speech.select([str(data)], tmp_path / "clean", select_speech.Limits(), held_out_manifests=[held])
    assert summary["left_out"]["held-out sentence"] == 2
    kept = {row["text"] for row in dataset_files.read_rows(tmp_path / "clean" / dataset_files.MANIFEST)}
    assert "The tide comes in at seven." in kept


def test_clips_of_manifests_elsewhere_are_placed_by_source(data: Path, tmp_path: Path) -> None:
    rows = dataset_files.read_any_rows(data / "speech" / dataset_files.MANIFEST)
    (tmp_path / "parts").mkdir()
    moved = [{**row, "audio": f"../data/speech/{row['audio']}", "source": f"made {row['speaker']}"} for row in rows]
    dataset_files.write_manifest(tmp_path / "parts" / "train.jsonl", moved)
    select_speech.select([str(tmp_path / "parts" / "train.jsonl")], tmp_path / "clean", select_speech.Limits())
    written = dataset_files.read_rows(tmp_path / "clean" / dataset_files.MANIFEST)
    assert len(written) == 24
    assert all(row["audio"].startswith("audio/parts/made-s") for row in written)


def test_capitals_are_written_as_a_recogniser_writes_them(data: Path, tmp_path: Path) -> None:
    manifest = data / "speech" / dataset_files.MANIFEST
    rows = dataset_files.read_any_rows(manifest)
    rows[0] |= {"text": "I SAID WHAT I'M TOLD"}
    rows[1] |= {"text": "IT IS MARY'S, TOO", "whisper_base_text": "It is Mary's too!"}
    rows[2] |= {"text": "ONE WORD MORE", "whisper_base_text": "One word less."}
    dataset_files.write_manifest(manifest, rows)
    select(data, tmp_path / "out", max_wer=1.0)
    written = {row["audio"]: row["text"] for row in dataset_files.read_rows(tmp_path / "out" / dataset_files.MANIFEST)}
    texts = list(written.values())
    assert {"I said what I'm told.", "It is Mary's too!", "One word more."} <= set(texts)
    assert not any(text.isupper() for text in texts)
    assert rows[3]["text"] in texts  # a text in mixed case is unchanged


@pytest.mark.parametrize(
    ("text", "expected"), [("hi there", "Hi there."), ("WHO AM I?", "Who am I?"), ("iPad", "iPad")]
)
def test_casing(text: str, expected: str) -> None:
    assert casing.as_written(text) == expected


def test_the_same_recording_of_two_manifests_is_taken_once(data: Path, tmp_path: Path) -> None:
    summary = select_speech.select([str(data), f"again={data}"], tmp_path / "clean", select_speech.Limits())
    assert sum(line["clips"] for line in summary["by_source"] if line["source"] == "all") == 24


def test_selection_is_deterministic_and_done_once(data: Path, tmp_path: Path) -> None:
    assert select(data, tmp_path / "a")["built"] is True
    first = content(tmp_path / "a")
    assert select(data, tmp_path / "a")["built"] is False
    (tmp_path / "a" / dataset_files.DONE).unlink()  # as after a kill
    assert select(data, tmp_path / "a")["built"] is True
    assert content(tmp_path / "a") == first
    select(data, tmp_path / "a", max_wer=0.05)
    assert len(list((tmp_path / "a").rglob("*.flac"))) == 12  # clips of the wider limits are removed


def test_noise_is_deterministic_and_its_splits_are_disjoint(data: Path, tmp_path: Path) -> None:
    rows = noise_of(data, tmp_path / "a")
    noise_of(data, tmp_path / "b")
    noise_of(data, tmp_path / "c", seed=1)
    a, b, c = (content(tmp_path / name) for name in "abc")
    assert a == b
    assert a.keys() >= {dataset_files.MANIFEST, "train.jsonl", "choose.jsonl", "report.jsonl", dataset_files.DONE}
    assert sum(a[name] != c.get(name) for name in a if name.endswith(".flac")) >= 15
    for field in ("recording", "recordings", "speakers"):
        used = {part: set() for part in PARTS}
        for row in rows:
            values = row.get(field, [])
            used[row["split"]] |= {values} if isinstance(values, str) else set(values)
        assert used["train"], field
        assert not used["train"] & used["choose"] | used["train"] & used["report"] | used["choose"] & used["report"], (
            field
        )
    known = {f"r{number}": PARTS[number // 4] for number in range(12)}
    assert all(known[name] == row["split"] for row in rows for name in row.get("recordings", ()))
    assert len(rows) == 12 + 12 + 8 + 8


def test_recorded_noise_passes_unchanged(data: Path, tmp_path: Path) -> None:
    rows = noise_of(data, tmp_path / "noise")
    passed = [(tmp_path / "noise" / row["audio"]).read_bytes() for row in rows if row["source"] == "made"]
    assert sorted(passed) == sorted(path.read_bytes() for path in (data / "noise").rglob("*.flac"))


def test_a_speaker_in_two_parts_is_refused(data: Path, tmp_path: Path) -> None:
    manifest = data / "speech" / dataset_files.MANIFEST
    dataset_files.write_manifest(manifest, [row | {"speaker": "one"} for row in dataset_files.read_any_rows(manifest)])
    with pytest.raises(ManifestError, match="speaker one is in train"):
        noise_of(data, tmp_path / "noise")


@pytest.mark.parametrize("kind", noise_shapes.SHAPES)
def test_shaped_noise_is_finite_and_has_its_spectrum(kind: str) -> None:
    noise = noise_shapes.shaped_noise(kind, 4.0, np.random.default_rng(3))
    power = np.abs(np.fft.rfft(noise)) ** 2
    hz = np.fft.rfftfreq(len(noise), 1 / SAMPLE_RATE_HZ)
    assert noise.dtype == np.float32
    assert len(noise) == 4 * SAMPLE_RATE_HZ
    assert np.isfinite(noise).all()
    low, high = power[(hz > 100) & (hz < 800)].mean(), power[hz > 4000].mean()
    assert low > high * {"car": 100, "street": 3, "speech_shaped": 10}.get(kind, 0.5)
