"""The tie rule of `align` at lengths at which rapidfuzz divides the table, against the plain table of distances."""

import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from megaasr.library import alignment
from megaasr.library.alignment import align
from megaasr.library.long_alignment import opcodes
from tests.core.stated_rule import by_the_stated_rule

TOKENS = st.lists(st.sampled_from("abcd"), max_size=40)


def table_of(reference, hypothesis):
    """Distances of all prefixes, row by row; an insertion chain is a running minimum."""
    numbers = {token: number for number, token in enumerate({*reference, *hypothesis})}
    columns = np.arange(len(hypothesis) + 1)
    heard = np.array([numbers[token] for token in hypothesis], dtype=np.int64)
    table = np.empty((len(reference) + 1, len(columns)), np.int16)
    table[0] = columns
    for i, token in enumerate(reference, start=1):
        above = table[i - 1]
        best = above + 1
        best[1:] = np.minimum(best[1:], above[:-1] + (heard != numbers[token]))
        table[i] = np.minimum.accumulate(best - columns) + columns
    return table


def pair(seed, length, other, alphabet="abcdefghij"):
    rng = random.Random(seed)
    return rng.choices(alphabet, k=length), rng.choices(alphabet, k=other)


def misheard(seed, length, rate):
    """A text, and the same with substitutions, deletions and insertions, each with a third of the rate."""
    rng = random.Random(seed)
    said = rng.choices([f"w{number}" for number in range(300)], k=length)
    heard = []
    for word in said:
        kind = rng.random() / rate
        heard += [] if kind < 1 / 3 else ["x"] if kind < 2 / 3 else [word, "w1"] if kind < 1 else [word]
    return said, heard


@given(TOKENS, TOKENS)
def test_the_long_trace_is_that_of_rapidfuzz_and_of_the_plain_table(reference, hypothesis):
    assert opcodes(reference, hypothesis) == Levenshtein.opcodes(reference, hypothesis).as_list()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alignment, "CELLS", -1)
        assert align(reference, hypothesis).pairs == by_the_stated_rule(reference, hypothesis, table_of)


@pytest.mark.parametrize(
    ("reference", "hypothesis"),
    [
        pytest.param(*pair(1, 1_025, 1_024), id="just beyond rapidfuzz's share"),
        pytest.param(*pair(4, 4_000, 4_000), id="4,000 random tokens, of which rapidfuzz hits two more"),
        pytest.param(*pair(3, 4_500, 700), id="most is missing"),
        pytest.param(*pair(4, 700, 4_500, "ab"), id="most is invented"),
        pytest.param(*misheard(5, 4_200, 0.6), id="60 % wrong"),
        pytest.param(["a", *pair(6, 2_000, 0)[0], "z"], ["a", *pair(7, 2_000, 0)[0], "z"], id="equal ends"),
        pytest.param(["a"] * 3_000, ["a"] * 2_000, id="one token"),
    ],
)
def test_the_rule_holds_for_thousands_of_tokens(reference, hypothesis):
    assert len(reference) * len(hypothesis) > alignment.CELLS
    assert align(reference, hypothesis).pairs == by_the_stated_rule(reference, hypothesis, table_of)


def test_ten_thousand_tokens_need_few_megabytes():
    reference, hypothesis = pair(8, 10_000, 10_000)
    tracemalloc.start()
    try:
        found = opcodes(reference, hypothesis)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2**20  # the table has 100 million cells
    assert found[-1][2] == found[-1][4] == 10_000
    edits = sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in found if tag != "equal")
    assert edits == Levenshtein.distance(reference, hypothesis)


def test_equal_texts_and_empty_ones_have_one_run_or_none():
    assert opcodes([], []) == []
    assert opcodes("abc", "abc") == [("equal", 0, 3, 0, 3)]
    assert opcodes("ab", "") == [("delete", 0, 2, 0, 0)]
    assert opcodes("", "ab") == [("insert", 0, 0, 0, 2)]
