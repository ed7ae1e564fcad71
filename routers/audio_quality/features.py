"""Log-mel features of a padded batch: 80 bands, 25 ms windows every 10 ms, as in the reference's published router.

Definition (public code of Mega-ASR, xzf-thu/Mega-ASR, facts only): Hann window of 400 samples, FFT of 400, hop of 160,
clip reflected by 200 samples at both ends, power spectrum, Slaney's mel scale with area-normalised triangles from 0 to
8000 Hz, log10 floored at 1e-10, then (x + 4) / 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch

from megaasr import SAMPLE_RATE_HZ, Audio, Samples

DEFINITION = "slaney-log10-400-160"
"""Name of these features in a weight file; a file with another name is refused."""
WINDOW = 400
HOP = 160
FLOOR = 1e-10
MAX_DURATION_S = 30.0
MAX_FRAMES = int(MAX_DURATION_S * SAMPLE_RATE_HZ) // HOP + 1


def pad_batch(clips: Sequence[Audio]) -> tuple[torch.Tensor, torch.Tensor]:
    """The first 30 s of each clip at 16 kHz, zero-padded to the longest.

    Returns:
        samples, shape (batch, longest), float32; lengths, shape (batch,), int64.
    """
    inputs = [_input_samples(clip) for clip in clips]
    lengths = torch.tensor([len(samples) for samples in inputs], dtype=torch.int64)
    padded = torch.zeros(len(inputs), max((len(samples) for samples in inputs), default=0))
    for row, samples in zip(padded, inputs, strict=True):
        row[: len(samples)] = torch.from_numpy(samples.copy())  # the caller's array may be read-only
    return padded, lengths


def _input_samples(clip: Audio) -> Samples:
    most = round(MAX_DURATION_S * clip.sample_rate)
    cut = clip if len(clip.samples) <= most else clip.cut(0, most)
    return cut.resampled(SAMPLE_RATE_HZ).samples[: round(MAX_DURATION_S * SAMPLE_RATE_HZ)]


def num_frames(lengths: torch.Tensor) -> torch.Tensor:
    """Number of frames of clips with the given lengths in samples: one per whole hop, plus one."""
    return lengths // HOP + 1


def log_mel(samples: torch.Tensor, lengths: torch.Tensor, n_mels: int = 80) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-mel features of a padded batch; a row's frames do not depend on its padding.

    Args:
        samples: shape (batch, num_samples), float32, at 16 kHz.
        lengths: shape (batch,), int64: number of valid samples per row; 0 gives one frame of silence.
        n_mels: number of mel bands.

    Returns:
        features, shape (batch, frames, n_mels), zero after each row's last frame; frames, shape (batch,), int64.
    """
    windows = _mirrored(samples, lengths).unfold(1, WINDOW, HOP)
    spectrum = torch.fft.rfft(windows * _hann().to(samples.device))
    power = spectrum.real.square() + spectrum.imag.square()
    mel = power @ mel_filters(n_mels).to(samples.device)
    frames = num_frames(lengths)
    counts = torch.arange(mel.shape[1], device=samples.device) < frames[:, None]
    return ((mel.clamp(min=FLOOR).log10() + 4.0) / 4.0).masked_fill(~counts[:, :, None], 0.0), frames


def _mirrored(samples: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Each row with reflection padding of 200 samples at both ends; shape (batch, num_samples + 400)."""
    half = WINDOW // 2
    if samples.shape[1] == 0:
        return samples.new_zeros(samples.shape[0], WINDOW)
    ends = torch.arange(half, device=samples.device)[None, :]
    before, behind = _fold(ends - half, lengths), _fold(ends + lengths[:, None], lengths)
    padded = torch.cat((samples.gather(1, before), samples, samples.new_zeros(samples.shape[0], half)), dim=1)
    return padded.scatter(1, ends + lengths[:, None] + half, samples.gather(1, behind))


def _fold(places: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Indices outside a row folded into it by a triangle wave; a short clip is reflected several times.

    Args:
        places: shape (batch or 1, places), sample indices that may be negative or too large.
        lengths: shape (batch,), number of valid samples per row.
    """
    last = (lengths[:, None] - 1).clamp(min=0)
    folded = places.remainder((2 * last).clamp(min=1))
    return torch.minimum(folded, 2 * last - folded).clamp(min=0)


@lru_cache(maxsize=1)
def _hann() -> torch.Tensor:
    return torch.hann_window(WINDOW)


@lru_cache(maxsize=4)
def mel_filters(n_mels: int) -> torch.Tensor:
    """Triangles of unit area on Slaney's mel scale, 0 to 8000 Hz; shape (201, n_mels), float32."""
    from transformers.audio_utils import mel_filter_bank

    bins = WINDOW // 2 + 1
    filters = mel_filter_bank(bins, n_mels, 0.0, SAMPLE_RATE_HZ / 2, SAMPLE_RATE_HZ, norm="slaney", mel_scale="slaney")
    return torch.from_numpy(filters).float()
