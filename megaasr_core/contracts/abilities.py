"""What a backend may offer beyond transcription: streaming, training (A2S-SFT), sampling from its policy (DG-WGPO)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from ..base.audio import Samples
from .backend import DecodingOptions, Transcript
from .utterance import Utterance

if TYPE_CHECKING:
    import torch


class Sampling(BaseModel):
    """The distribution that tokens are drawn from: the model's, after these changes, in the order of the fields.

    Args:
        repetition_penalty: divides the logits of tokens that are there already (Keskar et al. 2019); 1: none.
        temperature: divides the logits.
        top_k: only the k most probable tokens; 0: all.
        top_p: only the most probable tokens that together have this probability (Holtzman et al. 2020); 1: all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    repetition_penalty: float = Field(1.0, ge=0.1, le=10.0)
    temperature: float = Field(1.0, ge=0.01, le=10.0)
    top_k: int = Field(0, ge=0)
    top_p: float = Field(1.0, gt=0.0, le=1.0)


@dataclass(frozen=True)
class RolloutScores:
    """What a policy makes of the tokens of a rollout.

    Args:
        logprobs: natural log-probability of each token, shape (num_tokens,).
        entropies: of the distribution that each token is of, in nats, shape (num_tokens,); None where nobody asked.
    """

    logprobs: torch.Tensor
    entropies: torch.Tensor | None = None


@runtime_checkable
class TrainableBackend(Protocol):
    """Structural contract; a backend that has these members can be trained."""

    @property
    def network(self) -> torch.nn.Module:
        """The loaded network, into which adapters are put."""

    def module_groups(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the linear modules of the audio ``encoder``, the ``aligner`` of text and sound, and the ``llm``."""

    def collate(self, batch: Sequence[tuple[Utterance, str]]) -> Mapping[str, torch.Tensor]:
        """Tensors for one training step from (utterance, target text); ``labels`` are -100 outside the target.

        Each row is prompted with its utterance's language; BackendError when the model does not know it.
        """

    def hidden_and_logits(
        self, network: torch.nn.Module, batch: Mapping[str, torch.Tensor], adapter: str | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Run a collated batch through `network` (this backend's, or a copy of it); differentiable.

        Args:
            adapter: the mounted adapter that takes part; None: the base.

        Returns:
            The encoder's states, shape (batch, frames, hidden), and the logits of the target tokens alone, in the order
            of ``labels[labels != -100]``, shape (num_targets, vocabulary).
        """


@runtime_checkable
class PolicyBackend(TrainableBackend, Protocol):
    """Structural contract; a backend that has these members too can be trained by reinforcement learning."""

    def sample(
        self,
        batch: Sequence[Utterance],
        num_rollouts: int,
        options: DecodingOptions,
        sampling: Sampling,
        *,
        seed: int,
        step: int = 0,
        adapter: str | None = None,
    ) -> list[list[Transcript]]:
        """`num_rollouts` sampled transcripts of each utterance, in order; their `token_logprobs` are the policy's.

        What is drawn depends on (`seed`, the utterance's id, `step`, the rollout's number) alone: not on the rest of
        the batch, its order, or any global generator, none of which is changed. `num_beams` takes no part.
        """

    def score_rollouts(
        self,
        batch: Sequence[Utterance],
        rollouts: Sequence[Sequence[Sequence[int]]],
        *,
        temperature: float = 1.0,
        entropies: bool = False,
        adapter: str | None = None,
    ) -> list[list[RolloutScores]]:
        """What the model makes of given tokens, one score a rollout; differentiable, and independent of earlier calls.

        The rollouts of an utterance share its encoder states.

        Args:
            rollouts: for each utterance the `token_ids` of some transcripts, as `sample` returns them.
            temperature: divides the logits. What else `sample` changes of the distribution takes no part.
            entropies: also give those; they carry no gradient.
        """

    def log_probabilities(
        self, batch: Sequence[tuple[Utterance, str]], adapter: str | None = None
    ) -> list[torch.Tensor]:
        """Log-probability of every target token, shape (num_tokens,) an utterance; differentiable.

        Computed by the base or through the mounted adapter, independently of earlier calls.
        """


@dataclass(frozen=True)
class StreamUpdate:
    """The hypothesis so far.

    Args:
        committed: text that will not change any more; each update's begins with that of the update before.
        pending: text behind it, which may still change.
    """

    committed: str
    pending: str = ""


@runtime_checkable
class Stream(Protocol):
    """One utterance that arrives in chunks; used by one thread at a time."""

    def feed(self, samples: Samples) -> StreamUpdate:
        """Take the next samples, shape (num_samples,), float32, at the backend's rate; any length, zero too.

        Raises:
            BackendError: after `finish`.
        """

    def finish(self) -> Transcript:
        """End the utterance; the transcript of the whole, whose text begins with what was committed."""


@runtime_checkable
class StreamingBackend(Protocol):
    """Structural contract; a backend that has this method can decode live audio."""

    def open_stream(
        self, language: str | None = None, options: DecodingOptions | None = None, adapter: str | None = None
    ) -> Stream:
        """Begin an utterance; several streams may be open at once.

        Args:
            language: ISO 639-1 code; None: the backend chooses.
            options: of the backend's `options_type`.
            adapter: a mounted adapter; None: the base.
        """
