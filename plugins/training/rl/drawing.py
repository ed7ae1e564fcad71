"""The rollouts of a step: groups without variance are replaced by other clips (dynamic sampling; Yu et al. 2025)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from megaasr import ComposedReward

from ..training_clips import Clip
from .groups import Group, scored_groups
from .policy import Policy
from .prompts import Prompts
from .settings import RlSettings

Item = TypeVar("Item")


@dataclass(frozen=True)
class Drawn:
    """What was drawn in a step, by all processes.

    Args:
        kept: the groups to learn from, at most as many as the step has prompts, all with variance.
        rounds: the groups of each round of drawing; the first is as many as the step has prompts.
        cursor: place of the next clip in the sequence.
        drawing_s, reward_s: seconds of this process.
        extra_s: the part of both that the rounds after the first took.
    """

    kept: list[Group]
    rounds: list[list[Group]]
    cursor: int
    drawing_s: float
    reward_s: float
    extra_s: float


class Drawer:
    """Draws and scores the rollouts of a step; every process draws its share and knows the groups of all.

    Args:
        processes: accelerate's PartialState.
    """

    def __init__(
        self,
        settings: RlSettings,
        policy: Policy,
        clips: Sequence[Clip],
        reward: ComposedReward,
        processes: Any,
    ) -> None:
        self._settings, self._policy, self._clips, self._reward = settings, policy, clips, reward
        self._processes = processes
        self._prompts = Prompts(len(clips), settings.seed)

    def draw(self, step: int, cursor: int) -> Drawn:
        """The groups of a step, from the clips that begin at a place of the sequence."""
        settings = self._settings
        kept: list[Group] = []
        rounds: list[list[Group]] = []
        seconds: list[tuple[float, float]] = []
        while True:
            numbers = [self._prompts.at(cursor + place) for place in range(settings.prompts - len(kept))]
            cursor += len(numbers)
            groups, *taken = self._groups(numbers, step)
            seconds.append((taken[0], taken[1]))
            rounds.append(groups)
            kept += [group for group in groups if not group.is_flat(settings.min_spread)]
            if len(kept) == settings.prompts or len(rounds) > settings.max_resamples:
                drawing_s, reward_s = (sum(column) for column in zip(*seconds, strict=True))
                return Drawn(kept, rounds, cursor, drawing_s, reward_s, sum(map(sum, seconds[1:])))

    def _groups(self, numbers: Sequence[int], step: int) -> tuple[list[Group], float, float]:
        """The groups of some clips, in their order, and the seconds of drawing and of scoring in this process."""
        processes = self._processes
        own = shared(numbers, processes)
        clips = [self._clips[number] for number in own]
        started = time.perf_counter()
        drawn = self._policy.draw(clips, step)
        between = time.perf_counter()
        groups = scored_groups(own, clips, drawn, self._reward)
        ended = time.perf_counter()
        return _interleaved(gathered(groups, processes)), between - started, ended - between


def gathered(items: list[Any], processes: Any) -> list[list[Any]]:
    """The lists of all processes, in their order."""
    if processes.num_processes == 1:
        return [items]
    import torch.distributed

    found: list[Any] = [None] * processes.num_processes
    torch.distributed.all_gather_object(found, items)
    return found


def _interleaved(lists: Sequence[Sequence[Any]]) -> list[Any]:
    """The items of lists that were dealt out in turn."""
    longest = max(map(len, lists))
    return [one[place] for place in range(longest) for one in lists if place < len(one)]


def shared(items: Sequence[Item], processes: Any) -> Sequence[Item]:
    """The items that are this process's share."""
    return items[processes.process_index :: processes.num_processes]
