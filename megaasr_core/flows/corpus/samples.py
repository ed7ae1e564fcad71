"""Reading a corpus: its rows, and the audio that a row names: a file, part of a tar shard, or a sample of a plan."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.audio import Audio
from ...base.audio_files import AudioLimits, read_audio
from ...base.errors import AudioError, one_line
from .rows import located_lines

if TYPE_CHECKING:
    from .studio import Studio

IN_TAR = ".tar#"
"""What joins a shard and the member of it: ``shard-00000.tar#000000123.flac``."""
IN_PLAN = "plan.json#"
"""What joins a plan's folder and the number of a sample of it, which is rendered when it is read: ``plan.json#123``."""
OPEN_PLANS = 4
OPEN_SHARDS = 16
"""Tables of contents that are kept, about 1 MB for a shard of 1,000 samples."""


def read_sample(audio: Path, limits: AudioLimits | None = None) -> Audio:
    """The recording that a row's ``audio`` names, at its own rate.

    Args:
        audio: the path of a recording, ``shard.tar#member``, or ``plan.json#number``, which is rendered here and now;
            below the folder that holds the manifest.
        limits: of what is accepted, for a file; what is rendered has its plan's.

    Raises:
        AudioError: it is not there, or cannot be read; in one line.
        MegaasrError: it cannot be rendered.
    """
    if IN_PLAN in audio.name:
        return _rendered(audio)
    shard, joint, member = str(audio).rpartition(IN_TAR)
    if not joint:
        return read_audio(audio, limits)
    path = Path(f"{shard}.tar")
    return _decode(_member(path, member), f"{path}#{member}")


def read_clean(audio: Path, limits: AudioLimits | None = None) -> Audio:
    """The recording that a sample of a plan is made of, at its own rate; for other audio, that itself.

    Raises:
        AudioError: as `read_sample`.
    """
    if IN_PLAN not in audio.name:
        return read_sample(audio, limits)
    studio, number = _place(audio)
    with _counted(audio, studio):
        return studio.clean(number)


def is_there(audio: Path) -> bool:
    """Whether the file that holds what a row's ``audio`` names is there; the sound itself is not looked at."""
    name = audio.name
    inside = IN_PLAN in name or IN_TAR in name
    return (audio.with_name(name.rpartition("#")[0]) if inside else audio).is_file()


def _rendered(audio: Path) -> Audio:
    studio, number = _place(audio)
    with _counted(audio, studio):
        return studio.sample(number)


def _place(audio: Path) -> tuple[Studio, int]:
    number = audio.name.removeprefix(IN_PLAN)
    if not number.isdecimal():
        raise AudioError(f"{audio}: the number of a sample is expected behind {IN_PLAN}")
    settings = audio.with_name(IN_PLAN[:-1])
    return _studio(audio.parent.resolve(), settings.stat().st_mtime_ns if settings.is_file() else 0), int(number)


@contextmanager
def _counted(audio: Path, studio: Studio) -> Iterator[None]:
    try:
        yield
    except IndexError as error:
        raise AudioError(f"{audio}: the plan holds {studio.folder.count} samples") from error


@lru_cache(maxsize=OPEN_PLANS)
def _studio(plan: Path, mtime_ns: int) -> Studio:
    """A plan with its banks and plugins; opened again when it is another."""
    from .studio import Studio

    del mtime_ns
    return Studio(plan)


def _member(path: Path, member: str) -> bytes:
    try:
        known = path.stat()
        places = _contents(path, known.st_size, known.st_mtime_ns, known.st_ino)
        if member not in places:
            raise AudioError(f"{path}: holds no {member}; was the manifest made from another shard?")
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


def _decode(data: bytes, name: str) -> Audio:
    import soundfile

    try:
        samples, rate = soundfile.read(BytesIO(data), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{name}: cannot be read as audio ({one_line(error.error_string)})") from error
    if samples.shape[1] != 1:
        raise AudioError(f"{name}: has {samples.shape[1]} channels where mono is expected")
    if len(samples) == 0:
        raise AudioError(f"{name}: holds no samples")
    return Audio(np.ascontiguousarray(samples[:, 0]), int(rate), name)


def located_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a manifest or of a plan, each with where it stands, for complaints: ``manifest.jsonl, line 3``.

    Args:
        path: a manifest, or the folder of a plan, whose samples are named as `read_sample` takes them.

    Raises:
        ManifestError: a file cannot be read, or a line is no JSON object; the message names the line.
    """
    return _planned_rows(path) if path.is_dir() else located_lines(path)


def _planned_rows(plan: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    from .plan_folder import PlanFolder
    from .studio import described, recipe_of

    folder, number = PlanFolder.open(plan), 0
    for shard in folder.shards:
        for where, row in located_lines(shard):
            yield where, {**row, **described(recipe_of(row)), "audio": f"{IN_PLAN}{number}"}
            number += 1
