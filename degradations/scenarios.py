"""The 54 scenarios of Voices-in-the-Wild: the seven effects and their compositions (Mega-ASR)."""

from __future__ import annotations

from itertools import combinations

from megaasr import Scenario, hookimpl

ANCHORS = ("far_field", "echo_reverb", "obstructed")
MODIFIERS = ("noise", "recording", "distortion", "dropout")
"""In the order in which sound meets them: in the room, in the recorder, at its input, on the line."""

SELECTED_PAIRS = (("noise", "recording"), ("noise", "distortion"), ("noise", "dropout"))
"""The paper does not name the modifier pairs that join an anchor; noise with each of the others is our choice."""


def compositions() -> list[tuple[str, ...]]:
    """The effects of each scenario: 7 single, 18 of two, 13 of three, 16 of more."""
    pairs = list(combinations(MODIFIERS, 2))
    triples = list(combinations(MODIFIERS, 3))
    single = [(effect,) for effect in (*ANCHORS, *MODIFIERS)]
    two = [(anchor, modifier) for anchor in ANCHORS for modifier in MODIFIERS] + pairs
    three = [(anchor, *pair) for anchor in ANCHORS for pair in SELECTED_PAIRS] + triples
    higher = [(anchor, *triple) for anchor in ANCHORS for triple in triples]
    return single + two + three + higher + [MODIFIERS] + [(anchor, *MODIFIERS) for anchor in ANCHORS]


@hookimpl
def register_scenarios(register):
    for effects in compositions():
        register(Scenario("+".join(effects), effects, f"{' and '.join(effects)}".replace("_", " ")))
