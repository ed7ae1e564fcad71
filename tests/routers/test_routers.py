from dataclasses import replace

import numpy as np
import pytest

from megaasr import Audio, Reviewed, Route, Transcript, Utterance, installed_plugins
from megaasr_core.base.errors import ParameterError

AUDIO = Utterance(Audio(np.zeros(16_000, np.float32), 16_000))


@pytest.fixture
def routers():
    return installed_plugins().routers


def seen(text="fine words", logprob=-0.2, flags=(), reference=None):
    return Reviewed(replace(AUDIO, reference=reference), Transcript(text, "en", logprob, 3, flags=flags))


def test_the_constant_policies_are_constant(routers):
    assert routers["always_base"].create().route([AUDIO] * 2) == [Route(None, "base")] * 2
    robust = routers["always_robust"].create({"adapter": "mine"})
    assert [route.adapter for route in robust.route([AUDIO] * 2)] == ["mine", "mine"]
    assert robust.review([seen()]) == [None]
    assert robust.keep_second([seen()], [seen()]) == [True]


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (seen(), None),
        (seen(logprob=-1.01), "mean log-probability -1.01"),
        (seen(logprob=-1.0), None),
        (seen(logprob=None), None),
        (seen("", flags=("empty",)), "empty"),
        (seen("", flags=("empty", "silent")), None),
        (seen("you", logprob=-3.0, flags=("silent",)), None),
        (seen("la " * 60, flags=("repetitive",)), "repetitive, compression ratio"),
        (seen(flags=("truncated",)), "truncated"),
    ],
)
def test_confidence_decodes_again_where_the_base_shows_that_it_failed(routers, first, reason):
    confidence = routers["confidence"].create()
    assert confidence.route([AUDIO])[0].adapter is None
    (again,) = confidence.review([first])
    if reason is None:
        assert again is None
    else:
        assert again.adapter == "robust"
        assert reason in again.reason


def test_confidence_keeps_the_one_with_fewer_signs_then_the_surer(routers):
    confidence = routers["confidence"].create()
    failed, poor, better = seen("", -0.1, ("empty",)), seen(logprob=-2.0), seen(logprob=-1.5)
    fine = seen(logprob=-0.9)
    keep = confidence.keep_second
    assert keep([failed, poor, better, poor], [fine, better, poor, poor]) == [True, True, False, False]
    assert keep([seen(logprob=None, flags=("truncated",))], [fine]) == [True]


def test_confidence_settings_are_bounded(routers):
    with pytest.raises(ParameterError, match="min_mean_logprob = 1"):
        routers["confidence"].create({"min_mean_logprob": 1.0})
    with pytest.raises(ParameterError, match="did you mean 'min_mean_logprob'"):
        routers["confidence"].create({"min_logprob": -1.0})
    assert routers["confidence"].create({"min_mean_logprob": -3.0}).review([seen(logprob=-2.0)]) == [None]


def test_the_oracle_takes_the_transcript_with_fewer_edits(routers):
    oracle = routers["oracle"].create()
    assert oracle.needs_reference
    assert [route.adapter for route in oracle.review([seen()])] == ["robust"]
    first = [seen(text, reference="a b c") for text in ("a b", "a b c", "x y", "A, b; c!")]
    second = [seen(text, reference="a b c") for text in ("a b c", "a b", "x z", "a b c")]
    assert oracle.keep_second(first, second) == [True, False, False, False]
