"""Divide recordings into the parts train, choose and report, which share no clip, speaker, sentence, noise or room.

    python -m recipes.tiny.families DATA --out OUT

Writes OUT/choose/FAMILY.jsonl and OUT/report/FAMILY.jsonl for each family of real recordings, OUT/choose.jsonl and
OUT/report.jsonl with all families, and OUT/train.jsonl with the speech that may be trained on. OUT/noise.jsonl has the
noise of all parts, with the part as ``split``, and OUT/rir/PART.jsonl the rooms. Audio paths are relative to the folder
of each manifest.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any

import typer

from megaasr import ManifestError, write_text

from . import command, part_files
from .dataset_files import Row
from .family_rows import FAMILIES, SPEECH, Family, read_folder
from .held_out import HeldOut
from .part_files import Held
from .parts import HELD, PARTS, check_parts, shared_sentences
from .sound_parts import NOISE, divide_noise, divide_rooms, read_sounds

NOT_TRAINED_ON = ("GPL-3.0",)
"""Licences of recordings that weights are not trained on."""


def speaker_order(name: str) -> bytes:
    """Sort key of a speaker; it depends on the name alone, and not on the recordings."""
    return blake2b(name.encode(), digest_size=8).digest()


def assigned(counts: Counter[str], family: Family) -> dict[str, str]:
    """A part, choose or report, for each held-out speaker of a family; the parts get about equal numbers of clips.

    Args:
        counts: number of clips of each speaker that has no part yet.
    """
    most = family.most_per_speaker or max(counts.values(), default=0)
    speakers = sorted(counts, key=speaker_order)
    if family.wanted is None:
        speakers.sort(key=lambda name: -counts[name])  # the parts become most equal in this order
    else:
        speakers.sort(key=lambda name: counts[name] > most)  # clips above the maximum are of use in training only
    part_of: dict[str, str] = {}
    totals = dict.fromkeys(reversed(HELD), 0)
    for speaker in speakers:
        part = min(totals, key=lambda name: totals[name])
        if family.wanted is None or totals[part] < family.wanted:
            part_of[speaker] = part
            totals[part] += min(counts[speaker], most)
    return part_of


def assign(rows: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """The part of each held-out speaker; a speaker of several families has one part.

    Args:
        rows: rows of each family.
    """
    part_of: dict[str, str] = {}
    for family in FAMILIES:
        counts = Counter(row["speaker"] for row in rows[family.name] if row["speaker"] not in part_of)
        part_of |= assigned(counts, family)
    return part_of


def hold_out(rows: Mapping[str, Sequence[Row]], part_of: Mapping[str, str]) -> Held:
    """The rows of choose and report; a sentence of both leaves choose.

    Raises:
        ManifestError: a family has no clip in one of the parts.
    """
    held: Held = {part: {} for part in HELD}
    for part in ("report", "choose"):
        reported = [row for listed in held["report"].values() for row in listed] if part == "choose" else []
        for family in FAMILIES:
            own = [row for row in rows[family.name] if part_of.get(row["speaker"]) == part]
            shared = shared_sentences(own, reported)
            taken = capped([row for index, row in enumerate(own) if index not in shared], family.most_per_speaker)
            if not taken:
                raise ManifestError(f"family {family.name}: no clip is left for {part}; more speakers are needed")
            held[part][family.name] = taken
    return held


def capped(rows: Sequence[Row], most: int | None) -> list[Row]:
    """At most so many rows of each speaker, the first in the order of their clips' digests, which is random."""
    by_speaker: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: str(row["clip"])):
        by_speaker.setdefault(row["speaker"], []).append(row)
    return [row for listed in by_speaker.values() for row in listed[:most]]


def trainable(
    rows: Sequence[Row], part_of: Mapping[str, str], held: Sequence[Row], excluded: Sequence[str]
) -> tuple[list[Row], Counter[str]]:
    """The rows that may be trained on, and the number of rows left out by reason.

    Args:
        part_of: part of each held-out speaker.
        held: rows of choose and report.
        excluded: beginnings of the names of sources that are not trained on.
    """
    shared, ieee, kept, left_out = shared_sentences(rows, held), HeldOut.load(), [], Counter[str]()
    for index, row in enumerate(rows):
        if str(row.get("source", "")).startswith(tuple(excluded)):
            reason = "source excluded"
        elif row["speaker"] in part_of:
            reason = "speaker of choose or report"
        elif row.get("text_in_real_noisy"):
            reason = "sentence of recordings kept elsewhere"
        elif index in shared or ieee.holds(str(row["text"])):
            reason = "sentence of choose, report or the IEEE lists"
        elif str(row.get("licence")).startswith(NOT_TRAINED_ON):
            reason = "licence"
        else:
            kept.append(row)
            continue
        left_out[reason] += 1
    return kept, left_out


def of_family(folders: Mapping[str, Sequence[Row]], family: Family) -> list[Row]:
    """The rows of a family that can be scored with, from the rows of each folder."""
    rows = [row for folder in family.folders for row in folders[folder]]
    return [row for row in rows if str(row.get("source", "")).startswith(family.source) and family.is_usable(row)]


def divide(data: Path, out: Path, excluded: Sequence[str] = ()) -> dict[str, Any]:
    """Write all manifests, and return the summary, which is also written to OUT/summary.json.

    Raises:
        ManifestError: a manifest is missing, a family has too few speakers, or two parts share something.
    """
    names = dict.fromkeys(folder for family in FAMILIES for folder in family.folders)
    folders = {name: read_folder(data, name) for name in names}
    families = {family.name: of_family(folders, family) for family in FAMILIES}
    part_of = assign(families)
    held = hold_out(families, part_of)
    parts = {part: [row for rows in listed.values() for row in rows] for part, listed in held.items()}
    speech = [row for folder in SPEECH for row in folders[folder]]
    train, left_out = trainable(speech, part_of, [row for rows in parts.values() for row in rows], excluded)
    everyone = {row["speaker"]: part_of.get(row["speaker"], "train") for rows in folders.values() for row in rows}
    noise, noise_left_out = divide_noise([row for folder in NOISE for row in read_sounds(data, folder)], everyone)
    rooms = divide_rooms(read_sounds(data, "rir"))
    sounds = {part: [row for row in [*noise, *rooms] if row["split"] == part] for part in PARTS}
    check_parts({"train": [*train, *sounds["train"]], **{part: [*parts[part], *sounds[part]] for part in HELD}})
    part_files.write_families(out, held)
    part_files.write_relative(out / "train.jsonl", [{**row, "split": "train"} for row in train])
    part_files.write_relative(out / "noise.jsonl", noise)
    for part in PARTS:
        part_files.write_relative(out / "rir" / f"{part}.jsonl", [row for row in rooms if row["split"] == part])
    summary: dict[str, Any] = {"speech": part_files.table_of(train, held)}
    summary |= {"sounds": part_files.table_of_sounds(noise, rooms)}
    summary |= {"left_out_of_train": dict(left_out), "noise_left_out": dict(noise_left_out)}
    write_text(out / "summary.json", json.dumps(summary, indent=2) + "\n")
    return summary


def main(
    data: Annotated[
        Path, typer.Argument(help="Folder with speech/, speech_more/, noise/, noise_more/, rir/, dev_real/.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the manifests to.")],
    without: Annotated[
        list[str] | None, typer.Option(metavar="SOURCE", help="Do not train on sources that begin so. Repeatable.")
    ] = None,
) -> None:
    """Divide recordings into train, choose and report, which share no clip, speaker, sentence, noise or room."""
    summary = divide(data, out, without or [])
    command.show(summary["speech"])
    command.show(summary["sounds"])
    command.say(f"left out of train: {summary['left_out_of_train']}; of noise: {summary['noise_left_out']}")


if __name__ == "__main__":
    command.run(main)
