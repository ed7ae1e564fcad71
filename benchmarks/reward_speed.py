"""CPU seconds for the reward dg_wgpo with all its terms: megaasr, and jiwer with plain Python, in turn in one process.

``python -m benchmarks.reward_speed [ROUNDS]``
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import jiwer
from whisper_normalizer.english import EnglishTextNormalizer

import megaasr

from .jiwer_rewards import dg_wgpo
from .text_pairs import drawn_pairs

PAIRS = 10_000
ROUNDS = 7
Pairs = Sequence[tuple[str, str]]


def reward_rows(rounds: int = ROUNDS) -> list[dict[str, object]]:
    """The time for 10,000 pairs of 5 to 30 words, and the ratio; each round has other pairs of the same vocabulary.

    Raises:
        ValueError: the two give another score for a pair.
    """
    return [
        _row("lower-case words", rounds, _with_jiwer, written=False),
        _row("sentences, which each side normalises", rounds, _with_jiwer_and_whisper, written=True),
    ]


def _row(texts: str, rounds: int, theirs: Callable[[Pairs], list[float]], *, written: bool) -> dict[str, object]:
    first = drawn_pairs(PAIRS, "first", written=written)
    cold_s, ours = _timed(_with_megaasr, first)  # meets every word for the first time
    if any(abs(one - other) > 1e-9 for one, other in zip(ours, theirs(first), strict=True)):
        raise ValueError("megaasr and jiwer give different scores")
    times = [_round(drawn_pairs(PAIRS, f"round {number}", written=written), theirs, number) for number in range(rounds)]
    ours_s, theirs_s, alone_s = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "texts": texts,
        "megaasr, s": round(ours_s, 3),
        "jiwer and Python, s": round(theirs_s, 3),
        "ratio, median [min, max]": _spread([other / one for one, other, _ in times]),
        "jiwer.process_words alone, s": round(alone_s, 3),
        "its ratio, median [min, max]": _spread([other / one for one, _, other in times]),
        "megaasr, first batch, s": round(cold_s, 3),
    }


def _round(pairs: Pairs, theirs: Callable[[Pairs], list[float]], number: int) -> tuple[float, float, float]:
    """Seconds of megaasr, of the whole reward by jiwer, and of its alignment alone; the order turns from round to
    round, as the later ones find caches warm."""
    works = (_with_megaasr, theirs, _jiwer_alone)
    order = [(number + step) % 3 for step in range(3)]
    seconds = {place: _timed(works[place], pairs)[0] for place in order}
    return seconds[0], seconds[1], seconds[2]


def _with_megaasr(pairs: Pairs) -> list[float]:
    hypotheses, references = map(list, zip(*pairs, strict=True))
    return [score for score in megaasr.score(hypotheses, references, "dg_wgpo") if score is not None]


def _with_jiwer(pairs: Pairs) -> list[float]:
    hypotheses, references = zip(*pairs, strict=True)
    return dg_wgpo(hypotheses, references)


def _with_jiwer_and_whisper(pairs: Pairs) -> list[float]:
    normalise = EnglishTextNormalizer()
    return _with_jiwer([(normalise(hypothesis), normalise(reference)) for hypothesis, reference in pairs])


def _jiwer_alone(pairs: Pairs) -> list[float]:
    hypotheses, references = zip(*pairs, strict=True)
    return [jiwer.process_words(list(references), list(hypotheses)).wer]


def _timed(work: Callable[[Pairs], list[float]], pairs: Pairs) -> tuple[float, list[float]]:
    started = time.thread_time()
    scores = work(pairs)
    return time.thread_time() - started, scores


def _spread(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.1f} [{min(ratios):.1f}, {max(ratios):.1f}]"


def main() -> None:
    """Print the rows as JSON."""
    rows = reward_rows(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
    sys.stdout.write(json.dumps({"hardware": megaasr.hardware(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
