"""Opens recordings: by their first bytes a file is checked, split into parts and given to libsndfile or PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from megaasr import AudioError, one_line

from . import flac, ogg, riff
from .av_sound import AvSound
from .mp3 import mp3_parts
from .sound import Sound, SoundfileSound

HEAD_BYTES = 256
MALFORMED = 3
"""Of libsndfile's errors, the one of a file whose format it knows."""
UNENDED = "unended"
"""Flag of a recording whose writer did not mark its end, so that nothing tells whether all of it is there."""


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
        return [_sound(part, name) for part in riff.wav_parts(stream, name)]
    if head[:4] == flac.MAGIC:
        return [_sound(part, name, (), head, not is_searched) for part in flac.flac_parts(stream, name, is_searched)]
    if head[:4] == ogg.MAGIC:
        return [_ogg_sound(part, name) for part in ogg.ogg_parts(stream, name)]
    if is_for_av(head):
        return [AvSound(stream, name, "a format that libsndfile does not know")]
    if (head[:3] == b"ID3" or head[:1] == b"\xff") and (parts := mp3_parts(stream, name)) is not None:
        return [_sound(part, name, () if is_whole else (UNENDED,)) for part, is_whole in parts]
    return [_sound(stream, name, head=head)]


def is_for_av(head: bytes) -> bool:
    """Whether the first bytes are of a format that PyAV reads and libsndfile does not, or takes for another."""
    return (
        head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
        or head.startswith(
            (b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"#!AMR", b"\x0b\x77", b"FLV\x01")
        )
        or head.startswith((b"\x00\x00\x01\xba", b"wvpk", b"MAC ", b"TTA1", b"TTA2", b"MPCK", b"MP+", b".RMF"))
        or (head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xF6 == 0xF0)  # ADTS
        or (head[:1] == b"\x47" and head[188:189] == b"\x47")
    )


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
        return AvSound(stream, name, f"{reason}; give WAV, FLAC, Ogg or MP3; or, for many other formats", flags)
    except AudioError as error:
        raise error if reason in str(error) else AudioError(f"{name}: {reason}; give WAV, FLAC, Ogg or MP3") from error
