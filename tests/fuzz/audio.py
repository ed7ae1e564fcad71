"""Kind `audio`: damaged recordings through every reader of recordings."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from megaasr import Audio, AudioLimits, SoundBank, measure_audio, read_audio, read_sample

from .cases import Case, Kind
from .mutators import mutated, reordered_units, splice_with
from .oracle import Judge, check_samples
from .seeds import OGG, SAMPLE_RATE_HZ, Recording, recordings

KEPT = 0.96
"""Share of the duration that an accepted recording must have: a codec may cut or add a frame at the ends."""
CONCATENATED = (*OGG, ".mp3")
"""Formats in which two files one behind the other are one longer recording."""


HEADED = ("MP3 MPEG_LAYER_III", "mp3 libmp3lame", "wav libmp3lame", "adts aac", "webm libopus", "matroska aac")
"""Formats of which only the head says how long a recording is: one without its head is a shorter recording."""
OF_CHANNELS = ("mixed", "inverted")
HEAD_BYTES = 400


class AudioFiles(Kind):
    """A damaged file, read as speech, measured as a corpus does, and loaded as noise; some inside a tar shard."""

    name: ClassVar[str] = "audio"

    def make(self, rng: Random, folder: Path) -> Case:
        """One recording, damaged."""
        recording = rng.choice(recordings())
        least = KEPT * recording.duration_s - recording.unseen_s
        if recording.suffix in CONCATENATED and rng.random() < 0.1:
            data, note = recording.data * 2, "two files in one"
            least *= 2
        else:
            splice = splice_with(rng.choice(recordings()).data)
            data, note = mutated(recording.data, rng, (reordered_units, splice))
        lacks_head = recording.name in HEADED and data[:HEAD_BYTES] != recording.data[:HEAD_BYTES]
        if lacks_head or (data[:4] != recording.data[:4] and "another file" in note):  # it may be that other file now
            least = 0.0
        path = folder / f"case{recording.suffix}"
        path.write_bytes(data)
        is_in_tar = rng.random() < 0.1
        if is_in_tar:
            write_tar(folder / "shard.tar", path.name, data)
        return Case(
            f"{recording.name}: {note}",
            lambda judge: _judge(judge, path, recording, least, is_in_tar=is_in_tar),
            f"megaasr transcribe {path.name}",
        )


def _judge(judge: Judge, path: Path, recording: Recording, least_s: float, *, is_in_tar: bool) -> None:
    header_rate, channels = _header(path)

    def checked(audio: Audio) -> str | None:
        rate = min(audio.sample_rate, recording.sample_rate)
        return check_samples(audio.samples, int(least_s * rate / channels), flags_of(audio))

    read = judge.call("read_audio", lambda: read_audio(path), checked)
    judge.call("read_sample", lambda: read_sample(path, AudioLimits(convert=True)), checked)
    judge.call("measure_audio", lambda: measure_audio(path), lambda found: _compared(found, read))
    if is_in_tar:
        judge.call("read_sample of a tar", lambda: read_sample(path.with_name(f"shard.tar#{path.name}")), checked)
    bank = judge.call("SoundBank.open", lambda: SoundBank.open(path.parent))
    sound = judge.call("SoundBank.ref", lambda: bank.ref(path.name)) if bank else None
    if sound is None:
        return
    length = judge.call("SoundBank.num_samples", lambda: bank.num_samples(sound, SAMPLE_RATE_HZ))
    rate = read.sample_rate if read else header_rate
    is_flagged = read is not None and bool(flags_of(read))
    least = 0 if rate != recording.sample_rate or is_flagged else int(least_s * SAMPLE_RATE_HZ / channels)
    judge.call(
        "SoundBank.load",
        lambda: bank.load(sound, SAMPLE_RATE_HZ),
        lambda samples: check_samples(samples, least) or _lengths(length, len(samples)),
    )


def _header(path: Path) -> tuple[int, int]:
    """Sample rate and channels by the header: damage to them cannot be seen where it has no checksum."""
    import soundfile

    try:
        found = soundfile.info(path)
    except soundfile.LibsndfileError:
        return 0, 1
    return int(found.samplerate), int(found.channels)


def flags_of(audio: Audio) -> tuple[str, ...]:
    """The flags of a recording that say that it may be shorter than it was."""
    return tuple(flag for flag in audio.flags if flag not in OF_CHANNELS)


def _compared(found: tuple[int, int], read: Any) -> str | None:
    if read is None or found == (len(read.samples), read.sample_rate):
        return None
    return f"measured {found[0]} samples at {found[1]} Hz, read {len(read.samples)} at {read.sample_rate} Hz"


def _lengths(measured: int | None, loaded: int) -> str | None:
    return None if measured in (None, loaded) else f"measured {measured} samples, loaded {loaded}"


def write_tar(path: Path, name: str, data: bytes) -> None:
    """Write a shard of one member."""
    with tarfile.open(path, "w") as shard:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        shard.addfile(member, io.BytesIO(data))
