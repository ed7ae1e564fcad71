"""Which recording and which scenario each sample of a corpus is made of; any sample can be looked up by itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from megaasr import SampleKey


@dataclass(frozen=True)
class Schedule:
    """Recordings in passes, scenarios in rounds, each pass and round in an order of its own.

    Sample i is recording ``pass[i % num_utterances]`` of pass ``i // num_utterances``, and likewise for the scenario.
    So every recording is used once a pass, the counts of two scenarios differ by at most one, and which scenario meets
    which recording is chance.

    Args:
        seed: of the corpus.
        num_utterances, num_scenarios: that there are.
    """

    seed: int
    num_utterances: int
    num_scenarios: int

    def at(self, index: int) -> tuple[int, int, int]:
        """Recording, pass and scenario of sample `index`, each from 0."""
        epoch, place = divmod(index, self.num_utterances)
        turn, slot = divmod(index, self.num_scenarios)
        utterance = _order(self.seed, "utterances", epoch, self.num_utterances)[place]
        scenario = _order(self.seed, "scenarios", turn, self.num_scenarios)[slot]
        return int(utterance), epoch, int(scenario)


@lru_cache(maxsize=8)  # neighbouring samples share them
def _order(seed: int, what: str, number: int, size: int) -> npt.NDArray[np.int32]:
    return SampleKey(seed, f"corpus {what}", number).rng("order").permutation(size).astype(np.int32)
