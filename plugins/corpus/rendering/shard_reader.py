"""Reader `tar_shard`: recordings inside the tar shards of a corpus."""

from __future__ import annotations

import tarfile
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import ClassVar

from megaasr import Audio, AudioError, AudioLimits, Reader, decode_audio, hookimpl, one_line

IN_TAR = ".tar#"
"""Joins a shard and the member of it: ``shard-00000.tar#000000123.flac``."""
OPEN_SHARDS = 16
"""Tables of contents that are kept, about 1 MB for a shard of 1,000 samples."""


class TarShard(Reader):
    """Read ``shard.tar#member``, a recording inside a tar file that is not compressed, as webdataset writes it."""

    name: ClassVar[str] = "tar_shard"

    def takes_audio(self, audio: Path) -> bool:
        """Whether a tar file and a member are named."""
        return IN_TAR in audio.name

    def exists(self, audio: Path) -> bool:
        """Whether the tar file is there."""
        return audio.with_name(audio.name.rpartition("#")[0]).is_file()

    def read(self, audio: Path, limits: AudioLimits | None = None) -> Audio:
        """The member, at its own rate, read as a file is; AudioError when it is not there, or cannot be read."""
        shard, _, member = str(audio).rpartition(IN_TAR)
        path = Path(f"{shard}.tar")
        return decode_audio(BytesIO(_member(path, member)), f"{path}#{member}", limits)


def _member(path: Path, member: str) -> bytes:
    try:
        known = path.stat()
        places = _contents(path, known.st_size, known.st_mtime_ns, known.st_ino)
        if member not in places:
            raise AudioError(f"{path}: holds no {member!r}; was the manifest made from another shard?")
        offset, size = places[member]
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(size)
    except FileNotFoundError as error:
        raise AudioError(f"{path}: no such file") from error
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror or one_line(error)})") from error
    if len(data) != size:
        raise AudioError(f"{path}#{member}: truncated, {len(data)} of {size} bytes are there; copy the shard again")
    return data


@lru_cache(maxsize=OPEN_SHARDS)
def _contents(path: Path, size: int, mtime_ns: int, inode: int) -> dict[str, tuple[int, int]]:
    """Where each member begins and how long it is, in bytes; read again when the file is another."""
    del size, mtime_ns, inode
    try:
        with tarfile.open(path, "r:") as shard:
            return {member.name: (member.offset_data, member.size) for member in shard}
    except tarfile.TarError as error:
        raise AudioError(f"{path}: cannot be read as tar ({one_line(error)}); copy the shard again") from error


@hookimpl
def register_readers(register):
    register(TarShard)
