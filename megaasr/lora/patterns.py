"""Regular expressions of adapter files, matched in bounded time: Python's own may take minutes for a short name.

A backtracking engine tries every way in which nested repeats can share the text. Here each part of the expression is
asked for all places at which a match that starts at one place can end; a question is answered once, so the effort grows
with (length of the expression) x (length of the name) squared at most.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from megaasr_core.base.errors import AdapterError, shortened

MAX_LENGTH = 200_000
"""Characters of an expression; the names of some thousand modules, one after the other, fit."""
MAX_STEPS = 500_000
"""Questions about one name: a second or two."""

_PLAIN = re.compile(r"[^*+?{|]*")
"""An expression without repeats and choices: nothing to try twice, and Python's own engine is faster."""
_CATEGORIES: dict[str, Callable[[str], bool]] = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_WORD": lambda one: one.isalnum() or one == "_",
}
_UNICODE = re.UNICODE.value

Places = frozenset[int]
NOWHERE: Places = frozenset()


def full_match(pattern: str, name: str) -> bool:
    """Whether the whole name matches, as `re.fullmatch` has it.

    Raises:
        AdapterError: no regular expression; one that refers to a group, or sets flags; or one that takes too long.
    """
    if _PLAIN.fullmatch(pattern):
        return _plain(pattern).fullmatch(name) is not None
    return len(name) in _Matcher(pattern, name).after(_parsed(pattern), [0])


def pattern_key(keys: Sequence[str], module: str) -> str | None:
    """The first key of PEFT's rank_pattern or alpha_pattern that matches a module's name, or the end of the name."""
    for key in keys:
        if _PLAIN.fullmatch(key):
            if _plain(rf"(?:.*\.)?(?:{key})").fullmatch(module):
                return key
        elif full_match(rf"(?:.*\.)?(?:{key})", module):
            return key
    return None


def _refusal(pattern: str, why: str) -> AdapterError:
    return AdapterError(f"the pattern {shortened(pattern, 60)!r} {why}; name the modules instead")


@lru_cache(1024)
def _plain(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise _refusal(pattern, f"is no regular expression ({error})") from error


@lru_cache(64)
def _parsed(pattern: str) -> tuple[Any, ...]:
    """The expression as Python's own parser has it, with neighbouring characters as one text."""
    if len(pattern) > MAX_LENGTH:
        raise _refusal(pattern, f"has {len(pattern)} characters, at most {MAX_LENGTH} are read")
    try:
        tree = importlib.import_module("re._parser").parse(pattern)
        if tree.state.flags != _UNICODE:
            raise _refusal(pattern, "sets flags, which are not supported")
        return _sequence(tree, pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise _refusal(pattern, f"is no regular expression ({shortened(str(error), 80)})") from error


def _sequence(tree: Iterable[tuple[Any, Any]], pattern: str) -> tuple[Any, ...]:
    """Items of one sequence: ``(operation, ...)``, in which sequences are tuples of items."""
    items: list[tuple[Any, ...]] = []
    for code, value in tree:
        kind = str(code)
        if kind == "LITERAL":
            before = items.pop()[1] if items and items[-1][0] == "TEXT" else ""
            items.append(("TEXT", before + chr(value)))
        elif kind in ("NOT_LITERAL", "ANY", "IN"):
            items.append((kind, value))
        elif kind == "AT":
            items.append((kind, str(value)))
        elif kind == "BRANCH":
            items.append((kind, tuple(_sequence(one, pattern) for one in value[1])))
        elif kind == "SUBPATTERN" and not value[1] and not value[2]:
            items.append(("GROUP", _sequence(value[3], pattern)))
        elif kind in ("MAX_REPEAT", "MIN_REPEAT"):
            items.append(("REPEAT", int(value[0]), int(value[1]), _sequence(value[2], pattern)))
        elif kind in ("ASSERT", "ASSERT_NOT"):
            shortest, longest = value[1].getwidth()
            if value[0] < 0 and shortest != longest:
                raise _refusal(pattern, "looks back at a text of no fixed length")
            items.append((kind, shortest if value[0] < 0 else 0, _sequence(value[1], pattern)))
        elif kind == "FAILURE":
            items.append((kind,))
        else:
            raise _refusal(pattern, f"has a part that is not supported ({kind.lower()})")
    return tuple(items)


class _Matcher:
    """One expression at one name."""

    def __init__(self, pattern: str, name: str) -> None:
        self._pattern, self._name = pattern, name
        self._known: dict[tuple[int, int], Places] = {}

    def after(self, items: tuple[Any, ...], places: Iterable[int]) -> Places:
        """Where the sequence can end when it starts at one of the places."""
        found: Places = frozenset(places)
        for item in items:
            if not found:
                return NOWHERE
            found = frozenset().union(*(self._ends(item, place) for place in found))
        return found

    def _ends(self, item: tuple[Any, ...], place: int) -> Places:
        key = id(item), place
        if key not in self._known:
            if len(self._known) >= MAX_STEPS:
                raise _refusal(self._pattern, f"takes too long to match {shortened(self._name, 80)!r}")
            self._known[key] = self._answer(item, place)
        return self._known[key]

    def _answer(self, item: tuple[Any, ...], place: int) -> Places:
        kind, name = item[0], self._name
        if kind == "TEXT":
            return frozenset((place + len(item[1]),)) if name.startswith(item[1], place) else NOWHERE
        if kind in ("NOT_LITERAL", "ANY", "IN"):
            return frozenset((place + 1,)) if place < len(name) and _takes(item, name[place]) else NOWHERE
        if kind == "GROUP":
            return self.after(item[1], [place])
        if kind == "BRANCH":
            return frozenset().union(*(self.after(one, [place]) for one in item[1]))
        if kind == "REPEAT":
            return self._repeated(item[1], item[2], item[3], place)
        if kind == "AT":
            return frozenset((place,)) if self._is_at(item[1], place) else NOWHERE
        if kind in ("ASSERT", "ASSERT_NOT"):
            start = place - item[1]  # of a look behind; else the width is 0
            found = start >= 0 and (place in self.after(item[2], [start]) if item[1] else self.after(item[2], [place]))
            return frozenset((place,)) if bool(found) == (kind == "ASSERT") else NOWHERE
        return NOWHERE

    def _repeated(self, least: int, most: int, items: tuple[Any, ...], place: int) -> Places:
        enough = len(self._name) + 2  # times: more lead nowhere else
        found: Places = frozenset((place,))
        for _ in range(min(least, enough)):
            found = self.after(items, found)
        new = found
        for _ in range(min(most - least, enough)):
            new = self.after(items, new) - found
            if not new:
                break
            found |= new
        return found

    def _is_at(self, where: str, place: int) -> bool:
        if where in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
            return place == 0
        if where in ("AT_END", "AT_END_STRING"):
            return place == len(self._name)
        word = _CATEGORIES["CATEGORY_WORD"]
        sides = [0 <= at < len(self._name) and word(self._name[at]) for at in (place - 1, place)]
        return (sides[0] != sides[1]) == (where == "AT_BOUNDARY")


def _takes(item: tuple[Any, ...], one: str) -> bool:
    if item[0] == "ANY":
        return one != "\n"
    if item[0] == "NOT_LITERAL":
        return ord(one) != int(item[1])
    inverted = str(item[1][0][0]) == "NEGATE"
    return any(_holds(str(code), value, one) for code, value in item[1][inverted:]) != inverted


def _holds(kind: str, value: Any, one: str) -> bool:
    if kind == "LITERAL":
        return ord(one) == int(value)
    if kind == "RANGE":
        return int(value[0]) <= ord(one) <= int(value[1])
    category = str(value)
    is_in: bool = _CATEGORIES[category.replace("_NOT_", "_")](one)
    return is_in != ("_NOT_" in category)
