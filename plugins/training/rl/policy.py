"""The policy under training: a backend with its start merged in, and a LoRA on top, whose absence is the start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch

from megaasr import (
    DecodingOptions,
    LoraPart,
    ParameterError,
    Plugins,
    PolicyBackend,
    RolloutScores,
    Transcript,
    Utterance,
    read_parts,
)

from ..low_rank import PhaseLora, merge_parts
from ..phases import Phase
from ..training_clips import Clip
from .groups import Group
from .settings import RlSettings

Item = TypeVar("Item")
LONGEST_S = 30.0
"""Stands for the longest clip of a backend that has no bound."""


class Policy:
    """A network that draws transcripts and scores them, and the parameters of it that are trained.

    Everything is drawn and scored in evaluation mode and without dropout, so that what has just drawn a rollout gives
    it the same log-probability again.

    Args:
        backend: loaded; its network is changed.
        parts: the adapter that the policy starts with; it is merged into the weights once.
    """

    def __init__(self, settings: RlSettings, backend: Any, parts: Sequence[LoraPart], plugins: Plugins) -> None:
        merge_parts(backend.network, parts)
        phase = Phase(name="rl", learning_rates=settings.learning_rates, rank=settings.rank, alpha=settings.alpha)
        self.backend = backend
        self.options: DecodingOptions = backend.make_options(settings.decode)
        self.lora = PhaseLora(backend.network, backend.module_groups(), phase, dropout=0.0)
        self.longest = self.options.max_tokens(backend.info.max_duration_s or LONGEST_S)
        """The most tokens that a rollout of any clip may have."""
        self._settings, self._plugins = settings, plugins
        backend.network.eval()

    def parameter_groups(self) -> list[dict[str, Any]]:
        """What is trained, as torch's optimisers take it."""
        rates = self._settings.learning_rates
        return [{"params": self.lora.parameters(group), "lr": rate} for group, rate in rates.items()]

    def utterance(self, clip: Clip) -> Utterance:
        """The sound of a clip at the backend's rate, under the clip's key."""
        audio = clip.read(self._plugins).resampled(self.backend.info.sample_rate)
        return Utterance(audio, language=clip.language, reference=clip.text, id=clip.key)

    def draw(self, clips: Sequence[Clip], step: int) -> list[list[Transcript]]:
        """The rollouts of some clips at a step."""
        settings = self._settings
        drawn: list[list[Transcript]] = self.backend.sample(
            [self.utterance(clip) for clip in clips],
            settings.rollouts,
            self.options,
            settings.sampling,
            seed=settings.seed,
            step=step,
        )
        return drawn

    def scores(self, groups: Sequence[Group], *, entropies: bool = False) -> list[list[RolloutScores]]:
        """The scores of the rollouts of some groups under the policy, at the temperature that they were drawn at."""
        scored: list[list[RolloutScores]] = self.backend.score_rollouts(
            [self.utterance(group.clip) for group in groups],
            [[rollout.token_ids for rollout in group.rollouts] for group in groups],
            temperature=self._settings.sampling.temperature,
            entropies=entropies,
        )
        return scored

    @contextmanager
    def as_it_started(self) -> Iterator[None]:
        """In this block the policy is what it was before the first step."""
        with self.lora.off():
            yield


def open_policy_backend(settings: RlSettings, plugins: Plugins) -> Any:
    """The backend of the settings, loaded; ParameterError when it has no policy."""
    backend = plugins.backends[settings.backend].create(settings.backend_settings)
    if not isinstance(backend, PolicyBackend):
        raise ParameterError(f"trainer rl: backend {settings.backend} has no policy that can be trained")
    backend.load()
    return backend


def start_parts(adapter: Path | None) -> list[LoraPart]:
    """The LoRAs of the adapter that the policy starts with; none without one."""
    return [] if adapter is None else read_parts(adapter)


def split(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """The items in parts of at most `size`."""
    return [items[first : first + size] for first in range(0, len(items), size)]


def detached(scores: Sequence[Sequence[RolloutScores]]) -> list[list[torch.Tensor]]:
    """The log-probabilities alone."""
    return [[one.logprobs.detach() for one in own] for own in scores]
