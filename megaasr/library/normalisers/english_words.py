"""Plain English texts, word by word: where no rule looks beyond one word, each word is normalised once and kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

WORD = re.compile(r"(?:([a-z]{2,40})(?:'(?:s|t|d|m|re|ve|ll))?[.,?!;:]?|([ai])(?:'(?:s|d|m|ve|ll))?[,?!;:]?)")
"""A word, perhaps a contraction, perhaps with one mark behind it; of single letters only the words a and i, without a
full stop (other letters are spelled, p. m.)."""
FILLERS = frozenset(("hmm", "mm", "mhm", "mmm", "uh", "um"))
"""Removed by Whisper's normaliser; an ending behind one ('s) then belongs to the word before."""
CONTEXT = frozenset(("half", "halves", "cetera", "site", "sites"))
"""Words of rules that look at the words beside them, except numbers."""
OF_CONTRACTIONS = ("'s been", "'d been", "'s gone", "'d gone", "'d done", "'s got", "'t mail", "'t shirt", "'t ray")
"""Beginnings of what a rule takes for one expression though each word alone is usual."""
MOST_WORDS = 2**15
"""When so many words are known, the next text begins anew."""

Tokens = tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """What a normaliser does, so that words can be told which it leaves alone.

    Args:
        normalise: all of it.
        patterns: of the replacements that can match ASCII letters.
        spellings: word -> the word that is written for it, after the replacements.
        numbers: words that are read together with the words beside them.
    """

    normalise: Callable[[str], str]
    patterns: Collection[str]
    spellings: Mapping[str, str]
    numbers: Collection[str]


class WordByWord:
    """Normalises the texts of which every word can be normalised alone; the result is that of the whole text.

    That is so for ASCII words and contractions (`WORD`) of which none is a number word or spelled letter and no two
    form an expression: of Whisper's rules, and of ours before them, no other one matches across a space.

    >>> words = WordByWord(Rules(str.upper, ["so"], {"we": "us"}, {"two"}))
    >>> words.tokens("So be we."), words.tokens("two of us")
    (['SO', 'be', 'us'], None)
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._known = _KnownWords(rules)

    def tokens(self, text: str) -> list[str] | None:
        """The words of the normalised text; None where it must be normalised as a whole."""
        if not text.isascii():
            return None
        plain = text.lower()
        if "all right" in plain or "wi fi" in plain or ("'" in plain and any(two in plain for two in OF_CONTRACTIONS)):
            return None
        known = self._known
        if len(known) > MOST_WORDS:
            known = self._known = _KnownWords(self._rules)
        words = plain.split()
        tokens = list(map(known.__getitem__, words))
        if known.others.isdisjoint(tokens):
            return tokens
        found: list[str] = []
        for word in words:
            of_word = known.tokens_of.get(word, (known[word],))
            if of_word is None:
                return None
            found += of_word
        return found


class _KnownWords(dict[str, str]):
    """Word -> its one token; filled as words are met.

    Of a word with another number of tokens, or where the words beside it matter, the value is the word itself; its
    tokens, or None, are in `tokens_of`, whose keys are `others`.
    """

    def __init__(self, rules: Rules) -> None:
        super().__init__()
        self._rules = rules
        self._context = CONTEXT.union(rules.numbers) - {"and"}  # which needs a number beside it
        self._pattern = re.compile("|".join(f"(?:{pattern})" for pattern in rules.patterns))
        self.tokens_of: dict[str, Tokens | None] = {}
        self.others = self.tokens_of.keys()

    def __missing__(self, word: str) -> str:
        tokens = self._tokens(word)
        if tokens is None or len(tokens) != 1:
            self.tokens_of[word] = tokens
            tokens = (word,)
        self[word] = tokens[0]
        return tokens[0]

    def _tokens(self, word: str) -> Tokens | None:
        match = WORD.fullmatch(word)
        stem = match and (match[1] or match[2])
        if not stem or stem in self._context or (stem in FILLERS and "'" in word):
            return None
        if word != stem and word[:-1] == stem:  # a mark behind it
            token = self[stem]
            return self.tokens_of.get(stem, (token,))
        if word == stem and not self._pattern.search(word):  # what no replacement matches, none changes
            return (self._rules.spellings.get(word, word),)
        return tuple(self._rules.normalise(word).split())
