"""What a reward must do: a bounded score or None for every sample, whichever batch it came in."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

from ..contracts.reward import RewardSample, Score
from .checks_unit import PICKLING, can_be_pickled, fields_are_described, has_a_docstring, parameters_survive_json
from .guards import attempt, expect, expect_no_global_random, expect_same_after_pickling
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
        parameters_survive_json,
        can_be_pickled,
        one_score_a_sample,
        scores_are_within_bounds,
        scores_something,
        missing_reference_survives,
        empty_texts_survive,
        chinese_survives,
        perfect_is_not_worse,
        order_is_nothing,
        batch_equals_one_by_one,
        same_batch_gives_same_scores,
        batch_is_kept,
        global_random_state_is_kept,
    ]


def _batch(subject: Subject) -> list[RewardSample]:
    return [*BATCH, *subject.samples]


def _scores(subject: Subject, batch: Sequence[RewardSample], what: str) -> list[Score]:
    # Copied, so that a reward that writes into the samples fails the one check that looks for it and no other.
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


def one_score_a_sample(subject: Subject) -> None:
    """As many scores as samples, and none for none."""
    _scores(subject, _batch(subject), "a batch")
    expect(_scores(subject, [], "an empty batch") == [], "an empty batch must give []")


def scores_are_within_bounds(subject: Subject) -> None:
    """Each is None or a finite Python float within `bounds`."""
    low, high = subject.unit.bounds
    expect(low < high, f"bounds = {(low, high)!r}: the smaller one comes first")
    for sample, score in zip(_batch(subject), _scores(subject, _batch(subject), "a batch"), strict=True):
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
    batch = [sample for sample in _batch(subject) if sample.reference]
    scores = _scores(subject, batch, "samples with references")
    expect(any(score is not None for score in scores), f"abstains on all of {len(batch)} samples that have a reference")


def missing_reference_survives(subject: Subject) -> None:
    """Where nobody knows what was said it gives None or a number."""
    for sample in NO_REFERENCE:
        _scores(subject, [sample], f"a sample without reference ({_shown(sample)})")


def empty_texts_survive(subject: Subject) -> None:
    """Empty hypothesis, empty reference, both."""
    for sample in EMPTY:
        _scores(subject, [sample], f"empty text ({_shown(sample)})")


def chinese_survives(subject: Subject) -> None:
    """A language without spaces between words."""
    chinese = [sample for sample in _batch(subject) if sample.language == "zh"]
    _scores(subject, [sample for sample in chinese if sample.hypothesis and sample.reference], "Chinese")


def perfect_is_not_worse(subject: Subject) -> None:
    """The reference itself scores at least as much as something else."""
    for perfect, wrong in PERFECT_AND_WRONG:
        best, other = _scores(subject, [perfect, wrong], "a perfect and a wrong hypothesis")
        if best is not None and other is not None:
            expect(
                best >= other - TOLERANCE,
                f"{_shown(wrong)} scores {other:g} and the perfect hypothesis only {best:g}; larger must be better",
            )


def order_is_nothing(subject: Subject) -> None:
    """Permuting the batch permutes the scores."""
    batch = _batch(subject)
    straight = _scores(subject, batch, "a batch")
    size = len(batch)
    for order in (range(size)[::-1], sorted(range(size), key=lambda index: index * 7 % size)):
        shuffled = _scores(subject, [batch[index] for index in order], "the batch in another order")
        for place, index in enumerate(order):
            expect(
                shuffled[place] == straight[index],
                f"{_shown(batch[index])} scores {straight[index]!r}, and {shuffled[place]!r} in another order",
            )


def batch_equals_one_by_one(subject: Subject) -> None:
    """A sample's score does not depend on its neighbours."""
    batch = _batch(subject)
    for sample, score in zip(batch, _scores(subject, batch, "a batch"), strict=True):
        (alone,) = _scores(subject, [sample], "a batch of one")
        expect(alone == score, f"{_shown(sample)} scores {score!r} in a batch and {alone!r} alone")


def same_batch_gives_same_scores(subject: Subject) -> None:
    """No state, no chance; nor does a pickled copy score otherwise."""
    first, second = (_scores(subject, _batch(subject), "a batch") for _ in range(2))
    expect(first == second, "gives other scores for the same batch the second time; keep no state and draw nothing")
    copied = expect_same_after_pickling(subject.unit, PICKLING).score(copy.deepcopy(_batch(subject)))
    expect(first == copied, f"gives other scores after pickling; {PICKLING}")


def batch_is_kept(subject: Subject) -> None:
    """The batch and the samples' meta are left as they were: other terms score them next."""
    batch = copy.deepcopy(_batch(subject))
    attempt("a batch", lambda: subject.unit.score(batch))
    expect(batch == _batch(subject), "changes the batch that it scores; copy what you change")


def global_random_state_is_kept(subject: Subject) -> None:
    """Nothing is drawn from random, numpy.random or torch's global generator, nor are they seeded."""
    batch = copy.deepcopy(_batch(subject))
    expect_no_global_random(lambda: attempt("a batch", lambda: subject.unit.score(batch)), "a reward draws nothing")


def _shown(sample: RewardSample) -> str:
    return f"hypothesis {sample.hypothesis[:32]!r}"
