"""The clipped policy loss of a step, with the divergence from the start; all algorithms share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Clipping:
    """Where the ratio to the drawing policy stops to count, and the weight of the divergence from the start."""

    low: float
    high: float
    beta: float


@dataclass(frozen=True)
class Loss:
    """The loss of some rollouts, and sums over their tokens.

    Args:
        value: differentiable scalar.
        tokens: number of tokens that count.
        divergence: sum of the divergence from the start.
        clipped_low, clipped_high: numbers of tokens whose ratio was below and above its bounds where that mattered.
        strayed: largest distance of a ratio from 1.
    """

    value: torch.Tensor
    tokens: int
    divergence: float
    clipped_low: int
    clipped_high: int
    strayed: float


def policy_loss(
    logprobs: Sequence[torch.Tensor],
    old: Sequence[torch.Tensor],
    start: Sequence[torch.Tensor] | None,
    gains: Sequence[float],
    weights: Sequence[float],
    clipping: Clipping,
) -> Loss:
    """The loss of some rollouts of a step; the loss of the step is the sum over all of them.

    For token t of rollout i, with ratio ``q = exp(logprob - old logprob)``, advantage A and weight w::

        loss = sum over i, t of w_i (-min(q A_i, clip(q, 1 - low, 1 + high) A_i) + beta D)
        D = exp(d) - d - 1,  d = start logprob - logprob        (Schulman's estimator of KL(policy || start))

    Args:
        logprobs: of each rollout under the policy, shape (num_tokens,), with gradient.
        old: under the policy that drew it, by the same numerics.
        start: under the policy that the training began with; None where `beta` is 0.
        gains: `advantages` of the rollouts.
        weights: `token_weights` of the rollouts; those of weight 0 are left out.
    """
    counted = [index for index, weight in enumerate(weights) if weight]
    if not counted:
        return Loss(sum((one.sum() * 0.0 for one in logprobs), torch.zeros(())), 0, 0.0, 0, 0, 0.0)
    now, drawn = (torch.cat([of[index] for index in counted]) for of in (logprobs, old))
    lengths = torch.tensor([len(logprobs[index]) for index in counted], device=now.device)
    gain, weight = (
        torch.tensor([of[index] for index in counted], dtype=now.dtype, device=now.device).repeat_interleave(lengths)
        for of in (gains, weights)
    )
    ratio = (now - drawn).exp()
    bounded = ratio.clamp(1.0 - clipping.low, 1.0 + clipping.high)
    terms = -torch.minimum(ratio * gain, bounded * gain)
    divergence = 0.0
    if start is not None and clipping.beta:
        distance = torch.cat([start[index] for index in counted]) - now
        estimate = distance.exp() - distance - 1.0
        terms = terms + clipping.beta * estimate
        divergence = float(estimate.detach().sum())
    with torch.no_grad():
        low = int(((ratio < 1.0 - clipping.low) & (gain < 0)).sum())
        high = int(((ratio > 1.0 + clipping.high) & (gain > 0)).sum())
        strayed = float((ratio - 1.0).abs().max())
    return Loss((weight * terms).sum(), len(now), divergence, low, high, strayed)
