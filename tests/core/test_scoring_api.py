"""`megaasr.score` and `megaasr.wer`: the public functions in one line."""

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

import megaasr
from megaasr import ParameterError, PluginError, Reward, RewardSample, Term, UnknownNameError, installed_plugins
from megaasr.library.composed_reward import ComposedReward

WORDS = st.lists(st.sampled_from(["cat", "dog", "house", "on"]), max_size=6).map(" ".join)


class FromMeta(Reward):
    """The number in meta; fails where there is none."""

    name = "from_meta"
    factor: float = 1.0

    def score(self, batch):
        return [self.factor * sample.meta["number"] for sample in batch]


def test_one_pair_gives_the_score_of_the_registered_reward():
    sample = RewardSample("the cat sat town", "the cat sat down")
    (expected,) = installed_plugins().rewards["dg_wgpo"].create().score([sample])
    assert megaasr.score("the cat sat town", "the cat sat down") == expected == pytest.approx(0.828309, abs=1e-6)
    assert megaasr.score("a b c d", "x", reward="wer_accuracy", floor=-1.0) == -1.0
    assert megaasr.score("你好", "你好世界", "wer_accuracy", "zh") == 0.5
    assert megaasr.score("words", None) is None


def test_lists_give_a_list():
    assert megaasr.score(["a b", "c", "x"], ["a b", None, "y z"], "wer_accuracy") == [1.0, None, 0.0]
    assert megaasr.score([], []) == []


def test_a_reward_is_also_taken_as_class_instance_or_composition():
    pair = ("x", "y")
    assert megaasr.score(*pair, FromMeta, meta={"number": 0.5}, factor=0.5) == 0.25
    assert megaasr.score(*pair, FromMeta(factor=2.0), meta={"number": 0.5}) == 1.0
    assert megaasr.score(["x", "y"], ["x", "y"], FromMeta, meta=[{"number": 0.0}, {"number": 1.0}]) == [0.0, 1.0]
    composed = ComposedReward([Term("a", FromMeta(), 3.0), Term("b", FromMeta(), 1.0)])
    assert megaasr.score(*pair, composed, meta={"number": 0.5}) == 2.0


@pytest.mark.parametrize(
    ("call", "error", "reason"),
    [
        (lambda: megaasr.score("a", "b", "dg_wgpoo"), UnknownNameError, "did you mean 'dg_wgpo'"),
        (
            lambda: megaasr.score("a", "b", "wer_accuracy", floor=2),
            ParameterError,
            "floor = 2: .*less than or equal to 1",
        ),
        (lambda: megaasr.score("a", "b", "wer_accuracy", flor=0), ParameterError, "did you mean 'floor'"),
        (
            lambda: megaasr.score("a", "b", FromMeta(), factor=2),
            ParameterError,
            "setting 'factor': the reward is built",
        ),
        (lambda: megaasr.score("a", "b", 3), ParameterError, "reward 3: a name, a Reward or a ComposedReward"),
        (lambda: megaasr.score("a", "b", FromMeta), PluginError, "reward from_meta: KeyError: 'number'"),
        (lambda: megaasr.score(["a"], ["a", "b"]), ParameterError, "equal length are expected, not hypothesis 1, ref"),
        (lambda: megaasr.score(["a"], "a"), ParameterError, "reference 'a': a list is expected"),
        (lambda: megaasr.score("a", ["a"]), ParameterError, r"reference \['a'\]: a text is expected"),
        (lambda: megaasr.score("a", "b", language="klingon!"), ParameterError, "language 'klingon!'"),
        (lambda: megaasr.wer(["a"], ["a", "b"]), ParameterError, "reference 1, hypothesis 2"),
        (lambda: megaasr.wer("a", None), ParameterError, "hypothesis None: a list is expected"),
        (lambda: megaasr.wer(["a"], [1]), ParameterError, "hypothesis 1: a text is expected"),
    ],
)
def test_a_mistake_is_one_line(call, error, reason):
    with pytest.raises(error, match=reason) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_the_word_error_rate_of_known_pairs():
    assert megaasr.wer("The cat sat down.", "the cat SAT") == 0.25
    assert megaasr.wer("a", "w x y z") == 4.0
    assert megaasr.wer("", "x y") == 2.0
    assert megaasr.wer("你好，世界", "你好", "zh") == 0.5
    assert megaasr.wer(["a b c d", "e"], ["a b c x", "f"]) == 2 / 5, "a micro-average, and not (1/4 + 1) / 2"
    assert megaasr.wer([], []) == 0.0


@given(st.lists(st.tuples(WORDS.filter(bool), WORDS), min_size=1, max_size=5))
def test_lists_agree_with_jiwer(pairs):
    references, hypotheses = map(list, zip(*pairs, strict=True))
    assert megaasr.wer(references, hypotheses) == pytest.approx(jiwer.wer(references, hypotheses))
