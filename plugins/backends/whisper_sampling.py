"""Keyed sampling: which token is drawn depends on the utterance's key alone, not on the batch or a global generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from megaasr import SampleKey, Sampling


class Sampler:
    """Draws the tokens of `num_rollouts` rows for each utterance; for one call of `decode`.

    A token is the inverse of the policy's cumulative distribution at a number in [0, 1) that is keyed by (seed,
    utterance, step, rollout) and the token's position. The policy is the model's distribution after `sampling`. So
    equal keys give equal tokens, up to the rounding of the model's own logits.

    Args:
        sampling: changes of the model's distribution.
        ids: key of each utterance.
        num_rollouts: rows for each utterance, which stand side by side.
        seed, step: of the run.
    """

    def __init__(self, sampling: Sampling, ids: Sequence[str], num_rollouts: int, seed: int, step: int) -> None:
        self.num_rollouts = num_rollouts
        self.logprobs: list[list[float]] = [[] for _ in range(len(ids) * num_rollouts)]
        """Natural log-probability of each drawn token under the policy, by row; also behind a row's end."""
        self._sampling = sampling
        self._generators = [
            SampleKey(seed, name, step).rng("rollout", number) for name in ids for number in range(num_rollouts)
        ]
        self._numbers = np.zeros((len(self._generators), 0))
        self._prompt_length = 0

    def begin(self, prompt_length: int, num_tokens: int) -> None:
        """Draw the numbers for at most `num_tokens` tokens a row."""
        self._prompt_length = prompt_length
        self._numbers = np.stack([generator.random(num_tokens) for generator in self._generators])

    def processors(self, rows: Sequence[int]) -> Any:
        """transformers' list of logits processors for a batch of these rows, which leaves the drawn token alone."""
        from transformers import LogitsProcessor, LogitsProcessorList

        draw, warp = self._draw, self._warpers()

        class Draw(LogitsProcessor):
            """The logits of one token for each row."""

            def __call__(self, input_ids: Any, scores: Any) -> Any:
                return draw(rows, input_ids, warp(input_ids, scores.float()))

        return LogitsProcessorList([Draw()])

    def _draw(self, rows: Sequence[int], input_ids: Any, scores: Any) -> Any:
        import torch

        position = input_ids.shape[1] - self._prompt_length
        policy = scores.log_softmax(-1)
        cumulative = policy.double().exp().cumsum(-1)
        numbers = torch.tensor(self._numbers[list(rows), position], device=scores.device)[:, None]
        tokens = (cumulative <= numbers * cumulative[:, -1:]).sum(-1, keepdim=True)
        for row, logprob in zip(rows, policy.gather(1, tokens).squeeze(1).tolist(), strict=True):
            self.logprobs[row].append(logprob)
        return torch.full_like(scores, -torch.inf).scatter(1, tokens, 0.0)

    def _warpers(self) -> Any:
        from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper
        from transformers.generation.logits_process import RepetitionPenaltyLogitsProcessor

        given = self._sampling
        warpers = LogitsProcessorList()
        if given.repetition_penalty != 1.0:
            warpers.append(RepetitionPenaltyLogitsProcessor(given.repetition_penalty))
        if given.temperature != 1.0:
            warpers.append(TemperatureLogitsWarper(given.temperature))
        if given.top_k:
            warpers.append(TopKLogitsWarper(given.top_k))
        if given.top_p < 1.0:
            warpers.append(TopPLogitsWarper(given.top_p))
        return warpers
