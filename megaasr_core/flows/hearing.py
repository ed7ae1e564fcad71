"""How a recording is heard: silence is passed over, and what a transcript left unheard is decoded again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from megaasr.library.levels import FRAME_S, LEVEL, at_known_level, frame_length, frame_powers, level_of
from megaasr.library.long_recordings import NO_SPEECH, cut, join, joined_text

from ..base.errors import MegaasrError
from ..base.speech_checks import loop_tokens
from ..contracts.backend import Transcript
from ..contracts.utterance import Utterance

STRAND_S = 150.0
"""Strands of a long recording are heard independently of each other, so that it fills a batch."""
SILENCE_DB = -60.0
"""Level of a frame, relative to the recording's, below which it is silence."""
QUIET_DB = -20.0
"""Level of a frame, relative to the loudest of its window, below which nobody speaks in it."""
SHORTEST_PAUSE_S = 3.0
"""Silence that is shorter is heard with the speech around it."""
KEPT_PAUSE_S = 0.3
"""What is kept of a longer one before the speech, and behind it."""
SPARSE_FROM_S, SPARSE_WORDS_PER_S = 15.0, 1.5
"""A window of more seconds with fewer words a second of sound lacks sentences, so its parts are heard by themselves."""
SHORTEST_STEP_S = 0.5
"""A transcript that is complete for less is taken as it is, so that each window comes further."""
SHORTEST_REST_S = 2.0
"""What a transcript leaves unheard at its end is decoded again if it is at least as long."""

Result = Transcript | MegaasrError
"""Of one window: its transcript, or why there is none."""


@dataclass(frozen=True)
class Transcription:
    """The result for one recording.

    Args:
        name: the path, or the audio's name.
        transcript: of the whole; None when there is none.
        segments: the windows of a long recording with their transcripts, in order.
        error: why there is no transcript; empty where there is one.
    """

    name: str
    transcript: Transcript | None
    segments: tuple[Transcript, ...] = ()
    error: str = ""


class Strand:
    """A stretch of a recording, heard a window at a time, each from where the last one ended.

    Args:
        utterance: the stretch, at the backend's rate.
        silence: power below which a frame is silence.
        max_duration_s: of a window; None: any.

    Attributes:
        window: what is to be heard next; None when all was heard.
        parts: the transcripts so far, each with the time at which it begins.
    """

    def __init__(self, utterance: Utterance, silence: float, max_duration_s: float | None) -> None:
        self.parts: list[tuple[float, Transcript]] = []
        self.duration_s = utterance.duration_s
        self._utterance = utterance
        self._max_duration_s = max_duration_s
        self._frame = frame_length(utterance.audio)
        self._powers = frame_powers(utterance.samples, self._frame)
        self._sounds = self._powers > silence
        self._at = self._stop = self._halved_until = 0
        self.window = self._next()

    def _next(self) -> Utterance | None:
        """What is to be heard next; None when all was heard. Only a window that is all of it has its reference."""
        audio, pause = self._utterance.audio, round(SHORTEST_PAUSE_S / FRAME_S)
        length, kept = len(audio.samples), round(KEPT_PAUSE_S / FRAME_S)
        here = self._at // self._frame
        sounding = here + np.flatnonzero(self._sounds[here:])
        if self._at >= length or not len(sounding):
            return None
        if sounding[0] - here >= pause:
            self._at = int(sounding[0] - kept) * self._frame
        last = int(sounding[np.flatnonzero(np.diff([*sounding, sounding[-1] + pause + 1]) > pause)[0]])
        end = length if len(self._sounds) - last <= pause else (last + 1 + kept) * self._frame
        is_halved = self._at < self._halved_until
        piece = cut(audio.cut(self._at, end), SPARSE_FROM_S if is_halved else self._max_duration_s)[0]
        self._stop = self._at + len(piece.samples)
        is_all = not self.parts and self._stop >= min(length, int(sounding[-1] + 1) * self._frame)
        return replace(self._utterance, audio=piece, reference=self._utterance.reference if is_all else None)

    def add(self, heard: Transcript, *, may_go_on: bool = True) -> None:
        """Take the transcript of the last window; where it breaks off before speech, the next window begins there.

        Args:
            may_go_on: else what the window left unheard is not decoded again.
        """
        rate, stop, until_s = self._utterance.sample_rate, self._stop, heard.continue_at_s
        is_sparse = may_go_on and self._is_sparse(heard)
        if is_sparse and self._at >= self._halved_until and stop - self._at > SPARSE_FROM_S * rate:
            self._halved_until = stop
            self.window = self._next()
            return
        if is_sparse and self._at < self._halved_until:
            heard = replace(heard, flags=tuple(sorted({*heard.flags, "sparse"})))
        again = self._at + round((until_s or 0.0) * rate)
        if may_go_on and until_s and until_s >= SHORTEST_STEP_S and self._has_speech(again):
            complete = tuple(one for one in heard.segments if one.end_s <= until_s)
            flags = tuple(flag for flag in heard.flags if flag != "truncated")
            text = joined_text((one.text for one in complete), heard.language)
            heard = replace(heard, text=text, segments=complete, duration_s=until_s, truncated=False, flags=flags)
            stop = again
        if NO_SPEECH.intersection(heard.flags) and heard.text.strip():
            flags = tuple(sorted({*heard.flags, "empty"}))
            heard = replace(heard, text="", segments=(), flags=flags, withheld=heard.text.strip())
        self.parts.append((self._at / rate, replace(heard, continue_at_s=None)))
        self._at = stop
        self.window = self._next()

    def _is_sparse(self, heard: Transcript) -> bool:
        """Whether a transcript with times, of what is not known to be no speech, has few words for so much sound."""
        powers = self._powers[self._at // self._frame : self._stop // self._frame]
        sound_s = FRAME_S * np.count_nonzero(powers > powers.max(initial=0.0) * 10.0 ** (QUIET_DB / 10.0))
        num_words = len(loop_tokens(heard.text, heard.language))
        is_known = bool(heard.segments) or self._at < self._halved_until
        return bool(is_known and not NO_SPEECH.intersection(heard.flags) and num_words < SPARSE_WORDS_PER_S * sound_s)

    def _has_speech(self, start: int) -> bool:
        """Whether what is left of the window from there on is long enough, and as loud as what was heard."""
        if (self._stop - start) / self._utterance.sample_rate < SHORTEST_REST_S:
            return False
        window, rest = (self._powers[at // self._frame : self._stop // self._frame] for at in (self._at, start))
        return bool(rest.max(initial=0.0) > window.max() * 10.0 ** (QUIET_DB / 10.0))


class Hearing:
    """A recording that is being transcribed: its strands, and what they say together.

    Args:
        name: of the recording.
        utterance: at the backend's rate.
        max_duration_s: of a window; None: any.
    """

    def __init__(self, name: str, utterance: Utterance, max_duration_s: float | None) -> None:
        self.name = name
        self.error: MegaasrError | None = None
        self._duration_s = utterance.duration_s
        self._language = utterance.language or "en"
        level = level_of(utterance.audio)
        audio, self._is_changed = at_known_level(utterance.audio, level)
        silence = (LEVEL if self._is_changed else level) ** 2 * 10.0 ** (SILENCE_DB / 10.0)
        pieces = cut(audio, STRAND_S if max_duration_s is not None else None)
        reference = utterance.reference if len(pieces) == 1 else None
        self.strands = [
            Strand(replace(utterance, audio=piece, reference=reference), silence, max_duration_s) for piece in pieces
        ]

    @classmethod
    def failed(cls, name: str, error: MegaasrError) -> Self:
        """A recording that cannot be heard."""
        hearing = object.__new__(cls)
        hearing.name, hearing.error, hearing.strands = name, error, []
        return hearing

    def windows(self) -> list[tuple[Strand, Utterance]]:
        """What is to be heard next of each strand."""
        return [] if self.error else [(one, one.window) for one in self.strands if one.window is not None]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to be heard."""
        return not self.windows()

    def transcription(self) -> Transcription:
        """The result, once every strand was heard."""
        if self.error is not None:
            return Transcription(self.name, None, error=str(self.error))
        starts_s, parts, begin_s = list[float](), list[Transcript](), 0.0
        for strand in self.strands:
            starts_s += [begin_s + start_s for start_s, _ in strand.parts]
            parts += [part for _, part in strand.parts]
            begin_s += strand.duration_s
        silence = Transcript("", self._language, flags=("empty", "silent"), route="silence")
        whole = join(parts, starts_s) if parts else silence
        flags = {*whole.flags, *(("level",) if self._is_changed else ())}
        whole = replace(whole, flags=tuple(sorted(flags)), duration_s=self._duration_s)
        return Transcription(self.name, whole, tuple(parts))


def hear(
    hearings: Iterable[Hearing],
    decode: Callable[[Sequence[Utterance]], Sequence[Result]],
    batch_size: int,
    *,
    may_go_on: bool,
) -> Iterator[Transcription]:
    """Decode recordings in full batches, a window of each strand at a time, and yield what is done, in order.

    Args:
        hearings: opened one after the other, as a batch needs them.
        may_go_on: as of `Strand.add`.
    """
    waiting: deque[Hearing] = deque()
    coming = iter(hearings)
    following = next(coming, None)
    while waiting or following:
        while waiting and waiting[0].is_done:
            yield waiting.popleft().transcription()
        windows = [(hearing, *found) for hearing in waiting for found in hearing.windows()]
        if following and len(windows) < batch_size:
            waiting.append(following)
            following = next(coming, None)
            continue
        batch = windows[:batch_size]
        for (hearing, strand, _), result in zip(batch, decode([window for *_, window in batch]), strict=True):
            if isinstance(result, MegaasrError):
                hearing.error = hearing.error or result
            else:
                strand.add(result, may_go_on=may_go_on)
