"""`ComposedReward`: a weighted sum of reward terms, described by a YAML file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from megaasr_core.base.errors import ParameterError
from megaasr_core.base.validation import first_fault
from megaasr_core.contracts.reward import Reward, RewardSample, Score, checked_scores
from megaasr_core.discovery.registry import Registry

from .term_scores import TermScores, term_scores

TOTAL = "total"
"""Label of the weighted sum among the terms."""
Abstain = Literal["propagate", "skip"]


class GateSettings(BaseModel):
    """The reward that gates a term."""

    model_config = ConfigDict(extra="forbid")

    name: str
    settings: dict[str, Any] = {}


class TermSettings(BaseModel):
    """One entry of ``terms``."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str
    weight: float = Field(1.0, ge=-1e6, le=1e6)
    gate: GateSettings | None = None
    label: str | None = None
    settings: dict[str, Any] = {}

    @field_validator("gate", mode="before")
    @classmethod
    def _with_name_alone(cls, gate: object) -> object:
        return {"name": gate} if isinstance(gate, str) else gate


class RewardFile(BaseModel):
    """Content of the YAML file."""

    model_config = ConfigDict(extra="forbid")

    terms: list[TermSettings] = Field(min_length=1)
    abstain: Abstain = "propagate"


@dataclass(frozen=True)
class Term:
    """A term of a composed reward: its label in reports, the reward that is scored, and the factor of its score.

    Args:
        gate: a reward within 0..1 whose score multiplies this one's, or None.

    Raises:
        ParameterError: the bounds of the gate are not within 0..1: the product would leave the bounds of the reward.
    """

    label: str
    reward: Reward
    weight: float
    gate: Reward | None = None

    def __post_init__(self) -> None:
        if self.gate is None:
            return
        low, high = self.gate.bounds
        if not (low >= 0.0 and high <= 1.0):
            bounds = f"gate {self.gate.name} has bounds {low:g}..{high:g}"
            raise ParameterError(f"term {self.label}: {bounds}; a gate must be within 0..1")


class ComposedReward:
    """``sum over terms of weight * gate * score``. Weights are taken as they are and need not add up to 1.

    A term abstains on a sample when its reward or its gate does. Terms of weight 0 are scored and reported, and do not
    enter the total.

    Args:
        abstain: what a term that abstains does to the total of its sample. ``propagate``: the total abstains too, since
            a sum that lacks a part cannot be compared with complete ones. ``skip``: the other terms are added, without
            rescaling of weights; the total abstains only where all terms do.

    Raises:
        ParameterError: two terms have one label.
    """

    name = "composed_reward"
    total_label: ClassVar[str] = TOTAL

    def __init__(self, terms: Sequence[Term], abstain: Abstain = "propagate") -> None:
        labels = [*(term.label for term in terms), TOTAL]
        for label in labels:
            if labels.count(label) > 1:
                raise ParameterError(f"two terms are called {label!r}: give one of them a label")
        self.terms = tuple(terms)
        self.abstain = abstain

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """The total of each sample; the errors of `checked_scores`."""
        return self.score_terms(batch)[TOTAL]

    def score_terms(self, batch: Sequence[RewardSample]) -> dict[str, list[Score]]:
        """Each term's gated, unweighted scores by label, and the ``total``; the errors of `checked_scores`."""
        columns = self._columns(batch, lambda reward, samples: TermScores(checked_scores(reward, samples)))
        return {label: column.scores for label, column in columns.items()}

    def term_scores(self, batch: Sequence[RewardSample]) -> dict[str, TermScores]:
        """As `score_terms`; a reward that fails is recorded in its term and in the total, and the rest is scored."""
        return self._columns(batch, term_scores)

    def _columns(
        self, batch: Sequence[RewardSample], score: Callable[[Reward, Sequence[RewardSample]], TermScores]
    ) -> dict[str, TermScores]:
        columns = {term.label: _gated(term, batch, score) for term in self.terms}
        weighted = [(term.weight, columns[term.label]) for term in self.terms if term.weight != 0.0]
        errors = {row: reason for _, column in reversed(weighted) for row, reason in column.errors.items()}
        totals: list[Score] = []
        for row in range(len(batch)):
            parts = [weight * part for weight, column in weighted if (part := column.scores[row]) is not None]
            enough = len(parts) == len(weighted) or (self.abstain == "skip" and parts)
            totals.append(sum(parts) if enough and row not in errors else None)
        return {**columns, TOTAL: TermScores(totals, errors)}


def _gated(
    term: Term, batch: Sequence[RewardSample], score: Callable[[Reward, Sequence[RewardSample]], TermScores]
) -> TermScores:
    scores = score(term.reward, batch)
    if term.gate is None:
        return scores
    gates = score(term.gate, batch)
    product = [None if s is None or g is None else s * g for s, g in zip(scores.scores, gates.scores, strict=True)]
    return TermScores(product, {**gates.errors, **scores.errors})


def compose(data: object, rewards: Registry[type[Reward]], source: object = "terms") -> ComposedReward:
    """Build a composed reward from parsed YAML.

    Raises:
        ParameterError, UnknownNameError: a wrong field, an unknown reward, a setting out of bounds, or a gate that is
            not within 0..1; in one line.
    """
    try:
        parsed = RewardFile.model_validate(data)
    except ValidationError as error:
        fields = "the file has terms, abstain; a term has name, weight, gate, label, settings"
        raise ParameterError(f"{source}: {first_fault(error)} ({fields})") from error
    terms = []
    for term in parsed.terms:
        reward = rewards[term.name].create(term.settings)
        gate = rewards[term.gate.name].create(term.gate.settings) if term.gate else None
        terms.append(Term(term.label or term.name, reward, term.weight, gate))
    return ComposedReward(terms, parsed.abstain)
