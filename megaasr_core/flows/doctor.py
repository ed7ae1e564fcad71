"""The examination behind `megaasr doctor`: plugins, kernels, and the default recogniser, each tried for real."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..base.audio import SAMPLE_RATE_HZ, Audio
from ..base.errors import one_line
from ..base.hardware import hardware
from ..base.seeding import SampleKey
from ..base.sound_bank import SoundBank
from ..contracts.plugins import Plugins
from ..contracts.scenario import Scenario
from .plan import plan
from .render import render
from .transcriber import Transcriber


@dataclass(frozen=True)
class Finding:
    """One thing that was tried.

    Args:
        what: in a few words.
        ok: whether it works.
        detail: what was found.
        seconds: that it took.
    """

    what: str
    ok: bool
    detail: str
    seconds: float


def examine(plugins: Plugins) -> Iterator[Finding]:
    """Try everything once; compiling the kernels is done by rendering one second through every degradation."""
    yield _tried("machine", lambda: ", ".join(f"{name} {value}" for name, value in hardware().items()))
    yield Finding("plugins", not plugins.failures, _plugins(plugins), 0.0)
    for name in plugins.degradations:
        yield _tried(f"degradation {name}", lambda name=name: _render_once(name, plugins))  # type: ignore[misc]
    yield _tried("default recogniser", lambda: _listen_once(plugins))


def _plugins(plugins: Plugins) -> str:
    if plugins.failures:
        return "; ".join(f"{row.owner}: {row.error}" for row in plugins.failures)
    return ", ".join(f"{len(registry)} {registry.kind}s" for registry in plugins.registries)


def _tried(what: str, attempt: Callable[[], str]) -> Finding:
    started = time.perf_counter()
    try:
        detail, ok = attempt(), True
    except Exception as error:  # the point of a doctor is to report whatever it is
        detail, ok = f"{type(error).__name__}: {one_line(error)}", False
    return Finding(what, ok, detail, time.perf_counter() - started)


def _one_second() -> Audio:
    samples = SampleKey(0, "doctor").rng().standard_normal(SAMPLE_RATE_HZ, dtype=np.float32)
    return Audio(0.1 * samples, SAMPLE_RATE_HZ, "one second of noise")


def _render_once(name: str, plugins: Plugins) -> str:
    import tempfile
    from pathlib import Path

    from ..base.audio_files import write_audio

    audio = _one_second()
    with tempfile.TemporaryDirectory() as folder:
        write_audio(Path(folder) / "noise.wav", audio)
        banks = dict.fromkeys(("noise", "rir"), SoundBank.open(folder))
        recipe = plan(
            Scenario(name, (name,)),
            SampleKey(0, "doctor"),
            plugins,
            num_samples=len(audio.samples),
            sample_rate=audio.sample_rate,
            severity=0.5,
            banks=banks,
        )
        rendered = render(audio, recipe, plugins, banks)
    return f"{len(recipe.steps)} primitives, peak {rendered.peak:.2f}"


def _listen_once(plugins: Plugins) -> str:
    heard = Transcriber.open(plugins=plugins).transcribe(_one_second())
    return f"one second of noise gives {heard.text.strip()!r}"
