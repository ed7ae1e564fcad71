"""audio_quality: a small trained network hears whether a clip is degraded; the adapter listens to those that are."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib.resources import files as files_of
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from megaasr import Audio, ParameterError, Route, Router, Utterance, hookimpl

if TYPE_CHECKING:
    from .files import TrainedRouter


class AudioQuality(Router):
    """Estimate p(degraded) from the sound alone, and send what is probably degraded to the adapter (Mega-ASR, 3.3).

    The network is read when the first clip comes. It hears the first 30 s of a clip.
    """

    name: ClassVar[str] = "audio_quality"

    adapter: str = Field("robust", min_length=1, description="name of the mounted adapter")
    weights: Path | None = Field(
        None, description="router file, or the folder that holds it (ours or the reference's); none: the packaged one"
    )
    threshold: float | None = Field(
        None,
        ge=0.0,
        le=1.0,
        description="p(degraded) from which on the adapter listens; none: as in the file, else 0.5",
    )

    _loaded: Any = PrivateAttr(default=None)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    def load(self) -> TrainedRouter:
        """The network with its temperature and threshold, read once.

        Raises:
            ParameterError: no file was named and none is packaged.
            AdapterError: the file is missing or damaged, or holds another network.
        """
        from .files import read_router

        with self._lock:
            if self._loaded is None:
                self._loaded = read_router(self.weights or _packaged())
        loaded: TrainedRouter = self._loaded
        return loaded

    def content_files(self) -> tuple[Path, ...]:
        """The router file; see `HasContentFiles`. Errors as `load`."""
        from .files import find_weights

        return (find_weights(self.weights or _packaged()),)

    def adapter_from(self) -> float:
        """p(degraded) from which on the adapter listens: the setting, else that of the file."""
        return self.load().threshold if self.threshold is None else self.threshold

    def probabilities(self, batch: Sequence[Audio]) -> list[float]:
        """p(degraded), 0 to 1, of each clip."""
        from .inference import logits_of, probabilities

        if not batch:
            return []
        router = self.load()
        return [float(one) for one in probabilities(logits_of(router, batch), router.temperature)]

    def route(self, batch: Sequence[Utterance]) -> list[Route]:
        """The adapter where p(degraded) reaches the threshold, else the base."""
        if not batch:
            return []
        threshold = self.adapter_from()
        return [self._route(chance, threshold) for chance in self.probabilities([one.audio for one in batch])]

    def _route(self, chance: float, threshold: float) -> Route:
        degraded = chance >= threshold
        word = "degraded" if degraded else "clean"
        return Route(self.adapter if degraded else None, f"{word}: p(degraded) {chance:.2f}", chance)


def _packaged() -> Path:
    path = Path(str(files_of("megaasr_routers"))) / "weights" / "audio_quality.safetensors"
    if not path.is_file():
        raise ParameterError(
            "router audio_quality: no weights are packaged with this version; "
            "give weights=FILE, made by `megaasr train router` or published by the reference"
        )
    return path


@hookimpl
def register_routers(register):
    register(AudioQuality)
