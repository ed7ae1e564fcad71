"""Results of several runs side by side: whether they can be compared, and the utterances that all of them have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from megaasr import ManifestError, first_fault

Row = dict[str, Any]


class Scored(BaseModel):
    """What a scored row needs to have."""

    metric: Literal["wer", "cer"]
    num_edits: int
    ref_len: int
    substitutions: int
    insertions: int
    deletions: int
    audio_s: float = 0.0
    decoding_s: float = 0.0


def scored_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows that did not fail, each checked; ManifestError where one is no result of `megaasr eval`."""
    scored = [row for row in rows if "error" not in row]
    for row in scored:
        try:
            Scored.model_validate(row, strict=True)
        except ValidationError as error:
            expected = "results of `megaasr eval` are expected"
            raise ManifestError(f"{utterance_of(row)}: {first_fault(error, 'the row')}; {expected}") from error
    return scored


def check_comparable(rows: Sequence[Row], base: Sequence[Row], name: str | None = None) -> None:
    """Whether `base` holds results for just the utterances of `rows` (a manifest or results).

    Args:
        name: what to call `rows` in a complaint, where there are more than two files.

    Raises:
        ManifestError: it does not; one of the utterances is named.
    """
    scored_rows(base)
    ours, theirs = set(_by_utterance(rows)), set(_by_utterance(base))
    if ours != theirs:
        lacking = sorted(ours ^ theirs)
        which = f"{name} and the base" if name else "the two results"
        raise ManifestError(
            f"{which} differ in {len(lacking)} utterances, such as {lacking[0]}; compare like with like"
        )


def paired(base: Sequence[Row], systems: Mapping[str, Sequence[Row]]) -> tuple[list[Row], dict[str, list[Row]]]:
    """The utterances that no system failed on: rows of the base, and of each system in the same order.

    The order is that of the first system, or of the base where there is none.

    Raises:
        ManifestError: the files do not hold the same utterances, or were not scored against the same references.
    """
    for name, own in systems.items():
        scored_rows(own)
        check_comparable(own, base, name if len(systems) > 1 else None)
    theirs = _by_utterance(base)
    found = {name: _by_utterance(own) for name, own in systems.items()}
    first = next(iter(found.values()), theirs)
    everyone = [theirs, *found.values()]
    both = [name for name in first if not any("error" in rows[name] for rows in everyone)]
    for rows in everyone:
        for name in both:
            one, other = rows[name], theirs[name]
            if one["ref_len"] != other["ref_len"]:
                raise ManifestError(f"{name}: scored against references of different length; evaluate both again")
            if one["metric"] != other["metric"]:
                raise ManifestError(f"{name}: scored by {one['metric']} and by {other['metric']}; evaluate both again")
    return [theirs[name] for name in both], {system: [rows[name] for name in both] for system, rows in found.items()}


def utterance_of(row: Row) -> str:
    """What names an utterance: the path of its recording, as the manifest has it."""
    return str(row.get("audio", row.get("audio_path")))


def _by_utterance(rows: Sequence[Row]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows:
        name = utterance_of(row)
        if name in found:
            raise ManifestError(f"utterance {name} occurs twice; paired comparison needs each once")
        found[name] = row
    return found
