"""Checks of a trainer before it trains: it is documented, and its fields are its whole configuration."""

from __future__ import annotations

from collections.abc import Callable

from ..base.errors import ParameterError
from . import checks_unit
from .guards import expect
from .plugin_under_test import Subject

NO_SUCH_FIELD = "no_such_field_of_any_trainer"


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a trainer."""
    return [
        *checks_unit.checks(subject),
        unknown_fields_are_refused,
    ]


def unknown_fields_are_refused(subject: Subject) -> None:
    """A misspelt field in a configuration is an error before training, not a setting without effect."""
    try:
        subject.thing.create({**subject.unit.model_dump(), NO_SUCH_FIELD: 1})
    except ParameterError as error:
        expect(NO_SUCH_FIELD in str(error), f"refuses an unknown field without naming it: {error}")
        return
    expect(False, "takes a field that it does not have; keep extra='forbid' of Unit")
