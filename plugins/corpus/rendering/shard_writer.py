"""The audio of one shard: a tar as webdataset reads it, or a folder; there whole or not at all."""

from __future__ import annotations

import json
import shutil
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np

from megaasr import Audio, OutputError, atomic_path, one_line, temporary_name

ShardFormat = Literal["tar", "folder"]
FULL_SCALE = 32_768
"""Of 16-bit samples: what is read back differs from what was written by half a step."""


def encode_flac(audio: Audio, peak: float) -> tuple[bytes, float]:
    """FLAC, 16 bit, and the gain in dB that was needed for it: below 0 where `peak`, the largest sample, is above 1."""
    import soundfile

    gain = 1.0 if peak <= 1.0 else (FULL_SCALE - 1) / FULL_SCALE / peak
    scaled = np.rint(audio.samples * np.float32(gain * FULL_SCALE))
    samples = np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    file = BytesIO()
    soundfile.write(file, samples, audio.sample_rate, format="FLAC", subtype="PCM_16")
    return file.getvalue(), 20.0 * float(np.log10(gain)) if gain != 1.0 else 0.0


class ShardWriter(ABC):
    """Takes the samples of one shard, in order."""

    def __init__(self, shard: str, place: Path) -> None:
        self._shard = shard
        self._place = place

    @abstractmethod
    def path_of(self, sample: str) -> str:
        """How the manifest names the audio of a sample."""

    @abstractmethod
    def add(self, sample: str, flac: bytes, row: dict[str, Any]) -> None:
        """Write one sample: its audio and its manifest row."""


class _TarWriter(ShardWriter):
    def __init__(self, shard: str, place: Path) -> None:
        super().__init__(shard, place)
        self.file = tarfile.open(place, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115

    def path_of(self, sample: str) -> str:
        return f"{self._shard}.tar#{sample}.flac"

    def add(self, sample: str, flac: bytes, row: dict[str, Any]) -> None:
        as_json = json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
        for suffix, content in (("flac", flac), ("json", as_json), ("txt", row["text"].encode())):
            member = tarfile.TarInfo(f"{sample}.{suffix}")  # time 0, user 0: the same bytes whoever writes them
            member.size, member.mode = len(content), 0o644
            self.file.addfile(member, BytesIO(content))


class _FolderWriter(ShardWriter):
    def path_of(self, sample: str) -> str:
        return f"{self._shard}/{sample}.flac"

    def add(self, sample: str, flac: bytes, row: dict[str, Any]) -> None:
        (self._place / f"{sample}.flac").write_bytes(flac)


@contextmanager
def shard_writer(out: Path, shard: str, shard_format: ShardFormat) -> Iterator[ShardWriter]:
    """Open a shard for writing; it gets its name when the block ends well, and is gone when it does not.

    Raises:
        OutputError: it cannot be written.
    """
    if shard_format == "tar":
        with atomic_path(out / f"{shard}.tar") as temporary:
            writer = _TarWriter(shard, temporary)
            try:
                yield writer
            finally:
                writer.file.close()
        return
    target = out / shard
    folder = temporary_name(target)
    try:
        folder.mkdir()
        yield _FolderWriter(shard, folder)
        if target.exists():  # of a run that was killed before it wrote the manifest
            shutil.rmtree(target)
        folder.rename(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or one_line(error)}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
