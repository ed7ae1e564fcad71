"""Slices of results: source x category x language, and by any field that the rows carry or that is derived of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from megaasr import ManifestError, MegaasrError, ParameterError, check_severity, language_code, one_line, unknown_name

from .evaluate import subset_parts
from .pairing import utterance_of

Row = dict[str, Any]
Order = tuple[int, float, str]
"""Where a slice stands among those of its field."""

CLEAN = "clean"
"""The slice of the rows that nothing was done to, whichever derived field is asked for."""
SIZES = ((1, "1"), (3, "2-3"), (5, "4-5"))
"""The benchmark's groups by number of effects: the largest number in each, and its name."""
MORE = "6+"
THIRDS = ("low", "middle", "high")
MOST_SLICES = 100
"""Values of one field; a field with more, such as an SNR that was drawn, does not divide results into groups."""
SCORED_FIELDS = frozenset({"language", "metric", "prediction", "flags", "route", "adapter", "ref_len", "num_edits"})
"""Fields that scoring adds, by which the rows of a manifest can be sliced once they are scored."""


def slices(rows: Sequence[Row], by: Sequence[str] = ()) -> dict[str, list[Row]]:
    """Divide scored rows: ``all (wer)`` first, source x category x language by name, then the slices of each field.

    A row stands in several slices of one field where the field has several values: ``effect: noise`` and
    ``effect: far_field`` hold a recording with both. Where rows are scored by both metrics, a slice of a field says its
    own, ``effect: noise (cer)``, since the two are never averaged.

    Args:
        by: names of fields; ``effect``, ``effects`` (how many) and ``severity`` (its third) are derived of the fields
            that `megaasr corpus render` writes, and put what is clean into the one slice ``clean``. Other fields are
            taken as they are; a row without one is in ``FIELD: none``.

    Raises:
        UnknownNameError: no row has such a field.
        ParameterError: a field has more than `MOST_SLICES` values.
        ManifestError: a derived field without any scenario, or a severity that is none.
    """
    check_fields(rows, by)
    found: dict[str, list[Row]] = {}
    for row in rows:
        source, category, _ = subset_parts(row)
        found.setdefault(f"all ({row['metric']})", []).append(row)
        found.setdefault(f"{source} / {category} / {language_of(row)}", []).append(row)
    found = {name: found[name] for name in sorted(found, key=lambda name: (not name.startswith("all"), name))}
    several = len({row["metric"] for row in rows}) > 1
    for field in by:
        for name, own in _slices_of(rows, field, several).items():
            found.setdefault(name, own)  # `clean` is the same in all derived fields
    return found


def check_fields(rows: Sequence[Row], by: Iterable[str], added: Iterable[str] = ()) -> None:
    """Whether each name of `by` can divide these rows, before long work.

    Args:
        added: fields that the rows will have.

    Raises:
        UnknownNameError: no row has such a field.
        ManifestError: no row has a scenario, and it is derived of that. Real recordings are not clean for want of one.
    """
    known = {name for row in rows for name in row} | set(added)
    for field in by if rows else ():
        if field in DERIVED and "scenario" not in known:
            raise ManifestError(f"--by {field}: no row has a scenario; rows of `megaasr corpus render` are expected")
        if field not in known | set(DERIVED) | set(SUBSET):
            raise unknown_name("field", field, known | set(DERIVED) | set(SUBSET))


def is_clean(row: Row) -> bool:
    """Whether nothing was done to a recording: it has no scenario, or the scenario ``clean``, or one of no effects."""
    return row.get("scenario") in (None, "", CLEAN) or not _effects_of(row)


def severity_of(row: Row) -> float:
    """A row's severity in [0, 1]; ManifestError when it has none."""
    value = row.get("severity")
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ParameterError(f"severity {value!r} is no number")
        return check_severity(value)
    except MegaasrError as error:
        raise ManifestError(f"{utterance_of(row)}: {error}") from error


def language_of(row: Row) -> str:
    """The language of a scored row, as its code."""
    return language_code(subset_parts(row)[2])


def _slices_of(rows: Sequence[Row], field: str, several: bool) -> dict[str, list[Row]]:
    found: dict[tuple[Order, str, str], list[Row]] = {}
    for row in rows:
        for order, name in _labels(row, field):
            found.setdefault((order, name, row["metric"]), []).append(row)
    if len(found) > MOST_SLICES:
        raise ParameterError(f"--by {field}: {len(found)} different values; at most {MOST_SLICES} make slices")
    return {
        f"{name} ({metric})" if several else name: found[order, name, metric] for order, name, metric in sorted(found)
    }


def _labels(row: Row, field: str) -> list[tuple[Order, str]]:
    """The names of the slices of `field` that the row is in, each with its place."""
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
    """Numbers by size, then names, then what is absent."""
    if value is None or value == []:
        return (3, 0.0, ""), "none"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (1, float(value), ""), f"{value:g}"
    name = one_line(value)
    return (2, 0.0, name), name


def _effects_of(row: Row) -> list[str]:
    """The effects of a recording: its own list, else the parts of the scenario's name."""
    own = row.get("effects")
    return list(dict.fromkeys(map(str, own))) if isinstance(own, list) else str(row.get("scenario")).split("+")


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
"""Fields that a row may have in its ``subset`` alone."""
