"""ESC-50 (Piczak 2015), https://github.com/karolpiczak/ESC-50: 5 s clips of 50 sound classes, 44.1 kHz WAV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from megaasr import ManifestError, hookimpl, one_line

from .base import Archive, Row, Source, first_below

META = Path("meta", "esc50.csv")
COMMIT = "33c8ce9eb2cf0b1c2f8bcf322eb349b6be34dbb6"
DEV_FOLD = 5
"""Fold that becomes dev (the last of five); clips of an original recording are all in the same published fold."""


class Esc50(Source):
    """Layout: ``audio/*.wav`` and ``meta/esc50.csv``.

    The two parts differ in licence: ``esc10`` may be used commercially (CC BY), ``rest`` may not (CC BY-NC).
    """

    def locate(self, folder: Path, part: str) -> Path | None:
        """The folder with ``meta/esc50.csv``; the same for both parts."""
        del part
        return first_below(folder, lambda path: (path / META).is_file())

    def rows(self, root: Path, part: str) -> Iterator[Row]:
        """One row per clip; ``recording`` is the Freesound recording that the clip was cut from."""
        path = root / META
        try:
            with path.open(encoding="utf-8", newline="") as file:
                table = sorted(csv.DictReader(file), key=lambda line: line["filename"])
            for line in table:
                if (line["esc10"] == "True") == (part == "esc10"):
                    yield {
                        "audio": f"audio/{line['filename']}",
                        "category": line["category"],
                        "recording": f"freesound-{line['src_file']}",
                        "licence": "CC BY 3.0" if part == "esc10" else self.licence,
                        "split": "dev" if int(line["fold"]) == DEV_FOLD else "train",
                    }
        except KeyError as error:
            raise ManifestError(f"{path}: lacks the column {error}; is it the table of ESC-50?") from error
        except (OSError, ValueError, csv.Error) as error:
            raise ManifestError(f"cannot read {path}: {getattr(error, 'strerror', None) or one_line(error)}") from error


ESC_50 = Esc50(
    name="esc-50",
    title="ESC-50",
    kind="noise",
    licence="CC BY-NC 3.0",
    homepage="https://github.com/karolpiczak/ESC-50",
    parts=("esc10", "rest"),
    usual=("esc10", "rest"),
    archives=(
        # GitHub may repack the archive of a commit, so its checksum is not stable.
        Archive(
            f"https://github.com/karolpiczak/ESC-50/archive/{COMMIT}.zip",
            ("esc10", "rest"),
            also_named=("ESC-50-master.zip", f"ESC-50-{COMMIT}.zip", "ESC-50.zip", "master.zip"),
            folder="ESC-50",
        ),
    ),
)


@hookimpl
def register_corpus_sources(register):
    register(ESC_50)
