"""Reader `table`: CSV and TSV with a line of names, such as Common Voice's, as a manifest."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from megaasr import BrokenRow, LocatedRow, ManifestError, Reader, hookimpl, manifest_lines, one_line

SEPARATORS = {".csv": ",", ".tsv": "\t"}


class Table(Reader):
    """Read CSV and TSV files, compressed by gzip or not, whose first line names the columns."""

    name: ClassVar[str] = "table"

    def takes_manifest(self, path: Path) -> bool:
        """Whether it is a file whose name ends in .csv or .tsv, perhaps with .gz."""
        return _suffix(path) in SEPARATORS and os.path.isfile(path)  # noqa: PTH113

    def rows(self, path: Path) -> Iterator[LocatedRow]:
        """A row a line; an empty cell is a field that the row does not have.

        TSV is read as Common Voice writes it: quotes are characters, and no field spans lines.
        """
        is_quoted = _suffix(path) == ".csv"
        numbered = iter(_texts(path))
        places: list[str] = []

        def text() -> Iterator[str]:
            for where, line in numbered:
                places.append(where)
                yield line

        quoting: Any = csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE  # the stubs want literals
        reader = csv.reader(text(), delimiter=SEPARATORS[_suffix(path)], quoting=quoting, strict=is_quoted)
        try:
            names = [name.strip() for name in next(reader, [])]
            if not names:
                return
            if len(set(names)) < len(names):
                raise ManifestError(f"{path}: two columns have one name in {one_line(', '.join(names))}")
            for cells in reader:
                where = places[-1]
                if len(cells) != len(names):
                    fault = f"{where}: has {len(cells)} cells where {len(names)} are named; mend or remove the line"
                    yield where, BrokenRow(ManifestError(fault))
                else:
                    yield where, {name: cell for name, cell in zip(names, cells, strict=True) if cell != ""}
        except csv.Error as error:
            raise ManifestError(f"{places[-1] if places else path}: is no table ({one_line(error)})") from error


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    for number, (where, line) in enumerate(manifest_lines(path)):
        try:
            yield where, line.decode("utf-8-sig" if number == 0 else "utf-8")
        except UnicodeDecodeError as error:
            raise ManifestError(f"{where}: is not UTF-8 ({error.reason}); mend the line") from error


@hookimpl
def register_readers(register):
    register(Table)
