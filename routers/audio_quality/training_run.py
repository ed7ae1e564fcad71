"""Where a training stands, kept after every epoch, so that a killed run goes on as if it had never been stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from megaasr import OutputError, atomic_path, one_line

from .network import Network

FILE = "unfinished.pt"


class Progress:
    """Network, place in the training, and the best epoch so far. Use `Progress.start`.

    Attributes:
        epoch, step: how many of each are done.
        rows: of metrics.jsonl.
        best: the network's state after `best_epoch`.
    """

    def __init__(self, path: Path, network: Network) -> None:
        self.network = network
        self.epoch = self.step = 0
        self.rows: list[dict[str, Any]] = []
        self.best: dict[str, torch.Tensor] = {}
        self.best_epoch = -1
        self._rank: tuple[float, ...] = ()
        self._path = path
        self._optimiser: dict[str, Any] | None = None

    @classmethod
    def start(cls, out: Path, network: Callable[[], Network]) -> Progress:
        """Go on from what lies in the folder, or begin; OutputError when that is damaged."""
        progress = cls(out / FILE, network())
        if (out / FILE).is_file():
            progress._load()
        return progress

    def restore(self, optimiser: torch.optim.Optimizer) -> None:
        """Give the optimiser the state that it had."""
        if self._optimiser is not None:
            optimiser.load_state_dict(self._optimiser)

    def end_epoch(self, row: dict[str, Any], rank: tuple[float, ...], optimiser: torch.optim.Optimizer) -> None:
        """Count an epoch, keep its weights if its rank is the lowest, and save."""
        self.rows.append(row)
        if not self.best or rank < self._rank:
            self._rank, self.best_epoch = rank, self.epoch
            self.best = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        self.epoch += 1
        with atomic_path(self._path) as temporary:
            torch.save(
                {
                    "network": self.network.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "epoch": self.epoch,
                    "step": self.step,
                    "rows": self.rows,
                    "best": self.best,
                    "best_epoch": self.best_epoch,
                    "rank": self._rank,
                },
                temporary,
            )

    def forget(self) -> None:
        """Remove the file: the training has ended."""
        self._path.unlink(missing_ok=True)

    def _load(self) -> None:
        try:
            # weights_only: tensors and plain containers, never a pickled object
            kept = torch.load(self._path, weights_only=True)
            self.network.load_state_dict(kept["network"])
            self._optimiser = kept["optimiser"]
            self.epoch, self.step, self.rows = kept["epoch"], kept["step"], kept["rows"]
            self.best, self.best_epoch, self._rank = kept["best"], kept["best_epoch"], tuple(kept["rank"])
        except Exception as error:
            raise OutputError(f"cannot go on from {self._path}: {one_line(error)[:200]}; remove it") from error
