"""Checks of a reward that a YAML file composes of others: one finite total or None for every sample."""

from __future__ import annotations

import math
from collections.abc import Callable

from . import checks_reward as reward
from .case import essential
from .guards import expect
from .plugin_under_test import Subject


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a composed reward; its terms are checked as rewards of their own."""
    del subject
    return [
        reward.one_score_per_sample,
        reward.accepts_chinese,
        reward.accepts_missing_references,
        reward.accepts_empty_texts,
        totals_are_finite,
        reward.global_random_state_is_unchanged,
        same_batch_gives_same_totals,
        reward.scores_something,
        reward.perfect_is_not_worse,
        reward.is_order_invariant,
        reward.batch_equals_one_by_one,
        reward.batch_is_unchanged,
        reward.clock_is_irrelevant,
        reward.no_file_is_written,
    ]


@essential
def totals_are_finite(subject: Subject) -> None:
    """Each total is None or a finite number."""
    reward.expect_within(-math.inf, math.inf, reward.whole_batch(subject), _totals(subject))


@essential
def same_batch_gives_same_totals(subject: Subject) -> None:
    """Totals depend on no state and no chance."""
    first, second = _totals(subject), _totals(subject)
    expect(first == second, "gives other totals for the same batch the second time; one of its terms keeps state")


def _totals(subject: Subject) -> list[float | None]:
    return reward.scored(subject, reward.whole_batch(subject), "a batch")
