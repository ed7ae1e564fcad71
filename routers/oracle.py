"""oracle: decode both ways and keep the one with fewer edits; the bound that no router can beat. Evaluation only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from megaasr import Reviewed, Route, Router, Utterance, align, hookimpl, tokenise


class Oracle(Router):
    """Decode with base and adapter and keep the transcript with fewer edits; of equals, the base's."""

    name: ClassVar[str] = "oracle"
    needs_reference: ClassVar[bool] = True

    adapter: str = Field("robust", min_length=1, description="name of the mounted adapter")

    def route(self, batch: Sequence[Utterance]) -> list[Route]:
        """The base first."""
        return [Route(None, "base")] * len(batch)

    def review(self, batch: Sequence[Reviewed]) -> list[Route | None]:
        """The adapter for all of them."""
        return [Route(self.adapter, f"oracle: {self.adapter} has fewer edits")] * len(batch)

    def keep_second(self, first: Sequence[Reviewed], second: Sequence[Reviewed]) -> list[bool]:
        """Whether the adapter's transcript has fewer edits; an utterance without a reference keeps the first."""
        return [_edits(b) < _edits(a) for a, b in zip(first, second, strict=True)]


def _edits(one: Reviewed) -> int:
    if one.reference is None:
        return 0
    language = one.transcript.language
    return align(tokenise(one.reference, language), tokenise(one.transcript.text, language)).num_edits


@hookimpl
def register_routers(register):
    register(Oracle)
