"""Whisper's timestamps: the rules that its tokens follow, and the segments they make (Radford et al. 2022, 2.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from megaasr import Segment

TOKEN_S = 0.02
"""Seconds between two timestamp tokens."""


def first_timestamp(own: Any) -> int:
    """The token ``<|0.00|>``; `own` is the model's generation_config."""
    return int(own.no_timestamps_token_id) + 1


def timestamp_rules(own: Any, end: int, prompt_length: int) -> Any:
    """The logits processor that makes timestamps come in pairs, in order, and where they are likelier than any text.

    Args:
        own: the model's generation_config.
        end: token that ends a transcript.
        prompt_length: tokens before the first one that is decoded.
    """
    from transformers import GenerationConfig
    from transformers.generation.logits_process import WhisperTimeStampLogitsProcessor

    settings: Any = GenerationConfig(eos_token_id=end)
    settings.no_timestamps_token_id = own.no_timestamps_token_id
    settings.max_initial_timestamp_index = getattr(own, "max_initial_timestamp_index", None)
    return WhisperTimeStampLogitsProcessor(settings, begin_index=prompt_length)


def timed_segments(
    tokens: Sequence[int], first: int, text_of: Callable[[list[int]], str], duration_s: float
) -> tuple[tuple[Segment, ...], float | None]:
    """The segments of a transcript, and where to go on listening.

    As in Whisper's own long form, a segment that has no end yet is decoded again from its beginning; so is what lies
    behind the last segment's end.

    Args:
        tokens: the emitted tokens without the end of text.
        first: the token ``<|0.00|>``.
        text_of: text of tokens.
        duration_s: of the utterance; no time lies behind it.

    Returns:
        The segments, the last one perhaps without an end of its own, and the time in seconds from which on nothing is
        complete; None where the last segment ends with the utterance or has no end.
    """
    segments: list[Segment] = []
    start_s, words, closed_s = 0.0, list[int](), 0.0
    for token in tokens:
        if token < first:
            words.append(token)
            continue
        time_s = min((token - first) * TOKEN_S, duration_s)
        if text := text_of(words).strip():
            segments.append(Segment(start_s, time_s, text))
            closed_s = time_s
        start_s, words = time_s, []
    if not segments:
        closed_s = duration_s
    if text := text_of(words).strip():
        segments.append(Segment(start_s, duration_s, text))
    return tuple(segments), closed_s if closed_s < duration_s else None
