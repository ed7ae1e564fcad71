"""Digests of the contents of files and folders: models, adapters, router weights."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from megaasr_core.base.errors import MegaasrError, one_line
from megaasr_core.base.files import atomic_path

from .cache import cache_folder

MISSING = "missing"
"""What stands for the digest of a path at which there is nothing."""
CACHED_FROM_BYTES = 4 * 2**20
"""Digests of smaller files are not kept: reading them takes a few milliseconds."""
SETTLED_NS = 2 * 10**9
"""A file that was changed within this time before it is read may be changed again under the same time stamp."""
DIGEST = re.compile(r"[0-9a-f]{32}")


def content_digest(path: Path) -> str:
    """BLAKE2b-128, hex, of the bytes of a file, or of the names and bytes of all files below a folder.

    Of a folder, hidden files and ``*.md`` are left out, and links to other folders are not followed. Every byte is
    read, once: of files of 4 MiB and more the digest is kept below MEGAASR_CACHE by path, size, inode and the times of
    change of bytes and inode (``mtime``, ``ctime``), of which the second cannot be set by a program.

    Returns:
        The digest, or `MISSING` where there is no such file or folder.

    Raises:
        MegaasrError: a file cannot be read.
    """
    return contents_digest([path])


def contents_digest(paths: Iterable[Path]) -> str:
    """As `content_digest`, of several files and folders in their order."""
    digest, is_missing = hashlib.blake2b(digest_size=16), True
    for path in paths:
        for name, file in _files(path):
            is_missing = False
            try:
                digest.update(f"{name}:{_of_file(file)}:".encode("utf-8", "surrogateescape"))
            except OSError as error:
                raise MegaasrError(f"cannot read {file}: {error.strerror or one_line(error)}") from error
        digest.update(b";")
    return MISSING if is_missing else digest.hexdigest()


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """Name and place of each file that counts; a file that is named has no name, so that it may be moved."""
    try:
        if path.is_file():
            yield "", path
            return
        found = sorted((file.relative_to(path), file) for file in path.rglob("*") if file.is_file())
    except (OSError, ValueError):  # a NUL in the path, or a name that is too long
        return
    for inside, file in found:
        if inside.suffix != ".md" and not any(part.startswith(".") for part in inside.parts):
            yield inside.as_posix(), file


def _of_file(file: Path) -> str:
    before = file.stat()
    if before.st_size < CACHED_FROM_BYTES:
        return file_digest(file)
    state = [before.st_size, before.st_mtime_ns, before.st_ctime_ns, before.st_ino, before.st_dev]
    kept = (
        cache_folder() / "digests" / f"{hashlib.blake2b(os.fsencode(file.resolve()), digest_size=16).hexdigest()}.json"
    )
    if (known := _kept(kept, state)) is not None:
        return known
    digest = file_digest(file)
    if time.time_ns() - max(before.st_mtime_ns, before.st_ctime_ns) > SETTLED_NS:
        with suppress(OSError, MegaasrError):  # a cache that cannot be written costs time alone
            kept.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(kept) as temporary:
                temporary.write_text(json.dumps({"state": state, "digest": digest}), encoding="utf-8")
    return digest


def _kept(kept: Path, state: list[int]) -> str | None:
    try:
        found = json.loads(kept.read_bytes())
        digest = found["digest"] if found["state"] == state else ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return digest if isinstance(digest, str) and DIGEST.fullmatch(digest) else None


def file_digest(file: Path) -> str:
    """BLAKE2b-128, hex, of the bytes of a file; OSError where it cannot be read."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
