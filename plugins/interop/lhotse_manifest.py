"""Reader `lhotse`: cuts, or recordings with supervisions, as Lhotse writes them, as a manifest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from megaasr import BrokenRow, LocatedRow, ManifestError, Reader, hookimpl, manifest_lines, parse_row

SUFFIXES = (".jsonl", ".jsonl.gz")


class Lhotse(Reader):
    """Read Lhotse's ``cuts*.jsonl(.gz)``, and ``supervisions*`` with the ``recordings*`` beside it; audio in files."""

    name: ClassVar[str] = "lhotse"

    def takes_manifest(self, path: Path) -> bool:
        """Whether its name and its first row are those of cuts or supervisions."""
        if not path.name.endswith(SUFFIXES) or not os.path.isfile(path):  # noqa: PTH113
            return False
        try:
            first = next((parse_row(line, where) for where, line in manifest_lines(path)), {})
        except ManifestError:
            return False
        is_cut = {"id", "start", "duration"} <= first.keys() and ("recording" in first or "tracks" in first)
        return is_cut or ({"recording_id", "start", "duration"} <= first.keys() and "supervisions" in path.name)

    def rows(self, path: Path) -> Iterator[LocatedRow]:
        """A row a supervision: of a cut its own part, of a cut with one supervision or none the whole cut."""
        recordings = _recordings(path) if "supervisions" in path.name else None
        for where, line in manifest_lines(path):
            try:
                row = parse_row(line, where)
                yield from ((where, one) for one in _rows_of(row, recordings, path.parent))
            except ManifestError as error:
                yield where, BrokenRow(error if where in str(error) else ManifestError(f"{where}: {error}"))


def _recordings(path: Path) -> dict[str, dict[str, Any]]:
    other = path.with_name(path.name.replace("supervisions", "recordings"))
    found: dict[str, dict[str, Any]] = {}
    for where, line in manifest_lines(other):
        row = parse_row(line, where)
        found[str(row.get("id"))] = row
    return found


def _rows_of(row: dict[str, Any], recordings: dict[str, dict[str, Any]] | None, folder: Path) -> list[dict[str, Any]]:
    if recordings is not None:
        recording = recordings.get(str(row.get("recording_id")))
        if recording is None:
            raise ManifestError(f"recording {row.get('recording_id')!r} is not in the recordings beside it")
        return [_row(row, row, recording, folder)]
    if "recording" not in row:
        raise ManifestError(f"cut {row.get('id')!r} mixes several recordings; save it as audio first")
    supervisions = _dicts(row.get("supervisions") or [], "supervisions")
    if len(supervisions) <= 1:
        return [_row(row, supervisions[0] if supervisions else {}, row["recording"], folder)]
    start = _time(row, "start")
    return [
        _row(
            {**one, "start": start + _time(one, "start"), "channel": one.get("channel", row.get("channel"))},
            one,
            row["recording"],
            folder,
        )
        for one in supervisions
    ]


def _row(part: dict[str, Any], said: dict[str, Any], recording: Any, folder: Path) -> dict[str, Any]:
    for name in ("features_only", "speed", "tempo", "volume"):
        if part.get(name) not in (None, False, 1, 1.0):
            raise ManifestError(f"{name} of {part.get('id')!r} is not applied; save the cut as audio first")
    if not isinstance(recording, dict):
        raise ManifestError(f"the recording of {part.get('id')!r} is no object")
    if recording.get("transforms"):
        raise ManifestError(
            f"the transforms of recording {recording.get('id')!r} are not applied; save it as audio first"
        )
    sources = _dicts(recording.get("sources") or [], "sources")
    if len(sources) != 1 or sources[0].get("type") != "file" or not isinstance(sources[0].get("source"), str):
        kinds = ", ".join(str(one.get("type")) for one in sources) or "none"
        raise ManifestError(f"the sources of recording {recording.get('id')!r} are {kinds}; one of type file is read")
    audio, channels = sources[0]["source"], recording.get("channel_ids") or sources[0].get("channels") or [0]
    if not os.path.isabs(audio) and not os.path.lexists(folder / audio) and os.path.lexists(audio):  # noqa: PTH117
        audio = os.path.abspath(audio)  # noqa: PTH100  # relative to the working folder, as Lhotse has it
    channel = part.get("channel")
    channel = channel[0] if isinstance(channel, list) and len(channel) == 1 else channel
    row = {"id": part.get("id"), "audio": audio, "start": part.get("start"), "duration": part.get("duration")}
    if len(channels) > 1 or channel not in (None, 0):
        row["channel"] = channel
    return row | {name: said[name] for name in ("text", "language", "speaker", "gender") if said.get(name) is not None}


def _dicts(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ManifestError(f"{name} is no list of objects")
    return value


def _time(row: dict[str, Any], name: str) -> float:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ManifestError(f"{name!r} is {value!r}; a time in seconds is expected")
    return float(value)


@hookimpl
def register_readers(register):
    register(Lhotse)
