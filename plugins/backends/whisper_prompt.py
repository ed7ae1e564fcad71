"""The special tokens around a transcript: what the decoder is told before it, and what ends it."""

from __future__ import annotations

from typing import Any

from megaasr import BackendError


def language_tokens(own: Any) -> dict[str, int]:
    """The languages of a multilingual model, ISO 639-1 code -> token; `own` is its generation_config."""
    names = {token.strip("<|>"): index for token, index in own.lang_to_id.items()}
    return {{"jw": "jv"}.get(name, name): index for name, index in names.items()}  # Javanese, as it was once called


def languages_of(own: Any) -> tuple[str, ...]:
    """The languages that a model knows, ISO 639-1 codes, sorted; `own` is its generation_config."""
    return tuple(sorted(language_tokens(own))) if own.is_multilingual else ("en",)


def prompt_of(own: Any, language: str) -> list[int]:
    """The tokens before a transcript in that language, without timestamps.

    Raises:
        BackendError: a language that the model does not know.
    """
    if not own.is_multilingual:
        if language != "en":
            raise BackendError(f"this Whisper knows English only, not {language!r}; choose a multilingual model")
        return [own.decoder_start_token_id, own.no_timestamps_token_id]
    known = language_tokens(own)
    if language not in known:
        raise BackendError(f"this Whisper does not know the language {language!r} (known: {', '.join(sorted(known))})")
    return [own.decoder_start_token_id, known[language], own.task_to_id["transcribe"], own.no_timestamps_token_id]


def end_of(own: Any) -> int:
    """The token that ends a transcript; some models list several, of which the first is written."""
    end: int = own.eos_token_id[0] if isinstance(own.eos_token_id, list) else own.eos_token_id
    return end
