"""What a file of results adds up to: totals, slices, rates, speed, and a comparison with another file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from ..base.errors import ManifestError
from ..base.text import language_code, normaliser_version
from ..base.validation import first_fault
from .evaluation import subset_parts
from .intervals import error_rate, rate_difference

Row = dict[str, Any]
FLAGS = ("empty", "repetitive", "truncated", "invented")


def summarise(rows: Sequence[Row], seed: int = 0) -> dict[str, Any]:
    """Totals and the benchmark's breakdown (source x category x language); failed rows are counted and left out.

    WER and CER are never averaged with each other: there is one total a metric.

    Raises:
        ManifestError: a row that is neither scored nor failed.
    """
    scored = _scored(rows)
    slices = {name: _slice(own, seed) for name, own in _slices(scored).items()}
    audio_s, decoding_s = (sum(row.get(name, 0.0) for row in scored) for name in ("audio_s", "decoding_s"))
    languages = sorted({_language(row) for row in scored})
    return {
        "utterances": len(rows),
        "failed": len(rows) - len(scored),
        "slices": slices,
        "audio_s": audio_s,
        "decoding_s": decoding_s,
        "rtfx": audio_s / decoding_s if decoding_s else None,
        "normalisers": {language: normaliser_version(language) for language in languages},
    }


class Scored(BaseModel):
    """What the summary needs of a scored row."""

    metric: Literal["wer", "cer"]
    num_edits: int
    ref_len: int
    substitutions: int
    insertions: int
    deletions: int
    audio_s: float = 0.0
    decoding_s: float = 0.0


def _scored(rows: Sequence[Row]) -> list[Row]:
    """The rows that did not fail, each checked; ManifestError where one is no result of `megaasr eval`."""
    scored = [row for row in rows if "error" not in row]
    for row in scored:
        try:
            Scored.model_validate(row, strict=True)
        except ValidationError as error:
            expected = "results of `megaasr eval` are expected"
            raise ManifestError(f"{_utterance(row)}: {first_fault(error, 'the row')}; {expected}") from error
    return scored


def _language(row: Row) -> str:
    return language_code(subset_parts(row)[2])


def _slices(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """``all (wer)`` first, then source x category x language by name."""
    slices: dict[str, list[Row]] = {}
    for row in rows:
        source, category, _ = subset_parts(row)
        slices.setdefault(f"all ({row['metric']})", []).append(row)
        slices.setdefault(f"{source} / {category} / {_language(row)}", []).append(row)
    return {name: slices[name] for name in sorted(slices, key=lambda name: (not name.startswith("all"), name))}


def _slice(rows: Sequence[Row], seed: int) -> dict[str, Any]:
    edits, lengths = [row["num_edits"] for row in rows], [row["ref_len"] for row in rows]
    capped = [min(edit, max(length, 1)) for edit, length in zip(edits, lengths, strict=True)]
    return {
        "metric": rows[0]["metric"],
        "utterances": len(rows),
        "tokens": sum(lengths),
        "error_rate": asdict(error_rate(edits, lengths, seed)),
        "capped_error_rate": sum(capped) / max(sum(lengths), 1),
        "runaways": sum(edit > max(length, 1) for edit, length in zip(edits, lengths, strict=True)),
        **{name: sum(row[name] for row in rows) for name in ("substitutions", "insertions", "deletions")},
        **{f"{flag}_rate": sum(flag in row.get("flags", ()) for row in rows) / len(rows) for flag in FLAGS},
        "adapter_rate": sum(row.get("adapter") is not None for row in rows) / len(rows),
    }


def compare(rows: Sequence[Row], base: Sequence[Row], seed: int = 0) -> dict[str, Any]:
    """Paired differences of error rates, slice by slice: `rows` minus `base` on the same utterances.

    Raises:
        ManifestError: the two files do not hold the same utterances, or were not scored against the same references.
    """
    _scored(rows)
    check_comparable(rows, base)
    ours, theirs = _by_utterance(rows), _by_utterance(base)
    both = [name for name in ours if "error" not in ours[name] and "error" not in theirs[name]]
    for name in both:
        if ours[name]["ref_len"] != theirs[name]["ref_len"]:
            raise ManifestError(f"{name}: scored against references of different length; evaluate both again")
    slices = {}
    for label, own in _slices(ours[name] for name in both).items():
        names = [_utterance(row) for row in own]
        edits, base_edits = [ours[n]["num_edits"] for n in names], [theirs[n]["num_edits"] for n in names]
        lengths = [ours[n]["ref_len"] for n in names]
        difference = rate_difference(edits, base_edits, lengths, seed)
        slices[label] = {
            "utterances": len(names),
            "tokens": sum(lengths),
            "error_rate": sum(edits) / max(sum(lengths), 1),
            "base_error_rate": sum(base_edits) / max(sum(lengths), 1),
            "difference": asdict(difference),
            "relative": sum(edits) / sum(base_edits) - 1.0 if sum(base_edits) else None,
        }
    return {"utterances": len(both), "failed_in_either": len(ours) - len(both), "slices": slices}


def check_comparable(rows: Sequence[Row], base: Sequence[Row]) -> None:
    """Whether `base` holds results for just the utterances of `rows` (a manifest or results); else ManifestError."""
    _scored(base)
    ours, theirs = set(_by_utterance(rows)), set(_by_utterance(base))
    if ours != theirs:
        lacking = sorted(ours ^ theirs)
        raise ManifestError(
            f"the two results differ in {len(lacking)} utterances, such as {lacking[0]}; compare like with like"
        )


def _utterance(row: Row) -> str:
    return str(row.get("audio", row.get("audio_path")))


def _by_utterance(rows: Sequence[Row]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows:
        name = _utterance(row)
        if name in found:
            raise ManifestError(f"utterance {name} occurs twice; paired comparison needs each once")
        found[name] = row
    return found
