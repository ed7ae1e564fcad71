"""Opcodes of a Levenshtein alignment of any length by one tie rule, in memory that grows with n * sqrt(m) bits."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import accumulate
from math import isqrt

Opcode = tuple[str, int, int, int, int]
"""Tag (``equal``, ``replace``, ``delete``, ``insert``), begin and end in the source, begin and end in the target."""
Column = tuple[int, int]
"""Bit i of the two integers: the distance of i + 1 source tokens is that of i tokens plus 1, or minus 1."""


def opcodes(source: Sequence[Hashable], target: Sequence[Hashable]) -> list[Opcode]:
    """The opcodes of ``rapidfuzz.distance.Levenshtein.opcodes``, traced over the whole table at every length.

    rapidfuzz divides long inputs (Hirschberg 1975), and then resolves ties in another way. This trace goes over the
    whole table of distances, a column of which is two integers with one bit for each source token (Hyyroe 2003). Every
    sqrt(m)-th column is kept, and the columns between are computed again.
    """
    begin, end = _common_ends(source, target)
    middle, other = source[begin : len(source) - end], target[begin : len(target) - end]
    operations = [("equal", begin), *_grouped(_traced(middle, other)), ("equal", end)]
    found: list[Opcode] = []
    i = j = 0
    for tag, count in operations:
        of_source, of_target = (0 if tag == "insert" else count), (0 if tag == "delete" else count)
        if count:
            found.append((tag, i, i + of_source, j, j + of_target))
        i, j = i + of_source, j + of_target
    return found


def _common_ends(source: Sequence[Hashable], target: Sequence[Hashable]) -> tuple[int, int]:
    """Lengths of the common prefix, and of the common suffix of what is left."""
    shorter = min(len(source), len(target))
    begin = next((n for n in range(shorter) if source[n] != target[n]), shorter)
    rest = shorter - begin
    end = next((n for n in range(rest) if source[-1 - n] != target[-1 - n]), rest)
    return begin, end


def _grouped(backwards: Iterator[str]) -> list[tuple[str, int]]:
    """Runs of equal operations in forward order."""
    runs: list[tuple[str, int]] = []
    for tag in backwards:
        count = runs.pop()[1] if runs and runs[-1][0] == tag else 0
        runs.append((tag, count + 1))
    return runs[::-1]


def _traced(source: Sequence[Hashable], target: Sequence[Hashable]) -> Iterator[str]:
    """The operations from the last to the first, by the tie rule of `align`."""
    columns = _Columns(source, target)
    i, j = len(source), len(target)
    rises, _ = columns[j]
    while i and j:
        if rises >> (i - 1) & 1:
            i -= 1
            yield "delete"
            continue
        j -= 1
        rises, falls = columns[j]
        if falls >> (i - 1) & 1:
            yield "insert"
        else:
            i -= 1
            yield "equal" if source[i] == target[j] else "replace"
    yield from ["delete"] * i + ["insert"] * j


class _Columns:
    """The columns of the table of distances, column 0 to column m, read from the last to the first."""

    def __init__(self, source: Sequence[Hashable], target: Sequence[Hashable]) -> None:
        places: dict[Hashable, int] = {}
        for place, token in enumerate(source):
            places[token] = places.get(token, 0) | 1 << place
        self._matches = [places.get(token, 0) for token in target]
        self._mask = (1 << len(source)) - 1
        self._step = isqrt(len(target)) + 1
        self._kept: list[Column] = []
        for number, column in enumerate(self._from((self._mask, 0), 0, len(target))):
            if number % self._step == 0:
                self._kept.append(column)
        self._block: list[Column] = []
        self._first = len(target) + 1

    def __getitem__(self, number: int) -> Column:
        if number < self._first:
            block = number // self._step
            self._first = block * self._step
            self._block = list(self._from(self._kept[block], self._first, number))
        return self._block[number - self._first]

    def _from(self, column: Column, start: int, stop: int) -> Iterator[Column]:
        """Column `start`, which is given, to column `stop`."""
        return accumulate(self._matches[start:stop], self._next, initial=column)

    def _next(self, column: Column, matches: int) -> Column:
        rises, falls = column
        mask = self._mask
        x = matches | falls
        diagonal = ((((x & rises) + rises) ^ rises) | x) & mask
        right_rises = ((falls | (mask & ~(diagonal | rises))) << 1) | 1
        right_falls = (diagonal & rises) << 1
        return (right_falls | ~(diagonal | right_rises)) & mask, right_rises & diagonal
