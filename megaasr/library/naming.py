"""Errors of code that does not know which file it works for get the name of the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from megaasr_core.base.errors import MegaasrError


@contextmanager
def naming(where: object) -> Iterator[None]:
    """Put `where`, such as a path, before the message of a `MegaasrError` of this block that does not name it."""
    try:
        yield
    except MegaasrError as error:
        if str(where) in str(error):
            raise
        raise type(error)(f"{where}: {error}") from error
