"""Checks that a primitive depends on its numbers, its input and its generator alone, leaves no trace, and is fast."""

from __future__ import annotations

import time
from functools import partial

import numpy as np

from ..base.audio import SAMPLE_RATE_HZ, Samples
from ..base.seeding import SampleKey
from ..contracts.primitive import ApplyContext, DrawContext
from .case import essential
from .guards import (
    attempt,
    expect,
    expect_no_file_written,
    expect_no_global_random,
    expect_same_at_any_time,
    generator_state,
)
from .plugin_under_test import Subject
from .primitive_runs import KEY, applied, as_used, drawn, planned, speech
from .signals import speech_like

OTHER_KEYS = tuple(SampleKey(1, f"utterance-{number}") for number in range(2, 18))
"""Sixteen, since a primitive that treats a frame in twenty may well leave one utterance alone."""
MOST_REAL_TIME = 0.5
"""Seconds of processor time for a second of audio, at most."""
TIMED_S = 12.0
ATTEMPTS = 4
"""The first is the warm-up, in which kernels are compiled."""


@essential
def global_random_state_is_unchanged(subject: Subject) -> None:
    """Nothing is drawn from random, numpy.random or torch's global generator, nor are they seeded."""
    expect_no_global_random(lambda: applied(subject, speech()), "draw only from context.rng")


@essential
def same_key_gives_same_bits(subject: Subject) -> None:
    """The same numbers and an equal generator give the same samples, bit for bit, and `draw` the same numbers."""
    primitives = [planned(subject, len(speech())) for _ in range(2)]
    expect(
        primitives[0] == primitives[1],
        f"draw() gives {primitives[0]!r} and then {primitives[1]!r} for one key; draw only from context.rng",
    )
    first, second = (applied(subject, speech(), primitive=primitives[0]) for _ in range(2))
    expect(
        np.array_equal(first, second), "gives other samples for the same key; draw only from context.rng, keep no state"
    )


def other_key_gives_other_bits(subject: Subject) -> None:
    """If it draws at all, another utterance gets other draws; if it does not, every utterance gets the same."""
    draws, renders = KEY.rng("plan", 0), KEY.rng("render", 0)
    before = generator_state(draws), generator_state(renders)
    primitive = planned(subject, len(speech()), rng=draws)
    output = applied(subject, speech(), primitive=primitive, rng=renders)
    random = before != (generator_state(draws), generator_state(renders))
    others = [applied(subject, speech(), key=key) for key in (OTHER_KEYS if random else OTHER_KEYS[:1])]
    differs = any(not np.array_equal(output, other) for other in others)
    if random:
        expect(differs, f"draws from context.rng, but {len(others)} other utterances got the same samples")
    else:
        expect(not differs, "gives other samples for another utterance without drawing from context.rng")


@essential
def other_clip_gives_other_bits(subject: Subject) -> None:
    """Each clip gets an output of its own, also where length, numbers, array and half of the samples are the same."""
    size = len(speech())
    first, second = speech(), speech_like(duration_s=2.0, key="another voice")
    clips = {"a clip": first, "another clip": second}
    if "length" not in subject.thing.changes:  # else one half may be cut off
        clips["a clip with another beginning"] = np.concatenate([second[: size // 2], first[size // 2 :]])
        clips["a clip with another end"] = np.concatenate([first[: size // 2], second[size // 2 :]])
    primitive = planned(subject, size)
    buffer = np.empty(size, np.float32)  # one array for all clips, as a data loader may use it
    outputs: dict[str, Samples] = {}
    for name, samples in clips.items():
        buffer[:] = samples
        context = ApplyContext(KEY.rng("render", 0), subject.banks)
        output = attempt(name, partial(primitive.apply, buffer, SAMPLE_RATE_HZ, context)).copy()
        for earlier, known in outputs.items():
            expect(
                not (np.array_equal(output, known) and np.any(output)),
                f"gives for {name} the samples that it gave for {earlier} before; "
                "a cache must be keyed by all samples of the input, or hold nothing that depends on them",
            )
        outputs[name] = output


def clock_is_irrelevant(subject: Subject) -> None:
    """At another time of day, and in another year, the same numbers and samples come out."""
    expect_same_at_any_time(
        subject, lambda: applied(subject, speech(), primitive=planned(subject, len(speech()))), "draw from context.rng"
    )


def no_file_is_written(subject: Subject) -> None:
    """`draw` and `apply` write no file; thousands of workers run them."""
    expect_no_file_written(lambda: applied(subject, speech()), "apply() returns its result and keeps nothing")


def draw_leaves_its_arguments_unchanged(subject: Subject) -> None:
    """`draw` gives a new dictionary: the one it gets belongs to the chain."""
    context = DrawContext(KEY.rng("plan", 0), SAMPLE_RATE_HZ, SAMPLE_RATE_HZ, subject.banks)
    given = as_used(subject)
    drawn(subject, given, context)  # adds to `given` the examples that draw() asks for
    before = dict(given)
    drawn(subject, given, context)
    expect(given == before, "draw() writes into the parameters that it gets; return {**parameters, ...}")


def is_fast_enough(subject: Subject) -> None:
    """After a warm-up, a second of audio takes at most half a second of processor time; the best of three counts."""
    samples = speech_like(duration_s=TIMED_S)
    best_s = float("inf")
    for _ in range(ATTEMPTS):
        started_s = time.process_time()
        applied(subject, samples, what=f"speech of {TIMED_S:g} s")
        best_s = min(best_s, time.process_time() - started_s)
        if best_s <= MOST_REAL_TIME * TIMED_S:
            return
    raise AssertionError(
        f"takes {best_s:.1f} s of processor time for {TIMED_S:g} s of audio; at most {MOST_REAL_TIME:g} s a second "
        "is allowed: use array operations or a compiled kernel"
    )
