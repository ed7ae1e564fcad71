"""Which rows and lines are pairs: names, references, languages and conditions agree, in any order."""

import json
import random

import pytest

from megaasr_core.base.errors import ManifestError
from megaasr_plugins.evaluation.paired_texts import paired_lines
from megaasr_plugins.evaluation.pairing import check_comparable, paired, utterance_of
from tests.command_line import megaasr, refused
from tests.plugins.evaluation.test_slicing import row

FILES = ("hyp.txt", "ref.txt")


def results(**fields):
    return [row(f"{name}.wav", answer=f"words of {name}", audio_s=2.0, **fields) for name in "abcd"]


def changed(place, **fields):
    rows = results()
    rows[place] = {**rows[place], **fields}
    return rows


def test_files_in_another_order_are_paired_by_recording():
    base, shuffled = results(), results(prediction="x")
    random.Random(1).shuffle(shuffled)
    base_rows, systems = paired(base, {"this": shuffled})
    assert [one["audio"] for one in base_rows] == [one["audio"] for one in systems["this"]]
    assert [one["audio"] for one in base_rows] == [one["audio"] for one in shuffled]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"answer": "other words"}, r"b\.wav: the references differ, 'other words' and 'words of b'"),
        ({"language": "de"}, r"b\.wav: decoded and scored as de and as en; evaluate both again"),
        ({"metric": "cer"}, r"b\.wav: scored by cer and by wer; evaluate both again"),
        ({"ref_len": 9}, r"b\.wav: scored against references of different length"),
        ({"audio_s": 2.5}, r"b\.wav: lasts 2\.5 s and 2 s: two recordings of one name"),
    ],
)
@pytest.mark.parametrize("other_way", [False, True])
def test_rows_of_one_name_that_are_not_one_utterance_are_refused(fields, message, other_way):
    one, other = changed(1, **fields), results()
    with pytest.raises(ManifestError, match=r"^b\.wav: " if other_way else message):
        paired(one, {"this": other}) if other_way else paired(other, {"this": one})


@pytest.mark.parametrize(
    ("field", "value", "other"),
    [("id", "b-1", "b-2"), ("scenario", "noise", "far_field"), ("severity", 0.5, 0.6), ("snr_db", 3.0, 2.0)],
)
def test_two_renderings_of_one_name_are_refused(field, value, other):
    with pytest.raises(ManifestError, match=rf"c\.wav: {field} .*: two recordings of one name"):
        paired(changed(2, **{field: value}), {"this": changed(2, **{field: other})})


def test_normalisers_of_two_versions_are_refused():
    one, other = results(normaliser="english 1"), results(normaliser="english 2")
    with pytest.raises(ManifestError, match=r"a\.wav: scored by english 2 and by english 1; evaluate both again"):
        paired(one, {"this": other})
    assert len(paired(one, {"this": results(normaliser="english 1")})[0]) == 4


@pytest.mark.parametrize("other_way", [False, True])
def test_results_of_versions_that_named_no_normaliser_pair_with_those_that_name_it(other_way):
    named, unnamed = changed(1, normaliser="english 2"), results()
    one, other = (named, unnamed) if other_way else (unnamed, named)
    assert len(paired(one, {"this": other})[0]) == 4


def test_the_same_words_written_otherwise_and_a_language_by_its_name_are_no_difference():
    manifest = [{"audio": "a.wav", "answer": "Words, of A!", "language": "en"}, *results()[1:]]
    check_comparable(manifest, results())


def test_a_manifest_is_compared_with_the_base_before_the_work():
    manifest = [{"audio": f"{name}.wav", "text": f"words of {name}"} for name in "abcd"]
    check_comparable(manifest, results())
    manifest[3]["text"] = "another text"
    with pytest.raises(ManifestError, match=r"d\.wav: the references differ"):
        check_comparable(manifest, results())


def test_parts_of_one_recording_are_utterances_of_their_own():
    parts = [row("a.wav", offset=start, duration=1.5) for start in (0.0, 1.5)]
    assert [utterance_of(one) for one in parts] == ["a.wav[0:1.5]", "a.wav[1.5:3]"]
    assert len(paired(parts, {"this": parts[::-1]})[0]) == 2


def test_a_recording_that_occurs_twice_is_named_with_its_rows_and_file():
    twice = [*results(), results()[1]]
    with pytest.raises(ManifestError, match=r"^the base: utterance b\.wav occurs twice, in rows 2 and 5"):
        paired(twice, {"x": results(), "y": results()})
    with pytest.raises(ManifestError, match=r"^y: utterance b\.wav occurs twice, in rows 2 and 5"):
        paired(results(), {"x": results(), "y": twice})


def test_compare_refuses_in_one_line(tmp_path):
    for name, rows in (("base", results()), ("other", changed(1, answer="other words"))):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    line = refused("compare", "base.jsonl", "x=other.jsonl", cwd=tmp_path)
    assert "b.wav: the references differ, 'other words' and 'words of b'" in line


def test_lines_with_ids_are_paired_by_id_and_the_ids_are_no_words():
    heard, said = ["b c (u-2)", "(u-3)", "a (u-1)"], ["a (u-1)", "b d (u-2)", "e (u-3)"]
    assert paired_lines(heard, said, FILES) == [
        ("line 1 (u-1)", "a", "a"),
        ("line 2 (u-2)", "b c", "b d"),
        ("line 3 (u-3)", "", "e"),
    ]


@pytest.mark.parametrize(
    ("heard", "said", "message"),
    [
        (["a (u1)", "b (u1)"], ["a (u1)", "b (u2)"], r"^hyp\.txt: id u1 occurs twice, in lines 1 and 2"),
        (["a (u1)", "b (u3)"], ["a (u1)", "b (u2)"], r"^ref\.txt: lacks id u3 of hyp\.txt, and 0 more"),
        (["a (u1)"], ["a (u1)", "b (u2)"], r"^hyp\.txt: lacks id u2 of ref\.txt, and 0 more"),
        (["a (u1)", "b (u2)"], ["a", "b"], r"^hyp\.txt: every line ends in an id in parentheses, and in ref\.txt not"),
        (["u2 b", "u1 a"], ["u1 a", "u2 b"], r"^line 1: hyp\.txt begins with u2 and ref\.txt with u1: the same ids"),
        (["u1 a", "u3 c", "u2 b"], ["u1 a", "u2 b", "u3 c"], r"^line 2: hyp\.txt begins with u3 and ref\.txt with u2"),
        (["a"], ["a", "b"], r"hyp\.txt has 1 lines and ref\.txt has 2"),
    ],
)
def test_lines_that_are_no_pairs_are_refused(heard, said, message):
    with pytest.raises(ManifestError, match=message):
        paired_lines(heard, said, FILES)


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (["yes (laughs)", "no (laughs)"], ["no (laughs)", "no (laughs)"]),
        (["10 cats", "20 cats"], ["10 dogs", "20 dogs"]),
        (["the cat", "a dog"], ["a cat", "the dog"]),
        (["", ""], ["a 1", "b 2"]),
        (["2 a", "2 b"], ["2 a", "2 c"]),
        ([], []),
    ],
)
def test_plain_lines_are_paired_by_number(heard, said):
    pairs = zip(heard, said, strict=True)
    assert paired_lines(heard, said, FILES) == [(f"line {n}", h, r) for n, (h, r) in enumerate(pairs, start=1)]


def test_reward_pairs_by_id(tmp_path):
    (tmp_path / "hyp.txt").write_text("b (u2)\na (u1)\n")
    (tmp_path / "ref.txt").write_text("a (u1)\nb (u2)\n")
    found = megaasr(
        "reward", "--hyp", "hyp.txt", "--ref", "ref.txt", "--reward", "wer_accuracy", "--json", cwd=tmp_path
    )
    assert json.loads(found.stdout)["mean"] == {"wer_accuracy": 1.0}
