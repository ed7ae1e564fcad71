"""Checksums of downloaded archives, and their comparison with the published ones."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import md5 as new_md5
from hashlib import sha256 as new_sha256
from pathlib import Path

from megaasr import one_line, progress

from .errors import FetchError

CHUNK_BYTES = 2**18


@dataclass(frozen=True)
class Fetched:
    """An archive on the local disk.

    Args:
        path: path of the file.
        num_bytes: size of the file in bytes.
        md5, sha256: computed checksums, hexadecimal.
        is_checked: whether a published checksum was available and matched.
    """

    path: Path
    num_bytes: int
    md5: str
    sha256: str
    is_checked: bool


def verify(path: Path, name: str, md5: str | None, sha256: str | None) -> Fetched:
    """Compute the checksums of a file and compare them with the published ones.

    Raises:
        FetchError: a checksum differs, or the file cannot be read.
    """
    sums = {"md5": new_md5(usedforsecurity=False), "sha256": new_sha256()}
    size = path.stat().st_size if path.is_file() else 0
    try:
        with path.open("rb") as file:
            chunks = iter(lambda: file.read(CHUNK_BYTES), b"")
            for chunk in progress(chunks, total=-(-size // CHUNK_BYTES), what=f"checking {name}"):
                for checksum in sums.values():
                    checksum.update(chunk)
    except OSError as error:
        raise FetchError(f"cannot read {path}: {error.strerror or one_line(error)}") from error
    for kind, published in (("md5", md5), ("sha256", sha256)):
        computed = sums[kind].hexdigest()
        if published is not None and computed != published:
            raise FetchError(f"{name}: wrong checksum, {kind} {computed} where {published} is published")
    return Fetched(path, size, sums["md5"].hexdigest(), sums["sha256"].hexdigest(), bool(md5 or sha256))
