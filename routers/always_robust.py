"""always_robust: the adapter hears everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from megaasr import Route, Router, Utterance, hookimpl


class AlwaysRobust(Router):
    """Send every utterance to the adapter."""

    name: ClassVar[str] = "always_robust"

    adapter: str = Field("robust", min_length=1, description="name of the mounted adapter")

    def route(self, batch: Sequence[Utterance]) -> list[Route]:
        """One route to the adapter an utterance."""
        return [Route(self.adapter, self.adapter)] * len(batch)


@hookimpl
def register_routers(register):
    register(AlwaysRobust)
