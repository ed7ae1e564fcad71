"""corpus rl: the sampling rule, what is written, what is refused, the record of the run."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr import ManifestError, ParameterError, read_record, tried_rows
from megaasr_plugins.corpus.labelling.rl_rows import FIELDS, labelled_row, rl_row
from megaasr_plugins.corpus.labelling.rl_sampling import RlSampling, quotas
from megaasr_plugins.corpus.labelling.rl_selection import select_rl_rows
from tests.command_line import megaasr
from tests.plugins.corpus.corpora import rows_of

SIZES = {0.0: 60, 0.05: 20, 0.1: 30, 0.25: 20, 0.3: 40, 0.6: 20, 0.7: 15, 1.5: 15}
"""WER -> number of rows: 80, 50, 60 and 30 in the four bins."""


def labelled_rows(sizes=None):
    wers = [wer for wer, size in (SIZES if sizes is None else sizes).items() for _ in range(size)]
    return [
        {
            "id": f"{number:03}",
            "audio": f"audio/{number:03}.flac",
            "text": "the cat sat",
            "language": "en",
            "scenario": "crowd",
            "severity": 0.5,
            "snr_db": None,
            "duration_s": 1.5,
            "base_text": "the cat",
            "base_wer": wer,
            "base_flags": [],
        }
        for number, wer in enumerate(wers)
    ]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def labelled(tmp_path):
    return write(tmp_path / "labelled.jsonl", labelled_rows())


def drawn_bins(path):
    sampling = RlSampling(1)
    bins = [0] * 4
    for row in rows_of(path):
        bins[sampling.bin_of(row["base_wer"])] += 1
    return bins


@given(
    st.lists(
        st.tuples(st.floats(0, 10).map(lambda share: round(share, 2)), st.integers(0, 50)), min_size=1, max_size=6
    ),
    st.floats(0, 1),
)
def test_quotas_give_the_count_by_the_shares_as_far_as_the_bins_hold_it(bins, fraction):
    shares, available = zip(*bins, strict=True)
    count = int(fraction * sum(size for share, size in bins if share))
    taken = quotas(shares, available, count)
    assert sum(taken) == count
    assert all(0 <= got <= size for got, size in zip(taken, available, strict=True))
    assert all(got == 0 for got, share in zip(taken, shares, strict=True) if not share)
    free = [(got, share) for got, share, size in zip(taken, shares, available, strict=True) if share and got < size]
    for got, share in free:  # bins that are not exhausted have equal ratios, but for rounding
        for other, other_share in free:
            assert (got - 1) * other_share <= (other + 1) * share * (1 + 1e-12)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"count": 0}, "count 0"),
        ({"bounds": (0.3, 0.1, 0.7)}, "must ascend"),
        ({"bounds": (0.1, 0.1, 0.7)}, "must ascend"),
        ({"bounds": (0.0, 0.1, 0.7)}, "above 0"),
        ({"bounds": (0.1, 0.3, float("nan"))}, "above 0"),
        ({"shares": (0.5, 0.5)}, "3 bounds make 4 bins, and there are 2 shares"),
        ({"shares": (0, 0, 0, 0)}, "one of them above 0"),
        ({"shares": (-1, 1, 1, 1)}, "from 0 on"),
    ],
)
def test_settings_that_are_no_rule_are_refused(settings, reason):
    with pytest.raises(ParameterError, match=reason):
        RlSampling(**{"count": 10, **settings})


def test_medium_and_high_wer_are_enriched_and_clean_is_reduced(labelled, tmp_path):
    selection = select_rl_rows(labelled, tmp_path / "rl.jsonl", RlSampling(100, seed=1))
    assert selection.before.bins == [80, 50, 60, 30]
    assert selection.after.bins == drawn_bins(tmp_path / "rl.jsonl") == [10, 20, 40, 30]
    assert list(selection.notes()) == []


def test_a_bin_that_is_too_small_gives_all_and_the_others_make_up_for_it(labelled, tmp_path):
    selection = select_rl_rows(labelled, tmp_path / "rl.jsonl", RlSampling(120))
    assert selection.after.bins == drawn_bins(tmp_path / "rl.jsonl") == [13, 26, 51, 30]
    assert list(selection.notes()) == [
        "base_wer 0.70 and up: 30 of the 36 rows wanted; the other bins make up for the rest"
    ]


def test_a_share_of_zero_leaves_a_bin_out_and_never_fills_up(labelled, tmp_path):
    sampling = RlSampling(140, shares=(0.0, 1.0, 2.0, 1.0))
    assert select_rl_rows(labelled, tmp_path / "rl.jsonl", sampling).after.bins == [0, 50, 60, 30]
    with pytest.raises(ParameterError, match=r"^141 rows are wanted, and the bins with a share hold 140; lower"):
        select_rl_rows(labelled, tmp_path / "other.jsonl", RlSampling(141, shares=(0.0, 1.0, 2.0, 1.0)))
    assert not (tmp_path / "other.jsonl").exists()


def test_no_row_is_drawn_twice_and_the_order_is_that_of_the_source(labelled, tmp_path):
    select_rl_rows(labelled, tmp_path / "rl.jsonl", RlSampling(150))
    names = [row["meta"]["id"] for row in rows_of(tmp_path / "rl.jsonl")]
    assert names == sorted(set(names))
    assert len(names) == 150


def test_the_draw_depends_on_seed_and_ids_and_not_on_the_order_of_rows(labelled, tmp_path):
    def names(source, seed):
        select_rl_rows(source, tmp_path / "rl.jsonl", RlSampling(40, seed=seed))
        return sorted(row["meta"]["id"] for row in rows_of(tmp_path / "rl.jsonl"))

    shuffled = labelled_rows()
    random.Random(3).shuffle(shuffled)
    first = names(labelled, 1)
    assert names(labelled, 1) == first
    assert names(write(tmp_path / "shuffled.jsonl", shuffled), 1) == first
    assert names(labelled, 2) != first


def test_every_row_of_a_bin_has_the_same_chance(tmp_path):
    rows = write(tmp_path / "labelled.jsonl", labelled_rows({0.5: 20}))
    counts = dict.fromkeys((f"{number:03}" for number in range(20)), 0)
    for seed in range(100):
        select_rl_rows(rows, tmp_path / "rl.jsonl", RlSampling(5, seed=seed))
        for row in rows_of(tmp_path / "rl.jsonl"):
            counts[row["meta"]["id"]] += 1
    assert sum(counts.values()) == 500
    assert all(10 <= count <= 42 for count in counts.values()), "25 are expected, with a deviation of 4.3"


def test_the_command_writes_the_schema_and_reads_it_again_as_the_labelled_rows(labelled, tmp_path):
    (tmp_path / "rl").mkdir()
    done = megaasr("corpus", "rl", "labelled.jsonl", "--count", 50, "--seed", 4, "-o", "rl/rl.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    written = rows_of(tmp_path / "rl" / "rl.jsonl")
    source = {row["id"]: row for row in labelled_rows()}
    for row in written:
        of = source[row["meta"]["id"]]
        assert tuple(row) == FIELDS
        assert row["messages"] == [{"role": "user", "content": "<audio>"}]
        assert row["audios"] == [f"../{of['audio']}"]
        assert (row["solution"], row["prediction"], row["base_wer"]) == ("the cat sat", "the cat", of["base_wer"])
    read = [row for _, row in tried_rows(tmp_path / "rl" / "rl.jsonl")]
    for row in read:
        assert row.pop("messages") == [{"role": "user", "content": "<audio>"}]
        assert row == {**source[row["id"]], "audio": f"../{source[row['id']]['audio']}"}


def test_the_histogram_is_printed_before_and_after(labelled, tmp_path):
    command = ("corpus", "rl", "labelled.jsonl", "--count", 120, "-o", "rl.jsonl")
    done = megaasr(*command, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == (
        "megaasr: note: base_wer 0.70 and up: 30 of the 36 rows wanted; the other bins make up for the rest\n"
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "rl.jsonl: 120 of 220 rows drawn"
    assert [" ".join(lines[number].split()) for number in (2, 5, 7, -1)] == [
        "0.00 - 0.10 10.0 % 80 36.4 % 12 13 10.8 %",
        "0.70 and up 30.0 % 30 13.6 % 36 30 25.0 %",
        "0.00 - 0.10 80 36.4 % 13 10.8 %",
        "1.00 and up 15 6.8 % 15 12.5 %",
    ]
    summary = json.loads(megaasr(*command, "--json", cwd=tmp_path).stdout)
    assert [one["before"] for one in summary["bins"]] == [80, 50, 60, 30]
    assert [one["after"] for one in summary["bins"]] == [13, 26, 51, 30]
    assert summary["bins"][3]["high"] is None
    assert summary["histogram"]["before"] == [80, 30, 20, 40, 0, 0, 20, 15, 0, 0, 15]
    assert sum(summary["histogram"]["after"]) == summary["rows"] == 120
    assert (summary["of"], summary["unlabelled"], summary["failed"], summary["path"]) == (220, 0, [], "rl.jsonl")


def test_standard_output_holds_rows_alone(labelled, tmp_path):
    done = megaasr("corpus", "rl", "labelled.jsonl", "--count", 3, "--json", "-o", "-", cwd=tmp_path)
    assert [tuple(json.loads(line)) for line in done.stdout.splitlines()] == [FIELDS] * 3
    assert not list(tmp_path.glob("*.run.json"))


def test_the_run_is_recorded_beside_the_rows(labelled, tmp_path):
    def record(*options):
        done = megaasr("corpus", "rl", "labelled.jsonl", "--count", 9, "-o", "rl.jsonl", *options, cwd=tmp_path)
        assert done.returncode == 0
        return read_record(tmp_path / "rl.jsonl")

    first = record()
    assert record().id == first.id
    assert first.identity["options"]["shares"] == [0.1, 0.2, 0.4, 0.3]
    assert first.told == {"manifest": "labelled.jsonl"}
    assert record("--seed", 1).difference(first.identity) == "the options (seed) differ"
    write(labelled, labelled_rows()[1:])
    assert "manifest" in record().difference(first.identity)
    (tmp_path / "rl.jsonl").write_text("{}\n")
    assert read_record(tmp_path / "rl.jsonl") is None


def test_prompt_bins_shares_and_absolute_paths(labelled, tmp_path):
    options = ("--prompt", "Transcribe.", "--bins", "0.5", "--shares", "0,1", "--absolute")
    done = megaasr("corpus", "rl", "labelled.jsonl", "--count", 7, *options, "-o", "rl.jsonl", cwd=tmp_path)
    assert done.returncode == 0
    rows = rows_of(tmp_path / "rl.jsonl")
    assert all(row["base_wer"] >= 0.5 for row in rows)
    assert all(row["messages"] == [{"role": "user", "content": "<audio>Transcribe."}] for row in rows)
    assert rows[0]["audios"] == [str(tmp_path / "audio" / f"{rows[0]['meta']['id']}.flac")]


def test_rows_without_a_label_are_counted_and_broken_ones_reported(tmp_path):
    rows = [*labelled_rows({0.5: 4}), {"id": "x", "audio": "x.flac", "error": "is silent"}]
    path = write(tmp_path / "labelled.jsonl", rows)
    path.write_text(path.read_text() + "{broken\n")
    done = megaasr("corpus", "rl", "labelled.jsonl", "--count", 2, "-o", "rl.jsonl", cwd=tmp_path)
    assert done.returncode == 1
    assert "1 rows had no label and are left out" in done.stdout
    assert "megaasr: failed: labelled.jsonl, line 6" in done.stderr
    assert len(rows_of(tmp_path / "rl.jsonl")) == 2


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"base_wer": None}, "line 2: base_wer is missing or not a number"),
        ({"base_wer": -0.5}, "line 2: base_wer is missing or not a number"),
        ({"base_text": None}, "line 2: base_text is missing or no text; run `megaasr corpus label` first"),
        ({"text": None}, "line 2: has no reference"),
        ({"text": "  "}, "line 2: has no reference"),
        ({"sentence": "a dog"}, "line 2: 'text' is 'the cat sat' and 'sentence' is 'a dog'"),
        ({"audio": None}, "line 2: needs 'audio'"),
        ({"offset": 0.5}, "line 2: is the part [0.5:2] of audio/001.flac; the RL JSONL names whole recordings"),
        ({"channel": 1}, "line 2: is channel 1 of audio/001.flac"),
        ({"id": "000", "audio": "audio/000.flac"}, "line 2: '000' occurs twice; remove one"),
        ({"messages": "say it"}, "line 2: messages must be a list of objects"),
    ],
)
def test_a_bad_row_is_refused_in_one_line_and_nothing_is_written(tmp_path, fields, reason):
    rows = labelled_rows({0.5: 4})
    rows[1] |= fields
    write(tmp_path / "labelled.jsonl", rows)
    done = megaasr("corpus", "rl", "labelled.jsonl", "--count", 2, "-o", "rl.jsonl", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert reason in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["labelled.jsonl"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--bins", "0.1,x"), "--bins is '0.1,x'; numbers with commas between are expected"),
        (("--shares", "1,1"), "3 bounds make 4 bins, and there are 2 shares"),
        (("--count", "999"), "999 rows are wanted, and the bins with a share hold 220; lower --count"),
        (("-o", "labelled.jsonl"), "labelled.jsonl"),
    ],
)
def test_a_wrong_option_is_one_line(labelled, tmp_path, options, reason):
    before = labelled.read_bytes()
    done = megaasr("corpus", "rl", "labelled.jsonl", "--count", 2, "-o", "rl.jsonl", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert reason in done.stderr
    assert labelled.read_bytes() == before


def test_samples_of_plans_and_shards_are_named_and_noted(tmp_path):
    rows = labelled_rows({0.5: 3})
    rows[0]["audio"], rows[1]["audio"] = "plan/plan.json#7", "out/shard-00000.tar#000000001.flac"
    write(tmp_path / "labelled.jsonl", rows)
    done = megaasr("corpus", "rl", "labelled.jsonl", "--count", 3, "-o", "rl.jsonl", cwd=tmp_path)
    assert done.returncode == 0
    assert "2 rows name a sample of a plan or of a tar shard, which only megaasr reads" in done.stderr
    assert [row["audios"] for row in rows_of(tmp_path / "rl.jsonl")][:2] == [[rows[0]["audio"]], [rows[1]["audio"]]]


def test_a_recording_whose_name_is_no_utf_8_is_drawn_and_named(tmp_path):
    rows = [{**row, "audio": f"{row['id']}\udce9.flac", "id": None} for row in labelled_rows({0.5: 3})]
    write(tmp_path / "labelled.jsonl", rows)
    select_rl_rows(tmp_path / "labelled.jsonl", tmp_path / "rl.jsonl", RlSampling(3))
    assert [row["audio"] for _, row in tried_rows(tmp_path / "rl.jsonl")] == [row["audio"] for row in rows]


META = st.dictionaries(
    st.sampled_from(["id", "scenario", "severity", "effects", "speaker", "duration_s"]),
    st.one_of(st.text(max_size=5), st.lists(st.text(max_size=3), max_size=2)),
    max_size=4,
).filter(lambda meta: "duration_s" not in meta)


@given(
    audio=st.text("ab/#.", min_size=1, max_size=9),
    reference=st.text(min_size=1, max_size=9).filter(str.strip),
    prediction=st.text(max_size=9),
    wer=st.floats(0, 9),
    meta=META,
    prompt=st.none() | st.text("ab", max_size=4),
)
def test_rows_go_there_and_back(tmp_path_factory, audio, reference, prediction, wer, meta, prompt):
    row = {**meta, "audio": audio, "text": reference, "base_text": prediction, "base_wer": wer}
    made = rl_row({**row, "recipe": {"steps": []}}, tmp_path_factory.getbasetemp(), "row", prompt)
    back = labelled_row(made, "row")
    assert back == {**row, "messages": made["messages"]}
    assert rl_row(back, tmp_path_factory.getbasetemp(), "row") == made


def test_other_names_of_the_fields_become_those_of_the_schema(tmp_path):
    row = {"audio_filepath": "a.wav", "answer": "The cat", "transcript": "the cat", "base_text": "", "base_wer": 1}
    made = rl_row({**row, "duration": 2.5, "path": None}, tmp_path, "row")
    assert (made["audios"], made["solution"], made["prediction"]) == (["a.wav"], "The cat", "")
    assert made["meta"] == {"duration": 2.5, "path": None}
    with pytest.raises(ManifestError, match="base_wer is missing"):
        rl_row({**row, "base_wer": True}, tmp_path, "row")
