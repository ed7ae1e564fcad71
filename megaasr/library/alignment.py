"""Alignment of hypothesis and reference, and its edit counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Operation = Literal["hit", "substitution", "deletion", "insertion"]


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
    """Align two token lists with the fewest edits (rapidfuzz, bit-parallel).

    Tie rule, if several alignments have the fewest edits: the common prefix and the common suffix are matched first.
    The rest is traced back over the table D of distances between the first i tokens of the reference and the first j
    tokens of the hypothesis: a deletion if ``D[i-1][j] + 1 == D[i][j]``; else an insertion if
    ``D[i][j-1] < D[i-1][j-1]``; else a hit or a substitution. The counts therefore equal those of jiwer.

    >>> [operation for operation, _, _ in align("a b c".split(), "a x c d".split()).pairs]
    ['hit', 'substitution', 'hit', 'insertion']
    """
    from rapidfuzz.distance import Levenshtein

    pairs: list[tuple[Operation, str | None, str | None]] = []
    for op in Levenshtein.opcodes(reference, hypothesis):
        of_reference = reference[op.src_start : op.src_end]
        of_hypothesis = hypothesis[op.dest_start : op.dest_end]
        if op.tag == "equal":
            pairs += [("hit", r, h) for r, h in zip(of_reference, of_hypothesis, strict=True)]
        elif op.tag == "replace":
            pairs += [("substitution", r, h) for r, h in zip(of_reference, of_hypothesis, strict=True)]
        elif op.tag == "delete":
            pairs += [("deletion", r, None) for r in of_reference]
        else:
            pairs += [("insertion", None, h) for h in of_hypothesis]
    return Alignment(tuple(pairs))
