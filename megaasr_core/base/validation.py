"""Formats pydantic validation errors as one line."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from .errors import ParameterError, shortened, unknown_name

Model = TypeVar("Model", bound=BaseModel)


def first_fault(error: ValidationError, whole: str = "the file", *, with_value: bool = False) -> str:
    """The first error as ``field: message``, or as ``field = value: message``.

    Args:
        whole: name of the validated object, used if the error is not in one of its fields.
        with_value: whether to include the invalid value.
    """
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    shown = f" = {shortened(repr(fault['input']), 60)}" if with_value and where else ""
    return f"{where or whole}{shown}: {fault['msg'].removeprefix('Value error, ')}"


def build(model: type[Model], owner: str, field: str, values: dict[str, Any]) -> Model:
    """Build a pydantic model from plain values.

    Args:
        owner: what the values are of, for messages: ``reward brevity``.
        field: what a name is called that it does not have: ``parameter of reward brevity:``.

    Raises:
        ParameterError: one line with field, value and bound, or the nearest known field.
    """
    try:
        return model(**values)
    except ValidationError as error:
        for name in values:
            if name not in model.model_fields:
                raise ParameterError(str(unknown_name(field, name, model.model_fields))) from error
        raise ParameterError(f"{owner}: {first_fault(error, 'parameters', with_value=True)}") from error
