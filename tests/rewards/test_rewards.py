"""The terms by hand-reckoned examples and by the properties that their formulae have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr import RewardSample, installed_plugins

REWARDS = installed_plugins().rewards
WORDS = st.lists(st.sampled_from(["cat", "cats", "dog", "house", "on"]), max_size=8).map(" ".join)


def score(name, hypothesis, reference, language="en", **settings):
    return REWARDS[name].create(settings).score([RewardSample(hypothesis, reference, language)])[0]


@pytest.mark.parametrize(
    ("name", "hypothesis", "reference", "expected"),
    [
        # WER above 1: three insertions and a substitution for one word.
        ("wer_accuracy", "w x y z", "a", -3.0),
        ("wer_accuracy", "", "a b", 0.0),
        ("wer_accuracy", "", "", 1.0),
        ("wer_accuracy", "x y z", "", -2.0),
        ("wer_accuracy", "A, b!", "a b", 1.0),
        # One hit, one soft (cats for cat: 1 - 1/4), one hard (dog for house), one missing.
        ("token_refinement", "on cats dog", "on cat house on", 1 / (1 + 2 + 0.4)),
        ("token_refinement", "", "a b", 0.0),
        ("token_refinement", "", "", 1.0),
        ("token_refinement", "x y", "", 0.0),
        # LCS 2 of 4, lengths 6 and 4.
        ("sentence_reconstruction", "x a x x c x", "a b c d", 0.5 * 2 / 4 + 0.5 * (1 - 2 / 4)),
        ("sentence_reconstruction", "x " * 9, "a b", 0.0),
        ("sentence_reconstruction", "", "a b", 0.0),
        ("sentence_reconstruction", "", "", 1.0),
        ("sentence_reconstruction", "x", "", 0.0),
        # WER 1/4 < 0.3: mostly the fine term; WER 2/4: mostly the structure.
        ("dual_granularity", "a b c", "a b c d", 0.75 * (3 / 4) + 0.25 * (0.5 * 3 / 4 + 0.5 * 3 / 4)),
        ("dual_granularity", "a b", "a b c d", 0.25 * (2 / 4) + 0.75 * (0.5 * 2 / 4 + 0.5 * 2 / 4)),
        ("dual_granularity", "", "a b", 0.0),
        # An insertion at the beginning and one at the end of four words.
        ("invention", "x a b c d y", "a b c d", 4 / 6),
        ("invention", "a x", "a b c d", 1.0),
        ("invention", "", "a b", 1.0),
        ("invention", "", "", 1.0),
        ("invention", "x y z", "", 1 / 4),
        ("invention", "thank you " * 40, "yes", 1 / 80),
        ("dg_wgpo", "a b c d", "a b c d", 1.0),
        ("dg_wgpo", "", "a b", 0.0),
        ("dg_wgpo", "", "", 1.0),
        ("dg_wgpo", "a b", "a b c d", 0.4 * 0.5 + 0.6 * 0.5),
    ],
)
def test_examples_reckoned_by_hand(name, hypothesis, reference, expected):
    assert score(name, hypothesis, reference) == pytest.approx(expected, abs=1e-7)


def test_a_loop_takes_the_static_part_away_and_leaves_the_dynamic_one():
    looped, reference = "come on " * 3, "come on"
    assert score("anti_repetition", looped, reference) == 0.0
    assert score("dg_wgpo", looped, reference) == pytest.approx(0.6 * score("dual_granularity", looped, reference))


def test_the_gate_turns_at_tau():
    pair = ("a b c x", "a b c d")  # WER 1/4, one hard substitution: R_fine 3/4, R_struc 7/8
    fine, structure = 3 / 4, 0.5 * 3 / 4 + 0.5
    assert score("dual_granularity", *pair, tau=0.26) == pytest.approx(0.75 * fine + 0.25 * structure, abs=1e-7)
    assert score("dual_granularity", *pair, tau=0.25) == pytest.approx(0.25 * fine + 0.75 * structure, abs=1e-7)
    assert score("dg_wgpo", *pair, tau=0.25) == pytest.approx(
        0.4 * 0.75 + 0.6 * (0.25 * fine + 0.75 * structure), abs=1e-7
    )


def test_settings_reach_the_formula():
    assert score("wer_accuracy", "w x y z", "a", floor=-1.0) == -1.0
    assert score("token_refinement", "cats", "cat", soft_weight=1.0) == pytest.approx(0.0)
    assert score("token_refinement", "on cats", "on cat", soft_weight=0.0) == pytest.approx(1.0)
    assert score("token_refinement", "on cats", "on cat", min_similarity=0.8) == pytest.approx(0.5)
    assert score("anti_repetition", "no no", None, min_repeats_word=2, min_repeated_tokens=2) == 0.0
    only_dynamic = score("dg_wgpo", "on cats", "on cat", dynamic_weight=1.0)
    assert only_dynamic == score("dual_granularity", "on cats", "on cat")


def test_the_composed_reward_has_every_field_of_its_terms_with_the_same_default():
    composed = REWARDS["dg_wgpo"].model_fields
    for term in ("wer_accuracy", "anti_repetition", "dual_granularity"):
        for name, field in REWARDS[term].model_fields.items():
            assert (composed[name].default, composed[name].metadata) == (field.default, field.metadata), name


@pytest.mark.parametrize(
    ("term", "field", "value", "hypothesis", "reference"),
    [
        ("wer_accuracy", "floor", -0.5, "w x y z", "a"),
        ("dual_granularity", "major", 0.9, "on cats", "on cat"),
        ("dual_granularity", "min_similarity", 0.9, "on cats", "on cat"),
        ("anti_repetition", "max_ngram", 1, "come on " * 3, "come on"),
        ("anti_repetition", "min_repeats_word", 3, "no no no x y z", "no"),
        ("anti_repetition", "min_repeats_ngram", 4, "come on " * 3, "come on"),
        ("anti_repetition", "min_repeated_tokens", 7, "come on " * 3, "come on"),
    ],
)
def test_each_field_of_a_term_reaches_it_through_the_composed_reward(term, field, value, hypothesis, reference):
    settings = {field: value}
    if field == "min_repeats_word":
        settings["min_repeated_tokens"] = 3
    found = score("dg_wgpo", hypothesis, reference, **settings)
    parts = {name: score(name, hypothesis, reference) for name in ("wer_accuracy", "anti_repetition")}
    parts["dual_granularity"] = score("dual_granularity", hypothesis, reference)
    before = 0.4 * parts["anti_repetition"] * parts["wer_accuracy"] + 0.6 * parts["dual_granularity"]
    parts[term] = score(term, hypothesis, reference, **settings)
    assert found == pytest.approx(
        0.4 * parts["anti_repetition"] * parts["wer_accuracy"] + 0.6 * parts["dual_granularity"]
    )
    assert found != pytest.approx(before)


SAID = "please close the door"
LOOP = "thank you " * 40


@pytest.mark.parametrize(
    "invention", ["i am going to the hospital now", "i'm going to go to the hospital", "uh so he said he went home"]
)
def test_a_floor_of_zero_ranks_a_loop_below_a_shorter_invention(invention):
    assert score("dg_wgpo", invention, SAID) < score("dg_wgpo", LOOP, SAID)  # the paper's formula, as documented
    assert score("dg_wgpo", invention, SAID, floor=0.0) >= score("dg_wgpo", LOOP, SAID, floor=0.0)


PHRASE = st.lists(st.sampled_from(["qqqq", "zzzz", "a"]), min_size=1, max_size=3)


@given(st.data(), st.lists(st.sampled_from(["a", "bk", "ck"]), max_size=7), PHRASE, st.integers(1, 8))
def test_with_a_floor_repetitions_never_raise_the_score(data, reference, phrase, copies):
    # Behind a right beginning, in a hypothesis that is no shorter than the reference: each new token is an insertion.
    right = data.draw(st.integers(0, len(reference)))
    if right < len(reference):
        phrase = ["qqqq" if word == "a" else word for word in phrase]
    hypothesis = reference[:right] + ["qqqq"] * (len(reference) - right)
    texts = [" ".join(hypothesis + phrase * count) for count in (0, copies, 2 * copies, 4 * copies)]
    scores = [score("dg_wgpo", text, " ".join(reference), floor=0.0) for text in texts]
    assert scores == sorted(scores, reverse=True)


def test_similarity_one_half_is_soft_and_less_is_hard():
    assert score("token_refinement", "on ab", "on ax") == pytest.approx(1 / 1.4)
    assert score("token_refinement", "on abc", "on axy") == pytest.approx(1 / 2)


@given(WORDS, WORDS, st.integers(0, 9))
def test_each_invented_word_lowers_the_score_however_many_there_are(hypothesis, reference, more):
    texts = [f"{hypothesis} {'qqqq ' * (len(reference.split()) + count)}" for count in (more, more + 1)]
    assert 1.0 >= score("invention", texts[0], reference) > score("invention", texts[1], reference) > 0.0


def test_chinese_is_scored_by_character():
    assert score("invention", "你们好世界", "你好世界", "zh") == 4 / 5
    assert score("wer_accuracy", "你好", "你好世界", "zh") == 0.5
    assert score("token_refinement", "你好是界", "你好世界", "zh") == pytest.approx(3 / 4)
    assert score("anti_repetition", "好的好的好的", None, "zh") == 0.0


@pytest.mark.parametrize("name", [name for name in REWARDS if name != "anti_repetition"])
def test_a_reward_that_needs_the_reference_abstains_without_it(name):
    assert score(name, "words", None) is None


@given(WORDS, WORDS)
def test_bounds_and_formulae_hold_for_any_pair(hypothesis, reference):
    found = {name: score(name, hypothesis, reference) for name in REWARDS}
    for name, value in found.items():
        low, high = REWARDS[name].bounds
        assert low <= value <= high + 1e-9
    gate = found["wer_accuracy"] > 0.7  # WER below 0.3
    weight = 0.75 if gate else 0.25
    dynamic = weight * found["token_refinement"] + (1 - weight) * found["sentence_reconstruction"]
    assert found["dual_granularity"] == pytest.approx(dynamic)
    static = found["anti_repetition"] * found["wer_accuracy"]
    assert found["dg_wgpo"] == pytest.approx(0.4 * static + 0.6 * dynamic)


@given(WORDS.filter(bool))
def test_nothing_beats_the_reference_itself(reference):
    for name in REWARDS:
        if name != "anti_repetition":
            assert score(name, reference, reference) >= score(name, reference + " x", reference)
