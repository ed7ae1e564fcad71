"""Checks of what a primitive does to a signal: length, level, timing and signal-to-noise ratio."""

from __future__ import annotations

import numpy as np
from pydantic import ValidationError

from ..base.audio import SAMPLE_RATE_HZ
from ..contracts.primitive import Primitive
from .guards import expect
from .plugin_under_test import Subject
from .primitive_runs import applied, as_used, planned, speech
from .signals import lag, noise_burst, rms_db, snr_db

TOLERANCE_DB = 0.1
SNRS_DB = (-5.0, 0.0, 10.0, 30.0)
MOST_PEAK = 1_000.0
"""60 dB above full scale: more than any effect needs for speech at -26 dB."""


def length_is_kept(subject: Subject) -> None:
    """As many samples come out as go in, unless `changes` has "length"."""
    for num_samples in (len(speech()), 12_345):
        output = applied(subject, speech()[:num_samples])
        expect(
            len(output) == num_samples,
            f"returns {len(output)} samples for {num_samples}; keep the length, or declare changes = {{'length'}}",
        )


def level_is_kept(subject: Subject) -> None:
    """The RMS of speech moves by at most 0.1 dB, unless `changes` has "level"."""
    change_db = rms_db(applied(subject, speech())) - rms_db(speech())
    expect(
        abs(change_db) <= TOLERANCE_DB,
        f"changes the level of speech by {change_db:+.2f} dB; keep it within {TOLERANCE_DB} dB, "
        "or declare changes = {'level'}",
    )


def level_is_plausible(subject: Subject) -> None:
    """The peak of speech that came in at -26 dB is at most 1,000 times full scale, also where the level may change."""
    peak = float(np.max(np.abs(applied(subject, speech())), initial=0.0))
    expect(
        peak <= MOST_PEAK,
        f"gives a peak of {peak:g} for speech at -26 dBFS (full scale is 1); at most {MOST_PEAK:g} is allowed: "
        "check the gain, or limit the field that sets it",
    )


def timing_is_kept(subject: Subject) -> None:
    """The direct sound stays: cross-correlation with the input peaks at lag 0, unless `changes` has "timing"."""
    burst = noise_burst(SAMPLE_RATE_HZ)
    shift = lag(burst, applied(subject, burst, what="a noise burst"))
    expect(
        shift == 0,
        f"moves the sound by {shift:+d} samples ({1000 * shift / SAMPLE_RATE_HZ:+.2f} ms); compensate for its delay, "
        "or declare changes = {'timing'}",
    )


def snr_is_as_requested(subject: Subject) -> None:
    """What is added lies `snr_db` below the input, measured, within 0.1 dB."""
    accepted = [level_db for level_db in SNRS_DB if _accepts(subject.thing, level_db)]
    expect(
        accepted,
        f"field snr_db refuses all of {', '.join(f'{level_db:g}' for level_db in SNRS_DB)} dB; widen its bounds",
    )
    for requested_db in accepted:
        primitive = planned(subject, len(speech()), parameters={**as_used(subject), "snr_db": requested_db})
        measured_db = snr_db(speech(), applied(subject, speech(), primitive=primitive))
        expect(
            abs(measured_db - requested_db) <= TOLERANCE_DB,
            f"snr_db = {requested_db:g} gives a measured SNR of {measured_db:.2f} dB; "
            f"scale by RMS so that it is met within {TOLERANCE_DB} dB",
        )


def _accepts(primitive: type[Primitive], level_db: float) -> bool:
    try:
        primitive(snr_db=level_db)  # type: ignore[call-arg]
    except ValidationError as error:  # other fields may be missing here, they do not matter
        return all(one["loc"][:1] != ("snr_db",) for one in error.errors())
    return True
