"""A small fake backend, the base class of the broken ones, and the assertion that their tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from megaasr import Backend, BackendInfo, Transcript
from megaasr_core.base.errors import AdapterError, BackendError, unknown_name
from megaasr_core.contracts.backend import AdapterReport
from megaasr_core.testing import cases, failures, plugins_of

WORDS = ("ah", "eh", "oh", "uh")


class Syllables(Backend):
    """A fake recogniser: one token for each tenth of a second, chosen by its level."""

    name: ClassVar[str] = "syllables"
    sample_rate: ClassVar[int] = 16_000
    max_duration_s: ClassVar[float] = 5.0
    scale: float = Field(200.0, gt=0.0, description="levels to words")
    _adapters: dict[str, float] = PrivateAttr(default_factory=dict)

    @property
    def info(self):
        return BackendInfo(self.sample_rate, self.max_duration_s)

    def load(self):
        pass

    def transcribe(self, batch, options, adapters=None):
        return [
            self.one(clip, options, name) for clip, name in zip(batch, adapters or [None] * len(batch), strict=True)
        ]

    def one(self, clip, options, adapter):
        self.refuse(clip, adapter)
        words = self.words(clip, self.scale * (self._adapters[adapter] if adapter else 1.0))
        bound = options.max_tokens(clip.duration_s)
        return Transcript(
            " ".join(words[:bound]),
            "en",
            mean_logprob=-0.5,
            num_tokens=min(len(words), bound),
            truncated=len(words) > bound,
            duration_s=clip.duration_s,
            adapter=adapter,
        )

    def refuse(self, clip, adapter):
        if clip.sample_rate != self.sample_rate:
            raise BackendError(f"{clip.name}: {clip.sample_rate} Hz; resample to {self.sample_rate} Hz")
        if clip.duration_s > self.max_duration_s:
            raise BackendError(f"{clip.name}: longer than {self.max_duration_s:g} s; cut it")
        if adapter is not None and adapter not in self._adapters:
            raise unknown_name("adapter", adapter, self._adapters)

    def words(self, clip, scale):
        frames = [clip.samples[start : start + 1600] for start in range(0, len(clip.samples), 1600)]
        levels = [int(scale * np.sqrt(np.mean(frame**2))) for frame in frames]
        return [WORDS[level % len(WORDS)] for level in levels if level]

    def mount(self, name, folder):
        path = Path(folder) / "factor.txt"
        if not path.is_file():
            raise AdapterError(f"{folder}: no factor.txt")
        self._adapters[name] = float(path.read_text(encoding="utf-8"))
        return AdapterReport(name, 1, 1, ("scale",))

    def unmount(self, name):
        if name not in self._adapters:
            raise unknown_name("adapter", name, self._adapters)
        del self._adapters[name]

    def mounted(self):
        return tuple(sorted(self._adapters))


class Broken(Syllables):
    """Broken."""

    name: ClassVar[str] = "broken"


def assert_trips(backend: Any, tripped: set[str], says: str, adapter: Path) -> None:
    """Check that these checks and no others fail, one of them saying this, each in one line."""
    failed = failures(cases("backend:broken", plugins=plugins_of(backend), adapter=adapter))
    assert set(failed) == tripped
    assert len(failed) <= 3
    assert any(says in line for line in failed.values()), failed
    assert all(line.startswith("backend broken: ") and "\n" not in line for line in failed.values())
