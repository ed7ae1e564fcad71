"""A reward as a reward function of TRL (`GRPOTrainer`, `RLOOTrainer`); TRL itself is not needed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from megaasr import AnyReward, ParameterError, RewardSample, Score, language_code, scorer_of

REFERENCE_COLUMNS = ("reference", "solution", "answer")
"""Columns of a data set in which references are looked for, the first that is there."""

TrlReward = Callable[..., list[Score]]


def as_trl_reward(
    reward: AnyReward,
    *,
    reference: str | None = "auto",
    language: str = "en",
    name: str | None = None,
    **settings: Any,
) -> TrlReward:
    """A function ``f(prompts=None, completions=None, **columns) -> list[float | None]`` as TRL calls it.

    A completion is a text, or a list of messages ``{"role", "content"}``, of which the last of the assistant counts.
    A column ``language``, where there is one, gives the language of each sample. All other columns are the sample's
    `meta`. None (the reward abstains) is what TRL expects of a reward that does not apply to a sample.

    Args:
        reward: name of a registered reward, a `Reward`, its class, or a `ComposedReward`, whose totals are returned.
        reference: column with the references; ``auto``: the first of `REFERENCE_COLUMNS` that is there; None: the
            reward gets no references.
        language: ISO 639-1 code of samples without the column.
        name: ``__name__`` of the function, under which TRL logs it; the name of the reward if not given.
        settings: fields of a reward that is given by name or class.

    Raises:
        UnknownNameError, ParameterError: no such reward, or settings that it does not take.

    The function raises ParameterError where completions or columns are not as described, and PluginError where the
    reward fails.

    >>> accuracy = as_trl_reward("wer_accuracy", floor=0.0)
    >>> accuracy.__name__, accuracy(completions=["the cat", "a b c"], solution=["the cat sat down", "x"])
    ('wer_accuracy', [0.5, 0.0])
    """
    scorer = scorer_of(reward, settings)
    shown = name or scorer.name
    default = language_code(language)

    def trl_reward(prompts: Any = None, completions: Any = None, **columns: Any) -> list[Score]:
        del prompts
        if not isinstance(completions, Sequence) or isinstance(completions, (str, bytes)):
            raise ParameterError(f"{shown}: completions must be a list, not {type(completions).__name__}")
        per_sample = {
            key: values
            for key, values in columns.items()
            if isinstance(values, Sequence) and not isinstance(values, (str, bytes)) and len(values) == len(completions)
        }  # the others, such as trainer_state, are of the whole call
        column = _reference_column(reference, columns, shown)
        references = _references(column, per_sample, len(completions), shown)
        languages = per_sample.get("language", [default] * len(completions))
        others = {key: values for key, values in per_sample.items() if key not in ("language", column)}
        metas = [{key: values[index] for key, values in others.items()} for index in range(len(completions))]
        batch = [
            RewardSample(_text_of(completion, shown), of, language_code(spoken or default), meta)
            for completion, of, spoken, meta in zip(completions, references, languages, metas, strict=True)
        ]
        return scorer.score(batch)

    trl_reward.__name__ = trl_reward.__qualname__ = shown
    return trl_reward


def _reference_column(wanted: str | None, columns: Mapping[str, Any], name: str) -> str | None:
    if wanted is None:
        return None
    candidates = REFERENCE_COLUMNS if wanted == "auto" else (wanted,)
    for candidate in candidates:
        if candidate in columns:
            return candidate
    raise ParameterError(
        f"{name}: no column {' or '.join(candidates)} with references; there are: {', '.join(columns) or 'none'}; "
        "give as_trl_reward(..., reference=COLUMN), or reference=None for a reward without references"
    )


def _references(column: str | None, per_sample: Mapping[str, Any], count: int, name: str) -> Sequence[str | None]:
    if column is None:
        return [None] * count
    if column not in per_sample:
        raise ParameterError(f"{name}: column {column} does not hold one value for each of {count} completions")
    references: Sequence[str | None] = per_sample[column]
    for value in references:
        if value is not None and not isinstance(value, str):
            raise ParameterError(f"{name}: column {column} holds {value!r}; a text or None is expected")
    return references


def _text_of(completion: object, name: str) -> str:
    """The text of a completion: itself, or the content of its last assistant message, whose text parts are joined."""
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
            f"{name}: completion {str(completion)[:60]!r}: a text or messages with an answer of the assistant expected"
        )
    return content
