"""Formats pydantic validation errors as one line."""

from __future__ import annotations

from pydantic import ValidationError

MOST_SHOWN = 60
"""Maximum number of characters of an invalid value that are shown."""


def first_fault(error: ValidationError, whole: str = "the file", *, with_value: bool = False) -> str:
    """The first error as ``field: message``, or as ``field = value: message``.

    Args:
        error: the validation error.
        whole: name of the validated object, used if the error is not in one of its fields.
        with_value: whether to include the invalid value.
    """
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    value = repr(fault["input"])
    value = value if len(value) <= MOST_SHOWN else f"{value[:MOST_SHOWN]}…"
    shown = f" = {value}" if with_value and where else ""
    return f"{where or whole}{shown}: {fault['msg'].removeprefix('Value error, ')}"
