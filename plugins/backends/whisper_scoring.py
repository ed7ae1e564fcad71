"""What Whisper makes of given tokens: one pass of the decoder over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .whisper_heard import Heard
from .whisper_prompt import end_of


@dataclass(frozen=True)
class Scored:
    """Given tokens of some rows as the decoder sees them; tokens of all rows stand behind each other.

    Args:
        states: of the decoder (batch, places, width), from the first token of the prompt on.
        logits: of each given token's place, float32 (num_tokens, vocabulary).
        targets: the given tokens (num_tokens,).
        lengths: number of tokens of each row.
    """

    states: Any
    logits: Any
    targets: Any
    lengths: list[int]

    def of_targets(self, logprobs: Any) -> list[Any]:
        """The entries of the given tokens in ``logprobs`` (num_tokens, vocabulary), shape (num_tokens,) a row."""
        return list(logprobs.gather(1, self.targets[:, None]).squeeze(1).split(self.lengths))


def scored(model: Any, heard: Heard, prompt: Any, tokens: Sequence[Sequence[int]]) -> Scored:
    """Run the decoder over prompts and tokens; differentiable.

    Args:
        prompt: tokens before those (batch, prompt_length).
        tokens: of each row, at least one.
    """
    import torch

    end, start = end_of(model.generation_config), prompt.shape[1]
    lengths = [len(row) for row in tokens]
    longest = max(lengths)
    padded = torch.tensor([[*row, *[end] * (longest - len(row))] for row in tokens], device=prompt.device)
    inputs = torch.cat([prompt, padded[:, :-1]], dim=1)
    decoder, cache = model.get_decoder(), heard.cache()
    states = decoder(input_ids=inputs, encoder_hidden_states=heard.states(), past_key_values=cache).last_hidden_state
    is_given = torch.arange(longest, device=prompt.device) < torch.tensor(lengths, device=prompt.device)[:, None]
    # The vocabulary is the expensive part: no logits of what lies behind a row's end.
    logits = model.proj_out(states[:, start - 1 :][is_given]).float()
    return Scored(states, logits, padded[is_given], lengths)
