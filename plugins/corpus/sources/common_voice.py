"""Mozilla Common Voice (Ardila et al. 2020): read sentences in many languages, MP3, one release per language."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from megaasr import ManifestError, ParameterError, hookimpl, one_line

from .base import Row, Source, folders_below

GENDERS = {"male": "m", "male_masculine": "m", "female": "f", "female_feminine": "f"}
"""Spellings in the various releases; other values are kept unchanged."""
HELD_OUT = ("dev", "test")


class CommonVoice(Source):
    """Layout: ``cv-corpus-RELEASE/LANGUAGE/`` with ``clips/*.mp3`` and a tab-separated table for each part.

    The published ``validated`` table contains every clip that two listeners accepted, so also clips of the other
    parts. Here the part ``validated`` excludes clips of the other parts and speakers of dev and test.
    """

    def locate(self, folder: Path, part: str) -> Path | None:
        """The folder with ``clips`` and the part's table; ParameterError if there are several languages."""
        roots = folders_below(folder, lambda path: (path / "clips").is_dir() and (path / f"{part}.tsv").is_file())
        if len(roots) > 1:
            names = ", ".join(path.name for path in roots)
            raise ParameterError(f"{folder}: holds several languages ({names}); name the folder of one language")
        return roots[0] if roots else None

    def rows(self, root: Path, part: str) -> Iterator[Row]:
        """One row per clip, in the order of the table."""
        in_other_parts: set[str] = set()
        held_out: set[str] = set()
        if part == "validated":
            for other in ("train", *HELD_OUT):
                for line in _table(root / f"{other}.tsv"):
                    in_other_parts.add(line["path"])
                    if other in HELD_OUT:
                        held_out.add(line["client_id"])
        for line in _table(root / f"{part}.tsv", required=True):
            if line["path"] in in_other_parts or line["client_id"] in held_out:
                continue
            path = line["path"] if Path(line["path"]).suffix else f"{line['path']}.mp3"  # releases before 4
            optional = {
                "gender": GENDERS.get(line.get("gender") or "", line.get("gender")),
                "accent": line.get("accents") or line.get("accent"),
            }
            yield {
                "audio": f"clips/{path}",
                "id": Path(path).stem,
                "text": line["sentence"],
                "language": line.get("locale") or root.name,
                "speaker": f"cv-{line['client_id'][:32]}",
                **{name: value for name, value in optional.items() if value},
                "split": part,
            }


def _table(path: Path, required: bool = False) -> Iterator[dict[str, str]]:
    """The rows of a tab-separated table; none if it is absent and not required.

    Raises:
        ManifestError: the table cannot be read or lacks a column.
    """
    if not required and not path.is_file():
        return
    try:
        with path.open(encoding="utf-8", newline="") as file:
            table = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            lacking = {"client_id", "path", "sentence"} - set(table.fieldnames or ())
            if lacking:
                raise ManifestError(
                    f"{path}: lacks the column {', '.join(sorted(lacking))}; is it a table of Common Voice?"
                )
            for number, line in enumerate(table, start=2):
                if not (line["client_id"] and line["path"] and line["sentence"]):
                    raise ManifestError(f"{path}, line {number}: client_id, path or sentence is empty")
                yield line
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"cannot read {path}: {getattr(error, 'strerror', None) or one_line(error)}") from error


COMMON_VOICE = CommonVoice(
    name="common-voice",
    title="Common Voice",
    kind="speech",
    licence="CC0 1.0",
    homepage="https://commonvoice.mozilla.org/datasets",
    parts=("train", "dev", "test", "validated"),
    usual=("train", "dev", "test"),
)


@hookimpl
def register_corpus_sources(register):
    register(COMMON_VOICE)
