"""The code of a run: megaasr's version and sources, and the versions of the libraries that decide its results."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from importlib.util import find_spec

from megaasr_core.discovery.registry import IN_TREE

SUFFIXES = (".py", ".tsv")
PACKAGES = ("megaasr", "megaasr_core")
GROUP = "megaasr"
"""Of the entry points that name the other packages of the distribution."""
LIBRARIES = ("numpy", "scipy", "soxr", "numba", "soundfile", "torch", "transformers")
"""What sound and models are computed by; those of a normaliser are in its version."""


@cache
def code_identity() -> dict[str, str]:
    """Versions of megaasr and of the `LIBRARIES` that are installed, and BLAKE2b-128, hex, of megaasr's source files.

    The sources are those of the packages that megaasr's distribution installs, so that a change in a checkout counts
    before the version does. It takes some 40 ms, once a process.
    """
    own = distribution(IN_TREE)
    versions = {name: found for name in LIBRARIES if (found := _version(name))}
    return {"megaasr": own.version, "sources": _sources(own), **versions}


def _sources(own: Distribution) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for package in sorted({*PACKAGES, *(one.module.partition(".")[0] for one in own.entry_points.select(group=GROUP))}):
        spec = find_spec(package)
        for root in (spec.submodule_search_locations or ()) if spec else ():
            for file in sorted(_files(root)):
                with open(file, "rb") as source:  # noqa: PTH123
                    content = source.read()
                digest.update(f"{package}{file.removeprefix(root)}:{len(content)}:".encode())
                digest.update(content)
    return digest.hexdigest()


def _files(root: str) -> Iterator[str]:
    for folder, _, names in os.walk(root):  # a third of the time that pathlib takes
        yield from (os.path.join(folder, name) for name in names if name.endswith(SUFFIXES))  # noqa: PTH118


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
