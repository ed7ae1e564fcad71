"""What a public corpus has to say of itself: its archives, its parts, and the rows of an unpacked copy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from megaasr import Kind, ParameterError, hookimpl, unknown_name

Row = dict[str, Any]
Content = Literal["speech", "noise", "rir"]

DEPTH = 3
"""Folders below the one that is named in which an unpacked corpus is looked for."""
DEV_SHARE = 0.1
"""Of the recordings of a corpus that was published without a division into train and dev."""


@dataclass(frozen=True)
class Archive:
    """One file to download.

    Args:
        url: https address.
        parts: of the corpus, which it brings.
        md5, sha256: hex, as the publisher gives them; None where it gives none, and the computed one is only recorded.
        also_named: other names under which people keep it.
        folder: that it is unpacked into; by its own name if empty.
    """

    url: str
    parts: tuple[str, ...]
    md5: str | None = None
    sha256: str | None = None
    also_named: tuple[str, ...] = ()
    folder: str = ""

    @property
    def name(self) -> str:
        """File name, the end of the address."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class Source(ABC):
    """A public corpus.

    Args:
        name: as the command line takes it.
        title: as a row's ``source`` says it.
        kind: which of the three manifests its rows belong to.
        licence: of the rows that do not name another.
        homepage: where its terms are to be read.
        parts: names of what can be fetched by itself.
        usual: the parts that are fetched when none is named.
        archives: none where people must download it themselves.
    """

    name: str
    title: str
    kind: Content
    licence: str
    homepage: str
    parts: tuple[str, ...]
    usual: tuple[str, ...]
    archives: tuple[Archive, ...] = ()

    @abstractmethod
    def locate(self, folder: Path, part: str) -> Path | None:
        """The root of a part's unpacked copy, at a folder or up to `DEPTH` below it; None when it is not there."""

    @abstractmethod
    def rows(self, root: Path, part: str) -> Iterator[Row]:
        """The rows of a part, in a fixed order, from what `locate` found.

        Each has ``audio`` (relative to `root`), ``split``, the fields of its kind, and ``licence`` or ``source`` where
        they are not the corpus's own. The duration is measured by the caller.

        Raises:
            ManifestError: the copy lacks what describes it.
        """

    def prepare(self, folder: Path) -> None:  # noqa: B027 most corpora need nothing
        """Finish the unpacking of an archive, in place; for archives that hold archives."""

    def check_parts(self, wanted: tuple[str, ...]) -> None:
        """Refuse a part that the corpus has not, with UnknownNameError, or that is named twice, with ParameterError."""
        for part in wanted:
            if part not in self.parts:
                raise unknown_name(f"part of {self.name}", part, self.parts)
            if wanted.count(part) > 1:
                raise ParameterError(f"part {part} of {self.name} is named twice")


def folders_below(folder: Path, is_root: Callable[[Path], bool], depth: int = DEPTH) -> list[Path]:
    """The folders nearest to `folder` (itself first) for which `is_root` holds, all of one depth, sorted."""
    level = [folder] if folder.is_dir() else []
    for _ in range(depth + 1):
        found = [one for one in level if is_root(one)]
        if found:
            return found
        level = [one for upper in level for one in _inside(upper)]
    return []


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(one for one in folder.iterdir() if one.is_dir())
    except OSError:  # others' folders beside the corpus
        return []


def first_below(folder: Path, is_root: Callable[[Path], bool]) -> Path | None:
    """The first of `folders_below`."""
    return next(iter(folders_below(folder, is_root)), None)


def split_of(recording: str) -> str:
    """``dev`` for one recording in ten, else ``train``, by its name alone: more recordings change nobody's split."""
    luck = int.from_bytes(blake2b(recording.encode(), digest_size=8).digest(), "big") / 2**64
    return "dev" if luck < DEV_SHARE else "train"


@hookimpl
def register_kinds(register):
    register(
        Kind(
            "corpus_source",
            Source,
            100,
            "A public corpus: its archives, its parts, and the rows of an unpacked copy.",
            checks="megaasr_plugins.corpus.sources.checks:checks",
            template="megaasr_plugins.corpus:templates/corpus_source",
            describe="megaasr_plugins.corpus.sources.description:describe",
        )
    )
