"""Which clips a phase goes through, and in which order."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from megaasr import installed_plugins
from megaasr_core.base.errors import ManifestError
from megaasr_plugins.corpus.labelling.select import bucket_rows, filter_rows
from megaasr_plugins.training.phases import PAPER, Phase
from megaasr_plugins.training.training_clips import Clip, Source, open_clips, order_of

RATES = {"encoder": 1e-4}
CLIPS = [Clip(str(number), Path(f"{number}.flac"), "a", number / 10) for number in range(10)]


def test_stages_rise_and_each_holds_the_easier_clips_too():
    order = order_of(CLIPS, Phase(name="p", learning_rates=RATES, max_wer=[0.1, 0.5]), seed=1)
    assert order[:1] == [0]
    assert sorted(order[1:]) == [0, 1, 2, 3, 4]


def test_a_stage_holds_the_clips_of_the_bucket_with_its_bound(tmp_path):
    bounds, rows = [0.3, 0.5, 0.7], tmp_path / "labelled.jsonl"
    clips = [Clip(str(n), Path(f"{n}.flac"), "a", wer) for n, wer in enumerate([0.0, 0.29, 0.3, 0.5, 0.69, 0.7, 1.0])]
    rows.write_text("".join(json.dumps({"audio": str(clip.audio), "base_wer": clip.base_wer}) + "\n" for clip in clips))
    for bound, bucket in zip(bounds, bucket_rows(rows, bounds, tmp_path / "buckets"), strict=True):
        order = order_of(clips, Phase(name="p", learning_rates=RATES, max_wer=[bound]), seed=1)
        kept = filter_rows(rows, tmp_path / "buckets" / "kept.jsonl", max_wer=bound)
        names = {Path(json.loads(line)["audio"]).name for line in bucket.path.read_text().splitlines()}
        assert names == {clips[index].audio.name for index in order}
        assert kept.path.read_bytes() == bucket.path.read_bytes()


def test_every_pass_has_an_order_of_its_own_by_the_seed():
    phase = Phase(name="p", learning_rates=RATES, epochs=2)
    order = order_of(CLIPS, phase, seed=1)
    assert sorted(order[:10]) == sorted(order[10:]) == list(range(10))
    assert order[:10] != order[10:]
    assert order == order_of(CLIPS, phase, seed=1)
    assert order != order_of(CLIPS, phase, seed=2)


@given(clips=st.integers(1, 60), stages=st.integers(0, 3))
def test_a_number_of_clips_is_that_number(clips, stages):
    phase = Phase(name="p", learning_rates=RATES, clips=clips, max_wer=[0.1, 0.4, 0.9][:stages])
    order = order_of(CLIPS, phase, seed=0)
    assert len(order) == clips
    share = -(-clips // max(stages, 1))
    if stages > 1:
        assert set(order[:share]) == {0}  # the one clip of the first stage, again and again


def test_a_clip_without_a_label_cannot_be_in_a_stage():
    clips = [*CLIPS, Clip("x", Path("x.flac"), "a", None)]
    assert len(order_of(clips, Phase(name="p", learning_rates=RATES), 0)) == 11
    with pytest.raises(ManifestError, match=r"phase p chooses by base_wer, and x\.flac and 0 more have none"):
        order_of(clips, Phase(name="p", learning_rates=RATES, max_wer=[0.5]), 0)


def test_a_stage_without_clips_is_refused():
    with pytest.raises(ManifestError, match=r"no clip has a base_wer below 0\.1"):
        order_of(CLIPS[1:], Phase(name="p", learning_rates=RATES, max_wer=[0.1]), 0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"learning_rates": {}}, "a group or more"),
        ({"learning_rates": {"encoder": 0.0}}, "a rate above 0"),
        ({"learning_rates": {"ears": 1.0}}, "encoder"),
        ({"learning_rates": RATES, "max_wer": [0.5, 0.3]}, "rises from easy to hard"),
        ({"learning_rates": RATES, "max_wer": [0.0, 0.3]}, "is above 0"),
    ],
)
def test_a_phase_that_makes_no_sense_is_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        Phase(name="p", **fields)


def test_the_paper_has_three_phases_over_the_three_groups():
    assert [sorted(phase.learning_rates) for phase in PAPER] == [
        ["aligner", "encoder"],
        ["llm"],
        ["aligner", "encoder", "llm"],
    ]
    assert [phase.max_wer for phase in PAPER] == [[0.3, 0.5, 0.7], [0.7], [0.7]]


def manifest(folder, **fields):
    (folder / "a.flac").write_bytes(b"")
    (folder / "m.jsonl").write_text(json.dumps({"audio": "a.flac", "text": "a", **fields}) + "\n")
    return [Source(manifest=folder / "m.jsonl")]


def test_rows_that_cannot_be_used_are_named_by_line(tmp_path):
    assert open_clips(manifest(tmp_path, base_wer=0.5), installed_plugins())[0].base_wer == 0.5
    for fields, message in (
        ({"audio": "gone.flac"}, "line 1: .*gone.flac does not exist"),
        ({"base_wer": "half"}, "line 1: base_wer 'half' is no word error rate"),
        ({"base_wer": -1}, "base_wer -1 is no"),
        ({"text": None}, "line 1: needs 'answer' or 'text'"),
        ({"error": "unreadable"}, "m.jsonl: no rows"),
    ):
        with pytest.raises(ManifestError, match=message):
            open_clips(manifest(tmp_path, **fields), installed_plugins())


def test_where_and_limit_choose_rows(tmp_path):
    manifest(tmp_path)
    rows = [{"audio": "a.flac", "text": str(number), "split": "train" if number % 2 else "dev"} for number in range(6)]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = Source(manifest=tmp_path / "m.jsonl", where={"split": "train"}, limit=2)
    assert [clip.text for clip in open_clips([source], installed_plugins())] == ["1", "3"]
    with pytest.raises(ManifestError, match=r"no rows with \{'split': 'test'\}"):
        open_clips([Source(manifest=tmp_path / "m.jsonl", where={"split": "test"})], installed_plugins())
