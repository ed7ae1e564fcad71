"""Damage to the bytes of a file, drawn from a generator; each returns the damaged bytes and what was done."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

Damaged = tuple[bytes, str]
Mutator = Callable[[bytes, Random], Damaged]

HEAD = 256
"""Bytes in which headers lie; half of the damage is done there."""
NUMBERS = (0, 1, 2, 3, 0x7F, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
SIZES = (1, 2, 2, 4, 4, 4, 8)
FIELDS = re.compile(rb"fmt |data|fact|LIST|RIFF|RF64|ds64|FORM|COMM|SSND|\.snd|caff|desc|fLaC|OggS|moov|mdat|stsz|mvhd")


def flip_bits(data: bytes, rng: Random) -> Damaged:
    """One to eight bits, anywhere or in the head."""
    changed, places = bytearray(data), []
    for _ in range(rng.choice((1, 1, 2, 8))):
        place = rng.randrange(min(len(data), HEAD) if rng.random() < 0.5 else len(data))
        changed[place] ^= 1 << rng.randrange(8)
        places.append(place)
    return bytes(changed), f"bits flipped at {places}"


def set_number(data: bytes, rng: Random) -> Damaged:
    """A number of the header at 0, 1, its largest value, or a value near the limits of its type."""
    size = min(rng.choice(SIZES), len(data))
    names = [found.end() for found in FIELDS.finditer(data)]
    if names and rng.random() < 0.6:
        place = rng.choice(names) + rng.choice((0, 0, 4, 4, 8, 12, 16, 20))
    else:
        place = rng.randrange(min(len(data), HEAD))
    place = max(0, min(place, len(data) - size))
    order = rng.choice(("little", "big"))
    old = int.from_bytes(data[place : place + size], order)
    value = rng.choice((*NUMBERS, old + 1, old - 1, old * 2, old // 2, old + 16, -1)) % 256**size
    number = value.to_bytes(size, order)
    return data[:place] + number + data[place + size :], f"{size} bytes at {place} set to {value} ({order})"


def truncate(data: bytes, rng: Random) -> Damaged:
    """The end is missing: anything from one byte to nearly all."""
    kept = rng.choice((rng.randrange(len(data)), rng.randrange(min(len(data), HEAD)), len(data) - 1, len(data) // 2))
    return data[:kept], f"truncated to {kept} of {len(data)} bytes"


def behead(data: bytes, rng: Random) -> Damaged:
    """The beginning is missing."""
    cut = rng.randrange(1, 1 + min(len(data) - 1, rng.choice((16, HEAD, len(data)))))
    return data[cut:], f"the first {cut} bytes removed"


def remove(data: bytes, rng: Random) -> Damaged:
    """A stretch inside is missing."""
    start, stop = _stretch(data, rng)
    return data[:start] + data[stop:], f"bytes {start}..{stop} removed"


def duplicate(data: bytes, rng: Random) -> Damaged:
    """A stretch occurs twice."""
    start, stop = _stretch(data, rng)
    return data[:stop] + data[start:], f"bytes {start}..{stop} doubled"


def overwrite(data: bytes, rng: Random) -> Damaged:
    """A stretch is replaced by zeros, ones or noise of the same length."""
    start, stop = _stretch(data, rng)
    what = rng.choice(("zeros", "ones", "noise"))
    size = stop - start
    fill = {"zeros": bytes(size), "ones": b"\xff" * size}.get(what) or rng.randbytes(size)
    return data[:start] + fill + data[stop:], f"bytes {start}..{stop} overwritten by {what}"


def insert(data: bytes, rng: Random) -> Damaged:
    """Noise or zeros stand between the bytes, or behind them."""
    size = rng.choice((1, 2, 3, 16, 1000))
    place = rng.choice((rng.randrange(len(data) + 1), len(data)))
    fill = rng.choice((bytes(size), rng.randbytes(size)))
    return data[:place] + fill + data[place:], f"{size} bytes inserted at {place}"


MUTATORS: tuple[Mutator, ...] = (
    flip_bits,
    flip_bits,
    set_number,
    set_number,
    set_number,
    truncate,
    truncate,
    behead,
    remove,
    duplicate,
    overwrite,
    insert,
)


def mutated(data: bytes, rng: Random, more: tuple[Mutator, ...] = ()) -> Damaged:
    """The bytes, damaged once, twice or three times by mutators drawn from `MUTATORS` and `more`."""
    notes = []
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        if not data:
            break
        data, note = rng.choice((*MUTATORS, *more))(data, rng)
        notes.append(note)
    return data, "; ".join(notes)


def splice_with(other: bytes) -> Mutator:
    """The head of the file before the tail of another."""

    def splice(data: bytes, rng: Random) -> Damaged:
        head, tail = rng.randrange(1, len(data) + 1), rng.randrange(len(other))
        return data[:head] + other[tail:], f"bytes 0..{head} before bytes {tail}.. of another file"

    return splice


def reordered_units(data: bytes, rng: Random) -> Damaged:
    """Units of the format (Ogg pages, MPEG frames, else eighths) are dropped, doubled or swapped."""
    units = _units(data)
    place = rng.randrange(len(units))
    what = rng.choice(("dropped", "dropped", "doubled", "swapped"))
    if what == "dropped":
        del units[place]
    elif what == "doubled":
        units.insert(place, units[place])
    else:
        other = rng.randrange(len(units))
        units[place], units[other] = units[other], units[place]
    return b"".join(units), f"unit {place} of {len(units)} {what}"


def _units(data: bytes) -> list[bytes]:
    mark = next((mark for mark in (rb"OggS", rb"\xff[\xfb\xf3\xe3\xfa]") if re.match(mark, data)), None)
    if mark is None:
        size = max(1, len(data) // 8)
        return [data[start : start + size] for start in range(0, len(data), size)]
    starts = [found.start() for found in re.finditer(mark, data)]
    return [data[start:stop] for start, stop in zip(starts, [*starts[1:], len(data)], strict=True)]


def _stretch(data: bytes, rng: Random) -> tuple[int, int]:
    start = rng.randrange(min(len(data), HEAD) if rng.random() < 0.3 else len(data))
    return start, min(len(data), start + 1 + rng.randrange(rng.choice((1, 4, 64, len(data)))))
