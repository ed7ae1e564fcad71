"""`Transcriber`: route, decode, review: for a batch, a recording, or many files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from ..base.audio import Audio, check_audio
from ..base.audio_files import AudioLimits, read_audio
from ..base.errors import BackendError, MegaasrError, ParameterError
from ..base.language import language_code
from ..base.speech_checks import check_text
from ..contracts.backend import Backend, DecodingOptions, Transcript
from ..contracts.calls import Row, calling, checked_rows, described
from ..contracts.router import Reviewed, Route, Router
from ..contracts.utterance import Utterance, utterances
from ..discovery.loading import installed_plugins
from ..discovery.plugins import Plugins
from .hearing import Hearing, Result, Transcription, hear
from .opening import default_backend, open_router

NO_SPEECH_PROB, UNSURE_LOGPROB = 0.6, -1.0
"""Above this probability of no speech and below this mean log-probability nobody speaks (Radford et al. 2022, 4.5)."""
ReadAudio = Callable[[str | Path, AudioLimits | None], Audio]


class Transcriber:
    """A backend with a router in front of it.

    Args:
        backend: with the adapters mounted that `router` sends utterances to.
        options: how to decode, for the base and every adapter; by default the backend's.
        batch_size: pieces decoded in one call of the model.
        language: ISO 639-1 code, tag or name, of utterances that have none; None: the backend chooses.

    Raises:
        ParameterError: a batch size below 1, or a language that is none.
    """

    def __init__(
        self,
        backend: Backend,
        router: Router,
        options: DecodingOptions | None = None,
        batch_size: int = 8,
        language: str | None = None,
    ) -> None:
        if batch_size < 1:
            raise ParameterError(f"batch size {batch_size} must be at least 1")
        self.backend = backend
        self.router = router
        self.options = options or backend.make_options()
        self.batch_size = batch_size
        self.language = language_code(language) if language is not None else None

    @classmethod
    def open(
        cls,
        *,
        backend: str | None = None,
        backend_settings: dict[str, object] | None = None,
        router: str | None = None,
        router_settings: dict[str, object] | None = None,
        adapter: str | Path | None = None,
        options: DecodingOptions | Mapping[str, Any] | None = None,
        batch_size: int = 8,
        language: str | None = None,
        plugins: Plugins | None = None,
    ) -> Self:
        """Put a transcriber together by names.

        Args:
            backend: by default that of the environment variable ``MEGAASR_BACKEND``, else megaasr's own.
            router: by default what the backend says, which may depend on the adapter.
            adapter: folder of a LoRA adapter; by default that of the backend, where it has one.
            options: for decoding; a mapping is read as the backend's own options.
            language: as of `Transcriber`.

        Raises:
            UnknownNameError, ParameterError, BackendError, AdapterError: in one line.
        """
        plugins = plugins or installed_plugins()
        recogniser = plugins.backends[backend or default_backend(plugins)].create(backend_settings)
        chosen = options if isinstance(options, DecodingOptions) else recogniser.make_options(options)
        with calling("backend", recogniser.name):
            policy = open_router(recogniser, plugins, router, router_settings, Path(adapter) if adapter else None)
            recogniser.load()
        return cls(recogniser, policy, chosen, batch_size, language)

    def transcribe(self, recording: Utterance | Audio | str | Path) -> Transcript:
        """Transcribe one recording of any length.

        Raises:
            AudioError: it cannot be read.
            MegaasrError: as `transcribe_batch`.
        """
        given = recording if isinstance(recording, (Utterance, Audio)) else read_audio(recording)
        hearing = self._hearing(given)
        for heard in () if hearing.error else self._hear([hearing]):
            if heard.transcript is not None:
                return heard.transcript
        raise hearing.error or MegaasrError(f"{hearing.name}: no transcript")

    def transcribe_each(self, recordings: Iterable[Utterance | Audio | MegaasrError]) -> Iterator[Transcription]:
        """Transcribe recordings of any length in full batches; results come in order.

        A recording that fails, or is given as the error why it cannot be read, is a row with an error.
        """
        return self._hear(self._hearing(recording) for recording in recordings)

    def transcribe_files(
        self, paths: Iterable[str | Path], limits: AudioLimits | None = None, read: ReadAudio = read_audio
    ) -> Iterator[Transcription]:
        """As `transcribe_each`, of files.

        Args:
            read: reads a path with limits; by default what `megaasr_core.base.audio_files` reads.
        """
        self._check_references([])

        def opened(path: str | Path) -> Hearing:
            try:
                return self._hearing(Utterance(read(path, limits), id=str(path)), str(path))
            except MegaasrError as error:
                return Hearing.failed(str(path), error)
            except Exception as error:  # of the sound itself, such as memory that does not suffice
                return Hearing.failed(str(path), MegaasrError(f"{path}: {described(error)}"))

        return self._hear(map(opened, paths))

    def _hearing(self, recording: Utterance | Audio | MegaasrError, name: str = "") -> Hearing:
        """The recording at the backend's rate, about to be heard; or why it cannot be."""
        if isinstance(recording, MegaasrError):
            return Hearing.failed(name, recording)
        info = self.backend.info
        (whole,) = utterances([recording], self.language)
        name = name or whole.name
        if info.languages is not None and whole.language is not None and whole.language not in info.languages:
            known = ", ".join(info.languages)
            reason = f"backend {self.backend.name} does not know the language {whole.language!r} (known: {known})"
            return Hearing.failed(name, BackendError(f"{whole.name}: {reason}"))
        hearing = Hearing(name, replace(whole, audio=whole.audio.resampled(info.sample_rate)), info.max_duration_s)
        if self.router.needs_reference and any(window.reference is None for _, window in hearing.windows()):
            self._check_references([whole])
            reason = f"router {self.router.name} compares with the reference as a whole, so it takes one window"
            return Hearing.failed(name, ParameterError(f"{whole.name}: {reason}; leave the recording out"))
        return hearing

    def _hear(self, hearings: Iterable[Hearing]) -> Iterator[Transcription]:
        """Each recording's result, in order; nothing is decoded again for a router that compares with a reference."""
        return hear(hearings, self.try_batch, self.batch_size, may_go_on=not self.router.needs_reference)

    def try_batch(self, batch: Sequence[Utterance | Audio]) -> list[Result]:
        """As `transcribe_batch`, but an utterance that fails is an error in its row, and the others are done.

        A batch in which something fails is done again utterance by utterance.

        Raises:
            ParameterError: a router that needs references, and there are none.
        """
        if not (rows := utterances(batch, self.language)):
            return []
        self._check_references(rows)
        try:
            return list(self.transcribe_batch(rows))
        except MegaasrError as error:
            if len(rows) > 1:
                return [result for row in rows for result in self.try_batch([row])]
            named = rows[0].name in str(error)
            return [error if named else MegaasrError(f"{rows[0].name}: {error}")]

    def transcribe_batch(self, batch: Sequence[Utterance | Audio]) -> list[Transcript]:
        """Route and decode utterances that the backend takes as they are (its rate, its longest duration).

        Raises:
            PluginError: a router or backend that raises, or returns another number or another kind of rows.
            BackendError: an utterance that the backend refuses.
            ParameterError: a router that needs references, and there are none.
        """
        if not (rows := utterances(batch, self.language)):
            return []
        self._check_references(rows)
        router = self.router
        result = self._decode(rows, _answers(router, rows, Route, router.route, rows))
        seen = [Reviewed(*row) for row in zip(rows, result, strict=True)]
        reviews: list[Route | None] = _answers(router, rows, (Route, type(None)), router.review, seen)
        again = {index: route for index, route in enumerate(reviews) if route is not None}
        if not again:
            return result
        again_rows = [rows[index] for index in again]
        second = self._decode(again_rows, list(again.values()))
        pairs = [seen[index] for index in again], [Reviewed(*row) for row in zip(again_rows, second, strict=True)]
        keep = _answers(router, again_rows, bool, router.keep_second, *pairs)
        for index, transcript, is_kept in zip(again, second, keep, strict=True):
            seconds = result[index].seconds + transcript.seconds
            route = transcript.route if is_kept else f"{transcript.route}; the first was better"
            kept = transcript if is_kept else result[index]
            no_speech = [one.no_speech_prob for one in (transcript, result[index]) if one.no_speech_prob is not None]
            kept = replace(kept, seconds=seconds, route=route, no_speech_prob=max(no_speech, default=None))
            result[index] = replace(kept, flags=_flags(rows[index].audio, kept))
        return result

    def _decode(self, batch: Sequence[Utterance], routes: Sequence[Route]) -> list[Transcript]:
        """The transcripts with their routes and flags; one call of the backend, or one for each adapter."""
        backend = self.backend
        adapters = [route.adapter for route in routes]
        calls = [None] * len(batch) if backend.info.adapters_per_row else adapters
        transcripts: dict[int, Transcript] = {}
        for call in dict.fromkeys(calls):
            group = [row for row, of_row in enumerate(calls) if of_row == call]
            rows = [batch[row] for row in group]
            arguments = rows, self.options, [adapters[row] for row in group]
            transcripts |= zip(group, _answers(backend, rows, Transcript, backend.transcribe, *arguments), strict=True)
        return [
            replace(
                transcripts[row],
                route=route.reason,
                adapter=route.adapter,
                duration_s=utterance.duration_s,
                flags=_flags(utterance.audio, transcripts[row]),
            )
            for row, (utterance, route) in enumerate(zip(batch, routes, strict=True))
        ]

    def _check_references(self, batch: Sequence[Utterance]) -> None:
        if self.router.needs_reference and (not batch or any(row.reference is None for row in batch)):
            raise ParameterError(f"router {self.router.name} needs references: use it with `megaasr eval`")


def _answers(
    unit: Backend | Router,
    rows: Sequence[Utterance],
    of: type[Row] | tuple[type[Any], ...],
    method: Callable[..., Any],
    *arguments: Any,
) -> list[Row]:
    """Call a method of a plugin for these rows and check what it returns; messages name a row that is alone."""
    with calling(unit.kind, unit.name, rows[0].name if len(rows) == 1 else ""):
        return checked_rows(unit.kind, unit.name, method(*arguments), len(rows), of)


def _flags(audio: Audio, transcript: Transcript) -> tuple[str, ...]:
    text, of_audio = transcript.text, check_audio(audio)
    of_text = check_text(text, truncated=transcript.truncated, language=transcript.language)
    invented = ["invented"] if "silent" in of_audio and text.strip() else []
    sure = transcript.mean_logprob is None or transcript.mean_logprob >= UNSURE_LOGPROB
    no_speech = [] if sure or (transcript.no_speech_prob or 0.0) <= NO_SPEECH_PROB else ["no_speech"]
    return tuple(sorted({*transcript.flags, *of_audio, *of_text, *invented, *no_speech}))
