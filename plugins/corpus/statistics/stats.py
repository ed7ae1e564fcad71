"""`corpus stats`: counts of a plan or a corpus, computed in one pass with constant memory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from megaasr import ManifestError, first_fault, located_rows

from ..planning.plan_folder import SETTINGS, PlanFolder
from ..rendering.plan_renderer import recipe_of

Row = dict[str, Any]
SEVERITY_BINS = 20
SNR_STEP_DB = 1.0
THIRDS = ("severity 0 to 1/3", "severity 1/3 to 2/3", "severity 2/3 to 1")
SIZES = ("1 effect", "2-3 effects", "4-5 effects")


class Counted(BaseModel, allow_inf_nan=False, strict=True):
    """Fields that are counted of a row."""

    scenario: str
    severity: float = Field(ge=0.0, le=1.0)
    duration_s: float = Field(ge=0.0, le=1e6)
    effects: list[str]
    flags: list[str] = []
    base_flags: list[str] = []
    snr_db: float | None = Field(None, ge=-1e4, le=1e4)
    base_wer: float | None = Field(None, ge=0.0)
    base_num_edits: int | None = Field(None, ge=0, le=10**9)
    base_ref_len: int | None = Field(None, ge=0, le=10**9)


@dataclass
class ErrorSums:
    """Running sums that give a micro-averaged WER and its confidence interval for any number of utterances."""

    utterances: int = 0
    words: int = 0
    edits: int = 0
    _words2: float = 0.0
    _edits2: float = 0.0
    _both: float = 0.0

    def add(self, edits: int, words: int) -> None:
        """Add the edits and reference words of one utterance."""
        self.utterances += 1
        self.words += words
        self.edits += edits
        self._words2 += words * words
        self._edits2 += edits * edits
        self._both += words * edits

    def wer(self) -> dict[str, Any]:
        """WER, its 95 % interval (ratio estimator, by linearisation; Cochran 1977, 2.11), words and utterances."""
        if not self.words:
            return {"wer": None, "low": None, "high": None, "words": 0, "utterances": self.utterances}
        rate = self.edits / self.words
        spread = self._edits2 - 2 * rate * self._both + rate * rate * self._words2
        half = 1.96 * math.sqrt(max(0.0, spread)) / self.words if self.utterances > 1 else None
        low, high = (None, None) if half is None else (max(0.0, rate - half), rate + half)
        return {"wer": rate, "low": low, "high": high, "words": self.words, "utterances": self.utterances}


@dataclass
class CorpusStats:
    """Counts of a corpus. Build it with `corpus_stats`.

    Args:
        samples, failed, duration_s: number of rows, number of rows with an error, total duration of the others.
        scenarios, flags: number of occurrences of each.
        severity: histogram with `SEVERITY_BINS` equal bins over [0, 1].
        snr_db: lower edge of a 1 dB bin -> count, over the samples that have an SNR.
        wer: slice -> sums; the slices are ``all``, each scenario, `SIZES` and `THIRDS`.
        wer_by_severity: sums in ten equal bins over [0, 1].
    """

    samples: int = 0
    failed: int = 0
    duration_s: float = 0.0
    scenarios: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    severity: list[int] = field(default_factory=lambda: [0] * SEVERITY_BINS)
    snr_db: Counter[float] = field(default_factory=Counter)
    wer: dict[str, ErrorSums] = field(default_factory=dict)
    wer_by_severity: list[ErrorSums] = field(default_factory=lambda: [ErrorSums() for _ in range(10)])

    def add(self, row: Row) -> None:
        """Count one row of a corpus."""
        self.samples += 1
        if "error" in row:
            self.failed += 1
            return
        severity = float(row["severity"])
        self.duration_s += float(row["duration_s"])
        self.scenarios[str(row["scenario"])] += 1
        self.flags.update([*row.get("flags", ()), *row.get("base_flags", ())])
        self.severity[_part(severity, SEVERITY_BINS)] += 1
        if row.get("snr_db") is not None:
            self.snr_db[math.floor(row["snr_db"] / SNR_STEP_DB) * SNR_STEP_DB] += 1
        if "base_wer" in row:
            self._add_errors(row, severity)

    def _add_errors(self, row: Row, severity: float) -> None:
        edits, words = int(row["base_num_edits"]), int(row["base_ref_len"])
        size = SIZES[0 if len(row["effects"]) == 1 else 1 if len(row["effects"]) <= 3 else 2]
        for name in ("all", size, THIRDS[_part(severity, 3)], str(row["scenario"])):
            self.wer.setdefault(name, ErrorSums()).add(edits, words)
        self.wer_by_severity[_part(severity, 10)].add(edits, words)

    def as_json(self) -> dict[str, Any]:
        """The statistics as a JSON object."""
        return {
            "samples": self.samples,
            "failed": self.failed,
            "hours": self.duration_s / 3600,
            "scenarios": dict(sorted(self.scenarios.items())),
            "flags": dict(self.flags.most_common()),
            "severity": self.severity,
            "snr_db": {f"{low:g}": count for low, count in sorted(self.snr_db.items())},
            "wer": {name: self.wer[name].wer() for name in self.slices()},
            "wer_by_severity": [sums.wer() for sums in self.wer_by_severity] if self.wer else [],
        }

    def slices(self) -> list[str]:
        """The slices with a WER: all, by number of effects, by severity, then the scenarios in order of falling WER."""
        head = [name for name in ("all", *SIZES, *THIRDS) if name in self.wer]
        rest = [name for name in self.wer if name not in head]
        return head + sorted(rest, key=lambda name: -(self.wer[name].edits / max(1, self.wer[name].words)))


def corpus_stats(source: Path) -> CorpusStats:
    """Compute the statistics of a plan (folder), a corpus (folder or manifest), or a labelled manifest.

    Raises:
        ManifestError: `source` cannot be read, or is none of these.
    """
    stats = CorpusStats()
    for row in _rows(source):
        stats.add(row)
    return stats


def _rows(source: Path) -> Iterator[Row]:
    if not source.is_dir():
        yield from _checked(source)
    elif (source / SETTINGS).exists() or not (source / "manifest.jsonl").exists():
        folder = PlanFolder.open(source)
        for index in range(folder.settings.num_shards):
            yield from map(_as_rendered, folder.rows(index))
    else:
        yield from _checked(source / "manifest.jsonl")


def _checked(manifest: Path) -> Iterator[Row]:
    for number, (where, row) in enumerate(located_rows(manifest), start=1):
        missing = [name for name in ("scenario", "severity", "duration_s", "effects") if name not in row]
        if "error" in row:
            yield row
        elif missing or ("base_wer" in row and None in (row.get("base_num_edits"), row.get("base_ref_len"))):
            lacking = missing[0] if missing else "base_num_edits or base_ref_len"
            raise ManifestError(f"{manifest}, row {number}: has no {lacking}; rows of `megaasr corpus` are expected")
        else:
            try:
                Counted.model_validate(row)
            except ValidationError as error:
                fault = first_fault(error, "the row")
                raise ManifestError(f"{where}: {fault}; rows of `megaasr corpus` are expected") from error
            yield row


def _as_rendered(planned: Row) -> Row:
    """The row that rendering would write for a row of a plan, without the fields that need audio."""
    recipe = recipe_of(planned)
    snrs_db = [step.parameters["snr_db"] for step in recipe.steps if "snr_db" in step.parameters]
    return {
        "scenario": recipe.scenario,
        "severity": recipe.severity,
        "effects": list(dict.fromkeys(step.effect for step in recipe.steps)),
        "snr_db": min((float(one) for one in snrs_db if isinstance(one, (int, float))), default=None),
        "duration_s": recipe.num_samples / recipe.sample_rate,
    }


def _part(share: float, parts: int) -> int:
    return min(int(share * parts), parts - 1)
