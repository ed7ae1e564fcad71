"""In what two identities of runs differ, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def differing_parts(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names of the parts that differ; of a part with names of its own, those that do in parentheses.

    >>> differing_parts({"adapter": "1", "code": {"numpy": "2.1"}}, {"adapter": "2", "code": {"numpy": "2.4"}})
    ['adapter', 'code (numpy)']
    """
    found = []
    for name in dict.fromkeys((*before, *now)):
        one, other = before.get(name), now.get(name)
        if one != other:
            inside = sorted(set(_inside(one, other))) if isinstance(one, Mapping) and isinstance(other, Mapping) else []
            found.append(f"{name} ({', '.join(inside)})" if inside else name)
    return found


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs as a clause, such as ``the adapter differs``; empty where nothing does.

    >>> difference({"adapter": "1", "options": {"batch_size": 2}}, {"adapter": "2", "options": {"batch_size": 3}})
    'the adapter and the options (batch_size) differ'
    """
    parts = [f"the {part}" for part in differing_parts(before, now)]
    if not parts:
        return ""
    is_one = len(parts) == 1 and not parts[0].partition(" (")[0].endswith("s")
    named = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return f"{named} {'differs' if is_one else 'differ'}"


def _inside(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """The innermost names under which two objects differ."""
    for name in {**one, **other}:
        left, right = one.get(name), other.get(name)
        if left == right:
            continue
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            yield from _inside(left, right)
        else:
            yield str(name)
