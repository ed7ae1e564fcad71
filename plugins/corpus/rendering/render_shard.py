"""The task of `corpus render`: one shard's audio and manifest, whichever worker makes them and whenever."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from megaasr import MegaasrError, Recipe, RecipeError, Rendered, jsonl_line, on_compiling, one_line, write_text

from ..planning.speech import PART_FIELDS
from .plan_renderer import PlanRenderer, described
from .probes import checked
from .shard_writer import ShardFormat, encode_flac, shard_writer

Row = dict[str, Any]
MOST_SAID = 300
"""Characters of an error of someone else's code that a failed row carries."""


def shard_name(index: int) -> str:
    """Of the audio: ``shard-00000``."""
    return f"shard-{index:05d}"


def manifest_name(index: int) -> str:
    """Of a shard's rows; its presence says that the shard is done."""
    return f"manifest-{index:05d}.jsonl"


def failures_name(index: int) -> str:
    """Of a shard's failed rows; absent when there are none."""
    return f"failures-{index:05d}.jsonl"


@dataclass(frozen=True)
class ShardReport:
    """What came of a shard.

    Args:
        clips, failed: samples rendered, and samples that could not be.
        audio_s: length of the rendered samples.
        core_s: processor time.
    """

    clips: int
    failed: int
    audio_s: float
    core_s: float


@dataclass(frozen=True)
class RenderShard:
    """Renders one shard of a plan; called with its index.

    Args:
        plan, out: folders.
        fingerprint: of the plan.
        shard_format: tar, or a folder of FLAC files.
        plugins: files, folders or modules to load besides the installed plugins.
        first: the shard whose worker says on stderr that it compiles; the others do it without a word.
    """

    plan: Path
    out: Path
    fingerprint: str
    shard_format: ShardFormat
    first: int = -1
    plugins: tuple[str, ...] = ()

    def __call__(self, index: int) -> ShardReport:
        """Write the audio, then the failures, then the manifest, each whole or not at all.

        Raises:
            OutputError: the disk is full, or the folder cannot be written to.
            MegaasrError: the plan, its plugins or its banks cannot be opened.
        """
        started = time.process_time()
        if index == self.first:
            on_compiling(_note)
        renderer = _renderer(self.plan, self.fingerprint, self.plugins)
        done: list[Row] = []
        failed: list[Row] = []
        with shard_writer(self.out, shard_name(index), self.shard_format) as shard:
            for planned in renderer.folder.rows(index):
                try:
                    recipe, rendered = renderer.render(planned)
                    flac, gain_db = encode_flac(rendered.audio, rendered.peak)
                    row = _row(planned, recipe, rendered, shard.path_of(planned["id"]), gain_db)
                except Exception as error:  # a plugin's own code runs here
                    failed.append({**planned, "error": _said(error)})
                    continue
                shard.add(row["id"], flac, row)
                done.append(row)
        if failed:
            write_text(self.out / failures_name(index), "".join(map(jsonl_line, failed)))
        write_text(self.out / manifest_name(index), "".join(map(jsonl_line, done)))
        audio_s = sum(row["duration_s"] for row in done)
        return ShardReport(len(done), len(failed), audio_s, time.process_time() - started)


def _row(planned: Row, recipe: Recipe, rendered: Rendered, audio: str, gain_db: float) -> Row:
    """The manifest's row of one sample."""
    kept = {name: value for name, value in planned.items() if name not in ("id", "audio", "recipe", *PART_FIELDS)}
    found = [step.parameters["snr_db"] for step in recipe.steps if "snr_db" in step.parameters]
    return {
        "id": planned["id"],
        "audio": audio,
        **kept,
        **described(recipe),
        "snr_db": min(found, default=None),
        "duration_s": rendered.audio.duration_s,
        "flags": list(rendered.flags),
        "peak": rendered.peak,
        "gain_db": gain_db,
        "source_audio": planned["audio"],
        **{f"source_{name}": planned[name] for name in PART_FIELDS if name in planned},
        "recipe": planned["recipe"],
    }


def _note(line: str) -> None:
    sys.stderr.write(f"megaasr: note: {line}\n")


def _said(error: Exception) -> str:
    if isinstance(error, MegaasrError):
        return one_line(error)
    return f"{type(error).__name__}: {one_line(error)[:MOST_SAID]}"  # a compiler's message may be a page


@lru_cache(maxsize=1)
def _renderer(plan: Path, fingerprint: str, plugins: tuple[str, ...]) -> PlanRenderer:
    renderer = PlanRenderer(plan, plugins)
    if renderer.folder.settings.fingerprint != fingerprint:
        raise RecipeError(f"{plan}: was planned anew while it was being rendered; start again")
    checked(renderer)  # on the machine of this worker
    return renderer
