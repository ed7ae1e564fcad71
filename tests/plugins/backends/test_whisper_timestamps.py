"""Whisper's timestamps: segments of tokens, and long windows heard whole."""

import numpy as np
import pytest

from megaasr import Audio, DecodingOptions, Segment, Transcriber, Utterance
from megaasr_plugins.backends.whisper_timestamps import timed_segments

FIRST = 100


def found(tokens, duration_s=30.0):
    return timed_segments(tokens, FIRST, lambda words: " ".join(map(str, words)), duration_s)


def at(time_s):
    return FIRST + round(time_s / 0.02)


@pytest.mark.parametrize(
    ("tokens", "segments", "continue_at_s"),
    [
        ([at(0), 1, 2, at(4), at(4), 3, at(9)], [(0, 4, "1 2"), (4, 9, "3")], 9.0),
        ([at(0), 1, at(4), at(5), 2, at(30)], [(0, 4, "1"), (5, 30, "2")], None),
        ([at(0), 1, at(4), at(5), 2], [(0, 4, "1"), (5, 30, "2")], 4.0),
        ([at(0), 1, at(4), at(6)], [(0, 4, "1")], 4.0),
        ([at(0), 1, 2], [(0, 30, "1 2")], None),
        ([at(2), 1], [(2, 30, "1")], None),
        ([at(0)], [], None),
        ([], [], None),
        ([1, 2], [(0, 30, "1 2")], None),
        ([at(0), 1, at(40)], [(0, 30, "1")], None),
    ],
)
def test_segments_are_what_lies_between_timestamps(tokens, segments, continue_at_s):
    parts, until_s = found(tokens)
    assert parts == tuple(Segment(*one) for one in segments)
    assert until_s == continue_at_s


@pytest.fixture(scope="module")
def half_a_minute(clips):
    """Sentences one behind the other, of nearly 30 s."""
    samples = np.concatenate([one.audio.samples for one in clips])
    return Audio(np.ascontiguousarray(samples[: 29 * 16_000]), 16_000, "half a minute")


def test_a_long_window_has_segments_in_order_and_the_words_of_its_parts(tiny, half_a_minute):
    (heard,) = tiny.transcribe([Utterance(half_a_minute)], DecodingOptions())
    assert len(heard.segments) > 2
    times = [time for one in heard.segments for time in (one.start_s, one.end_s)]
    assert times == sorted(times)
    assert times[-1] <= 29.0
    assert " ".join(one.text for one in heard.segments).split() == heard.text.split()
    assert len(heard.token_ids) == len(heard.token_logprobs) == heard.num_tokens
    assert 0.0 <= heard.no_speech_prob < 0.6


def test_noise_is_no_text_and_what_was_made_of_it_is_kept_apart(tiny):
    noise = (0.1 * np.random.default_rng(3).standard_normal(10 * 16_000)).astype(np.float32)
    heard = Transcriber.open(router="always_base").transcribe(Audio(noise, 16_000))
    assert heard.text == ""
    assert heard.withheld
    assert heard.no_speech_prob > 0.6
    assert "empty" in heard.flags
