"""Decoding a batch with Whisper: one encoder pass, one generate call, one scoring pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from megaasr import DecodingOptions, Transcript, Utterance

from .whisper_beams import least_expected_errors
from .whisper_checks import check_logprobs
from .whisper_encoder import encode, log_mel
from .whisper_generation import beams, greedy_or_sampled
from .whisper_heard import Heard, heard_by
from .whisper_prompt import end_of, language_tokens, prompt_of
from .whisper_sampling import Sampler
from .whisper_scoring import scored
from .whisper_timestamps import first_timestamp, timed_segments

SCORED_ROWS = 64
"""Rows that are scored at once: the logits of a row are as many as its tokens times the vocabulary."""


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

    Of the hypotheses of a beam search the one with the fewest expected errors is taken (`whisper_beams`).

    Every row has its own bound on tokens, taken from its own length, so that a row's text is the same in any batch.

    Args:
        model: WhisperForConditionalGeneration.
        processor: WhisperProcessor of the same model.
        window_s: what the encoder hears of each utterance, padded with silence, in seconds.
        timestamps: decode with timestamps, which keeps the model from passing over sentences; see `whisper_timestamps`.
        sampler: draw the tokens of several rows for each utterance, which share its encoder states; `num_beams` is 1.

    Raises:
        BackendError: a language that the model does not know.
    """
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    copies = sampler.num_rollouts if sampler is not None else options.num_beams
    with torch.inference_mode():
        hidden = encode(model, log_mel(processor, batch, window_s).to(model.device, model.dtype))
        encoded = BaseModelOutput(last_hidden_state=hidden)
        languages, prompt = _prompts(model, encoded, [utterance.language for utterance in batch])
        prompt = prompt[:, :-1] if timestamps else prompt
        rows = [index for index in range(len(batch)) for _ in range(copies)]
        budgets = [_budget(model, prompt.shape[1], options, batch[index]) for index in rows]
        heard = heard_by(model, hidden)
        if options.num_beams > 1:
            emitted = beams(model, heard, prompt, budgets[::copies], options, timestamps)
        else:
            emitted = greedy_or_sampled(model, heard.rows(rows), prompt[rows], budgets, options, sampler, timestamps)
        logprobs, no_speech = _score(model, heard, rows, prompt, emitted)
    check_logprobs(logprobs, [batch[index].name for index in rows], model.name_or_path)
    end, first = end_of(model.generation_config), first_timestamp(model.generation_config)

    def text_of(tokens: list[int]) -> str:
        return str(processor.tokenizer.decode(tokens, skip_special_tokens=True))

    if options.num_beams > 1:
        texts = [text_of([token for token in tokens if token < first]) for tokens in emitted]
        sums, is_cut = [float(one.sum()) for one in logprobs], [tokens[-1] != end for tokens in emitted]
        chosen = []
        for index, language in enumerate(languages):
            start = index * copies
            of_row = slice(start, start + copies)
            chosen.append(start + least_expected_errors(texts[of_row], sums[of_row], language, is_cut[of_row]))
        rows = list(range(len(batch)))
        emitted, logprobs = [emitted[row] for row in chosen], [logprobs[row] for row in chosen]
        no_speech = [no_speech[row] for row in chosen]

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


def _score(
    model: Any, heard: Heard, rows: Sequence[int], prompt: Any, emitted: Sequence[Sequence[int]]
) -> tuple[list[Any], list[float | None]]:
    """As `_score_rows`, so many at once as memory is sure to have room for.

    Args:
        rows: for each sequence of tokens the row of the batch that it is of.
    """
    logprobs: list[Any] = []
    no_speech: list[float | None] = []
    for start in range(0, len(emitted), SCORED_ROWS):
        part = list(rows[start : start + SCORED_ROWS])
        found = _score_rows(model, heard.rows(part), prompt[part], emitted[start : start + SCORED_ROWS])
        logprobs += found[0]
        no_speech += found[1]
    return logprobs, no_speech


def _score_rows(
    model: Any, heard: Heard, prompt: Any, emitted: Sequence[Sequence[int]]
) -> tuple[list[Any], list[float | None]]:
    """What the unconstrained model makes of the emitted tokens, and of the audio.

    Returns:
        Natural log-probability of every emitted token, shape (num_tokens,) a row; and the probability that there is no
        speech (Radford et al. 2022, section 4.5), None for a model that has no token for it.
    """
    found = scored(model, heard, prompt, emitted)
    logprobs = found.of_targets(found.logits.log_softmax(dim=-1))
    no_speech_token = model.generation_config.no_timestamps_token_id - 1  # in every Whisper; `end` comes long before it
    no_speech = model.proj_out(found.states[:, 0]).float().softmax(dim=-1)[:, no_speech_token].tolist()
    return logprobs, no_speech
