"""Decoding a batch with Whisper: one encoder pass, one generate call, one scoring pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from megaasr import BackendError, DecodingOptions, Transcript, Utterance

from .whisper_checks import check_logprobs
from .whisper_encoder import encode, log_mel
from .whisper_prompt import end_of, language_tokens, prompt_of
from .whisper_sampling import Sampler
from .whisper_timestamps import first_timestamp, timed_segments, timestamp_rules

ROUND_TOKENS = 32
"""Greedy decoding drops the rows that have ended each time this many tokens have been added."""


def decode(
    model: Any,
    processor: Any,
    batch: Sequence[Utterance],
    options: DecodingOptions,
    *,
    window_s: float = 30.0,
    timestamps: bool = False,
    sampler: Sampler | None = None,
) -> list[Transcript]:
    """Decode utterances that are no longer than the window, greedily, with beams, or by sampling.

    Every row has its own bound on tokens, taken from its own length, so that a row's text is the same in any batch.

    Args:
        model: WhisperForConditionalGeneration.
        processor: WhisperProcessor of the same model.
        window_s: what the encoder hears of each utterance, padded with silence, in seconds.
        timestamps: decode with timestamps, which keeps the model from passing over sentences; see `whisper_timestamps`.
        sampler: draw the tokens of several rows for each utterance, which share its encoder states.

    Raises:
        BackendError: a language that the model does not know, or beams with a sampler.
    """
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    if sampler is not None and options.num_beams > 1:
        raise BackendError(f"backend whisper: sampling has no beams: num_beams = {options.num_beams} must be 1")
    copies = sampler.num_rollouts if sampler is not None else 1
    with torch.inference_mode():
        hidden = encode(model, log_mel(processor, batch, window_s).to(model.device, model.dtype))
        encoded = BaseModelOutput(last_hidden_state=hidden)
        languages, prompt = _prompts(model, encoded, [utterance.language for utterance in batch])
        prompt = prompt[:, :-1] if timestamps else prompt
        rows = [index for index in range(len(batch)) for _ in range(copies)]
        if copies > 1:
            hidden, prompt = hidden.repeat_interleave(copies, 0), prompt.repeat_interleave(copies, 0)
        budgets = [_budget(model, prompt.shape[1], options, batch[index]) for index in rows]
        emitted = _generate(model, hidden, prompt, budgets, options, sampler, timestamps)
        logprobs, no_speech = _score(model, hidden, prompt, emitted)
    check_logprobs(logprobs, [batch[index].name for index in rows], model.name_or_path)
    end, first = end_of(model.generation_config), first_timestamp(model.generation_config)

    def text_of(tokens: list[int]) -> str:
        return str(processor.tokenizer.decode(tokens, skip_special_tokens=True))

    transcripts = []
    for row, (index, tokens) in enumerate(zip(rows, emitted, strict=True)):
        own = logprobs[row].tolist() if sampler is None else sampler.logprobs[row][: len(tokens)]
        words = [(token, logprob) for token, logprob in zip(tokens, own, strict=True) if token < first]
        timed = [token for token in tokens if token != end]
        duration_s = batch[index].duration_s
        segments, continue_at_s = timed_segments(timed, first, text_of, duration_s) if timestamps else ((), None)
        transcripts.append(
            Transcript(
                text_of([token for token, _ in words]).strip(),
                languages[index],
                float(logprobs[row][[token < first for token in tokens]].mean()),
                len(words),
                truncated=tokens[-1] != end,
                duration_s=duration_s,
                token_ids=tuple(token for token, _ in words),
                token_logprobs=tuple(logprob for _, logprob in words),
                segments=segments,
                no_speech_prob=no_speech[row],
                continue_at_s=continue_at_s,
            )
        )
    return transcripts


def _budget(model: Any, prompt_length: int, options: DecodingOptions, utterance: Utterance) -> int:
    return min(options.max_tokens(utterance.duration_s), model.config.max_target_positions - prompt_length)


def _prompts(model: Any, encoded: Any, stated: Sequence[str | None]) -> tuple[list[str], Any]:
    """The language of each row, detected where it is not stated, and its prompt tokens (batch, prompt_length)."""
    import torch

    own = model.generation_config
    if own.is_multilingual and None in stated:
        code_of = {index: code for code, index in language_tokens(own).items()}
        detected = [code_of[index] for index in model.detect_language(encoder_outputs=encoded).tolist()]
    else:
        detected = ["en"] * len(stated)
    languages = [language or found for language, found in zip(stated, detected, strict=True)]
    return languages, torch.tensor([prompt_of(own, code) for code in languages], device=model.device)


def _generate(
    model: Any,
    hidden: Any,
    prompt: Any,
    budgets: Sequence[int],
    options: DecodingOptions,
    sampler: Sampler | None,
    timestamps: bool,
) -> list[list[int]]:
    """The tokens of each row, its end of text included where it came to one within its budget.

    A row that has ended still costs what one that goes on does, and one endless row would keep a whole batch waiting;
    so every `ROUND_TOKENS` tokens decoding goes on with the rows that have not ended. Beams are made in one go, since
    they could not be gone on with.
    """
    import torch

    end, start = end_of(model.generation_config), prompt.shape[1]
    in_rounds = options.num_beams == 1
    rules = [timestamp_rules(model.generation_config, end, start)] if timestamps else None
    if sampler is not None:
        sampler.begin(start, max(budgets))
    emitted: list[list[int]] = [[] for _ in budgets]
    waiting, sequences = list(range(len(budgets))), prompt
    while waiting:
        done = sequences.shape[1] - start
        limit = start + min(done + ROUND_TOKENS if in_rounds else max(budgets), max(budgets[row] for row in waiting))
        settings = _settings(model, options, limit, at_begin=not done)
        draw = sampler.processors(waiting) if sampler is not None else rules
        left = [budgets[row] for row in waiting]
        sequences = _continue(model, settings, hidden[waiting], sequences, start, left, draw)
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
    model: Any,
    settings: Any,
    hidden: Any,
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
        encoder_outputs=BaseModelOutput(last_hidden_state=hidden),
        attention_mask=torch.ones(hidden.shape[:2], dtype=torch.long, device=model.device),
        decoder_input_ids=sequences,
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


def _score(
    model: Any, hidden: Any, prompt: Any, emitted: Sequence[Sequence[int]]
) -> tuple[list[Any], list[float | None]]:
    """What the unconstrained model makes of the emitted tokens, and of the audio.

    Returns:
        Natural log-probability of every emitted token, shape (num_tokens,) a row; and the probability that there is no
        speech (Radford et al. 2022, section 4.5), None for a model that has no token for it.
    """
    import torch

    end, start = end_of(model.generation_config), prompt.shape[1]
    longest = max(map(len, emitted))
    padded = torch.tensor([[*row, *[end] * (longest - len(row))] for row in emitted], device=prompt.device)
    inputs = torch.cat([prompt, padded[:, :-1]], dim=1)
    states = model.get_decoder()(input_ids=inputs, encoder_hidden_states=hidden).last_hidden_state
    decoded = states[:, start - 1 :]
    lengths = torch.tensor([len(row) for row in emitted], device=prompt.device)
    is_emitted = torch.arange(longest, device=prompt.device) < lengths[:, None]
    # The vocabulary is the expensive part: no logits of what lies behind a row's end.
    logits = model.proj_out(decoded[is_emitted]).float()
    logprobs = logits.log_softmax(dim=-1).gather(1, padded[is_emitted][:, None]).squeeze(1)
    no_speech_token = model.generation_config.no_timestamps_token_id - 1  # in every Whisper; `end` comes long before it
    no_speech = model.proj_out(states[:, 0]).float().softmax(dim=-1)[:, no_speech_token].tolist()
    return list(logprobs.split(lengths.tolist())), no_speech
