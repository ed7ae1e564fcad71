"""`Transcriber`: route, decode, look again, and say what happened — for a batch, a recording, or many files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TypeVar

from ..base.audio import Audio
from ..base.audio_checks import check_audio
from ..base.audio_files import AudioLimits, read_audio
from ..base.errors import MegaasrError, ParameterError, PluginError
from ..base.speech_checks import check_text
from ..contracts.backend import Backend, DecodingOptions, Transcript
from ..contracts.router import Reviewed, Route, Router
from ..discovery.loading import installed_plugins
from ..discovery.plugins import Plugins
from .long_recordings import cut, join

Row = TypeVar("Row")


@dataclass(frozen=True)
class Transcription:
    """What became of one recording.

    Args:
        name: the path, or the audio's name.
        transcript: of the whole; None when it could not be read.
        segments: the pieces of a long recording with their transcripts, in order.
        error: why there is no transcript; empty where there is one.
    """

    name: str
    transcript: Transcript | None
    segments: tuple[Transcript, ...] = ()
    error: str = ""


class Transcriber:
    """A backend with a router in front of it.

    Args:
        backend: with its adapters mounted.
        router: decides row by row between the base and an adapter.
        options: how to decode; the same for the base and every adapter.
        batch_size: pieces decoded in one call of the model.

    Raises:
        ParameterError: a batch size below 1.
    """

    def __init__(
        self, backend: Backend, router: Router, options: DecodingOptions | None = None, batch_size: int = 8
    ) -> None:
        if batch_size < 1:
            raise ParameterError(f"batch size {batch_size} must be at least 1")
        self.backend = backend
        self.router = router
        self.options = options or DecodingOptions()
        self.batch_size = batch_size

    @classmethod
    def open(
        cls,
        *,
        backend: str = "whisper",
        backend_settings: dict[str, object] | None = None,
        router: str | None = None,
        router_settings: dict[str, object] | None = None,
        adapter: str | Path | None = None,
        options: DecodingOptions | None = None,
        batch_size: int = 8,
        plugins: Plugins | None = None,
    ) -> Self:
        """Put a transcriber together by names.

        Args:
            adapter: folder of a LoRA adapter; none: the one that ships for the backend's model, where there is one.
            router: by default ``confidence`` for an adapter that was named, ``second_opinion`` for one that ships,
                and ``always_base`` where there is none.

        Raises:
            UnknownNameError, ParameterError, BackendError, AdapterError: in one line.
        """
        plugins = plugins or installed_plugins()
        listener = plugins.backends[backend].create(backend_settings)
        shipped = listener.shipped_adapter()
        usual = "confidence" if adapter else "second_opinion" if shipped else "always_base"
        policy = plugins.routers[router or usual].create(router_settings)
        wanted = getattr(policy, "adapter", "robust" if adapter else None)
        if wanted is not None and (folder := adapter or shipped):
            listener.mount(wanted, Path(folder))
        elif wanted is not None:
            raise ParameterError(f"router {policy.name} sends utterances to an adapter: give --adapter FOLDER")
        listener.load()
        return cls(listener, policy, options, batch_size)

    def transcribe(self, recording: Audio | str | Path) -> Transcript:
        """Transcribe one recording of any length; AudioError when it cannot be read."""
        audio = recording if isinstance(recording, Audio) else read_audio(recording)
        pieces = cut(audio.resampled(self.backend.sample_rate), self.backend.max_duration_s)
        heard: list[Transcript] = []
        for start in range(0, len(pieces), self.batch_size):
            heard += self.transcribe_batch(pieces[start : start + self.batch_size])
        return join(heard)

    def transcribe_files(
        self, paths: Iterable[str | Path], limits: AudioLimits | None = None
    ) -> Iterator[Transcription]:
        """Transcribe many files in full batches; results come in order, an unreadable file is a row with an error."""
        waiting: list[tuple[str, int | str]] = []  # (name, number of pieces or error)
        pieces: list[Audio] = []
        heard: list[Transcript] = []
        for path in paths:
            try:
                audio = read_audio(path, limits).resampled(self.backend.sample_rate)
                own = cut(audio, self.backend.max_duration_s)
                pieces += own
                waiting.append((str(path), len(own)))
            except MegaasrError as error:
                waiting.append((str(path), str(error)))
            while len(pieces) >= self.batch_size:
                heard += self.transcribe_batch(pieces[: self.batch_size])
                del pieces[: self.batch_size]
            yield from _take_finished(waiting, heard)
        while pieces:
            heard += self.transcribe_batch(pieces[: self.batch_size])
            del pieces[: self.batch_size]
        yield from _take_finished(waiting, heard)

    def transcribe_batch(
        self, batch: Sequence[Audio], references: Sequence[str | None] | None = None
    ) -> list[Transcript]:
        """Route and decode utterances that the backend takes as they are (its rate, its longest duration).

        Args:
            references: what was said, for routers that only evaluation can serve.

        Raises:
            PluginError: a router or backend that returns another number of rows.
            ParameterError: a router that needs references, and there are none.
        """
        if not batch:
            return []
        known = list(references) if references is not None else [None] * len(batch)
        if self.router.needs_reference and any(reference is None for reference in known):
            raise ParameterError(f"router {self.router.name} needs references: use it with `megaasr eval`")
        routes = self._counted(self.router.route(batch), len(batch), "routes")
        first = self._decode(batch, routes)
        seen = [Reviewed(*row) for row in zip(batch, first, known, strict=True)]
        again = self._counted(self.router.review(seen), len(batch), "reviews")
        picked = [index for index, route in enumerate(again) if route is not None]
        if not picked:
            return first
        second = self._decode([batch[index] for index in picked], [route for route in again if route is not None])
        seen_again = [Reviewed(batch[i], t, known[i]) for i, t in zip(picked, second, strict=True)]
        keep = self._counted(self.router.keep_second([seen[i] for i in picked], seen_again), len(picked), "choices")
        result = list(first)
        for index, transcript, kept in zip(picked, second, keep, strict=True):
            seconds = first[index].seconds + transcript.seconds
            if kept:
                result[index] = replace(transcript, seconds=seconds)
            else:
                result[index] = replace(
                    first[index], seconds=seconds, route=f"{transcript.route}; the first was better"
                )
        return result

    def _decode(self, batch: Sequence[Audio], routes: Sequence[Route]) -> list[Transcript]:
        heard = self.backend.transcribe(batch, self.options, [route.adapter for route in routes])
        heard = self._counted(heard, len(batch), "transcripts")
        return [
            replace(
                transcript,
                route=route.reason,
                adapter=route.adapter,
                duration_s=audio.duration_s,
                flags=_flags(audio, transcript),
            )
            for audio, transcript, route in zip(batch, heard, routes, strict=True)
        ]

    def _counted(self, rows: list[Row], expected: int, what: str) -> list[Row]:
        if len(rows) != expected:
            raise PluginError(
                f"{len(rows)} {what} for {expected} utterances from {self.router.name}/{self.backend.name}"
            )
        return rows


def _flags(audio: Audio, transcript: Transcript) -> tuple[str, ...]:
    of_audio = check_audio(audio)
    flags = {
        *transcript.flags,
        *of_audio,
        *check_text(transcript.text, truncated=transcript.truncated, language=transcript.language),
    }
    if "silent" in of_audio and transcript.text.strip():
        flags.add("invented")
    return tuple(sorted(flags))


def _take_finished(waiting: list[tuple[str, int | str]], heard: list[Transcript]) -> Iterator[Transcription]:
    """Yield, and remove, the recordings at the head whose pieces have all been decoded."""
    while waiting:
        name, pieces = waiting[0]
        if isinstance(pieces, str):
            yield Transcription(name, None, error=pieces)
        elif len(heard) >= pieces:
            own = tuple(heard[:pieces])
            del heard[:pieces]
            yield Transcription(name, join(own), own)
        else:
            return
        del waiting[0]
