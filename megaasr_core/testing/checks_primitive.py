"""What a primitive must do: keep its form, declare what it changes, be a function of its numbers and its generator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pydantic import ValidationError

from ..base.audio import SAMPLE_RATE_HZ, Samples
from ..base.seeding import SampleKey
from ..contracts.primitive import ApplyContext, DrawContext, Primitive
from .checks_banks import banks_are_declared
from .checks_unit import PICKLING, expect_json_round_trip, fields_are_described, has_a_docstring
from .guards import attempt, expect, expect_no_global_random, expect_same_after_pickling, generator_state
from .plugin_under_test import Subject
from .primitive_runs import KEY, applied, as_used, drawn, planned
from .signals import lag, noise_burst, rms_db, silence, snr_db, speech_like, square_wave

SAMPLE_RATES_HZ = (8_000, 16_000, 44_100, 48_000)
TOLERANCE_DB = 0.1
SNRS_DB = (-5.0, 0.0, 10.0, 30.0)
OTHER_KEYS = tuple(SampleKey(1, f"utterance-{number}") for number in range(2, 18))
"""Sixteen, since a primitive that treats a frame in twenty may well leave one utterance alone."""


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks that apply to this primitive: what it declares to change is not held against it."""
    changes = subject.thing.changes
    return [
        has_a_docstring,
        fields_are_described,
        parameters_survive_json,
        can_be_pickled,
        banks_are_declared,
        output_is_valid,
        input_is_kept,
        *([] if "length" in changes else [length_is_kept]),
        *([] if "level" in changes else [level_is_kept]),
        *([] if {"timing", "length"} & changes else [timing_is_kept]),
        *([snr_is_as_asked] if "snr_db" in subject.thing.model_fields else []),
        same_key_gives_same_bits,
        other_key_gives_other_bits,
        draw_keeps_its_arguments,
        global_random_state_is_kept,
        silence_survives,
        one_sample_and_none_survive,
        full_scale_survives,
        sample_rates_survive,
    ]


def _speech() -> Samples:
    return speech_like(duration_s=2.0)


def parameters_survive_json(subject: Subject) -> None:
    """A recipe holds the parameters as JSON; what is read back is the same primitive."""
    expect_json_round_trip(planned(subject, SAMPLE_RATE_HZ))


def can_be_pickled(subject: Subject) -> None:
    """Workers of a data loader get primitives by pickling; the copy gives the same bits."""
    primitive = planned(subject, len(_speech()))
    copy = expect_same_after_pickling(primitive, PICKLING)
    here, there = (applied(subject, _speech(), primitive=one) for one in (primitive, copy))
    expect(np.array_equal(here, there), f"gives other samples after pickling; {PICKLING}")


def output_is_valid(subject: Subject) -> None:
    """The output is finite float32 of one contiguous axis."""
    applied(subject, _speech())


def input_is_kept(subject: Subject) -> None:
    """The input array is left as it was: the caller still needs it."""
    samples = _speech().copy()
    primitive = planned(subject, len(samples))
    attempt(
        "speech", lambda: primitive.apply(samples, SAMPLE_RATE_HZ, ApplyContext(KEY.rng("render", 0), subject.banks))
    )
    expect(np.array_equal(samples, _speech()), "writes into its input; work on samples.copy()")


def length_is_kept(subject: Subject) -> None:
    """As many samples come out as go in, unless `changes` has "length"."""
    for num_samples in (len(_speech()), 12_345):
        output = applied(subject, _speech()[:num_samples])
        expect(
            len(output) == num_samples,
            f"returns {len(output)} samples for {num_samples}; keep the length, or declare changes = {{'length'}}",
        )


def level_is_kept(subject: Subject) -> None:
    """The RMS of speech moves by at most 0.1 dB, unless `changes` has "level"."""
    change_db = rms_db(applied(subject, _speech())) - rms_db(_speech())
    expect(
        abs(change_db) <= TOLERANCE_DB,
        f"changes the level of speech by {change_db:+.2f} dB; keep it within {TOLERANCE_DB} dB, "
        "or declare changes = {'level'}",
    )


def timing_is_kept(subject: Subject) -> None:
    """The direct sound stays: cross-correlation with the input peaks at lag 0, unless `changes` has "timing"."""
    burst = noise_burst(SAMPLE_RATE_HZ)
    shift = lag(burst, applied(subject, burst, what="a noise burst"))
    expect(
        shift == 0,
        f"moves the sound by {shift:+d} samples ({1000 * shift / SAMPLE_RATE_HZ:+.2f} ms); make up for its delay, "
        "or declare changes = {'timing'}",
    )


def snr_is_as_asked(subject: Subject) -> None:
    """What is added lies `snr_db` below the input, measured, within 0.1 dB."""
    asked = [level_db for level_db in SNRS_DB if _accepts(subject.thing, level_db)]
    expect(
        asked, f"field snr_db refuses all of {', '.join(f'{level_db:g}' for level_db in SNRS_DB)} dB; widen its bounds"
    )
    for asked_db in asked:
        primitive = planned(subject, len(_speech()), parameters={**as_used(subject), "snr_db": asked_db})
        measured_db = snr_db(_speech(), applied(subject, _speech(), primitive=primitive))
        expect(
            abs(measured_db - asked_db) <= TOLERANCE_DB,
            f"snr_db = {asked_db:g} gives a measured SNR of {measured_db:.2f} dB; "
            f"scale by RMS so that it is met within {TOLERANCE_DB} dB",
        )


def _accepts(primitive: type[Primitive], level_db: float) -> bool:
    try:
        primitive(snr_db=level_db)  # type: ignore[call-arg]
    except ValidationError as error:  # other fields may be missing here, they do not matter
        return all(one["loc"][:1] != ("snr_db",) for one in error.errors())
    return True


def same_key_gives_same_bits(subject: Subject) -> None:
    """The same numbers and an equal generator give the same samples, bit for bit, and `draw` the same numbers."""
    primitives = [planned(subject, len(_speech())) for _ in range(2)]
    expect(
        primitives[0] == primitives[1],
        f"draw() gives {primitives[0]!r} and then {primitives[1]!r} for one key; draw only from context.rng",
    )
    first, second = (applied(subject, _speech(), primitive=primitives[0]) for _ in range(2))
    expect(
        np.array_equal(first, second), "gives other samples for the same key; draw only from context.rng, keep no state"
    )


def other_key_gives_other_bits(subject: Subject) -> None:
    """If it draws at all, another utterance gets other draws; if it does not, every utterance gets the same."""
    draws, renders = KEY.rng("plan", 0), KEY.rng("render", 0)
    before = generator_state(draws), generator_state(renders)
    primitive = planned(subject, len(_speech()), rng=draws)
    output = applied(subject, _speech(), primitive=primitive, rng=renders)
    random = before != (generator_state(draws), generator_state(renders))
    others = [applied(subject, _speech(), key=key) for key in (OTHER_KEYS if random else OTHER_KEYS[:1])]
    differs = any(not np.array_equal(output, other) for other in others)
    if random:
        expect(differs, f"draws from context.rng, but {len(others)} other utterances got the same samples")
    else:
        expect(not differs, "gives other samples for another utterance without drawing from context.rng")


def draw_keeps_its_arguments(subject: Subject) -> None:
    """`draw` gives a new dictionary: the one it gets belongs to the chain."""
    context = DrawContext(KEY.rng("plan", 0), SAMPLE_RATE_HZ, SAMPLE_RATE_HZ, subject.banks)
    given = as_used(subject)
    drawn(subject, given, context)  # adds to `given` the examples that draw() asks for
    before = dict(given)
    drawn(subject, given, context)
    expect(given == before, "draw() writes into the parameters that it gets; return {**parameters, ...}")


def global_random_state_is_kept(subject: Subject) -> None:
    """Nothing is drawn from random, numpy.random or torch's global generator, nor are they seeded."""
    expect_no_global_random(lambda: applied(subject, _speech()), "draw only from context.rng")


def silence_survives(subject: Subject) -> None:
    """Silence has no level to divide by."""
    applied(subject, silence(SAMPLE_RATE_HZ), what="silence")


def one_sample_and_none_survive(subject: Subject) -> None:
    """The shortest inputs there are."""
    applied(subject, np.full(1, 0.1, np.float32), what="one sample")
    applied(subject, silence(0), what="zero samples")


def full_scale_survives(subject: Subject) -> None:
    """Nothing overflows at full scale; a peak beyond 1 is allowed, it is flagged by the renderer."""
    loud = speech_like()
    applied(subject, loud / np.max(np.abs(loud)), what="speech at full scale")
    applied(subject, square_wave(SAMPLE_RATE_HZ), what="a square wave at full scale")


def sample_rates_survive(subject: Subject) -> None:
    """The rates of telephones, recognisers, discs and video, with the same numbers."""
    for sample_rate in SAMPLE_RATES_HZ:
        applied(subject, speech_like(sample_rate), sample_rate, what=f"speech at {sample_rate} Hz")
