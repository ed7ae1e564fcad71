"""Reader `plan`: a plan as a manifest of its samples, each rendered when it is read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import PrivateAttr

from megaasr import (
    Audio,
    AudioError,
    AudioLimits,
    BrokenRow,
    LocatedRow,
    ManifestError,
    MegaasrError,
    PluginReader,
    Plugins,
    RecipeError,
    hookimpl,
    installed_plugins,
    manifest_lines,
    naming,
    parse_row,
)

from ..planning.speech import PART_FIELDS

if TYPE_CHECKING:
    from .plan_renderer import PlanRenderer

IN_PLAN = "plan.json#"
"""Joins a plan's folder and the number of a sample of it: ``plan.json#123``."""
MOST_DIGITS = 18
OPEN_PLANS = 4


class Plan(PluginReader):
    """Read the folder that ``megaasr corpus plan`` wrote, and render ``plan.json#NUMBER``."""

    name: ClassVar[str] = "plan"
    _plugins: Plugins | None = PrivateAttr(None)

    def using(self, plugins: Plugins) -> Plan:
        """The reader that renders by these plugins; without them it renders by the installed ones."""
        reader = type(self).create()
        reader._plugins = plugins
        return reader

    def takes_manifest(self, path: Path) -> bool:
        """Whether it is a folder."""
        return os.path.isdir(path)  # noqa: PTH112  # unlike Path.is_dir, for a name that is too long as well

    def rows(self, path: Path) -> Iterator[LocatedRow]:
        """A row a sample; ``scenario``, ``severity`` and ``effects`` are those of its recipe."""
        from ..planning.plan_folder import PlanFolder
        from .plan_renderer import described, recipe_of

        folder, number = PlanFolder.open(path), 0
        for shard in folder.shards:
            for where, line in manifest_lines(shard):
                try:
                    row = parse_row(line, where)
                    kept = {name: value for name, value in row.items() if name not in PART_FIELDS}
                    yield where, {**kept, **described(recipe_of(row)), "audio": f"{IN_PLAN}{number}"}
                except (ManifestError, RecipeError) as error:
                    prefix = "" if str(error).startswith(where) else f"{where}: "
                    yield where, BrokenRow(ManifestError(f"{prefix}{error}"))
                number += 1

    def takes_audio(self, audio: Path) -> bool:
        """Whether a sample of a plan is named."""
        return IN_PLAN in audio.name

    def exists(self, audio: Path) -> bool:
        """Whether the plan is there."""
        return os.path.isfile(audio.with_name(audio.name.rpartition("#")[0]))  # noqa: PTH113

    def files(self, audio: Path) -> tuple[Path, ...]:
        """The plan; where it can be opened, the clean recording of the sample and the sounds of its recipe too."""
        settings = audio.with_name(IN_PLAN[:-1])
        try:
            renderer, number = self._place(audio, None)
            return (settings, *renderer.files(number))
        except (MegaasrError, IndexError, OSError):  # which reading it reports
            return (settings,)

    def read(self, audio: Path, limits: AudioLimits | None = None) -> Audio:
        """The sample, rendered here and now, within the plan's own limits; MegaasrError when it cannot be."""
        with naming(audio):
            renderer, number = self._place(audio, limits)
            with _counted(audio, renderer):
                return renderer.sample(number)

    def read_clean(self, audio: Path, limits: AudioLimits | None = None) -> Audio:
        """The recording that the sample is made of, at the plan's rate."""
        with naming(audio):
            renderer, number = self._place(audio, limits)
            with _counted(audio, renderer):
                return renderer.clean(number)

    def _place(self, audio: Path, limits: AudioLimits | None) -> tuple[PlanRenderer, int]:
        number = audio.name.removeprefix(IN_PLAN)
        if not (number.isdecimal() and number.isascii() and len(number) < MOST_DIGITS):
            raise AudioError(f"{audio}: the number of a sample is expected behind {IN_PLAN}")
        if limits is not None and limits.channel:
            raise AudioError(f"{audio}: has one channel, and channel {limits.channel} is wanted")
        settings = audio.with_name(IN_PLAN[:-1])
        modified_ns = settings.stat().st_mtime_ns if settings.is_file() else 0
        return _renderer(audio.parent.resolve(), modified_ns, self._plugins or installed_plugins()), int(number)


@contextmanager
def _counted(audio: Path, renderer: PlanRenderer) -> Iterator[None]:
    try:
        yield
    except IndexError as error:
        raise AudioError(f"{audio}: the plan holds {renderer.folder.count} samples") from error


@lru_cache(maxsize=OPEN_PLANS)
def _renderer(plan: Path, mtime_ns: int, plugins: Plugins) -> PlanRenderer:
    """A plan with its banks and the plugins of the call; opened again when it is another."""
    del mtime_ns
    from .plan_renderer import PlanRenderer
    from .probes import checked

    renderer = PlanRenderer(plan, plugins)
    if note := checked(renderer):
        sys.stderr.write(f"megaasr: note: {plan}: {note}\n")
    return renderer


@hookimpl
def register_readers(register):
    register(Plan)
