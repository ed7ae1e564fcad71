import numpy as np
import pytest

from megaasr import Audio, Reviewed, Transcript, Utterance, installed_plugins
from megaasr_core.base.errors import ParameterError

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
        (("one two", -1.0), ("one two three", -1.0), "adapter"),  # sure enough, between them
        (("one two", -1.5), ("one two three", -1.01), "base"),  # neither is sure: fewer words
        (("one two three", -1.5), ("one two", -1.5), "adapter"),
        (("one two", -1.5), ("two three", -1.5), "adapter"),  # as many: the adapter
        (("", -3.0), ("one two", -1.0), "base"),
        (("one two", None), ("one two three", -3.0), "adapter"),  # not known how sure
        ((LOOP, -0.1), ("one two", -3.0), "adapter"),
        (("one two three", -3.0), (LOOP, -0.1), "base"),
        (("one two", -0.3, "truncated"), (LOOP, -0.1), "base"),  # both astray: the shorter
    ],
)
def test_of_two_the_better_is_kept_whichever_came_first(router, of_base, of_adapter, kept):
    one, other = base(*of_base), adapted(*of_adapter)
    assert router.keep_second([one], [other]) == [kept == "adapter"]
    assert router.keep_second([other], [one]) == [kept == "base"]


def test_chinese_is_counted_by_its_characters(router):
    short, long = Transcript("你好", "zh", -2.0, 3), Transcript("你好世界", "zh", -2.0, 3, adapter="robust")
    assert router.keep_second([Reviewed(AUDIO, short)], [Reviewed(AUDIO, long)]) == [False]
    assert router.keep_second([Reviewed(AUDIO, long)], [Reviewed(AUDIO, short)]) == [True]


def test_its_settings_are_bounded_and_change_what_is_asked(router):
    assert type(router).create({"sure_logprob": -2.0}).review([base(logprob=-1.0)]) == [None]
    with pytest.raises(ParameterError, match=r"sure_logprob = 0\.5"):
        type(router).create({"sure_logprob": 0.5})
    with pytest.raises(ParameterError, match="did you mean 'lost_logprob'"):
        type(router).create({"lost_logprop": -1.0})


def test_the_sound_routes_first_as_audio_quality_does(router):
    plain = installed_plugins().routers["audio_quality"].create()
    noise = Utterance(Audio(np.random.default_rng(0).uniform(-0.3, 0.3, 32_000).astype(np.float32), 16_000))
    assert router.route([AUDIO, noise]) == plain.route([AUDIO, noise])
