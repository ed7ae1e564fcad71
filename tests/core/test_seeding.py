import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from megaasr_core.base.seeding import SampleKey

PINNED = [1225799549, 2763753667, 4279738438, 3933139105]

keys = st.tuples(st.integers(-5, 2**40), st.text(max_size=8), st.integers(0, 5), st.text(max_size=4), st.integers(0, 9))


def draw(key) -> float:
    seed, utterance, epoch, place, position = key
    return float(SampleKey(seed, utterance, epoch).rng(place, position).random())


@given(keys)
def test_equal_keys_draw_equal_numbers(key):
    assert draw(key) == draw(key)


@given(keys, keys)
def test_different_keys_draw_different_numbers(one, other):
    assert (draw(one) == draw(other)) == (one == other)


def test_the_parts_of_a_key_do_not_run_into_each_other():
    assert SampleKey(1, "23").rng().random() != SampleKey(12, "3").rng().random()
    assert SampleKey(1, "a").rng("bc").random() != SampleKey(1, "a").rng("b", "c").random()


def test_the_stream_is_pinned_so_that_recipes_replay_on_every_machine():
    drawn = SampleKey(1, "utt-7", 2).rng("render", 3).integers(0, 2**32, 4).tolist()
    assert drawn == PINNED


def test_no_global_random_state_is_touched():
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    SampleKey(1, "a").rng("b").random()
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_neighbouring_keys_are_not_correlated():
    rows = np.stack([SampleKey(seed, "a").rng().standard_normal(20_000) for seed in range(8)])
    correlation = np.corrcoef(rows) - np.eye(8)
    assert np.max(np.abs(correlation)) < 0.04
