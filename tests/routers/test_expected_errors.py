"""The regression of second_opinion: its features, its fit, its file."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr import AdapterError, Transcript
from megaasr_routers.expected_errors import (
    FEATURES,
    ExpectedErrors,
    features,
    fit,
    read_expected_errors,
    to_json,
)

WORDS = ("one two three", "one two", "a", "four words are here")


def heard(text="one two", logprob=-0.5):
    return Transcript(text, "en", logprob, 3)


def test_the_features_are_those_of_the_docstring():
    found = features(heard("one two three", -0.4), heard("one", -1.2), 2.0)
    longer = np.log(4 / 2)
    assert found == pytest.approx([1.0, 0.8, -0.2, longer, -0.2 * longer, 1.5 / 2.5 - 1, 0.5 / 2.5 - 1])
    assert len(found) == len(FEATURES)


def test_without_a_log_probability_nothing_is_known():
    assert features(heard(logprob=None), heard(), 1.0) is None
    assert ExpectedErrors((9.0,) * 7).p_adapter(heard(), heard(logprob=None), 1.0) == 0.5


@given(
    weights=st.lists(st.floats(-1e6, 1e6), min_size=7, max_size=7),
    logprobs=st.tuples(st.floats(-20, 0), st.floats(-20, 0)),
    texts=st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)),
    duration_s=st.floats(0, 1e4),
)
def test_a_probability_lies_between_0_and_1(weights, logprobs, texts, duration_s):
    pair = [heard(text, logprob) for text, logprob in zip(texts, logprobs, strict=True)]
    assert 0.0 <= ExpectedErrors(tuple(weights)).p_adapter(*pair, duration_s) <= 1.0


def test_a_fit_finds_what_decides():
    rng = np.random.default_rng(3)
    pairs = [(heard(logprob=-rng.uniform(0, 2)), heard(logprob=-rng.uniform(0, 2))) for _ in range(300)]
    saved = [round(4 * (adapter.mean_logprob - base.mean_logprob)) for adapter, base in pairs]
    model = fit([features(*pair, 1.0) for pair in pairs], saved)
    chosen = [model.p_adapter(*pair, 1.0) >= 0.5 for pair in pairs]
    wrong = sum(abs(errors) for errors, adapter in zip(saved, chosen, strict=True) if adapter != (errors > 0))
    assert wrong < 0.02 * sum(map(abs, saved))
    assert max(model.weights) == model.weights[FEATURES.index("surer")]


def test_an_example_counts_as_often_as_it_has_errors():
    same = [np.eye(1, len(FEATURES))[0]] * 4
    assert fit(same, [1, 1, 1, -4]).weights[0] < 0 < fit(same, [1, 1, 1, -2]).weights[0]
    with pytest.raises(ValueError, match="different numbers of errors"):
        fit(same, [0, 0, 0, 0])


def test_a_file_is_read_as_it_was_written(tmp_path):
    model = ExpectedErrors((0.5, -1.25, 2.0, 0.0, 1.0, -0.125, 3.0), 12)
    path = tmp_path / "opinion.json"
    path.write_text(json.dumps(to_json(model)))
    assert read_expected_errors(path) == model


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "opinion.json"),
        ("[]", "no weights of second_opinion"),
        (json.dumps({**to_json(ExpectedErrors((1.0,) * 7)), "version": 1}), "version"),
        (json.dumps({**to_json(ExpectedErrors((1.0,) * 7)), "weights": [1.0]}), "1 weights of bias, surer"),
        (json.dumps({**to_json(ExpectedErrors((1.0,) * 7)), "features": ["x"]}), "expected bias, surer"),
        (None, "No such file"),
    ],
)
def test_another_file_is_one_line(tmp_path, content, reason):
    path = tmp_path / "opinion.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(AdapterError, match=reason) as caught:
        read_expected_errors(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
