"""Pairs the results of several runs: checks that they can be compared, and selects the common utterances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from megaasr import (
    REFERENCE_FIELDS,
    ManifestError,
    ParameterError,
    audio_name,
    first_fault,
    language_code,
    row_name,
    tokenise,
    utterance_name,
)

Row = dict[str, Any]


def _is_language(language: str | None) -> str | None:
    try:
        language_code(language)
    except ParameterError as error:
        raise ValueError(str(error)) from error
    return language


Count = Annotated[int, Field(ge=0, le=10**9)]
Duration = Annotated[float, Field(ge=0.0, le=1e9)]
Score = Annotated[float, Field(allow_inf_nan=False, ge=-1e100, le=1e100)]


class Scored(BaseModel):
    """What the rows of `megaasr eval` hold, as far as anything is computed from it."""

    metric: Literal["wer", "cer"]
    num_edits: Count
    ref_len: Count
    substitutions: Count
    insertions: Count
    deletions: Count
    audio_s: Duration = 0.0
    decoding_s: Duration = 0.0
    language: Annotated[str | None, AfterValidator(_is_language)] = None
    normaliser: str | None = None
    flags: list[str] = []
    adapter: str | None = None
    rewards: dict[str, Score | None] = {}
    reward_errors: dict[str, str] = {}


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


CONDITION = ("id", "scenario", "severity", "snr_db", "seed", "epoch")
"""Fields of a manifest that tell two recordings of one name apart, such as two renderings of a corpus."""
MOST_DIFFERENCE_S = 0.01
"""Durations of one recording, as two runs give them, differ by no more."""


def check_comparable(rows: Sequence[Row], base: Sequence[Row], name: str | None = None) -> None:
    """Check that `base` holds results for exactly the utterances of `rows` (a manifest or results), in any order.

    Args:
        rows: rows of a manifest or of results.
        base: results of the base.
        name: name of `rows` in the error message, if there are more than two files.

    Raises:
        ManifestError: the utterances differ, or one occurs twice, or two rows of one utterance have different
            references, languages or conditions; the message names the first.
    """
    scored_rows(base)
    which = f"{name} and the base" if name else "the two results"
    own, of_base = _by_utterance(rows, name or "the results"), _by_utterance(base, "the base")
    if own.keys() != of_base.keys():
        lacking = [utterance for utterance in (*own, *of_base) if (utterance in own) != (utterance in of_base)]
        raise ManifestError(
            f"{which} differ in {len(lacking)} utterances, such as {lacking[0]}; compare results on the same utterances"
        )
    for utterance, row in own.items():
        if fault := _difference(row, of_base[utterance]):
            raise ManifestError(f"{utterance}: {fault}")


def _difference(row: Row, base_row: Row) -> str | None:
    """Why two rows of one name are not of one utterance, or were not scored in the same way; None if they are.

    A field is compared where both rows have it: a row of a manifest has no scores, a failed one neither, and results
    of earlier versions name no normaliser.
    """
    both = row.keys() & base_row.keys()
    for field, verb in (("language", "decoded and scored as"), ("normaliser", "scored by"), ("metric", "scored by")):
        if field in both and _value(row, field) != _value(base_row, field):
            return f"{verb} {row[field]} and {verb.split()[-1]} {base_row[field]}; evaluate both again"
    said, base_said = _reference(row), _reference(base_row)
    if said is not None and base_said is not None and said != base_said:
        language = str(row.get("language", base_row.get("language", "en")))
        if tokenise(said, language) != tokenise(base_said, language):
            return f"the references differ, {shown(said)} and {shown(base_said)}; evaluate both on one manifest"
    for field in CONDITION:
        if field in both and row[field] != base_row[field]:
            return f"{field} {row[field]!r} and {base_row[field]!r}: two recordings of one name; compare equal ones"
    lasts = [one["audio_s"] for one in (row, base_row) if isinstance(one.get("audio_s"), (int, float))]
    if len(lasts) == 2 and abs(lasts[0] - lasts[1]) > MOST_DIFFERENCE_S:
        return f"lasts {lasts[0]:g} s and {lasts[1]:g} s: two recordings of one name; compare equal ones"
    if "ref_len" in both and row["ref_len"] != base_row["ref_len"]:
        return "scored against references of different length; evaluate both again"
    return None


def _value(row: Row, field: str) -> object:
    """The value of a field; a language by its code, since a manifest may name it in another way than results."""
    if field != "language":
        return row[field]
    try:
        return language_code(None if row[field] is None else str(row[field]))
    except ParameterError:
        return row[field]


def _reference(row: Row) -> str | None:
    """What a row was scored against: in results of earlier versions the first of several, which may differ."""
    found = next((row[name] for name in REFERENCE_FIELDS if row.get(name) is not None), None)
    return found if isinstance(found, str) else None


def shown(text: str) -> str:
    """A text in quotes, cut to what a line has room for."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def paired(base: Sequence[Row], systems: Mapping[str, Sequence[Row]]) -> tuple[list[Row], dict[str, list[Row]]]:
    """The rows of the utterances that no system failed on: of the base, and of each system in the same order.

    The order is that of the first system, or of the base if there are no systems.

    Raises:
        ManifestError: the files do not hold the same utterances, or were not scored against the same references.
    """
    for name, results in systems.items():
        scored_rows(results)
        check_comparable(results, base, name if len(systems) > 1 else None)
    base_rows = _by_utterance(base, "the base")
    system_rows = {name: _by_utterance(results, name) for name, results in systems.items()}
    first = next(iter(system_rows.values()), base_rows)
    all_rows = [base_rows, *system_rows.values()]
    common = [name for name in first if not any("error" in rows[name] for rows in all_rows)]
    return (
        [base_rows[name] for name in common],
        {system: [rows[name] for name in common] for system, rows in system_rows.items()},
    )


def utterance_of(row: Row) -> str:
    """The identifier of an utterance: its recording as in the manifest, and the part of it; else its ``id``."""
    return row_name(row) if audio_name(row) is None else utterance_name(row)


def _by_utterance(rows: Sequence[Row], source: str) -> dict[str, Row]:
    by_name: dict[str, Row] = {}
    for number, row in enumerate(rows, start=1):
        name = utterance_of(row)
        if name in by_name:
            first = next(place for place, one in enumerate(rows, start=1) if one is by_name[name])
            raise ManifestError(
                f"{source}: utterance {name} occurs twice, in rows {first} and {number}; "
                "a paired comparison needs each once"
            )
        by_name[name] = row
    return by_name
