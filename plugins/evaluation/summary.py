"""Summarises a file of results: totals, slices, rates and speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from megaasr import normaliser_version

from .clusters import clusters_of
from .intervals import Interval, bootstrap_sums, rate_of
from .pairing import scored_rows
from .slicing import language_of, slices

Row = dict[str, Any]
FLAGS = ("empty", "repetitive", "truncated", "invented")
RATES = ("empty", "repetitive", "truncated", "adapter")
"""Shares of utterances that `slice_figures` returns under ``NAME_rate``, besides those of `FAILURES`."""
KINDS = ("substitutions", "deletions", "insertions")
FAILURES = ("deleted", "runaways", "invented")
"""Numbers of utterances that `slice_figures` returns: words missing, too many words, and words where none are."""


def summarise(rows: Sequence[Row], seed: int = 0, by: Sequence[str] = (), cluster: str | None = None) -> dict[str, Any]:
    """Totals and the benchmark's breakdown (source x category x language); failed rows are counted and left out.

    WER and CER are never averaged with each other: there is one total per metric.

    Args:
        rows: result rows, scored or failed.
        seed: seed of the bootstrap.
        by: additional fields to slice by, as for `megaasr_plugins.evaluation.slicing.slices`.
        cluster: what the intervals resample, as for `megaasr_plugins.evaluation.clusters.clusters_of`.

    Raises:
        ManifestError: a row is neither scored nor failed, or lacks the field `cluster`.
        UnknownNameError, ParameterError: a field of `by` cannot be used for slices, or there is no field `cluster`.
    """
    scored = scored_rows(rows)
    clusters = clusters_of(scored, cluster)
    figures = {}
    for name, members in slices(scored, by).items():
        edits, capped, lengths = bootstrap_sums(edit_columns(members), seed, clusters.of(members))
        figures[name] = {
            **slice_figures(members, rate_of(edits, lengths), rate_of(capped, lengths)),
            "clusters": len(set(clusters.of(members))),
        }
    audio_s, decoding_s = (sum(row.get(name, 0.0) for row in scored) for name in ("audio_s", "decoding_s"))
    normalisers: dict[str, set[str]] = {}
    for row in scored:
        language = language_of(row)
        normalisers.setdefault(language, set()).add(row.get("normaliser") or normaliser_version(language))
    return {
        "utterances": len(rows),
        "failed": len(rows) - len(scored),
        "clusters": clusters.as_json(),
        "slices": figures,
        "audio_s": audio_s,
        "decoding_s": decoding_s,
        "rtfx": audio_s / decoding_s if decoding_s else None,
        "normalisers": {language: "; ".join(sorted(found)) for language, found in sorted(normalisers.items())},
    }


def edit_columns(rows: Sequence[Row]) -> tuple[list[int], list[int], list[int]]:
    """Edits, capped edits and reference lengths of scored rows.

    Capped edits are at most as many as the utterance has reference words, so that a few endless repetitions do not
    dominate an error rate.
    """
    lengths = [row["ref_len"] for row in rows]
    edits = [row["num_edits"] for row in rows]
    return edits, [min(edit, max(length, 1)) for edit, length in zip(edits, lengths, strict=True)], lengths


def slice_figures(rows: Sequence[Row], rate: Interval, capped_rate: Interval) -> dict[str, Any]:
    """The figures of one slice: counts, error rates (0.1 is 10 %), and shares of its utterances.

    A runaway is an utterance with more errors than reference words. A deleted utterance has more than half of its
    words deleted (`is_deleted`); empty ones are included. An invented one has that flag: words without speech.

    Args:
        rows: scored rows, at least one.
        rate, capped_rate: error rates of the rows, of `edit_columns`.
    """
    flagged = {flag: sum(flag in row.get("flags", ()) for row in rows) for flag in FLAGS}
    deleted = sum(map(is_deleted, rows))
    return {
        "metric": rows[0]["metric"],
        "utterances": len(rows),
        "tokens": sum(row["ref_len"] for row in rows),
        "error_rate": asdict(rate),
        "capped_error_rate": asdict(capped_rate),
        **{name: sum(row[name] for row in rows) for name in KINDS},
        "deleted": deleted,
        "runaways": sum(row["num_edits"] > max(row["ref_len"], 1) for row in rows),
        "invented": flagged["invented"],
        **{f"{flag}_rate": count / len(rows) for flag, count in flagged.items()},
        "deleted_rate": deleted / len(rows),
        "adapter_rate": sum(row.get("adapter") is not None for row in rows) / len(rows),
    }


def is_deleted(row: Row) -> bool:
    """Whether more than half of the reference words of a scored row are deleted."""
    return bool(2 * row["deletions"] > row["ref_len"])
