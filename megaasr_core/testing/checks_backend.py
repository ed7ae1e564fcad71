"""What a backend must do: one transcript an utterance, whichever batch it came in; refuse what it cannot do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..base.audio import Audio
from ..base.errors import BackendError, MegaasrError, UnknownNameError, one_line
from ..base.seeding import SampleKey
from ..contracts.backend import AdapterReport, DecodingOptions, Transcript
from ..contracts.utterance import Utterance, utterances
from .checks_unit import fields_are_described, has_a_docstring, parameters_survive_json
from .guards import attempt, expect, expect_no_global_random
from .plugin_under_test import Subject
from .signals import copies, silence, speech_like

OPTIONS = DecodingOptions()
SHORT = DecodingOptions(min_tokens=2, tokens_per_second=0.5)


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a backend; mounting is checked where an adapter was given."""
    return [
        has_a_docstring,
        fields_are_described,
        parameters_survive_json,
        can_be_loaded,
        one_transcript_a_clip,
        batch_equals_one_by_one,
        same_batch_gives_same_transcripts,
        silence_and_short_clips_survive,
        duration_is_told,
        tokens_are_bounded,
        clips_are_kept,
        other_rate_is_refused,
        too_long_is_refused,
        unknown_adapter_is_refused,
        mounted_is_sorted,
        *([] if subject.adapter is None else [mounting_leaves_the_base]),
        global_random_state_is_kept,
    ]


def _clips(subject: Subject) -> list[Audio]:
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


def _transcripts(
    subject: Subject,
    batch: Sequence[Audio],
    what: str,
    options: DecodingOptions = OPTIONS,
    adapters: Sequence[str | None] | None = None,
) -> list[Transcript]:
    chosen = subject.thing.make_options(options.model_dump())
    heard: Any = attempt(what, lambda: subject.unit.transcribe(utterances(copies(batch), "en"), chosen, adapters))
    expect(isinstance(heard, list), f"transcribe() returns {type(heard).__name__} on {what}; a list is expected")
    expect(len(heard) == len(batch), f"transcribe() returns {len(heard)} transcripts for {len(batch)} clips of {what}")
    for one in heard:
        expect(isinstance(one, Transcript), f"transcribe() returns {one!r}; a Transcript is expected")
        expect(isinstance(one.text, str), f"text is {one.text!r}; a str is expected")
        expect(
            isinstance(one.language, str) and one.language,
            f"language is {one.language!r}; a code such as 'en' is expected",
        )
        expect(one.flags == tuple(sorted(one.flags)), f"flags are {one.flags!r}; a sorted tuple is expected")
        logprob = one.mean_logprob
        expect(
            logprob is None or (np.isfinite(logprob) and logprob <= 1e-6),
            f"mean_logprob is {logprob!r}; a finite number of at most 0, or None, is expected",
        )
    checked: list[Transcript] = heard
    return checked


def can_be_loaded(subject: Subject) -> None:
    """`load` works, and works again."""
    attempt("loading", subject.unit.load)
    attempt("loading a second time", subject.unit.load)


def one_transcript_a_clip(subject: Subject) -> None:
    """As many transcripts as clips, and none for none."""
    _transcripts(subject, _clips(subject), "a batch")
    expect(_transcripts(subject, [], "an empty batch") == [], "an empty batch must give []")
    for one in _transcripts(subject, _clips(subject), "a batch of the base", adapters=[None] * len(_clips(subject))):
        expect(one.adapter is None, f"says adapter = {one.adapter!r} of the base; None is expected")


def batch_equals_one_by_one(subject: Subject) -> None:
    """Padding does not change what is heard: a clip's text is the same alone and among longer ones."""
    for clip, together in zip(_clips(subject), _transcripts(subject, _clips(subject), "a batch"), strict=True):
        (alone,) = _transcripts(subject, [clip], f"{clip.name} alone")
        expect(
            alone.text == together.text, f"hears {together.text!r} of {clip.name} in a batch and {alone.text!r} alone"
        )


def same_batch_gives_same_transcripts(subject: Subject) -> None:
    """Decoding is deterministic."""
    first, second = ([one.text for one in _transcripts(subject, _clips(subject), "a batch")] for _ in range(2))
    expect(first == second, f"hears {first!r} and then {second!r} of the same batch; decoding must not sample")


def silence_and_short_clips_survive(subject: Subject) -> None:
    """Silence and 20 ms, the shortest recording that is read."""
    rate = subject.unit.info.sample_rate
    for name, samples in (
        ("silence", silence(rate)),
        ("20 ms", silence(rate // 50)),
        ("20 ms", speech_like(rate, 0.02)),
    ):
        _transcripts(subject, [Audio(samples, rate, name)], name)


def duration_is_told(subject: Subject) -> None:
    """`duration_s` is the clip's own length, not that of the padded batch; the time of decoding is not negative."""
    for clip, heard in zip(_clips(subject), _transcripts(subject, _clips(subject), "a batch"), strict=True):
        expect(
            abs(heard.duration_s - clip.duration_s) < 1e-6,
            f"says that {clip.name} lasts {heard.duration_s:g} s; it lasts {clip.duration_s:g} s",
        )
        expect(heard.seconds >= 0.0, f"says that decoding took {heard.seconds!r} s")


def tokens_are_bounded(subject: Subject) -> None:
    """`num_tokens` keeps to the options' bound, be it wide or tight, so that a loop ends."""
    for options in (OPTIONS, SHORT):
        for clip, heard in zip(
            _clips(subject), _transcripts(subject, _clips(subject), "a batch", options), strict=True
        ):
            bound = options.max_tokens(clip.duration_s)
            expect(
                0 <= heard.num_tokens <= bound,
                f"emits {heard.num_tokens} tokens for {clip.name}; options.max_tokens allows {bound}",
            )


def clips_are_kept(subject: Subject) -> None:
    """The samples are left as they were: a second decoding may follow."""
    clips = _clips(subject)
    attempt("a batch", lambda: subject.unit.transcribe(utterances(clips, "en"), subject.thing.make_options()))
    for clip, fresh in zip(clips, _clips(subject), strict=True):
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
    _expect_refusal(subject, _clips(subject)[0], "an adapter that is not mounted", UnknownNameError, "no such adapter")
    _expect_error(lambda: subject.unit.unmount("no such adapter"), "unmounting what is not mounted", UnknownNameError)


def mounted_is_sorted(subject: Subject) -> None:
    """`mounted` gives a sorted tuple of names."""
    names = subject.unit.mounted()
    expect(
        isinstance(names, tuple) and names == tuple(sorted(names)),
        f"mounted() gives {names!r}; a sorted tuple is expected",
    )


def mounting_leaves_the_base(subject: Subject) -> None:
    """An adapter is mounted beside the base: the base hears the same while and after it is."""
    unit, clips = subject.unit, _clips(subject)
    before = [one.text for one in _transcripts(subject, clips, "a batch")]
    for name in ("kit-b", "kit-a"):
        report = attempt(f"mounting {subject.adapter}", partial(unit.mount, name, subject.adapter))
        expect(
            isinstance(report, AdapterReport) and report.name == name,
            f"mount() returns {report!r}; an AdapterReport is expected",
        )
    mounted_is_sorted(subject)
    mixed = _transcripts(subject, clips, "base and adapter in turn", adapters=[None, "kit-a", None, "kit-b", None])
    expect(
        [one.adapter for one in mixed] == [None, "kit-a", None, "kit-b", None],
        f"names the adapters {[one.adapter for one in mixed]!r} of rows that asked for None, kit-a, None, kit-b, None",
    )
    for row in (0, 2, 4):
        expect(
            mixed[row].text == before[row],
            f"the base hears {mixed[row].text!r} beside an adapter, {before[row]!r} without",
        )
    for name in ("kit-a", "kit-b"):
        unit.unmount(name)
    expect(not {"kit-a", "kit-b"} & set(unit.mounted()), f"mounted() gives {unit.mounted()!r} after unmount()")
    after = [one.text for one in _transcripts(subject, clips, "a batch")]
    expect(after == before, "the base hears otherwise after an adapter was mounted and unmounted")


def global_random_state_is_kept(subject: Subject) -> None:
    """Nothing is drawn from random, numpy.random or torch's global generator, nor are they seeded."""
    expect_no_global_random(lambda: _transcripts(subject, _clips(subject), "a batch"), "decoding draws nothing")


def _expect_refusal(
    subject: Subject, clip: Audio, what: str, error: type[MegaasrError], adapter: str | None = None
) -> None:
    adapters = None if adapter is None else [adapter]
    options = subject.thing.make_options()
    _expect_error(lambda: subject.unit.transcribe([Utterance(clip, "en")], options, adapters), what, error)


def _expect_error(call: Callable[[], object], what: str, expected: type[MegaasrError]) -> None:
    try:
        returned = call()
    except expected as error:
        expect("\n" not in str(error).strip(), f"the {expected.__name__} on {what} has several lines; one is expected")
    except Exception as error:
        message = f"{type(error).__name__} on {what}: {one_line(error)}; {expected.__name__} is expected"
        raise AssertionError(message) from error
    else:
        raise AssertionError(f"takes {what} and returns {returned!r}; {expected.__name__} is expected")
