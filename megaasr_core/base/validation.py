"""What pydantic found wrong, as one line."""

from __future__ import annotations

from pydantic import ValidationError

MOST_SHOWN = 60
"""Characters of a wrong value that are shown."""


def first_fault(error: ValidationError, whole: str = "the file", *, with_value: bool = False) -> str:
    """The first fault as ``where: what``, or ``where = value: what``.

    Args:
        whole: how to call the thing itself, where the fault is not in one of its fields.
    """
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    value = repr(fault["input"])
    value = value if len(value) <= MOST_SHOWN else f"{value[:MOST_SHOWN]}…"
    shown = f" = {value}" if with_value and where else ""
    return f"{where or whole}{shown}: {fault['msg'].removeprefix('Value error, ')}"
