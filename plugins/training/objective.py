"""What a step minimises: cross entropy of the words, in nats a token."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from megaasr_core.contracts.trainable import TrainableBackend


class Objective(torch.nn.Module):
    """The network with its loss, as one module, so that torch's data parallelism sees every forward pass.

    Args:
        backend: whose batches it takes; its network becomes a submodule.
    """

    accepts_loss_kwargs = True
    """Tells transformers' Trainer to hand over how many targets there are in all the batches of a step."""

    def __init__(self, backend: TrainableBackend) -> None:
        super().__init__()
        self.network = backend.network
        self._backend = backend

    def forward(self, num_items_in_batch: Any = None, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """The loss of a collated batch, over the targets of the whole step where their number is given."""
        targets = batch["labels"][batch["labels"] != -100]
        _, logits = self._backend.hidden_and_logits(self.network, batch)
        total = functional.cross_entropy(logits.float(), targets, reduction="sum")
        return {"loss": total / (len(targets) if num_items_in_batch is None else num_items_in_batch)}
