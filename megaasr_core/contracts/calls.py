"""The one wrapper around calls into plugins: whatever a plugin raises becomes one line that names it."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ..base.errors import MegaasrError, PluginError, one_line, shortened

LOG = logging.getLogger("megaasr.plugins")
Row = TypeVar("Row")


@contextmanager
def calling(kind: str, name: str, clip: str = "") -> Iterator[None]:
    """Call a plugin inside this block.

    Args:
        kind, name: of the plugin, e.g. ``reward``, ``brevity``.
        clip: name of the utterance that it was called for, where there is one.

    Raises:
        MegaasrError: as the plugin raised it.
        PluginError: anything else that it raised: plugin, clip, exception, message, and the file and line. The
            traceback goes to the log ``megaasr.plugins``, which ``--traceback`` shows.

    >>> with calling("reward", "brevity", "a.wav"):
    ...     [].pop()
    Traceback (most recent call last):
    megaasr_core.base.errors.PluginError: reward brevity: a.wav: IndexError: pop from empty list (<doctest ...>:2)
    """
    try:
        yield
    except MegaasrError:
        raise
    except (Exception, SystemExit) as error:
        LOG.debug("traceback of %s %s", kind, name, exc_info=error)
        raise PluginError(f"{kind} {name}: {f'{clip}: ' if clip else ''}{described(error)}") from error


def checked_rows(kind: str, name: str, rows: Any, expected: int, of: type[Row] | tuple[type[Any], ...]) -> list[Row]:
    """The rows that a plugin returned for a batch.

    Raises:
        PluginError: anything but a list of `expected` rows, one for each utterance, of the type or types `of`.
    """
    types = of if isinstance(of, tuple) else (of,)
    wanted = " or ".join("None" if one is type(None) else one.__name__ for one in types)
    begin = f"{kind} {name}: returned"
    if not isinstance(rows, (list, tuple)):
        raise PluginError(f"{begin} {shortened(one_line(repr(rows)), 60)}; a list of {expected} {wanted} is expected")
    if len(rows) != expected:
        raise PluginError(f"{begin} {len(rows)} rows for {expected} utterances; {wanted} for each")
    for row in rows:
        if not isinstance(row, types):
            raise PluginError(f"{begin} {shortened(one_line(repr(row)), 60)} for an utterance; {wanted} is expected")
    return list(rows)


def described(error: BaseException) -> str:
    """An exception in one line: a `MegaasrError` as it is, another with its type, file and line."""
    if isinstance(error, MegaasrError):
        return one_line(error)
    message = shortened(one_line(error), 300)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{f': {message}' if message else ''}{place}"
