"""Keyed random numbers: a draw depends only on its key, not on the process or the order of draws."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from numpy.random.bit_generator import ISeedSequence


@dataclass(frozen=True)
class SampleKey:
    """Key of one sample of a corpus, from which every random generator of that sample is derived.

    Args:
        seed: seed of the corpus.
        utterance: id of the utterance.
        epoch: number of the pass over the corpus; another epoch gives another degradation.
    """

    seed: int
    utterance: str
    epoch: int = 0

    def rng(self, *position: str | int) -> np.random.Generator:
        """A new generator for one position in this sample's chain, e.g. ``key.rng("render", 2)``.

        The Philox key is BLAKE2b-128 of (seed, utterance, epoch, position): the raw streams of equal keys are equal, of
        neighbours unrelated (Salmon et al. 2011). Generator's methods may change with numpy; rendering uses none.

        >>> a, b = SampleKey(1, "utt-7").rng("render", 0), SampleKey(1, "utt-7").rng("render", 0)
        >>> float(a.random()) == float(b.random())
        True
        """
        # Length-prefixed, so that ("ab", "c") and ("a", "bc") give different keys.
        parts = [str(part).encode() for part in (self.seed, self.utterance, self.epoch, *position)]
        message = b"".join(len(part).to_bytes(4, "little") + part for part in parts)
        digest = blake2b(message, digest_size=16, person=b"megaasr-rng-1").digest()
        words = _Key(np.frombuffer(digest, "<u8").astype(np.uint64))
        return np.random.Generator(np.random.Philox(words))  # type: ignore[arg-type]


class _Key(ISeedSequence):
    """Seed sequence that passes the key to Philox; the argument ``key`` would first ask the system for a seed."""

    def __init__(self, words: npt.NDArray[np.uint64]) -> None:
        self._words = words

    def generate_state(self, n_words: int, dtype: object = np.uint32) -> npt.NDArray[np.uint64]:
        del n_words, dtype  # Philox requests two words of 64 bits
        return self._words
