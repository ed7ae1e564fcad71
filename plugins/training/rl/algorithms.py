"""GRPO, DAPO, Dr. GRPO and RLOO: the advantage of a rollout and the weight of a token, in which they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

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
