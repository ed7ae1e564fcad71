"""Select the rows of results with some value of a field, so that a table can be made of one family.

python -m recipes.tiny.only results/report.base.jsonl --where family=simulated --out results/simulated.base.jsonl
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from megaasr import ManifestError, ParameterError, jsonl_line, read_jsonl, write_text

from . import command
from .dataset_files import Row


def only(rows: list[Row], condition: str) -> list[Row]:
    """The rows with a value of a field.

    Args:
        condition: ``FIELD=VALUE``.

    Raises:
        ParameterError: the condition has another form.
        ManifestError: no row has that value; the message lists those that there are.
    """
    field, sign, value = condition.partition("=")
    if not (field and sign and value):
        raise ParameterError(f"--where {condition!r}: FIELD=VALUE is expected, such as family=simulated")
    chosen = [row for row in rows if str(row.get(field)) == value]
    if not chosen:
        values = sorted({str(row.get(field)) for row in rows})
        raise ManifestError(f"no row has {field} {value!r}; the values of {field} are {', '.join(values[:10])}")
    return chosen


def main(
    results: Annotated[Path, typer.Argument(help="Results of `megaasr eval`.")],
    where: Annotated[str, typer.Option(metavar="FIELD=VALUE", help="The rows to select.")],
    out: Annotated[Path, typer.Option(help="File of the selected rows to write.")],
) -> None:
    """Select rows of a file of results."""
    rows = only(read_jsonl(results), where)
    write_text(out, "".join(map(jsonl_line, rows)))
    command.say(f"{out}: {len(rows)} rows")


if __name__ == "__main__":
    command.run(main)
