"""Other times of day for a plugin, to see whether what it gives depends on the clock."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

SHIFTS_S = (1_000.123, 100_003.7, 31_600_000.9)
"""A quarter of an hour, more than a day, a year; none a whole number of seconds."""
CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time")


@contextmanager
def clock_moved_by(seconds: float, *modules: str) -> Iterator[None]:
    """Move the clocks of `time` and `datetime` forward within this block.

    Args:
        seconds: by which they are moved; they go on running.
        modules: names of modules that may have imported the clocks by name, which are moved there too.
    """
    replacements = _replacements(seconds)
    places: list[tuple[Any, str, Any]] = [(time, name, replacements[name, "time"]) for name in CLOCKS]
    places += [(datetime, name, replacements[name, "datetime"]) for name in ("datetime", "date")]
    originals = {id(getattr(module, name)): new for module, name, new in places}
    for name in modules:
        module = sys.modules.get(name)
        for attribute, value in list(vars(module).items()) if module else []:
            if id(value) in originals:
                places.append((module, attribute, originals[id(value)]))
    patches = [patch.object(module, name, new) for module, name, new in places]
    started: list[Any] = []
    try:
        for one in patches:
            one.start()
            started.append(one)
        yield
    finally:
        for one in reversed(started):
            one.stop()


def _replacements(seconds: float) -> dict[tuple[str, str], Any]:
    moved: dict[tuple[str, str], Any] = {(name, "time"): _moved(getattr(time, name), seconds) for name in CLOCKS}
    shift = datetime.timedelta(seconds=seconds)
    moved["datetime", "datetime"] = _Moved("datetime", (datetime.datetime,), {"shift": shift, "now": classmethod(_now)})
    moved["datetime", "datetime"].utcnow = classmethod(_utcnow)
    moved["datetime", "datetime"].today = classmethod(_now)
    moved["date", "datetime"] = _Moved("date", (datetime.date,), {"shift": shift, "today": classmethod(_today)})
    return moved


def _moved(clock: Callable[[], Any], seconds: float) -> Callable[[], Any]:
    shift = seconds if not clock.__name__.endswith("_ns") else round(seconds * 1e9)
    return lambda: clock() + shift


class _Moved(type):
    """Class of the moved ``datetime`` and ``date``: what the real ones made still counts as theirs."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])


_DATETIME, _DATE = datetime.datetime, datetime.date


def _now(cls: Any, tz: datetime.tzinfo | None = None) -> datetime.datetime:
    return _DATETIME.now(tz) + cls.shift  # type: ignore[no-any-return]


def _utcnow(cls: Any) -> datetime.datetime:
    return _DATETIME.now(datetime.UTC).replace(tzinfo=None) + cls.shift  # type: ignore[no-any-return]


def _today(cls: Any) -> datetime.date:
    return (_DATETIME.now() + cls.shift).date()  # type: ignore[no-any-return]
