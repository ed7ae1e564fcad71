"""AISHELL-1 (Bu et al. 2017), https://www.openslr.org/33: read Mandarin, 16 kHz WAV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from megaasr import ManifestError, hookimpl, read_text

from .base import Archive, Row, Source, first_below

TRANSCRIPT = Path("transcript", "aishell_transcript_v0.8.txt")
BETWEEN_CHARACTERS = re.compile(r"(?<![A-Za-z]) +| +(?![A-Za-z])")
"""Spaces that the published word segmentation added; spaces between Latin words are kept."""


class Aishell(Source):
    """Layout: ``data_aishell/wav/PART/SPEAKER/*.wav`` with one transcript file; each speaker is a separate tar."""

    def prepare(self, folder: Path) -> None:
        """Unpack the speakers' archives, such as ``wav/S0002.tar.gz``, in place, and remove them."""
        from ..fetching.unpack import extract  # it loads an HTTP client

        for archive in sorted((folder / "wav").glob("*.tar.gz")):
            extract(archive, archive.parent)
            archive.unlink()

    def locate(self, folder: Path, part: str) -> Path | None:
        """The folder with ``transcript/`` and ``wav/``; ManifestError when the speakers' archives are still packed."""
        root = first_below(folder, lambda candidate: (candidate / TRANSCRIPT).is_file())
        if root is None:
            return None
        if not (root / "wav" / part).is_dir() and any((root / "wav").glob("*.tar.gz")):
            raise ManifestError(
                f"{root / 'wav'}: the speakers' archives are still packed; unpack them there, or name the folder that "
                "holds data_aishell.tgz"
            )
        return root if (root / "wav" / part).is_dir() else None

    def rows(self, root: Path, part: str) -> Iterator[Row]:
        """A row for each recording that has a transcript (a few published recordings have none)."""
        texts = dict(
            line.split(maxsplit=1) for line in read_text(root / TRANSCRIPT).splitlines() if " " in line.strip()
        )
        for path in sorted((root / "wav" / part).glob("*/*.wav")):
            if path.stem in texts:
                yield {
                    "audio": path.relative_to(root).as_posix(),
                    "id": f"aishell-{path.stem}",
                    "text": BETWEEN_CHARACTERS.sub("", texts[path.stem].strip()),
                    "language": "zh",
                    "speaker": f"aishell-{path.parent.name}",
                    "split": part,
                }


AISHELL_1 = Aishell(
    name="aishell-1",
    title="AISHELL-1",
    kind="speech",
    licence="Apache-2.0",
    homepage="https://www.openslr.org/33",
    parts=("train", "dev", "test"),
    usual=("train", "dev", "test"),
    archives=(
        Archive(
            "https://www.openslr.org/resources/33/data_aishell.tgz",
            ("train", "dev", "test"),
            md5="2f494334227864a8a8fec932999db9d8",
        ),
    ),
)


@hookimpl
def register_corpus_sources(register):
    register(AISHELL_1)
