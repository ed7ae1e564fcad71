"""JSON and YAML as data: what is read can be written again, each name once, every number finite and bounded."""

import math

import pytest

from megaasr import ManifestError, ParameterError, parse_json, parse_yaml
from megaasr_core.base.jsonl import MOST_LEVELS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"k": 1e400}', "the number 1e400 is beyond a float"),
        ('{"k": -1e999}', "the number -1e999 is beyond a float"),
        ('{"k": NaN}', "NaN is no JSON number"),
        ('{"k": -Infinity}', "-Infinity is no JSON number"),
        ('{"k": ' + "1" * 5_000 + "}", "has 5000 digits; 300 at most are read"),
        ('{"k": ' + "1" * 301 + "}", "has 301 digits; 300 at most are read"),
        ('{"k": 1, "k": 2}', "'k' occurs twice in an object"),
        ('{"k": {"a": null, "b": 1, "a": null}}', "'a' occurs twice in an object"),
        ('{"k": ' + "[" * 65 + "]" * 65 + "}", f"nested more than {MOST_LEVELS} levels deep"),
        ("[" * 100_000, f"nested more than {MOST_LEVELS} levels deep"),
        ('{"k": "\\ud800"}', "surrogates not allowed"),
        ("", "not JSON"),
        ("\x00", "not JSON"),
    ],
)
def test_json_that_could_not_be_written_again_is_refused_by_its_reason(text, reason):
    with pytest.raises(ManifestError) as refused:
        parse_json(text.encode(), "m.jsonl, line 3")
    assert str(refused.value).startswith("m.jsonl, line 3: ")
    assert reason in str(refused.value)
    assert len(str(refused.value)) < 300


def test_json_at_the_bounds_is_read():
    nested = "[" * (MOST_LEVELS - 1) + "]" * (MOST_LEVELS - 1)
    text = '{"a": 1.7e308, "b": ' + "9" * 300 + ', "c": ' + nested + ', "d": [' + "[]," * 200 + "0]}"
    value = parse_json(b"\xef\xbb\xbf" + text.encode(), "x")
    assert math.isfinite(value["a"])
    assert value["b"] == int("9" * 300)
    assert len(value["d"]) == 201


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: .inf", "inf is no finite number"),
        ("a: 1.0e+999", "inf is no finite number"),
        ("a: .nan", "nan is no finite number"),
        ("a: " + "1" * 400, "more than 300 digits"),
        ("a: " + "1" * 5_000, "not YAML"),
        ("a: 1\nb: 2\na: 3", "'a' occurs twice in the mapping of line 1"),
        ("a: {b: 1, b: 1}", "'b' occurs twice in the mapping of line 1"),
        ("a: 1\n---\na: 2", "expected a single document"),
        ("a: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: !!python/name:os.system", "could not determine a constructor"),
        ("a: 2001-01-01", "2001-01-01 is a date; put it in quotes"),
        ("a: !!binary aGk=", "is a bytes; put it in quotes"),
        ("a: !!set {b, c}", "is a set; put it in quotes"),
        ("a: !!timestamp 2001-99-99", "month must be in 1..12"),
        ("1: a", "the name 1 is no text; put it in quotes"),
        ("yes: a", "the name True is no text; put it in quotes"),
        ("? [a]\n: b", "unhashable key"),
        ("a:\t- b\n\t- c", "cannot start any token"),
        ('a: "\\0"', "a text holds a NUL character"),
        ('a: "\\ud800"', "surrogates not allowed"),
        ("&a [*a]", "levels deep"),
        ("[" * 100_000, "levels deep"),
        ("- " * 1_000, "levels deep"),
        ("\x00", "unacceptable character"),
    ],
)
def test_yaml_that_is_no_plain_data_is_refused_by_its_reason(text, reason):
    with pytest.raises(ParameterError) as refused:
        parse_yaml(text, "c.yaml", ParameterError)
    assert str(refused.value).startswith("c.yaml: ")
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_aliases_that_stand_for_too_much_are_refused_and_others_are_read():
    bomb = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    bomb += "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
    )
    with pytest.raises(ManifestError, match="holds more than 100000 values, those behind aliases counted each time"):
        parse_yaml(bomb, "c.yaml")
    assert parse_yaml("a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}", "c") == {
        "a": {"b": 1},
        "c": {"b": 1},
        "d": {"b": 1, "e": 2},
    }


def test_nothing_and_a_byte_order_mark_are_read():
    assert parse_yaml("", "c") is None
    assert parse_yaml("\ufeffa: 1", "c") == {"a": 1}
