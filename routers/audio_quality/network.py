"""Audio-quality classifier: convolutions, sinusoidal positions, pre-norm transformer, attention pooling, two classes.

The modules and tensors have the names of the reference's published file (frontend, pos_encoder, transformer, pooling,
classifier), so that its tensors can be loaded. Class 0 is clean, class 1 degraded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional


@dataclass(frozen=True)
class NetworkSettings:
    """Sizes of the network; the defaults are those of the specification.

    Args:
        n_mels, hidden, heads, ffn, layers: mel bands, model width, attention heads, feed-forward width, layers.
        positions: maximum number of time steps after the front end.
        dropout: dropout rate in training.
        downsampling: frames per time step, 2 or 4 (4 in the released network).
        head: ``linear``, or ``mlp`` with one hidden layer of half the width (as in the released network).
    """

    n_mels: int = 80
    hidden: int = 128
    heads: int = 4
    ffn: int = 256
    layers: int = 1
    positions: int = 1600
    dropout: float = 0.1
    downsampling: Literal[2, 4] = 2
    head: Literal["linear", "mlp"] = "linear"


class Network(nn.Module):
    """Maps log-mel features to logits; padding does not change the result of a row."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        half = settings.hidden // 2
        self.frontend = FrontEnd(settings)
        self.pos_encoder = Positions(settings)
        self.transformer = Transformer(settings)
        self.pooling = Pooling(settings.hidden)
        self.classifier: nn.Module = nn.Linear(settings.hidden, 2)
        if settings.head == "mlp":
            dropout = nn.Dropout(settings.dropout)
            self.classifier = nn.Sequential(nn.Linear(settings.hidden, half), nn.GELU(), dropout, nn.Linear(half, 2))

    def forward(self, features: torch.Tensor, frames: torch.Tensor) -> torch.Tensor:
        """Logits, shape (batch, 2), of features (batch, time, n_mels) with `frames` (batch,) valid frames per row."""
        hidden, counts = self.frontend(features, frames)
        hidden = self.transformer(self.pos_encoder(hidden), counts)
        logits: torch.Tensor = self.classifier(self.pooling(hidden, counts))
        return logits


class FrontEnd(nn.Module):
    """Two convolutions of width 3, each with batch normalisation and GELU."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        half = settings.hidden // 2
        self.strides = (2, settings.downsampling // 2)
        self.conv = nn.Sequential(
            nn.Conv1d(settings.n_mels, half, 3, self.strides[0], padding=1),
            MaskedBatchNorm(half),
            nn.GELU(),
            nn.Dropout(settings.dropout),
            nn.Conv1d(half, settings.hidden, 3, self.strides[1], padding=1),
            MaskedBatchNorm(settings.hidden),
            nn.GELU(),
            nn.Dropout(settings.dropout),
        )

    def forward(self, features: torch.Tensor, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Time steps, shape (batch, steps, hidden), and the mask of valid steps, shape (batch, steps)."""
        hidden, counts = features.transpose(1, 2), _counts(features.shape[1], frames)
        for layer in self.conv:
            if isinstance(layer, nn.Conv1d):
                # Padding must be zero, as the convolution's padding is for a single clip.
                hidden = layer(hidden * counts[:, None, :].to(hidden.dtype))
                frames = (frames + layer.stride[0] - 1) // layer.stride[0]
                counts = _counts(hidden.shape[2], frames)
            else:
                hidden = layer(hidden, counts) if isinstance(layer, MaskedBatchNorm) else layer(hidden)
        return hidden.transpose(1, 2), counts


def _counts(steps: int, lengths: torch.Tensor) -> torch.Tensor:
    return torch.arange(steps, device=lengths.device)[None, :] < lengths[:, None]


class MaskedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation whose statistics exclude padding."""

    def forward(self, hidden: torch.Tensor, counts: torch.Tensor | None = None) -> torch.Tensor:
        """Normalise (batch, channels, steps); `counts` (batch, steps) is the mask of steps in the statistics."""
        if not self.training or counts is None:
            return super().forward(hidden)
        rows = hidden.transpose(1, 2)
        out = torch.zeros_like(rows)
        out[counts] = super().forward(rows[counts])
        return out.transpose(1, 2)


class Positions(nn.Module):
    """Adds sines and cosines of the position (Vaswani et al. 2017, section 3.5)."""

    pe: torch.Tensor

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.dropout = nn.Dropout(settings.dropout)
        self.register_buffer("pe", sinusoids(settings.positions, settings.hidden))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Same shape, (batch, steps, hidden)."""
        added: torch.Tensor = self.dropout(hidden + self.pe[:, : hidden.shape[1]])
        return added


def sinusoids(positions: int, hidden: int) -> torch.Tensor:
    """Shape (1, positions, hidden): sines at even places, cosines at odd ones, wavelengths 2 pi to 10000 * 2 pi."""
    rates = torch.exp(torch.arange(0, hidden, 2).float() * (-math.log(10_000.0) / hidden))
    angles = torch.arange(positions).float()[:, None] * rates
    return torch.stack((angles.sin(), angles.cos()), dim=2).reshape(1, positions, hidden)


class Transformer(nn.Module):
    """Pre-norm transformer layers and a final layer normalisation."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.hidden)

    def forward(self, hidden: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        """Same shape; invalid steps are masked in the attention."""
        for layer in self.layers:
            hidden = layer(hidden, counts)
        last: torch.Tensor = self.norm(hidden)
        return last


class Layer(nn.Module):
    """Pre-norm self-attention and feed-forward network, each with a residual connection."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.self_attn = Attention(settings)
        self.linear1 = nn.Linear(settings.hidden, settings.ffn)
        self.linear2 = nn.Linear(settings.ffn, settings.hidden)
        self.norm1 = nn.LayerNorm(settings.hidden)
        self.norm2 = nn.LayerNorm(settings.hidden)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, hidden: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        """Same shape, (batch, steps, hidden)."""
        hidden = hidden + self.dropout(self.self_attn(self.norm1(hidden), counts))
        inner = self.dropout(functional.gelu(self.linear1(self.norm2(hidden))))
        added: torch.Tensor = hidden + self.dropout(self.linear2(inner))
        return added


class Attention(nn.Module):
    """Multi-head self-attention with query, key and value in one matrix, with the parameter names of torch."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.heads = settings.heads
        self.rate = settings.dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * settings.hidden, settings.hidden))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * settings.hidden))
        self.out_proj = nn.Linear(settings.hidden, settings.hidden)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, hidden: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        """Same shape, (batch, steps, hidden)."""
        batch, steps, width = hidden.shape
        projected = functional.linear(hidden, self.in_proj_weight, self.in_proj_bias)
        query, key, value = projected.view(batch, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        rate = self.rate if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, counts[:, None, None, :], rate)
        out: torch.Tensor = self.out_proj(mixed.transpose(1, 2).reshape(batch, steps, width))
        return out


class Pooling(nn.Module):
    """Attention pooling: the mean over time, weighted by a softmax of one score per step."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden, 1)

    def forward(self, hidden: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        """Shape (batch, hidden)."""
        scores = self.query(hidden).squeeze(2).masked_fill(~counts, float("-inf"))
        return torch.einsum("bs,bsh->bh", scores.softmax(1), hidden)
