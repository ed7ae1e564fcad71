"""`Router`: decides, utterance by utterance, whether the base or an adapter listens (Mega-ASR's router)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..base.audio import Audio
from .backend import Transcript
from .unit import Unit
from .utterance import Utterance


@dataclass(frozen=True)
class Route:
    """Where one utterance goes.

    Args:
        adapter: name of a mounted adapter, or None for the base.
        reason: a few words for the report.
        probability: p(degraded), for routers that estimate it.
    """

    adapter: str | None
    reason: str
    probability: float | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.reason, str) and self.reason):
            raise ValueError(f"Route: reason = {self.reason!r}; a text that is not empty is expected")
        if self.probability is not None and not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"Route: probability = {self.probability!r} is outside 0..1")


@dataclass(frozen=True)
class Reviewed:
    """An utterance with its transcript after a decoding, which has its route and flags."""

    utterance: Utterance
    transcript: Transcript

    @property
    def audio(self) -> Audio:
        """The utterance's audio."""
        return self.utterance.audio

    @property
    def reference(self) -> str | None:
        """The words that were spoken, where they are known (evaluation)."""
        return self.utterance.reference


class Router(Unit):
    """A routing policy. `adapter` is a field of every policy that can choose one."""

    kind: ClassVar[str] = "router"
    needs_reference: ClassVar[bool] = False
    """True of policies that only evaluation can serve."""

    @abstractmethod
    def route(self, batch: Sequence[Utterance]) -> list[Route]:
        """One route an utterance, before decoding."""

    def review(self, batch: Sequence[Reviewed]) -> list[Route | None]:
        """A second look: a route to decode the utterance again by, or None to leave it; by default none is."""
        return [None] * len(batch)

    def keep_second(self, first: Sequence[Reviewed], second: Sequence[Reviewed]) -> list[bool]:
        """After a second decoding, whether the second transcript is kept; by default it is."""
        del first
        return [True] * len(second)
