"""Scores of transcripts in one call: any registered reward, and the word error rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

from megaasr.library.alignment import align
from megaasr.library.composed_reward import ComposedReward
from megaasr.library.text import tokenise
from megaasr_core.base.errors import ParameterError
from megaasr_core.contracts.reward import Reward, RewardSample, Score, checked_scores
from megaasr_core.discovery.loading import installed_plugins

Meta = Mapping[str, Any]
AnyReward = str | Reward | type[Reward] | ComposedReward


@overload
def score(
    hypothesis: str,
    reference: str | None,
    reward: AnyReward = ...,
    language: str = ...,
    *,
    meta: Meta | None = ...,
    **settings: Any,
) -> Score: ...


@overload
def score(
    hypothesis: Sequence[str],
    reference: Sequence[str | None],
    reward: AnyReward = ...,
    language: str = ...,
    *,
    meta: Sequence[Meta] | None = ...,
    **settings: Any,
) -> list[Score]: ...


def score(
    hypothesis: str | Sequence[str],
    reference: str | Sequence[str | None] | None,
    reward: AnyReward = "dg_wgpo",
    language: str = "en",
    *,
    meta: Meta | Sequence[Meta] | None = None,
    **settings: Any,
) -> Score | list[Score]:
    """Score a hypothesis against its reference by a reward; two lists of equal length give a list of scores.

    Args:
        hypothesis: transcript of the model, or a list of them.
        reference: correct transcript, or a list of them; None where it is unknown.
        reward: name of a registered reward (``megaasr plugins --kind reward``), a `Reward`, its class, or a
            `ComposedReward`.
        language: ISO 639-1 code of all texts.
        meta: other fields of the sample, such as ``base_wer``; for lists a list of them.
        settings: fields of the reward.

    Returns:
        A score within the bounds of the reward, or None where it abstains.

    Raises:
        UnknownNameError, ParameterError: no such reward or setting, a setting out of bounds, or lists that differ in
            length.
        PluginError: the reward fails.

    >>> score("the cat sat", "the cat sat down", reward="wer_accuracy")
    0.75
    >>> score(["a b", "c"], ["a b", None], reward="wer_accuracy")
    [1.0, None]
    """
    single = isinstance(hypothesis, str)
    hypotheses, references, metas = (
        ([hypothesis], [reference], [meta or {}])
        if single
        else (_listed("hypothesis", hypothesis), _listed("reference", reference), meta)
    )
    metas = [{}] * len(hypotheses) if metas is None else _listed("meta", metas)
    batch = [
        RewardSample(_text("hypothesis", h), None if r is None else _text("reference", r), language, m)
        for h, r, m in _matched({"hypothesis": hypotheses, "reference": references, "meta": metas})
    ]
    scores = scorer_of(reward, settings).score(batch)
    return scores[0] if single else scores


class CheckedReward:
    """A reward whose scores are checked.

    Args:
        reward: reward that is called.
    """

    def __init__(self, reward: Reward) -> None:
        self.name = reward.name
        self._reward = reward

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """The errors of `checked_scores`."""
        return checked_scores(self._reward, batch)


def scorer_of(reward: AnyReward, settings: Mapping[str, Any] | None = None) -> CheckedReward | ComposedReward:
    """What scores a batch by a reward that is given by name, class or instance, or composed.

    Args:
        settings: fields of a reward that is given by name or class.

    Raises:
        UnknownNameError, ParameterError: no such reward, or settings that it does not take.
    """
    if isinstance(reward, str):
        reward = installed_plugins().rewards[reward]
    if isinstance(reward, type) and issubclass(reward, Reward):
        return CheckedReward(reward.create(dict(settings or {})))
    if not isinstance(reward, (Reward, ComposedReward)):
        raise ParameterError(f"reward {reward!r}: a name, a Reward or a ComposedReward is expected")
    if settings:
        raise ParameterError(f"setting {next(iter(settings))!r}: the reward is built already; give its name or class")
    return reward if isinstance(reward, ComposedReward) else CheckedReward(reward)


def wer(
    reference: str | Sequence[str],
    hypothesis: str | Sequence[str],
    language: str = "en",
) -> float:
    """Word error rate ``(S + D + I) / max(N, 1)``: substitutions, deletions and insertions over N reference tokens.

    Tokens are what the language's normaliser counts: words, or characters (then it is the character error rate).
    0.1 is 10 %; it exceeds 1 where there are more edits than reference tokens. Two lists of equal length give the
    micro-average: the edits of all pairs over the reference tokens of all pairs.

    Args:
        reference: correct transcript, or a list of them.
        hypothesis: transcript of the model, or a list of them.
        language: ISO 639-1 code of all texts.

    Raises:
        ParameterError: lists that differ in length, what is no text, or no language code.

    >>> wer("The cat sat down.", "the cat sat")
    0.25
    >>> wer(["a b c d", "e"], ["a b c x", "f"])
    0.4
    >>> wer("你好世界", "你好", language="zh")
    0.5
    """
    references, hypotheses = (
        [text] if isinstance(text, str) else _listed(name, text)
        for name, text in (("reference", reference), ("hypothesis", hypothesis))
    )
    edits = tokens = 0
    for one, other in _matched({"reference": references, "hypothesis": hypotheses}):
        alignment = align(tokenise(_text("reference", one), language), tokenise(_text("hypothesis", other), language))
        edits += alignment.num_edits
        tokens += alignment.ref_len
    return edits / max(tokens, 1)


def _listed(name: str, values: object) -> list[Any]:
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Sequence):
        raise ParameterError(f"{name} {values!r}: a list is expected beside a list")
    return list(values)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ParameterError(f"{name} {value!r}: a text is expected")
    return value


def _matched(columns: Mapping[str, list[Any]]) -> list[tuple[Any, ...]]:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ParameterError(f"lists of equal length are expected, not {shown}")
    return list(zip(*columns.values(), strict=True))
