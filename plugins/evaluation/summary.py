"""Summarises a file of results: totals, slices, rates, speed, and a paired comparison with another file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from megaasr import normaliser_version

from .intervals import Interval, bootstrap_sums, error_rate, rate_of, relative_of
from .pairing import paired, scored_rows
from .slicing import language_of, slices

Row = dict[str, Any]
FLAGS = ("empty", "repetitive", "truncated", "invented")
RATES = (*FLAGS, "deleted", "adapter")
"""Shares of utterances that `slice_figures` returns, each under ``NAME_rate``."""


def summarise(rows: Sequence[Row], seed: int = 0, by: Sequence[str] = ()) -> dict[str, Any]:
    """Totals and the benchmark's breakdown (source x category x language); failed rows are counted and left out.

    WER and CER are never averaged with each other: there is one total per metric.

    Args:
        rows: result rows, scored or failed.
        seed: seed of the bootstrap.
        by: additional fields to slice by, as for `megaasr_plugins.evaluation.slicing.slices`.

    Raises:
        ManifestError: a row is neither scored nor failed.
        UnknownNameError, ParameterError: a field of `by` cannot be used for slices.
    """
    scored = scored_rows(rows)
    figures = {}
    for name, members in slices(scored, by).items():
        rate = error_rate([row["num_edits"] for row in members], [row["ref_len"] for row in members], seed)
        figures[name] = slice_figures(members, rate)
    audio_s, decoding_s = (sum(row.get(name, 0.0) for row in scored) for name in ("audio_s", "decoding_s"))
    normalisers: dict[str, set[str]] = {}
    for row in scored:
        language = language_of(row)
        normalisers.setdefault(language, set()).add(row.get("normaliser") or normaliser_version(language))
    return {
        "utterances": len(rows),
        "failed": len(rows) - len(scored),
        "slices": figures,
        "audio_s": audio_s,
        "decoding_s": decoding_s,
        "rtfx": audio_s / decoding_s if decoding_s else None,
        "normalisers": {language: "; ".join(sorted(found)) for language, found in sorted(normalisers.items())},
    }


def slice_figures(rows: Sequence[Row], rate: Interval) -> dict[str, Any]:
    """The figures of one slice: counts, error rates (0.1 is 10 %), and shares of its utterances.

    The capped error rate counts at most as many errors in an utterance as it has reference words, so that a few
    endless repetitions do not dominate it. A runaway is an utterance with more errors than reference words. A deleted
    utterance has more than half of its words deleted (`is_deleted`); empty ones are included.

    Args:
        rows: scored rows, at least one.
        rate: error rate of the rows.
    """
    edits, lengths = [row["num_edits"] for row in rows], [row["ref_len"] for row in rows]
    capped = [min(edit, max(length, 1)) for edit, length in zip(edits, lengths, strict=True)]
    return {
        "metric": rows[0]["metric"],
        "utterances": len(rows),
        "tokens": sum(lengths),
        "error_rate": asdict(rate),
        "capped_error_rate": sum(capped) / max(sum(lengths), 1),
        "runaways": sum(edit > max(length, 1) for edit, length in zip(edits, lengths, strict=True)),
        **{name: sum(row[name] for row in rows) for name in ("substitutions", "insertions", "deletions")},
        **{f"{flag}_rate": sum(flag in row.get("flags", ()) for row in rows) / len(rows) for flag in FLAGS},
        "deleted_rate": sum(map(is_deleted, rows)) / len(rows),
        "adapter_rate": sum(row.get("adapter") is not None for row in rows) / len(rows),
    }


def is_deleted(row: Row) -> bool:
    """Whether more than half of the reference words of a scored row are deleted."""
    return bool(2 * row["deletions"] > row["ref_len"])


def compare(rows: Sequence[Row], base: Sequence[Row], seed: int = 0, by: Sequence[str] = ()) -> dict[str, Any]:
    """Paired differences of error rates, slice by slice: `rows` minus `base` on the same utterances.

    ``difference`` is in error rate (0.01 is a percentage point), ``relative_difference`` is edits / base edits - 1,
    both with intervals over the same resamples. ``relative_difference``, and its value as ``relative``, are None if
    the base makes no error.

    Raises:
        ManifestError: the two files do not hold the same utterances, or were not scored against the same references.
        UnknownNameError, ParameterError: a field of `by` cannot be used for slices.
    """
    base_rows, systems = paired(base, {"this": rows})
    common = systems["this"]
    base_row_of = {id(row): base_row for row, base_row in zip(common, base_rows, strict=True)}
    compared = {}
    for label, members in slices(common, by).items():
        columns = [[row["num_edits"] for row in members], [base_row_of[id(row)]["num_edits"] for row in members]]
        edits, base_edits, lengths = bootstrap_sums([*columns, [row["ref_len"] for row in members]], seed)
        relative = relative_of(edits, base_edits)
        compared[label] = {
            "utterances": len(members),
            "tokens": lengths.whole,
            "error_rate": edits.whole / max(lengths.whole, 1),
            "base_error_rate": base_edits.whole / max(lengths.whole, 1),
            "difference": asdict(rate_of(edits - base_edits, lengths)),
            "relative": relative.value if relative else None,
            "relative_difference": asdict(relative) if relative else None,
        }
    return {"utterances": len(common), "failed_in_either": len(rows) - len(common), "slices": compared}
