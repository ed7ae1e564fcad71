"""Damage to JSON and YAML: wrong types, huge numbers, deep nesting, NUL, half surrogates, missing and unknown keys."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

RAW = "\x02raw "
"""Begins a text that `as_json` writes as it stands, without quotes: numbers that `json` cannot hold, deep nesting."""
NUMBERS = (
    *(0, -1, 1, 2, 7, 65_536, 2**31, 2**63, -(2**63) - 1, 10**30, 0.5, -0.0, 1e-320, 1e38, 1e308),
    *(
        RAW + text
        for text in ("1e999", "-1e999", "NaN", "Infinity", "-Infinity", "9" * 5000, "0." + "3" * 3000, "1e-9999")
    ),
)
TEXTS = (
    *("", " ", "\0", "a\0b", "\n", "a\nb", "\r\n\t", "\ufeff", "\ud800", "\udfff x", "\u2028", "\U0001f4a5", "a" * 300),
    *("a" * 5000, "true", "null", "nan", "1e999", "-", "--", "{}", "[]", "%s%n", "en", "zh", "xx-yy-zz", "klingon"),
)
PATHS = (
    *(
        "/dev/zero",
        "/dev/null",
        "/proc/self/mem",
        "/",
        ".",
        "..",
        "../../../etc/passwd",
        "a\0b.wav",
        "a" * 300 + ".wav",
    ),
    *(
        "plan.json#0",
        "plan.json#-1",
        "plan.json#99999999999999999999",
        "plan.json#",
        "plan.json#x",
        "x.tar#",
        "x.tar#a.wav",
    ),
    *(
        "shard.tar#a.wav",
        "shard.tar#nothing.wav",
        "clip.wav#",
        "http://127.0.0.1:1/a.wav",
        "\ud800.wav",
        "~/a.wav",
        "-",
    ),
)
NESTED = tuple(
    RAW + opened * depth + closed * depth for opened, closed in ("[]", ('{"a":', "0}")) for depth in (50, 5000)
)
SHAPES = ([], {}, [[]], {"a": {}}, [None], ["a", 1], {"": ""}, [1, 2], {"name": "noise"}, list(range(30)))
ODD = (None, True, False, *NUMBERS, *TEXTS, *PATHS, *SHAPES)


def mutated_value(value: Any, rng: Random) -> tuple[Any, str]:
    """A copy of a JSON value, changed in one to three places."""
    changed, notes = copy.deepcopy(value), []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        changed, note = _changed(changed, rng)
        notes.append(note)
    return changed, "; ".join(notes)


def _changed(value: Any, rng: Random) -> tuple[Any, str]:
    places = list(_places(value))
    if not places or rng.random() < 0.02:
        return copy.deepcopy(rng.choice((*ODD, *NESTED))), "the whole replaced"
    holder, key = rng.choice(places)
    what = rng.choice(("replace", "replace", "replace", "replace", "near", "remove", "add", "rename", "nest"))
    if what == "remove":
        del holder[key]
    elif what == "add" and isinstance(holder, dict):
        holder[rng.choice(("unknown", "offset", "duration", "channel", "plugins", "r", "error", "", "\0", "id"))] = (
            _odd(rng)
        )
    elif what == "rename" and isinstance(holder, dict):
        holder[str(rng.choice((key, "", "x", TEXTS[-1]))) + rng.choice(("", " ", "_", "S"))] = holder.pop(key)
    elif what == "nest":
        holder[key] = rng.choice(
            ({key if isinstance(key, str) else "a": holder[key]}, [holder[key]], [holder[key]] * 3)
        )
    elif what == "near":
        holder[key] = _near(holder[key], rng)
    else:
        holder[key] = _odd(rng)
    shown = repr(holder.get(key) if isinstance(holder, dict) else holder[key : key + 1])
    return value, f"{what} {key!r} {shown[:60]}"


def _odd(rng: Random) -> Any:
    return copy.deepcopy(rng.choice(rng.choice(((*NUMBERS, None, True), TEXTS, PATHS, SHAPES, NESTED))))


def _near(value: Any, rng: Random) -> Any:
    """A value of the same type beside the given one."""
    if isinstance(value, bool) or value is None:
        return rng.choice((not value, "true", 1))
    if isinstance(value, int | float):
        return rng.choice((value + 1, value - 1, -value, value * 1000, value / 3, str(value), float(value)))
    if isinstance(value, str):
        return rng.choice(
            (value + " ", value * 50, value[:-1], value.upper(), value + "\0", value + "\n", "../" + value)
        )
    if isinstance(value, list):
        return rng.choice((value[::-1], value * 2, value[:-1], [value]))
    return rng.choice((list(value), list(value.items()), {**value, "unknown": 1}))


def _places(value: Any) -> Any:
    """Every (holder, key) in the value."""
    for key, inner in list(
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield value, key
        yield from _places(inner)


def as_json(value: Any, rng: Random) -> str:
    """The value as JSON text; raw texts stand as they are, and sometimes a key occurs twice."""
    raws: list[str] = []

    def marked(inner: Any) -> Any:
        if isinstance(inner, str) and inner.startswith(RAW):
            raws.append(inner.removeprefix(RAW))
            return f"@raw {len(raws) - 1}@"
        if isinstance(inner, dict):
            return {key: marked(one) for key, one in inner.items()}
        return [marked(one) for one in inner] if isinstance(inner, list) else inner

    text = json.dumps(marked(value), ensure_ascii=rng.random() < 0.5 or _has_surrogate(value))
    for number, raw in enumerate(raws):
        text = text.replace(f'"@raw {number}@"', raw)
    if isinstance(value, dict) and value and rng.random() < 0.04:
        again = json.dumps(str(rng.choice(list(value))))
        text = f"{text[:-1]}, {again}: {rng.choice(('null', '5', '[]'))}}}"
    return text


def _has_surrogate(value: Any) -> bool:
    return "\\ud" in json.dumps(value)


YAML_TRICKS = (
    *("", "\t- a", "a: b: c", "&a [*a]", "- &a [*a, *a]", "a: &x {b: *x}", "<<: 5", "? [a, b]\n: c", "--- a\n--- b"),
    *(
        "!!python/object/apply:os.system ['touch executed']",
        "!!python/name:os.system",
        "!!binary notbase64!",
        "!unknown x",
    ),
    *(
        "a: 2001-99-99",
        "a: 1:60:60",
        "'\\0'",
        '"\\ud800"',
        '"\\x00"',
        "%YAML 9.9\n---\na: 1",
        "[" * 3000,
        "{a: " * 3000,
    ),
    *(
        "a: " + "9" * 5000,
        "a: 0x" + "f" * 5000,
        "a: .nan",
        "a: -.inf",
        "- " * 3000 + "a",
        "@",
        "`",
        "!!timestamp 9999-99-99",
    ),
    "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "name: *i\neffects: *i\nterms: *i\n",
)
"""Whole documents, the last with 9^9 values by way of aliases."""


def yaml_text(value: Any, rng: Random) -> tuple[str, str]:
    """The value, mutated, as YAML text, or one of the `YAML_TRICKS` alone or behind the text."""
    if rng.random() < 0.12:
        trick = rng.choice(YAML_TRICKS)
        return trick, f"the document {trick[:40]!r}"
    changed, note = mutated_value(value, rng)
    text = as_json(changed, rng)
    if rng.random() < 0.1:
        trick = rng.choice(YAML_TRICKS)
        return f"{text}\n{trick}", f"{note}; behind it {trick[:40]!r}"
    return text, note
