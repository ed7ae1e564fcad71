"""Long recordings: cut where it is quietest, so that no word is cut in two, and joined after decoding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from megaasr_core.base.audio import Audio
from megaasr_core.base.language import is_unspaced
from megaasr_core.contracts.backend import Segment, Transcript

from .levels import frame_length, frame_powers

NO_SPEECH = frozenset({"empty", "invented", "no_speech", "silent"})
"""Flags of a part whose text is withheld from the whole."""


def cut(audio: Audio, max_duration_s: float | None) -> list[Audio]:
    """Cut into pieces of at most `max_duration_s`, in order, nothing lost; one piece when it is short enough or None.

    Each cut lies in the middle of the quietest 0.1 s frame of the second half of what a piece may hold; of equally
    quiet frames the last is taken, so that pieces are long.

    >>> pieces = cut(Audio(np.ones(50, np.float32), 10), 2.0)
    >>> [piece.duration_s for piece in pieces], sum(len(piece.samples) for piece in pieces)
    ([1.9, 1.9, 1.2], 50)
    """
    if max_duration_s is None:
        return [audio]
    pieces = []
    start = 0
    while len(audio.samples) - start > int(max_duration_s * audio.sample_rate):
        stop = start + _quietest(audio, start, max_duration_s)
        pieces.append(audio.cut(start, stop))
        start = stop
    return [*pieces, audio.cut(start, len(audio.samples))]


def _quietest(audio: Audio, start: int, max_duration_s: float) -> int:
    """Length of the piece that begins there."""
    limit = int(max_duration_s * audio.sample_rate)
    frame = frame_length(audio)
    first = limit // 2
    num_frames = max(1, (limit - first) // frame)
    powers = frame_powers(audio.samples[start + first : start + first + num_frames * frame], frame)
    return first + (num_frames - 1 - int(np.argmin(powers[::-1]))) * frame + frame // 2


def join(parts: Sequence[Transcript], starts_s: Sequence[float] | None = None) -> Transcript:
    """One transcript of a recording that was decoded in parts; a single part is returned as it is.

    Args:
        starts_s: where each part begins; one behind the other if not given.
    """
    if len(parts) == 1 and not (starts_s and starts_s[0]):
        return parts[0]
    if starts_s is None:
        starts_s = np.cumsum([0.0, *(part.duration_s for part in parts[:-1])]).tolist()
    language = parts[0].language
    known = [(part.mean_logprob, part.num_tokens) for part in parts if part.mean_logprob is not None]
    weight = sum(tokens for _, tokens in known)
    adapters = [part.adapter for part in parts]
    mounted = sorted({adapter for adapter in adapters if adapter is not None})
    reasons = list(dict.fromkeys(part.route for part in parts))
    share = f" (adapter on {len(parts) - adapters.count(None)} of {len(parts)} pieces)" if mounted and parts[1:] else ""
    text = joined_text((part.text for part in parts), language)
    flags = {flag for part in parts for flag in part.flags}
    if text:  # a pause of half a minute does not make the recording empty
        flags.discard("empty")
    return Transcript(
        text=text,
        language=language,
        mean_logprob=sum(logprob * tokens for logprob, tokens in known) / weight if weight else None,
        num_tokens=sum(part.num_tokens for part in parts),
        truncated=any(part.truncated for part in parts),
        flags=tuple(sorted(flags)),
        duration_s=sum(part.duration_s for part in parts),
        seconds=sum(part.seconds for part in parts),
        route="; ".join(reasons) + share,
        adapter="+".join(mounted) or None,
        token_ids=tuple(token for part in parts for token in part.token_ids),
        token_logprobs=tuple(logprob for part in parts for logprob in part.token_logprobs),
        segments=_segments(parts, starts_s),
        no_speech_prob=max((part.no_speech_prob for part in parts if part.no_speech_prob is not None), default=None),
        withheld=joined_text((part.withheld for part in parts), language),
    )


def joined_text(texts: Iterable[str], language: str) -> str:
    """Texts one behind the other, with spaces where the language has them; empty ones are left out.

    >>> joined_text(["a ", "", "b"], "en"), joined_text(["你好", "世界"], "zh")
    ('a b', '你好世界')
    """
    return ("" if is_unspaced(language) else " ").join(text for one in texts if (text := one.strip()))


def _segments(parts: Sequence[Transcript], starts_s: Sequence[float]) -> tuple[Segment, ...]:
    """The parts' segments in the time of the whole; a part without segments is one segment."""
    return tuple(
        Segment(start_s + one.start_s, start_s + one.end_s, one.text)
        for part, start_s in zip(parts, starts_s, strict=True)
        for one in part.segments or (Segment(0.0, part.duration_s, part.text),)
    )
