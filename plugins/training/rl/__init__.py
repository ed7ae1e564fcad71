"""The trainer `rl`: DG-WGPO, reinforcement learning with any registered reward, and its hook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from megaasr import TrainContext, hookimpl

from .settings import RlSettings


class RlTraining(RlSettings):
    """Train a LoRA by reinforcement learning on a reward of whole transcripts (DG-WGPO; Mega-ASR, 3.2).

    Each step draws several transcripts of each of a few clips from the policy, scores them, and makes those likelier
    that score above their group. Groups whose rewards are all equal say nothing and are replaced by other clips. The
    policy begins as the base, or as the base with an adapter; checkpoints are chosen by WER on the dev sets, among
    those that give no more empty, repetitive or invented output than the start. Runs under torchrun as well.
    """

    def train(self, out: Path, context: TrainContext) -> dict[str, Any]:
        """Train; writes adapter/, last/, metrics.jsonl, report.json, curves.png and tensorboard/ below `out`.

        A killed run goes on after its last checkpoint, to the same bits (on a CPU, with as many threads and processes).

        Returns:
            The report: candidates with their figures on dev, the chosen one, shares of groups without variance. Under
            torchrun, processes other than the first return nothing.

        Raises:
            ManifestError: data that cannot be used.
            ParameterError: a backend that has no policy, or a reward that does not fit.
            PluginError: the reward failed; the message names it and the clip.
            OutputError: `out` cannot be written, or holds a run of another configuration or of other data.
        """
        from .run import train_rl

        return train_rl(self, out, context)

    def inspect(self, count: int, context: TrainContext) -> Iterator[dict[str, Any]]:
        """The first groups that the training draws; see `InspectableTrainer`."""
        from .inspection import inspected

        return inspected(self, count, context.plugins)

    def lines_of(self, found: dict[str, Any]) -> list[str]:
        """A group for a terminal; see `InspectableTrainer`."""
        from .inspection import lines_of

        return lines_of(found)


@hookimpl
def register_trainers(register):
    register(RlTraining)
