"""Sentences for the synthetic voices: of `grammar.txt` and of free texts, none of them held out for evaluation."""

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
"""Of all sentences; which ones follows from their words alone, so that a sentence never changes sides."""
QUESTION = re.compile(
    r"(where|why|how|could|have you|who|is|what|would|do you|did|which|are|shall|can)\b|.*, have you met|.*, could you",
    re.IGNORECASE,
)
FREE_TEXT_SHARE = 0.5
"""At most this share of the sentences is taken from free texts: they are few books, and old ones."""


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
    """One sentence of a random domain, with its capital, its article and its mark."""
    domains = sorted(name for name in grammar() if name.startswith(DOMAIN))
    text = expand(domains[int(rng.integers(len(domains)))], rng)
    text = re.sub(r"\b([Aa])\(n\) (?=([a-z]))", lambda m: f"{m[1]}{'n' if m[2] in 'aeiou' else ''} ", text)
    mark = "?" if QUESTION.match(text) else "."
    return text[0].upper() + text[1:] + mark


def free_sentences(text: str) -> Iterator[str]:
    """The sentences of a prose text without digits and headings, which voices read in ways of their own."""
    plain = re.sub(r"\s+", " ", text.replace("`", "'").replace("''", "'").replace('"', ""))
    for piece in re.split(r"(?<=[.!?])['\")]* +", plain):
        sentence = re.sub(r"(?<!\w)'|'(?!\w)|[*_()\[\]]", "", piece).replace("--", ", ").strip()
        sentence = re.sub(r"\s+,", ",", sentence)
        if re.fullmatch(r"[A-Z][A-Za-z',;:\- ]+[.!?]", sentence) and not re.search(r"\b[A-Z]{2,}\b", sentence):
            yield sentence


def side_of(sentence: str) -> str:
    """Train or dev, by the sentence's normalised words."""
    number = int.from_bytes(blake2b(normalise(sentence).encode(), digest_size=4).digest(), "little")
    return "dev" if number % 100 < DEV_PERCENT else "train"


def sentences(wanted: dict[str, int], seed: int, held_out: HeldOut, texts: Iterable[str] = ()) -> dict[str, list[str]]:
    """As many different sentences of each split as are wanted, in an order that mixes where they are from.

    Raises:
        ManifestError: the grammar does not give that many.
    """
    found: dict[str, list[str]] = {split: [] for split in wanted}
    known: set[str] = set()

    def take(sentence: str, limits: dict[str, int]) -> None:
        split, plain = side_of(sentence), normalise(sentence)
        fits = MIN_WORDS <= len(sentence.split()) <= MAX_WORDS and plain not in known
        if fits and len(found.get(split, ())) < limits.get(split, 0) and not held_out.holds(sentence):
            known.add(plain)
            found[split].append(sentence)

    few = {split: int(FREE_TEXT_SHARE * count) for split, count in wanted.items()}
    for text in texts:
        for sentence in free_sentences(text):
            take(sentence, few)
    rng = SampleKey(seed, "sentences").rng("grammar")
    for _ in range(1000 + 60 * sum(wanted.values())):
        if all(len(found[split]) == count for split, count in wanted.items()):
            break
        take(made_sentence(rng), wanted)
    else:
        raise ManifestError(f"the grammar gives too few sentences for {wanted}; add to {GRAMMAR.name}")
    for split, listed in found.items():
        SampleKey(seed, "sentences").rng("order", split).shuffle(listed)  # type: ignore[arg-type]
    return found
