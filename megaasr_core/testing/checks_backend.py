"""Checks of a backend: one transcript for each utterance, whichever batch it is in; it refuses what it cannot do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..base.audio import Audio
from ..base.errors import BackendError, MegaasrError, UnknownNameError
from ..contracts.backend import BackendInfo, DecodingOptions
from ..contracts.utterance import Utterance, utterances
from . import checks_backend_mounting as mounting
from .backend_runs import OPTIONS, backend_clips, expect_error, transcripts
from .case import essential
from .checks_unit import fields_are_described, fields_have_a_bound, has_a_docstring, parameters_survive_json
from .guards import attempt, expect, expect_no_global_random
from .plugin_under_test import Subject
from .signals import silence, speech_like

SHORT = DecodingOptions(min_tokens=2, tokens_per_second=0.5)


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a backend; mounting is checked where an adapter was given."""
    return [
        has_a_docstring,
        fields_are_described,
        fields_have_a_bound,
        describes_its_input,
        can_be_loaded,
        one_transcript_per_clip,
        global_random_state_is_unchanged,
        same_batch_gives_same_transcripts,
        parameters_survive_json,
        batch_equals_one_by_one,
        accepts_silence_and_short_clips,
        accepts_the_longest_clip,
        duration_is_reported,
        tokens_are_bounded,
        clips_are_unchanged,
        other_rate_is_refused,
        too_long_is_refused,
        unknown_adapter_is_refused,
        mounting.mounted_is_sorted,
        mounting.wrong_adapters_are_refused,
        *([] if subject.adapter is None else [mounting.mounting_leaves_the_base_unchanged]),
    ]


@essential
def describes_its_input(subject: Subject) -> None:
    """`info` gives the sample rate and the longest utterance: the caller resamples and cuts by them."""
    info = attempt("reading `info`", lambda: subject.unit.info)
    expect(isinstance(info, BackendInfo), f"info is {info!r}; a BackendInfo is expected")
    rate, longest_s = info.sample_rate, info.max_duration_s
    expect(
        isinstance(rate, int) and not isinstance(rate, bool) and rate > 0,
        f"info.sample_rate is {rate!r}; a whole number of Hz above 0 is expected, e.g. 16_000",
    )
    expect(
        longest_s is None or (isinstance(longest_s, (int, float)) and np.isfinite(longest_s) and longest_s > 0),
        f"info.max_duration_s is {longest_s!r}; a number of seconds above 0, or None for any length, is expected",
    )


@essential
def can_be_loaded(subject: Subject) -> None:
    """`load` works, and works again."""
    attempt("loading", subject.unit.load)
    attempt("loading a second time", subject.unit.load)


@essential
def one_transcript_per_clip(subject: Subject) -> None:
    """As many transcripts as clips, and none for none."""
    transcripts(subject, backend_clips(subject), "a batch")
    expect(transcripts(subject, [], "an empty batch") == [], "an empty batch must give []")
    for one in transcripts(
        subject, backend_clips(subject), "a batch of the base", adapters=[None] * len(backend_clips(subject))
    ):
        expect(one.adapter is None, f"says adapter = {one.adapter!r} of the base; None is expected")


def batch_equals_one_by_one(subject: Subject) -> None:
    """Padding does not change the transcript: a clip has the same text alone and among longer ones."""
    for clip, together in zip(
        backend_clips(subject), transcripts(subject, backend_clips(subject), "a batch"), strict=True
    ):
        (alone,) = transcripts(subject, [clip], f"{clip.name} alone")
        expect(
            alone.text == together.text, f"hears {together.text!r} of {clip.name} in a batch and {alone.text!r} alone"
        )


@essential
def same_batch_gives_same_transcripts(subject: Subject) -> None:
    """Decoding is deterministic."""
    first, second = ([one.text for one in transcripts(subject, backend_clips(subject), "a batch")] for _ in range(2))
    expect(first == second, f"hears {first!r} and then {second!r} of the same batch; decoding must not sample")


def accepts_silence_and_short_clips(subject: Subject) -> None:
    """Silence and 20 ms, the shortest recording that is read."""
    rate = subject.unit.info.sample_rate
    for name, samples in (
        ("silence", silence(rate)),
        ("20 ms", silence(rate // 50)),
        ("20 ms", speech_like(rate, 0.02)),
    ):
        transcripts(subject, [Audio(samples, rate, name)], name)


def accepts_the_longest_clip(subject: Subject) -> None:
    """An utterance of just `info.max_duration_s` (where it is more than a minute, or None: of a minute)."""
    rate, longest_s = subject.unit.info.sample_rate, min(subject.unit.info.max_duration_s or 60.0, 60.0)
    clip = Audio(speech_like(rate, longest_s)[: int(longest_s * rate)], rate, f"speech of {longest_s:g} s")
    transcripts(subject, [clip], f"{clip.name}, which info.max_duration_s allows")


def duration_is_reported(subject: Subject) -> None:
    """`duration_s` is the clip's own length, not that of the padded batch; the time of decoding is not negative."""
    for clip, heard in zip(
        backend_clips(subject), transcripts(subject, backend_clips(subject), "a batch"), strict=True
    ):
        expect(
            abs(heard.duration_s - clip.duration_s) < 1e-6,
            f"says that {clip.name} lasts {heard.duration_s:g} s; it lasts {clip.duration_s:g} s",
        )
        expect(heard.seconds >= 0.0, f"says that decoding took {heard.seconds!r} s")


def tokens_are_bounded(subject: Subject) -> None:
    """`num_tokens` keeps to the options' bound, be it wide or tight, so that a loop ends."""
    for options in (OPTIONS, SHORT):
        for clip, heard in zip(
            backend_clips(subject), transcripts(subject, backend_clips(subject), "a batch", options), strict=True
        ):
            bound = options.max_tokens(clip.duration_s)
            expect(
                0 <= heard.num_tokens <= bound,
                f"emits {heard.num_tokens} tokens for {clip.name}; options.max_tokens allows {bound}",
            )


def clips_are_unchanged(subject: Subject) -> None:
    """A second decoding of the same samples may follow."""
    clips = backend_clips(subject)
    attempt("a batch", lambda: subject.unit.transcribe(utterances(clips, "en"), subject.thing.make_options()))
    for clip, fresh in zip(clips, backend_clips(subject), strict=True):
        expect(
            np.array_equal(clip.samples, fresh.samples), f"writes into the samples of {clip.name}; copy what you change"
        )


def other_rate_is_refused(subject: Subject) -> None:
    """Another sample rate is a BackendError, not a wrong transcript."""
    rate = subject.unit.info.sample_rate // 2
    _expect_refusal(subject, Audio(speech_like(rate), rate, "half the rate"), f"a clip at {rate} Hz", BackendError)


def too_long_is_refused(subject: Subject) -> None:
    """An utterance longer than `max_duration_s` is a BackendError, not a transcript of its beginning."""
    rate, limit_s = subject.unit.info.sample_rate, subject.unit.info.max_duration_s
    if limit_s is None:
        return
    long = Audio(silence(round((limit_s + 1.0) * rate)), rate, "long")
    _expect_refusal(subject, long, f"{limit_s + 1:g} s, a second above max_duration_s", BackendError)


def unknown_adapter_is_refused(subject: Subject) -> None:
    """An adapter that is not mounted is an UnknownNameError, in `transcribe` and in `unmount`."""
    _expect_refusal(
        subject, backend_clips(subject)[0], "an adapter that is not mounted", UnknownNameError, "no such adapter"
    )
    expect_error(lambda: subject.unit.unmount("no such adapter"), "unmounting what is not mounted", UnknownNameError)


@essential
def global_random_state_is_unchanged(subject: Subject) -> None:
    """Nothing is drawn from random, numpy.random or torch's global generator, nor are they seeded."""
    expect_no_global_random(lambda: transcripts(subject, backend_clips(subject), "a batch"), "decoding draws nothing")


def _expect_refusal(
    subject: Subject, clip: Audio, what: str, error: type[MegaasrError], adapter: str | None = None
) -> None:
    adapters = None if adapter is None else [adapter]
    options = subject.thing.make_options()
    expect_error(lambda: subject.unit.transcribe([Utterance(clip, "en")], options, adapters), what, error)
