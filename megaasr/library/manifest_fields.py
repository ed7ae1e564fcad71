"""The fields of a manifest's row, whichever tool wrote it: their names, their units, and what they may hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from megaasr_core.base.errors import ManifestError, MegaasrError, shortened

AUDIO = ("audio", "audio_path", "audio_filepath", "path", "file_name", "wav")
"""Fields that name the recording, here and in NeMo, Common Voice, Hugging Face folders and SpeechBrain."""
REFERENCE_FIELDS = ("answer", "text", "sentence", "transcription", "transcript")
"""Fields that hold the words that were spoken; see `reference_of` for rows that have several."""
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
_SELDOM = frozenset((*OFFSET, *END, *NOT_HEARD, *LANGUAGE[1:], *REFERENCE_FIELDS[2:], "channel", "duration_ms"))
TOLERANCE_S = 0.05
"""How far a stated time may lie beyond the end, and a duration without an offset from the recording's: rounding."""
LONGEST_S = 1e6
MOST_CHANNELS = 1_024


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
        and not ("answer" in row and "text" in row)
        and (spoken is None or type(spoken) is str)
        and row.keys().isdisjoint(_SELDOM)
        and ("duration" not in row or "duration_s" not in row)
        and type(length := row.get("duration", row.get("duration_s", 1.0))) is float
        and 0.0 < length < 1e3
    )


def audio_name(row: Mapping[str, Any]) -> str | None:
    """The recording as the row names it, or None where it does not."""
    try:
        return audio_of(row)
    except ManifestError:
        return None


def part_name(offset_s: float, duration_s: float | None, is_length: bool, channel: int | None) -> str:
    """The part as it stands behind a recording's name, such as ``[1.5:3][channel 1]``; empty for all of it."""
    end = "" if duration_s is None else f"{offset_s + duration_s:.9g}"
    part = f"[{offset_s:.9g}:{end}]" if offset_s or (duration_s is not None and not is_length) else ""
    return part + (f"[channel {channel}]" if channel else "")


def field_names(row: Mapping[str, Any]) -> str:
    """The names of a row's fields, for messages."""
    return shortened(", ".join(row), 300) or "nothing"


def text_of(row: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """The first of the fields that is not null."""
    for name in names:
        if (value := row.get(name)) is not None:
            if not isinstance(value, str):
                raise ManifestError(f"{name!r} is {shortened(repr(value), 40)}; a text is expected")
            return value
    return None


def reference_of(row: Mapping[str, Any], where: str = "") -> str | None:
    """The words that were spoken, as the row writes them; None where it does not say.

    They stand in one of ``answer``, ``text``, ``sentence``, ``transcription`` and ``transcript``, or in several of them
    that are equal once they are normalised; then as the first has them.

    Args:
        where: the row stands; begins the message.

    Raises:
        ManifestError: the first is no text, or two of them differ: nothing says which one was spoken.
    """
    try:
        return _agreed(row)
    except ManifestError as error:
        raise ManifestError(f"{where}: {error}" if where else str(error)) from error


def _agreed(row: Mapping[str, Any]) -> str | None:
    said = text_of(row, REFERENCE_FIELDS)
    if said is None:
        return None
    names = [name for name in REFERENCE_FIELDS if row.get(name) is not None]
    for name in names[1:]:
        if isinstance(row[name], str) and row[name] != said and _words(row[name], row) != _words(said, row):
            raise ManifestError(
                f"{names[0]!r} is {shortened(repr(said), 60)} and {name!r} is {shortened(repr(row[name]), 60)}: two "
                "references that differ; keep the one that was spoken, and rename or remove the other"
            )
    return said


def _words(text: str, row: Mapping[str, Any]) -> list[str]:
    """The normalised words; those of a language that is none, which is reported elsewhere, as they are."""
    from .text import tokenise

    try:
        return tokenise(text, language_of(row) or "en")
    except MegaasrError:
        return text.split()


def audio_of(row: Mapping[str, Any]) -> str | None:
    """The recording as the row names it, None where it does not; ManifestError where that can be no path."""
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


def language_of(row: Mapping[str, Any]) -> str | None:
    """The language as the row writes it; None where it does not say."""
    for name in LANGUAGE:
        if (found := row.get(name)) is not None and found != "":
            return str(found)
    return None


def part_of(row: Mapping[str, Any]) -> tuple[float, float | None, bool]:
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


def channel_of(row: Mapping[str, Any]) -> int | None:
    """The channel, from 0; None where the row does not say; ManifestError where it is no number of one channel."""
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


def check_heard(row: Mapping[str, Any]) -> None:
    """ManifestError where one of `NOT_HEARD` would change what is heard."""
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
