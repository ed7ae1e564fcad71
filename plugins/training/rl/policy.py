"""The policy under training: a backend with its start merged in, and a LoRA on top, whose absence is the start."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from megaasr import (
    DecodingOptions,
    LoraPart,
    ParameterError,
    Plugins,
    PolicyBackend,
    RolloutScores,
    SampleKey,
    Sampling,
    Transcript,
    Utterance,
    read_parts,
)

from ..hf_trainer import own_random_state
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
        with own_random_state(int(SampleKey(settings.seed, "rl").rng("torch").integers(2**31))):
            self.lora = PhaseLora(backend.network, backend.module_groups(), phase, dropout=0.0)
        self.longest = self.options.max_tokens(backend.info.max_duration_s or LONGEST_S)
        """The most tokens that a rollout of any clip may have."""
        self._settings, self._plugins = settings, plugins
        self._heard: dict[str, Utterance] = {}
        backend.network.eval()

    def parameter_groups(self) -> list[dict[str, Any]]:
        """What is trained, as torch's optimisers take it."""
        rates = self._settings.learning_rates
        return [{"params": self.lora.parameters(group), "lr": rate} for group, rate in rates.items()]

    def utterance(self, clip: Clip) -> Utterance:
        """The sound of a clip at the backend's rate, under the clip's key; in a step it is read or rendered once."""
        if clip.key not in self._heard:
            if len(self._heard) >= 2 * self._settings.prompts:
                del self._heard[next(iter(self._heard))]  # the one that was read first
            audio = clip.read(self._plugins).resampled(self.backend.info.sample_rate)
            known = {"language": clip.language, "reference": clip.text, "id": clip.key}
            self._heard[clip.key] = Utterance(audio, **known)
        return self._heard[clip.key]

    def draw(self, clips: Sequence[Clip], step: int, sampling: Sampling | None = None) -> list[list[Transcript]]:
        """The rollouts of some clips at a step, `micro_prompts` clips at once.

        Args:
            sampling: instead of that of the settings.
        """
        settings = self._settings
        asked = settings.rollouts, self.options, sampling or settings.sampling
        drawn: list[list[Transcript]] = []
        for part in split(clips, settings.micro_prompts):
            utterances = [self.utterance(clip) for clip in part]
            drawn += self.backend.sample(utterances, *asked, seed=settings.seed, step=step)
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

    def as_it_started(self) -> AbstractContextManager[None]:
        """In the block of this the policy is what it was before the first step."""
        return self.lora.off()


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


def open_policy(settings: RlSettings, plugins: Plugins) -> Policy:
    """The policy as it starts, to look at; the errors of `open_policy_backend` and `read_parts`."""
    return Policy(settings, open_policy_backend(settings, plugins), start_parts(settings.adapter), plugins)


def split(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """The items in parts of at most `size`."""
    return [items[first : first + size] for first in range(0, len(items), size)]
