"""The trainer `sft`, and its hook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from megaasr import TrainContext, hookimpl

from .settings import SftSettings


class SftTraining(SftSettings):
    """Train a LoRA from sound to words (A2S-SFT): encoder and aligner from easy clips to hard ones, decoder, then all.

    Each phase trains its groups of modules with a LoRA of its own, which is merged before the next phase; the adapter
    that comes out holds them side by side. Checkpoints of a phase, and the scale of the whole, are chosen by WER on the
    dev sets relative to the base's, among those that give no more empty, repetitive or invented output than the base; a
    later phase that makes nothing better is left out. Several runs can be averaged (Wortsman et al. 2022).
    Runs under torchrun as well; the first process chooses and writes.
    """

    def train(self, out: Path, context: TrainContext) -> dict[str, Any]:
        """Train; writes adapter/, report.json and a folder a phase with metrics.jsonl below `out`.

        A killed run goes on after its last checkpoint, to the same bits (on a CPU, with as many threads and processes).

        Returns:
            The report: phases with their candidates, the scale that was chosen, figures on dev. Under torchrun,
            processes other than the first return nothing.

        Raises:
            ManifestError: data that cannot be used.
            ParameterError: a backend that cannot be trained, or a report that needs a missing package.
            OutputError: `out` cannot be written, or holds a run of another configuration or of other data.
        """
        from .run import train_sft

        return train_sft(self, out, context)


@hookimpl
def register_trainers(register):
    register(SftTraining)
