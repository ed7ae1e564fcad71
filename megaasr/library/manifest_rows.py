"""One row of a manifest, whichever tool wrote it: what is heard, what was said, in which language."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from megaasr_core.base.audio import Audio
from megaasr_core.base.audio_files import AudioLimits
from megaasr_core.base.errors import AudioError, ManifestError, MegaasrError
from megaasr_core.contracts.calls import described
from megaasr_core.discovery.plugins import Plugins

from .manifest_fields import (
    AUDIO,
    NOT_HEARD,
    TOLERANCE_S,
    audio_name,
    audio_of,
    channel_of,
    check_heard,
    field_names,
    language_of,
    part_name,
    part_of,
    reference_of,
)
from .manifests import BrokenRow, read_clean, read_sample


@dataclass(frozen=True)
class ManifestRow:
    """What a row says.

    Args:
        row: as it was read, whole.
        root: folder that its path is relative to.
        name: of the recording, as the row writes it.
        reference: the words that were spoken; None where the row does not say.
        language: as the row writes it; None where it does not say.
        offset_s, duration_s: of the part that is heard; None: to the end.
        channel: of the recording, from 0; None: mixed.
        where: it stands, for messages.
        is_length: whether the duration only says how long the whole recording is, as far as it agrees with it.
    """

    row: Mapping[str, Any]
    root: Path
    name: str
    reference: str | None
    language: str | None
    offset_s: float = 0.0
    duration_s: float | None = None
    channel: int | None = None
    where: str = ""
    is_length: bool = False

    @property
    def audio(self) -> Path:
        """Path of the recording, or what a reader takes; absolute, or relative as the manifest's path is."""
        return self.root / self.name

    @property
    def id(self) -> str:
        """The row's own, else its recording and part."""
        return f"{self.name}{self.part}" if self.row.get("id") is None else str(self.row["id"])

    @property
    def part(self) -> str:
        """What is heard of the recording, as `utterance_name` writes it behind the recording."""
        return part_name(self.offset_s, self.duration_s, self.is_length, self.channel)

    @property
    def is_part(self) -> bool:
        """Whether not all of the recording is heard."""
        return self.offset_s > 0.0 or self.duration_s is not None

    def span(self, num_samples: int, rate: int, limits: AudioLimits) -> tuple[int, int]:
        """First sample and the one behind the last of what is heard.

        Args:
            num_samples, rate: of the recording.
            limits: of which a part has the shortest duration too.

        Raises:
            ManifestError: the recording ends before the part does, or the part is too short.
        """
        if not self.is_part:
            return 0, num_samples
        start = round(self.offset_s * rate)
        wanted = num_samples - start if self.duration_s is None else round(self.duration_s * rate)
        beyond_s = (start + wanted - num_samples) / rate
        if self.is_length and abs(beyond_s) <= TOLERANCE_S:
            return 0, num_samples
        if start >= num_samples or beyond_s > TOLERANCE_S:
            end = "" if self.duration_s is None else f" to {self.offset_s + self.duration_s:g} s"
            raise ManifestError(
                f"{self.where}: {self.audio} is {num_samples / rate:g} s long, and {self.offset_s:g} s{end} is wanted; "
                "mend the offset or the duration"
            )
        stop = min(start + wanted, num_samples)
        if (stop - start) / rate < limits.min_duration_s:
            raise ManifestError(
                f"{self.where}: {1000 * (stop - start) / rate:.3g} ms of {self.audio} are shorter than the minimum of "
                f"{limits.min_duration_s * 1000:g} ms; give a longer part"
            )
        return start, stop

    def limits(self, limits: AudioLimits | None) -> AudioLimits:
        """The limits by which its recording is read."""
        limits = limits or AudioLimits()
        return limits if self.channel is None else replace(limits, channel=self.channel)


def manifest_row(row: Mapping[str, Any], root: Path, where: str) -> ManifestRow:
    """What a row says.

    Args:
        root: folder that its path is relative to; absolute paths and ``..`` are followed.

    Raises:
        ManifestError: no recording is named, a field has the wrong form, two references differ, or one of `NOT_HEARD`
            would change what is heard; begins with `where`.
    """
    if isinstance(row, BrokenRow):
        raise row.fault
    try:
        audio = audio_of(row)
        if audio is None:
            raise ManifestError(f"needs 'audio' or 'audio_path', a text; it has {field_names(row)}")
        offset_s, duration_s, is_length = part_of(row)
        if not row.keys().isdisjoint(NOT_HEARD):
            check_heard(row)
        return ManifestRow(
            row,
            root,
            audio,
            reference_of(row),
            language_of(row),
            offset_s,
            duration_s,
            channel_of(row) if "channel" in row else None,
            where,
            is_length,
        )
    except ManifestError as error:
        raise ManifestError(f"{where}: {error}") from error


def row_name(row: Mapping[str, Any]) -> str:
    """The name of what a row holds: its ``id``, else its recording, with the part of it that is heard."""
    return str(row["id"]) if row.get("id") is not None else utterance_name(row)


def utterance_name(row: Mapping[str, Any]) -> str:
    """The recording as the row names it, with the part of it that is heard."""
    try:
        offset_s, duration_s, is_length = part_of(row)
        channel = channel_of(row)
    except ManifestError:
        offset_s, duration_s, is_length, channel = 0.0, None, False, None
    return f"{audio_name(row)}{part_name(offset_s, duration_s, is_length, channel)}"


def moved_row(row: dict[str, Any], old: Path, new: Path) -> dict[str, Any]:
    """The row with its path relative to the folder `new` instead of `old`; every other field stays as it is."""
    audio = audio_name(row)
    if audio is None or os.path.isabs(audio) or old.resolve() == new.resolve():  # noqa: PTH117
        return row
    key = next(name for name in AUDIO if row.get(name) is not None)
    path = os.path.relpath(old.resolve() / audio, new.resolve())
    return {**row, key: {**row[key], "path": path} if isinstance(row[key], Mapping) else path}


def read_row_audio(
    row: ManifestRow, limits: AudioLimits | None = None, plugins: Plugins | None = None, *, clean: bool = False
) -> Audio:
    """What is heard of a row, at the recording's own rate: the one place where a row meets the file that it names.

    Args:
        limits: of the recording, and the shortest duration of the part.
        plugins: whose readers are asked; the installed ones if not given.
        clean: the recording that a degraded sample is made of, as `read_clean`.

    Raises:
        MegaasrError: whatever reading raised, in one line that names the recording or the row.
    """
    limits = row.limits(limits)
    try:
        if not row.is_part:
            return (read_clean if clean else read_sample)(row.audio, limits, plugins)
        stamp = _stamp(row.audio)
        whole = (_recent if stamp else _recent.__wrapped__)(row.audio, stamp, limits, plugins, clean)
        return whole.cut(*row.span(len(whole.samples), whole.sample_rate, limits))
    except MegaasrError:
        raise
    except Exception as error:  # of a decoder or a system call
        raise AudioError(f"{row.audio}: cannot be read ({described(error)})") from error


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=1)  # the parts of a long recording follow each other
def _recent(
    audio: Path, stamp: tuple[int, int] | None, limits: AudioLimits, plugins: Plugins | None, clean: bool
) -> Audio:
    del stamp
    return (read_clean if clean else read_sample)(audio, limits, plugins)
