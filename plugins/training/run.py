"""The training itself: phase after phase, and the adapter that comes of them."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from megaasr import (
    Backend,
    LoraPart,
    ManifestError,
    ParameterError,
    TrainContext,
    claim_identity,
    fingerprint,
    read_json,
    run_folder,
    write_json,
)

from .finish import RUN, finish, open_backend
from .phase_run import REPORT as PHASE_REPORT
from .phase_run import WAIT, phase_folder, run_phases
from .selection import read_scores, score_on
from .settings import SftSettings
from .training_clips import Clip, open_clips, order_of

REPORT = "report.json"
BASE = "base.json"


def train_sft(settings: SftSettings, out: Path, context: TrainContext) -> dict[str, Any]:
    """Train as `SftTraining.train` says; in the first process the folder `out` is locked meanwhile."""
    from accelerate import PartialState

    for name in settings.report_to:
        if importlib.util.find_spec(name) is None:
            raise ParameterError(f"trainer sft: report_to {name} needs the package of that name; install it")
    clips = open_clips(settings.training, context.plugins)
    runs = [settings.model_copy(update={"seed": settings.seed + number}) for number in range(settings.runs)]
    orders = [[order_of(clips, phase, one.seed) for phase in one.phases] for one in runs]
    for dev in settings.dev:
        dev.rows(context.plugins)
    backend = open_backend(settings, context.plugins)
    backend.load()
    _check_languages(clips, backend)
    cpu = next(backend.network.parameters()).device.type == "cpu"
    processes = PartialState(cpu=cpu, timeout=WAIT)
    with run_folder(out) if processes.is_main_process else nullcontext():
        return _train(settings, out, context, clips, orders, runs, backend, processes)


def _train(
    settings: SftSettings,
    out: Path,
    context: TrainContext,
    clips: Sequence[Clip],
    orders: Sequence[Sequence[Sequence[int]]],
    runs: Sequence[SftSettings],
    backend: Any,
    processes: Any,
) -> dict[str, Any]:
    if processes.is_main_process:
        configuration = fingerprint([settings.model_dump(mode="json", exclude={"workers"}), processes.num_processes])
        manifests = [source.manifest for source in (*settings.training, *settings.dev)]
        identity = {"run": configuration, **context.identity(settings, manifests, [backend])}
        claim_identity(out / RUN, identity, other="a run of another configuration")
        if not (out / BASE).is_file():
            scores = score_on(backend, settings, context.plugins, adapter=False)
            write_json(out / BASE, {name: asdict(score) for name, score in scores.items()})
    processes.wait_for_everyone()
    if (out / REPORT).is_file():
        return read_json(out / REPORT) if processes.is_main_process else {}
    base = read_scores(read_json(out / BASE))
    first: Any = copy.deepcopy(backend.network) if settings.runs > 1 or settings.distil or settings.states else None
    blocks: list[LoraPart] = []
    phases: dict[str, Any] = {}
    for number, (one, own) in enumerate(zip(runs, orders, strict=True), start=1):
        if number > 1:
            backend.network.load_state_dict(first.state_dict())
        root = out / f"run-{number}" if settings.runs > 1 else out
        steps = run_phases(one, backend, first, clips, own, root, base, context.plugins, processes)
        blocks += [replace(block, alpha=block.alpha / settings.runs) for block in steps if block]
        names = [phase_folder(root, phase, place) for place, phase in enumerate(one.phases, start=1)]
        phases |= {str(name.relative_to(out)): read_json(name / PHASE_REPORT) for name in names}
    if not processes.is_main_process:
        return {}
    found = {
        "clips": {phase.name: len(order) for phase, order in zip(settings.phases, orders[0], strict=True)},
        "phases": phases,
        "base": {name: asdict(score) for name, score in base.items()},
        **finish(settings, out, blocks, base, context.plugins),
    }
    write_json(out / REPORT, found)
    return found


def _check_languages(clips: Sequence[Clip], backend: Backend) -> None:
    """ManifestError where the backend's model does not know the language of a clip."""
    known = backend.info.languages
    for clip in clips:
        if known is not None and clip.language not in known:
            raise ManifestError(
                f"{clip.audio}: its language is {clip.language!r}, the model of backend {backend.name} knows "
                f"{', '.join(known)}; leave it out, or choose another model"
            )
