"""Inference of a router for many clips, in batches of clips with similar lengths."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from megaasr import SAMPLE_RATE_HZ, Audio, SampleKey

from .features import MAX_DURATION_S, log_mel, pad_batch
from .files import TrainedRouter

MOST_CLIPS = 16
MOST_SECONDS = 160.0
"""Maximum duration of a batch including padding; bounds the memory of the attention."""


def logits_of(router: TrainedRouter, clips: Sequence[Audio]) -> npt.NDArray[np.float64]:
    """The network's logits, not yet divided by the temperature; shape (clips, 2)."""
    logits = np.zeros((len(clips), 2))
    with torch.inference_mode():
        for rows in _batches(clips):
            features, frames = log_mel(*pad_batch([clips[row] for row in rows]), router.network.settings.n_mels)
            logits[rows] = router.network(features, frames).double().numpy()
    return logits


def probabilities(logits: npt.NDArray[np.float64], temperature: float = 1.0) -> npt.NDArray[np.float64]:
    """p(degraded), shape (clips,), from logits (clips, 2) divided by the temperature."""
    margin = np.clip((logits[:, 1] - logits[:, 0]) / temperature, -700.0, 700.0)
    return np.asarray(1.0 / (1.0 + np.exp(-margin)))


def _batches(clips: Sequence[Audio]) -> Iterator[list[int]]:
    """Indices sorted by length, in batches of at most `MOST_CLIPS` clips and `MOST_SECONDS` seconds."""
    seconds = [min(clip.duration_s, MAX_DURATION_S) for clip in clips]
    batch: list[int] = []
    for row in sorted(range(len(clips)), key=lambda row: seconds[row]):
        if batch and (len(batch) == MOST_CLIPS or (len(batch) + 1) * seconds[row] > MOST_SECONDS):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def milliseconds_a_clip(router: TrainedRouter, duration_s: float = 10.0, batch: int = 1, rounds: int = 11) -> float:
    """Median time in milliseconds per clip of white noise on one core, including the features."""
    rng = SampleKey(0, "router speed").rng("noise")
    samples = 0.05 * rng.standard_normal(round(duration_s * SAMPLE_RATE_HZ), dtype=np.float32)
    clips = [Audio(samples, SAMPLE_RATE_HZ)] * batch
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times = []
        for _ in range(rounds + 2):  # the first two rounds are warm-up
            started = time.perf_counter()
            logits_of(router, clips)
            times.append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(threads)
    return 1000.0 * statistics.median(times[2:]) / batch
