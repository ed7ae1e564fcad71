"""The tokens that Whisper emits: greedily or by sampling in rounds, or in beams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from megaasr import DecodingOptions

from .whisper_heard import Heard
from .whisper_prompt import end_of
from .whisper_sampling import Sampler
from .whisper_timestamps import timestamp_rules

ROUND_TOKENS = 32
"""Greedy decoding drops the rows that have ended each time this many tokens have been added."""
BEAM_ROWS = 40
"""Hypotheses of a beam search that are decoded at once."""


def greedy_or_sampled(
    model: Any,
    heard: Heard,
    prompt: Any,
    budgets: Sequence[int],
    options: DecodingOptions,
    sampler: Sampler | None,
    timestamps: bool,
) -> list[list[int]]:
    """The tokens of each row, its end of text included where it came to one within its budget.

    A row that has ended still costs what one that goes on does, and one endless row would keep a whole batch waiting;
    so every `ROUND_TOKENS` tokens decoding goes on with the rows that have not ended.
    """
    import torch

    end, start = end_of(model.generation_config), prompt.shape[1]
    rules = [timestamp_rules(model.generation_config, end, start)] if timestamps else None
    if sampler is not None:
        sampler.begin(start, max(budgets))
    emitted: list[list[int]] = [[] for _ in budgets]
    waiting, sequences = list(range(len(budgets))), prompt
    while waiting:
        done = sequences.shape[1] - start
        limit = start + min(done + ROUND_TOKENS, max(budgets[row] for row in waiting))
        settings = _settings(model, options, limit, at_begin=not done)
        draw = sampler.processors(waiting) if sampler is not None else rules
        left = [budgets[row] for row in waiting]
        sequences = _continue(model, settings, heard, heard.cache(), sequences, start, left, draw)
        going_on = []
        for place, row in enumerate(waiting):
            tokens = emitted[row] = _ended(sequences[place, start:].tolist()[: budgets[row]], end)
            if end not in tokens and len(tokens) < budgets[row]:
                going_on.append(place)
        waiting = [waiting[place] for place in going_on]
        heard = heard.rows(going_on)
        sequences = sequences[torch.tensor(going_on, dtype=torch.long, device=sequences.device)]
    return emitted


def beams(
    model: Any, heard: Heard, prompt: Any, budgets: Sequence[int], options: DecodingOptions, timestamps: bool
) -> list[list[int]]:
    """The tokens of each beam of each row, as `greedy_or_sampled` has them.

    A row that has ended still costs what one that goes on does. So all rows are first given the tokens that speech
    takes, a third of their budget; the few that have not ended, mostly loops, are decoded again with all of it.
    A row whose hypotheses all end within a bound has them without it too: one that goes on would have been among them.
    """
    end = end_of(model.generation_config)
    emitted: list[list[int]] = [[] for _ in range(len(budgets) * options.num_beams)]
    waiting, bounds = list(range(len(budgets))), [min(one, max(ROUND_TOKENS, one // 3)) for one in budgets]
    while waiting:
        found = _beams_within(
            model, heard.rows(waiting), prompt[waiting], [bounds[row] for row in waiting], options, timestamps
        )
        going_on = []
        for place, row in enumerate(waiting):
            own = found[place * options.num_beams : (place + 1) * options.num_beams]
            emitted[row * options.num_beams : (row + 1) * options.num_beams] = own
            if bounds[row] < budgets[row] and any(end not in tokens for tokens in own):
                going_on.append(row)
        waiting, bounds = going_on, list(budgets)
    return emitted


def _beams_within(
    model: Any, heard: Heard, prompt: Any, bounds: Sequence[int], options: DecodingOptions, timestamps: bool
) -> list[list[int]]:
    """The tokens of each beam of each row within the row's bound, `BEAM_ROWS` hypotheses at once."""
    end, start = end_of(model.generation_config), prompt.shape[1]
    rules = [timestamp_rules(model.generation_config, end, start)] if timestamps else None
    emitted: list[list[int]] = []
    at_once = max(1, BEAM_ROWS // options.num_beams)
    for first in range(0, len(bounds), at_once):
        rows = list(range(first, min(first + at_once, len(bounds))))
        own, of_beams = [bounds[row] for row in rows], [row for row in rows for _ in range(options.num_beams)]
        settings = _settings(model, options, start + max(own), at_begin=True)
        cache = heard.rows(of_beams).cache()
        found = _continue(model, settings, heard.rows(rows), cache, prompt[rows], start, own, rules)
        tokens = found[:, start:].tolist()
        emitted += [_ended(one[: bounds[row]], end) for one, row in zip(tokens, of_beams, strict=True)]
    return emitted


def _ended(tokens: list[int], end: int) -> list[int]:
    """The tokens up to the end of text, where there is one."""
    return tokens[: tokens.index(end) + 1] if end in tokens else tokens


def _continue(
    model: Any,
    settings: Any,
    heard: Heard,
    cache: Any,
    sequences: Any,
    prompt_length: int,
    budgets: Sequence[int],
    processors: Any = None,
) -> Any:
    """The sequences with more tokens behind them, shape (batch, as many as `settings` allow at most)."""
    import torch
    from transformers.generation import GenerationMixin
    from transformers.modeling_outputs import BaseModelOutput

    # Whisper's own generate() adds a long-form loop with fallbacks; the plain one is exact and has one outcome.
    return GenerationMixin.generate(
        model,
        generation_config=settings,
        encoder_outputs=BaseModelOutput(last_hidden_state=heard.states()),
        attention_mask=torch.ones((len(sequences), 1), dtype=torch.long, device=model.device),
        decoder_input_ids=sequences,
        past_key_values=cache,
        logits_processor=processors,
        stopping_criteria=_stopping(prompt_length, budgets, model.device),
    )


def _settings(model: Any, options: DecodingOptions, max_length: int, at_begin: bool) -> Any:
    from transformers import GenerationConfig

    own = model.generation_config
    end = end_of(own)
    return GenerationConfig(
        max_length=max_length,
        num_beams=options.num_beams,
        num_return_sequences=options.num_beams,
        do_sample=False,
        eos_token_id=end,
        pad_token_id=end,
        suppress_tokens=own.suppress_tokens,
        # An empty list, since generate() takes None as "as the model has it".
        begin_suppress_tokens=own.begin_suppress_tokens if at_begin else [],
    )


def _stopping(prompt_length: int, budgets: Sequence[int], device: Any) -> Any:
    import torch
    from transformers import StoppingCriteria, StoppingCriteriaList

    limits = prompt_length + torch.tensor(budgets, device=device)

    class OwnBudget(StoppingCriteria):
        """Ends each row at its own bound."""

        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
            candidates = input_ids.shape[0] // len(budgets)  # beam search asks for several continuations of each row
            return limits.repeat_interleave(candidates) <= input_ids.shape[1]

    return StoppingCriteriaList([OwnBudget()])
