"""Rewards of evaluated rows: from a row to what a reward scores, and from scores to a row and a summary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from megaasr import (
    REFERENCE_FIELDS,
    ComposedReward,
    ManifestError,
    ParameterError,
    Plugins,
    RewardSample,
    RunRecord,
    TermScores,
    fingerprint,
    jsonl_line,
    language_code,
    plugins_identity,
    reference_of,
    write_record,
    write_text,
)

from .evaluate import ADDED_LATER, REWARD_ERRORS, REWARDS, subset_parts
from .pairing import scored_rows

Row = dict[str, Any]
NOT_META = ADDED_LATER | {"prediction", "language", *REFERENCE_FIELDS}
"""Fields of a row that are not in the `meta` of its sample."""


def sample_of(row: Mapping[str, Any], where: str, language: str | None = None) -> RewardSample:
    """What a reward scores of a row that `megaasr eval` wrote.

    Args:
        row: with ``prediction``, and the reference as `reference_of` reads it (null where it is unknown); all its other
            fields are `meta`.
        where: begins the message, e.g. ``results.jsonl, line 3``.
        language: of a row that names none.

    Raises:
        ManifestError: the row has no prediction or reference, two references that differ, or a language that is none.
    """
    if not isinstance(row.get("prediction"), str) or row.keys().isdisjoint(REFERENCE_FIELDS):
        raise ManifestError(
            f"{where}: needs 'prediction' and 'answer' or 'text', each a text; it has {', '.join(row) or 'nothing'}; "
            "results of `megaasr eval` are expected"
        )
    spoken = row.get("language") or subset_parts(dict(row))[2] or language
    try:
        reference = reference_of(row)
        code = language_code(spoken if spoken is None else str(spoken))
    except (ManifestError, ParameterError) as error:
        raise ManifestError(f"{where}: {error}") from error
    meta = {name: value for name, value in row.items() if name not in NOT_META}
    return RewardSample(row["prediction"], reference, code, meta)


def add_rewards(rows: Sequence[Row], composed: ComposedReward) -> list[Row]:
    """The rows, those that did not fail with the scores of a composed reward under ``rewards``."""
    scored = [index for index, row in enumerate(rows) if "error" not in row]
    batch = [sample_of(rows[index], str(rows[index].get("audio", f"row {index + 1}"))) for index in scored]
    columns = composed.term_scores(batch)
    result = [{name: value for name, value in row.items() if name not in (REWARDS, REWARD_ERRORS)} for row in rows]
    for place, index in enumerate(scored):
        result[index][REWARDS] = {term: column.scores[place] for term, column in columns.items()}
        failed = {term: column.errors[place] for term, column in columns.items() if place in column.errors}
        if failed:
            result[index][REWARD_ERRORS] = failed
    return result


def rewarded(rows: Iterable[Row], composed: ComposedReward | None, batch_size: int) -> Iterator[Row]:
    """As `add_rewards`, for rows that come one at a time; at most `batch_size` of them are scored together.

    Without a composed reward the rows are handed on as they are.
    """
    stream = iter(rows)
    if composed is None:
        yield from stream
        return
    while batch := list(islice(stream, batch_size)):
        yield from add_rewards(batch, composed)


def rewards_identity(composed: ComposedReward, text: str, plugins: Plugins) -> dict[str, Any]:
    """The part ``rewards`` of a run's identity.

    Args:
        text: of the file that describes the composed reward.
    """
    units = [(reward.kind, reward.name) for reward in composed.rewards]
    return {"composition": fingerprint(text), "plugins": plugins_identity(plugins, units)}


def rescored(
    results: Path, rows: Sequence[Row], composed: ComposedReward, run: RunRecord | None, identity: Mapping[str, Any]
) -> tuple[list[Row], RunRecord | None]:
    """Add ``rewards`` to the rows of an earlier evaluation, there too, and to the record of its run.

    Args:
        run: that made the rows, where it is recorded.
        identity: of the composed reward.
    """
    scored = add_rewards(rows, composed)
    text = "".join(map(jsonl_line, scored))
    if run is not None:
        run = replace(run, identity={**run.identity, "rewards": identity})
        write_record(results, run, text.encode())
    write_text(results, text)
    return scored, run


def columns_of(rows: Sequence[Row]) -> dict[str, TermScores]:
    """The scores of each term, from rows of `add_rewards`; rows that failed in the evaluation are left out.

    Raises:
        ManifestError: a row without ``rewards``, or as `scored_rows`.
    """
    scored = scored_rows(rows)
    for row in scored:
        if REWARDS not in row:
            raise ManifestError(f"{row.get('audio')}: has no {REWARDS!r}; evaluate again with --compose")
    return {
        term: TermScores(
            [row[REWARDS].get(term) for row in scored],
            {place: row[REWARD_ERRORS][term] for place, row in enumerate(scored) if term in row.get(REWARD_ERRORS, {})},
        )
        for term in (scored[0][REWARDS] if scored else ())
    }


def rewards_summary(columns: Mapping[str, TermScores]) -> dict[str, Any]:
    """``{"rewards": {term: TermScores.summary()}}``, or nothing where there are no terms."""
    return {"rewards": {term: column.summary() for term, column in columns.items()}} if columns else {}


def failure_lines(columns: Mapping[str, TermScores], names: Sequence[str]) -> list[str]:
    """One line for each term that failed on some rows, with the first of them; not for a total of such terms.

    Args:
        names: of the rows, for people.
    """
    lines: list[str] = []
    reported: set[tuple[int, str]] = set()
    for term, column in columns.items():
        if not column.errors.items() <= reported:
            first = min(column.errors)
            lines.append(
                f"term {term} failed on {len(column.errors)} of {len(column.scores)} rows, the first {names[first]}: "
                f"{column.errors[first]}"
            )
        reported |= column.errors.items()
    return lines
