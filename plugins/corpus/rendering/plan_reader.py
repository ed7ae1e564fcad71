"""Reader `plan`: a plan as a manifest of its samples, each rendered when it is read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from megaasr import Audio, AudioError, AudioLimits, LocatedRow, MegaasrError, Reader, hookimpl, located_lines

if TYPE_CHECKING:
    from .plan_renderer import PlanRenderer

IN_PLAN = "plan.json#"
"""Joins a plan's folder and the number of a sample of it: ``plan.json#123``."""
OPEN_PLANS = 4


class Plan(Reader):
    """Read the folder that ``megaasr corpus plan`` wrote, and render ``plan.json#NUMBER``."""

    name: ClassVar[str] = "plan"

    def takes_manifest(self, path: Path) -> bool:
        """Whether it is a folder."""
        return os.path.isdir(path)  # noqa: PTH112  # unlike Path.is_dir, for a name that is too long as well

    def rows(self, path: Path) -> Iterator[LocatedRow]:
        """A row a sample; ``scenario``, ``severity`` and ``effects`` are those of its recipe."""
        from ..planning.plan_folder import PlanFolder
        from .plan_renderer import described, recipe_of

        folder, number = PlanFolder.open(path), 0
        for shard in folder.shards:
            for where, row in located_lines(shard):
                yield where, {**row, **described(recipe_of(row)), "audio": f"{IN_PLAN}{number}"}
                number += 1

    def takes_audio(self, audio: Path) -> bool:
        """Whether a sample of a plan is named."""
        return IN_PLAN in audio.name

    def exists(self, audio: Path) -> bool:
        """Whether the plan is there."""
        return os.path.isfile(audio.with_name(audio.name.rpartition("#")[0]))  # noqa: PTH113

    def files(self, audio: Path) -> tuple[Path, ...]:
        """The plan, and the clean recording of the sample where the plan can be opened."""
        settings = audio.with_name(IN_PLAN[:-1])
        try:
            renderer, number = _place(audio)
            return settings, renderer.recording(number)
        except (MegaasrError, IndexError, OSError):  # which reading it reports
            return (settings,)

    def read(self, audio: Path, limits: AudioLimits | None = None) -> Audio:
        """The sample, rendered here and now, within the plan's own limits; MegaasrError when it cannot be."""
        del limits
        renderer, number = _place(audio)
        with _counted(audio, renderer):
            return renderer.sample(number)

    def read_clean(self, audio: Path, limits: AudioLimits | None = None) -> Audio:
        """The recording that the sample is made of, at the plan's rate."""
        del limits
        renderer, number = _place(audio)
        with _counted(audio, renderer):
            return renderer.clean(number)


def _place(audio: Path) -> tuple[PlanRenderer, int]:
    number = audio.name.removeprefix(IN_PLAN)
    if not number.isdecimal():
        raise AudioError(f"{audio}: the number of a sample is expected behind {IN_PLAN}")
    settings = audio.with_name(IN_PLAN[:-1])
    return _renderer(audio.parent.resolve(), settings.stat().st_mtime_ns if settings.is_file() else 0), int(number)


@contextmanager
def _counted(audio: Path, renderer: PlanRenderer) -> Iterator[None]:
    try:
        yield
    except IndexError as error:
        raise AudioError(f"{audio}: the plan holds {renderer.folder.count} samples") from error


@lru_cache(maxsize=OPEN_PLANS)
def _renderer(plan: Path, mtime_ns: int) -> PlanRenderer:
    """A plan with its banks and plugins; opened again when it is another."""
    del mtime_ns
    from .plan_renderer import PlanRenderer
    from .probes import checked

    renderer = PlanRenderer(plan)
    if note := checked(renderer):
        sys.stderr.write(f"megaasr: note: {plan}: {note}\n")
    return renderer


@hookimpl
def register_readers(register):
    register(Plan)
