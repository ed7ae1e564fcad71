"""`Backend`: a recogniser, and the adapters it can mount."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from ..base.audio import Audio
from .unit import Unit


class DecodingOptions(BaseModel):
    """How to decode; the same for base and adapter.

    Args:
        language: ISO 639-1 code, or None for the model's own choice.
        num_beams: 1 is greedy.
        tokens_per_second, min_tokens: a hypothesis may have at most
            ``min_tokens + tokens_per_second * duration_s`` tokens, so that a loop ends.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str | None = None
    num_beams: int = Field(1, ge=1, le=16)
    tokens_per_second: float = Field(12.0, gt=0.0, le=100.0)
    min_tokens: int = Field(16, ge=1, le=448)

    def max_tokens(self, duration_s: float) -> int:
        """The bound for an utterance of that length.

        >>> DecodingOptions().max_tokens(10.0)
        136
        """
        return self.min_tokens + int(self.tokens_per_second * duration_s)


@dataclass(frozen=True)
class Transcript:
    """What a backend heard in one utterance.

    Args:
        text: the hypothesis, as the model wrote it.
        language: ISO 639-1 code.
        mean_logprob: mean natural log-probability of the emitted tokens, end of text included; None if unknown.
        num_tokens: emitted tokens, end of text included.
        truncated: whether decoding stopped at the bound instead of the end of text.
        flags: what `speech_checks` found, and what happened to the audio, sorted.
        duration_s: of the audio.
        seconds: of decoding; a batch's time is shared equally by its rows.
        route: the router's reason.
        adapter: name of the adapter that was mounted, or None for the base.
    """

    text: str
    language: str
    mean_logprob: float | None = None
    num_tokens: int = 0
    truncated: bool = False
    flags: tuple[str, ...] = ()
    duration_s: float = 0.0
    seconds: float = 0.0
    route: str = ""
    adapter: str | None = None


@dataclass(frozen=True)
class AdapterReport:
    """What mounting an adapter did.

    Args:
        name: as routes call it.
        num_keys: tensors applied; all of the file's, since an adapter is applied whole or refused.
        num_parameters: numbers in them.
        modules: names of the adapted modules.
    """

    name: str
    num_keys: int
    num_parameters: int
    modules: tuple[str, ...] = field(repr=False)


class Backend(Unit):
    """A recogniser; the fields are its settings, the model is loaded on first use or by `load`."""

    kind: ClassVar[str] = "backend"
    sample_rate: ClassVar[int]
    """The rate in Hz at which it listens; the caller resamples."""
    max_duration_s: ClassVar[float]
    """The longest utterance it takes at once; the caller cuts longer ones."""

    @abstractmethod
    def load(self) -> None:
        """Load the model; BackendError when it cannot be had."""

    @abstractmethod
    def transcribe(
        self, batch: Sequence[Audio], options: DecodingOptions, adapters: Sequence[str | None] | None = None
    ) -> list[Transcript]:
        """Decode a batch in one call of the model.

        Args:
            batch: utterances at `sample_rate`, none longer than `max_duration_s`.
            adapters: the adapter of each row (None: the base); by default the base for all.

        Raises:
            BackendError: another rate, too long, or an option that the model has not.
            UnknownNameError: an adapter that is not mounted.
        """

    @abstractmethod
    def mount(self, name: str, folder: Path) -> AdapterReport:
        """Load an adapter beside the base, whole or not at all; the base weights stay bit for bit as they are.

        Raises:
            AdapterError: a missing, unexpected or misshapen tensor; the message counts and lists them.
        """

    def shipped_adapter(self) -> Path | None:
        """The folder of the adapter that is installed for the model as it is set, which is used where none is named."""
        return None

    @abstractmethod
    def unmount(self, name: str) -> None:
        """Forget an adapter; UnknownNameError when there is none of that name."""

    @abstractmethod
    def mounted(self) -> tuple[str, ...]:
        """Names of the mounted adapters, sorted."""
