"""Checks of a reward: a bounded score or None for every sample, whichever batch it is in."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..contracts.reward import RewardSample, Score
from .case import essential
from .checks_unit import (
    PICKLING,
    can_be_pickled,
    expect_works_at_bounds,
    fields_are_described,
    fields_have_a_bound,
    has_a_docstring,
    parameters_survive_json,
)
from .guards import (
    attempt,
    expect,
    expect_no_file_written,
    expect_no_global_random,
    expect_same_after_pickling,
    expect_same_at_any_time,
)
from .plugin_under_test import Subject

ENGLISH = "the quick brown fox jumps over the lazy dog"
CHINESE = "今天天气很好我们去公园散步"
PERFECT_AND_WRONG = (
    (RewardSample(ENGLISH, ENGLISH), RewardSample("seven purple umbrellas melted near Paris yesterday", ENGLISH)),
    (RewardSample(ENGLISH, ENGLISH), RewardSample("the the the the the the the the the the the the", ENGLISH)),
    (RewardSample(ENGLISH, ENGLISH), RewardSample("", ENGLISH)),
    (RewardSample(CHINESE, CHINESE, "zh"), RewardSample("电脑坏掉之后请联系客服中心", CHINESE, "zh")),
)
NO_REFERENCE = (RewardSample(ENGLISH, None), RewardSample("", None), RewardSample(CHINESE, None, "zh"))
EMPTY = (RewardSample("", ""), RewardSample("", ENGLISH), RewardSample(ENGLISH, ""), RewardSample("", CHINESE, "zh"))
PLAIN = (
    RewardSample("the quick brown fax jumps over a lazy dog", ENGLISH, meta={"base_wer": 0.4}),
    RewardSample("the quick brown fox", ENGLISH),
    RewardSample("the quick brown fox jumps over the very very very lazy dog today", ENGLISH),
    RewardSample("今天天汽很好我们公园散步", CHINESE, "zh"),
    RewardSample("?!… ,", ENGLISH),
)
BATCH = tuple(sample for pair in PERFECT_AND_WRONG for sample in pair) + NO_REFERENCE + EMPTY + PLAIN
TOLERANCE = 1e-9


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a reward."""
    del subject
    return [
        has_a_docstring,
        docstring_has_an_example,
        fields_are_described,
        fields_have_a_bound,
        one_score_per_sample,
        accepts_chinese,
        accepts_missing_references,
        accepts_empty_texts,
        scores_are_within_bounds,
        global_random_state_is_unchanged,
        same_batch_gives_same_scores,
        parameters_survive_json,
        can_be_pickled,
        scores_something,
        perfect_is_not_worse,
        is_order_invariant,
        batch_equals_one_by_one,
        batch_is_unchanged,
        clock_is_irrelevant,
        no_file_is_written,
        fields_work_at_their_bounds,
    ]


def whole_batch(subject: Subject) -> list[RewardSample]:
    """The samples of the kit, and those that the caller gave."""
    return [*BATCH, *subject.samples]


def scored(subject: Subject, batch: Sequence[RewardSample], what: str) -> list[Score]:
    """Score a batch; AssertionError unless a list with one score a sample comes back."""
    # Copied, so that a reward that writes into the samples fails only the check for that.
    scores = attempt(what, lambda: subject.unit.score(copy.deepcopy(list(batch))))
    expect(isinstance(scores, list), f"returns {type(scores).__name__} on {what}; a list is expected")
    expect(
        len(scores) == len(batch),
        f"returns {len(scores)} scores for the {len(batch)} samples of {what}; None stands for no score",
    )
    checked: list[Score] = scores
    return checked


def docstring_has_an_example(subject: Subject) -> None:
    """The formula is shown by a doctest, on the class or on `score`."""
    texts = (subject.thing.__doc__, subject.thing.score.__doc__)
    expect(
        any(">>>" in (text or "") for text in texts),
        "its docstring has no example ('>>> ...'); show the formula on numbers that a reader can check",
    )


@essential
def one_score_per_sample(subject: Subject) -> None:
    """As many scores as samples, and none for none."""
    scored(subject, [sample for sample in PLAIN if sample.language == "en"], "a batch")
    expect(scored(subject, [], "an empty batch") == [], "an empty batch must give []")


@essential
def scores_are_within_bounds(subject: Subject) -> None:
    """Each is None or a finite Python float within `bounds`."""
    low, high = subject.unit.bounds
    expect(low < high, f"bounds = {(low, high)!r}: the smaller one comes first")
    batch = whole_batch(subject)
    expect_within(low, high, batch, scored(subject, batch, "a batch"))


def expect_within(low: float, high: float, batch: Sequence[RewardSample], scores: Sequence[Score]) -> None:
    """AssertionError naming the first score that is neither None nor a finite number within the bounds."""
    for sample, score in zip(batch, scores, strict=True):
        if score is None:
            continue
        expect(
            isinstance(score, (float, int)) and not isinstance(score, bool),
            f"score {score!r} of {_shown(sample)} is a {type(score).__name__}; a float or None is expected",
        )
        expect(
            math.isfinite(score) and low - TOLERANCE <= score <= high + TOLERANCE,
            f"score {score!r} of {_shown(sample)} is outside its bounds {low:g}..{high:g}",
        )


def scores_something(subject: Subject) -> None:
    """A reward that abstains from everything teaches nothing."""
    batch = [sample for sample in whole_batch(subject) if sample.reference]
    scores = scored(subject, batch, "samples with references")
    expect(any(score is not None for score in scores), f"abstains on all of {len(batch)} samples that have a reference")


@essential
def accepts_missing_references(subject: Subject) -> None:
    """Without a reference it gives None or a number."""
    for sample in NO_REFERENCE:
        scored(subject, [sample], f"a sample without reference ({_shown(sample)})")


@essential
def accepts_empty_texts(subject: Subject) -> None:
    """Empty hypothesis, empty reference, both."""
    for sample in EMPTY:
        scored(subject, [sample], f"empty text ({_shown(sample)})")


@essential
def accepts_chinese(subject: Subject) -> None:
    """A language without spaces between words."""
    chinese = [sample for sample in whole_batch(subject) if sample.language == "zh"]
    scored(subject, [sample for sample in chinese if sample.hypothesis and sample.reference], "Chinese")


def perfect_is_not_worse(subject: Subject) -> None:
    """The reference itself scores at least as much as something else."""
    for perfect, wrong in PERFECT_AND_WRONG:
        best, other = scored(subject, [perfect, wrong], "a perfect and a wrong hypothesis")
        if best is not None and other is not None:
            expect(
                best >= other - TOLERANCE,
                f"{_shown(wrong)} scores {other:g} and the perfect hypothesis only {best:g}; larger must be better",
            )


def is_order_invariant(subject: Subject) -> None:
    """Permuting the batch permutes the scores."""
    batch = whole_batch(subject)
    straight = scored(subject, batch, "a batch")
    size = len(batch)
    for order in (range(size)[::-1], sorted(range(size), key=lambda index: index * 7 % size)):
        shuffled = scored(subject, [batch[index] for index in order], "the batch in another order")
        for place, index in enumerate(order):
            expect(
                shuffled[place] == straight[index],
                f"{_shown(batch[index])} scores {straight[index]!r}, and {shuffled[place]!r} in another order",
            )


def batch_equals_one_by_one(subject: Subject) -> None:
    """A sample's score does not depend on its neighbours."""
    batch = whole_batch(subject)
    for sample, score in zip(batch, scored(subject, batch, "a batch"), strict=True):
        (alone,) = scored(subject, [sample], "a batch of one")
        expect(alone == score, f"{_shown(sample)} scores {score!r} in a batch and {alone!r} alone")


@essential
def same_batch_gives_same_scores(subject: Subject) -> None:
    """Scores depend on no state and no chance, and a pickled copy gives the same."""
    first, second = (scored(subject, whole_batch(subject), "a batch") for _ in range(2))
    expect(first == second, "gives other scores for the same batch the second time; keep no state and draw nothing")
    copied = expect_same_after_pickling(subject.unit, PICKLING).score(copy.deepcopy(whole_batch(subject)))
    expect(first == copied, f"gives other scores after pickling; {PICKLING}")


def batch_is_unchanged(subject: Subject) -> None:
    """Other terms score the same batch and its meta next."""
    batch = copy.deepcopy(whole_batch(subject))
    attempt("a batch", lambda: subject.unit.score(batch))
    expect(batch == whole_batch(subject), "changes the batch that it scores; copy what you change")


@essential
def global_random_state_is_unchanged(subject: Subject) -> None:
    """Nothing is drawn from random, numpy.random or torch's global generator, nor are they seeded."""
    batch = copy.deepcopy(whole_batch(subject))
    expect_no_global_random(lambda: attempt("a batch", lambda: subject.unit.score(batch)), "a reward draws nothing")


def clock_is_irrelevant(subject: Subject) -> None:
    """At another time of day, and in another year, the scores are the same."""
    batch = whole_batch(subject)
    expect_same_at_any_time(subject, lambda: scored(subject, batch, "a batch"), "score texts alone")


def no_file_is_written(subject: Subject) -> None:
    """Scoring writes no file; many workers score at the same time."""
    batch = whole_batch(subject)
    expect_no_file_written(lambda: scored(subject, batch, "a batch"), "score() returns its result and keeps nothing")


def fields_work_at_their_bounds(subject: Subject) -> None:
    """At every bound that a field allows the scores are within `bounds`, or the value is refused in one line."""
    batch = whole_batch(subject)

    def use(at: str, parameters: dict[str, Any]) -> None:
        changed = replace(subject, parameters={**subject.parameters, **parameters})
        low, high = changed.unit.bounds
        expect_within(low, high, batch, scored(changed, batch, f"a batch with {at}"))

    expect_works_at_bounds(subject.thing, use)


def _shown(sample: RewardSample) -> str:
    return f"hypothesis {sample.hypothesis[:32]!r}"
