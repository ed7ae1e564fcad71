"""confidence: the base first, and the adapter where the base itself shows that it failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from megaasr import Reviewed, Route, Router, Transcript, Utterance, compression_ratio, hookimpl

FAILURES = ("empty", "repetitive", "truncated")
"""Flags of the transcript that tell of a failed decoding. Silence is not one: there the base is right to be empty."""


class Confidence(Router):
    """Decode with the base; where that failed, decode again with the adapter and keep the better of the two.

    A decoding failed when its mean log-probability is below `min_mean_logprob`, its compression ratio above
    `max_compression_ratio` (both as in Whisper's own fallback, Radford et al. 2022, section 4.5), or its text is empty,
    repetitive or truncated. The better one has fewer of these signs; of equals, the higher mean log-probability.
    """

    name: ClassVar[str] = "confidence"

    adapter: str = Field("robust", min_length=1, description="name of the mounted adapter")
    min_mean_logprob: float = Field(-1.0, le=0.0, description="mean natural log-probability a token, at least")
    max_compression_ratio: float = Field(2.4, gt=1.0, description="UTF-8 bytes over zlib bytes, at most")

    def route(self, batch: Sequence[Utterance]) -> list[Route]:
        """The base first."""
        return [Route(None, "base: confident")] * len(batch)

    def review(self, batch: Sequence[Reviewed]) -> list[Route | None]:
        """The adapter where the transcript shows a sign of failure."""
        signs = [self.signs(one.transcript) for one in batch]
        return [Route(self.adapter, f"base failed: {', '.join(found)}") if found else None for found in signs]

    def keep_second(self, first: Sequence[Reviewed], second: Sequence[Reviewed]) -> list[bool]:
        """Whether the adapter's transcript is the better one."""
        return [self._rank(b.transcript) < self._rank(a.transcript) for a, b in zip(first, second, strict=True)]

    def signs(self, transcript: Transcript) -> list[str]:
        """The signs of failure in a transcript, in words."""
        silent = "silent" in transcript.flags
        found = [flag for flag in FAILURES if flag in transcript.flags and not (silent and flag == "empty")]
        logprob = transcript.mean_logprob
        if logprob is not None and logprob < self.min_mean_logprob and not silent:
            found.append(f"mean log-probability {logprob:.2f}")
        ratio = compression_ratio(transcript.text)
        if ratio > self.max_compression_ratio:
            found.append(f"compression ratio {ratio:.1f}")
        return found

    def _rank(self, transcript: Transcript) -> tuple[int, float]:
        logprob = transcript.mean_logprob
        return len(self.signs(transcript)), -logprob if logprob is not None else float("inf")


@hookimpl
def register_routers(register):
    register(Confidence)
