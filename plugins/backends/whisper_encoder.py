"""Whisper's encoder on a window of any length, for the 30 s that it was made for cost twice what 15 s do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from megaasr import Utterance


def log_mel(processor: Any, batch: Sequence[Utterance], window_s: float) -> Any:
    """Log-mel features of utterances padded with silence, shape (batch, mels, frames), as Whisper's own (section 2.2).

    Args:
        window_s: length to pad to, in seconds; no utterance is longer.
    """
    samples = [np.asarray(utterance.samples) for utterance in batch]
    rate = batch[0].sample_rate
    extracted = processor.feature_extractor(
        samples, sampling_rate=rate, max_length=round(window_s * rate), padding="max_length", return_tensors="pt"
    )
    return extracted.input_features


def encode(model: Any, features: Any) -> Any:
    """The encoder's last hidden states, shape (batch, frames / 2, hidden).

    transformers' own forward takes 3000 frames only; here its layers are run with as many positions as there are. With
    3000 frames both give the same bits.

    Args:
        model: WhisperForConditionalGeneration, with or without adapters.
        features: log-mel, shape (batch, mels, frames).
    """
    from torch.nn.functional import gelu

    encoder = model.get_encoder()
    hidden = gelu(encoder.conv2(gelu(encoder.conv1(features)))).permute(0, 2, 1)
    hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
    for layer in encoder.layers:
        hidden = layer(hidden, None)
    return encoder.layer_norm(hidden)
