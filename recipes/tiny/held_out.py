"""Sentences reserved for evaluation: the 720 IEEE (Harvard) sentences, and those of manifests named at run time.

The IEEE sentences (IEEE Std 297-1969) are stored as digests of their 4-grams in `ieee_sentences.txt`, one sentence a
line, so that the recipe does not contain their text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from megaasr import read_jsonl, reference_of, tokenise

GRAM = 4
SHARE = 0.5
"""A text with at least this share of a sentence's 4-grams counts as that sentence, even misheard or embedded."""
IEEE = Path(__file__).with_name("ieee_sentences.txt")


@lru_cache(maxsize=100_000)
def grams_of(text: str) -> tuple[str, ...]:
    """Digests (32 bit, hex) of the 4-grams of a text's normalised words; a text of fewer words is one gram."""
    words = tokenise(text)
    runs = [words[at : at + GRAM] for at in range(max(1, len(words) - GRAM + 1))]
    return tuple(blake2b(" ".join(run).encode(), digest_size=4).hexdigest() for run in runs if run)


class HeldOut:
    """A set of sentences that training data must not contain.

    Args:
        sentences: the digests of each sentence, as `grams_of` returns them.
    """

    def __init__(self, sentences: Iterable[Sequence[str]]) -> None:
        self._lengths: list[int] = []
        self._holders: dict[str, list[int]] = {}
        for number, grams in enumerate(sentences):
            unique = set(grams)
            self._lengths.append(len(unique))
            for gram in unique:
                self._holders.setdefault(gram, []).append(number)

    def __len__(self) -> int:
        return len(self._lengths)

    @classmethod
    def load(cls, manifests: Iterable[Path] = ()) -> HeldOut:
        """The IEEE sentences and the texts of evaluation manifests."""
        lines = [line.split() for line in IEEE.read_text(encoding="ascii").splitlines() if not line.startswith("#")]
        texts = {reference_of(row) or "" for manifest in manifests for row in read_jsonl(manifest)}
        return cls([*lines, *(grams_of(text) for text in sorted(texts))])

    def holds(self, text: str) -> bool:
        """Whether a text is, or contains at least `SHARE` of, one of the sentences."""
        return bool(self.matches(grams_of(text)))

    def matches(self, grams: Sequence[str]) -> list[int]:
        """Numbers of the sentences that a text with these digests holds, in order."""
        shared = Counter(number for gram in set(grams) for number in self._holders.get(gram, ()))
        return sorted(number for number, count in shared.items() if count >= SHARE * self._lengths[number])
