"""What a trainer must do before it trains: be documented, and be its configuration and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from ..base.errors import ParameterError
from .checks_unit import can_be_pickled, fields_are_described, has_a_docstring, parameters_survive_json
from .guards import expect
from .plugin_under_test import Subject

NO_SUCH_FIELD = "no_such_field_of_any_trainer"


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a trainer."""
    del subject
    return [
        has_a_docstring,
        fields_are_described,
        parameters_survive_json,
        can_be_pickled,
        unknown_fields_are_refused,
    ]


def unknown_fields_are_refused(subject: Subject) -> None:
    """A field that is misspelt in a configuration must not be ignored: hours later nobody would know."""
    try:
        subject.thing.create({**subject.unit.model_dump(), NO_SUCH_FIELD: 1})
    except ParameterError as error:
        expect(NO_SUCH_FIELD in str(error), f"refuses an unknown field without naming it: {error}")
        return
    expect(False, "takes a field that it does not have; keep extra='forbid' of Unit")
