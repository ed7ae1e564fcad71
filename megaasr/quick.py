"""The short way: `megaasr.transcribe` and `megaasr.degrade`, with the installed plugins."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from megaasr_core.base.audio import SAMPLE_RATE_HZ, Audio
from megaasr_core.base.audio_files import read_audio
from megaasr_core.base.errors import AudioError, ParameterError
from megaasr_core.base.seeding import SampleKey
from megaasr_core.base.sound_bank import SoundBank
from megaasr_core.contracts.backend import Transcript
from megaasr_core.contracts.utterance import Utterance
from megaasr_core.discovery.loading import installed_plugins

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from megaasr_core.flows.transcriber import Transcriber


@dataclass
class _Opened:
    """A transcriber, and the lock of those who wait for it."""

    lock: Lock = field(default_factory=Lock)
    transcriber: Transcriber | None = None


_opened: dict[tuple[str | None, str | None, str | None], _Opened] = {}
_opened_lock = Lock()


def transcribe(
    recording: str | Path | Audio | Utterance,
    *,
    backend: str | None = None,
    router: str | None = None,
    adapter: str | Path | None = None,
    language: str | None = None,
) -> Transcript:
    """Transcribe a recording of any length; its words are the transcript's ``text``.

    The models are loaded by the first call and kept for calls with the same backend, router and adapter. May be called
    from several threads; calls that share a model wait for each other.

    Args:
        recording: a path, or audio at any rate.
        backend: name of the recogniser; by default that of ``MEGAASR_BACKEND``, else the one that comes with megaasr.
        router: name of the router; by default what the backend says.
        adapter: folder of a LoRA adapter; by default that of the backend, where it has one.
        language: ISO 639-1 code; by default the utterance's own, else the model's own choice.

    Raises:
        AudioError: the recording cannot be read.
        UnknownNameError, ParameterError, BackendError, AdapterError: the transcriber cannot be put together.
    """
    from megaasr_core.base.language import language_code
    from megaasr_core.flows.opening import BACKEND_VARIABLE
    from megaasr_core.flows.transcriber import Transcriber

    if isinstance(recording, Utterance):
        utterance = recording
    else:
        utterance = Utterance(recording if isinstance(recording, Audio) else read_audio(recording))
    if language is not None:
        utterance = replace(utterance, language=language_code(language))
    backend = backend or os.environ.get(BACKEND_VARIABLE)
    key = (backend, router, str(adapter) if adapter is not None else None)
    with _opened_lock:
        opened = _opened.setdefault(key, _Opened())
    with opened.lock:
        if opened.transcriber is None:
            opened.transcriber = Transcriber.open(backend=backend, router=router, adapter=adapter)
        return opened.transcriber.transcribe(utterance)


def degrade(
    recording: str | Path | Audio | npt.NDArray[np.floating[Any]],
    scenario: str | Path,
    *,
    severity: float | None = None,
    seed: int = 0,
    utterance: str | None = None,
    sample_rate: int | None = None,
    noise: str | Path | SoundBank | None = None,
    rir: str | Path | SoundBank | None = None,
    banks: Mapping[str, str | Path | SoundBank] | None = None,
) -> Audio:
    """Degrade a recording by a scenario; equal arguments give equal bits, those of ``megaasr degrade``.

    For the recipe and the flags of a sample, use `plan` and `render`.

    Args:
        recording: a path, audio, or mono samples of shape (num_samples,), floating point, full scale at ±1.
        scenario: a name, effects joined by ``+`` such as ``far_field+noise``, or the path of a YAML file.
        severity: 0 (easy) to 1 (hard); drawn from the seed if not given.
        seed: another seed draws another degradation.
        utterance: key of the draws beside the seed; the stem of the recording's name, or ``samples``, if not given.
        sample_rate: of samples, in Hz; 16000 if not given. Files and audio have their own.
        noise, rir: folder, manifest or bank of noise recordings and of room impulse responses.
        banks: further banks, by the names that primitives know them by.

    Raises:
        AudioError: the recording cannot be read, or samples of another shape or type.
        ParameterError: a severity out of bounds, or a sample rate beside a recording that has its own.
        UnknownNameError, ScenarioError, RecipeError: no such scenario, or a bank that it needs is not given.
    """
    from megaasr.library.scenarios import open_scenario
    from megaasr_core.flows.plan import plan
    from megaasr_core.flows.render import render

    audio = _audio(recording, sample_rate)
    given = {**(banks or {}), **{name: bank for name, bank in (("noise", noise), ("rir", rir)) if bank is not None}}
    opened = {name: bank if isinstance(bank, SoundBank) else SoundBank.open(Path(bank)) for name, bank in given.items()}
    plugins = installed_plugins()
    recipe = plan(
        open_scenario(str(scenario), plugins),
        SampleKey(seed, utterance or Path(audio.name).stem),
        plugins,
        num_samples=len(audio.samples),
        sample_rate=audio.sample_rate,
        severity=severity,
        banks=opened,
    )
    return render(audio, recipe, plugins, opened).audio


def _audio(recording: str | Path | Audio | npt.NDArray[np.floating[Any]], sample_rate: int | None) -> Audio:
    import numpy as np

    if isinstance(recording, np.ndarray):
        if not np.issubdtype(recording.dtype, np.floating):
            raise AudioError(f"samples: floating point, full scale at ±1, is expected, not {recording.dtype}")
        rate = SAMPLE_RATE_HZ if sample_rate is None else sample_rate
        return Audio(np.ascontiguousarray(recording, np.float32), rate, "samples")
    if sample_rate is not None:
        raise ParameterError(f"sample_rate = {sample_rate}: is that of samples; a file and an Audio have their own")
    return recording if isinstance(recording, Audio) else read_audio(recording)
