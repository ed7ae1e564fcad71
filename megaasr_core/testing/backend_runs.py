"""How the checks run a backend: utterances, transcripts held to their form, and errors that are expected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..base.audio import Audio
from ..base.errors import MegaasrError, one_line
from ..base.seeding import SampleKey
from ..contracts.backend import DecodingOptions, Transcript
from ..contracts.utterance import utterances
from .guards import attempt, expect
from .plugin_under_test import Subject
from .signals import copies, silence, speech_like

OPTIONS = DecodingOptions()


def backend_clips(subject: Subject) -> list[Audio]:
    """Utterances of several lengths, silence and noise, at the backend's rate."""
    rate = subject.unit.info.sample_rate
    noise = 0.05 * SampleKey(0, "backend").rng("noise").standard_normal(rate)
    sounds = {
        "speech": speech_like(rate),
        "longer speech": speech_like(rate, 2.5, "other"),
        "silence": silence(rate),
        "short speech": speech_like(rate, 0.4, "third"),
        "noise": noise,
    }
    return [Audio(np.array(samples, np.float32), rate, name) for name, samples in sounds.items()]


def transcripts(
    subject: Subject,
    batch: Sequence[Audio],
    what: str,
    options: DecodingOptions = OPTIONS,
    adapters: Sequence[str | None] | None = None,
) -> list[Transcript]:
    """Transcribe a batch and check the form of each transcript; AssertionError that says on `what`."""
    chosen = subject.thing.make_options(options.model_dump())
    heard: Any = attempt(what, lambda: subject.unit.transcribe(utterances(copies(batch), "en"), chosen, adapters))
    expect(isinstance(heard, list), f"transcribe() returns {type(heard).__name__} on {what}; a list is expected")
    expect(len(heard) == len(batch), f"transcribe() returns {len(heard)} transcripts for {len(batch)} clips of {what}")
    for one in heard:
        expect(isinstance(one, Transcript), f"transcribe() returns {one!r}; a Transcript is expected")
        expect(one.language, f"language is {one.language!r}; a code such as 'en' is expected")
        expect(one.flags == tuple(sorted(one.flags)), f"flags are {one.flags!r}; a sorted tuple is expected")
        logprob = one.mean_logprob
        expect(
            logprob is None or logprob <= 1e-6,
            f"mean_logprob is {logprob!r}; a finite number of at most 0, or None, is expected",
        )
        of_tokens = one.token_logprobs
        expect(
            not of_tokens or (len(of_tokens) == len(one.token_ids) and all(-np.inf < own <= 1e-6 for own in of_tokens)),
            f"token_logprobs are {of_tokens!r}; a finite number of at most 0 for each of token_ids is expected",
        )
    checked: list[Transcript] = heard
    return checked


def expect_error(call: Callable[[], object], what: str, expected: type[MegaasrError]) -> None:
    """AssertionError unless the call raises the expected error, in one line."""
    try:
        returned = call()
    except expected as error:
        expect("\n" not in str(error).strip(), f"the {expected.__name__} on {what} has several lines; one is expected")
    except Exception as error:
        message = f"{type(error).__name__} on {what}: {one_line(error)}; {expected.__name__} is expected"
        raise AssertionError(message) from error
    else:
        raise AssertionError(f"takes {what} and returns {returned!r}; {expected.__name__} is expected")
