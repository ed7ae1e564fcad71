"""`Term` and `Switch`: the parts of a composed reward, and how they are scored over a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal

from megaasr_core.base.errors import ParameterError
from megaasr_core.contracts.reward import Reward, RewardSample, Score

from .sample_pairs import pairs_of
from .term_scores import TermScores

Abstain = Literal["propagate", "skip"]
Columns = Mapping[str, TermScores]


class WordErrorRate(Reward):
    """WER, which a switch compares under the name ``wer``; without a reference it abstains."""

    name: ClassVar[str] = "wer"
    bounds: ClassVar[tuple[float, float]] = (0.0, inf)

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """One rate a sample."""
        return [None if pair is None else pair.wer for pair in pairs_of(batch)]


@dataclass(frozen=True)
class Switch:
    """Two weighted sums of terms, of which a sample gets one: ``then`` where the score of `by` is under `below`.

    A sample abstains, or fails, where `by` does or the sum that it gets; the terms of the other sum do not matter.

    Args:
        otherwise: the sum from `below` on; ``else`` in a file.

    Raises:
        ParameterError: no score within the bounds of `by` is on one of the sides.
    """

    by: Reward
    below: float
    then: tuple[Term, ...]
    otherwise: tuple[Term, ...]

    def __post_init__(self) -> None:
        low, high = self.by.bounds
        if not low < self.below <= high:
            bounds = f"{self.by.name} is within {low:g}..{high:g}"
            raise ParameterError(f"switch: below = {self.below:g}: {bounds}, so one side is never taken")


@dataclass(frozen=True)
class Term:
    """A term of a composed reward: its label in reports, the reward that is scored, and the factor of its score.

    Args:
        gate: a reward within 0..1 whose score multiplies this one's, or None.

    Raises:
        ParameterError: the bounds of the gate are not within 0..1: the product would leave the bounds of the reward.
    """

    label: str
    reward: Reward | Switch
    weight: float
    gate: Reward | None = None

    def __post_init__(self) -> None:
        if self.gate is None:
            return
        low, high = self.gate.bounds
        if not (low >= 0.0 and high <= 1.0):
            bounds = f"gate {self.gate.name} has bounds {low:g}..{high:g}"
            raise ParameterError(f"term {self.label}: {bounds}; a gate must be within 0..1")

    def rewards(self) -> Iterator[Reward]:
        """Every reward that the term asks, some perhaps several times."""
        if isinstance(self.reward, Switch):
            yield self.reward.by
            for inner in (*self.reward.then, *self.reward.otherwise):
                yield from inner.rewards()
        else:
            yield self.reward
        if self.gate is not None:
            yield self.gate

    def scored_parts(self, prefix: str = "") -> Iterator[tuple[str, Term | Reward]]:
        """Everything of the term that has scores, with the name of its column; the term itself is the last.

        Those inside a switch are called ``LABEL.NAME``. Both sides may name one term; it is there twice then.
        """
        name = prefix + self.label
        if isinstance(self.reward, Switch):
            yield f"{name}.{self.reward.by.name}", self.reward.by
            for inner in (*self.reward.then, *self.reward.otherwise):
                yield from inner.scored_parts(f"{name}.")
        yield name, self


class BatchScores:
    """Scores over one batch; each reward, equal ones included, scores it once.

    Args:
        score: scores a batch by a reward, with or without an error for what fails.
        abstain: of the sums inside a switch, as of the total.
    """

    def __init__(
        self,
        batch: Sequence[RewardSample],
        score: Callable[[Reward, Sequence[RewardSample]], TermScores],
        abstain: Abstain,
    ) -> None:
        self._batch, self._score, self._abstain = batch, score, abstain
        self._known: list[tuple[Reward, TermScores]] = []

    def of(self, part: Term | Reward) -> TermScores:
        """The scores of a reward, or of a term with its gate and without its weight."""
        if isinstance(part, Reward):
            return self._of_reward(part)
        scores = self._of_switch(part.reward) if isinstance(part.reward, Switch) else self._of_reward(part.reward)
        if part.gate is None:
            return scores
        gates = self._of_reward(part.gate)
        product = [None if s is None or g is None else s * g for s, g in zip(scores.scores, gates.scores, strict=True)]
        return TermScores(product, {**gates.errors, **scores.errors})

    def sum_of(self, terms: Sequence[Term]) -> TermScores:
        """``sum of weight * score`` over the terms; those of weight 0 are left out."""
        weighted = [(term.weight, self.of(term)) for term in terms if term.weight != 0.0]
        errors = {row: reason for _, column in reversed(weighted) for row, reason in column.errors.items()}
        totals: list[Score] = []
        for row in range(len(self._batch)):
            parts = [weight * part for weight, column in weighted if (part := column.scores[row]) is not None]
            enough = len(parts) == len(weighted) or (self._abstain == "skip" and parts)
            totals.append(sum(parts) if enough and row not in errors else None)
        return TermScores(totals, errors)

    def _of_reward(self, reward: Reward) -> TermScores:
        for known, scores in self._known:
            if known == reward:
                return scores
        scores = self._score(reward, self._batch)
        self._known.append((reward, scores))
        return scores

    def _of_switch(self, switch: Switch) -> TermScores:
        by, sides = self._of_reward(switch.by), (self.sum_of(switch.otherwise), self.sum_of(switch.then))
        scores: list[Score] = []
        errors = dict(by.errors)
        for row, value in enumerate(by.scores):
            side = sides[value is not None and value < switch.below]
            scores.append(None if value is None else side.scores[row])
            if value is not None and row in side.errors:
                errors[row] = side.errors[row]
        return TermScores(scores, errors)
