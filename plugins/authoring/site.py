"""`write_site`: the documentation of some plugins as a folder of Markdown, pictures and sounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from megaasr import OutputError, ParameterError, write_text

from . import condition_pages
from .chosen import Chosen
from .condition_sounds import open_material
from .reference import reference


@dataclass(frozen=True)
class SiteReport:
    """What was written.

    Args:
        files: to open first, relative to the folder.
        failed: one line for each condition that has no page.
    """

    files: tuple[str, ...]
    failed: tuple[str, ...]


def write_site(out: Path, chosen: Chosen, speech: Path | None, banks: Mapping[str, Path]) -> SiteReport:
    """Write ``reference.md`` and, where conditions are among the plugins, ``conditions/``.

    Args:
        speech, banks: as `open_material` takes them.

    Raises:
        OutputError: the folder cannot be written, or matplotlib is not installed.
        MegaasrError: `speech` or a bank cannot be read.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / "reference.md", reference(chosen))
        if not condition_pages.conditions(chosen):
            return SiteReport(("reference.md",), ())
        with open_material(speech, banks) as material:
            failed = condition_pages.write(out / "conditions", chosen, material)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror or error}") from error
    return SiteReport(("reference.md", "conditions/README.md", "conditions/index.html"), tuple(failed))


def parse_banks(given: Iterable[str]) -> dict[str, Path]:
    """``NAME=PATH`` -> path by name; ParameterError for another form or a name that is given twice."""
    banks: dict[str, Path] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (name and equals and path) or name in banks:
            raise ParameterError(f"--bank {text!r}: NAME=PATH is expected, each name once, e.g. noise=noises/")
        banks[name] = Path(path)
    return banks
