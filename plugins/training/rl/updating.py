"""The optimiser steps of a batch of rollouts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from megaasr import RolloutScores

from .algorithms import advantages, token_weights
from .drawing import gathered, shared
from .groups import Group
from .policy import Policy, split
from .policy_loss import Clipping, policy_loss
from .settings import RlSettings


@dataclass
class Batch:
    """The groups that one forward pass takes, with everything about them that does not change in a step.

    Args:
        groups: of clips and rollouts.
        gains, weights: advantage and token weight of each rollout.
        start: log-probabilities of the rollouts under the policy that the training began with, or None where the
            divergence has no weight.
        old: under the policy that drew them: those of the first optimiser step, before which nothing has changed, so
            that the ratio is 1 there.
    """

    groups: Sequence[Group]
    gains: list[float]
    weights: list[float]
    start: list[torch.Tensor] | None
    old: list[torch.Tensor] | None = None


@dataclass(frozen=True)
class Updated:
    """Figures of the optimiser steps of one batch of rollouts, over all processes; a mean is over tokens.

    Args:
        loss: at the last step.
        divergence: mean estimate of KL(policy || start) at the last step.
        clipped_low, clipped_high: shares of the tokens at the last step whose ratio was beyond its bound.
        strayed: largest distance of a ratio from 1 at the last step.
        entropy: mean over the tokens, under the policy that drew them, in nats.
        grad_norm: mean norm of the gradient before it is clipped.
        scoring_s, update_s: seconds of this process.
    """

    loss: float
    divergence: float
    clipped_low: float
    clipped_high: float
    strayed: float
    entropy: float
    grad_norm: float
    scoring_s: float
    update_s: float


class Updater:
    """The optimiser of a policy's LoRA, with a cosine schedule over all steps.

    Args:
        processes: accelerate's PartialState; gradients are added up over the processes, so that the step is that of
            one process with all groups.
    """

    def __init__(self, settings: RlSettings, policy: Policy, processes: Any) -> None:
        from transformers import get_cosine_schedule_with_warmup

        self._settings, self._policy, self._processes = settings, policy, processes
        groups = policy.parameter_groups()
        self._parameters = [weight for group in groups for weight in group["params"]]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
        total = settings.steps * settings.iterations
        self.schedule = get_cosine_schedule_with_warmup(self.optimizer, round(settings.warmup_ratio * total), total)
        self._clipping = Clipping(settings.clip_low, settings.clip_high, settings.beta)

    def update(self, groups: Sequence[Group]) -> Updated | None:
        """Learn from the groups of a step; None where no rollout counts. The schedule goes on in any case."""
        settings = self._settings
        lengths = [length for group in groups for length in group.lengths(settings.mask_overlong)]
        if not any(lengths):
            self.optimizer.zero_grad(set_to_none=True)
            for _ in range(settings.iterations):
                self.optimizer.step()  # without gradients: nothing changes, and the schedule expects it
                self.schedule.step()
            return None
        started = time.perf_counter()
        batches = self._batches(groups, lengths)
        between = time.perf_counter()
        entropies, norms = [], []
        for _ in range(settings.iterations):
            sums, strayed, norm = self._step(batches)
            entropies.append(sums.pop())
            norms.append(norm)
        tokens = sum(lengths)
        loss, divergence, low, high = sums
        return Updated(
            loss,
            divergence / tokens,
            low / tokens,
            high / tokens,
            strayed,
            entropies[0] / tokens,
            sum(norms) / len(norms),
            between - started,
            time.perf_counter() - between,
        )

    def _batches(self, groups: Sequence[Group], lengths: Sequence[int]) -> list[Batch]:
        """This process's batches."""
        settings, policy = self._settings, self._policy
        weights = iter(token_weights(settings.algorithm, lengths, policy.longest))
        known = [
            (group, advantages(settings.algorithm, group.rewards), [next(weights) for _ in group.rollouts])
            for group in groups
        ]
        batches = []
        for part in split(shared(known, self._processes), settings.micro_prompts):
            own, start = [group for group, _, _ in part], None
            if settings.beta:
                with torch.no_grad(), policy.as_it_started():
                    start = [one.logprobs for one in _flat(policy.scores(own))]
            batches.append(Batch(own, _flat([one for _, one, _ in part]), _flat([one for _, _, one in part]), start))
        return batches

    def _step(self, batches: Sequence[Batch]) -> tuple[list[float], float, float]:
        """One optimiser step.

        Returns:
            Sums over the tokens that count, of all processes: loss, divergence, clipped low, clipped high, entropy (0
            after the first step of a batch); the farthest ratio from 1; the norm of the gradient.
        """
        self.optimizer.zero_grad(set_to_none=False)
        sums, strayed = [0.0] * 5, 0.0
        for batch in batches:
            scores: list[RolloutScores] = _flat(self._policy.scores(batch.groups, entropies=batch.old is None))
            logprobs, entropy = [one.logprobs for one in scores], 0.0
            if batch.old is None:
                batch.old = [one.detach() for one in logprobs]
                counted = [one for one, weight in zip(scores, batch.weights, strict=True) if weight]
                entropy = sum(float(one.entropies.sum()) for one in counted if one.entropies is not None)
            loss = policy_loss(logprobs, batch.old, batch.start, batch.gains, batch.weights, self._clipping)
            loss.value.backward()
            found = (float(loss.value.detach()), loss.divergence, loss.clipped_low, loss.clipped_high, entropy)
            sums = [one + other for one, other in zip(sums, found, strict=True)]
            strayed = max(strayed, loss.strayed)
        for weight in self._parameters:
            weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
            self._add_up(weight.grad)
        norm = float(
            torch.nn.utils.clip_grad_norm_(self._parameters, self._settings.clip_norm, error_if_nonfinite=True)
        )
        self.optimizer.step()
        self.schedule.step()
        return self._added(sums), max(_each(strayed, self._processes)), norm

    def _add_up(self, tensor: torch.Tensor) -> None:
        """Replace a tensor by its sum over the processes."""
        if self._processes.num_processes > 1:
            torch.distributed.all_reduce(tensor)

    def _added(self, figures: list[float]) -> list[float]:
        """The sums of some figures over the processes."""
        tensor = torch.tensor(figures, dtype=torch.float64, device=self._parameters[0].device)
        self._add_up(tensor)
        return [float(one) for one in tensor]


def _flat(lists: Sequence[Sequence[Any]]) -> list[Any]:
    return [one for own in lists for one in own]


def _each(figure: float, processes: Any) -> list[float]:
    return [one for (one,) in gathered([figure], processes)]
