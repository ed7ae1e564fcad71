"""The window in which Whisper hears an utterance, and how it hears it again after a loop."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from megaasr import SAMPLE_RATE_HZ, BackendError, Transcript, Utterance, check_text

Key = TypeVar("Key", bound=Hashable)
MAX_DURATION_S = 30.0
MARGIN_S = 1.0
"""Silence that the other window leaves behind the utterance at least: a window full of speech makes Whisper loop."""
ASTRAY = frozenset({"repetitive", "truncated"})
"""Flags of a transcript that says one thing over and over, or does not end."""


@dataclass(frozen=True)
class Window:
    """How an utterance is heard.

    Args:
        duration_s: what the encoder hears, padded with silence.
        timestamps: decode with timestamps; they belong to the window of 30 s that the model learned them in.
    """

    duration_s: float
    timestamps: bool = False


def window_of(utterance: Utterance, short_s: float, timestamps_from_s: float = MAX_DURATION_S) -> Window:
    """The window of an utterance, chosen by its own length, so that its text is the same in any batch.

    Args:
        short_s: window of utterances that fit and have no timestamps.
        timestamps_from_s: length above which utterances are decoded with timestamps.
    """
    if utterance.duration_s > timestamps_from_s:
        return Window(MAX_DURATION_S, timestamps=True)
    return Window(short_s if utterance.duration_s <= short_s else MAX_DURATION_S)


def other_window(utterance: Utterance, window: Window, short_s: float) -> Window:
    """The window to hear an utterance in again: 30 s with timestamps; where it was that one, a short one without.

    An utterance that would fill the short window is heard in 30 s, without timestamps.
    """
    if not window.timestamps:
        return Window(MAX_DURATION_S, timestamps=True)
    return Window(short_s if utterance.duration_s <= short_s - MARGIN_S else MAX_DURATION_S)


def went_astray(heard: Transcript) -> bool:
    """Whether a transcript loops or does not end; one that says where to go on from has an end."""
    is_open = heard.truncated and heard.continue_at_s is None
    return bool(ASTRAY.intersection(check_text(heard.text, truncated=is_open, language=heard.language)))


def rows_by(keys: Sequence[Key]) -> dict[Key, list[int]]:
    """The numbers of the rows of each key, such as those that one call of the model takes together."""
    rows: dict[Key, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return rows


def check_utterances(batch: Sequence[Utterance]) -> None:
    """BackendError for an utterance of another sample rate, or longer than 30 s."""
    for utterance in batch:
        if utterance.sample_rate != SAMPLE_RATE_HZ:
            raise BackendError(
                f"backend whisper: {utterance.name} has {utterance.sample_rate} Hz, "
                f"{SAMPLE_RATE_HZ} Hz is expected; resample it"
            )
        if utterance.duration_s > MAX_DURATION_S:
            raise BackendError(
                f"backend whisper: {utterance.name} lasts {utterance.duration_s:.1f} s, "
                f"at most {MAX_DURATION_S:g} s is taken; cut it"
            )
