"""`Trainer`: makes weights from data, by a configuration that is its fields; `TrainContext`: what it works with."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..base.errors import ManifestError, one_line
from .engine import Engine
from .unit import Unit

if TYPE_CHECKING:
    from ..discovery.plugins import Plugins

MANIFESTS = ("*.json", "*.jsonl")
"""What is digested of a folder that a configuration names, such as a plan."""


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
        `TrainContext.data_digests`), is refused; `megaasr.claim_identity` does that.

        Returns:
            What to tell the user: a JSON object of figures and of the paths that were written.

        Raises:
            MegaasrError: in one line; data that cannot be read is found before the first step, not after the last.
        """


def data_digests(trainer: Trainer) -> dict[str, str]:
    """BLAKE2b-128, hex, of the content of every file that a path of the configuration names.

    Of a folder, such as a plan, the manifests at its top are digested. Recordings that manifests name are not.

    Returns:
        Path, as the configuration has it, to digest.

    Raises:
        ManifestError: a file or folder that cannot be read.
    """
    return {str(path): _digest(path) for path in sorted(set(_paths(trainer.model_dump())))}


@dataclass(frozen=True)
class TrainContext:
    """What a trainer works with besides its configuration.

    Args:
        plugins: everything that is registered; backends, routers and readers are taken from here.
        engine: for work that can be spread over processes; None: the trainer does it itself.
        log: for what a user may want to know during the training.
        data_digests: called with the trainer; path to digest of the content of each manifest of its configuration.
    """

    plugins: Plugins
    engine: Engine | None = None
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("megaasr.train"))
    data_digests: Callable[[Trainer], Mapping[str, str]] = data_digests


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _paths(one)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            yield from _paths(one)


def _digest(path: Path) -> str:
    digest = blake2b(digest_size=16)
    files = sorted(one for pattern in MANIFESTS for one in path.glob(pattern)) if path.is_dir() else [path]
    try:
        for file in files:
            digest.update(f"{file.name}:{file.stat().st_size}:".encode())
            with file.open("rb") as content:
                while block := content.read(2**20):
                    digest.update(block)
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror or one_line(error)}") from error
    return digest.hexdigest()
