"""What the last bits of a rendered sample depend on: library versions and the CPU features that the libraries use."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

LIBRARIES = ("numpy", "scipy", "soxr", "numba", "llvmlite", "soundfile", "av")
VARIABLES = ("SOXR_USE_SIMD", "SOXR_USE_SIMD32", "SOXR_USE_SIMD64", "NPY_DISABLE_CPU_FEATURES")
"""Environment variables that choose between code paths of the libraries."""


@cache
def environment() -> dict[str, Any]:
    """Machine, versions of libraries (those that are installed), CPU features that numpy uses, and variables set.

    ``cpu_features`` are the groups of instructions that numpy found and may use; soxr and libsndfile choose theirs by
    the same processor. Two equal environments give equal bits.
    """
    import numpy as np
    import soundfile

    simd: Mapping[str, Any] = (np.show_config(mode="dicts") or {}).get("SIMD Extensions", {})
    versions = {name: found for name in LIBRARIES if (found := _version(name))}
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "cpu_features": sorted({*simd.get("baseline", ()), *simd.get("found", ())}),
        "versions": {**versions, "libsndfile": soundfile.__libsndfile_version__, "python": platform.python_version()},
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What differs between two environments, one text each: ``numpy 2.4.1, not 2.3.5``; empty if they are equal.

    >>> differences({"machine": "x86_64", "versions": {"soxr": "1.0.0"}}, {"machine": "arm64", "versions": {}})
    ['machine x86_64, not arm64', 'soxr 1.0.0, not none']
    """
    found = []
    for name in dict.fromkeys((*one, *other)):
        left, right = one.get(name), other.get(name)
        if left == right:
            continue
        if isinstance(left or {}, Mapping) and isinstance(right or {}, Mapping):
            found += differences(left or {}, right or {})
        else:
            found.append(f"{name} {_text(left)}, not {_text(right)}")
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _text(value: object) -> str:
    return ("+".join(map(str, value)) if isinstance(value, list) else str(value or "")) or "none"
