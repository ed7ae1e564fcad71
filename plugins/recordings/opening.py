"""Opens recordings: by their first bytes a file is checked, split into parts and given to libsndfile or PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from megaasr import AudioError, one_line

from . import containers, flac, matroska, ogg, riff
from .av_sound import AvSound
from .mp3 import mp3_parts
from .sound import Sound, SoundfileSound

HEAD_BYTES = 256
MALFORMED = 3
"""Of libsndfile's errors, the one of a file whose format it knows."""
UNENDED = "unended"
"""Flag of a recording whose writer did not mark its end, so that nothing tells whether all of it is there."""
UNKNOWN_FORMAT = "a format that libsndfile does not know"
ISO_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
"""Of MPEG-4 and QuickTime files: what the first of their parts may be."""


def open_sounds(stream: BinaryIO, name: str, is_searched: bool = True) -> Sequence[Sound]:
    """The parts of a recording in order, one at least; most have one.

    Args:
        stream, name: the file, and its name in messages.
        is_searched: see `flac.flac_parts`; without it, decoding may raise `UnreadError`.

    Raises:
        AudioError: it is damaged or truncated, or no installed library reads it.
    """
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    if riff.is_plain(head, stream):
        return [_sound(stream, name, head=head)]
    if head[:4] in riff.MAGIC or head[:16] == riff.W64_RIFF:
        return [sound for part in riff.wav_parts(stream, name) for sound in _wav_sounds(part, name)]
    if head[:4] == flac.MAGIC:
        return [_sound(part, name, (), head, not is_searched) for part in flac.flac_parts(stream, name, is_searched)]
    if head[:4] == ogg.MAGIC:
        return [_ogg_sound(part, name) for part in ogg.ogg_parts(stream, name)]
    if is_for_av(head):
        parts = _av_parts(stream, head, name)
        return [AvSound(part, name, UNKNOWN_FORMAT, () if is_whole else (UNENDED,)) for part, is_whole in parts]
    if head[:4] == b"caff":
        return [_caf_sound(stream, name, head)]
    if head[:4] in (b".snd", b"dns."):
        containers.check_au(stream, head, name)
    if (head[:3] == b"ID3" or head[:1] == b"\xff") and (sounds := _mp3_sounds(stream, name)):
        return sounds
    return [_sound(stream, name, head=head)]


def is_for_av(head: bytes) -> bool:
    """Whether the first bytes are of a format that PyAV reads and libsndfile does not, or takes for another."""
    return (
        head[4:8] in ISO_BOXES
        or head.startswith(
            (b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"#!AMR", b"\x0b\x77", b"FLV\x01")
        )
        or head.startswith((b"\x00\x00\x01\xba", b"wvpk", b"MAC ", b"TTA1", b"TTA2", b"MPCK", b"MP+", b".RMF"))
        or (head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xF6 == 0xF0)  # ADTS
        or (head[:1] == b"\x47" and head[188:189] == b"\x47")
    )


def _wav_sounds(part: BinaryIO, name: str) -> list[Sound]:
    frames = riff.mp3_data(part)
    return (_mp3_sounds(frames, name, is_exact=True) if frames else []) or [_sound(part, name)]


def _mp3_sounds(stream: BinaryIO, name: str, is_exact: bool = False) -> list[Sound]:
    return [
        _sound(part, name, () if is_whole else (UNENDED,)) for part, is_whole in mp3_parts(stream, name, is_exact) or ()
    ]


def _av_parts(stream: BinaryIO, head: bytes, name: str) -> list[tuple[BinaryIO, bool]]:
    """The recordings in a file for PyAV, and whether each has its end."""
    if head[:4] == matroska.MAGIC:
        return matroska.matroska_parts(stream, name)
    if head[:8] == containers.ASF:
        return [(stream, containers.is_whole_asf(stream, name))]
    if head[4:8] in ISO_BOXES:
        containers.check_mp4(stream, name)
    return [(stream, True)]


def _caf_sound(stream: BinaryIO, name: str, head: bytes) -> Sound:
    part, promised = containers.caf_part(stream, name)
    sound = _sound(part, name, head=head)
    if sound.num_frames is not None and sound.num_frames < promised:
        sound.close()
        raise AudioError(
            f"{name}: truncated or damaged, {sound.num_frames} of {promised} frames are there; copy the file again"
        )
    return sound


def _ogg_sound(part: ogg.OggPart, name: str) -> Sound:
    flags = () if part.is_ended else (UNENDED,)
    if part.is_plain:
        return _sound(part.stream, name, flags)
    return AvSound(
        part.stream, name, "its streams in Ogg are more than one, or of a codec beside Vorbis, Opus and FLAC", flags
    )


def _sound(
    stream: BinaryIO, name: str, flags: tuple[str, ...] = (), head: bytes = b"", is_watched: bool = False
) -> Sound:
    """What libsndfile reads, or else PyAV."""
    import soundfile

    try:
        return SoundfileSound(stream, name, flags, head, is_watched)
    except soundfile.LibsndfileError as error:
        if error.code == MALFORMED:
            raise AudioError(f"{name}: truncated or damaged ({one_line(error.error_string).rstrip('.')})") from error
        reason = f"cannot be read as audio ({one_line(error.error_string).rstrip('.')})"
    try:
        sound = AvSound(stream, name, f"{reason}; give WAV, FLAC, Ogg or MP3; or, for many other formats", flags)
        if sound.container == "mp3" and head.strip(b"\0") and head[:1] != b"\xff" and head[:3] != b"ID3":
            raise AudioError(f"{name}: {reason}; give WAV, FLAC, Ogg or MP3")  # FFmpeg finds frames in any bytes
        return sound
    except AudioError as error:
        if reason in str(error):
            raise
        raise AudioError(f"{name}: {reason}; give WAV, FLAC, Ogg or MP3") from error
