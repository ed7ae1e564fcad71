"""second_opinion: audio_quality first, and the other one too where what was heard does not sound sure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from megaasr import Reviewed, Route, Transcript, compression_ratio, hookimpl, loop_tokens

from .audio_quality import AudioQuality

ASTRAY = frozenset({"repetitive", "truncated"})
"""Flags of a transcript that did not end by itself, or says one thing over and over."""


class SecondOpinion(AudioQuality):
    """Route by the sound; where the transcript is not sure, hear the other one too and keep the better of the two.

    A clip that nobody understands is where an adapter invents words, and where a base loops or says little. So a
    transcript that went astray loses against one that did not; where both did or neither is sure, the one with fewer
    words is kept, as it has fewer that were not said; else the adapter's. A clip costs a second decoding where it asks.
    """

    name: ClassVar[str] = "second_opinion"

    sure_logprob: float = Field(
        -0.8, le=0.0, description="mean natural log-probability a token from which on the first transcript is kept"
    )
    lost_logprob: float = Field(
        -1.25, le=0.0, description="mean of both transcripts' mean log-probabilities below which neither is sure"
    )
    max_compression_ratio: float = Field(
        2.4, gt=1.0, description="UTF-8 bytes over zlib bytes; above it a transcript went astray"
    )

    def review(self, batch: Sequence[Reviewed]) -> list[Route | None]:
        """The other one where the transcript is empty, went astray or is not sure; silence is left empty."""
        return [self._again(one.transcript) for one in batch]

    def keep_second(self, first: Sequence[Reviewed], second: Sequence[Reviewed]) -> list[bool]:
        """Whether the second transcript is the better one."""
        return [self._second_is_better(a.transcript, b.transcript) for a, b in zip(first, second, strict=True)]

    def _again(self, heard: Transcript) -> Route | None:
        if "silent" in heard.flags:
            return None
        logprob = heard.mean_logprob
        if self._went_astray(heard):
            sign = "astray"
        elif not heard.text.strip():
            sign = "empty"
        elif logprob is not None and logprob < self.sure_logprob:
            sign = f"unsure: mean log-probability {logprob:.2f}"
        else:
            return None
        return Route(self.adapter if heard.adapter is None else None, f"second opinion, the first was {sign}")

    def _second_is_better(self, first: Transcript, second: Transcript) -> bool:
        astray = self._went_astray(first), self._went_astray(second)
        if astray[0] != astray[1]:
            return astray[0]
        if all(astray) or self._is_lost(first, second):
            lengths = len(_words(first)), len(_words(second))
            if lengths[0] != lengths[1]:
                return lengths[1] < lengths[0]
        return second.adapter is not None

    def _went_astray(self, heard: Transcript) -> bool:
        return bool(ASTRAY.intersection(heard.flags)) or compression_ratio(heard.text) > self.max_compression_ratio

    def _is_lost(self, first: Transcript, second: Transcript) -> bool:
        if first.mean_logprob is None or second.mean_logprob is None:
            return False
        return (first.mean_logprob + second.mean_logprob) / 2.0 < self.lost_logprob


def _words(heard: Transcript) -> list[str]:
    """Its words, or its characters where a language is written without spaces."""
    return loop_tokens(heard.text, heard.language)


@hookimpl
def register_routers(register):
    register(SecondOpinion)
