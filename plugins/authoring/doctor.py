"""The examination behind `megaasr doctor`: plugins, kernels, and the default recogniser, each tried for real."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pkgutil import resolve_name

from megaasr import Kind, Plugins, Transcriber, Unit, cache_folder, hardware, one_line
from megaasr.testing import one_second


@dataclass(frozen=True)
class Finding:
    """One thing that was tried.

    Args:
        what: in a few words.
        ok: whether it works.
        detail: what was found.
        seconds: duration of the check.
    """

    what: str
    ok: bool
    detail: str
    seconds: float


def examine(plugins: Plugins) -> Iterator[Finding]:
    """Try everything once: every plugin of a kind that says how, which compiles the kernels, and the recogniser."""
    yield _tried("machine", lambda: ", ".join(f"{name} {value}" for name, value in hardware().items()))
    yield _tried("caches", _caches)
    yield Finding("plugins", not plugins.failures, _plugins(plugins), 0.0)
    for row in plugins.failures:
        yield Finding(f"plugin {row.owner}", False, row.error, 0.0)
    for kind in plugins.kinds:
        for name in plugins.registry(kind.name):
            if kind.examine or issubclass(kind.base, Unit):
                yield _tried(f"{kind.name} {name}", partial(_examine_one, kind, name, plugins))
    yield _tried("default recogniser", lambda: _transcribe_once(plugins))


def _caches() -> str:
    resolve_name("megaasr:render")  # which chooses the place of the kernels
    kernels = os.environ.get("NUMBA_CACHE_DIR", "__pycache__ beside the code")
    return f"compiled kernels in {kernels}; the small model in {cache_folder()}; MEGAASR_CACHE moves both"


def _plugins(plugins: Plugins) -> str:
    there = ", ".join(f"{len(plugins.registry(kind.name))} {kind.plural.replace('_', ' ')}" for kind in plugins.kinds)
    return f"{len(plugins.failures)} failed; {there}" if plugins.failures else there


def _examine_one(kind: Kind, name: str, plugins: Plugins) -> str:
    """Try one plugin as its kind says; a unit of a kind that says nothing is created with example parameters."""
    if kind.examine:
        return str(resolve_name(kind.examine)(name, plugins))
    unit: type[Unit] = plugins.registry(kind.name)[name]
    required = {field: info.examples or [] for field, info in unit.model_fields.items() if info.is_required()}
    lacking = [field for field, examples in required.items() if not examples]
    if lacking:
        return f"registered; not created, since {', '.join(lacking)} must be given"
    created = unit.create({field: examples[0] for field, examples in required.items()})
    return f"created: {created!r}"


def _tried(what: str, attempt: Callable[[], str]) -> Finding:
    started = time.perf_counter()
    try:
        detail, ok = attempt(), True
    except Exception as error:  # the point of a doctor is to report whatever it is
        detail, ok = f"{type(error).__name__}: {one_line(error)}", False
    return Finding(what, ok, detail, time.perf_counter() - started)


def _transcribe_once(plugins: Plugins) -> str:
    transcript = Transcriber.open(plugins=plugins).transcribe(one_second())
    return f"one second of noise gives {transcript.text.strip()!r}"
