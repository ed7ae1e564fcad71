"""What a bootstrap resamples together: speakers, sentences and shared recordings, or a field of the rows."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr_core.base.errors import ManifestError, UnknownNameError
from megaasr_plugins.corpus.planning.speech import sample_fields
from megaasr_plugins.evaluation.clusters import LEAST_SPEAKERS, clusters_of
from megaasr_plugins.evaluation.comparison.curve_points import curves_of
from megaasr_plugins.evaluation.comparison.systems import compare, line_up
from megaasr_plugins.evaluation.summary import summarise
from tests.command_line import megaasr
from tests.plugins.evaluation.test_slicing import rendered, row


def grouped(rows, by=None):
    """The clusters as sets of names, and what they are of."""
    found = clusters_of(rows, by)
    groups = {}
    for one, number in zip(rows, found.of(rows), strict=True):
        groups.setdefault(number, set()).add(one["audio"])
    assert found.count == len(groups)
    return found.by, {"".join(sorted(names)) for names in groups.values()}


def spoken(count, **fields):
    return [
        row(str(index), speaker=f"s{index % count}", answer=f"word {index}", **fields) for index in range(2 * count)
    ]


def test_speakers_are_clusters_from_ten_of_them_on():
    assert clusters_of(spoken(LEAST_SPEAKERS)).as_json() == {
        "field": "speaker",
        "reason": "every row has one",
        "count": 10,
    }
    found = clusters_of(spoken(LEAST_SPEAKERS - 1))
    assert (found.by, found.count) == ("sentence", 18)
    assert found.reason == "reference or source; 9 by speaker are fewer than 10"
    rows = spoken(LEAST_SPEAKERS)
    found = clusters_of([*rows[:-1], {**rows[-1], "speaker": None}])
    assert (found.by, found.reason) == ("sentence", "reference or source; not every row has a speaker")


def test_renderings_of_one_sentence_are_a_cluster():
    rows = [
        row("a", answer="Stop!"),
        row("b", text="stop"),
        row("c", answer="go"),
        row("d", answer="stop", language="de"),
    ]
    assert grouped(rows) == ("sentence", {"ab", "c", "d"})


def test_rows_without_words_are_not_of_one_sentence():
    assert grouped([row("a", answer=""), row("b", answer=" ... "), row("c", answer="go")]) == (
        "sentence",
        {"a", "b", "c"},
    )


@pytest.mark.parametrize(
    "fields",
    [
        ({"source_audio": "x.wav"}, {"source_audio": "y.wav"}),
        ({"source_audio": "x.wav", "source_offset_s": 1.0}, {"source_audio": "x.wav", "source_offset_s": 2.0}),
        ({"recipe": {"utterance": "x"}}, {"recipe": {"utterance": "y"}}),
        ({"utterance": "x"}, {"utterance": "y"}),
        ({"sentence": "x"}, {"sentence": "y"}),
    ],
)
def test_samples_of_one_recording_are_a_cluster(fields):
    one, other = fields
    assert grouped([row("a", **one), row("b", **one), row("c", **other)]) == ("sentence", {"ab", "c"})


def test_passages_that_share_an_utterance_are_a_cluster_and_through_others_too():
    rows = [
        row("a", utterance=["1", "2"]),
        row("b", utterance=["2", "3"]),
        row("c", utterance="3"),
        row("d", utterance="4"),
    ]
    assert grouped(rows) == ("sentence", {"abc", "d"})
    speakers = [row("a", speakers=["1", "2"]), row("b", speakers=["2"]), row("c", speakers=["3"])]
    assert grouped(speakers, "speaker") == ("speaker", {"ab", "c"})


def test_rows_that_say_nothing_are_clusters_of_their_own():
    assert grouped([row("a"), row("b")]) == ("row", {"a", "b"})
    assert clusters_of([]).count == 0


def test_a_field_that_is_named_is_taken():
    rows = [row("a", room="hall", answer="x"), row("b", room="car", answer="x"), row("c", room="hall", answer="y")]
    assert grouped(rows, "room") == ("room", {"ac", "b"})
    assert grouped(rows, "row") == ("row", {"a", "b", "c"})
    assert grouped(rows, "sentence") == ("sentence", {"ab", "c"})
    with pytest.raises(UnknownNameError, match="unknown field 'rom': did you mean 'room'"):
        clusters_of(rows, "rom")
    with pytest.raises(ManifestError, match=r"--cluster room: d has no 'room' \(2 rows lack it\); every row needs one"):
        clusters_of([*rows, row("d"), row("e", room="")], "room")


@given(st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=14))
def test_clusters_are_those_of_a_search_from_row_to_row(keys):
    rows = [row(str(index), utterance=of_row) for index, of_row in enumerate(keys)]
    numbers = clusters_of(rows, "sentence").of(rows)
    for start in range(len(rows)):
        reached, front = {start}, [start]
        while front:
            shared = set(keys[front.pop()])
            new = {place for place, of_row in enumerate(keys) if shared & set(of_row)} - reached
            reached |= new
            front += new
        assert {place for place, number in enumerate(numbers) if number == numbers[start]} == reached


def test_a_plan_keeps_what_clusters_are_made_of(tmp_path):
    fields = {"speaker": "s", "speakers": ["s", "t"], "utterance": ["1", "2"]}
    kept = sample_fields({"audio": "a.wav", "text": "x", **fields}, tmp_path, "row 1")[2]
    assert kept.items() >= fields.items()


def twice(rows):
    """Each row and an equal rendering of it, of the same sentence."""
    return [{**one, "audio": f"{copy}{one['audio']}"} for one in rows for copy in "xy"]


def test_equal_renderings_add_nothing_to_an_interval():
    rows = [rendered(str(index), "noise", edits=index % 4, length=5, answer=f"word {index}") for index in range(12)]
    base = [{**one, "num_edits": 2} for one in rows]
    for found, doubled in (
        (summarise(rows)["slices"], summarise(twice(rows))["slices"]),
        (compare(rows, base)["slices"], compare(twice(rows), twice(base))["slices"]),
    ):
        one, two = found["all (wer)"], doubled["all (wer)"]
        assert (one["clusters"], two["clusters"], two["utterances"]) == (12, 12, 24)
        rates = [of["systems"]["this"] if "systems" in of else of for of in (one, two)]
        for name in ("error_rate", "capped_error_rate", "difference", "capped_difference", "relative_difference"):
            assert rates[0].get(name) == pytest.approx(rates[1].get(name))


def test_points_of_one_cluster_are_drawn_without_an_interval():
    rows = [
        rendered(str(index), "noise", severity=0.1 + 0.8 * (index % 2), edits=index % 3, answer="one sentence")
        for index in range(8)
    ]
    (curves,) = curves_of(line_up(rows, {}))
    assert [point.rates["base"].low for point in curves.points] == [None, None]
    (curves,) = curves_of(line_up(rows, {}), cluster="row")
    assert all(point.rates["base"].low is not None for point in curves.points)


def test_the_commands_say_and_take_the_clusters(tmp_path):
    rows = [row(f"{index}.wav", index % 3, answer=f"word {index // 2}", speaker=f"s{index % 5}") for index in range(20)]
    for name in ("base", "out"):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    for command in (["compare", "base.jsonl", "x=out.jsonl"], ["eval", "base.jsonl", "out.jsonl", "--reuse"]):
        found = megaasr(*command, cwd=tmp_path)
        assert found.returncode == 0, found.stderr
        line = "bootstrap over 10 clusters by sentence (reference or source; 5 by speaker are fewer than 10)"
        assert line in found.stdout
        by_speaker = json.loads(megaasr(*command, "--cluster", "speaker", "--json", cwd=tmp_path).stdout)
        found = by_speaker.get("summary", by_speaker)
        assert found["clusters"] == {"field": "speaker", "reason": "as given", "count": 5}
        assert found["slices"]["all (wer)"]["clusters"] == 5
