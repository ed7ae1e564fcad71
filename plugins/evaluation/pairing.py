"""Pairs the results of several runs: checks that they can be compared, and selects the common utterances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from megaasr import ManifestError, audio_name, first_fault, row_name, utterance_name

Row = dict[str, Any]


class Scored(BaseModel):
    """Required fields of a scored row."""

    metric: Literal["wer", "cer"]
    num_edits: int
    ref_len: int
    substitutions: int
    insertions: int
    deletions: int
    audio_s: float = 0.0
    decoding_s: float = 0.0


def scored_rows(rows: Sequence[Row]) -> list[Row]:
    """The validated rows without an error; ManifestError if a row is not a result of `megaasr eval`."""
    scored = [row for row in rows if "error" not in row]
    for row in scored:
        try:
            Scored.model_validate(row, strict=True)
        except ValidationError as error:
            expected = "results of `megaasr eval` are expected"
            raise ManifestError(f"{utterance_of(row)}: {first_fault(error, 'the row')}; {expected}") from error
    return scored


def check_comparable(rows: Sequence[Row], base: Sequence[Row], name: str | None = None) -> None:
    """Check that `base` holds results for exactly the utterances of `rows` (a manifest or results).

    Args:
        rows: rows of a manifest or of results.
        base: results of the base.
        name: name of `rows` in the error message, if there are more than two files.

    Raises:
        ManifestError: the utterances differ; the message names one of them.
    """
    scored_rows(base)
    utterances, base_utterances = set(_by_utterance(rows)), set(_by_utterance(base))
    if utterances != base_utterances:
        lacking = sorted(utterances ^ base_utterances)
        which = f"{name} and the base" if name else "the two results"
        raise ManifestError(
            f"{which} differ in {len(lacking)} utterances, such as {lacking[0]}; compare results on the same utterances"
        )


def paired(base: Sequence[Row], systems: Mapping[str, Sequence[Row]]) -> tuple[list[Row], dict[str, list[Row]]]:
    """The rows of the utterances that no system failed on: of the base, and of each system in the same order.

    The order is that of the first system, or of the base if there are no systems.

    Raises:
        ManifestError: the files do not hold the same utterances, or were not scored against the same references.
    """
    for name, results in systems.items():
        scored_rows(results)
        check_comparable(results, base, name if len(systems) > 1 else None)
    base_rows = _by_utterance(base)
    system_rows = {name: _by_utterance(results) for name, results in systems.items()}
    first = next(iter(system_rows.values()), base_rows)
    all_rows = [base_rows, *system_rows.values()]
    common = [name for name in first if not any("error" in rows[name] for rows in all_rows)]
    for rows in all_rows:
        for name in common:
            row, base_row = rows[name], base_rows[name]
            if row["ref_len"] != base_row["ref_len"]:
                raise ManifestError(f"{name}: scored against references of different length; evaluate both again")
            if row["metric"] != base_row["metric"]:
                raise ManifestError(
                    f"{name}: scored by {row['metric']} and by {base_row['metric']}; evaluate both again"
                )
    return (
        [base_rows[name] for name in common],
        {system: [rows[name] for name in common] for system, rows in system_rows.items()},
    )


def utterance_of(row: Row) -> str:
    """The identifier of an utterance: its recording as in the manifest, and the part of it; else its ``id``."""
    return row_name(row) if audio_name(row) is None else utterance_name(row)


def _by_utterance(rows: Sequence[Row]) -> dict[str, Row]:
    by_name: dict[str, Row] = {}
    for row in rows:
        name = utterance_of(row)
        if name in by_name:
            raise ManifestError(f"utterance {name} occurs twice; a paired comparison needs each utterance once")
        by_name[name] = row
    return by_name
