"""A small seeded mutator of JSON lines and YAML: values of wrong types and sizes, and damaged bytes."""

import json
import random

WRONG = (
    "null", "true", "-1", "0", "1e18", "1e308", "1e400", "-1e999", "NaN", "Infinity", "1" * 400, "1" * 5_000, '""',
    '" "',
    '"\\u0000"', '"\\ud800"', '"a\\nb"', '"/"', '"../../etc"', '"|"', '"rm -rf x |"', '"' + "x" * 5_000 + '"',
    '"\u202e\ufeff"',
    "[]", "[[]]", "{}", "[1, 2]", '{"a": 1, "a": 2}', "[" * 70 + "]" * 70, "[" * 30_000 + "]" * 30_000, '{"path": 5}',
    '"plan.json#0"', '"a.tar#b"', '"http://x/y.wav"', "1.5", '"1.5"', '"nan"', "[0]", "[0, 1]", '{"choice": [1e400]}',
)  # fmt: skip
"""Values as JSON, which is YAML too; some of them are no JSON."""
YAML = (
    "!!python/object/apply:os.system ['touch PWNED']", "!!python/name:os.system", "!!binary aGk=", "!!set {a, b}",
    "!!timestamp 2001-99-99", "2001-01-01", ".inf", ".nan", "1.0e+999", "0o17", "190:20:30", "&a [*a]", "*nobody", "~",
    "<<", "{? [1]: 2}", "{1: 2}", "{true: 1}", "'", "\t- x", "@", "%", "--- 1", "&a [1]", "!custom 1", "|\n  text",
)  # fmt: skip
BYTES = (b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\n", b'"', b"{", b"}", b",", b":", b"\x1f\x8b", b"\t")


def mutants(seed, whole, count, wrong=WRONG):
    """`count` damaged texts of an object as JSON lines: bytes.

    One value, somewhere, becomes another; or the text is cut, or has bytes replaced, doubled or put in.
    """
    rng = random.Random(seed)
    for _ in range(count):
        if rng.random() < 0.7:
            places = list(_places(whole))
            place = rng.choice(places)
            yield _written(whole, place, rng.choice(wrong), rng.random() < 0.1).encode(errors="surrogatepass")
        else:
            yield _damaged(rng, json.dumps(whole).encode())


def _places(value, place=()):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*place, name)
            yield from _places(inner, (*place, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield (*place, number)
            yield from _places(inner, (*place, number))


def _written(value, place, wrong, is_doubled):
    """The JSON of a value with `wrong` at a place, or with the name at that place twice."""
    if not place:
        return wrong
    if isinstance(value, dict):
        parts = []
        for name, inner in value.items():
            text = _written(inner, place[1:], wrong, is_doubled) if name == place[0] else json.dumps(inner)
            parts.append(f"{json.dumps(name)}: {text}")
            if is_doubled and name == place[0] and len(place) == 1:
                parts.append(f"{json.dumps(name)}: {json.dumps(inner)}")
        return "{" + ", ".join(parts) + "}"
    texts = [
        _written(inner, place[1:], wrong, is_doubled) if number == place[0] else json.dumps(inner)
        for number, inner in enumerate(value)
    ]
    return "[" + ", ".join(texts) + "]"


def _damaged(rng, data):
    at = rng.randrange(len(data) + 1)
    kind = rng.randrange(5)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + rng.choice(BYTES) + data[at:]
    if kind == 2:
        return data[:at] + rng.choice(BYTES) + data[at + 1 :]
    if kind == 3:
        return data[:at] + data[at // 2 :]
    return rng.choice((b"", b"\n\n", bytes(rng.randrange(256) for _ in range(80)), data * 3, b"[" + data + b"]"))
