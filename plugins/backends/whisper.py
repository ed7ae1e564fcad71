"""whisper: transformers' Whisper, any hub id or local folder, with LoRA adapters mounted beside the base."""

from __future__ import annotations

import re
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
    AdapterError,
    AdapterReport,
    Audio,
    Backend,
    BackendError,
    DecodingOptions,
    Transcript,
    cache_folder,
    hookimpl,
    one_line,
    unknown_name,
)

if TYPE_CHECKING:
    import torch

TINY = "tiny.en"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


class Whisper(Backend):
    """Whisper (Radford et al. 2022) as transformers runs it; by default tiny.en, which installs as a package.

    A batch is one `generate` call for each adapter and window in it. Utterances of at most `short_window_s` are padded
    to that instead of 30 s: half the work, and clean transcripts stay as they are at 15 s, which they do not below. The
    weights of an adapter lie beside the base's and are added on the fly, so the base weights are never written to.
    """

    name: ClassVar[str] = "whisper"
    sample_rate: ClassVar[int] = 16_000
    max_duration_s: ClassVar[float] = 30.0

    model: str = Field(TINY, description="tiny.en (a package), a folder, or a hub id such as openai/whisper-small")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 …")
    dtype: Literal["float32", "float16", "bfloat16"] = Field("float32", description="what the weights are computed in")

    short_window_s: float = Field(
        15.0, ge=15.0, le=30.0, description="what the encoder hears of utterances that fit, in s; 30 for longer ones"
    )

    _loaded: Any = PrivateAttr(default=None)
    _processor: Any = PrivateAttr(default=None)
    _mounted: dict[str, AdapterReport] = PrivateAttr(default_factory=dict)
    _lock: Any = PrivateAttr(default_factory=threading.RLock)

    def load(self) -> None:
        """Load model and processor; BackendError when they cannot be had."""
        if self._loaded is not None:
            return
        import torch
        from transformers import WhisperForConditionalGeneration, WhisperProcessor
        from transformers.utils import logging

        source = self._source()
        device = self.device if self.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        bar_was_on = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()  # the weights are read in a fraction of a second
        try:
            self._processor = WhisperProcessor.from_pretrained(source)
            model: Any = WhisperForConditionalGeneration.from_pretrained(
                source, dtype=getattr(torch, self.dtype), use_safetensors=True
            )
            for needed in ("is_multilingual", "no_timestamps_token_id"):
                if not hasattr(model.generation_config, needed):
                    raise ValueError(
                        f"its generation_config.json lacks {needed}; copy the one of the model it came from"
                    )
            self._loaded = model.to(device).eval()
        except (OSError, ValueError, RuntimeError, AssertionError) as error:  # torch asserts that it has CUDA
            raise BackendError(f"backend whisper: cannot load model {self.model!r}: {one_line(error)[:300]}") from error
        finally:
            if bar_was_on:
                logging.enable_progress_bar()

    def _source(self) -> str:
        if self.model != TINY:
            folder = Path(self.model)
            if folder.is_dir() and not (folder / "config.json").is_file():
                raise BackendError(f"backend whisper: {folder} holds no config.json; name a transformers model folder")
            if not folder.is_dir() and not HUB_ID.fullmatch(self.model):
                raise BackendError(
                    f"backend whisper: {self.model!r} is no folder, and no hub id such as openai/whisper-small"
                )
            return self.model
        from .tiny_model import tiny_english_folder

        return str(tiny_english_folder(cache_folder()))

    @property
    def network(self) -> torch.nn.Module:
        """The loaded WhisperForConditionalGeneration, for training and for tests."""
        self.load()
        network: torch.nn.Module = self._loaded
        return network

    def transcribe(
        self, batch: Sequence[Audio], options: DecodingOptions, adapters: Sequence[str | None] | None = None
    ) -> list[Transcript]:
        """Decode a batch; see `Backend.transcribe`."""
        from .whisper_decoding import decode

        self.load()
        routes: list[str | None] = list(adapters) if adapters is not None else [None] * len(batch)
        self._check(batch, routes)
        heard: dict[int, Transcript] = {}
        calls = [(adapter, self._window_s(audio)) for adapter, audio in zip(routes, batch, strict=True)]
        for adapter, window_s in dict.fromkeys(calls):
            rows = [index for index, one in enumerate(calls) if one == (adapter, window_s)]
            started = time.perf_counter()
            with self._lock, self._listening_through(adapter):  # the network has one active adapter at a time
                own = [batch[index] for index in rows]
                decoded = decode(self._loaded, self._processor, own, options, window_s=window_s)
            seconds = (time.perf_counter() - started) / len(rows)
            for index, one in zip(rows, decoded, strict=True):
                heard[index] = replace(one, seconds=seconds, adapter=adapter)
        return [heard[index] for index in range(len(batch))]

    def _window_s(self, audio: Audio) -> float:
        """By the utterance's own length, so that its text is the same in any batch."""
        return self.short_window_s if audio.duration_s <= self.short_window_s else self.max_duration_s

    def _check(self, batch: Sequence[Audio], routes: Sequence[str | None]) -> None:
        if len(routes) != len(batch):
            raise BackendError(f"backend whisper: {len(routes)} adapters are named for {len(batch)} utterances")
        for adapter in routes:
            if adapter is not None and adapter not in self._mounted:
                raise unknown_name("mounted adapter", adapter, self._mounted)
        for audio in batch:
            if audio.sample_rate != self.sample_rate:
                raise BackendError(
                    f"backend whisper: {audio.name} has {audio.sample_rate} Hz, "
                    f"{self.sample_rate} Hz is expected; resample it"
                )
            if audio.duration_s > self.max_duration_s:
                raise BackendError(
                    f"backend whisper: {audio.name} lasts {audio.duration_s:.1f} s, "
                    f"at most {self.max_duration_s:g} s is taken; cut it"
                )

    @contextmanager
    def _listening_through(self, adapter: str | None) -> Iterator[None]:
        """Let one adapter, or none, take part in what the network computes meanwhile."""
        if self._mounted:
            if adapter is None:
                self._loaded.disable_adapters()
            else:
                self._loaded.enable_adapters()
                self._loaded.set_adapter(adapter)
                self._loaded.eval()
        yield

    def mount(self, name: str, folder: Path) -> AdapterReport:
        """Load an adapter beside the base; see `Backend.mount`."""
        from .lora import inject
        from .lora_files import read_lora

        if name in self._mounted:
            raise AdapterError(f"adapter {name!r} is already mounted; unmount it first or choose another name")
        lora = read_lora(folder)
        self.load()
        self._mounted[name] = inject(self._loaded, lora, name)
        return self._mounted[name]

    def shipped_adapter(self) -> Path | None:
        """That of tiny.en; see `Backend.shipped_adapter`."""
        folder = Path(str(files_of("megaasr_plugins"))) / "weights" / f"whisper-{self.model}"
        return folder if self.model == TINY and folder.is_dir() else None

    def unmount(self, name: str) -> None:
        """Forget an adapter; UnknownNameError when there is none of that name."""
        if name not in self._mounted:
            raise unknown_name("mounted adapter", name, self._mounted)
        from .lora import remove

        del self._mounted[name]
        remove(self._loaded, name)

    def mounted(self) -> tuple[str, ...]:
        """Names of the mounted adapters, sorted."""
        return tuple(sorted(self._mounted))

    def module_groups(self) -> dict[str, tuple[str, ...]]:
        """Linear modules of the groups encoder, aligner and llm; see `whisper_training`."""
        from .whisper_training import module_groups

        return module_groups(self.network)

    def collate(self, batch: Sequence[tuple[Audio, str]]) -> dict[str, torch.Tensor]:
        """Features and labels of one training step, in one window; see `TrainableBackend.collate`."""
        from .whisper_training import collate

        self.load()
        self._check([audio for audio, _ in batch], [None] * len(batch))
        window_s = max(self._window_s(audio) for audio, _ in batch)
        return collate(self._loaded, self._processor, batch, window_s)

    def hidden_and_logits(
        self, network: torch.nn.Module, batch: Mapping[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Encoder states and the targets' logits; see `TrainableBackend.hidden_and_logits`."""
        from .whisper_training import hidden_and_logits

        found: tuple[torch.Tensor, torch.Tensor] = hidden_and_logits(network, dict(batch))
        return found

    def log_probabilities(self, batch: Sequence[tuple[Audio, str]]) -> list[torch.Tensor]:
        """Log-probability of every target token; see `TrainableBackend.log_probabilities`."""
        from .whisper_training import log_probabilities

        return log_probabilities(self.network, self.collate(batch))

    def sample(
        self, batch: Sequence[Audio], num_rollouts: int, options: DecodingOptions, sampling: Mapping[str, float]
    ) -> list[list[Transcript]]:
        """Sampled transcripts; see `TrainableBackend.sample`."""
        from .whisper_training import sample

        self.load()
        self._check(batch, [None] * len(batch))
        window_s = max(self._window_s(audio) for audio in batch)
        return sample(self._loaded, self._processor, batch, num_rollouts, options, window_s, sampling)


@hookimpl
def register_backends(register):
    register(Whisper)
