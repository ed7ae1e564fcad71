"""second_opinion: audio_quality first; where the transcript is unsure, the other system too, and the better of both."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files as files_of
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from megaasr import Reviewed, Route, Transcript, compression_ratio, hookimpl, loop_tokens

from .audio_quality import AudioQuality

if TYPE_CHECKING:
    from .expected_errors import ExpectedErrors

ASTRAY = frozenset({"repetitive", "truncated"})
"""Flags of a transcript that does not end by itself, or says one thing over and over."""


class SecondOpinion(AudioQuality):
    """Route by the sound; decode again with the other system where the transcript is unsure, and keep the better one.

    In this order: a transcript that is repetitive or does not end loses against one that is not, and of two such the
    one with fewer words is kept; an empty one loses against one with words; else that with fewer expected errors is
    kept, by a logistic regression on both transcripts (`megaasr_routers.expected_errors`). A clip costs a second
    decoding where the first transcript is unsure.
    """

    name: ClassVar[str] = "second_opinion"

    sure_logprob: float | None = Field(
        None,
        le=0.0,
        description="mean natural log-probability a token from which on the first transcript is kept; none: as in the "
        "file of `opinion`",
    )
    opinion: Path | None = Field(
        None,
        description="file of the regression's weights, and of threshold and sure_logprob as chosen with them; "
        "none: the packaged one",
    )
    max_compression_ratio: float = Field(
        2.4, gt=1.0, description="UTF-8 bytes over zlib bytes; above it a transcript went astray"
    )

    _expected: Any = PrivateAttr(default=None)

    def load_opinion(self) -> ExpectedErrors:
        """The weights of the regression, read once; AdapterError when the file is missing or damaged."""
        from .expected_errors import read_expected_errors

        with self._lock:
            if self._expected is None:
                self._expected = read_expected_errors(self.opinion or _packaged_opinion())
        loaded: ExpectedErrors = self._expected
        return loaded

    def content_files(self) -> tuple[Path, ...]:
        """The router file and the weights of the regression; see `HasContentFiles`."""
        return (*super().content_files(), self.opinion or _packaged_opinion())

    def adapter_from(self) -> float:
        """p(degraded) from which on the adapter listens first: the setting, that of `opinion`, or the router file's."""
        chosen = self.load_opinion().threshold if self.threshold is None else self.threshold
        return super().adapter_from() if chosen is None else chosen

    def sure_from(self) -> float:
        """Mean log-probability from which on the first transcript is kept: the setting, else that of `opinion`."""
        return self.load_opinion().sure_logprob if self.sure_logprob is None else self.sure_logprob

    def review(self, batch: Sequence[Reviewed]) -> list[Route | None]:
        """The other system where the transcript is empty, went astray or is unsure; silence is left empty."""
        return [self._again(one.transcript) for one in batch]

    def keep_second(self, first: Sequence[Reviewed], second: Sequence[Reviewed]) -> list[bool]:
        """Whether the second transcript is the better one; equal ones leave the first."""
        return [self._second_is_better(*pair) for pair in zip(first, second, strict=True)]

    def _again(self, heard: Transcript) -> Route | None:
        if "silent" in heard.flags:
            return None
        logprob = heard.mean_logprob
        if self._went_astray(heard):
            sign = "astray"
        elif not heard.text.strip():
            sign = "empty"
        elif logprob is not None and logprob < self.sure_from():
            sign = f"unsure: mean log-probability {logprob:.2f}"
        else:
            return None
        return Route(self.adapter if heard.adapter is None else None, f"second opinion, the first was {sign}")

    def _second_is_better(self, first: Reviewed, second: Reviewed) -> bool:
        heard = first.transcript, second.transcript
        words = [loop_tokens(one.text, one.language) for one in heard]
        if words[0] == words[1]:
            return False
        astray = [self._went_astray(one) for one in heard]
        if astray[0] != astray[1]:
            return astray[0]
        if all(astray):
            return len(words[1]) < len(words[0])
        if not (words[0] and words[1]):
            return bool(words[1])
        adapter, base = heard if heard[0].adapter is not None else heard[::-1]
        is_better = self.load_opinion().p_adapter(adapter, base, first.utterance.duration_s) >= 0.5
        return is_better == (heard[1].adapter is not None)

    def _went_astray(self, heard: Transcript) -> bool:
        return bool(ASTRAY.intersection(heard.flags)) or compression_ratio(heard.text) > self.max_compression_ratio


def _packaged_opinion() -> Path:
    return Path(str(files_of("megaasr_routers"))) / "weights" / "second_opinion.json"


@hookimpl
def register_routers(register):
    register(SecondOpinion)
