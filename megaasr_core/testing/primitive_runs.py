"""How the checks plan and apply a primitive: example parameters, completed by its own `draw`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..base.audio import SAMPLE_RATE_HZ, Samples, check_samples
from ..base.errors import AudioError, one_line
from ..base.seeding import SampleKey
from ..contracts.primitive import ApplyContext, DrawContext, Primitive
from .guards import attempt
from .plugin_under_test import Subject, build, examples_of
from .signals import speech_like

KEY = SampleKey(1, "utterance-1")


def speech() -> Samples:
    """Two seconds of the kit's speech."""
    return speech_like(duration_s=2.0)


def planned(
    subject: Subject,
    num_samples: int,
    sample_rate: int = SAMPLE_RATE_HZ,
    *,
    key: SampleKey = KEY,
    parameters: dict[str, Any] | None = None,
    rng: np.random.Generator | None = None,
) -> Primitive:
    """A primitive with every number fixed, as a plan for such an utterance would fix them.

    Args:
        parameters: by default `as_used`.
        rng: by default the one that a plan would give.
    """
    context = DrawContext(rng or key.rng("plan", 0), num_samples, sample_rate, subject.banks)
    given = as_used(subject) if parameters is None else dict(parameters)
    primitive: Primitive = build(subject.thing, {**examples_of(subject.thing), **drawn(subject, given, context)})
    return primitive


def as_used(subject: Subject) -> dict[str, Any]:
    """The parameters that a chain would give.

    They are those of `subject`. Where there are none and not every required field has `examples`, they are those of the
    first registered degradation that uses the primitive, halfway up the severity.
    """
    fields = subject.thing.model_fields.values()
    if not subject.parameters and any(info.is_required() and not info.examples for info in fields):
        for degradation in subject.plugins.degradations.values():
            for step in degradation.chain:
                if step.primitive == subject.name:
                    return step.at(0.5)
    return dict(subject.parameters)


def drawn(subject: Subject, parameters: dict[str, Any], context: DrawContext) -> dict[str, Any]:
    """Call `draw` with `parameters`, to which only those examples are added that it asks for by a KeyError.

    The others are kept from it, since an example of what it draws itself would pre-empt the draw.
    """
    examples = examples_of(subject.thing)
    while True:
        try:
            return dict(subject.thing.draw(parameters, context))
        except Exception as error:
            missing = error.args[0] if type(error) is KeyError and error.args else None
            if missing in parameters or missing not in examples:
                raise AssertionError(f"draw() raised {type(error).__name__}: {one_line(error)}") from error
            parameters[missing] = examples[missing]


def applied(
    subject: Subject,
    samples: Samples,
    sample_rate: int = SAMPLE_RATE_HZ,
    *,
    what: str = "speech",
    key: SampleKey = KEY,
    primitive: Primitive | None = None,
    rng: np.random.Generator | None = None,
) -> Samples:
    """Plan (unless `primitive` is given), apply, and check the form of the output.

    Raises:
        AssertionError: it raised, or returned anything but one axis of finite, contiguous float32.
    """
    unit = primitive or planned(subject, len(samples), sample_rate, key=key)
    context = ApplyContext(rng or key.rng("render", 0), subject.banks)
    # A copy, so that a primitive that writes into its input fails only the check for that.
    output = attempt(what, lambda: unit.apply(samples.copy(), sample_rate, context))
    try:
        check_samples(output, f"output for {what}")
    except AudioError as error:
        raise AssertionError(str(error)) from None
    return output
