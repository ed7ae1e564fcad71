"""The window of an utterance, and how it is heard again after a transcript that loops."""

import itertools
import time

import numpy as np
import pytest

from megaasr import Audio, BackendError, Transcript, Utterance
from megaasr_plugins.backends import whisper_decoding
from megaasr_plugins.backends.whisper import Whisper
from megaasr_plugins.backends.whisper_windows import (
    Window,
    check_utterances,
    other_window,
    went_astray,
    window_of,
)

LOOP = "and then " * 8


def utterance(duration_s, rate=16_000):
    return Utterance(Audio(np.zeros(round(duration_s * rate), np.float32), rate, f"{duration_s} s"), "en")


@pytest.mark.parametrize(
    ("duration_s", "window", "other"),
    [
        (2.0, Window(15.0), Window(30.0, True)),
        (8.0, Window(15.0), Window(30.0, True)),
        (8.1, Window(30.0, True), Window(15.0)),
        (14.0, Window(30.0, True), Window(15.0)),
        (14.1, Window(30.0, True), Window(30.0)),
        (30.0, Window(30.0, True), Window(30.0)),
    ],
)
def test_no_window_is_full_of_speech_and_the_other_one_is_another(duration_s, window, other):
    assert window_of(utterance(duration_s), 15.0, 8.0) == window
    assert other_window(utterance(duration_s), window, 15.0) == other


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        (Transcript("all is well", "en"), False),
        (Transcript("", "en"), False),
        (Transcript(LOOP, "en"), True),
        (Transcript("it does not end", "en", truncated=True), True),
        (Transcript("it goes on", "en", truncated=True, continue_at_s=9.0), False),
    ],
)
def test_a_loop_and_what_does_not_end_went_astray(transcript, expected):
    assert went_astray(transcript) == expected


def test_what_another_model_would_have_to_resample_or_cut_is_refused():
    with pytest.raises(BackendError, match=r"has 8000 Hz, 16000 Hz is expected"):
        check_utterances([utterance(1.0, 8_000)])
    with pytest.raises(BackendError, match=r"lasts 30.5 s, at most 30 s is taken"):
        check_utterances([utterance(30.5)])


@pytest.fixture
def heard(monkeypatch):
    """Transcribe with a decoder that answers by length, window and number of beams; also its calls."""
    calls = []

    def answered(answers, *durations_s, num_beams=1):
        def decode(model, processor, batch, options, *, window_s, timestamps):
            calls.extend((one.duration_s, window_s, timestamps, options.num_beams) for one in batch)
            found = [answers.get((one.duration_s, window_s, options.num_beams)) for one in batch]
            return [Transcript(text, "en", -0.5, seconds=1.0) for text in found]

        monkeypatch.setattr(whisper_decoding, "decode", decode)
        monkeypatch.setattr(time, "perf_counter", itertools.count().__next__)
        backend = Whisper()
        backend.load()
        made = backend.transcribe(
            [utterance(one) for one in durations_s], backend.make_options({"num_beams": num_beams})
        )
        return [(one.text, one.seconds) for one in made], calls

    return answered


def test_a_loop_alone_is_decoded_again_and_the_better_one_is_kept(heard):
    texts, calls = heard({(2.0, 15.0, 1): LOOP, (2.0, 30.0, 1): "well", (3.0, 15.0, 1): "fine"}, 2.0, 3.0)
    assert texts == [("well", 1.5), ("fine", 0.5)]
    assert calls == [(2.0, 15.0, False, 1), (3.0, 15.0, False, 1), (2.0, 30.0, True, 1)]


def test_the_first_is_kept_where_both_loop(heard):
    texts, calls = heard({(9.0, 30.0, 1): LOOP, (9.0, 15.0, 1): f"oh {LOOP}"}, 9.0)
    assert texts == [(LOOP, 2.0)]
    assert len(calls) == 2


def test_what_beams_loop_on_is_decoded_greedily_first_in_its_own_window(heard):
    texts, calls = heard({(2.0, 15.0, 5): LOOP, (2.0, 15.0, 1): "well"}, 2.0, num_beams=5)
    assert texts == [("well", 2.0)]
    assert calls == [(2.0, 15.0, False, 5), (2.0, 15.0, False, 1)]


def test_and_then_in_the_other_one(heard):
    answers = {(2.0, 15.0, 5): LOOP, (2.0, 15.0, 1): f"oh {LOOP}", (2.0, 30.0, 1): "well"}
    texts, calls = heard(answers, 2.0, num_beams=5)
    assert texts == [("well", 3.0)]
    assert calls == [(2.0, 15.0, False, 5), (2.0, 15.0, False, 1), (2.0, 30.0, True, 1)]
