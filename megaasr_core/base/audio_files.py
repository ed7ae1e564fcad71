"""Reading of recordings: files, pipes and bytes in memory go the same way; what is wrong is told in one line."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from .audio import Audio
from .errors import AudioError, PluginError, one_line

RECORDINGS = "megaasr.recordings"
"""Group of the entry point that decodes recordings: a `Recordings`. Looked up when the first recording is read."""
PIPED_BYTES = 2**31
"""Most that is taken from a pipe or device."""


@dataclass(frozen=True)
class AudioLimits:
    """Limits on the duration, sample rate and channels of recordings.

    Args:
        min_duration_s, max_duration_s: shorter and longer recordings are refused, the latter before they fill memory.
        min_rate_hz, max_rate_hz: other sample rates are refused.
        convert: accept sample rates from 1 to 768 kHz.
        channel: the channel that is read, from 0; None: the mean of all.
    """

    min_duration_s: float = 0.02
    max_duration_s: float = 7200.0
    min_rate_hz: int = 8_000
    max_rate_hz: int = 192_000
    convert: bool = False
    channel: int | None = None


class Recordings(Protocol):
    """What the entry point of the group ``megaasr.recordings`` names, such as a module with these functions."""

    def decode(self, stream: BinaryIO, name: str, limits: AudioLimits) -> Audio:
        """The recording in a file that can be sought; AudioError, and no other, where it cannot be read."""

    def measure(self, stream: BinaryIO, name: str, limits: AudioLimits) -> tuple[int, int]:
        """Number of samples and sample rate of what `decode` returns."""

    def below(self, folder: Path) -> list[Path]:
        """The recordings in a folder and its folders, sorted; AudioError if one of them cannot be listed."""


@lru_cache(maxsize=1)
def recordings() -> Recordings:
    """The installed `Recordings`; PluginError if there is none."""
    for point in sorted(entry_points(group=RECORDINGS), key=lambda point: point.name):
        return cast("Recordings", point.load())
    raise PluginError(f"no installed distribution has an entry point of group {RECORDINGS}; install megaasr again")


def read_audio(path: str | Path, limits: AudioLimits | None = None) -> Audio:
    """Read a recording at its sample rate, from a file, a pipe or a device; channels are mixed.

    Raises:
        AudioError: it is missing, empty, truncated, damaged or not audio; it has NaN or samples that are no sound, or
            a rate or a length outside the limits.
    """
    with opened_file(Path(path)) as stream:
        return decode_audio(stream, str(path), limits)


def decode_audio(stream: BinaryIO, name: str, limits: AudioLimits | None = None) -> Audio:
    """As `read_audio`, from a binary file that can be sought, such as `io.BytesIO`."""
    return recordings().decode(stream, name, limits or AudioLimits())


@contextmanager
def opened_file(path: Path) -> Iterator[BinaryIO]:
    """A binary file that can be sought; what comes from a pipe or a device is copied first."""
    try:
        raw = cast("BinaryIO", path.open("rb", buffering=0))
    except IsADirectoryError as error:
        raise AudioError(f"{path}: is a folder, a recording is expected") from error
    except FileNotFoundError as error:
        raise AudioError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise AudioError(f"{path}: cannot be read ({getattr(error, 'strerror', '') or one_line(error)})") from error
    with raw:
        status = os.fstat(raw.fileno())
        if not stat.S_ISREG(status.st_mode):
            with spooled(raw, str(path)) as copied:
                yield copied
        elif status.st_size == 0:
            raise AudioError(f"{path}: the file is empty (0 bytes)")
        else:
            yield raw


@contextmanager
def spooled(stream: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """All that a stream gives, as a file that can be sought; in memory up to 64 MB, then in the temporary folder."""
    with tempfile.SpooledTemporaryFile(max_size=2**26) as file:
        try:
            while chunk := stream.read(2**20):
                if file.write(chunk) and file.tell() > PIPED_BYTES:
                    raise AudioError(f"{name}: gives more than {PIPED_BYTES >> 30} GB; split the recording")
        except OSError as error:
            raise AudioError(f"{name}: cannot be read ({error.strerror or one_line(error)})") from error
        if not file.tell():
            raise AudioError(f"{name}: is empty (0 bytes)")
        file.seek(0)
        yield cast("BinaryIO", file)
