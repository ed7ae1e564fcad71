"""`TrainableBackend`: what a backend offers beyond transcription so that recipes can train it (A2S-SFT, DG-WGPO)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..base.audio import Audio
from .backend import DecodingOptions, Transcript

if TYPE_CHECKING:
    import torch


@runtime_checkable
class TrainableBackend(Protocol):
    """Structural contract; a backend that has these methods can be trained."""

    def module_groups(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the linear modules of each group: ``encoder``, ``aligner``, ``llm``."""

    def collate(self, batch: Sequence[tuple[Audio, str]]) -> Mapping[str, Any]:
        """Tensors for one training step from (audio, target text); labels are -100 outside the target."""

    def sample(self, batch: Sequence[Audio], num_rollouts: int, options: DecodingOptions) -> list[list[Transcript]]:
        """`num_rollouts` sampled transcripts an utterance."""

    def log_probabilities(self, batch: Sequence[tuple[Audio, str]]) -> list[torch.Tensor]:
        """Log-probability of every target token, shape (num_tokens,) an utterance; differentiable."""
