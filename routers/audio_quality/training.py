"""The trainer `router`, and its hook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from megaasr import TrainContext, hookimpl

from .settings import RouterSettings


class RouterTraining(RouterSettings):
    """Train the audio_quality router on clean and degraded clips, or on which of two transcripts had fewer edits.

    Objective ``label``: the class of the clip; the best epoch by AUC on dev, and `threshold` as it is given.
    Objective ``outcome``: whether the adapter's transcript has strictly fewer edits, each row weighing by the
    difference; the best epoch by edits under routing on dev, and the threshold of fewest edits that is never worse than
    the base on the clean rows.
    Both are calibrated by a temperature on dev (Guo et al. 2017).
    """

    def train(self, out: Path, context: TrainContext) -> dict[str, Any]:
        """Train; writes audio_quality.safetensors, metrics.jsonl (a row an epoch) and report.json below `out`.

        A killed run goes on after its last whole epoch, to the same bits (with as many threads).

        Returns:
            The report: figures on dev, temperature, threshold, milliseconds a clip.

        Raises:
            ManifestError: data that cannot be used.
            OutputError: `out` cannot be written, or holds a run of another configuration or of other data.
        """
        from .loop import train_router

        return train_router(self, out, context)


@hookimpl
def register_trainers(register):
    register(RouterTraining)
