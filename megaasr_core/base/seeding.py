"""Random numbers by key: what is drawn depends on what it is drawn for, never on who draws it or in which order."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from numpy.random.bit_generator import ISeedSequence


@dataclass(frozen=True)
class SampleKey:
    """Names one sample of a corpus; every generator of that sample is derived from it.

    Args:
        seed: the corpus seed.
        utterance: the utterance's id.
        epoch: which pass over the corpus; another epoch gives another degradation.
    """

    seed: int
    utterance: str
    epoch: int = 0

    def rng(self, *position: str | int) -> np.random.Generator:
        """A fresh generator for one place in this sample's chain, e.g. ``key.rng("render", 2)``.

        The 128-bit Philox key is BLAKE2b of (seed, utterance, epoch, position), so that equal keys give equal streams
        on every machine and neighbouring keys give unrelated ones (Salmon et al. 2011, counter-based generators).

        >>> a, b = SampleKey(1, "utt-7").rng("render", 0), SampleKey(1, "utt-7").rng("render", 0)
        >>> float(a.random()) == float(b.random())
        True
        """
        # Length-prefixed, so that ("ab", "c") and ("a", "bc") stay apart.
        parts = [str(part).encode() for part in (self.seed, self.utterance, self.epoch, *position)]
        message = b"".join(len(part).to_bytes(4, "little") + part for part in parts)
        digest = blake2b(message, digest_size=16, person=b"megaasr-rng-1").digest()
        words = _Key(np.frombuffer(digest, "<u8").astype(np.uint64))
        return np.random.Generator(np.random.Philox(words))  # type: ignore[arg-type]


class _Key(ISeedSequence):
    """Hands Philox its key. By its argument ``key`` it would take the same one, and first ask the system for a seed."""

    def __init__(self, words: npt.NDArray[np.uint64]) -> None:
        self._words = words

    def generate_state(self, n_words: int, dtype: object = np.uint32) -> npt.NDArray[np.uint64]:
        del n_words, dtype  # two of 64 bits are what Philox asks for
        return self._words
