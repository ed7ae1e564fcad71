"""always_base: the base model hears everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from megaasr import Route, Router, Utterance, hookimpl


class AlwaysBase(Router):
    """Send every utterance to the base model."""

    name: ClassVar[str] = "always_base"

    def route(self, batch: Sequence[Utterance]) -> list[Route]:
        """One route to the base an utterance."""
        return [Route(None, "base")] * len(batch)


@hookimpl
def register_routers(register):
    register(AlwaysBase)
