"""Slices of results: by source x category x language, by any field of the rows, and by derived fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from megaasr import ManifestError, MegaasrError, ParameterError, check_severity, language_code, one_line, unknown_name

from .evaluate import subset_parts
from .pairing import utterance_of

Row = dict[str, Any]
Order = tuple[int, float, str]
"""Sort key of a slice among the slices of its field."""

CLEAN = "clean"
"""Name of the slice of undegraded rows, the same for all derived fields."""
DEGRADED = "degraded"
UNKNOWN = "unknown"
"""Source and category of a row that names none."""
SIZES = ((1, "1"), (3, "2-3"), (5, "4-5"))
"""The benchmark's groups by number of effects: the largest number in each group, and the group's name."""
MORE = "6+"
THIRDS = ("low", "middle", "high")
MOST_SLICES = 100
"""Maximum number of values of a field; a continuous field, such as a random SNR, cannot be used for slices."""
SCORED_FIELDS = frozenset(
    {"language", "metric", "normaliser", "prediction", "flags", "route", "adapter", "ref_len", "num_edits"}
)
"""Fields that scoring adds to the rows of a manifest; slicing by them is possible after scoring."""


def slices(rows: Sequence[Row], by: Sequence[str] = ()) -> dict[str, list[Row]]:
    """Group scored rows: ``all (wer)`` first, source x category x language by name, then the slices of each field.

    A row is in several slices of a field if the field has several values: a recording with both effects is in
    ``effect: noise`` and in ``effect: far_field``. If the rows have both metrics, the names of a field's slices include
    the metric, ``effect: noise (cer)``, because WER and CER are never averaged.

    Args:
        rows: scored rows.
        by: names of fields. ``effect``, ``effects`` (their number) and ``severity`` (its third) are derived from the
            fields that `megaasr corpus render` writes, and put all clean rows into the slice ``clean``. Other fields
            are used unchanged; a row without the field is in ``FIELD: none``.

    Raises:
        UnknownNameError: no row has such a field.
        ParameterError: a field has more than `MOST_SLICES` values.
        ManifestError: a derived field is requested but no row has a scenario, or a severity is invalid.
    """
    check_fields(rows, by)
    groups: dict[str, list[Row]] = {}
    for row in rows:
        source, category, _ = subset_parts(row)
        groups.setdefault(f"all ({row['metric']})", []).append(row)
        groups.setdefault(f"{source} / {category} / {language_of(row)}", []).append(row)
    groups = {name: groups[name] for name in sorted(groups, key=lambda name: (not name.startswith("all"), name))}
    several = len({row["metric"] for row in rows}) > 1
    for field in by:
        for name, members in _slices_of(rows, field, several).items():
            groups.setdefault(name, members)  # `clean` is the same in all derived fields
    return groups


def check_fields(rows: Sequence[Row], by: Iterable[str], added: Iterable[str] = ()) -> None:
    """Check, before long work, that each name of `by` can be used to slice these rows.

    Args:
        rows: rows of a manifest or of results.
        by: names of fields.
        added: fields that scoring will add to the rows.

    Raises:
        UnknownNameError: no row has such a field.
        ManifestError: a derived field needs a scenario and no row has one (real recordings are not treated as clean).
    """
    known = {name for row in rows for name in row} | set(added)
    for field in by if rows else ():
        if field in DERIVED and "scenario" not in known:
            raise ManifestError(f"--by {field}: no row has a scenario; rows of `megaasr corpus render` are expected")
        if field not in known | set(DERIVED) | set(SUBSET):
            raise unknown_name("field", field, known | set(DERIVED) | set(SUBSET))


def is_clean(row: Row) -> bool:
    """Whether a recording is undegraded: it has no scenario, the scenario ``clean``, or a scenario without effects."""
    return row.get("scenario") in (None, "", CLEAN) or not _effects_of(row)


def is_degraded(row: Row) -> bool:
    """Whether a row says that its recording is degraded.

    It does by ``condition`` (``degraded`` or ``clean``); without it by a scenario with effects, or by a category other
    than ``clean``. A row that says nothing is not degraded.
    """
    if (condition := row.get("condition")) in (DEGRADED, CLEAN):
        return bool(condition == DEGRADED)
    return not is_clean(row) or subset_parts(row)[1] not in (UNKNOWN, CLEAN)


def severity_of(row: Row) -> float:
    """A row's severity in [0, 1]; ManifestError if it is missing or invalid."""
    value = row.get("severity")
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ParameterError(f"severity {value!r} is not a number")
        return check_severity(value)
    except MegaasrError as error:
        raise ManifestError(f"{utterance_of(row)}: {error}") from error


def language_of(row: Row) -> str:
    """The language code of a scored row."""
    return language_code(subset_parts(row)[2])


def _slices_of(rows: Sequence[Row], field: str, several: bool) -> dict[str, list[Row]]:
    groups: dict[tuple[Order, str, str], list[Row]] = {}
    for row in rows:
        for order, name in _labels(row, field):
            groups.setdefault((order, name, row["metric"]), []).append(row)
    if len(groups) > MOST_SLICES:
        raise ParameterError(f"--by {field}: {len(groups)} different values; at most {MOST_SLICES} are allowed")
    return {
        f"{name} ({metric})" if several else name: groups[order, name, metric] for order, name, metric in sorted(groups)
    }


def _labels(row: Row, field: str) -> list[tuple[Order, str]]:
    """Sort keys and names of the slices of `field` that contain the row."""
    if field in DERIVED:
        if is_clean(row):
            return [((0, 0.0, ""), CLEAN)]
        return [(order, f"{field}: {name}") for order, name in DERIVED[field](row)]
    value = row.get(field)
    if field not in row and field in SUBSET:
        value = SUBSET[field](row)
    values = value if isinstance(value, (list, tuple)) and value else [value]
    return list(dict.fromkeys((order, f"{field}: {name}") for order, name in map(_plain, values)))


def _plain(value: Any) -> tuple[Order, str]:
    """Sort key and name of a field's value: numbers in numerical order, then names, then missing values."""
    if value is None or value == []:
        return (3, 0.0, ""), "none"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (1, float(value), ""), f"{value:g}"
    name = one_line(value)
    return (2, 0.0, name), name


def _effects_of(row: Row) -> list[str]:
    """The effects of a recording: the field ``effects``, or else the parts of the scenario's name."""
    effects = row.get("effects")
    return list(dict.fromkeys(map(str, effects))) if isinstance(effects, list) else str(row.get("scenario")).split("+")


def _effect(row: Row) -> list[tuple[Order, str]]:
    return [((1, 0.0, name), name) for name in _effects_of(row)]


def _size(row: Row) -> list[tuple[Order, str]]:
    number = len(_effects_of(row))
    place, name = next(((largest, name) for largest, name in SIZES if number <= largest), (number, MORE))
    return [((1, float(min(place, SIZES[-1][0] + 1)), ""), name)]


def _third(row: Row) -> list[tuple[Order, str]]:
    third = min(int(severity_of(row) * len(THIRDS)), len(THIRDS) - 1)
    return [((1, float(third), ""), THIRDS[third])]


DERIVED: dict[str, Callable[[Row], list[tuple[Order, str]]]] = {"effect": _effect, "effects": _size, "severity": _third}
SUBSET: dict[str, Callable[[Row], Any]] = {
    "source": lambda row: subset_parts(row)[0],
    "category": lambda row: subset_parts(row)[1],
    "language": lambda row: subset_parts(row)[2],
}
"""Fields that a row may have only as a part of its ``subset``."""
