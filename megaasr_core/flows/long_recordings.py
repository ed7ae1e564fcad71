"""Long recordings: cut where it is quietest, so that no word is cut in two, and joined after decoding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..base.audio import Audio
from ..base.language import is_unspaced
from ..contracts.backend import Segment, Transcript

FRAME_S = 0.1
"""Length of the frames whose energy is compared."""


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
    limit = int(max_duration_s * audio.sample_rate)
    frame = max(1, int(FRAME_S * audio.sample_rate))
    pieces = []
    start = 0
    while len(audio.samples) - start > limit:
        first = limit // 2
        num_frames = max(1, (limit - first) // frame)
        window = audio.samples[start + first : start + first + num_frames * frame].astype(np.float64)
        energy = np.square(window).reshape(num_frames, -1).sum(axis=1)
        quietest = num_frames - 1 - int(np.argmin(energy[::-1]))
        stop = start + first + quietest * frame + frame // 2
        pieces.append(audio.cut(start, stop))
        start = stop
    return [*pieces, audio.cut(start, len(audio.samples))]


def join(pieces: Sequence[Transcript]) -> Transcript:
    """One transcript of a recording that was decoded in pieces; a single piece is returned as it is."""
    if len(pieces) == 1:
        return pieces[0]
    language = pieces[0].language
    known = [(piece.mean_logprob, piece.num_tokens) for piece in pieces if piece.mean_logprob is not None]
    weight = sum(tokens for _, tokens in known)
    adapters = [piece.adapter for piece in pieces]
    mounted = sorted({adapter for adapter in adapters if adapter is not None})
    reasons = list(dict.fromkeys(piece.route for piece in pieces))
    share = f" (adapter on {len(pieces) - adapters.count(None)} of {len(pieces)} pieces)" if mounted else ""
    text = ("" if is_unspaced(language) else " ").join(text for piece in pieces if (text := piece.text.strip()))
    flags = {flag for piece in pieces for flag in piece.flags}
    if text:  # a pause of half a minute does not make the recording empty
        flags.discard("empty")
    return Transcript(
        text=text,
        language=language,
        mean_logprob=sum(logprob * tokens for logprob, tokens in known) / weight if weight else None,
        num_tokens=sum(piece.num_tokens for piece in pieces),
        truncated=any(piece.truncated for piece in pieces),
        flags=tuple(sorted(flags)),
        duration_s=sum(piece.duration_s for piece in pieces),
        seconds=sum(piece.seconds for piece in pieces),
        route="; ".join(reasons) + share,
        adapter="+".join(mounted) or None,
        token_ids=tuple(token for piece in pieces for token in piece.token_ids),
        token_logprobs=tuple(logprob for piece in pieces for logprob in piece.token_logprobs),
        segments=_segments(pieces),
    )


def _segments(pieces: Sequence[Transcript]) -> tuple[Segment, ...]:
    """The pieces' segments in the time of the whole; a piece without segments is one segment."""
    segments: list[Segment] = []
    start_s = 0.0
    for piece in pieces:
        parts = piece.segments or (Segment(0.0, piece.duration_s, piece.text),)
        segments += [Segment(start_s + part.start_s, start_s + part.end_s, part.text) for part in parts]
        start_s += piece.duration_s
    return tuple(segments)
