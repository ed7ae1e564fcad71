"""What is logged of a step: one row of metrics.jsonl, and the same figures for TensorBoard."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .drawing import Drawn
from .groups import Group
from .settings import RlSettings
from .updating import Updated

FLAGS = ("empty", "repetitive", "overlong", "invented")


def row_of(settings: RlSettings, step: int, drawn: Drawn, updated: Updated | None, rate: float) -> dict[str, Any]:
    """The figures of a step. What is said of rollouts is of those of the first round: the policy's own, unselected.

    Args:
        updated: None where no rollout counted, and nothing was learned.
        rate: learning rate of the first group of modules.
    """
    first = drawn.rounds[0]
    sampled = [group for groups in drawn.rounds for group in groups]
    rollouts = [one for group in first for one in group.rollouts]
    flags = [one for group in first for one in group.flags]
    taken = {} if updated is None else _of_update(updated)
    return {
        "step": step,
        "wer": sum(edits for group in first for edits in group.edits)
        / max(1, sum(group.words * len(group.rollouts) for group in first)),
        "terms": {label: spread(_scores(first, label)) for label in first[0].terms},
        "gate": _gate(settings.gate, first),
        "groups": {
            "drawn": len(sampled),
            "kept": len(drawn.kept),
            "rounds": len(drawn.rounds),
            "without_variance": sum(group.is_flat(settings.min_spread) for group in first) / len(first),
            "without_variance_after": 1.0 - len(drawn.kept) / settings.prompts,
        },
        "distinct": statistics.fmean(len({one.text for one in group.rollouts}) for group in first),
        "tokens": statistics.fmean(len(one.token_ids) for one in rollouts),
        **{flag: sum(flag in own for own in flags) / len(flags) for flag in FLAGS},
        **taken,
        "learning_rate": rate,
        "seconds": {
            "drawing": drawn.drawing_s,
            "reward": drawn.reward_s,
            "resampling": drawn.extra_s,
            "scoring": 0.0 if updated is None else updated.scoring_s,
            "update": 0.0 if updated is None else updated.update_s,
        },
    }


def _of_update(updated: Updated) -> dict[str, Any]:
    return {
        "loss": updated.loss,
        "divergence": updated.divergence,
        "clipped": {"low": updated.clipped_low, "high": updated.clipped_high},
        "ratio_strays": updated.strayed,
        "entropy": updated.entropy,
        "grad_norm": updated.grad_norm,
    }


def spread(scores: Sequence[float | None]) -> dict[str, Any]:
    """Mean and population standard deviation of the scores, and how many abstained.

    >>> spread([1.0, None, 0.0])
    {'mean': 0.5, 'std': 0.5, 'abstained': 1}
    """
    known = [score for score in scores if score is not None]
    mean, std = (statistics.fmean(known), statistics.pstdev(known)) if known else (None, None)
    return {"mean": mean, "std": std, "abstained": len(scores) - len(known)}


def _scores(groups: Iterable[Group], label: str) -> list[float | None]:
    return [score for group in groups for score in group.terms[label]]


def _gate(bound: float, groups: Sequence[Group]) -> dict[str, Any]:
    """Share of the rollouts with a WER below the bound, and the mean reward on both sides."""
    sides: dict[bool, list[float | None]] = {True: [], False: []}
    for group in groups:
        for wer, reward in zip(group.wers, group.rewards, strict=True):
            sides[wer < bound].append(reward)
    total = sum(map(len, sides.values()))
    return {
        "below": len(sides[True]) / total,
        "reward_below": spread(sides[True])["mean"],
        "reward_above": spread(sides[False])["mean"],
    }


def scalars(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a row by their path, as TensorBoard takes them: ``terms/total/mean``."""
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from scalars(value, f"{prefix}{name}/")
        elif isinstance(value, (int, float)) and name != "step":
            yield f"{prefix}{name}", float(value)
