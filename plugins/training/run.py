"""The training itself: phase after phase, and the adapter that comes of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from megaasr import (
    LoraPart,
    TrainContext,
    read_json,
    run_folder,
    write_json,
)

from .finish import finish, open_backend
from .phase_run import REPORT as PHASE_REPORT
from .phase_run import phase_folder, run_phases
from .selection import read_scores, score_on
from .settings import SftSettings
from .starting import check_languages, check_reports, claim_run, open_processes
from .training_clips import Clip, open_clips, order_of

REPORT = "report.json"
BASE = "base.json"


def train_sft(settings: SftSettings, out: Path, context: TrainContext) -> dict[str, Any]:
    """Train as `SftTraining.train` says; in the first process the folder `out` is locked meanwhile."""
    check_reports(settings.name, settings.report_to)
    clips = open_clips(settings.training, context.plugins)
    runs = [settings.model_copy(update={"seed": settings.seed + number}) for number in range(settings.runs)]
    orders = [[order_of(clips, phase, one.seed) for phase in one.phases] for one in runs]
    for dev in settings.dev:
        dev.rows(context.plugins)
    backend = open_backend(settings, context.plugins)
    backend.load()
    check_languages(clips, backend)
    processes = open_processes(backend)
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
        claim_run(settings, out, context, backend, processes.num_processes)
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
