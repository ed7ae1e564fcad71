"""One row of a manifest, whichever tool wrote it: what is heard, what was said, in which language."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from megaasr_core.base.audio import Audio
from megaasr_core.base.audio_files import AudioLimits
from megaasr_core.base.errors import AudioError, ManifestError, MegaasrError, shortened
from megaasr_core.contracts.calls import described
from megaasr_core.discovery.plugins import Plugins

from .manifests import BrokenRow, read_clean, read_sample

AUDIO = ("audio", "audio_path", "audio_filepath", "path", "file_name", "wav")
"""Fields that name the recording, here and in NeMo, Common Voice, Hugging Face folders and SpeechBrain."""
TEXT = ("answer", "text", "sentence", "transcription", "transcript")
LANGUAGE = ("language", "lang", "locale")
OFFSET = {
    "offset": 1.0,
    "offset_s": 1.0,
    "start": 1.0,
    "start_s": 1.0,
    "start_time": 1.0,
    "offset_ms": 1e-3,
    "start_ms": 1e-3,
}
DURATION = {"duration": 1.0, "duration_s": 1.0, "duration_ms": 1e-3}
END = {"end": 1.0, "end_s": 1.0, "end_time": 1.0, "end_ms": 1e-3}
"""Fields of a part of the recording, each with its unit in seconds."""
NOT_HEARD = {"speed": (1.0,), "tempo": (1.0,), "volume": (1.0,), "gain": (0.0, 1.0), "frame_offset": (0.0,)}
"""Fields that would change what is heard and are not applied, each with the values that change nothing."""
_TIMES = frozenset((*OFFSET, *DURATION, *END))
_SELDOM = frozenset((*OFFSET, *END, *NOT_HEARD, *LANGUAGE[1:], "channel", "duration_ms"))
TOLERANCE_S = 0.05
"""How far a stated time may lie beyond the end, and a duration without an offset from the recording's: rounding."""
LONGEST_S = 1e6
MOST_CHANNELS = 1_024


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
        return _part_name(self.offset_s, self.duration_s, self.is_length, self.channel)

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
        ManifestError: no recording is named, a field has the wrong form, or one of `NOT_HEARD` would change what is
            heard; begins with `where`.
    """
    if isinstance(row, BrokenRow):
        raise row.fault
    try:
        audio = _audio(row)
        if audio is None:
            raise ManifestError(f"needs 'audio' or 'audio_path', a text; it has {_names(row)}")
        offset_s, duration_s, is_length = _part(row)
        if not row.keys().isdisjoint(NOT_HEARD):
            _check_heard(row)
        return ManifestRow(
            row,
            root,
            audio,
            _text(row, TEXT),
            _language(row),
            offset_s,
            duration_s,
            _channel(row) if "channel" in row else None,
            where,
            is_length,
        )
    except ManifestError as error:
        raise ManifestError(f"{where}: {error}") from error


def is_usual(row: Mapping[str, Any]) -> bool:
    """Whether `manifest_row` takes a row, and all of the recording that ``audio`` names is heard with its words.

    For long manifests: most rows are so, and it takes a fifth of the time. What is False may be a good row as well.
    """
    audio, spoken = row.get("audio"), row.get("language")
    return (
        type(audio) is str
        and audio != ""
        and "\0" not in audio
        and audio.rstrip()[-1:] != "|"
        and type(row.get("answer", row.get("text"))) is str
        and (spoken is None or type(spoken) is str)
        and row.keys().isdisjoint(_SELDOM)
        and ("duration" not in row or "duration_s" not in row)
        and type(length := row.get("duration", row.get("duration_s", 1.0))) is float
        and 0.0 < length < 1e3
    )


def audio_name(row: Mapping[str, Any]) -> str | None:
    """The recording as the row names it, or None where it does not."""
    try:
        return _audio(row)
    except ManifestError:
        return None


def row_name(row: Mapping[str, Any]) -> str:
    """The name of what a row holds: its ``id``, else its recording, with the part of it that is heard."""
    return str(row["id"]) if row.get("id") is not None else utterance_name(row)


def utterance_name(row: Mapping[str, Any]) -> str:
    """The recording as the row names it, with the part of it that is heard."""
    try:
        offset_s, duration_s, is_length = _part(row)
        channel = _channel(row)
    except ManifestError:
        offset_s, duration_s, is_length, channel = 0.0, None, False, None
    return f"{audio_name(row)}{_part_name(offset_s, duration_s, is_length, channel)}"


def _part_name(offset_s: float, duration_s: float | None, is_length: bool, channel: int | None) -> str:
    end = "" if duration_s is None else f"{offset_s + duration_s:.9g}"
    part = f"[{offset_s:.9g}:{end}]" if offset_s or (duration_s is not None and not is_length) else ""
    return part + (f"[channel {channel}]" if channel else "")


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


def _names(row: Mapping[str, Any]) -> str:
    return shortened(", ".join(row), 300) or "nothing"


def _text(row: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """The first of the fields that is not null."""
    for name in names:
        if (value := row.get(name)) is not None:
            if not isinstance(value, str):
                raise ManifestError(f"{name!r} is {shortened(repr(value), 40)}; a text is expected")
            return value
    return None


def _audio(row: Mapping[str, Any]) -> str | None:
    name = "audio" if row.get("audio") is not None else next((one for one in AUDIO if row.get(one) is not None), None)
    if name is None:
        return None
    audio = row[name].get("path") if isinstance(row[name], dict) else row[name]
    if not isinstance(audio, str):
        raise ManifestError(f"{name!r} is {shortened(repr(audio), 40)}; a text is expected")
    if not audio or "\0" in audio:
        raise ManifestError(f"{name!r} is {shortened(repr(audio), 40)}; the path of a recording is expected")
    if audio.rstrip().endswith("|"):
        raise ManifestError(
            f"{name!r} is the command {shortened(repr(audio), 80)}; commands are never run: write its output to a file"
        )
    return audio


def _language(row: Mapping[str, Any]) -> str | None:
    for name in LANGUAGE:
        if (found := row.get(name)) is not None and found != "":
            return str(found)
    return None


def _part(row: Mapping[str, Any]) -> tuple[float, float | None, bool]:
    """Offset and duration in seconds, and whether the duration stands alone."""
    times = _TIMES.intersection(row)
    if not times:
        return 0.0, None, True
    if len(times) == 1 and (name := next(iter(times))) in DURATION and type(row[name]) is float and 0 < row[name] < 1e3:
        return 0.0, row[name] * DURATION[name], True  # the usual row
    offset, duration, end = (_seconds(row, fields) for fields in (OFFSET, DURATION, END))
    start_s = offset or 0.0
    if duration is not None and not duration > 0:
        raise ManifestError(f"the duration {duration:g} s is not above 0")
    if end is not None:
        if end <= start_s:
            raise ManifestError(f"the end {end:g} s is not behind the start {start_s:g} s")
        if duration is not None and offset is not None and abs(start_s + duration - end) > TOLERANCE_S:
            raise ManifestError(f"the duration {duration:g} s does not lead from {start_s:g} s to the end {end:g} s")
        return start_s, end - start_s, False
    return start_s, duration, offset is None


def _seconds(row: Mapping[str, Any], fields: Mapping[str, float]) -> float | None:
    found: dict[str, float] = {}
    for name in fields.keys() & row.keys():
        if row[name] is not None and row[name] != "":
            number = _number(row[name])
            if number is None or not 0.0 <= number * fields[name] <= LONGEST_S:
                raise ManifestError(f"{name!r} is {shortened(repr(row[name]), 40)}; a time from 0 on is expected")
            found[name] = number * fields[name]
    if len(found) > 1 and max(found.values()) - min(found.values()) > TOLERANCE_S:
        raise ManifestError(f"{' and '.join(sorted(found))} differ; leave one of them out")
    return found[min(found)] if found else None


def _channel(row: Mapping[str, Any]) -> int | None:
    value = row.get("channel")
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None or value == "":
        return None
    number = _number(value)
    if number is None or number != int(number) or not 0 <= number < MOST_CHANNELS:
        raise ManifestError(
            f"'channel' is {shortened(repr(value), 40)}; the number of one channel, from 0, is expected"
        )
    return int(number)


def _check_heard(row: Mapping[str, Any]) -> None:
    for name, neutral in NOT_HEARD.items():
        number = _number(row[name]) if name in row else None
        if number is not None and number not in neutral:
            raise ManifestError(
                f"{name!r} {number:g} changes what is heard, and is not applied; apply it to the file, or remove it"
            )


def _number(value: Any) -> float | None:
    """A finite number, also as a table writes it; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
