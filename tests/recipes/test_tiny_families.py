"""Tests of the division of real recordings into families and parts, on manifests made here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from megaasr_core.base.errors import ManifestError
from recipes.tiny import families, family_rows, part_files, parts
from recipes.tiny.dataset_files import MANIFEST, Row
from recipes.tiny.parts import HELD, PARTS
from tests.recipes.made import IEEE

TALE = "The miller counted nine sacks before the rain began"


def texts(seed: int = 0) -> Iterator[str]:
    """Sentences of six made-up words each, all different."""
    rng = np.random.default_rng(seed)
    while True:
        yield " ".join("".join(rng.choice(list("abdeiklmnoprstu"), 6)) for _ in range(6))


def rows_of(folder: str, speakers: int, clips: int, said: Iterator[str], **fields: object) -> list[Row]:
    """Rows of some speakers; ``{}`` in a value is replaced by the speaker's number."""
    rows = []
    for speaker in range(speakers):
        for clip in range(clips):
            named = {name: value.format(speaker) if isinstance(value, str) else value for name, value in fields.items()}
            named.setdefault("speaker", f"{folder}-{speaker}")
            name = f"{folder}/{speaker}-{clip}.flac"
            rows.append({"audio": name, "text": next(said), "duration_s": 2.0, "licence": "CC0 1.0", **named})
    return rows


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Row]]:
    """Rows of every folder; `write` makes the files. Each family needs three clips a part, at most two of a speaker."""
    small = tuple(
        replace(one, wanted=one.wanted and 3, most_per_speaker=one.most_per_speaker and 2)
        for one in family_rows.FAMILIES
    )
    for module in (families, part_files):
        monkeypatch.setattr(module, "FAMILIES", small)
    said = texts()
    votes = {"up_votes": 2, "down_votes": 0}
    expert = {"expert_scores": {"accuracy": 9.0, "completeness": 1.0}}
    common = rows_of("cv", 12, 1, said, source="Common Voice v1", speaker=None, **votes)
    common = [{**row, "voice_cluster": number} for number, row in enumerate(common)]
    noise = [
        {"audio": f"{place}.flac", "recording": f"r{place}", "category": "rain" if place % 2 else "street"}
        | {"split": "train" if place < 4 else "dev", "duration_s": 2.0, "source": "made", "licence": "CC0 1.0"}
        for place in range(12)
    ]
    rooms = [
        {"audio": f"hall{room}_ch{channel}.flac", "kind": "room", "source": "made", "split": "dev" if room else "train"}
        for room in range(4)
        for channel in (1, 2)
    ]
    return {
        "dev_real/noizeus": rows_of("nz", 2, 3, said, source="NOIZEUS", snr_db=5, noise="car"),
        "dev_real/everyday": rows_of("everyday", 6, 2, said, source="VoxForge", licence="GPL-3.0", snr_est_db=12.0),
        "dev_real/voxforge": rows_of("voxforge", 6, 3, said, source="VoxForge", licence="GPL-3.0"),
        "speech": [
            *rows_of("arctic", 1, 4, said, source="kathleen"),
            *rows_of("ls", 6, 2, said, source="LibriSpeech", text_source="published"),
            *rows_of("libri", 1, 3, said, source="LibriSpeech", text_source="machine (Whisper base)"),
        ],
        "speech_more": [
            *common,
            *rows_of("so762", 8, 1, said, source="speechocean762", **expert),
            *rows_of("grid", 1, 2, said, source="GRID corpus"),
        ],
        "noise": noise,
        "noise_more": [],
        "rir": rooms,
    }


def write(data: dict[str, list[Row]], root: Path) -> Path:
    """Write the manifests and a file of other bytes for each clip."""
    for folder, rows in data.items():
        for row in rows:
            (root / folder / row["audio"]).parent.mkdir(parents=True, exist_ok=True)
            (root / folder / row["audio"]).write_text(f"{folder}/{row['audio']}")
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / MANIFEST).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


def divide(data: dict[str, list[Row]], tmp_path: Path) -> tuple[dict[str, list[Row]], dict[str, object]]:
    """The rows of each part, and the summary."""
    summary = families.divide(write(data, tmp_path / "data"), tmp_path / "parts", ["GRID"])
    return {part: read(tmp_path / "parts" / f"{part}.jsonl") for part in PARTS}, summary


def read(path: Path) -> list[Row]:
    return list(map(json.loads, path.read_text().splitlines()))


def test_recordings_are_divided_without_a_shared_clip_speaker_or_sentence(
    data: dict[str, list[Row]], tmp_path: Path
) -> None:
    found, _ = divide(data, tmp_path)
    for first, second in combinations(PARTS, 2):
        for field in ("clip", "speaker", "sentence_id"):
            assert not {row[field] for row in found[first]} & {row[field] for row in found[second]}
    for part in HELD:
        for family in family_rows.FAMILIES:
            rows = read(tmp_path / "parts" / part / f"{family.name}.jsonl")
            assert 3 <= len(rows) <= 6, (part, family.name)
            assert {row["family"] for row in rows} == {family.name}
            for row in rows:
                assert (tmp_path / "parts" / part / row["audio"]).is_file()
                assert {"text", "language", "speaker", "sentence_id", "condition", "licence"} <= set(row)
                assert row["cluster"] == row["sentence_id" if family.name == "noizeus" else "speaker"]
                assert row["condition"] == ("degraded" if family.name in ("noizeus", "everyday") else "clean")
                assert row["split"] == part
        assert sum(row["family"] == "voxforge" for row in found[part]) == 6  # of nine: two of each speaker
        assert {row["snr_db"] for row in found[part] if row["family"] == "noizeus"} == {5}
    sources = {"kathleen", "LibriSpeech", "Common Voice v1", "speechocean762"}
    assert {row["source"] for row in found["train"]} == sources
    assert {row["text_source"] for row in found["train"] if row["speaker"].startswith("libri")} == {
        "machine (Whisper base)"
    }


def test_the_division_depends_on_names_and_not_on_the_order_of_rows(data: dict[str, list[Row]], tmp_path: Path) -> None:
    divide(data, tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "parts").rglob("*.jsonl")}
    divide({folder: rows[::-1] for folder, rows in data.items()}, tmp_path)
    assert {path.name: path.read_bytes() for path in (tmp_path / "parts").rglob("*.jsonl")} == before


def test_a_speaker_of_two_families_has_one_part(data: dict[str, list[Row]], tmp_path: Path) -> None:
    said = texts(1)
    for folder, rows in (("dev_real/everyday", 1), ("dev_real/voxforge", 2)):
        data[folder] += rows_of(f"x{rows}", 8, rows, said, source="VoxForge", speaker="shared-{}")
    found, _ = divide(data, tmp_path)
    places: dict[str, set[tuple[str, str]]] = {}
    for part in HELD:
        for row in found[part]:
            if row["speaker"].startswith("shared"):
                places.setdefault(row["speaker"], set()).add((part, row["family"]))
    assert len(places) == 8
    assert all(len({part for part, _ in of_speaker}) == 1 and len(of_speaker) == 2 for of_speaker in places.values())


def test_shared_sentences_leave_choose_before_report_and_train_before_both(
    data: dict[str, list[Row]], tmp_path: Path
) -> None:
    before, _ = divide(data, tmp_path)
    speaker = {part: next(row["speaker"] for row in before[part] if row["family"] == "everyday") for part in HELD}
    clip = {part: next(row for row in data["dev_real/everyday"] if row["speaker"] == speaker[part]) for part in HELD}
    clip["report"]["text"], clip["choose"]["text"] = TALE, f"and so {TALE.upper()}, she said"
    other = next(
        row for row in data["dev_real/everyday"] if row["speaker"] == speaker["choose"] and row is not clip["choose"]
    )
    train = data["speech"][:4]
    train[0]["text"] = TALE.replace("miller", "killer")  # as somebody misread it
    train[1]["text"] = other["text"]
    train[2]["text"] = IEEE[0]
    found, summary = divide(data, tmp_path)
    spoken = {part: {row["text"] for row in rows} for part, rows in found.items()}
    assert TALE in spoken["report"]
    assert clip["choose"]["text"] not in spoken["choose"]
    assert other["text"] in spoken["choose"]
    assert [row["text"] for row in found["train"] if row["source"] == "kathleen"] == [train[3]["text"]]
    assert summary["left_out_of_train"]["sentence of choose, report or the IEEE lists"] == 3


def test_what_may_not_be_trained_on_leaves_train(data: dict[str, list[Row]], tmp_path: Path) -> None:
    data["speech"][0]["text_in_real_noisy"] = True
    data["speech"][1]["licence"] = "GPL-3.0"
    found, summary = divide(data, tmp_path)
    assert sum(row["source"] == "kathleen" for row in found["train"]) == 2
    left_out = summary["left_out_of_train"]
    assert (left_out["sentence of recordings kept elsewhere"], left_out["licence"], left_out["source excluded"]) == (
        1,
        1,
        2,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"source": "Common Voice v1", "up_votes": 1},
        {"source": "Common Voice v1", "down_votes": 1},
        {"source": "speechocean762", "expert_scores": {"accuracy": 8.5, "completeness": 1.0}},
        {"source": "speechocean762", "expert_scores": {"accuracy": 9.0, "completeness": 0.9}},
        {"source": "speechocean762", "expert_scores": {"accuracy": 9.0, "completeness": 1.0, "mismatch": True}},
        {"source": "speechocean762", "text": "two words"},
        {"source": "LibriSpeech", "text_source": "machine (Whisper base)"},
    ],
)
def test_doubtful_texts_are_not_evaluated_on(data: dict[str, list[Row]], tmp_path: Path, change: Row) -> None:
    rows = [row for folder in ("speech", "speech_more") for row in data[folder] if row["source"] == change["source"]]
    before, _ = divide(data, tmp_path)
    held = {row["sentence_id"] for part in HELD for row in before[part]}
    row = next(row for row in rows if parts.sentence_of(row["text"]) in held)
    text = change.get("text", row["text"])
    row |= change
    after, _ = divide(data, tmp_path)
    assert parts.sentence_of(text) not in {row["sentence_id"] for part in HELD for row in after[part]}


def test_a_family_without_enough_speakers_is_refused(data: dict[str, list[Row]], tmp_path: Path) -> None:
    data["dev_real/noizeus"] = data["dev_real/noizeus"][:3]
    with pytest.raises(ManifestError, match="family noizeus: no clip is left for choose; more speakers are needed"):
        divide(data, tmp_path)


def test_expert_scores_are_read_from_the_corpus(data: dict[str, list[Row]], tmp_path: Path) -> None:
    row = next(row for row in data["speech_more"] if row["source"] == "speechocean762")
    root = write(data, tmp_path / "data")
    scores = {Path(row["audio"]).stem: {"accuracy": 3.0, "completeness": 0.5}}
    (root / family_rows.EXPERT_SCORES).write_text(json.dumps(scores))
    read_rows = {one["audio"]: one for one in family_rows.read_folder(root, "speech_more")}
    assert read_rows[row["audio"]]["expert_scores"]["accuracy"] == 3.0
    voices = {one["speaker"] for one in read_rows.values() if one["source"] == "Common Voice v1"}
    assert voices == {f"cv-cluster-{number}" for number in range(12)}
    del row["expert_scores"]
    with pytest.raises(ManifestError, match=r"has no scores in .*expert_scores\.json; add them"):
        family_rows.read_folder(write(data, tmp_path / "other"), "speech_more")
    (root / "speech_more" / row["audio"]).unlink()
    with pytest.raises(ManifestError, match="is missing"):
        family_rows.read_folder(root, "speech_more")


def test_noise_and_rooms_are_divided_by_recording(data: dict[str, list[Row]], tmp_path: Path) -> None:
    data["noise"] += [{**row, "audio": f"again{row['audio']}"} for row in data["noise"]]
    divide(data, tmp_path)
    noise = read(tmp_path / "parts" / "noise.jsonl")
    used = {part: {row["recording"] for row in noise if row["split"] == part} for part in PARTS}
    assert {part: len(names) for part, names in used.items()} == {"train": 4, "choose": 4, "report": 4}
    assert len(set.union(*used.values())) == 12
    assert {row["category"] for row in noise if row["split"] == "choose"} == {"rain", "street"}
    rooms = {part: read(tmp_path / "parts" / "rir" / f"{part}.jsonl") for part in PARTS}
    measured = [len({row["measurement"] for row in rows}) for rows in rooms.values()]
    assert measured == [1, 1, 2]
    assert [len(rows) for rows in rooms.values()] == [2 * count for count in measured]
