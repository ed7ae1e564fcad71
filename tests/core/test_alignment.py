import jiwer
from hypothesis import given
from hypothesis import strategies as st

from megaasr.library.alignment import align

tokens = st.lists(st.sampled_from("abc"), max_size=9)


def distances(reference, hypothesis):
    table = [[i + j if i * j == 0 else 0 for j in range(len(hypothesis) + 1)] for i in range(len(reference) + 1)]
    for i, r in enumerate(reference, start=1):
        for j, h in enumerate(hypothesis, start=1):
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (r != h))
    return table


def by_the_stated_rule(reference, hypothesis):
    """The alignment by the tie rule of `align`, worked out on the whole table."""
    begin = 0
    while begin < min(len(reference), len(hypothesis)) and reference[begin] == hypothesis[begin]:
        begin += 1
    end = 0
    while end < min(len(reference), len(hypothesis)) - begin and reference[-1 - end] == hypothesis[-1 - end]:
        end += 1
    r, h = reference[begin : len(reference) - end], hypothesis[begin : len(hypothesis) - end]
    table = distances(r, h)
    i, j, walked = len(r), len(h), []
    while i or j:
        if i and table[i - 1][j] + 1 == table[i][j]:
            i -= 1
            walked.append(("deletion", r[i], None))
        elif j and (i == 0 or table[i][j - 1] < table[i - 1][j - 1]):
            j -= 1
            walked.append(("insertion", None, h[j]))
        else:
            i, j = i - 1, j - 1
            walked.append(("hit" if r[i] == h[j] else "substitution", r[i], h[j]))
    hits = [("hit", token, token) for token in reference]
    return (*hits[:begin], *reversed(walked), *hits[len(reference) - end :])


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
