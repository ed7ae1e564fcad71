"""`corpus render`: a plan in; FLAC in shards and a manifest out, with any engine, and after any interruption."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from megaasr import (
    Engine,
    ManifestError,
    OutputError,
    RecordingsState,
    atomic_path,
    claim_identity,
    environment,
    fingerprint,
    progress,
    read_json,
    read_rows,
    run_folder,
    write_json,
)

from .plan_renderer import PlanRenderer
from .probes import checked
from .render_shard import RenderShard, ShardReport, failures_name, manifest_name, shard_name
from .shard_writer import ShardFormat

SETTINGS = "render.json"
MANIFEST = "manifest.jsonl"
FAILURES = "failures.jsonl"
ENVIRONMENTS = "environments.json"
"""Versions and CPU features with which the shards were rendered: one entry, unless runs were on different machines."""
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class RenderReport:
    """What was done.

    Args:
        clips, audio_s, failed: in the whole folder: samples, their length, and samples that could not be rendered.
        shards, num_shards: done, and in all.
        rendered, rendered_audio_s: samples of this run, and their length.
        wall_s, core_s: time of this run, and processor time of its shards.
        failed_shards: one line for each shard that could not be written; the next run begins with them.
        note: in what the environment differs from that of the plan; None where it does not.
    """

    clips: int
    audio_s: float
    failed: int
    shards: int
    num_shards: int
    rendered: int
    rendered_audio_s: float
    wall_s: float
    core_s: float
    failed_shards: tuple[str, ...]
    note: str | None = None


def render_corpus(
    plan: Path, out: Path, engine: Engine, shard_format: ShardFormat = "tar", plugins: Sequence[str] = ()
) -> RenderReport:
    """Render what is missing in `out`; in one environment the same bytes with any engine, workers and interruption.

    Args:
        plugins: files, folders or modules to load besides the installed plugins; the plan itself has nothing loaded.

    Raises:
        ManifestError: there is no complete plan.
        PluginError, UnknownNameError: a plugin that the plan uses is missing or has changed.
        RecipeError: samples rendered here are not those of the plan; see `probes`.
        OutputError: the folder holds a corpus of another plan or format or of other recordings, or cannot be written
            to.
    """
    started = time.perf_counter()
    renderer = PlanRenderer(plan, plugins)
    folder, note = renderer.folder, None
    if out.exists() and out.samefile(plan):
        raise OutputError(f"cannot write in {out}: it is the plan's own folder; name another")
    total = folder.settings.num_shards
    with run_folder(out):
        _begin(renderer, out, shard_format)
        missing = [index for index in range(total) if not (out / manifest_name(index)).exists()]
        if missing:
            note = checked(renderer, also_here=True)
            _record_environment(out)
            _forget_unfinished(out, missing)
        first = next(iter(missing), -1)
        task = RenderShard(
            plan.resolve(), out.resolve(), folder.settings.fingerprint, shard_format, first, tuple(plugins)
        )
        reports: dict[int, ShardReport] = {}
        failed_shards = []
        for outcome in progress(engine.run(task, missing), total=len(missing), what="shards"):
            if outcome.value is None:
                failed_shards.append(f"{shard_name(outcome.item)}: {outcome.error}")
            else:
                reports[outcome.item] = outcome.value
        if not failed_shards:
            _join(out, MANIFEST, [out / manifest_name(index) for index in range(total)])
            _join(out, FAILURES, [out / failures_name(index) for index in range(total)])
        before = [_counted(out, index) for index in set(range(total)) - set(missing)]
    whole = [*reports.values(), *before]
    return RenderReport(
        clips=sum(report.clips for report in whole),
        audio_s=math.fsum(report.audio_s for report in whole),
        failed=sum(report.failed for report in whole),
        shards=len(whole),
        num_shards=total,
        rendered=sum(report.clips for report in reports.values()),
        rendered_audio_s=math.fsum(report.audio_s for report in reports.values()),
        wall_s=time.perf_counter() - started,
        core_s=math.fsum(report.core_s for report in reports.values()),
        failed_shards=tuple(failed_shards),
        note=note,
    )


def _begin(renderer: PlanRenderer, out: Path, shard_format: ShardFormat) -> None:
    """Write the identity of the corpus into its folder, or compare it with what is there.

    The plan stands for its recipes, plugins and revisions, and its probes for the code; of recordings and noises, sizes
    and times of change are compared.
    """
    folder = renderer.folder
    settings = {
        "schema_version": SCHEMA_VERSION,
        "format": shard_format,
        "encoding": "FLAC, 16 bit",
        "sample_rate": folder.settings.sample_rate,
        "count": folder.count,
        "scenarios": folder.settings.scenarios,
        "seed": folder.settings.seed,
        "plan_fingerprint": folder.settings.fingerprint,
    }
    claim_identity(
        out / SETTINGS,
        {**settings, "fingerprint": fingerprint(settings), "recordings": _recordings_of(renderer)},
        other="a corpus of another plan or format",
        added=("recordings",),
        foreign=("manifest*.jsonl", "shard-*"),
    )


def _recordings_of(renderer: PlanRenderer) -> str:
    """Digest of the state of all recordings and sounds of the plan, which the shards of two runs must share."""
    state = RecordingsState()
    for index in range(renderer.folder.settings.num_shards):
        for planned in renderer.folder.rows(index):
            try:
                state.add_files(renderer.files_of(planned))
            except ManifestError:  # a row that fails when it is rendered
                continue
    return state.hexdigest()


def _record_environment(out: Path) -> None:
    """Add this environment to those in which the folder's shards were rendered."""
    path = out / ENVIRONMENTS
    earlier = read_json(path)["environments"] if path.exists() else []
    if environment() not in earlier:
        write_json(path, {"environments": [*earlier, environment()]})


def _forget_unfinished(out: Path, missing: Iterable[int]) -> None:
    """Take away what a run that was killed wrote before its manifests."""
    for name in (MANIFEST, FAILURES, *(failures_name(index) for index in missing)):
        (out / name).unlink(missing_ok=True)


def _join(out: Path, name: str, parts: list[Path]) -> None:
    """Write the rows of all parts that are there into one file; none where none is."""
    found = [part for part in parts if part.exists()]
    if not found:
        return
    with atomic_path(out / name) as temporary, temporary.open("wb") as whole:
        for part in found:
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole)


def _counted(out: Path, index: int) -> ShardReport:
    """The report of a shard that an earlier run has rendered."""
    durations = [row["duration_s"] for row in read_rows(out / manifest_name(index))]
    failures = out / failures_name(index)
    failed = sum(1 for _ in read_rows(failures)) if failures.exists() else 0
    return ShardReport(len(durations), failed, math.fsum(durations), 0.0)
