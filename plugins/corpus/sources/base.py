"""Base class of a public corpus: its archives, its parts, and the rows of an unpacked copy."""

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
"""Depth of subfolders that are searched for an unpacked corpus."""
DEV_SHARE = 0.1
"""Share of recordings that go to dev, for a corpus that is published without train and dev splits."""


@dataclass(frozen=True)
class Archive:
    """One file to download.

    Args:
        url: https address.
        parts: the parts of the corpus that it contains.
        md5, sha256: published checksums, hexadecimal; None if not published (the computed one is only recorded).
        also_named: other file names under which the archive is accepted.
        folder: name of the folder that it is unpacked into; from the archive's name if empty.
    """

    url: str
    parts: tuple[str, ...]
    md5: str | None = None
    sha256: str | None = None
    also_named: tuple[str, ...] = ()
    folder: str = ""

    @property
    def name(self) -> str:
        """File name: the last component of the address."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class Source(ABC):
    """A public corpus.

    Args:
        name: name on the command line.
        title: value of a row's ``source``.
        kind: the manifest that its rows belong to: speech, noise or rir.
        licence: licence of rows that do not name another.
        homepage: address of the corpus and its terms.
        parts: names of the parts that can be fetched separately.
        usual: the parts that are fetched by default.
        archives: empty if users must download the corpus by hand.
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
        """The root of a part's unpacked copy, in `folder` or up to `DEPTH` levels below it; None if absent."""

    @abstractmethod
    def rows(self, root: Path, part: str) -> Iterator[Row]:
        """The rows of a part, in a fixed order, from the root that `locate` returned.

        Each row has ``audio`` (relative to `root`), ``split``, the fields of its kind, and ``licence`` or ``source``
        if they differ from those of the corpus. The caller measures the duration.

        Raises:
            ManifestError: the copy lacks its metadata files.
        """

    def prepare(self, folder: Path) -> None:  # noqa: B027 most corpora need no step here
        """Finish the unpacking of an archive in place; for archives that contain archives."""

    def check_parts(self, wanted: tuple[str, ...]) -> None:
        """Raise UnknownNameError for a part that does not exist, ParameterError for a part that is named twice."""
        for part in wanted:
            if part not in self.parts:
                raise unknown_name(f"part of {self.name}", part, self.parts)
            if wanted.count(part) > 1:
                raise ParameterError(f"part {part} of {self.name} is named twice")


def folders_below(folder: Path, is_root: Callable[[Path], bool], depth: int = DEPTH) -> list[Path]:
    """The folders at the smallest depth below `folder` (itself included) for which `is_root` holds, sorted."""
    level = [folder] if folder.is_dir() else []
    for _ in range(depth + 1):
        roots = [path for path in level if is_root(path)]
        if roots:
            return roots
        level = [path for parent in level for path in _subfolders(parent)]
    return []


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:  # an unreadable folder beside the corpus
        return []


def first_below(folder: Path, is_root: Callable[[Path], bool]) -> Path | None:
    """The first folder of `folders_below`, or None."""
    return next(iter(folders_below(folder, is_root)), None)


def split_of(recording: str) -> str:
    """``dev`` for one recording in ten, else ``train``; depends only on the recording's name."""
    uniform = int.from_bytes(blake2b(recording.encode(), digest_size=8).digest(), "big") / 2**64
    return "dev" if uniform < DEV_SHARE else "train"


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
