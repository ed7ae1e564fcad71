"""Alignment of hypothesis and reference, and its edit counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Operation = Literal["hit", "substitution", "deletion", "insertion"]
CELLS = 2**20
"""Up to this many pairs of tokens rapidfuzz traces the whole table: a quarter of the size at which it divides it."""


@dataclass(frozen=True)
class Alignment:
    """An alignment of two token lists with the fewest edits.

    Args:
        pairs: (operation, reference token or None, hypothesis token or None), in order.
    """

    pairs: tuple[tuple[Operation, str | None, str | None], ...]

    def count(self, operation: Operation) -> int:
        """Number of pairs with the given operation."""
        return sum(1 for pair in self.pairs if pair[0] == operation)

    @property
    def hits(self) -> int:
        """Number of correct tokens."""
        return self.count("hit")

    @property
    def substitutions(self) -> int:
        """Number of substituted tokens."""
        return self.count("substitution")

    @property
    def deletions(self) -> int:
        """Number of reference tokens that the hypothesis lacks."""
        return self.count("deletion")

    @property
    def insertions(self) -> int:
        """Number of hypothesis tokens that the reference lacks."""
        return self.count("insertion")

    @property
    def num_edits(self) -> int:
        """Substitutions, deletions and insertions: the Levenshtein distance."""
        return len(self.pairs) - self.hits

    @property
    def ref_len(self) -> int:
        """Number of reference tokens."""
        return len(self.pairs) - self.insertions

    @property
    def wer(self) -> float:
        """num_edits / max(ref_len, 1): with an empty reference, the number of inserted tokens. It may exceed 1."""
        return self.num_edits / max(self.ref_len, 1)


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> Alignment:
    """Align two token lists with the fewest edits (bit-parallel; rapidfuzz up to `CELLS` cells of the table).

    Tie rule, if several alignments have the fewest edits: the common prefix and the common suffix are matched first.
    The rest is traced back over the table D of distances between the first i tokens of the reference and the first j
    tokens of the hypothesis: a deletion if ``D[i-1][j] + 1 == D[i][j]``; else an insertion if
    ``D[i][j-1] < D[i-1][j-1]``; else a hit or a substitution. The rule holds at every length.

    num_edits, and so WER, equals that of jiwer at every length. Hits, substitutions, deletions and insertions equal
    jiwer's up to `CELLS`. Beyond some four million cells (2,000 tokens by 2,000) rapidfuzz, on which jiwer is built,
    divides the table and splits ties otherwise: of 4,000 random tokens it may find a few hits more or fewer.

    >>> [operation for operation, _, _ in align("a b c".split(), "a x c d".split()).pairs]
    ['hit', 'substitution', 'hit', 'insertion']
    """
    pairs: list[tuple[Operation, str | None, str | None]] = []
    for tag, src_start, src_end, dest_start, dest_end in _opcodes(reference, hypothesis):
        of_reference, of_hypothesis = reference[src_start:src_end], hypothesis[dest_start:dest_end]
        if tag == "equal":
            pairs += [("hit", r, h) for r, h in zip(of_reference, of_hypothesis, strict=True)]
        elif tag == "replace":
            pairs += [("substitution", r, h) for r, h in zip(of_reference, of_hypothesis, strict=True)]
        elif tag == "delete":
            pairs += [("deletion", r, None) for r in of_reference]
        else:
            pairs += [("insertion", None, h) for h in of_hypothesis]
    return Alignment(tuple(pairs))


def _opcodes(reference: Sequence[str], hypothesis: Sequence[str]) -> Sequence[Iterable[Any]]:
    if len(reference) * len(hypothesis) > CELLS:
        from .long_alignment import opcodes

        return opcodes(reference, hypothesis)
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.opcodes(reference, hypothesis).as_list()
