"""The kit's checks of what a primitive depends on and costs: random state, draws, caches, clock, files, speed."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile
from pydantic import Field

from tests.core.kit_primitives import Broken, assert_trips


class UsesNumpyGlobal(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        return samples + np.float32(1e-9) * np.random.standard_normal(len(samples)).astype(np.float32)  # noqa: NPY002


class SeedsNumpyGlobal(Broken):
    """Broken: always the same bits, at everybody else's cost."""

    def apply(self, samples, sample_rate, context):
        np.random.seed(0)  # noqa: NPY002
        return samples


class UsesPythonGlobal(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        return samples + np.float32(1e-4) * (np.arange(len(samples)) == random.randrange(1000)).astype(np.float32)


class UsesTorchGlobal(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        import torch

        torch.rand(1)
        return samples


class DrawsUnseeded(Broken):
    """Broken: touches no global state, and yet no two calls agree."""

    def apply(self, samples, sample_rate, context):
        return samples + np.float32(1e-4) * np.random.default_rng().standard_normal(len(samples)).astype(np.float32)


class DrawsForNothing(Broken):
    """Broken: draws, but with a generator of its own as the source."""

    def apply(self, samples, sample_rate, context):
        context.rng.random()
        noise = np.random.default_rng(0).standard_normal(len(samples))
        return samples + np.float32(1e-5) * noise.astype(np.float32)


class CountsItsCalls(Broken):
    """Broken: state on the class."""

    calls: ClassVar[Counter[str]] = Counter()

    def apply(self, samples, sample_rate, context):
        self.calls["apply"] += 1
        return samples + np.float32(1e-6 * self.calls["apply"])


class DrawsByClock(Broken):
    """Broken: the plan differs from one moment to the next."""

    moment_ns: int = Field(0, description="when")

    @classmethod
    def draw(cls, parameters, context):
        return {**parameters, "moment_ns": time.perf_counter_ns()}


class DrawsIntoItsArguments(Broken):
    """Broken."""

    offset: int = Field(0, description="where from")

    @classmethod
    def draw(cls, parameters, context):
        parameters["offset"] = int(context.rng.integers(1000))
        return parameters

    def apply(self, samples, sample_rate, context):
        return samples + np.float32(1e-6 * self.offset)


class CachesByLength(Broken):
    """Broken: gives another clip's audio when the length is the same."""

    known: ClassVar[dict[int, Any]] = {}

    def apply(self, samples, sample_rate, context):
        return self.known.setdefault(len(samples), samples.copy()).copy()


class CachesByParameters(Broken):
    """Broken: its numbers alone are the key; the length is mended."""

    changes = frozenset({"level", "timing", "length"})
    depth: float = Field(0.5, ge=0.0, le=1.0, description="how deep")
    known: ClassVar[dict[float, Any]] = {}

    def apply(self, samples, sample_rate, context):
        return np.resize(self.known.setdefault(self.depth, samples + np.float32(0.01)), len(samples))


class CachesByArray(Broken):
    """Broken: an array that is filled again is taken for the one before, for as long as nobody asks for another."""

    last: ClassVar[list[Any]] = [None, None]

    def apply(self, samples, sample_rate, context):
        if self.last[0] is not samples:
            self.last[:] = samples, samples.copy()
        return self.last[1].copy()


class CachesByBeginning(Broken):
    """Broken: hashes the first samples only."""

    known: ClassVar[dict[bytes, Any]] = {}

    def apply(self, samples, sample_rate, context):
        return self.known.setdefault(samples[:4_000].tobytes() + bytes(len(samples)), samples.copy()).copy()


class DependsOnTheHour(Broken):
    """Broken."""

    changes = frozenset({"level"})

    def apply(self, samples, sample_rate, context):
        return samples * np.float32(1 + int(time.time() // 1_000) % 997 / 10_000)


class DependsOnTheYear(Broken):
    """Broken: with a clock that it imported by name."""

    changes = frozenset({"level"})

    def apply(self, samples, sample_rate, context):
        return samples * np.float32(date.today().year / 2_000)


class WritesAFile(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        (Path(tempfile.gettempdir()) / "last.npy").write_bytes(samples.tobytes())
        return samples


class WritesAtHome(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        with os.fdopen(os.open(Path.home() / "megaasr-kit-test.log", os.O_CREAT | os.O_WRONLY), "w") as file:
            file.write("applied")
        return samples


class WritesThroughALibrary(Broken):
    """Broken: the file is opened in C."""

    def apply(self, samples, sample_rate, context):
        soundfile.write(tempfile.gettempdir() + "/last.wav", samples, sample_rate)
        return samples


class HalfRealTime(Broken):
    """Broken: its processor time is counted and not spent."""

    cpu_s: ClassVar[list[float]] = [0.0]

    def apply(self, samples, sample_rate, context):
        self.cpu_s[0] += 0.51 * len(samples) / sample_rate
        return samples


BROKEN: list[tuple[type[Broken], set[str], str]] = [
    (UsesNumpyGlobal, {"global_random_state_is_unchanged"}, "numpy.random"),
    (SeedsNumpyGlobal, {"global_random_state_is_unchanged"}, "numpy.random"),
    (UsesPythonGlobal, {"global_random_state_is_unchanged"}, "random state of random;"),
    (UsesTorchGlobal, {"global_random_state_is_unchanged"}, "torch"),
    (DrawsUnseeded, {"same_key_gives_same_bits"}, "context.rng"),
    (DrawsForNothing, {"other_key_gives_other_bits"}, "16 other utterances got the same samples"),
    (CountsItsCalls, {"same_key_gives_same_bits"}, "context.rng"),
    (DrawsByClock, {"same_key_gives_same_bits"}, "draw() gives"),
    (DrawsIntoItsArguments, {"draw_leaves_its_arguments_unchanged"}, "return {**parameters"),
    (
        CachesByLength,
        {"other_clip_gives_other_bits"},
        "gives for another clip the samples that it gave for a clip before",
    ),
    (CachesByParameters, {"other_clip_gives_other_bits"}, "a cache must be keyed by all samples"),
    (CachesByArray, {"other_clip_gives_other_bits"}, "a cache must be keyed by all samples"),
    (CachesByBeginning, {"other_clip_gives_other_bits"}, "gives for a clip with another beginning the samples"),
    (DependsOnTheHour, {"clock_is_irrelevant"}, "depends on the clock: 1000 s later"),
    (DependsOnTheYear, {"clock_is_irrelevant"}, "depends on the clock: 31600001 s later"),
    (WritesAFile, {"no_file_is_written"}, "last.npy; apply() returns its result and keeps nothing"),
    (WritesAtHome, {"no_file_is_written"}, "megaasr-kit-test.log"),
    (WritesThroughALibrary, {"no_file_is_written"}, "last.wav"),
    (HalfRealTime, {"is_fast_enough"}, "takes 6.1 s of processor time for 12 s of audio; at most 0.5 s a second"),
]


@pytest.mark.parametrize(("primitive", "tripped", "says"), BROKEN, ids=[one.__name__ for one, *_ in BROKEN])
def test_broken_primitive_trips(primitive: Any, tripped: set[str], says: str, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    if primitive is HalfRealTime:
        monkeypatch.setattr("time.process_time", lambda: HalfRealTime.cpu_s[0])
    assert_trips(primitive, tripped, says)
