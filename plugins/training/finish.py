"""The end of a training: the adapter at its best scale, and the mean of trainings that ran side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from megaasr import LoraPart, ManifestError, ParameterError, Plugins, TrainableBackend, read_json, write_json

from .hf_trainer import read_tensors
from .low_rank import write_adapter
from .phase_run import CHOSEN, REPORT, START, phase_folder
from .selection import Scores, best_of, candidate, read_scores, score_on
from .settings import SftSettings
from .starting import RUN

ADAPTER = "adapter"


def open_backend(settings: SftSettings, plugins: Plugins) -> Any:
    """The backend of the settings; ParameterError when it cannot be trained."""
    backend = plugins.backends[settings.backend].create(settings.backend_settings)
    if not isinstance(backend, TrainableBackend):
        raise ParameterError(f"trainer sft: backend {settings.backend} cannot be trained")
    return backend


def finish(
    settings: SftSettings, out: Path, blocks: Sequence[LoraPart], base: Scores, plugins: Plugins
) -> dict[str, Any]:
    """Write the adapter at each scale, decode the dev sets through it as a user would, and keep the best."""
    candidates = {}
    listener = open_backend(settings, plugins)
    for scale in settings.scales:
        write_adapter(out / ADAPTER, blocks, scale, settings.model_name)
        listener.mount("robust", out / ADAPTER)
        scores = score_on(listener, settings, plugins, adapter=True)
        candidates[scale] = candidate(f"scale {scale:g}", scores, base, settings.dev, settings.tolerance)
        listener.unmount("robust")
    best = best_of(list(candidates.values()))
    scale = next(scale for scale, one in candidates.items() if one is best)
    write_adapter(out / ADAPTER, blocks, scale, settings.model_name)
    return {
        "adapter": str(out / ADAPTER),
        "scale": scale,
        "faults": list(best.faults),
        "relative_wer": best.relative_wer,
        "scales": [one.as_json() for one in candidates.values()],
    }


def chosen_blocks(settings: SftSettings, root: Path) -> list[LoraPart]:
    """The LoRAs of the phases that a finished run has kept.

    Raises:
        ManifestError: a phase is not finished.
    """
    blocks = []
    for place, phase in enumerate(settings.phases, start=1):
        folder = phase_folder(root, phase, place)
        if not (folder / REPORT).is_file():
            raise ManifestError(f"{folder}: phase {phase.name} is not finished; run the training again")
        if read_json(folder / REPORT)["chosen"] != START:
            blocks.append(LoraPart(read_tensors(folder / CHOSEN), phase.rank, phase.alpha))
    return blocks


def average(settings: SftSettings, roots: Sequence[Path], out: Path, plugins: Plugins) -> dict[str, Any]:
    """Write the mean of the deltas of finished runs as one adapter (Wortsman et al. 2022), and choose its scale on dev.

    The runs differ in their seeds alone. The result is that of one training with so many `runs`; this way they can run
    side by side, each on cores of its own.

    Args:
        settings: those of the runs, whose `scales` are those to choose from.
        roots: folders of the runs.
        out: folder of ``adapter/`` and ``report.json``.

    Returns:
        The report, as `train_sft` returns it.

    Raises:
        ManifestError: a run or a phase is not finished, or two runs are of different data, model or code.
    """
    blocks: list[LoraPart] = []
    phases: dict[str, Any] = {}
    reports: list[dict[str, Any]] = []
    for root in roots:
        if not (root / REPORT).is_file():
            raise ManifestError(f"{root}: the training is not finished; run it again")
        reports.append(read_json(root / REPORT))
        blocks += [replace(block, alpha=block.alpha / len(roots)) for block in chosen_blocks(settings, root)]
        phases |= {f"{root.name}/{name}": found for name, found in reports[-1]["phases"].items()}
    _check_identities(roots)
    base = read_scores(reports[0]["base"])
    found = {
        "clips": reports[0]["clips"],
        "phases": phases,
        "base": {name: asdict(score) for name, score in base.items()},
        **finish(settings, out, blocks, base, plugins),
    }
    write_json(out / REPORT, found)
    return found


def _check_identities(roots: Sequence[Path]) -> None:
    """ManifestError when two runs differ in more than the configuration, which holds the seed."""
    first, *others = (read_json(root / RUN) for root in roots)
    for root, other in zip(roots[1:], others, strict=True):
        parts = sorted(name for name in {*first, *other} if name != "run" and first.get(name) != other.get(name))
        if parts:
            raise ManifestError(f"{root} and {roots[0]} are not of the same training (different: {', '.join(parts)})")
