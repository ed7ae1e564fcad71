"""What every training on clips does before its first step."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from megaasr import Backend, ManifestError, ParameterError, TrainContext, claim_identity, fingerprint

from .clip_trainer import ClipTrainer
from .training_clips import Clip

WAIT = timedelta(hours=6)
"""How long other processes wait while the first one decodes the dev sets."""
RUN = "run.json"
"""The identity of a run: configuration, data, recordings, model, plugins and code."""


def check_reports(trainer: str, packages: Sequence[str]) -> None:
    """ParameterError when a package that metrics are to be written for is not installed."""
    for name in packages:
        if importlib.util.find_spec(name) is None:
            raise ParameterError(f"trainer {trainer}: report_to {name} needs the package of that name; install it")


def check_languages(clips: Sequence[Clip], backend: Backend) -> None:
    """ManifestError where the backend's model does not know the language of a clip."""
    known = backend.info.languages
    for clip in clips:
        if known is not None and clip.language not in known:
            raise ManifestError(
                f"{clip.audio}: its language is {clip.language!r}, the model of backend {backend.name} knows "
                f"{', '.join(known)}; leave it out, or choose another model"
            )


def open_processes(backend: Any) -> Any:
    """accelerate's PartialState, for the device of a loaded backend."""
    from accelerate import PartialState

    return PartialState(cpu=next(backend.network.parameters()).device.type == "cpu", timeout=WAIT)


def claim_run(
    settings: ClipTrainer,
    out: Path,
    context: TrainContext,
    backend: Any,
    num_processes: int,
    parts: Mapping[str, Any] | None = None,
) -> None:
    """Write the identity of a run below `out`; OutputError when another one is there.

    Args:
        parts: of the identity besides configuration, data, code and backend.
    """
    configuration = fingerprint([settings.model_dump(mode="json", exclude={"workers"}), num_processes])
    manifests = [source.manifest for source in (*settings.training, *settings.dev)]
    identity = {"run": configuration, **context.identity(settings, manifests, [backend]), **(parts or {})}
    claim_identity(out / RUN, identity, other="a run of another configuration")
