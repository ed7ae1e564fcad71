"""Groups of rollouts: the transcripts drawn of one clip, with their rewards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from megaasr import (
    ComposedReward,
    PluginError,
    Plugins,
    RewardSample,
    Score,
    Transcript,
    check_text,
    compose,
    read_reward,
    tokenise,
)

from ..training_clips import Clip
from .settings import RlSettings


@dataclass(frozen=True)
class Group:
    """The rollouts of one clip.

    Args:
        prompt: number of the clip among the training's.
        clip: whose transcripts they are.
        rollouts: as drawn.
        terms: the scores of each term of the reward, and their total, one a rollout.
        flags: of each rollout: ``empty``, ``repetitive``, ``overlong`` (it did not end), ``invented`` (more errors
            than the reference has words).
        edits: errors of each rollout, in tokens; words: tokens of the reference.
    """

    prompt: int
    clip: Clip
    rollouts: tuple[Transcript, ...]
    terms: dict[str, tuple[Score, ...]]
    flags: tuple[frozenset[str], ...]
    edits: tuple[int, ...]
    words: int

    @property
    def rewards(self) -> tuple[Score, ...]:
        """The total of each rollout; None where the reward abstains."""
        return self.terms[ComposedReward.total_label]

    @property
    def spread(self) -> float:
        """Largest minus smallest reward."""
        known = [reward for reward in self.rewards if reward is not None]
        return max(known) - min(known) if known else 0.0

    def is_flat(self, min_spread: float) -> bool:
        """Whether its rewards differ by less than that, so that it says nothing."""
        return self.spread < min_spread

    @property
    def wers(self) -> list[float]:
        """Word error rate of each rollout; of an empty reference the number of words."""
        return [edits / max(1, self.words) for edits in self.edits]

    def lengths(self, mask_overlong: bool) -> list[int]:
        """Tokens of each rollout; 0 for those that the loss leaves out: without a reward, or masked as overlong."""
        return [
            0 if reward is None or (mask_overlong and "overlong" in flags) else len(rollout.token_ids)
            for rollout, reward, flags in zip(self.rollouts, self.rewards, self.flags, strict=True)
        ]


def open_reward(settings: RlSettings, plugins: Plugins) -> ComposedReward:
    """The reward of the settings; ParameterError or UnknownNameError when it cannot be composed."""
    given = settings.reward
    if isinstance(given, Path):
        return read_reward(given, plugins.rewards)
    content = {"terms": [{"name": given}]} if isinstance(given, str) else given
    return compose(content, plugins.rewards, "reward")


def scored_groups(
    prompts: Sequence[int], clips: Sequence[Clip], drawn: Sequence[Sequence[Transcript]], reward: ComposedReward
) -> list[Group]:
    """Score the rollouts of some clips, all in one batch; each term scores each rollout once.

    Args:
        prompts: numbers of the clips.
        clips: the clips.
        drawn: the rollouts of each clip.

    Raises:
        PluginError: a term of the reward raised, or returned a score that is no number or out of bounds; the message
            names the term and the clip.
    """
    samples = [
        RewardSample(one.text, clip.text, clip.language, {"id": clip.key, "base_wer": clip.base_wer})
        for clip, rollouts in zip(clips, drawn, strict=True)
        for one in rollouts
    ]
    columns = reward.term_scores(samples)
    for column in columns.values():
        for place, reason in column.errors.items():
            raise PluginError(f"{reason} (clip {samples[place].meta['id']}, transcript {samples[place].hypothesis!r})")
    groups, first = [], 0
    for number, clip, rollouts in zip(prompts, clips, drawn, strict=True):
        own = slice(first, first + len(rollouts))
        first += len(rollouts)
        terms = {label: tuple(column.scores[own]) for label, column in columns.items()}
        reference = tokenise(clip.text, clip.language)
        edits = tuple(num_edits(tokenise(one.text, clip.language), reference) for one in rollouts)
        groups.append(
            Group(
                number,
                clip,
                tuple(rollouts),
                terms,
                tuple(_flags(one, count, len(reference), clip) for one, count in zip(rollouts, edits, strict=True)),
                edits,
                len(reference),
            )
        )
    return groups


def _flags(rollout: Transcript, edits: int, words: int, clip: Clip) -> frozenset[str]:
    found = set(check_text(rollout.text, language=clip.language)) & {"empty", "repetitive"}
    found |= {"overlong"} if rollout.truncated else set()
    return frozenset(found | ({"invented"} if edits > words else set()))


def num_edits(hypothesis: Sequence[str], reference: Sequence[str]) -> int:
    """Fewest substitutions, deletions and insertions between two lists of tokens."""
    from rapidfuzz.distance import Levenshtein

    return int(Levenshtein.distance(reference, hypothesis))
