"""`Backend`: a recogniser, and the adapters it can mount."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from ..base.errors import unknown_name
from ..base.validation import build
from .unit import Unit
from .utterance import Utterance


class DecodingOptions(BaseModel):
    """How to decode; the same for base and adapter. A backend may take options of its own, in a subclass.

    Args:
        num_beams: 1 is greedy.
        tokens_per_second, min_tokens: of the bound `max_tokens`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_beams: int = Field(1, ge=1, le=16)
    tokens_per_second: float = Field(12.0, gt=0.0, le=100.0)
    min_tokens: int = Field(16, ge=1)

    def max_tokens(self, duration_s: float) -> int:
        """The most tokens that a hypothesis of that length may have, so that a loop ends.

        >>> DecodingOptions().max_tokens(10.0)
        136
        """
        return self.min_tokens + int(self.tokens_per_second * duration_s)


@dataclass(frozen=True)
class Segment:
    """A part of a transcript with its time: start and end in seconds from the beginning of the audio."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class Transcript:
    """The hypothesis for one utterance.

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
        token_ids: the emitted tokens, end of text included; empty if unknown.
        token_logprobs: natural log-probability of each of them; empty if unknown. Of a decoding, under the model as it
            is; of a sample, under the distribution that it was drawn from.
        segments: parts of the text with their times, in order; empty if the times are not known.
        no_speech_prob: probability that nobody speaks, under the model; None if unknown.
        continue_at_s: time behind which the text is not complete, so that a caller may hear the rest again from there
            and keep the segments before; None: all was heard.
        withheld: text that is not in `text`, since there is no speech in what it was made of.
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
    token_ids: tuple[int, ...] = field(default=(), repr=False)
    token_logprobs: tuple[float, ...] = field(default=(), repr=False)
    segments: tuple[Segment, ...] = ()
    no_speech_prob: float | None = None
    continue_at_s: float | None = field(default=None, repr=False)
    withheld: str = ""

    def __post_init__(self) -> None:
        for name, expected in (("text", str), ("language", str), ("num_tokens", int), ("flags", tuple)):
            if not isinstance(getattr(self, name), expected):
                raise TypeError(f"Transcript: {name} = {getattr(self, name)!r}; a {expected.__name__} is expected")
        if not all(map(math.isfinite, (self.mean_logprob or 0.0, *self.token_logprobs))):
            raise ValueError(f"Transcript: mean_logprob = {self.mean_logprob!r} or a token's is no finite number")

    def as_row(self) -> dict[str, Any]:
        """The fields for a row of JSON: all but tokens and segments."""
        omitted = ("token_ids", "token_logprobs", "segments", "continue_at_s")
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in omitted}


@dataclass(frozen=True)
class AdapterReport:
    """What mounting an adapter did: tensors applied (all of the file's), numbers in them, names of adapted modules."""

    name: str
    num_keys: int
    num_parameters: int
    modules: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class BackendInfo:
    """What callers must know of a backend as it is set.

    Args:
        sample_rate: the rate in Hz that it takes; the caller resamples.
        max_duration_s: the longest utterance that it takes; the caller cuts longer ones. None: any length.
        languages: ISO 639-1 codes that it can decode; None: not known before `load`, or any.
        adapters_per_row: whether rows of one batch may have different adapters; else the caller makes a call for each.
        features: of optional abilities, such as ``token_logprobs``, ``timestamps``, ``context``.
    """

    sample_rate: int
    max_duration_s: float | None = None
    languages: tuple[str, ...] | None = None
    adapters_per_row: bool = True
    features: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Defaults:
    """What a backend uses where the user names nothing.

    Args:
        adapter: folder of the adapter to mount, or None.
        router, router_settings: name and settings of the router; None: the base decodes everything.
    """

    adapter: Path | None = None
    router: str | None = None
    router_settings: Mapping[str, Any] = field(default_factory=dict)


class Backend(Unit):
    """A recogniser; the fields are its settings, the model is loaded on first use or by `load`."""

    kind: ClassVar[str] = "backend"
    options_type: ClassVar[type[DecodingOptions]] = DecodingOptions
    """The options that it takes; ``--decode NAME=VALUE`` sets their fields."""
    is_default: ClassVar[bool] = False
    """True of the backend that megaasr's own distribution uses where none is named."""

    _executor: ThreadPoolExecutor | None = PrivateAttr(default=None)
    _executor_lock: Any = PrivateAttr(default_factory=Lock)

    @property
    @abstractmethod
    def info(self) -> BackendInfo:
        """Sample rate, longest utterance, languages and abilities; does not load the model."""

    @abstractmethod
    def load(self) -> None:
        """Load the model; BackendError when it cannot be had."""

    def close(self) -> None:
        """Free the model and wait for what was submitted; a later call loads the model again, without adapters."""
        with self._executor_lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown()

    @abstractmethod
    def transcribe(
        self, batch: Sequence[Utterance], options: DecodingOptions, adapters: Sequence[str | None] | None = None
    ) -> list[Transcript]:
        """Decode a batch in one call of the model.

        Args:
            batch: utterances at ``info.sample_rate``, none longer than ``info.max_duration_s``.
            options: of `options_type`.
            adapters: the adapter of each row (None: the base); by default the base for all.

        Raises:
            BackendError: another rate, too long, or a language or an option that the model has not.
            UnknownNameError: an adapter that is not mounted.
        """

    def submit(
        self, utterance: Utterance, options: DecodingOptions | None = None, adapter: str | None = None
    ) -> Future[Transcript]:
        """Decode one utterance in the background; may be called from any thread, without a barrier between calls.

        Here one worker thread decodes one utterance after the other; a backend that batches by itself overrides this.
        """
        with self._executor_lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, f"megaasr-{self.name}")
            chosen = options or self.options_type()
            return self._executor.submit(lambda: self.transcribe([utterance], chosen, [adapter])[0])

    @abstractmethod
    def mount(self, name: str, folder: Path) -> AdapterReport:
        """Load an adapter beside the base, whole or not at all; the base weights stay bit for bit as they are.

        Atomic against decoding: a call from another thread waits until what is being decoded is done.

        Raises:
            AdapterError: a missing, unexpected or misshapen tensor; the message counts and lists them.
        """

    @abstractmethod
    def unmount(self, name: str) -> None:
        """Forget an adapter; UnknownNameError when there is none of that name."""

    @abstractmethod
    def mounted(self) -> tuple[str, ...]:
        """Names of the mounted adapters, sorted."""

    @contextmanager
    def using(self, adapter: str | None) -> Iterator[None]:
        """Let one mounted adapter, or none, take part in what the model computes in this block; then restore the state.

        A backend whose model has no such state does nothing here.

        Raises:
            UnknownNameError: an adapter that is not mounted.
        """
        if adapter is not None and adapter not in self.mounted():
            raise unknown_name("mounted adapter", adapter, self.mounted())
        yield

    def defaults(self, adapter: Path | None) -> Defaults:
        """What to use where the user names no router, with the folder of the adapter that the user named, or None."""
        return Defaults(adapter)

    @classmethod
    def make_options(cls, settings: Mapping[str, Any] | None = None) -> DecodingOptions:
        """Build the backend's options; ParameterError names the nearest option or the bound."""
        owner = f"backend {cls.name}"
        return build(cls.options_type, owner, f"decoding option of {owner}:", dict(settings or {}))
