"""Checks of a primitive: the list, and those of its form and of the inputs that it must accept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..base.audio import SAMPLE_RATE_HZ
from ..contracts.primitive import ApplyContext
from . import checks_primitive_purity as purity
from . import checks_primitive_signal as signal
from .case import essential
from .checks_banks import banks_are_declared
from .checks_unit import (
    PICKLING,
    expect_json_round_trip,
    expect_works_at_bounds,
    fields_are_described,
    fields_have_bounds,
    fields_name_their_units,
    has_a_docstring,
)
from .guards import attempt, expect, expect_same_after_pickling
from .plugin_under_test import Subject
from .primitive_runs import KEY, applied, as_used, planned, speech
from .signals import silence, speech_like, square_wave

SAMPLE_RATES_HZ = (8_000, 16_000, 44_100, 48_000)


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks that apply to this primitive: what it declares to change is not held against it."""
    changes = subject.thing.changes
    return [
        has_a_docstring,
        fields_are_described,
        fields_have_bounds,
        fields_name_their_units,
        output_is_valid,
        purity.global_random_state_is_unchanged,
        purity.same_key_gives_same_bits,
        purity.other_key_gives_other_bits,
        purity.other_clip_gives_other_bits,
        purity.clock_is_irrelevant,
        purity.no_file_is_written,
        purity.draw_leaves_its_arguments_unchanged,
        parameters_survive_json,
        can_be_pickled,
        banks_are_declared,
        input_is_unchanged,
        *([] if "length" in changes else [signal.length_is_kept]),
        *([] if "level" in changes else [signal.level_is_kept]),
        *([signal.level_is_plausible] if "level" in changes else []),
        *([] if {"timing", "length"} & changes else [signal.timing_is_kept]),
        *([signal.snr_is_as_requested] if "snr_db" in subject.thing.model_fields else []),
        fields_work_at_their_bounds,
        accepts_silence,
        accepts_one_sample_and_none,
        accepts_long_clips,
        accepts_full_scale,
        accepts_all_sample_rates,
        purity.is_fast_enough,
    ]


@essential
def output_is_valid(subject: Subject) -> None:
    """The output is finite float32 of one contiguous axis."""
    applied(subject, speech())


def parameters_survive_json(subject: Subject) -> None:
    """A recipe holds the parameters as JSON; what is read back is the same primitive."""
    expect_json_round_trip(planned(subject, SAMPLE_RATE_HZ))


def can_be_pickled(subject: Subject) -> None:
    """Workers of a data loader get primitives by pickling; the copy gives the same bits."""
    primitive = planned(subject, len(speech()))
    copy = expect_same_after_pickling(primitive, PICKLING)
    here, there = (applied(subject, speech(), primitive=one) for one in (primitive, copy))
    expect(np.array_equal(here, there), f"gives other samples after pickling; {PICKLING}")


def input_is_unchanged(subject: Subject) -> None:
    """The caller still needs the input array."""
    samples = speech().copy()
    primitive = planned(subject, len(samples))
    attempt(
        "speech", lambda: primitive.apply(samples, SAMPLE_RATE_HZ, ApplyContext(KEY.rng("render", 0), subject.banks))
    )
    expect(np.array_equal(samples, speech()), "writes into its input; work on samples.copy()")


def fields_work_at_their_bounds(subject: Subject) -> None:
    """At every bound that a field allows the output is valid, or the primitive refuses the value in one line."""

    def use(at: str, parameters: dict[str, Any]) -> None:
        primitive = planned(subject, SAMPLE_RATE_HZ, parameters={**as_used(subject), **parameters})
        applied(subject, speech_like(), primitive=primitive, what=f"speech with {at}")

    expect_works_at_bounds(subject.thing, use)


def accepts_silence(subject: Subject) -> None:
    """Silence has no level to divide by."""
    applied(subject, silence(SAMPLE_RATE_HZ), what="silence")


def accepts_one_sample_and_none(subject: Subject) -> None:
    """The shortest inputs there are."""
    applied(subject, np.full(1, 0.1, np.float32), what="one sample")
    applied(subject, silence(0), what="zero samples")


def accepts_long_clips(subject: Subject) -> None:
    """Clips of 5 and 12 seconds, as corpora have them."""
    for duration_s in (5.0, 12.0):
        samples = speech_like(duration_s=duration_s)
        output = applied(subject, samples, what=f"speech of {duration_s:g} s")
        if "length" not in subject.thing.changes:
            expect(len(output) == len(samples), f"returns {len(output)} samples for {len(samples)} ({duration_s:g} s)")


def accepts_full_scale(subject: Subject) -> None:
    """Nothing overflows at full scale; a peak beyond 1 is allowed, the renderer flags it."""
    loud = speech_like()
    applied(subject, loud / np.max(np.abs(loud)), what="speech at full scale")
    applied(subject, square_wave(SAMPLE_RATE_HZ), what="a square wave at full scale")


def accepts_all_sample_rates(subject: Subject) -> None:
    """The rates of telephones, recognisers, discs and video, with the same numbers."""
    for sample_rate in SAMPLE_RATES_HZ:
        applied(subject, speech_like(sample_rate), sample_rate, what=f"speech at {sample_rate} Hz")
