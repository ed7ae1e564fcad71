"""What the policy draws of a few clips, for people: every hypothesis with its terms, its advantage and its rank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import typer

from megaasr import Plugins, align, tokenise

from ..training_clips import open_clips
from .algorithms import advantages
from .groups import Group, open_reward, scored_groups
from .policy import open_policy
from .prompts import Prompts
from .settings import RlSettings

COLOURS = {"substitution": typer.colors.YELLOW, "insertion": typer.colors.RED, "deletion": typer.colors.BLUE}


def inspected(settings: RlSettings, count: int, plugins: Plugins) -> Iterator[dict[str, Any]]:
    """The first groups that a training by these settings draws, as JSON objects.

    Yields:
        ``id``, ``reference``, ``start`` (the transcript as it is decoded before the training), ``spread`` of the
        rewards, and ``rollouts``: ``text``, ``wer``, ``terms``, ``advantage``, ``rank`` (1 is best; equal rewards have
        equal ranks), ``flags``, ``tokens``.
    """
    reward = open_reward(settings, plugins)
    clips = open_clips(settings.training, plugins)
    policy = open_policy(settings, plugins)
    prompts = Prompts(len(clips), settings.seed)
    for place in range(count):
        number = prompts.at(place)
        chosen = [clips[number]]
        (group,) = scored_groups([number], chosen, policy.draw(chosen, step=1), reward)
        (start,) = policy.backend.transcribe([policy.utterance(chosen[0])], policy.options)
        yield group_as_json(group, start.text, advantages(settings.algorithm, group.rewards))


def group_as_json(group: Group, start: str, gains: Sequence[float]) -> dict[str, Any]:
    """A group as `inspected` yields it."""
    known = sorted({reward for reward in group.rewards if reward is not None}, reverse=True)
    rollouts = [
        {
            "text": one.text,
            "wer": group.wers[place],
            "terms": {label: scores[place] for label, scores in group.terms.items()},
            "advantage": gains[place],
            "rank": None if reward is None else 1 + known.index(reward),
            "flags": sorted(group.flags[place]),
            "tokens": len(one.token_ids),
        }
        for place, (one, reward) in enumerate(zip(group.rollouts, group.rewards, strict=True))
    ]
    return {
        "id": group.clip.key,
        "language": group.clip.language,
        "reference": group.clip.text,
        "start": start,
        "spread": group.spread,
        "rollouts": sorted(rollouts, key=lambda one: (one["rank"] is None, one["rank"])),
    }


def lines_of(found: dict[str, Any]) -> list[str]:
    """A group for a terminal: yellow for another word, red for one too many, blue in brackets for a missing one."""
    reference, language = found["reference"], found["language"]
    lines = [
        typer.style(f"{found['id']}  (spread of the rewards {found['spread']:.3f})", bold=True),
        f"  reference  {reference}",
        f"  start      {differences(found['start'], reference, language)}",
    ]
    for one in found["rollouts"]:
        terms = "  ".join(f"{label} {_number(score)}" for label, score in one["terms"].items())
        flags = f"  [{', '.join(one['flags'])}]" if one["flags"] else ""
        rank = "-" if one["rank"] is None else str(one["rank"])
        lines.append(f"  {rank:>3}  {one['advantage']:+6.2f}  {differences(one['text'], reference, language)}{flags}")
        lines.append(f"               WER {one['wer']:.2f}  {terms}")
    return lines


def differences(hypothesis: str, reference: str, language: str) -> str:
    """The normalised hypothesis with its differences from the reference in colour."""
    words = []
    for operation, expected, heard in align(tokenise(reference, language), tokenise(hypothesis, language)).pairs:
        text = f"[{expected}]" if operation == "deletion" else str(heard)
        words.append(typer.style(text, fg=COLOURS[operation]) if operation in COLOURS else text)
    return " ".join(words) or "-"


def _number(score: float | None) -> str:
    return "-" if score is None else f"{score:.3f}"
