"""How recordings are heard: silence passed over, levels set, windows gone on from, and what is no speech withheld."""

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import PrivateAttr

from megaasr import Audio, Backend, BackendInfo, Route, Router, Segment, Transcriber, Transcript, Utterance
from megaasr.library.levels import LEVEL, at_known_level, frame_powers, level_of, loud_power
from megaasr_core.flows.hearing import Hearing

RATE = 1_000


class Notes(Backend):
    """Hears the duration of each window; `answer` may say otherwise."""

    name: ClassVar[str] = "notes"
    _windows: list = PrivateAttr(default_factory=list)
    _answer: object = None

    @property
    def info(self):
        return BackendInfo(RATE, 30.0)

    def load(self):
        pass

    def transcribe(self, batch, options, adapters=None):
        self._windows.extend(batch)
        return [
            self._answer(one) if self._answer else Transcript(f"{one.duration_s:.1f}", "en", -0.1, 1) for one in batch
        ]

    def mount(self, name, folder):
        raise NotImplementedError

    def unmount(self, name):
        raise NotImplementedError

    def mounted(self):
        return ()


class Base(Router):
    """To the base."""

    name: ClassVar[str] = "to_base"

    def route(self, batch):
        return [Route(None, "base")] * len(batch)


def tone(duration_s, level=0.3):
    return (level * np.sin(np.arange(round(duration_s * RATE)) * 0.7)).astype(np.float32)


def heard(samples, answer=None, **settings):
    backend = Notes()
    backend._windows, backend._answer = [], answer
    transcript = Transcriber(backend, Base(), **settings).transcribe(Audio(samples.astype(np.float32), RATE))
    return transcript, backend._windows


@pytest.mark.parametrize(
    "silence",
    [np.zeros(5 * RATE), np.full(5 * RATE, 0.2), np.zeros(1), np.full(3 * RATE, -1e-3)],
    ids=["zeros", "an offset", "one sample", "a small offset"],
)
def test_silence_is_an_empty_text_and_nothing_is_decoded(silence):
    transcript, windows = heard(silence)
    assert (transcript.text, transcript.flags, windows) == ("", ("empty", "silent"), [])
    assert transcript.duration_s == len(silence) / RATE


def test_a_minute_of_silence_around_speech_is_passed_over_and_times_are_those_of_the_recording():
    samples = np.concatenate([np.zeros(60 * RATE), tone(5.0), np.zeros(60 * RATE)])
    transcript, windows = heard(samples, lambda one: Transcript("a", "en", segments=(Segment(0.3, 5.3, "a"),)))
    assert [one.duration_s for one in windows] == pytest.approx([5.6], abs=0.2)
    assert [(one.start_s, one.end_s) for one in transcript.segments] == [pytest.approx((60.0, 65.0), abs=0.2)]
    assert transcript.duration_s == pytest.approx(125.0)


@pytest.mark.parametrize(("floor_db", "num_windows"), [(-70.0, 2), (-50.0, 1)])
def test_what_is_60_db_below_the_speech_is_silence(floor_db, num_windows):
    floor = tone(10.0, 0.3 * 10 ** (floor_db / 20))
    _, windows = heard(np.concatenate([tone(4.0), floor, tone(4.0)]))
    assert len(windows) == num_windows


def test_silence_between_two_stretches_of_speech_parts_them_and_a_short_pause_does_not():
    _, windows = heard(np.concatenate([tone(4.0), np.zeros(10 * RATE), tone(6.0), np.zeros(RATE), tone(2.0)]))
    assert [one.duration_s for one in windows] == pytest.approx([4.3, 9.3], abs=0.2)


@pytest.mark.parametrize("gain", [1e-6, 1 / 500, 5.0, 32768.0, 2.0**31])
def test_speech_at_any_level_is_heard_at_a_known_one(gain):
    transcript, (window,) = heard(tone(3.0) * gain)
    assert loud_power(frame_powers(window.samples, 100)) ** 0.5 == pytest.approx(LEVEL, rel=0.02)
    assert np.abs(window.samples).max() <= 1.0
    assert transcript.flags == ("level",)


@pytest.mark.parametrize("gain", [0.03, 1.0, 3.0])
def test_a_usual_level_stays_as_it_is(gain):
    transcript, (window,) = heard(tone(3.0) * gain)
    assert np.array_equal(window.samples, tone(3.0) * np.float32(gain))
    assert transcript.flags == ()


def test_a_click_does_not_decide_the_level():
    samples = tone(4.0, 1e-4)
    samples[1_500] = 1.0
    click = Audio(samples, RATE)
    audio, changed = at_known_level(click, level_of(click))
    assert changed
    assert np.sqrt(np.mean(np.square(audio.samples[2_000:]))) == pytest.approx(LEVEL, rel=0.05)


WORDS = " ".join(2 * "abcdefghijklmnopqrstuvwxyz")


def test_what_a_transcript_left_unheard_is_decoded_again_from_there():
    def answer(one):
        if one.duration_s > 15.0:
            parts = (Segment(0, 4, "one"), Segment(4, 9, "two"), Segment(9, 20, "lost"))
            return Transcript(f"one two {WORDS}", "en", segments=parts, continue_at_s=9.0)
        return Transcript(WORDS, "en", segments=(Segment(0, 11, WORDS),))

    transcript, windows = heard(tone(20.0), answer)
    assert transcript.text == f"one two {WORDS}"
    assert [one.duration_s for one in windows] == pytest.approx([20.0, 11.0])
    assert [one.start_s for one in transcript.segments] == [0, 4, 9]


@pytest.mark.parametrize(("continue_at_s", "quiet"), [(19.0, False), (10.0, True), (0.1, False), (None, False)])
def test_a_short_or_quiet_rest_or_no_progress_ends_the_hearing(continue_at_s, quiet):
    samples = np.concatenate([tone(10.0), tone(10.0, 0.003 if quiet else 0.3)])
    answer = Transcript(WORDS, "en", segments=(Segment(0.0, 10.0, "all"),), continue_at_s=continue_at_s)
    transcript, windows = heard(samples, lambda one: answer)
    assert (transcript.text, len(windows)) == (WORDS, 1)


def test_the_parts_of_a_long_window_with_few_words_are_heard_by_themselves():
    def answer(one):
        text = "four words of it" if one.duration_s > 15.0 else WORDS
        return Transcript(text, "en", segments=(Segment(0.0, one.duration_s, text),))

    transcript, windows = heard(np.concatenate([tone(12.0), np.zeros(500), tone(11.5)]), answer)
    assert transcript.text == f"{WORDS} {WORDS}"
    assert [one.duration_s for one in windows] == pytest.approx([24.0, 12.2, 11.8], abs=0.4)
    assert transcript.flags == ()


def test_few_words_that_stay_few_are_flagged_and_music_is_not_heard_again():
    few = Transcript("four words of it", "en", -0.1, segments=(Segment(0.0, 1.0, "four words of it"),))
    transcript, windows = heard(np.concatenate([tone(12.0), np.zeros(500), tone(11.5)]), lambda one: few)
    assert (transcript.flags, len(windows)) == (("sparse",), 3)
    music = Transcript("bye", "en", -2.0, segments=(Segment(0.0, 1.0, "bye"),), no_speech_prob=0.9)
    assert len(heard(tone(24.0), lambda one: music)[1]) == 1


def test_a_text_without_speech_is_withheld_and_kept_apart():
    def answer(one):
        music = one.samples[0] > 1e-9 or one.duration_s > 5.0
        return Transcript("bye" if music else "hello", "en", -1.8 if music else -0.2, 2, no_speech_prob=0.9)

    transcript, _ = heard(np.concatenate([tone(4.0), np.zeros(5 * RATE), tone(8.0)]), answer)
    assert (transcript.text, transcript.withheld) == ("hello", "bye")
    assert "no_speech" in transcript.flags
    assert "empty" not in transcript.flags
    alone, _ = heard(tone(8.0), answer)
    assert (alone.text, alone.withheld, alone.flags) == ("", "bye", ("empty", "no_speech"))


@pytest.mark.parametrize(("logprob", "no_speech_prob"), [(-0.9, 0.99), (-3.0, 0.6), (None, 0.99), (-3.0, None)])
def test_a_sure_text_or_an_improbable_silence_is_kept(logprob, no_speech_prob):
    answer = Transcript("hello", "en", logprob, 1, no_speech_prob=no_speech_prob)
    assert heard(tone(3.0), lambda one: answer)[0].text == "hello"


@given(pieces=st.lists(st.tuples(st.booleans(), st.floats(0.1, 70.0)), min_size=1, max_size=6))
def test_every_sound_is_in_a_window_once_and_no_window_is_too_long(pieces):
    samples = np.concatenate([tone(s) if sounds else np.zeros(round(s * RATE), np.float32) for sounds, s in pieces])
    hearing = Hearing("x", Utterance(Audio(samples, RATE)), 30.0)
    found = []
    while windows := hearing.windows():
        strand, window = windows[0]
        assert window.duration_s <= 30.0
        found.append(window.samples)
        strand.add(Transcript("", "en", continue_at_s=None))
    total = sum(np.count_nonzero(one) for one in found)
    assert total >= np.count_nonzero(samples) - 2
    assert sum(map(len, found)) <= len(samples)
