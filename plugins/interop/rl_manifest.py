"""Reader `rl`: the RL JSONL, as `megaasr corpus rl` and others write it for ms-swift, as a manifest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from megaasr import BrokenRow, LocatedRow, ManifestError, Reader, hookimpl, manifest_lines, parse_row, parsed_row

from ..corpus.labelling.rl_rows import is_rl_row, labelled_row

SUFFIXES = (".jsonl", ".jsonl.gz")
LOOKED_AT = 20
"""Lines in which the first row that can be read is looked for."""


class RlManifest(Reader):
    """Read rows with ``messages`` and ``audios`` (also ``solution``, ``prediction``, ``base_wer``, ``meta``)."""

    name: ClassVar[str] = "rl"

    def takes_manifest(self, path: Path) -> bool:
        """Whether its name is that of JSON lines, and its first readable row that of the RL JSONL."""
        if not path.name.endswith(SUFFIXES) or not os.path.isfile(path):  # noqa: PTH113
            return False
        try:
            for _, (where, line) in zip(range(LOOKED_AT), manifest_lines(path), strict=False):
                row = parsed_row(line, where)
                if not isinstance(row, BrokenRow):
                    return is_rl_row(row)
        except ManifestError:
            return False
        return False

    def rows(self, path: Path) -> Iterator[LocatedRow]:
        """A row as `corpus label` writes it for each line; see `labelled_row`."""
        for where, line in manifest_lines(path):
            try:
                yield where, labelled_row(parse_row(line, where), where)
            except ManifestError as error:
                yield where, BrokenRow(error)


@hookimpl
def register_readers(register):
    register(RlManifest)
