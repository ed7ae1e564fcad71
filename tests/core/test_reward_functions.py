"""Functions as rewards: they register, are checked by the kit and are pickled as classes are."""

import pickle
from collections.abc import Sequence

import pytest

from megaasr import PluginError, Reward, RewardSample, checked_scores, load_plugins, reward
from megaasr.testing import cases, failures, plugins_of

SAMPLES = [RewardSample("a b", "a b c d"), RewardSample("", None)]


@reward
def coverage_of_words(batch: Sequence[RewardSample]) -> list[float | None]:
    """Number of words over that of the reference, at most 1.

    >>> coverage_of_words().score([RewardSample("a", "a b"), RewardSample("a", None)])
    [0.5, None]
    """
    return [
        None if one.reference is None else min(1.0, len(one.hypothesis.split()) / max(len(one.reference.split()), 1))
        for one in batch
    ]


@reward(name="penalty", bounds=(-1.0, 0.0))
def negative(batch):
    """-1 for an empty hypothesis.

    >>> negative().score([RewardSample("", None)])
    [-1.0]
    """
    return [0.0 if one.hypothesis else -1.0 for one in batch]


def plain(batch):
    """0 for everything."""
    return [0.0 for _ in batch]


Wrapped = reward(name="wrapped")(plain)


@pytest.mark.parametrize("made", [coverage_of_words, negative])
def test_the_kit_passes(made):
    assert failures(cases(f"reward:{made.name}", plugins=plugins_of(made))) == {}


def test_it_is_a_reward_class_with_the_function_s_name_and_documentation():
    assert issubclass(coverage_of_words, Reward)
    assert (coverage_of_words.name, coverage_of_words.__name__) == ("coverage_of_words", "coverage_of_words")
    assert coverage_of_words.summary() == "Number of words over that of the reference, at most 1."
    assert coverage_of_words.bounds == (0.0, 1.0)
    assert (negative.name, negative.bounds) == ("penalty", (-1.0, 0.0))
    assert checked_scores(coverage_of_words(), SAMPLES) == [0.5, None]
    with pytest.raises(PluginError, match=r"score -1\.0 of sample 1 is outside 0\.\.1"):
        checked_scores(reward(name="other")(negative.function)(), SAMPLES)


@pytest.mark.parametrize("made", [coverage_of_words, negative, Wrapped])
def test_it_survives_pickling(made):
    copy = pickle.loads(pickle.dumps(made()))
    assert copy == made()
    assert copy.score(SAMPLES) == made().score(SAMPLES)


def test_a_plugin_file_registers_it_as_a_class(tmp_path):
    (tmp_path / "third.py").write_text(
        "from megaasr import hookimpl, reward\n\n\n"
        "@reward\ndef brevity(batch):\n    '''At most three words.'''\n"
        "    return [float(len(one.hypothesis.split()) <= 3) for one in batch]\n\n\n"
        "@hookimpl\ndef register_rewards(register):\n    register(brevity)\n"
    )
    plugins = load_plugins([str(tmp_path / "third.py")])
    built = plugins.rewards["brevity"].create()
    assert built.score(SAMPLES) == [1.0, 1.0]
    assert pickle.loads(pickle.dumps(built)) == built


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: reward(lambda: []), "must take one argument, the batch"),
        (lambda: reward(lambda batch, scale: []), r"must take one argument, the batch \(missing .*'scale'"),
        (lambda: reward(3), "takes a function of a batch, not 3"),
    ],
)
def test_what_is_no_function_of_a_batch_is_refused(make, reason):
    with pytest.raises(PluginError, match=reason):
        make()


def test_a_function_that_returns_no_list_is_one_line():
    made = reward(name="single")(lambda batch: 0.5)
    with pytest.raises(PluginError, match="reward single: float in place of a list of scores for 2 samples"):
        checked_scores(made(), SAMPLES)
