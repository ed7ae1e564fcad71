"""Of the hypotheses of a beam search, the one with the fewest expected errors."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from megaasr import DecodingOptions
from megaasr_plugins.backends import whisper_generation
from megaasr_plugins.backends.whisper_beams import least_expected_errors

TEXTS = st.lists(st.text("ab ", max_size=6), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("texts", "logprobs", "chosen"),
    [
        (["one two", "three"], [-1.0, -2.0], 0),
        (["one two", "One, two!", "three"], [-1.2, -1.3, -1.0], 0),  # the two are the same words
        (["a b c", "a b d", "a x d"], [-1.0, -1.1, -1.2], 1),  # between the others
        (["a b c", "a b d", "a x d"], [-1.0, -4.0, -5.0], 0),
        (["no no no no no no no no no no", "no"], [-0.1, -5.0], 1),  # a loop
        (["", "hello"], [-0.2, -3.0], 0),
    ],
)
def test_the_one_with_the_fewest_expected_errors_is_chosen(texts, logprobs, chosen):
    assert least_expected_errors(texts, logprobs, "en", [False] * len(texts)) == chosen


def test_one_that_does_not_end_is_left_out_unless_all_are_so():
    assert least_expected_errors(["a b", "c"], [-0.1, -3.0], "en", [True, False]) == 1
    assert least_expected_errors(["a b", "c"], [-0.1, -3.0], "en", [True, True]) == 0


def test_chinese_is_compared_by_its_characters():
    assert least_expected_errors(["你好吗", "你好马", "你号马"], [-1.0, -1.1, -1.2], "zh", [False] * 3) == 1


@given(texts=TEXTS, data=st.data())
def test_the_choice_is_the_minimum_of_the_written_out_sum(texts, data):
    logprobs = data.draw(st.lists(st.floats(-30, 0), min_size=len(texts), max_size=len(texts)))
    number = least_expected_errors(texts, logprobs, "en", [False] * len(texts))
    total = sum(math.exp(one) for one in logprobs)
    risks = [
        sum(
            math.exp(logprob) / total * Levenshtein.distance(text.split(), other.split())
            for other, logprob in zip(texts, logprobs, strict=True)
        )
        for text in texts
    ]
    assert risks[number] == pytest.approx(min(risks), abs=1e-6)


@pytest.mark.slow
def test_beams_give_the_same_in_any_batch(tiny, clips):
    options = DecodingOptions(num_beams=4)
    batch = tiny.transcribe(clips, options)
    assert [one.text for one in batch] == [tiny.transcribe([clip], options)[0].text for clip in clips]
    assert all(one.num_tokens == len(one.token_logprobs) for one in batch)
    assert batch[0].mean_logprob is not None


@pytest.mark.slow
def test_a_first_bound_on_the_beams_changes_no_token(tiny, clips, noise_clips, monkeypatch):
    """Most of these rows end within the first bound, and some do not."""
    options, batch = DecodingOptions(num_beams=3), [*clips[:4], *noise_clips]
    calls = []
    within = whisper_generation._beams_within
    monkeypatch.setattr(whisper_generation, "_beams_within", lambda *args: calls.append(args[3]) or within(*args))
    texts = {}
    for first in (4, 32, 1000):
        monkeypatch.setattr(whisper_generation, "ROUND_TOKENS", first)
        calls.clear()
        texts[first] = [(one.text, one.token_ids) for one in tiny.transcribe(batch, options)]
        assert all(len(bounds) <= len(batch) for bounds in calls)
        again = [bounds for bounds in calls if len(bounds) < len(batch)]
        assert bool(again) or first == 1000
    assert texts[4] == texts[32] == texts[1000]
