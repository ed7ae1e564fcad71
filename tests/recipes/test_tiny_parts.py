"""Tests of the parts of the recipe's data: what they must not share, and the division of noise."""

from __future__ import annotations

from pathlib import Path

import pytest

from megaasr_core.base.errors import ManifestError
from recipes.tiny import families, parts, sound_parts
from recipes.tiny.dataset_files import Row, write_manifest
from recipes.tiny.family_rows import FAMILIES
from recipes.tiny.parts import HELD, PARTS, check_parts, shared_sentences

TALE = "The miller counted nine sacks before the rain began"
LONG = f"Long ago in a village far from any road it was told that {TALE} and nobody believed a single word of that"


def test_noise_that_is_sealed_or_of_a_held_out_speaker_leaves_train() -> None:
    part_of = {"vf-ann": "report", "vf-ann-b": "train", "ls-19": "choose"}
    rows = [
        {"recording": recording, "category": category, "split": split, **fields}
        for recording, category, split, fields in (
            ("wind", "wind", "train", {"sealed_category": True}),
            ("vf-ann", "mic_floor", "train", {}),
            ("vf-ann", "mic_floor", "dev", {}),
            ("vf-ann-b", "mic_floor", "dev", {}),
            ("vf-unknown", "mic_floor", "train", {}),
            ("ls-19-198-0000", "interfering_talker", "train", {}),
            ("ls-190-198-0000", "interfering_talker", "train", {}),
            ("plain", "rain", "train", {"sealed_category": False}),
        )
    ]
    kept, left_out = sound_parts.divide_noise(rows, part_of)
    assert [(row["recording"], row["split"]) for row in kept] == [
        ("vf-ann", "report"),
        ("vf-ann-b", "train"),
        ("ls-190-198-0000", "train"),
        ("plain", "train"),
    ]
    assert left_out == {"sealed category": 1, "speaker of choose or report": 2, "pause of an unknown speaker": 1}


def test_a_speaker_keeps_the_part_that_an_earlier_family_gave_it() -> None:
    rows: dict[str, list[Row]] = {family.name: [] for family in FAMILIES}
    rows["everyday"] = [{"speaker": "ann"}]
    rows["voxforge"] = [{"speaker": "bob"}] * 2 + [{"speaker": "ann"}]  # the halves would have her in choose
    assert families.assign(rows) == {"ann": "report", "bob": "report"}


def row(**fields: object) -> Row:
    return {"audio": f"{len(fields)}.flac", **fields}


@pytest.mark.parametrize(
    ("ours", "theirs", "named"),
    [
        ({"clip": "c0ffee"}, {"clip": "c0ffee"}, "clip c0ffee is in train"),
        ({"speaker": "ann"}, {"speaker": "ann"}, "speaker ann is in train"),
        ({"speakers": ["bob", "ann"]}, {"speaker": "ann"}, "speaker ann is in train"),
        ({"recording": "rain-1"}, {"recordings": ["rain-2", "rain-1"]}, "noise recording rain-1 is in train"),
        ({"measurement": "hall"}, {"measurement": "hall"}, "room measurement hall is in train"),
        ({"text": TALE}, {"text": f"{TALE.upper()}!"}, "share a sentence"),
        ({"text": LONG}, {"text": TALE}, "share a sentence"),
        ({"text": TALE}, {"text": LONG}, "share a sentence"),
        ({"text": TALE}, {"text": TALE.replace("miller", "killer")}, "share a sentence"),
    ],
)
@pytest.mark.parametrize("part", HELD)
def test_a_part_that_shares_something_is_refused_by_name(ours: Row, theirs: Row, named: str, part: str) -> None:
    given: dict[str, list[Row]] = {
        "train": [row(text="Nothing is alike in here"), row(**ours)],
        "choose": [],
        "report": [],
    }
    given[part] = [row(text="Quite another thing was said", speaker="cy"), row(**theirs)]
    with pytest.raises(ManifestError, match=named) as caught:
        check_parts(given)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    given[part].pop()
    check_parts(given)


def test_sentences_are_shared_from_half_of_their_words_on() -> None:
    said = [{"text": TALE}, {"text": ""}, {"text": "no"}, {}]
    assert shared_sentences(said, [{"text": "nine sacks before the wind began"}]) == {}
    assert shared_sentences(said, [{"text": "x y z"}, {"text": "counted nine sacks before the rain"}]) == {0: 1}
    assert shared_sentences(said, [{"text": "No."}, {"text": "no more of that"}, {"text": ""}]) == {2: 0}


def test_the_command_checks_manifests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / f"{part}.jsonl" for part in PARTS]
    for number, path in enumerate(paths):
        write_manifest(path, [{"audio": "a.flac", "speaker": f"s{number}", "text": f"{'abc'[number]} word"}])
    parts.main(*([path] for path in paths))
    assert capsys.readouterr().out == "disjoint: train 1 rows, choose 1 rows, report 1 rows\n"
    with pytest.raises(ManifestError, match="speaker s1 is in train"):
        parts.main(paths[:2], paths[1:2], paths[2:])
