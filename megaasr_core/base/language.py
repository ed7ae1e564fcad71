"""Languages: one parser of codes, tags and English names, and which are written without spaces between words."""

import re
from functools import lru_cache
from pathlib import Path

from .errors import ParameterError

TAG = re.compile(r"([a-z]{2,3})(?:[-_]([a-z]{3}))?(?:[-_][a-z0-9]{1,8})*(?:[.@].*)?")


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, str], dict[str, str], frozenset[str]]:
    """Code of each code, code of each English name, and the unspaced languages, from languages.tsv."""
    lines = Path(__file__).with_name("languages.tsv").read_text(encoding="utf-8").splitlines()[2:]
    rows = [[*line.split("\t"), "", "", ""] for line in lines]
    codes = {code: row[0] for row in rows for code in (row[0], *row[1].split())}
    names = {name: row[0] for row in rows for name in row[2].split("; ") if name}
    return codes, names, frozenset(row[0] for row in rows if row[3])


@lru_cache(maxsize=256)
def language_code(language: str | None) -> str:
    """The ISO 639-1 code of a language, or its ISO 639-3 code where it has no other; None gives ``en``.

    `language` is, in any case, a code of ISO 639-1, -2 or -3, a tag or locale that begins with one, or an English name.
    ParameterError: it is none of them; the message names the nearest.

    >>> [language_code(name) for name in ("zh-Hant-TW", "zho", "ger", "Mandarin Chinese", "yue", "pt_BR", None)]
    ['zh', 'zh', 'de', 'zh', 'yue', 'pt', 'en']
    """
    if language is None:
        return "en"
    codes, names, unspaced = _table()
    if (tag := TAG.fullmatch(language.strip().lower())) and (code := codes.get(tag[1])):
        return codes[tag[2]] if code == "zh" and codes.get(tag[2]) in unspaced else code  # zh-yue is Cantonese
    name = re.sub(r"[\s_-]+", " ", " ".join(reversed(language.strip().lower().split(", "))))
    if name in names:
        return names[name]
    from rapidfuzz import distance, process

    known = [name for name, code in names.items() if len(code) == 2]
    near = process.extractOne(name, known, scorer=distance.JaroWinkler.similarity, score_cutoff=0.8)
    hint = f"; did you mean {near[0]!r} ({names[near[0]]})?" if near else ""
    raise ParameterError(f"language {language!r}: an ISO 639-1 or 639-3 code or an English name is expected{hint}")


def is_unspaced(language: str) -> bool:
    """Whether the language is written without spaces between words: Chinese, Japanese, Thai, Khmer and others."""
    return language_code(language) in _table()[2]
