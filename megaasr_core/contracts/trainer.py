"""`Trainer`: makes weights from data, by a configuration that is its fields."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from .unit import Unit

if TYPE_CHECKING:
    from megaasr.library.training import TrainContext


@runtime_checkable
class InspectableTrainer(Protocol):
    """Structural contract; a trainer with these members can show what it works on (``megaasr train --inspect N``)."""

    def inspect(self, count: int, context: TrainContext) -> Iterator[dict[str, Any]]:
        """The first `count` things that a training works on, as JSON objects; nothing is trained or written."""

    def lines_of(self, found: dict[str, Any]) -> list[str]:
        """One of them as lines for a terminal, perhaps with ANSI colours."""


class Trainer(Unit):
    """A training recipe; its fields are the configuration, written as YAML for ``megaasr train NAME CONFIG.yaml``.

    Paths in the fields are absolute, or relative to the folder in which the command runs.
    """

    kind: ClassVar[str] = "trainer"

    @abstractmethod
    def train(self, out: Path, context: TrainContext) -> dict[str, Any]:
        """Train, and write everything that comes of it below the folder `out`, each file whole or not at all.

        A run that was killed goes on where it stopped when it is started again with the same configuration and the same
        folder, and ends as if it had never been stopped. A folder of another configuration, or of other data (see
        `TrainContext.identity`), is refused; `megaasr.claim_identity` does that.

        Returns:
            What to tell the user: a JSON object of figures and of the paths that were written.

        Raises:
            MegaasrError: in one line; data that cannot be read is found before the first step, not after the last.
        """
