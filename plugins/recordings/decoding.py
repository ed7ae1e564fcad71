"""Decodes recordings within limits: what `megaasr.read_audio`, the banks of sounds and the shards of corpora call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO

import numpy as np

from megaasr import Audio, AudioError, AudioLimits, Samples, one_line, resampled_length

from .folders import below
from .mixing import mono
from .opening import open_sounds
from .sound import Sound, UnreadError

__all__ = ["below", "decode", "measure"]

MAX_PEAK = 2.0**32
"""No sound is louder: the largest full scale in use is that of 32-bit integers, 2^31, and twice that leaves 6 dB."""
MAX_SAMPLES = 7200 * 48_000
"""Longest recording at any rate: two hours at 48 kHz, 1.4 GB of float32."""
CONVERTED_RATES_HZ = 1_000, 768_000


def decode(stream: BinaryIO, name: str, limits: AudioLimits) -> Audio:
    """The recording in a file that can be sought, as one channel; parts follow each other at the rate of the first.

    Raises:
        AudioError: it cannot be read, or is outside the limits; in one line.
    """
    try:
        with _opened(stream, name, is_searched=False) as sounds:
            return _decoded(sounds, name, limits)
    except UnreadError:
        with _opened(stream, name) as sounds:
            return _decoded(sounds, name, limits)


def _decoded(sounds: Sequence[Sound], name: str, limits: AudioLimits) -> Audio:
    rate, seconds = sounds[0].sample_rate, 0.0
    parts, flags = list[Audio](), {flag for sound in sounds for flag in sound.flags}
    for sound in sounds:
        _check_header(name, sound, limits, seconds)
        samples, of_mix = mono(sound, limits.channel, partial(_check_longest, name, sound, limits, seconds))
        flags |= of_mix
        seconds += len(samples) / sound.sample_rate
        parts.append(_checked(samples, sound.sample_rate, name).resampled(rate))
    whole = parts[0].samples if len(parts) == 1 else np.concatenate([part.samples for part in parts])
    _check_shortest(name, len(whole), rate, limits)
    return Audio.of_checked(whole, rate, name, tuple(sorted(flags)))


def measure(stream: BinaryIO, name: str, limits: AudioLimits) -> tuple[int, int]:
    """Number of samples and sample rate of what `decode` returns.

    Only what has no exact length is decoded. Of other recordings it is the last sample, because the header of a
    truncated file still states the full length; damage in the middle is not detected.
    """
    with _opened(stream, name) as sounds:
        rate, total, seconds = sounds[0].sample_rate, 0, 0.0
        for sound in sounds:
            _check_header(name, sound, limits, seconds)
            if (frames := sound.num_frames) is None:
                frames = len(mono(sound, limits.channel or 0, partial(_check_longest, name, sound, limits, seconds))[0])
            elif frames:
                sound.check_end()
            seconds += frames / sound.sample_rate
            total += resampled_length(frames, sound.sample_rate, rate)
        _check_shortest(name, total, rate, limits)
        return total, rate


@contextmanager
def _opened(stream: BinaryIO, name: str, is_searched: bool = True) -> Iterator[Sequence[Sound]]:
    """The open parts; whatever a file makes a library raise in here is one line about the file."""
    sounds: Sequence[Sound] = ()
    try:
        sounds = open_sounds(stream, name, is_searched)
        with np.errstate(all="ignore"):
            yield sounds
    except (AudioError, UnreadError):
        raise
    except OSError as error:
        raise AudioError(f"{name}: cannot be read ({error.strerror or one_line(error)})") from error
    except Exception as error:  # of libsndfile, PyAV and numpy, such as MemoryError, ValueError and struct.error
        reason = one_line(error) or "no reason is given"
        raise AudioError(f"{name}: cannot be read as audio ({type(error).__name__}: {reason})") from error
    finally:
        for sound in sounds:
            sound.close()


def _checked(samples: Samples, rate: int, name: str) -> Audio:
    peak = max(float(samples.max()), -float(samples.min())) if len(samples) else 0.0  # NaN if a sample is NaN
    if peak <= MAX_PEAK:
        return Audio.of_checked(samples, rate, name)
    if np.isfinite(peak):
        raise AudioError(f"{name}: a sample of {peak:.3g} is no sound (at most {MAX_PEAK:.3g}); mend the file")
    return Audio(samples, rate, name)  # which refuses it


def _check_header(name: str, sound: Sound, limits: AudioLimits, seconds: float) -> None:
    if limits.channel is not None and not 0 <= limits.channel < sound.channels:
        raise AudioError(f"{name}: there is no channel {limits.channel}; it has {sound.channels}, counted from 0")
    lowest, highest = CONVERTED_RATES_HZ if limits.convert else (limits.min_rate_hz, limits.max_rate_hz)
    if not lowest <= sound.sample_rate <= highest:
        raise AudioError(f"{name}: sample rate {sound.sample_rate} Hz is outside {lowest}..{highest} Hz; resample it")
    _check_longest(name, sound, limits, seconds, sound.num_frames or 0)


def _check_longest(name: str, sound: Sound, limits: AudioLimits, seconds: float, frames: int) -> None:
    if (total := seconds + frames / sound.sample_rate) > limits.max_duration_s:
        raise AudioError(
            f"{name}: {total:.0f} s is longer than the limit of {limits.max_duration_s:g} s; split the file"
        )
    if frames > MAX_SAMPLES:
        raise AudioError(f"{name}: has more than {MAX_SAMPLES} samples; split the file, or resample it to 16 kHz")


def _check_shortest(name: str, frames: int, rate: int, limits: AudioLimits) -> None:
    if frames == 0:
        raise AudioError(f"{name}: holds no samples")
    if frames / rate < limits.min_duration_s:
        raise AudioError(
            f"{name}: {frames} samples ({frames / rate * 1000:.3g} ms) are shorter than the minimum of "
            f"{limits.min_duration_s * 1000:g} ms; give a longer recording"
        )
