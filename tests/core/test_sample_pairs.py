"""Compared pairs: the counts are those of the public alignment, and nothing depends on what was asked before."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import LCSseq, Levenshtein

from megaasr import RewardSample, align, pairs_of, tokenise
from megaasr.library import sample_pairs

TEXTS = st.lists(st.sampled_from(["ab", "abc", "xbc", "xy"]), max_size=9).map(" ".join)


def stated(sample):
    """The pair by the public functions, one field after the other."""
    reference, hypothesis = tokenise(sample.reference, sample.language), tokenise(sample.hypothesis, sample.language)
    aligned = align(reference, hypothesis)
    substituted = [(r, h) for name, r, h in aligned.pairs if name == "substitution"]
    return {
        **{"hits": aligned.hits, "insertions": aligned.insertions, "num_edits": aligned.num_edits},
        "similarities": tuple(1 - Levenshtein.distance(r, h) / max(len(r), len(h)) for r, h in substituted),
        "lcs": LCSseq.similarity(reference, hypothesis),
        **{"ref_len": len(reference), "hyp_len": len(hypothesis), "wer": aligned.wer},
    }


def assert_as_stated(pair, sample):
    for name, value in stated(sample).items():
        assert getattr(pair, name) == pytest.approx(value), name


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_a_pair_has_the_counts_of_the_alignment(texts):
    batch = [RewardSample(*pair) for pair in texts]
    for sample, pair in zip(batch, pairs_of(batch), strict=True):
        assert_as_stated(pair, sample)


def test_long_pairs_follow_the_tie_rule_of_the_alignment():
    rng = random.Random(0)
    hypothesis, reference = (" ".join(rng.choice(["aa", "ab", "bb"]) for _ in range(1_100)) for _ in range(2))
    sample = RewardSample(hypothesis, reference)
    (pair,) = pairs_of([sample])
    assert pair.ref_len * pair.hyp_len > sample_pairs.CELLS
    assert_as_stated(pair, sample)


def test_languages_and_unknown_references_stand_beside_each_other():
    pairs = pairs_of(
        [RewardSample("你好", "你好世界", "zh"), RewardSample("a", None), RewardSample("你好", "你好世界", "en")]
    )
    assert [pair and (pair.hits, pair.ref_len) for pair in pairs] == [(2, 4), None, (0, 1)]
    assert pairs_of([]) == []


def test_a_batch_is_compared_once_and_kept_for_the_next_reward(monkeypatch):
    compared = []
    monkeypatch.setattr(
        sample_pairs, "_compared", lambda keys, make=sample_pairs._compared: compared.extend(keys) or make(keys)
    )
    batch = [RewardSample(f"kept {word}", "kept alpha") for word in ("alpha", "beta", "alpha", "gamma")]
    assert pairs_of(batch) == pairs_of(batch) == pairs_of(list(reversed(batch)))[::-1]
    assert sorted(key[0] for key in compared) == ["kept alpha", "kept beta", "kept gamma"]


@pytest.mark.parametrize("most", [0, 1, 3, 5])
def test_how_much_is_kept_changes_no_pair(monkeypatch, most):
    batches = [[RewardSample(f"w{number % size}", "w1 w2") for number in range(size)] for size in (4, 2, 6, 4)]
    expected = [pairs_of(batch) for batch in batches]
    monkeypatch.setattr(sample_pairs, "MOST_KEPT", most)
    monkeypatch.setattr(sample_pairs, "_KEPT", sample_pairs._Kept())
    assert [pairs_of(batch) for batch in batches] == expected
    assert len(sample_pairs._KEPT.pairs) <= most


def test_threads_share_the_pairs():
    batches = [[RewardSample(f"t{number} {size}", "t1 x") for number in range(size)] for size in range(40)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(pairs_of, batches)) == [pairs_of(batch) for batch in batches]
