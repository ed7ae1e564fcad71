"""Divide recorded noise and room responses into the parts train, choose and report.

The train recordings of DATA stay in train. Its dev recordings are divided between choose and report, by category. No
recording of noise and no measurement of a room is in two parts; pauses of a speaker's clips are in the speaker's part.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from megaasr import ManifestError

from . import dataset_files
from .dataset_files import MANIFEST, Row

NOISE = ("noise", "noise_more")
"""Folders of DATA with noise."""
PAUSES = "mic_floor"
"""Category of noise that was cut from the pauses of clips of speech; `recording` begins with the speaker's name."""
DIVIDED = ("report", "choose")


def speaker_in(recording: str, speakers: Mapping[str, str]) -> str | None:
    """The speaker whose name a recording's name begins with, up to a hyphen: ``ls-19`` in ``ls-19-198-0007``."""
    parts = recording.split("-")
    names = ("-".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((name for name in names if name in speakers), None)


def divide_noise(rows: Sequence[Row], part_of: Mapping[str, str]) -> tuple[list[Row], Counter[str]]:
    """The usable rows, each with its part as ``split``, and the number of rows left out by reason.

    Args:
        rows: rows of noise with `recording`, `category` and `split` (train or dev).
        part_of: part of each speaker of DATA: train, choose or report.
    """
    kept: list[Row] = []
    left_out = Counter[str]()
    for row in rows:
        speaker = speaker_in(str(row["recording"]), part_of)
        if row.get("sealed_category"):
            left_out["sealed category"] += 1
        elif speaker is None and row["category"] == PAUSES:  # perhaps a speaker of recordings that are kept elsewhere
            left_out["pause of an unknown speaker"] += 1
        elif speaker is not None and row["split"] == "train" and part_of[speaker] != "train":
            left_out["speaker of choose or report"] += 1
        else:
            named = {} if speaker is None else {"speaker": speaker, "split": part_of[speaker]}
            kept.append({**row, **named})
    return _divided(kept, "recording", "category"), left_out


def divide_rooms(rows: Sequence[Row]) -> list[Row]:
    """The responses of rooms, each with its part as ``split`` and with ``measurement``, equal for all channels."""
    rooms = [row for row in rows if row.get("kind", "room") == "room"]
    named = [{**row, "measurement": f"{row['source']}: {_without_channel(row['audio'])}"} for row in rooms]
    return _divided(named, "measurement", "split")


def _without_channel(audio: str) -> str:
    return re.sub(r"_ch\d+$", "", Path(audio).stem)


def _divided(rows: Sequence[Row], field: str, within: str) -> list[Row]:
    """The rows with the split dev replaced by report or choose: in turn within each value of a field."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        if row["split"] == "dev" and row[field] not in groups.setdefault(str(row[within]), []):
            groups[str(row[within])].append(row[field])
    turn = {name: DIVIDED[place % 2] for names in groups.values() for place, name in enumerate(sorted(names))}
    return [{**row, "split": turn[row[field]]} if row["split"] == "dev" else row for row in rows]


def read_sounds(data: Path, folder: str) -> list[Row]:
    """The rows of DATA/FOLDER/manifest.jsonl, each with the absolute path of its audio as ``from``.

    Raises:
        ManifestError: a row has no split, or no recording and category where it is noise.
    """
    manifest = data / folder / MANIFEST
    rows = dataset_files.read_rows(manifest)
    needed = ("split", "source") if folder not in NOISE else ("split", "source", "recording", "category", "duration_s")
    for number, row in enumerate(rows, start=1):
        missing = [name for name in needed if name not in row]
        if missing:
            raise ManifestError(f"{manifest}, line {number}: lacks {', '.join(missing)}")
    return [{**row, "from": str(manifest.parent.resolve() / row["audio"])} for row in rows]
