"""`TrainableBackend`: what a backend offers beyond transcription so that recipes can train it (A2S-SFT, DG-WGPO)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ..base.audio import Audio
from .backend import DecodingOptions, Transcript

if TYPE_CHECKING:
    import torch

GROUPS = ("encoder", "aligner", "llm")
"""What hears, what ties text to sound, what writes."""


@runtime_checkable
class TrainableBackend(Protocol):
    """Structural contract; a backend that has these methods can be trained."""

    @property
    def network(self) -> torch.nn.Module:
        """The loaded network, into which adapters are put."""

    def module_groups(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the linear modules of each group: ``encoder``, ``aligner``, ``llm``."""

    def collate(self, batch: Sequence[tuple[Audio, str]]) -> Mapping[str, torch.Tensor]:
        """Tensors for one training step from (audio, target text); ``labels`` are -100 outside the target."""

    def hidden_and_logits(
        self, network: torch.nn.Module, batch: Mapping[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Of a collated batch through `network` (this backend's, or a copy of it); differentiable.

        Returns:
            The encoder's states, shape (batch, frames, hidden), and the logits of the target tokens alone, in the order
            of ``labels[labels != -100]``, shape (num_targets, vocabulary).
        """

    def sample(
        self, batch: Sequence[Audio], num_rollouts: int, options: DecodingOptions, sampling: Mapping[str, float]
    ) -> list[list[Transcript]]:
        """`num_rollouts` sampled transcripts an utterance; `sampling`: temperature, top_p, top_k, ..."""

    def log_probabilities(self, batch: Sequence[tuple[Audio, str]]) -> list[torch.Tensor]:
        """Log-probability of every target token, shape (num_tokens,) an utterance; differentiable."""
