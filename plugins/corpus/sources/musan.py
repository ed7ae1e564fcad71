"""MUSAN (Snyder et al. 2015), https://www.openslr.org/17: noise, music and speech as background, 16 kHz WAV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from megaasr import hookimpl

from .base import Archive, Row, Source, first_below, split_of

PARTS = ("noise", "music", "speech")


class Musan(Source):
    """Layout: ``musan/PART/ORIGIN/*.wav``; each origin's LICENSE file states the terms of every recording."""

    def locate(self, folder: Path, part: str) -> Path | None:
        """The folder named like the part whose subfolders contain recordings."""
        return first_below(folder, lambda path: path.name == part and any(path.glob("*/*.wav")))

    def rows(self, root: Path, part: str) -> Iterator[Row]:
        """One row per recording; its category is the part, so that each part is drawn with equal probability."""
        for path in sorted(root.glob("*/*.wav")):
            yield {
                "audio": path.relative_to(root).as_posix(),
                "category": part,
                "recording": path.stem,
                "source": f"MUSAN {part}/{path.parent.name}",
                "split": split_of(path.stem),
            }


MUSAN = Musan(
    name="musan",
    title="MUSAN",
    kind="noise",
    licence="CC BY 4.0",
    homepage="https://www.openslr.org/17",
    parts=PARTS,
    usual=PARTS,
    archives=(
        Archive("https://www.openslr.org/resources/17/musan.tar.gz", PARTS, md5="0c472d4fc0c5141eca47ad1ffeb2a7df"),
    ),
)


@hookimpl
def register_corpus_sources(register):
    register(MUSAN)
