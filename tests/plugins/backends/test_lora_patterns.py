"""Expressions of adapter files match as Python's own do, and end in time where those do not."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megaasr import AdapterError
from megaasr.lora.patterns import full_match, pattern_key

ATOMS = st.sampled_from(["a", "b", "\\.", ".", "\\d", "\\w", "[ab]", "[^a]", "[0-9]", "a.1", "\\b", "^", "$"])
REPEATS = st.sampled_from(["*", "+", "?", "*?", "{2}", "{1,3}", "{0,2}?"])


def wrapped(inner):
    joined = st.lists(inner, min_size=1, max_size=3).map("".join)
    groups = joined.map(lambda one: f"({one})")
    return st.one_of(
        joined,
        st.tuples(groups, REPEATS).map("".join),
        st.lists(joined, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        joined.map(lambda one: f"(?={one})"),
        joined.map(lambda one: f"(?!{one})"),
    )


EXPRESSIONS = st.recursive(ATOMS, wrapped, max_leaves=6)


@settings(max_examples=400)
@given(EXPRESSIONS, st.text("ab.1", max_size=7))
def test_it_matches_what_python_matches(pattern, name):
    assert full_match(pattern, name) == bool(re.fullmatch(pattern, name))


@given(st.lists(EXPRESSIONS, max_size=3), st.text("ab.1", max_size=7))
def test_the_key_of_a_pattern_is_pefts(keys, module):
    from peft.utils.other import get_pattern_key

    assert (pattern_key(keys, module) or module) == get_pattern_key(keys, module)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        (r".*", "model.encoder.layers.0.fc1", True),
        (r".*encoder\.layers\.\d+\.self_attn\.(q_proj|v_proj)", "model.encoder.layers.11.self_attn.v_proj", True),
        (r".*encoder\.layers\.\d+\.self_attn\.(q_proj|v_proj)", "model.encoder.layers.x.self_attn.v_proj", False),
        (r"^(thinker\.model(?=\.).*\.(o_proj|k_proj))$", "thinker.model.layers.1.self_attn.k_proj", True),
        (r"^(?!.*audio_tower).*(q_proj|k_proj).*$", "thinker.audio_tower.layers.1.q_proj", False),
        (r".*(?<=self_attn\.)q_proj", "layers.1.self_attn.q_proj", True),
        (r".*(?<!self_attn\.)q_proj", "layers.1.self_attn.q_proj", False),
        (r"x{0,60000}", "x" * 50, True),
        (r"a|b", "b", True),
    ],
)
def test_expressions_in_use(pattern, name, matches):
    assert full_match(pattern, name) is matches is bool(re.fullmatch(pattern, name))


@pytest.mark.parametrize(
    "pattern",
    [
        "((a+)+$|(a+)+$|(a+)+$|(.*)*x)b",
        "(a|a)*b",
        "(a|aa)+$b",
        "(.*)*" * 8 + "x",
        "(((a*)*)*)*b",
        "(a|aa)" * 60 + "b",
        "(?=(a+)+b)a*",
        "(a{1,60000}){1,60000}b",
        ".*a" * 30 + "b",
    ],
)
def test_what_takes_python_minutes_ends_in_time(pattern):
    started = time.process_time()
    assert not full_match(pattern, "a" * 120)
    assert pattern_key([pattern, "a+"], "layers." + "a" * 60) == "a+"
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "is no regular expression"),
        ("q_proj)", "is no regular expression"),
        ("[", "is no regular expression"),
        (r"(q)\1*", "groupref"),
        ("(?i)Q_PROJ", "sets flags"),
        ("(?i:Q)_proj", "not supported"),
        ("(" * 20_000 + ")*" * 20_000, "is no regular expression"),
        ("a*" + "b" * 200_000, "at most 200000 are read"),
        (r"(?<=a*)b", "no fixed length"),
    ],
)
def test_what_is_not_understood_is_refused_in_one_line(pattern, reason):
    with pytest.raises(AdapterError, match=reason) as caught:
        full_match(pattern, "q_proj")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
