import json

import numpy as np
import pytest

from megaasr import Audio, Reviewed, Transcript, Utterance, installed_plugins
from megaasr_core.base.errors import ParameterError
from megaasr_routers.expected_errors import FEATURES, ExpectedErrors, features, read_expected_errors, to_json

AUDIO = Utterance(Audio(np.zeros(16_000, np.float32), 16_000))
LOOP = "the end of " * 40


@pytest.fixture
def router():
    return installed_plugins().routers["second_opinion"].create()


def base(text="fine words", logprob=-0.2, *flags):
    return Reviewed(AUDIO, Transcript(text, "en", logprob, 3, flags=flags))


def adapted(text="fine words", logprob=-0.2, *flags):
    return Reviewed(AUDIO, Transcript(text, "en", logprob, 3, flags=flags, adapter="robust"))


@pytest.mark.parametrize(
    ("transcript", "reason"),
    [
        (("fine words", -0.8), None),
        (("fine words", None), None),
        (("fine words", -0.81), "unsure: mean log-probability -0.81"),
        (("", -0.1, "empty"), "empty"),
        (("", -0.1, "empty", "silent"), None),
        (("you", -3.0, "silent"), None),
        (("again and again", -0.1, "repetitive"), "astray"),
        ((LOOP, -0.1), "astray"),
        (("cut off", -0.1, "truncated"), "astray"),
    ],
)
def test_the_other_one_is_asked_where_the_first_is_not_sure(router, transcript, reason):
    for first, other in ((base, "robust"), (adapted, None)):
        (again,) = router.review([first(*transcript)])
        if reason is None:
            assert again is None
        else:
            assert again.adapter == other
            assert again.reason == f"second opinion, the first was {reason}"


@pytest.mark.parametrize(
    ("of_base", "of_adapter", "kept"),
    [
        ((LOOP, -0.1), ("one two", -3.0), "adapter"),
        (("one two three", -3.0), (LOOP, -0.1), "base"),
        (("one two", -0.3, "truncated"), (LOOP, -0.1), "base"),  # both astray: the shorter
        (("please call me back", -1.6), ("", -1.4), "base"),
        (("", -0.2), ("please call me back", -1.6), "adapter"),
        (("", -0.2), (LOOP, -0.1), "base"),
        (("one two three", -2.4), ("one two four", -0.4), "adapter"),
        (("one two three", -0.4), ("one two four", -2.4), "base"),
        (("one two", None), ("one two three", -3.0), "adapter"),  # without a log-probability: 0.5
    ],
)
def test_of_two_the_better_is_kept_whichever_came_first(router, of_base, of_adapter, kept):
    one, other = base(*of_base), adapted(*of_adapter)
    assert router.keep_second([one], [other]) == [kept == "adapter"]
    assert router.keep_second([other], [one]) == [kept == "base"]


def test_equal_words_leave_the_first(router):
    assert router.keep_second([base(logprob=-2.0)], [adapted(logprob=-0.1)]) == [False]
    assert router.keep_second([adapted(logprob=-2.0)], [base(logprob=-0.1)]) == [False]


def test_the_words_of_chinese_are_its_characters(router):
    short, long = Transcript(LOOP, "zh", -2.0, 3), Transcript("你好世界", "zh", -2.0, 3, adapter="robust")
    assert router.keep_second([Reviewed(AUDIO, short)], [Reviewed(AUDIO, long)]) == [True]
    adapter, other = (Transcript(text, "zh", -1.0, 3) for text in ("你好世界", "你好"))
    assert features(adapter, other, 1.0)[3] == pytest.approx(np.log(5 / 3))


def test_its_settings_are_bounded_and_change_what_is_asked(router):
    assert type(router).create({"sure_logprob": -2.0}).review([base(logprob=-1.0)]) == [None]
    with pytest.raises(ParameterError, match=r"sure_logprob = 0\.5"):
        type(router).create({"sure_logprob": 0.5})
    with pytest.raises(ParameterError, match="did you mean 'sure_logprob'"):
        type(router).create({"sure_logprop": -1.0})


def test_its_settings_are_those_of_its_file_unless_they_are_named(router, tmp_path):
    chosen = ExpectedErrors((0.0,) * len(FEATURES), 7, threshold=0.25, sure_logprob=-1.2)
    file = tmp_path / "opinion.json"
    file.write_text(json.dumps(to_json(chosen)))
    assert read_expected_errors(file) == chosen
    made = type(router).create({"opinion": str(file)})
    assert (made.adapter_from(), made.sure_from()) == (0.25, -1.2)
    made = type(router).create({"opinion": str(file), "threshold": 0.75, "sure_logprob": -0.3})
    assert (made.adapter_from(), made.sure_from()) == (0.75, -0.3)
    file.write_text(json.dumps({**to_json(chosen), "threshold": None}))
    made = type(router).create({"opinion": str(file)})
    assert made.adapter_from() == made.load().threshold


def test_the_sound_routes_first_as_audio_quality_does(router):
    plain = installed_plugins().routers["audio_quality"].create()
    router = type(router).create({"threshold": plain.load().threshold})
    noise = Utterance(Audio(np.random.default_rng(0).uniform(-0.3, 0.3, 32_000).astype(np.float32), 16_000))
    assert router.route([AUDIO, noise]) == plain.route([AUDIO, noise])
