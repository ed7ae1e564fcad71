"""whisper: transformers' Whisper, any hub id or local folder, with LoRA adapters mounted beside the base."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files as files_of
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from megaasr import (
    SAMPLE_RATE_HZ,
    AdapterReport,
    Backend,
    BackendError,
    BackendInfo,
    DecodingOptions,
    Defaults,
    RolloutScores,
    Sampling,
    Transcript,
    Utterance,
    hookimpl,
    mount_lora,
    read_lora,
    unknown_name,
    unmount_lora,
    using_lora,
)

from .whisper_loading import TINY
from .whisper_windows import (
    MAX_DURATION_S,
    Window,
    check_utterances,
    other_window,
    rows_by,
    went_astray,
    window_of,
)

if TYPE_CHECKING:
    import torch

FEATURES = frozenset({"timestamps", "token_logprobs"})


class WhisperOptions(DecodingOptions):
    """How Whisper decodes; its decoder has 448 positions.

    Of the hypotheses of a beam search the one with the fewest expected errors is taken; see `whisper_beams`. Sampling
    has no beams.
    """

    num_beams: int = Field(5, ge=1, le=16)
    min_tokens: int = Field(16, ge=1, le=448)


class Whisper(Backend):
    """Whisper (Radford et al. 2022) as transformers runs it; by default tiny.en, which installs as a package.

    A batch is one `generate` call for each adapter and window in it. Utterances over `timestamps_from_s` are decoded
    with timestamps in the window of 30 s, which keeps sentences from being passed over; shorter ones without, and
    padded to `short_window_s`: half the work, and clean transcripts stay as they are at 15 s, which they do not
    below. A transcript that loops or does not end is decoded again greedily, and then in the other window
    (`whisper_windows`): of noise, beams find the loops, which are likely word by word. The weights of an adapter lie
    beside the base's and are added on the fly, so the base weights are never written to.
    """

    name: ClassVar[str] = "whisper"
    options_type: ClassVar[type[DecodingOptions]] = WhisperOptions
    is_default: ClassVar[bool] = True

    model: str = Field(TINY, description="tiny.en (a package), a folder, or a hub id such as openai/whisper-small")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 …")
    dtype: Literal["float32", "float16", "bfloat16"] = Field("float32", description="what the weights are computed in")

    short_window_s: float = Field(
        15.0, ge=15.0, le=30.0, description="what the encoder hears of utterances that fit, in s; 30 for longer ones"
    )

    timestamps_from_s: float = Field(
        8.0,
        ge=0.0,
        le=30.0,
        description="length in s above which utterances are decoded with timestamps, in the window of 30 s",
    )

    _loaded: Any = PrivateAttr(default=None)
    _processor: Any = PrivateAttr(default=None)
    _mounted: dict[str, AdapterReport] = PrivateAttr(default_factory=dict)
    _lock: Any = PrivateAttr(default_factory=threading.RLock)

    @property
    def info(self) -> BackendInfo:
        """16 kHz, at most 30 s; the languages of a model other than tiny.en are known once it is loaded."""
        languages: tuple[str, ...] | None = ("en",) if self.model == TINY else None
        if (loaded := self._loaded) is not None:  # read once, since another thread may close the backend
            from .whisper_prompt import languages_of

            languages = languages_of(loaded.generation_config)
        return BackendInfo(SAMPLE_RATE_HZ, MAX_DURATION_S, languages, features=FEATURES)

    def load(self) -> None:
        """Load model and processor; BackendError when they cannot be had."""
        with self._lock:
            if self._loaded is None:
                from .whisper_loading import load_whisper

                self._processor, self._loaded = load_whisper(self.model, self.device, self.dtype)

    def close(self) -> None:
        """Free the model; see `Backend.close`."""
        super().close()
        with self._lock:
            on_cuda = self._loaded is not None and self._loaded.device.type == "cuda"
            self._loaded = self._processor = None
            self._mounted.clear()
            if on_cuda:
                import torch

                torch.cuda.empty_cache()

    def content_files(self) -> list[Path]:
        """The files that a model is loaded from, in its folder or in the hub's cache; see `HasContentFiles`."""
        from .whisper_folder import model_files
        from .whisper_loading import source_of

        return model_files(source_of(self.model))

    @property
    def network(self) -> torch.nn.Module:
        """The loaded WhisperForConditionalGeneration, for training and for tests."""
        self.load()
        network: torch.nn.Module = self._loaded
        return network

    def transcribe(
        self, batch: Sequence[Utterance], options: DecodingOptions, adapters: Sequence[str | None] | None = None
    ) -> list[Transcript]:
        """Decode a batch; see `Backend.transcribe`."""
        routes: list[str | None] = list(adapters) if adapters is not None else [None] * len(batch)
        short_s = self.short_window_s
        with self._lock:  # the network has one active adapter at a time, and none is mounted meanwhile
            self.load()
            self._check(batch, routes)
            own = [window_of(utterance, short_s, self.timestamps_from_s) for utterance in batch]
            others = [other_window(*pair, short_s) for pair in zip(batch, own, strict=True)]
            heard = self._decoded(batch, options, routes, own)
            for windows in (own, others) if options.num_beams > 1 else (others,):
                astray = [row for row, transcript in enumerate(heard) if went_astray(transcript)]
                again = self._decoded(
                    [batch[row] for row in astray],
                    options.model_copy(update={"num_beams": 1}),
                    [routes[row] for row in astray],
                    [windows[row] for row in astray],
                )
                for row, second in zip(astray, again, strict=True):
                    kept = heard[row] if went_astray(second) else second
                    heard[row] = replace(kept, seconds=heard[row].seconds + second.seconds)
        return heard

    def _decoded(
        self,
        batch: Sequence[Utterance],
        options: DecodingOptions,
        routes: Sequence[str | None],
        windows: Sequence[Window],
    ) -> list[Transcript]:
        """The transcripts; one call of the model for each adapter and window."""
        from .whisper_decoding import decode

        transcripts: dict[int, Transcript] = {}
        for (adapter, window), rows in rows_by(list(zip(routes, windows, strict=True))).items():
            started = time.perf_counter()
            with self.using(adapter):
                heard = self._loaded, self._processor, [batch[row] for row in rows], options
                decoded = decode(*heard, window_s=window.duration_s, timestamps=window.timestamps)
            seconds = (time.perf_counter() - started) / len(rows)
            for row, transcript in zip(rows, decoded, strict=True):
                transcripts[row] = replace(transcript, seconds=seconds, adapter=adapter)
        return [transcripts[row] for row in range(len(batch))]

    def _check(self, batch: Sequence[Utterance], routes: Sequence[str | None]) -> None:
        if len(routes) != len(batch):
            raise BackendError(f"backend whisper: {len(routes)} adapters are named for {len(batch)} utterances")
        for adapter in routes:
            if adapter is not None and adapter not in self._mounted:
                raise unknown_name("mounted adapter", adapter, self._mounted)
        check_utterances(batch)

    @contextmanager
    def using(self, adapter: str | None) -> Iterator[None]:
        """Let one adapter, or none, take part in what the network computes; see `Backend.using`."""
        with self._lock, super().using(adapter), using_lora(self.network, adapter, self._mounted):
            yield

    def mount(self, name: str, folder: Path) -> AdapterReport:
        """Load an adapter beside the base; see `Backend.mount`."""
        from .whisper_checks import check_base

        lora = read_lora(folder)
        with self._lock:
            self.load()
            check_base(lora.config.base_model_name_or_path, self.model, self._loaded, folder)
            self._mounted[name] = mount_lora(self._loaded, lora, name)
            return self._mounted[name]

    def unmount(self, name: str) -> None:
        """Forget an adapter; UnknownNameError when there is none of that name."""
        with self._lock:
            if name not in self._mounted:
                raise unknown_name("mounted adapter", name, self._mounted)
            del self._mounted[name]
            unmount_lora(self._loaded, name)

    def mounted(self) -> tuple[str, ...]:
        """Names of the mounted adapters, sorted."""
        return tuple(sorted(self._mounted))

    def defaults(self, adapter: Path | None) -> Defaults:
        """`confidence` before an adapter that was named, `second_opinion` before the one that ships with tiny.en."""
        if adapter is not None:
            return Defaults(adapter, "confidence")
        folder = Path(str(files_of("megaasr_plugins"))) / "weights" / f"whisper-{self.model}"
        if self.model == TINY and folder.is_dir():
            return Defaults(folder, "second_opinion")
        return Defaults(None, "always_base")

    def module_groups(self) -> dict[str, tuple[str, ...]]:
        """Linear modules of the groups encoder, aligner and llm; see `whisper_training`."""
        from .whisper_training import module_groups

        return module_groups(self.network)

    def collate(self, batch: Sequence[tuple[Utterance, str]]) -> dict[str, torch.Tensor]:
        """Features and labels of one training step, in one window; see `TrainableBackend.collate`."""
        from .whisper_training import collate

        self.load()
        utterances = [utterance for utterance, _ in batch]
        self._check(utterances, [None] * len(batch))
        window_s = max(window_of(utterance, self.short_window_s).duration_s for utterance in utterances)
        return collate(self._loaded, self._processor, batch, window_s)

    def hidden_and_logits(
        self, network: torch.nn.Module, batch: Mapping[str, torch.Tensor], adapter: str | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Encoder states and the targets' logits; see `TrainableBackend.hidden_and_logits`."""
        from .whisper_training import hidden_and_logits

        with self.using(adapter):
            states: tuple[torch.Tensor, torch.Tensor] = hidden_and_logits(network, dict(batch))
        return states

    def log_probabilities(
        self, batch: Sequence[tuple[Utterance, str]], adapter: str | None = None
    ) -> list[torch.Tensor]:
        """Log-probability of every target token; see `PolicyBackend.log_probabilities`."""
        from .whisper_training import log_probabilities

        with self.using(adapter):
            return log_probabilities(self.network, self.collate(batch))

    def score_rollouts(
        self,
        batch: Sequence[Utterance],
        rollouts: Sequence[Sequence[Sequence[int]]],
        *,
        temperature: float = 1.0,
        entropies: bool = False,
        adapter: str | None = None,
    ) -> list[list[RolloutScores]]:
        """Log-probabilities of given tokens; see `PolicyBackend.score_rollouts`."""
        from .whisper_training import score_rollouts

        scores: dict[int, list[RolloutScores]] = {}
        with self.using(adapter):
            self._check(batch, [adapter] * len(batch))
            windows = rows_by([window_of(utterance, self.short_window_s).duration_s for utterance in batch])
            for window_s, rows in windows.items():
                called, own = [batch[row] for row in rows], [rollouts[row] for row in rows]
                known = self._loaded, self._processor, called, own, window_s
                scores |= dict(zip(rows, score_rollouts(*known, temperature, entropies), strict=True))
        return [scores[row] for row in range(len(batch))]

    def sample(
        self,
        batch: Sequence[Utterance],
        num_rollouts: int,
        options: DecodingOptions,
        sampling: Sampling,
        *,
        seed: int,
        step: int = 0,
        adapter: str | None = None,
    ) -> list[list[Transcript]]:
        """Sampled transcripts; see `PolicyBackend.sample`. Equal ids get equal draws; `num_beams` takes no part."""
        from .whisper_decoding import decode
        from .whisper_sampling import Sampler

        options = options.model_copy(update={"num_beams": 1})
        rollouts: dict[int, list[Transcript]] = {}
        with self.using(adapter):
            self._check(batch, [adapter] * len(batch))
            windows = rows_by([window_of(utterance, self.short_window_s).duration_s for utterance in batch])
            for window_s, rows in windows.items():
                called = [batch[row] for row in rows]
                sampler = Sampler(sampling, [one.id or one.name for one in called], num_rollouts, seed, step)
                drawn = decode(self._loaded, self._processor, called, options, window_s=window_s, sampler=sampler)
                drawn = [replace(transcript, adapter=adapter) for transcript in drawn]
                for place, row in enumerate(rows):
                    rollouts[row] = drawn[place * num_rollouts : (place + 1) * num_rollouts]
        return [rollouts[row] for row in range(len(batch))]


@hookimpl
def register_backends(register):
    register(Whisper)
