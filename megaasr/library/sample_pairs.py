"""`pairs_of`: what most rewards look at, the tokens of hypothesis and reference compared once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from megaasr_core.contracts.reward import RewardSample

from .alignment import CELLS, align
from .text import normaliser_version, tokeniser_of

MOST_KEPT = 2**16
"""Pairs kept for the next reward that asks; some 20 MB."""
EDIT_NAMES = {"substitution": "replace", "insertion": "insert", "deletion": "delete"}
Key = tuple[str, str, str, str]
Edit = tuple[str, int, int]
"""Name of rapidfuzz, place in the reference, place in the hypothesis."""


class SamplePair(NamedTuple):
    """Hypothesis and reference of a sample, compared by tokens: words, or characters where the language is scored so.

    Args:
        hits, insertions: counts of the alignment that `align` gives.
        num_edits: substitutions, deletions and insertions, as few as possible.
        similarities: of the two tokens of each substitution, ``1 - edit distance / longer length`` over characters.
        lcs: length of the longest common subsequence of tokens.
        ref_len, hyp_len: numbers of tokens.
        wer: num_edits / max(ref_len, 1): with an empty reference, the number of inserted tokens. It may exceed 1.
    """

    hits: int
    insertions: int
    num_edits: int
    similarities: tuple[float, ...]
    lcs: int
    ref_len: int
    hyp_len: int
    wer: float


class _Kept:
    """The pairs that were asked for last; where they become too many, those of the last batch; no dict is shortened."""

    def __init__(self) -> None:
        self.pairs: dict[Key, SamplePair] = {}

    def of(self, keys: Sequence[Key]) -> dict[Key, SamplePair]:
        """A dict with at least those keys."""
        pairs = self.pairs
        if missing := dict.fromkeys(key for key in keys if key not in pairs):
            made = _compared(missing)
            if len(pairs) + len(made) <= MOST_KEPT:
                pairs.update(made)
            else:
                pairs = made | {key: pairs[key] for key in keys if key in pairs}
                self.pairs = pairs if len(pairs) <= MOST_KEPT else {}
        return pairs


_KEPT = _Kept()


def pairs_of(batch: Sequence[RewardSample]) -> list[SamplePair | None]:
    """The compared pair of each sample; None where the reference is unknown.

    Rewards that score one batch in turn share the pairs: a batch is normalised and aligned once, not once a reward.

    >>> whole, unknown = pairs_of([RewardSample("a x c d", "a b c"), RewardSample("a", None)])
    >>> whole.hits, whole.insertions, whole.similarities, whole.lcs, whole.ref_len, whole.hyp_len, unknown
    (2, 1, (0.0,), 2, 3, 4, None)
    """
    versions = {spoken: normaliser_version(spoken) for spoken in {sample.language for sample in batch}}
    keys: list[Key | None] = [
        None
        if sample.reference is None
        else (sample.hypothesis, sample.reference, sample.language, versions[sample.language])
        for sample in batch
    ]
    pairs = _KEPT.of([key for key in keys if key is not None])
    return [None if key is None else pairs[key] for key in keys]


def _compared(keys: Iterable[Key]) -> dict[Key, SamplePair]:
    compare = _comparison()
    tokenisers: dict[str, Callable[[str], list[str]]] = {}
    made = {}
    last: tuple[str, str] | None = None
    reference: list[str] = []
    for key in keys:
        heard, said, language, _ = key
        tokens = tokenisers.get(language) or tokenisers.setdefault(language, tokeniser_of(language))
        if last != (said, language):  # rollouts of one prompt share its reference, and stand beside each other
            last, reference = (said, language), tokens(said)
        made[key] = compare(reference, tokens(heard))
    return made


def _comparison() -> Callable[[list[str], list[str]], SamplePair]:
    from rapidfuzz.distance import LCSseq, Levenshtein

    similarity, common = Levenshtein.normalized_similarity, LCSseq.similarity
    steps: Callable[[list[str], list[str]], Any] = Levenshtein.editops

    def compare(reference: list[str], hypothesis: list[str]) -> SamplePair:
        ref_len, hyp_len = len(reference), len(hypothesis)
        is_short = ref_len * hyp_len <= CELLS
        edits: list[Edit] = steps(reference, hypothesis).as_list() if is_short else _by_rule(reference, hypothesis)
        insertions, similarities = 0, []
        for name, i, j in edits:
            if name == "replace":
                similarities.append(similarity(reference[i], hypothesis[j]))
            elif name == "insert":
                insertions += 1
        hits, num_edits = hyp_len - len(similarities) - insertions, len(edits)
        # A common subsequence of L tokens is an alignment of |R| + |H| - 2 L edits, so L <= hits + substitutions / 2.
        lcs = hits if len(similarities) < 2 else common(hypothesis, reference)
        wer = num_edits / (ref_len or 1)
        return SamplePair(hits, insertions, num_edits, tuple(similarities), lcs, ref_len, hyp_len, wer)

    return compare


def _by_rule(reference: list[str], hypothesis: list[str]) -> list[Edit]:
    """The edits of `align`, whose tie rule holds at every length, in the form of rapidfuzz: name, and two places."""
    edits: list[Edit] = []
    i = j = 0
    for name, r, h in align(reference, hypothesis).pairs:
        if name != "hit":
            edits.append((EDIT_NAMES[name], i, j))
        i += r is not None
        j += h is not None
    return edits
