"""What a router learns from: manifests of recordings, and plans that are rendered on the fly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from megaasr import (
    Audio,
    AudioLimits,
    ManifestError,
    ManifestRow,
    Plugins,
    is_there,
    located_rows,
    manifest_row,
    read_row_audio,
    row_name,
)

Label = Literal[0, 1, "clean", "degraded"]
LABELS: dict[Any, int] = {"clean": 0, "degraded": 1, 0: 0, 1: 1}
EDITS = ("base_edits", "robust_edits")


class Source(BaseModel):
    """Some of the clips of a training: rows of a manifest, or of a corpus plan.

    Args:
        manifest: JSON lines with `audio` (relative to the manifest's folder) and perhaps `label`, `base_edits`,
            `robust_edits`.
        plan: folder that ``megaasr corpus plan`` wrote; rows of scenario ``clean`` or without a step are clean.
        label: of all its rows, instead of theirs.
        outcomes: JSON lines with `id`, `base_edits`, `robust_edits`, joined to the rows by `id` (else `audio`).
        where: only rows whose fields have these values, such as ``{split: train}``.
        limit: so many rows at most, from the first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    manifest: Path | None = None
    plan: Path | None = None
    label: Label | None = None
    outcomes: Path | None = None
    where: dict[str, str | int | float | bool] = {}
    limit: int | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.manifest is None) == (self.plan is None):
            raise ValueError("a source has either a manifest or a plan")
        return self


@dataclass(frozen=True)
class Example:
    """One clip and what is known of it.

    Args:
        key: names it; what is drawn for it depends on that.
        degraded: 1, or 0 where it is clean; None where nobody said.
        base_edits, robust_edits: of its two transcripts against what was said; None where it was not decoded.
        read: gives the sound, at its own rate.
    """

    key: str
    degraded: int | None
    base_edits: float | None
    robust_edits: float | None
    read: Callable[[], Audio]


def open_sources(sources: Sequence[Source], plugins: Plugins) -> list[Example]:
    """Every example of the sources, in order, by the readers of `plugins`; no sound is read yet.

    Raises:
        ManifestError: a file is missing, a row cannot be used, or a source has no rows; one line.
    """
    found = []
    for source in sources:
        rows = _plan_rows(source.plan, plugins) if source.plan else _manifest_rows(source.manifest or Path(), plugins)
        chosen = [pair for pair in rows if all(pair[0].get(name) == value for name, value in source.where.items())]
        chosen = chosen[: source.limit]
        where = source.plan or source.manifest
        if not chosen:
            raise ManifestError(f"{where}: no rows{f' with {source.where}' if source.where else ''}")
        outcomes = _outcomes(source.outcomes) if source.outcomes else {}
        found += [_example(row, read, source, outcomes) for row, read in chosen]
    return found


def _example(
    row: dict[str, Any], read: Callable[[], Audio], source: Source, outcomes: dict[str, dict[str, Any]]
) -> Example:
    key = row_name(row)
    where = f"{source.plan or source.manifest}, row {key!r}"
    label = row.get("label") if source.label is None else source.label
    if not isinstance(label, (str, int, type(None))) or (label is not None and label not in LABELS):
        raise ManifestError(f"{where}: label {label!r} is none of 0, 1, clean, degraded")
    if source.outcomes is not None and key not in outcomes:
        raise ManifestError(f"{where}: has no row of that id in {source.outcomes}")
    base, robust = (_edits({**row, **outcomes.get(key, {})}, name, where) for name in EDITS)
    return Example(key, None if label is None else LABELS[label], base, robust, read)


def _edits(row: dict[str, Any], name: str, where: str) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value < 0:
        raise ManifestError(f"{where}: {name} {value!r} is no number of edits")
    return float(value)


def _outcomes(path: Path) -> dict[str, dict[str, Any]]:
    return {str(row.get("id")): {name: row.get(name) for name in EDITS} for _, row in located_rows(path)}


def _manifest_rows(path: Path, plugins: Plugins) -> list[tuple[dict[str, Any], Callable[[], Audio]]]:
    rows: list[tuple[dict[str, Any], Callable[[], Audio]]] = []
    root = path if path.is_dir() else path.parent
    for where, row in located_rows(path, plugins):
        source = manifest_row(row, root, where)
        if not is_there(source.audio, plugins):
            raise ManifestError(f"{where}: {source.audio} does not exist")
        rows.append((row, _Reader(source, plugins)))
    return rows


def _plan_rows(path: Path, plugins: Plugins) -> list[tuple[dict[str, Any], Callable[[], Audio]]]:
    rows: list[tuple[dict[str, Any], Callable[[], Audio]]] = []
    for where, row in located_rows(path, plugins):
        clean = row.get("scenario") == "clean" or not row.get("effects")
        rows.append(({"label": int(not clean), **row}, _Reader(manifest_row(row, path, where), plugins)))
    return rows


@dataclass(frozen=True)
class _Reader:
    source: ManifestRow
    plugins: Plugins

    def __call__(self) -> Audio:
        return read_row_audio(self.source, AudioLimits(convert=True), self.plugins)
