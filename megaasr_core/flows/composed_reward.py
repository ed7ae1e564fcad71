"""A reward put together from others by a YAML file, so that a reward is swapped without code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..base.errors import ParameterError, one_line
from ..base.files import read_text
from ..base.validation import first_fault
from ..contracts.reward import Reward, RewardSample, Score, checked_scores
from ..discovery.registry import Registry


class TermSettings(BaseModel):
    """One entry of ``terms``."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str
    weight: float = 1.0
    gate: str | None = None
    label: str | None = None
    settings: dict[str, Any] = {}


class RewardFile(BaseModel):
    """What the YAML file may hold."""

    model_config = ConfigDict(extra="forbid")

    terms: list[TermSettings] = Field(min_length=1)


@dataclass(frozen=True)
class Term:
    """A term of a composed reward.

    Args:
        label: its name in reports.
        reward: what is scored; weight: what its score is multiplied by.
        gate: a reward whose score multiplies this one's, or None.
    """

    label: str
    reward: Reward
    weight: float
    gate: Reward | None


class ComposedReward:
    """``sum over terms of weight * gate * score``. Weights are taken as they are and need not add up to 1.

    A sample on which a term of weight other than 0, or its gate, abstains has no total: a sum without one of its parts
    would not be comparable with its neighbours'.
    """

    def __init__(self, terms: Sequence[Term]) -> None:
        labels = [*(term.label for term in terms), "total"]
        for label in labels:
            if labels.count(label) > 1:
                raise ParameterError(f"two terms are called {label!r}: give one of them a label")
        self.terms = tuple(terms)

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """The total of each sample."""
        return self.score_terms(batch)["total"]

    def score_terms(self, batch: Sequence[RewardSample]) -> dict[str, list[Score]]:
        """Each term's gated, unweighted scores by label, and the ``total``."""
        scores = {term.label: _gated(term, batch) for term in self.terms}
        weighted = [(term.weight, scores[term.label]) for term in self.terms if term.weight != 0.0]
        scores["total"] = [_sum([(weight, column[row]) for weight, column in weighted]) for row in range(len(batch))]
        return scores


def _gated(term: Term, batch: Sequence[RewardSample]) -> list[Score]:
    scores = checked_scores(term.reward, batch)
    if term.gate is None:
        return scores
    gates = checked_scores(term.gate, batch)
    return [None if s is None or g is None else s * g for s, g in zip(scores, gates, strict=True)]


def _sum(parts: list[tuple[float, Score]]) -> Score:
    if any(score is None for _, score in parts):
        return None
    return sum(weight * score for weight, score in parts if score is not None)


def compose(data: object, rewards: Registry[type[Reward]], source: object = "terms") -> ComposedReward:
    """Build a composed reward from parsed YAML.

    Raises:
        ParameterError, UnknownNameError: a wrong field, an unknown reward, a setting out of bounds; in one line.
    """
    try:
        parsed = RewardFile.model_validate(data)
    except ValidationError as error:
        fields = "a term has name, weight, gate, label, settings"
        raise ParameterError(f"{source}: {first_fault(error)} ({fields})") from error
    return ComposedReward(
        [
            Term(
                label=term.label or term.name,
                reward=rewards[term.name].create(term.settings),
                weight=term.weight,
                gate=rewards[term.gate].create() if term.gate else None,
            )
            for term in parsed.terms
        ]
    )


def read_reward(path: Path, rewards: Registry[type[Reward]]) -> ComposedReward:
    """Read a composed reward from a YAML file; the errors of `compose`, and ManifestError when it cannot be read."""
    import yaml

    try:
        data = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise ParameterError(f"{path}: not YAML: {one_line(error)}") from error
    return compose(data, rewards, path)
