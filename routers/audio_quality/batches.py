"""Training batches: reads, crops and augments clips with keyed random generators; gives targets and weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from megaasr import SAMPLE_RATE_HZ, Audio, ManifestError, SampleKey, Samples

from .features import MAX_DURATION_S, log_mel, pad_batch
from .settings import RouterSettings
from .sources import Example

POOL = 8
"""Number of batches whose clips are sorted by length together, to reduce padding."""


@dataclass(frozen=True)
class Batch:
    """The input of one training step: features (batch, time, 80), frames, targets and weights (batch,)."""

    features: torch.Tensor
    frames: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor


class Clips:
    """The audio of a list of examples at 16 kHz, at most 30 s each, cached in memory up to a limit."""

    def __init__(self, examples: Sequence[Example], cache_mib: int) -> None:
        self.examples = examples
        self._cache: dict[int, Audio] = {}
        self._free_bytes = cache_mib * 2**20

    def __getitem__(self, index: int) -> Audio:
        cached = self._cache.get(index)
        if cached is not None:
            return cached
        read = self.examples[index].read()
        audio = read.cut(0, round(MAX_DURATION_S * read.sample_rate)).resampled(SAMPLE_RATE_HZ)
        if audio.samples.nbytes <= self._free_bytes:
            self._free_bytes -= audio.samples.nbytes
            self._cache[index] = audio
        return audio


def targets_of(
    examples: Sequence[Example], settings: RouterSettings, what: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Class and weight of every example under the objective; shape (examples,).

    Raises:
        ManifestError: an example lacks what the objective needs, or all are of one class.
    """
    if settings.objective == "label":
        classes = [example.degraded for example in examples]
        weights = [1.0] * len(examples)
        needed = "a label"
    else:
        gains = [_gain(example) for example in examples]
        classes = [None if gain is None else int(gain > 0) for gain in gains]
        weights = [min(abs(gain or 0.0), settings.most_weight) or settings.tie_weight for gain in gains]
        needed = "base_edits and robust_edits"
    for example, label in zip(examples, classes, strict=True):
        if label is None:
            raise ManifestError(f"{what} clip {example.key!r}: objective {settings.objective} needs {needed}")
    target = np.array(classes, np.int64)
    if len(set(target.tolist())) < 2:
        raise ManifestError(f"{what}: all {len(target)} clips are of class {target[0]}; both classes are needed")
    return target, np.array(weights)


def _gain(example: Example) -> float | None:
    if example.base_edits is None or example.robust_edits is None:
        return None
    return example.base_edits - example.robust_edits


def epoch_of(
    clips: Clips,
    targets: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    settings: RouterSettings,
    epoch: int,
) -> Iterator[Batch]:
    """The batches of one epoch; every clip occurs once."""
    rng = SampleKey(settings.seed, "router training", epoch).rng("order")
    order = rng.permutation(len(targets))
    size = settings.batch_size
    for start in range(0, len(order), POOL * size):
        pool = order[start : start + POOL * size]
        varied = {int(index): vary(clips[index], clips.examples[index].key, settings, epoch) for index in pool}
        pool = np.array(sorted(varied, key=lambda index: (len(varied[index].samples), index)))
        batches = [pool[first : first + size] for first in range(0, len(pool), size)]
        for place in rng.permutation(len(batches)):
            rows = batches[place]
            features, frames = log_mel(*pad_batch([varied[int(index)] for index in rows]))
            yield Batch(
                features, frames, torch.from_numpy(targets[rows]), torch.from_numpy(weights[rows].astype(np.float32))
            )


def vary(clip: Audio, key: str, settings: RouterSettings, epoch: int) -> Audio:
    """Apply a random crop, a random gain and, with some probability, white noise; keyed by seed, clip and epoch."""
    rng = SampleKey(settings.seed, key, epoch).rng("router augmentation")
    most = round(settings.crop_s * clip.sample_rate)
    start = int(rng.integers(max(len(clip.samples) - most, 0) + 1))
    samples: Samples = clip.samples[start : start + most].copy()
    samples *= np.float32(10 ** (rng.uniform(*settings.gain_db) / 20))
    noisy, snr_db = rng.random() < settings.noise_probability, rng.uniform(*settings.noise_snr_db)
    if noisy and len(samples):
        rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
        samples += np.float32(rms * 10 ** (-snr_db / 20)) * rng.standard_normal(len(samples), dtype=np.float32)
    return Audio(samples, clip.sample_rate, clip.name)
