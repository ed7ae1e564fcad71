"""Sentences for the synthetic voices, from `grammar.txt` and from prose; none of them is held out for evaluation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np

from megaasr import ManifestError, SampleKey, normalise

from .held_out import HeldOut

GRAMMAR = Path(__file__).with_name("grammar.txt")
DOMAIN = "say_"
MIN_WORDS, MAX_WORDS = 4, 16
DEV_PERCENT = 8
"""Percentage of sentences in dev; the words of a sentence decide its split, so that it never changes."""
QUESTION = re.compile(
    r"(where|why|how|could|have you|who|is|what|would|do you|did|which|are|shall|can)\b|.*, have you met|.*, could you",
    re.IGNORECASE,
)
FREE_TEXT_SHARE = 0.5
"""Largest share of sentences from prose, since that prose is from few and old books."""


@lru_cache(maxsize=1)
def grammar() -> dict[str, tuple[str, ...]]:
    """The rules of `grammar.txt`."""
    rules: dict[str, tuple[str, ...]] = {}
    name = ""
    for line in GRAMMAR.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        head, equals, tail = line.partition("=")
        name = head.strip() if equals else name
        choices = tuple(choice.strip() for choice in (tail if equals else line).split("|") if choice.strip())
        rules[name] = rules.get(name, ()) + choices
    return rules


def expand(symbol: str, rng: np.random.Generator) -> str:
    """A random expansion of a rule."""
    choices = grammar()[symbol]
    chosen = choices[int(rng.integers(len(choices)))]
    return re.sub(r"\{(\w+)\}", lambda match: expand(match[1], rng), chosen)


def made_sentence(rng: np.random.Generator) -> str:
    """One sentence of a random domain, with a capital, articles and a closing mark."""
    domains = sorted(name for name in grammar() if name.startswith(DOMAIN))
    text = expand(domains[int(rng.integers(len(domains)))], rng)
    text = re.sub(r"\b([Aa])\(n\) (?=([a-z]))", lambda m: f"{m[1]}{'n' if m[2] in 'aeiou' else ''} ", text)
    mark = "?" if QUESTION.match(text) else "."
    return text[0].upper() + text[1:] + mark


def free_sentences(text: str) -> Iterator[str]:
    """The sentences of a prose text, without those with digits and without headings, which voices read differently."""
    plain = re.sub(r"\s+", " ", text.replace("`", "'").replace("''", "'").replace('"', ""))
    for piece in re.split(r"(?<=[.!?])['\")]* +", plain):
        sentence = re.sub(r"(?<!\w)'|'(?!\w)|[*_()\[\]]", "", piece).replace("--", ", ").strip()
        sentence = re.sub(r"\s+,", ",", sentence)
        if re.fullmatch(r"[A-Z][A-Za-z',;:\- ]+[.!?]", sentence) and not re.search(r"\b[A-Z]{2,}\b", sentence):
            yield sentence


def side_of(sentence: str) -> str:
    """The split of a sentence (train or dev), determined by its normalised words."""
    number = int.from_bytes(blake2b(normalise(sentence).encode(), digest_size=4).digest(), "little")
    return "dev" if number % 100 < DEV_PERCENT else "train"


def sentences(wanted: dict[str, int], seed: int, held_out: HeldOut, texts: Iterable[str] = ()) -> dict[str, list[str]]:
    """The wanted number of distinct sentences of each split, in random order.

    Raises:
        ManifestError: the grammar does not give that many.
    """
    by_split: dict[str, list[str]] = {split: [] for split in wanted}
    known: set[str] = set()

    def take(sentence: str, limits: dict[str, int]) -> None:
        split, plain = side_of(sentence), normalise(sentence)
        fits = MIN_WORDS <= len(sentence.split()) <= MAX_WORDS and plain not in known
        if fits and len(by_split.get(split, ())) < limits.get(split, 0) and not held_out.holds(sentence):
            known.add(plain)
            by_split[split].append(sentence)

    prose_limits = {split: int(FREE_TEXT_SHARE * count) for split, count in wanted.items()}
    for text in texts:
        for sentence in free_sentences(text):
            take(sentence, prose_limits)
    rng = SampleKey(seed, "sentences").rng("grammar")
    for _ in range(1000 + 60 * sum(wanted.values())):
        if all(len(by_split[split]) == count for split, count in wanted.items()):
            break
        take(made_sentence(rng), wanted)
    else:
        raise ManifestError(f"the grammar gives too few sentences for {wanted}; add to {GRAMMAR.name}")
    for split, listed in by_split.items():
        SampleKey(seed, "sentences").rng("order", split).shuffle(listed)  # type: ignore[arg-type]
    return by_split
