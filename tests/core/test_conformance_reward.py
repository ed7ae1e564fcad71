"""The kit's checks of a reward: good ones pass, and each broken one trips the check that is meant for it."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

from megaasr import Reward, RewardSample, Score
from megaasr_core.base.errors import PluginError
from megaasr_core.testing import cases, failures, plugins_of


class Overlap(Reward):
    """Share of the reference's characters that the hypothesis has, times a factor.

    >>> Overlap().score([RewardSample("ab", "abcd")])
    [0.5]
    """

    name = "overlap"
    factor: float = Field(1.0, ge=0.0, le=1.0, description="multiplies the score")

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        return [self.one(sample) for sample in batch]

    def one(self, sample: RewardSample) -> Score:
        if sample.reference is None:
            return None
        whole = set(sample.reference)
        share = len(whole & set(sample.hypothesis)) / len(whole) if whole else 1.0
        return self.factor * share


class Rank(Overlap):
    """A reward whose bounds are infinite, and that knows only Chinese.

    >>> Rank().score([RewardSample("ab", "abcd")])
    [None]
    """

    name = "rank"
    bounds = (-float("inf"), float("inf"))

    def one(self, sample):
        return float(len(sample.hypothesis)) if sample.language == "zh" else None


@pytest.mark.parametrize("reward", [Overlap, Rank])
def test_good_rewards_pass(reward):
    assert failures(cases(f"reward:{reward.name}", plugins=plugins_of(reward))) == {}


class Broken(Overlap):
    """Broken.

    >>> 1
    1
    """

    name = "broken"


class TooFew(Broken):
    __doc__ = Broken.__doc__

    def score(self, batch):
        return [score for score in super().score(batch) if score is not None]


class Nameless(Broken):
    __doc__ = Broken.__doc__

    def score(self, batch):
        return {index: score for index, score in enumerate(super().score(batch))}  # noqa: C416


class Ranked(Broken):
    """Broken: every score is relative to the batch.

    >>> 1
    1
    """

    def score(self, batch):
        scores = [score or 0.0 for score in super().score(batch)]
        top = max(scores, default=0.0) + len(batch)
        return [score / top for score in scores]


class Positional(Broken):
    """Broken: the first of a batch gets a bonus.

    >>> 1
    1
    """

    def score(self, batch):
        return [0.5 * (self.factor if index else 1.5) for index, _ in enumerate(batch)]


class Unbounded(Broken):
    __doc__ = Broken.__doc__

    def one(self, sample):
        return 0.9 + 0.001 * len(sample.reference or "") + (0.001 * len(sample.hypothesis)) * 2


class NotANumber(Broken):
    __doc__ = Broken.__doc__

    def one(self, sample):
        score = super().one(sample)
        return float("nan") if sample.hypothesis.startswith("?!") else score


class Truthy(Broken):
    __doc__ = Broken.__doc__

    def one(self, sample):
        return sample.hypothesis == sample.reference


class UpsideDown(Broken):
    __doc__ = Broken.__doc__

    def one(self, sample):
        score = super().one(sample)
        return None if score is None else 1.0 - score


class NeedsReference(Broken):
    __doc__ = Broken.__doc__

    def one(self, sample):
        return min(1.0, len(sample.reference))


class NeedsText(Broken):
    __doc__ = Broken.__doc__

    def one(self, sample):
        return None if sample.reference is None else float(ord(sample.hypothesis[0]) > 0)


class NeedsSpaces(Broken):
    __doc__ = Broken.__doc__

    def one(self, sample):
        if sample.language == "zh":
            raise UnicodeError("no words")
        return super().one(sample)


class AlwaysAbstains(Broken):
    __doc__ = Broken.__doc__

    def one(self, sample):
        return None


class FailsOnNothing(Broken):
    __doc__ = Broken.__doc__

    def score(self, batch):
        batch[0]
        return super().score(batch)


class Chancy(Broken):
    __doc__ = Broken.__doc__

    def one(self, sample):
        return random.random() if sample.reference != sample.hypothesis else 1.0


class Remembers(Broken):
    __doc__ = Broken.__doc__
    seen: ClassVar[list[int]] = []

    def score(self, batch):
        self.seen.append(1)
        return [1 - 1 / (1 + len(self.seen)) if sample.reference != sample.hypothesis else 1.0 for sample in batch]


class EatsItsBatch(Broken):
    __doc__ = Broken.__doc__

    def score(self, batch):
        scores = super().score(batch)
        for sample in batch:
            sample.meta["scored"] = True
        return scores


class TellsTheTime(Broken):
    __doc__ = Broken.__doc__

    def one(self, sample):
        return 0.9 if time.localtime(time.time()).tm_year % 2 else 0.8


class KeepsALog(Broken):
    __doc__ = Broken.__doc__

    def one(self, sample):
        with (Path(tempfile.gettempdir()) / "scores.log").open("a") as file:
            file.write("scored")
        return super().one(sample)


class DividesByItsField(Broken):
    __doc__ = Broken.__doc__
    sharpness: float = Field(1.0, ge=0.0, le=4.0, description="exponent of the share, inverted")

    def one(self, sample):
        score = super().one(sample)
        return None if score is None else score ** (1.0 / self.sharpness)


class NoExample(Broken):
    """Broken."""


class NoDescription(Broken):
    __doc__ = Broken.__doc__
    depth: float = 1.0


BROKEN: list[tuple[type[Broken], set[str], str]] = [
    (TooFew, {"accepts_missing_references"}, "returns 0 scores for the 1 samples"),
    (Nameless, {"one_score_per_sample"}, "returns dict"),
    (Ranked, {"batch_equals_one_by_one"}, "alone"),
    (Positional, {"is_order_invariant", "batch_equals_one_by_one"}, "in another order"),
    (Unbounded, {"scores_are_within_bounds"}, "outside its bounds 0..1"),
    (NotANumber, {"scores_are_within_bounds"}, "score nan"),
    (Truthy, {"scores_are_within_bounds"}, "is a bool"),
    (UpsideDown, {"perfect_is_not_worse"}, "larger must be better"),
    (NeedsReference, {"accepts_missing_references"}, "TypeError on a sample without reference"),
    (NeedsText, {"accepts_empty_texts"}, "IndexError on empty text"),
    (NeedsSpaces, {"accepts_chinese"}, "UnicodeError on Chinese"),
    (AlwaysAbstains, {"scores_something"}, "abstains on all"),
    (FailsOnNothing, {"one_score_per_sample"}, "IndexError on an empty batch"),
    (Chancy, {"global_random_state_is_unchanged"}, "random state of random;"),
    (Remembers, {"same_batch_gives_same_scores"}, "keep no state"),
    (EatsItsBatch, {"batch_is_unchanged"}, "changes the batch"),
    (NoExample, {"docstring_has_an_example"}, ">>>"),
    (NoDescription, {"fields_are_described", "fields_have_a_bound"}, "depth"),
    (TellsTheTime, {"clock_is_irrelevant"}, "depends on the clock"),
    (KeepsALog, {"no_file_is_written"}, "writes the file"),
    (DividesByItsField, {"fields_work_at_their_bounds"}, "ZeroDivisionError on a batch with sharpness = 0.0"),
]


@pytest.mark.parametrize(("reward", "tripped", "says"), BROKEN, ids=[one.__name__ for one, *_ in BROKEN])
def test_broken_reward_trips(reward: Any, tripped: set[str], says: str):
    failed = failures(cases("reward:broken", plugins=plugins_of(reward)))
    assert set(failed) == tripped
    assert len(failed) <= 3
    assert any(says in line for line in failed.values()), failed
    assert all(line.startswith("reward broken: ") and "\n" not in line for line in failed.values())


def test_own_samples_are_scored_too():
    class Picky(Broken):
        __doc__ = Broken.__doc__

        def one(self, sample):
            return 7.0 if sample.hypothesis == "seven" else super().one(sample)

    plugins = plugins_of(Picky)
    assert "scores_are_within_bounds" not in failures(cases("reward:broken", plugins=plugins))
    failed = failures(cases("reward:broken", plugins=plugins, samples=[RewardSample("seven", "eight")]))
    assert "score 7.0 of hypothesis 'seven' is outside" in failed["scores_are_within_bounds"]


def test_bounds_the_wrong_way_round():
    class Reversed(Broken):
        __doc__ = Broken.__doc__
        bounds = (1.0, 0.0)

    failed = failures(cases("reward:broken", plugins=plugins_of(Reversed)))
    assert "the smaller one comes first" in failed["scores_are_within_bounds"]


def test_an_abstract_reward_cannot_be_registered():
    class Unfinished(Reward):
        name = "unfinished"

    with pytest.raises(PluginError, match="does not define: score"):
        plugins_of(Unfinished)
