import jiwer
from hypothesis import given
from hypothesis import strategies as st

from megaasr.library.alignment import align
from tests.core.stated_rule import by_the_stated_rule

tokens = st.lists(st.sampled_from("abc"), max_size=9)


@given(tokens, tokens)
def test_ties_are_broken_by_the_stated_rule(reference, hypothesis):
    assert align(reference, hypothesis).pairs == by_the_stated_rule(reference, hypothesis)


@given(st.lists(st.sampled_from("abcdefgh"), max_size=90), st.lists(st.sampled_from("abcdefgh"), max_size=90))
def test_the_rule_holds_beyond_one_machine_word(reference, hypothesis):
    assert align(reference, hypothesis).pairs == by_the_stated_rule(reference, hypothesis)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=9), tokens)
def test_counts_are_jiwers(reference, hypothesis):
    ours, theirs = align(reference, hypothesis), jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    assert (ours.hits, ours.substitutions) == (theirs.hits, theirs.substitutions)
    assert (ours.deletions, ours.insertions) == (theirs.deletions, theirs.insertions)
    assert abs(ours.wer - theirs.wer) < 1e-12


@given(tokens, tokens)
def test_an_alignment_holds_both_sides_in_order(reference, hypothesis):
    found = align(reference, hypothesis)
    assert [r for _, r, _ in found.pairs if r is not None] == reference
    assert [h for _, _, h in found.pairs if h is not None] == hypothesis
    assert found.num_edits == found.substitutions + found.deletions + found.insertions
    assert found.ref_len == len(reference)


def test_an_empty_reference_counts_insertions():
    assert align([], ["a", "b"]).wer == 2.0
    assert align([], []).wer == 0.0
    assert align(["a"], ["b", "c", "d"]).wer == 3.0
