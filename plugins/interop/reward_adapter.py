"""What the reward functions of other trainers share: the reward that they call, and samples made of their columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from megaasr import (
    AnyReward,
    ComposedReward,
    ParameterError,
    RewardSample,
    Score,
    installed_plugins,
    language_code,
    read_reward,
    scorer_of,
)

REFERENCE_COLUMNS = ("reference", "solution", "answer")
"""Columns of a data set in which references are looked for, the first that is there."""
META = "meta"
"""Column of the RL JSONL whose values are objects; their fields reach the reward as fields of the row do."""
LANGUAGE = "language"
YAML_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class RewardAdapter:
    """A reward that is scored on the columns of another trainer's batch.

    Args:
        maker: function that the user called, for messages.
        name: of the reward, for messages and the trainer's logs.
        scorer: what scores a batch of samples; its scores are checked.
        reference: column of the references; ``auto``: the first of `REFERENCE_COLUMNS` that is there; None: none.
        language: code of the language of samples that do not say theirs.
        abstain_score: what `numbers` gives for a sample on which the reward abstains; None: that is an error.
    """

    maker: str
    name: str
    scorer: Any
    reference: str | None
    language: str
    abstain_score: float | None = None

    def scores(self, completions: Any, columns: Mapping[str, Any]) -> list[Score]:
        """One score for each completion; None where the reward abstains.

        A completion is a text, or a list of messages ``{"role", "content"}``, of which the last of the assistant
        counts. Columns with one value for each completion are the `meta` of the samples; a column ``meta`` of objects
        is unfolded beneath them. Other arguments of the call, such as ``trainer_state``, are left out.

        Raises:
            ParameterError: completions or columns are not as described.
            PluginError: the reward fails.
        """
        return self.scorer.score(self.samples(completions, columns))  # type: ignore[no-any-return]

    def numbers(self, completions: Any, columns: Mapping[str, Any]) -> list[float]:
        """As `scores`, for trainers that take numbers only.

        Raises:
            ParameterError: the reward abstains and `abstain_score` is None; as `scores`.
        """
        numbers = []
        for index, score in enumerate(self.scores(completions, columns)):
            number = self.abstain_score if score is None else score
            if number is None:
                raise ParameterError(
                    f"{self.name}: abstains on sample {index} of the batch, and this trainer needs a number for each; "
                    f"leave out rows without a reference, or give {self.maker}(..., abstain_score=NUMBER)"
                )
            numbers.append(number)
        return numbers

    def samples(self, completions: Any, columns: Mapping[str, Any]) -> list[RewardSample]:
        """The samples of a call; ParameterError as `scores`."""
        if not isinstance(completions, Sequence) or isinstance(completions, (str, bytes)):
            raise ParameterError(f"{self.name}: completions must be a list, not {type(completions).__name__}")
        per_sample = {
            key: values
            for key, values in columns.items()
            if isinstance(values, Sequence) and not isinstance(values, (str, bytes)) and len(values) == len(completions)
        }  # the others, such as trainer_state, are of the whole call
        column = self._reference_column(columns)
        references = self._references(column, per_sample, len(completions))
        fields = [_fields(per_sample, index, column) for index in range(len(completions))]
        return [
            RewardSample(self._text_of(completion), said, self._language_of(row), row)
            for completion, said, row in zip(completions, references, fields, strict=True)
        ]

    def _language_of(self, row: dict[str, Any]) -> str:
        """The code of the language that a row names, which is taken out of it."""
        spoken = row.pop(LANGUAGE, None) or self.language
        if not isinstance(spoken, str):
            raise ParameterError(f"{self.name}: language is {spoken!r}; a text is expected")
        return language_code(spoken)

    def _reference_column(self, columns: Mapping[str, Any]) -> str | None:
        if self.reference is None:
            return None
        candidates = REFERENCE_COLUMNS if self.reference == "auto" else (self.reference,)
        for candidate in candidates:
            if candidate in columns:
                return candidate
        raise ParameterError(
            f"{self.name}: no column {' or '.join(candidates)} with references; there are: "
            f"{', '.join(columns) or 'none'}; give {self.maker}(..., reference=COLUMN), or reference=None for a reward "
            "without references"
        )

    def _references(self, column: str | None, per_sample: Mapping[str, Any], count: int) -> Sequence[str | None]:
        if column is None:
            return [None] * count
        if column not in per_sample:
            raise ParameterError(
                f"{self.name}: column {column} does not hold one value for each of {count} completions"
            )
        references: Sequence[str | None] = per_sample[column]
        for value in references:
            if value is not None and not isinstance(value, str):
                raise ParameterError(f"{self.name}: column {column} holds {value!r}; a text or None is expected")
        return references

    def _text_of(self, completion: object) -> str:
        """The text itself, or the content of the last assistant message, whose text parts are joined."""
        if isinstance(completion, str):
            return completion
        messages = completion if isinstance(completion, Sequence) else ()
        contents = [
            message.get("content")
            for message in messages
            if isinstance(message, Mapping) and message.get("role", "assistant") == "assistant"
        ]
        content = contents[-1] if contents else None
        if isinstance(content, Sequence) and not isinstance(content, (str, bytes)):
            parts = [part for part in content if isinstance(part, Mapping) and part.get("type") == "text"]
            content = "".join(str(part.get("text", "")) for part in parts)
        if not isinstance(content, str):
            raise ParameterError(
                f"{self.name}: completion {str(completion)[:60]!r}: a text or messages with an answer of the "
                "assistant expected"
            )
        return content


def _fields(per_sample: Mapping[str, Any], index: int, reference: str | None) -> dict[str, Any]:
    """What the columns say of one sample beside its reference; ``meta`` unfolded, where it is an object."""
    row = {key: values[index] for key, values in per_sample.items() if key != reference}
    if not isinstance(row.get(META), Mapping):
        return row
    unfolded = row.pop(META)
    return {**row, **unfolded, **{key: value for key, value in row.items() if value is not None}}


def reward_adapter(
    maker: str,
    reward: AnyReward | Path,
    settings: Mapping[str, Any],
    *,
    reference: str | None,
    language: str,
    name: str | None,
    abstain_score: float | None = None,
) -> RewardAdapter:
    """An adapter of any reward.

    Args:
        maker, reference, language, abstain_score: as of `RewardAdapter`; a language is a code, a tag or a name.
        reward: name of a registered reward, a `Reward`, its class, a `ComposedReward`, or the path of a YAML file that
            describes one: a `Path`, or a text that ends in .yaml or .yml.
        settings: fields of a reward that is given by name or class.
        name: None: that of the reward, of a YAML file its stem.

    Raises:
        UnknownNameError, ParameterError: no such reward, settings that it does not take, or an `abstain_score` that is
            no finite number.
        ManifestError: the YAML file cannot be read.
    """
    if abstain_score is not None and not (isinstance(abstain_score, (int, float)) and math.isfinite(abstain_score)):
        raise ParameterError(f"{maker}: abstain_score is {abstain_score!r}; a finite number or None is expected")
    scorer: Any
    if isinstance(reward, Path) or (isinstance(reward, str) and reward.endswith(YAML_SUFFIXES)):
        path = Path(reward)
        composed: ComposedReward = read_reward(path, installed_plugins().rewards)
        scorer, own = scorer_of(composed, settings), path.stem
    else:
        scorer = scorer_of(reward, settings)
        own = scorer.name
    number = None if abstain_score is None else float(abstain_score)
    return RewardAdapter(maker, name or own, scorer, reference, language_code(language), number)
