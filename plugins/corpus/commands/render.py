"""`megaasr corpus render`: render a plan's recipes to audio."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import EXIT_SOME_FAILED, JsonOption, PluginOption, StrictOption, open_plugins, say

from .options import EngineOption, EngineSetOption, WorkersOption, open_engine, say_each


class Format(StrEnum):
    """File format of the shards."""

    TAR = "tar"
    FOLDER = "folder"


def render(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="Folder that `megaasr corpus plan` wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Output folder of the corpus.")],
    shard_format: Annotated[
        Format, typer.Option("--format", help="tar (as webdataset reads it), or folders of FLAC files.")
    ] = Format.TAR,
    engine: EngineOption = "local",
    engine_set: EngineSetOption = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Render a plan: write FLAC files in shards, and a manifest with one row per sample.

    The bytes depend only on the plan. A killed run resumes where it stopped when it is started again. Samples that
    cannot be rendered are listed in failures.jsonl, the others are rendered, and the exit code is 1; to render the
    failed samples of a shard again, remove its manifest-NNNNN.jsonl.
    A plan runs no code by itself: --plugin names again the plugin files that it was made with, wherever they are now.
    One that has changed is refused.

    Example: megaasr corpus render plan/ -o corpus/ --workers 8
    """
    from megaasr import read_rows

    from ..planning.plugin_sources import absolute_target
    from ..rendering.render_corpus import FAILURES, render_corpus

    named = [absolute_target(target) for target in plugin or ()]
    plugins = open_plugins(named, strict_plugins)
    workers_engine = open_engine(plugins, engine, engine_set, workers)
    report = render_corpus(plan, out, workers_engine, "tar" if shard_format is Format.TAR else "folder", named)
    failures = out / FAILURES
    if failures.exists():
        say_each((f"failed: {row.get('id')}: {row['error']}" for row in read_rows(failures)), failures)
    for line in report.failed_shards:
        say(f"megaasr: failed: {line}")
    if report.note:
        say(f"megaasr: note: {report.note}")
    clips_per_s = report.rendered / report.wall_s
    if as_json:
        summary = {**asdict(report), "hours": report.audio_s / 3600, "clips_per_s": clips_per_s}
        sys.stdout.write(json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    else:
        sys.stdout.write(
            f"{out}: {report.clips} clips, {report.audio_s / 3600:.2f} h, {report.failed} failed\n"
            f"this run: {report.rendered} clips in {report.wall_s:.1f} s, {clips_per_s:.1f} clips/s, "
            f"{report.core_s:.1f} core seconds"
            + (f", {report.rendered_audio_s / report.core_s:.0f} x real time a core\n" if report.core_s else "\n")
        )
    if report.failed_shards:
        say(f"megaasr: {len(report.failed_shards)} of {report.num_shards} shards failed; start again to render them")
    if report.failed or report.failed_shards:
        raise typer.Exit(EXIT_SOME_FAILED)
