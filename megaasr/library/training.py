"""What trainers work with: `TrainContext`, and digests of the data that a configuration names."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from megaasr_core.base.errors import ManifestError, one_line
from megaasr_core.contracts.engine import Engine
from megaasr_core.contracts.trainer import Trainer
from megaasr_core.contracts.unit import Unit

from .code_identity import code_identity
from .data_identity import data_identity
from .run_identity import Identity, plugins_identity, unit_identity

if TYPE_CHECKING:
    from megaasr_core.discovery.plugins import Plugins

MANIFESTS = ("*.json", "*.jsonl", "wav.scp", "text", "segments", "utt2lang")
"""What is digested of a folder that a configuration names, such as a plan."""


def data_digests(trainer: Trainer) -> dict[str, str]:
    """BLAKE2b-128, hex, of the content of every file that a path of the configuration names.

    Of a folder, such as a plan, the manifests at its top are digested. Recordings that manifests name are not, nor
    files beside a manifest that its reader reads: see `TrainContext.identity`.

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

    def identity(self, trainer: Trainer, manifests: Iterable[Path], units: Iterable[Unit] = ()) -> Identity:
        """What decides the result of a training besides its settings, for `megaasr.claim_identity`.

        Args:
            trainer: its configuration.
            manifests: that it reads, in order; their rows count as their readers give them, and size and time of change
                of the recordings that they name.
            units: that it uses, such as the backend; each is a part under the name of its kind.

        Returns:
            The parts ``code``, ``plugins``, ``manifest``, ``recordings``, one for each unit, and ``content of PATH``
            for each of `data_digests`.

        Raises:
            ManifestError: a manifest cannot be read.
            MegaasrError: a file of a unit cannot be read.
        """
        used = list(units)
        names = [(trainer.kind, trainer.name), *((unit.kind, unit.name) for unit in used)]
        return {
            **{f"content of {path}": digest for path, digest in self.data_digests(trainer).items()},
            "code": code_identity(),
            **{unit.kind: unit_identity(unit) for unit in used},
            "plugins": plugins_identity(self.plugins, names),
            **data_identity(manifests, self.plugins),
        }


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, Mapping):
        yield from _paths(list(value.values()))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _paths(item)


def _digest(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    files = sorted(file for pattern in MANIFESTS for file in path.glob(pattern)) if path.is_dir() else [path]
    try:
        for file in files:
            digest.update(f"{file.name}:{file.stat().st_size}:".encode())
            with file.open("rb") as content:
                hashlib.file_digest(content, lambda: digest)
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror or one_line(error)}") from error
    return digest.hexdigest()
