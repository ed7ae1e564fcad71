"""What every unit (a primitive, a reward, an engine) must do: be documented, and survive JSON and pickling."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

from ..contracts.unit import Unit
from .guards import attempt, expect, expect_same_after_pickling
from .plugin_under_test import Subject

PICKLING = "define the class at the top of its module and keep state out of it: workers get units by pickling"


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of any unit: those of a kind that has none of its own."""
    del subject
    return [has_a_docstring, fields_are_described, parameters_survive_json, can_be_pickled]


def has_a_docstring(subject: Subject) -> None:
    """Its own docstring, whose first line the listings show."""
    own = inspect.cleandoc(subject.thing.__dict__.get("__doc__") or "")
    expect(
        own.partition("\n")[0].strip(), "has no docstring of its own; its first line is what `megaasr plugins` shows"
    )


def fields_are_described(subject: Subject) -> None:
    """The JSON schema can be made, and every field says what it is."""
    schema = attempt("making its JSON schema", subject.thing.model_json_schema)
    attempt("writing its JSON schema as JSON", lambda: json.dumps(schema, allow_nan=False))
    fields = subject.thing.model_fields
    bare = sorted(name for name, info in fields.items() if not (info.description or "").strip())
    expect(not bare, f"fields without a description: {', '.join(bare)}; write Field(..., description='...')")


def expect_json_round_trip(unit: Unit) -> None:
    """Parameters -> JSON -> parameters is the same unit: recipes and settings files are JSON."""
    text = attempt("writing its parameters as JSON", unit.model_dump_json)
    copy: Any = attempt("reading its own JSON", lambda: type(unit).create(json.loads(text)))
    expect(copy == unit, f"comes back from JSON as {copy!r} and was {unit!r}")


def parameters_survive_json(subject: Subject) -> None:
    """Parameters -> JSON -> parameters is the same unit."""
    expect_json_round_trip(subject.unit)


def can_be_pickled(subject: Subject) -> None:
    """Pickling gives an equal unit."""
    expect_same_after_pickling(subject.unit, PICKLING)
