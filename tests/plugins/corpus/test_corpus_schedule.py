from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from megaasr_plugins.corpus.planning.schedule import Schedule


@given(utterances=st.integers(1, 40), scenarios=st.integers(1, 60), count=st.integers(1, 300), seed=st.integers(0, 99))
def test_every_scenario_gets_its_share_and_every_recording_its_turn(utterances, scenarios, count, seed):
    schedule = Schedule(seed, utterances, scenarios)
    samples = [schedule.at(index) for index in range(count)]
    shares = Counter(dict.fromkeys(range(scenarios), 0)) | Counter(scenario for _, _, scenario in samples)
    counts = [shares[number] for number in range(scenarios)]
    assert max(counts) - min(counts) <= 1
    assert sum(counts) == count
    assert [epoch for _, epoch, _ in samples] == [index // utterances for index in range(count)]
    for epoch in range(count // utterances):
        assert sorted(one for one, its, _ in samples if its == epoch) == list(range(utterances))
    assert len({(one, epoch) for one, epoch, _ in samples}) == count, "no two samples may share a key"


def test_a_sample_does_not_depend_on_which_were_asked_for_before():
    forwards = [Schedule(5, 17, 6).at(index) for index in range(200)]
    backwards = [Schedule(5, 17, 6).at(index) for index in reversed(range(200))][::-1]
    assert forwards == backwards
    assert forwards != [Schedule(6, 17, 6).at(index) for index in range(200)]


def test_which_scenario_meets_which_recording_is_chance():
    # As many recordings as scenarios: a fixed order of either would always pair the same ones.
    size, passes = 6, 2_000
    schedule = Schedule(0, size, size)
    table = np.zeros((size, size))
    for index in range(size * passes):
        utterance, _, scenario = schedule.at(index)
        table[utterance, scenario] += 1
    expected = passes / size
    assert np.abs(table - expected).max() < 5 * np.sqrt(expected)
    assert table.sum(axis=1).tolist() == [passes] * size
