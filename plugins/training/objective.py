"""What a step minimises: cross entropy of the words, and perhaps the distance from the base on the clean clip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from megaasr import TrainableBackend, Utterance

CLEAN = "clean_"
"""Before the names of the tensors that the base hears."""


class Objective(torch.nn.Module):
    """The network with its loss, as one module, so that torch's data parallelism sees every forward pass.

    Args:
        backend: whose batches it takes; its network becomes a submodule.
        teacher: the base, which hears the clean clip; None: cross entropy alone.
        distil: weight of KL(teacher || network) over the vocabulary, in nats a token (Hinton et al. 2015, at
            temperature 1), beside the cross entropy.
        states: weight of the encoder states' squared distance from the teacher's, relative to the teacher's own square,
            an utterance. It needs no words, so that they are not learned by heart.
    """

    accepts_loss_kwargs = True
    """Tells transformers' Trainer to hand over how many targets there are in all the batches of a step."""

    def __init__(
        self,
        backend: TrainableBackend,
        teacher: torch.nn.Module | None = None,
        distil: float = 0.0,
        states: float = 0.0,
    ) -> None:
        super().__init__()
        self.network = backend.network
        self._backend = backend
        self._teacher = (
            teacher,
        )  # in a tuple it is no submodule: it is neither trained nor saved nor put in training mode
        self._distil, self._states = distil, states

    def forward(self, num_items_in_batch: Any = None, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """The loss of a collated batch, over the targets of the whole step where their number is given."""
        heard = {name: tensor for name, tensor in batch.items() if not name.startswith(CLEAN)}
        targets = heard["labels"][heard["labels"] != -100]
        hidden, logits = self._backend.hidden_and_logits(self.network, heard)
        total = functional.cross_entropy(logits.float(), targets, reduction="sum")
        (teacher,) = self._teacher
        if teacher is not None:
            clean = {name.removeprefix(CLEAN): tensor for name, tensor in batch.items() if name.startswith(CLEAN)}
            with torch.no_grad():
                aim, wanted = self._backend.hidden_and_logits(teacher, clean)
            divergence = functional.kl_div(
                logits.float().log_softmax(-1), wanted.float().log_softmax(-1), reduction="sum", log_target=True
            )
            distance = (hidden - aim).float().pow(2).sum((1, 2)) / aim.float().pow(2).sum((1, 2))
            # Times the targets an utterance, since the sum is divided by the targets of the step.
            total = total + self._distil * divergence + self._states * distance.mean() * len(targets)
        return {"loss": total / (len(targets) if num_items_in_batch is None else num_items_in_batch)}


class Collator:
    """Batches of (utterance, text, clean utterance), with the base's share of each where it is a teacher."""

    def __init__(self, backend: TrainableBackend, teaches: bool) -> None:
        self._backend, self._teaches = backend, teaches

    def __call__(self, rows: Sequence[tuple[Utterance, str, Utterance]]) -> dict[str, torch.Tensor]:
        """Tensors of one forward pass."""
        batch = dict(self._backend.collate([(utterance, text) for utterance, text, _ in rows]))
        if self._teaches:
            aim = self._backend.collate([(clean, text) for _, text, clean in rows])
            batch |= {f"{CLEAN}{name}": tensor for name, tensor in aim.items()}
        return batch
