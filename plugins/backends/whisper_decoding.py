"""Decoding a batch with Whisper: one encoder pass, one generate call, one scoring pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from megaasr_core import Audio, DecodingOptions, Transcript

from .whisper_encoder import encode, log_mel
from .whisper_prompt import end_of, language_tokens, prompt_of


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
    from transformers.generation import GenerationMixin
    from transformers.modeling_outputs import BaseModelOutput

    with torch.inference_mode():
        hidden = encode(model, log_mel(processor, batch, window_s).to(model.device, model.dtype))
        encoded = BaseModelOutput(last_hidden_state=hidden)
        languages, prompt = _prompts(model, encoded, options.language, len(batch))
        budgets = [_budget(model, prompt.shape[1], options, audio) for audio in batch]
        settings = _settings(model, options, prompt.shape[1] + max(budgets), sampling)
        # Whisper's own generate() adds a long-form loop with fallbacks; the plain one is exact and has one outcome.
        sequences = GenerationMixin.generate(
            model,
            generation_config=settings,
            encoder_outputs=BaseModelOutput(last_hidden_state=hidden),
            attention_mask=torch.ones(hidden.shape[:2], dtype=torch.long, device=model.device),
            decoder_input_ids=prompt,
            stopping_criteria=_stopping(prompt.shape[1], budgets, model.device),
        )
        emitted = sequences[:, prompt.shape[1] :]
        logprobs = _score(model, encoded, sequences, prompt.shape[1])
    end = settings.eos_token_id
    rows = []
    for index, budget in enumerate(budgets):
        tokens = emitted[index].tolist()[:budget]
        truncated = end not in tokens
        num_tokens = len(tokens) if truncated else tokens.index(end) + 1
        text = processor.tokenizer.decode(tokens[:num_tokens], skip_special_tokens=True)
        mean_logprob = float(logprobs[index, :num_tokens].mean())
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


def _settings(model: Any, options: DecodingOptions, max_length: int, sampling: Mapping[str, float] | None) -> Any:
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
        begin_suppress_tokens=own.begin_suppress_tokens,
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


def _score(model: Any, encoded: Any, sequences: Any, prompt_length: int) -> Any:
    """Natural log-probability of every emitted token under the unconstrained model, shape (batch, num_emitted)."""
    logits = model(encoder_outputs=encoded, decoder_input_ids=sequences[:, :-1]).logits[:, prompt_length - 1 :]
    return logits.float().log_softmax(dim=-1).gather(2, sequences[:, prompt_length:, None]).squeeze(2)
