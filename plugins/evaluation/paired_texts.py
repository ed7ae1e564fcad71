"""Pairs the lines of two text files, hypotheses and references: by number, or by the id that ends each line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from megaasr import ManifestError

TRN_LINE = re.compile(r"(?P<text>.*)\((?P<id>[^()\s]*[\d_-][^()\s]*)\)\s*")
"""A line of NIST's trn format, ``words (speaker-0001)``; the id has a digit, ``-`` or ``_``, unlike ``(laughs)``."""

Texts = list[tuple[str, str]]


def paired_lines(
    hypotheses: Sequence[str], references: Sequence[str], names: tuple[str, str]
) -> list[tuple[str, str, str]]:
    """Name, hypothesis and reference of each pair, in the order of the references.

    Where every line of both files ends in an id in parentheses, the lines are paired by id, and the ids are no words.
    Otherwise line 1 is paired with line 1. Where lines begin with ids (Kaldi's text) in two different orders, pairing
    by number would be wrong, and the files are refused.

    Args:
        hypotheses, references: lines without their ends.
        names: of the two files, for messages.

    Raises:
        ManifestError: an id occurs twice or in one file only, only one file has ids, the files have different numbers
            of lines, or lines begin with ids in different orders.
    """
    heard, said = _with_ids(hypotheses), _with_ids(references)
    if heard is not None and said is not None:
        return _by_id(heard, said, names)
    if len(hypotheses) != len(references):
        raise ManifestError(
            f"{names[0]} has {len(hypotheses)} lines and {names[1]} has {len(references)}: one for one is expected"
        )
    if heard is not None or said is not None:
        having, lacking = names if heard is not None else names[::-1]
        raise ManifestError(
            f"{having}: every line ends in an id in parentheses, and in {lacking} not; give ids to both"
        )
    _check_order(hypotheses, references, names)
    pairs = zip(hypotheses, references, strict=True)
    return [(f"line {number}", heard_text, said_text) for number, (heard_text, said_text) in enumerate(pairs, start=1)]


def _with_ids(lines: Sequence[str]) -> Texts | None:
    """Id and text of each line; None where a line has no id."""
    found = [TRN_LINE.fullmatch(line) for line in lines]
    return [(one["id"], one["text"].strip()) for one in found if one] if lines and all(found) else None


def _by_id(heard: Texts, said: Texts, names: tuple[str, str]) -> list[tuple[str, str, str]]:
    for texts, name in ((heard, names[0]), (said, names[1])):
        first: dict[str, int] = {}
        for number, (key, _) in enumerate(texts, start=1):
            if key in first:
                raise ManifestError(f"{name}: id {key} occurs twice, in lines {first[key]} and {number}")
            first[key] = number
    of_heard, of_said = dict(heard), dict(said)
    for one, other, (name, other_name) in ((of_heard, of_said, names), (of_said, of_heard, names[::-1])):
        missing = [key for key in one if key not in other]
        if missing:
            raise ManifestError(f"{other_name}: lacks id {missing[0]} of {name}, and {len(missing) - 1} more")
    numbers = {key: number for number, (key, _) in enumerate(said, start=1)}
    return [(f"line {numbers[key]} ({key})", of_heard[key], text) for key, text in said]


def _check_order(hypotheses: Sequence[str], references: Sequence[str], names: tuple[str, str]) -> None:
    """Refuse two files whose lines begin with the same ids in different orders."""
    heard, said = ([line.split(maxsplit=1)[:1] for line in lines] for lines in (hypotheses, references))
    keys = [word[0] for word in said if word and re.search(r"\d", word[0])]
    if heard == said or len(keys) < len(said) or len(set(keys)) < len(keys) or sorted(heard) != sorted(said):
        return
    first = next(number for number, (one, other) in enumerate(zip(heard, said, strict=True)) if one != other)
    raise ManifestError(
        f"line {first + 1}: {names[0]} begins with {heard[first][0]} and {names[1]} with {said[first][0]}: "
        "the same ids in another order; sort both files"
    )
