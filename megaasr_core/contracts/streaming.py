"""`StreamingBackend`: a backend that decodes while the sound arrives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..base.audio import Samples
from .backend import DecodingOptions, Transcript


@dataclass(frozen=True)
class StreamUpdate:
    """The hypothesis so far.

    Args:
        committed: text that will not change any more; each update's begins with that of the update before.
        pending: text behind it, which may still change.
    """

    committed: str
    pending: str = ""


@runtime_checkable
class Stream(Protocol):
    """One utterance that arrives in chunks; used by one thread at a time."""

    def feed(self, samples: Samples) -> StreamUpdate:
        """Take the next samples, shape (num_samples,), float32, at the backend's rate; any length, zero too.

        Raises:
            BackendError: after `finish`.
        """

    def finish(self) -> Transcript:
        """End the utterance; the transcript of the whole, whose text begins with what was committed."""


@runtime_checkable
class StreamingBackend(Protocol):
    """Structural contract; a backend that has this method can decode live audio."""

    def open_stream(
        self, language: str | None = None, options: DecodingOptions | None = None, adapter: str | None = None
    ) -> Stream:
        """Begin an utterance; several streams may be open at once.

        Args:
            language: ISO 639-1 code; None: the backend chooses.
            options: of the backend's `options_type`.
            adapter: a mounted adapter; None: the base.
        """
