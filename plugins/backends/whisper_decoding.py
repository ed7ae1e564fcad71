"""Decoding a batch with Whisper: one encoder pass, one generate call, one scoring pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from megaasr import Audio, DecodingOptions, Transcript

from .whisper_encoder import encode, log_mel
from .whisper_prompt import end_of, language_tokens, prompt_of

ROUND_TOKENS = 32
"""Greedy decoding lets go of the rows that have ended whenever so many tokens have been added."""


def decode(
    model: Any,
    processor: Any,
    batch: Sequence[Audio],
    options: DecodingOptions,
    *,
    window_s: float = 30.0,
    sampling: Mapping[str, float] | None = None,
) -> list[Transcript]:
    """Decode utterances that are no longer than the window, greedily, with beams, or by sampling.

    Every row has its own bound on tokens, taken from its own length, so that a row's text is the same in any batch.

    Args:
        model: WhisperForConditionalGeneration.
        processor: WhisperProcessor of the same model.
        window_s: what the encoder hears of each utterance, padded with silence, in seconds.
        sampling: draw tokens instead, by these settings of transformers (``temperature``, ``top_p``, ``top_k``, ...).

    Raises:
        BackendError: a language that the model does not know.
    """
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    with torch.inference_mode():
        hidden = encode(model, log_mel(processor, batch, window_s).to(model.device, model.dtype))
        encoded = BaseModelOutput(last_hidden_state=hidden)
        languages, prompt = _prompts(model, encoded, options.language, len(batch))
        budgets = [_budget(model, prompt.shape[1], options, audio) for audio in batch]
        emitted = _generate(model, hidden, prompt, budgets, options, sampling)
        logprobs = _score(model, hidden, prompt, emitted)
    end = end_of(model.generation_config)
    rows = []
    for index, tokens in enumerate(emitted):
        truncated = tokens[-1] != end
        num_tokens = len(tokens)
        text = processor.tokenizer.decode(tokens, skip_special_tokens=True)
        mean_logprob = float(logprobs[index].mean())
        duration_s = batch[index].duration_s
        heard = Transcript(text.strip(), languages[index], mean_logprob, num_tokens, truncated, duration_s=duration_s)
        rows.append(heard)
    return rows


def _budget(model: Any, prompt_length: int, options: DecodingOptions, audio: Audio) -> int:
    return min(options.max_tokens(audio.duration_s), model.config.max_target_positions - prompt_length)


def _prompts(model: Any, encoded: Any, language: str | None, rows: int) -> tuple[list[str], Any]:
    """The language of each row and its prompt tokens, shape (batch, prompt_length)."""
    import torch

    own = model.generation_config
    if language is None and own.is_multilingual:
        code_of = {index: code for code, index in language_tokens(own).items()}
        languages = [code_of[index] for index in model.detect_language(encoder_outputs=encoded).tolist()]
    else:
        languages = [language or "en"] * rows
    return languages, torch.tensor([prompt_of(own, code) for code in languages], device=model.device)


def _generate(
    model: Any,
    hidden: Any,
    prompt: Any,
    budgets: Sequence[int],
    options: DecodingOptions,
    sampling: Mapping[str, float] | None,
) -> list[list[int]]:
    """The tokens of each row, its end of text included where it came to one within its budget.

    A row that has ended still costs what one that goes on does, and one endless row would keep a whole batch waiting;
    so every `ROUND_TOKENS` tokens greedy decoding goes on with the rows that have not ended. Beams and samples are made
    in one go, since they could not be gone on with.
    """
    import torch

    end, start = end_of(model.generation_config), prompt.shape[1]
    in_rounds = sampling is None and options.num_beams == 1
    emitted: list[list[int]] = [[] for _ in budgets]
    waiting, sequences = list(range(len(budgets))), prompt
    while waiting:
        done = sequences.shape[1] - start
        limit = start + min(done + ROUND_TOKENS if in_rounds else max(budgets), max(budgets[row] for row in waiting))
        settings = _settings(model, options, limit, sampling, at_begin=not done)
        sequences = _continue(model, settings, hidden[waiting], sequences, start, [budgets[row] for row in waiting])
        going_on = []
        for place, row in enumerate(waiting):
            tokens = sequences[place, start:].tolist()[: budgets[row]]
            emitted[row] = tokens[: tokens.index(end) + 1] if end in tokens else tokens
            if in_rounds and end not in tokens and len(tokens) < budgets[row]:
                going_on.append(place)
        waiting = [waiting[place] for place in going_on]
        sequences = sequences[torch.tensor(going_on, dtype=torch.long, device=sequences.device)]
    return emitted


def _continue(
    model: Any, settings: Any, hidden: Any, sequences: Any, prompt_length: int, budgets: Sequence[int]
) -> Any:
    """The sequences with more tokens behind them, shape (batch, as many as `settings` allow at most)."""
    import torch
    from transformers.generation import GenerationMixin
    from transformers.modeling_outputs import BaseModelOutput

    # Whisper's own generate() adds a long-form loop with fallbacks; the plain one is exact and has one outcome.
    return GenerationMixin.generate(
        model,
        generation_config=settings,
        encoder_outputs=BaseModelOutput(last_hidden_state=hidden),
        attention_mask=torch.ones(hidden.shape[:2], dtype=torch.long, device=model.device),
        decoder_input_ids=sequences,
        stopping_criteria=_stopping(prompt_length, budgets, model.device),
    )


def _settings(
    model: Any, options: DecodingOptions, max_length: int, sampling: Mapping[str, float] | None, at_begin: bool
) -> Any:
    from transformers import GenerationConfig

    own = model.generation_config
    end = end_of(own)
    return GenerationConfig(
        max_length=max_length,
        num_beams=options.num_beams,
        do_sample=sampling is not None,
        eos_token_id=end,
        pad_token_id=end,
        suppress_tokens=own.suppress_tokens,
        # An empty list, since generate() takes None as "as the model has it".
        begin_suppress_tokens=own.begin_suppress_tokens if at_begin else [],
        **(sampling or {}),
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


def _score(model: Any, hidden: Any, prompt: Any, emitted: Sequence[Sequence[int]]) -> list[Any]:
    """Natural log-probability of every emitted token under the unconstrained model, shape (num_tokens,) a row."""
    import torch

    end, start = end_of(model.generation_config), prompt.shape[1]
    longest = max(map(len, emitted))
    padded = torch.tensor([[*row, *[end] * (longest - len(row))] for row in emitted], device=prompt.device)
    inputs = torch.cat([prompt, padded[:, :-1]], dim=1)
    decoded = model.get_decoder()(input_ids=inputs, encoder_hidden_states=hidden).last_hidden_state[:, start - 1 :]
    lengths = torch.tensor([len(row) for row in emitted], device=prompt.device)
    is_emitted = torch.arange(longest, device=prompt.device) < lengths[:, None]
    # The vocabulary is the expensive part: no logits of what lies behind a row's end.
    logits = model.proj_out(decoded[is_emitted]).float()
    logprobs = logits.log_softmax(dim=-1).gather(1, padded[is_emitted][:, None]).squeeze(1)
    return list(logprobs.split(lengths.tolist()))
