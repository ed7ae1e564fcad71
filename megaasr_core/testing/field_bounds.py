"""The bounds of a unit's numeric fields: which there are, which are missing, and the values at them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ..contracts.unit import Unit

UNITS = (
    "db", "dbfs", "lufs", "hz", "khz", "kbps", "s", "ms", "us", "ns", "samples", "m", "cm", "mm", "m2", "m3", "deg",
    "rad", "percent", "bits", "octaves", "semitones", "cents", "celsius", "per_s", "per_min", "per_m", "mps", "pa",
)  # fmt: skip
"""What the name of a float field ends in behind ``_``, where it has a unit."""
DIMENSIONLESS = (
    "wet", "mix", "prob", "probability", "ratio", "share", "level", "factor", "exponent", "weight", "scale",
)  # fmt: skip
"""What the name of a float field may be, or end in behind ``_``, where it has no unit.

A field whose bounds lie within -1..1 needs neither: it is taken for a share.
"""
UNBOUNDED = "unbounded"
"""Key of a field's ``json_schema_extra`` under which a reason stands why it has no bounds."""
LOWER, UPPER = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")


def number_schemas(unit: type[Unit]) -> dict[str, dict[str, Any]]:
    """Field -> its JSON schema, of the fields that take one number (or None)."""
    properties: Mapping[str, Any] = unit.model_json_schema().get("properties", {})
    found = {}
    for name, schema in properties.items():
        for part in schema.get("anyOf", [schema]):
            if part.get("type") in {"number", "integer"}:
                found[name] = {**part, UNBOUNDED: schema.get(UNBOUNDED)}
    return found


def values_at_bounds(unit: type[Unit]) -> Iterator[tuple[str, float | int]]:
    """(field, value) at each bound of every numeric field; at an exclusive bound, the nearest value inside."""
    for name, schema in number_schemas(unit).items():
        whole = schema["type"] == "integer"
        for key, inwards in (*((key, math.inf) for key in LOWER), *((key, -math.inf) for key in UPPER)):
            if key in schema:
                bound = schema[key]
                if key.startswith("exclusive"):
                    bound = bound + (1 if inwards > 0 else -1) if whole else math.nextafter(bound, inwards)
                yield name, int(bound) if whole else float(bound)


def missing_bounds(unit: type[Unit]) -> dict[str, list[str]]:
    """The bounds that each float field lacks, in words, where it lacks any and gives no reason for it."""
    lacking = {}
    for name, schema in number_schemas(unit).items():
        if schema["type"] == "number" and not schema[UNBOUNDED]:
            sides = [("a lower bound (ge or gt)", LOWER), ("an upper bound (le or lt)", UPPER)]
            absent = [words for words, keys in sides if not any(key in schema for key in keys)]
            if absent:
                lacking[name] = absent
    return lacking


def unclear_names(unit: type[Unit]) -> list[str]:
    """Float fields whose name ends neither in a unit nor in a word for a number without unit, and that are no share."""
    words = (*UNITS, *DIMENSIONLESS)
    return [
        name
        for name, schema in number_schemas(unit).items()
        if schema["type"] == "number"
        and not any(name == word or name.endswith(f"_{word}") for word in words)
        and not _is_share(schema)
    ]


def _is_share(schema: Mapping[str, Any]) -> bool:
    ends = [next((schema[key] for key in keys if key in schema), math.inf) for keys in (LOWER, UPPER)]
    return all(abs(end) <= 1.0 for end in ends)
