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
        import torch
        from transformers import LogitsProcessor, LogitsProcessorList

        penalise, most_probable = self._penalty(), self._most_probable
        warp, draw = self._warpers(), self._draw

        class Draw(LogitsProcessor):
            """The logits of one token for each row."""

            def __call__(self, input_ids: Any, scores: Any) -> Any:
                kept, tokens = most_probable(penalise(input_ids, scores.float()))
                drawn = tokens.gather(1, draw(rows, input_ids.shape[1], warp(input_ids, kept)))
                return torch.full_like(scores, -torch.inf).scatter(1, drawn, 0.0)

        return LogitsProcessorList([Draw()])

    def _most_probable(self, logits: Any) -> tuple[Any, Any]:
        """The logits (batch, k) of the `top_k` most probable tokens and their ids, in the order of the ids; or all.

        What comes after it sorts and sums, which over the whole vocabulary takes a quarter of the time of a rollout.
        """
        import torch

        vocabulary = logits.shape[1]
        if not 0 < self._sampling.top_k < vocabulary:
            return logits, torch.arange(vocabulary, device=logits.device).expand_as(logits)
        tokens = logits.topk(self._sampling.top_k).indices.sort().values
        return logits.gather(1, tokens), tokens

    def _draw(self, rows: Sequence[int], length: int, logits: Any) -> Any:
        """The place of the drawn one of the logits (batch, 1), for sequences of that length."""
        import torch

        policy = logits.log_softmax(-1)
        cumulative = policy.double().exp().cumsum(-1)
        numbers = torch.tensor(self._numbers[list(rows), length - self._prompt_length], device=logits.device)[:, None]
        places = (cumulative <= numbers * cumulative[:, -1:]).sum(-1, keepdim=True)
        for row, logprob in zip(rows, policy.gather(1, places).squeeze(1).tolist(), strict=True):
            self.logprobs[row].append(logprob)
        return places

    def _penalty(self) -> Any:
        from transformers import LogitsProcessorList
        from transformers.generation.logits_process import RepetitionPenaltyLogitsProcessor

        penalty = self._sampling.repetition_penalty
        return LogitsProcessorList([RepetitionPenaltyLogitsProcessor(penalty)] if penalty != 1.0 else [])

    def _warpers(self) -> Any:
        from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopPLogitsWarper

        warpers = LogitsProcessorList()
        if self._sampling.temperature != 1.0:
            warpers.append(TemperatureLogitsWarper(self._sampling.temperature))
        if self._sampling.top_p < 1.0:
            warpers.append(TopPLogitsWarper(self._sampling.top_p))
        return warpers
