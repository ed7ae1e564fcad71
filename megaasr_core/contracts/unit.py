"""`Unit`: what primitives, rewards, routers and backends have in common — a name and one model of their parameters."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from ..base.validation import build


class Unit(BaseModel):
    """A registered thing whose parameters are its fields.

    The fields feed validation, the command line, the docs and the JSON schema. Instances are frozen. A unit is its
    settings: by them it is compared, and as them it is pickled; what it has loaded stays behind.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    name: ClassVar[str]
    kind: ClassVar[str] = "unit"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Unit) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), self.model_dump_json()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).create, (self.model_dump(),)

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(cls) or "").partition("\n")[0]

    @classmethod
    def create(cls, parameters: dict[str, Any] | None = None) -> Self:
        """Build from plain numbers.

        Raises:
            ParameterError: one line with unit, parameter, value and bound, or the nearest known parameter.
        """
        return build(cls, f"{cls.kind} {cls.name}", f"parameter of {cls.kind} {cls.name}:", parameters or {})
