"""The three parts of the recipe's data, and the check that they share no clip, voice, sentence, noise or room.

    python -m recipes.tiny.parts --train M.jsonl --choose M.jsonl --report M.jsonl

The adapter and the router are trained on `train`; checkpoints, scales and thresholds are chosen on `choose`; tables are
made of `report`. Every option can be repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import combinations
from pathlib import Path
from typing import Annotated

import typer

from megaasr import ManifestError, normalise

from . import command, dataset_files
from .dataset_files import Row
from .held_out import HeldOut, grams_of

PARTS = ("train", "choose", "report")
HELD = ("choose", "report")
"""Parts that are not trained on."""
IDENTITIES = {
    "clip": ("clip",),
    "speaker": ("speaker", "speakers"),
    "noise recording": ("recording", "recordings"),
    "room measurement": ("measurement",),
}
"""Fields of a row, each a name or a list of names, that must differ between parts, by what they identify."""


def sentence_of(text: str) -> str:
    """A digest of a text's normalised words, 12 hex digits: equal for equal sentences, whatever their spelling."""
    return blake2b(normalise(text).encode(), digest_size=6).hexdigest()


def names_of(row: Row, fields: Sequence[str]) -> Iterator[str]:
    """The names in these fields of a row; fields that are missing or null have none."""
    for field in fields:
        value = row.get(field)
        yield from map(str, value if isinstance(value, list) else [] if value is None else [value])


def shared_sentences(rows: Sequence[Row], others: Sequence[Row]) -> dict[int, int]:
    """The rows that share a sentence with another row, by the rule of `HeldOut` in both directions.

    Returns:
        Index among `rows` of each row whose text holds the text of a row of `others` or is held by it, and the index of
        the first such row. Rows without a text share none.
    """
    grams, other_grams = ([grams_of(str(row.get("text", ""))) for row in listed] for listed in (rows, others))
    ours, theirs = HeldOut(grams), HeldOut(other_grams)
    found = {index: matches[0] for index, own in enumerate(grams) if (matches := theirs.matches(own))}
    for other, own in enumerate(other_grams):
        for index in ours.matches(own):
            found[index] = min(found.get(index, other), other)
    return found


def check_parts(parts: Mapping[str, Sequence[Row]]) -> None:
    """Check that no two parts share a clip, a speaker, a sentence, a recording of noise or a measured room.

    Args:
        parts: rows of speech, noise and room responses, by the name of their part.

    Raises:
        ManifestError: two parts share something; the message names the first such thing and a row of each part.
    """
    for (first, rows), (second, others) in combinations(parts.items(), 2):
        for kind, fields in IDENTITIES.items():
            holders = {name: row for row in reversed(rows) for name in names_of(row, fields)}
            for other in others:
                for name in names_of(other, fields):
                    if name in holders:
                        where = f"{first} ({holders[name]['audio']}) and {second} ({other['audio']})"
                        raise ManifestError(f"{kind} {name} is in {where}; remove it from one of these parts")
        for index, match in sorted(shared_sentences(rows, others).items()):
            row, other = rows[index], others[match]
            raise ManifestError(
                f"{first} and {second} share a sentence: {row['text']!r} ({row['audio']}) and {other['text']!r} "
                f"({other['audio']}); remove it from one of these parts"
            )


Manifests = Annotated[list[Path], typer.Option(metavar="M.jsonl", help="Manifest of this part. Repeatable.")]


def main(train: Manifests, choose: Manifests, report: Manifests) -> None:
    """Check that the parts share no clip, speaker, sentence, noise recording or room measurement."""
    given = dict(zip(PARTS, (train, choose, report), strict=True))
    parts = {
        part: [row for path in paths for row in dataset_files.read_any_rows(path)] for part, paths in given.items()
    }
    check_parts(parts)
    command.say("disjoint: " + ", ".join(f"{part} {len(rows)} rows" for part, rows in parts.items()))


if __name__ == "__main__":
    command.run(main)
