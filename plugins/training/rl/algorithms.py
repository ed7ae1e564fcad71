"""GRPO, DAPO, Dr. GRPO and RLOO as one loss: they differ in the advantage of a rollout and the weight of a token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

Algorithm = Literal["grpo", "dapo", "dr_grpo", "rloo"]
EPSILON = 1e-6


def advantages(algorithm: Algorithm, rewards: Sequence[float | None]) -> list[float]:
    """The advantage of each rollout of a group; 0 for one without a reward, which its group does not count.

    With mean m and population standard deviation s of the n rewards:

    - grpo, dapo: ``(r_i - m) / (s + 1e-6)`` (Shao et al. 2024; Yu et al. 2025)
    - dr_grpo: ``r_i - m`` (Liu et al. 2025)
    - rloo: ``r_i - mean of the others = n / (n - 1) * (r_i - m)`` (Ahmadian et al. 2024)

    >>> advantages("rloo", [1.0, 0.0, None, 0.5])
    [0.75, -0.75, 0.0, 0.0]
    """
    known = [reward for reward in rewards if reward is not None]
    if len(known) < 2:
        return [0.0] * len(rewards)
    mean = sum(known) / len(known)
    if algorithm in ("grpo", "dapo"):
        factor = 1.0 / ((sum((reward - mean) ** 2 for reward in known) / len(known)) ** 0.5 + EPSILON)
    else:
        factor = len(known) / (len(known) - 1) if algorithm == "rloo" else 1.0
    return [0.0 if reward is None else factor * (reward - mean) for reward in rewards]


def token_weights(algorithm: Algorithm, lengths: Sequence[int], longest: int) -> list[float]:
    """The weight of each token of each rollout of a step, over all processes.

    With n rollouts that count, L_i tokens in rollout i:

    - grpo: ``1 / (n L_i)``, every rollout counts the same
    - dapo: ``1 / sum of all L_i``, every token counts the same
    - dr_grpo: ``1 / (n longest)``, a constant, so that length brings no gain
    - rloo: ``1 / n``, the log-probability of a whole rollout

    >>> token_weights("dapo", [3, 0, 1], 8), token_weights("grpo", [3, 0, 1], 8)
    ([0.25, 0.0, 0.25], [0.16666666666666666, 0.0, 0.5])

    Args:
        lengths: tokens of each rollout; 0 for one that does not count, such as one that did not end.
        longest: most tokens that a rollout may have.
    """
    count, tokens = sum(length > 0 for length in lengths), sum(lengths)
    weights = {
        "grpo": lambda length: 1.0 / (count * length),
        "dapo": lambda _: 1.0 / tokens,
        "dr_grpo": lambda _: 1.0 / (count * longest),
        "rloo": lambda _: 1.0 / count,
    }
    return [weights[algorithm](length) if length else 0.0 for length in lengths]


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
