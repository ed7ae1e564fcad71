"""Checks of every unit (a primitive, a reward, an engine): it is documented, and survives JSON and pickling."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

from ..base.errors import MegaasrError
from ..contracts.unit import Unit
from .field_bounds import DIMENSIONLESS, UNBOUNDED, missing_bounds, unclear_names, values_at_bounds
from .guards import attempt, expect, expect_same_after_pickling
from .plugin_under_test import Subject

PICKLING = "define the class at the top of its module and keep state out of it: workers get units by pickling"


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of any unit; a kind without checks of its own has these alone."""
    del subject
    return [has_a_docstring, fields_are_described, fields_have_a_bound, parameters_survive_json, can_be_pickled]


def has_a_docstring(subject: Subject) -> None:
    """It has a docstring of its own; the listings show the first line."""
    text = inspect.cleandoc(subject.thing.__dict__.get("__doc__") or "")
    expect(
        text.partition("\n")[0].strip(), "has no docstring of its own; its first line is what `megaasr plugins` shows"
    )


def fields_are_described(subject: Subject) -> None:
    """The JSON schema can be made, and every field has a description."""
    schema = attempt("making its JSON schema", subject.thing.model_json_schema)
    attempt("writing its JSON schema as JSON", lambda: json.dumps(schema, allow_nan=False))
    fields = subject.thing.model_fields
    bare = sorted(name for name, info in fields.items() if not (info.description or "").strip())
    expect(not bare, f"fields without a description: {', '.join(bare)}; write Field(..., description='...')")


def fields_have_bounds(subject: Subject) -> None:
    """Every float field has a lower and an upper bound, or says why not, so that a mistyped number is refused."""
    lacking = [f"{name} lacks {' and '.join(bounds)}" for name, bounds in missing_bounds(subject.thing).items()]
    expect(
        not lacking,
        f"{'; '.join(lacking)}: write Field(..., ge=LOWEST, le=HIGHEST), "
        f"or give the reason as json_schema_extra={{'{UNBOUNDED}': '...'}}",
    )


def fields_have_a_bound(subject: Subject) -> None:
    """Every float field has a bound on at least one side, or says why not."""
    unbounded = [name for name, bounds in missing_bounds(subject.thing).items() if len(bounds) == 2]
    expect(
        not unbounded,
        f"no bound for {', '.join(unbounded)}: write Field(..., ge=LOWEST) or le=HIGHEST or both, "
        f"or give the reason as json_schema_extra={{'{UNBOUNDED}': '...'}}",
    )


def fields_name_their_units(subject: Subject) -> None:
    """The name of every float field tells its unit, or that it has none."""
    unclear = unclear_names(subject.thing)
    expect(
        not unclear,
        f"the unit of {', '.join(unclear)} is not in the name: end it in a unit (_db, _hz, _s, _ms ...), in one of "
        f"{', '.join(DIMENSIONLESS)} for a number without unit, or keep its bounds within -1..1 for a share",
    )


def expect_works_at_bounds(unit: type[Unit], use: Callable[[str, dict[str, Any]], object]) -> None:
    """Use the unit with each numeric field at each of its bounds.

    Args:
        unit: whose fields are tried, one at a time.
        use: takes words for the message and the field's value by name; it raises AssertionError where the unit fails.

    Raises:
        AssertionError: as `use` raises it, unless the unit refuses the value with a MegaasrError of one line.
    """
    for name, value in values_at_bounds(unit):
        at = f"{name} = {value!r}, which its bounds allow"
        try:
            use(at, {name: value})
        except AssertionError as error:
            if isinstance(error.__cause__, MegaasrError) and "\n" not in str(error.__cause__).strip():
                continue
            raise AssertionError(f"{error} ({at})" if at not in str(error) else str(error)) from error.__cause__


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
