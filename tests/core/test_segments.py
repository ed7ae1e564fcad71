import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr import Audio, Transcript
from megaasr.library.long_recordings import cut, join

RATE = 100


@given(num_samples=st.integers(1, 5_000), max_s=st.floats(0.5, 8.0), seed=st.integers(0, 99))
def test_nothing_is_lost_and_no_piece_is_too_long(num_samples, max_s, seed):
    samples = np.random.default_rng(seed).standard_normal(num_samples).astype(np.float32)
    pieces = cut(Audio(samples, RATE), max_s)
    assert np.array_equal(np.concatenate([piece.samples for piece in pieces]), samples)
    assert all(0 < len(piece.samples) <= int(max_s * RATE) for piece in pieces)


def test_the_cut_is_made_in_the_pause():
    samples = np.resize(np.float32([1.0, -1.0]), 600)
    samples[330:350] = 0.0
    pieces = cut(Audio(samples, RATE), 4.0)
    assert [len(piece.samples) for piece in pieces] == [345, 255]


def test_short_audio_is_one_piece():
    assert len(cut(Audio(np.zeros(400, np.float32), RATE), 4.0)) == 1


def piece(text, logprob=-0.5, tokens=2, **fields):
    return Transcript(text, "en", logprob, tokens, duration_s=1.0, seconds=0.5, route="base", **fields)


def test_one_piece_is_joined_to_itself():
    assert join([piece("a")]) == piece("a")


def test_pieces_are_joined_in_order_and_weighted_by_tokens():
    joined = join([piece(" a ", -1.0, 1), piece("", None, 0, flags=("empty",)), piece("b", -0.1, 9, truncated=True)])
    assert joined.text == "a b"
    assert joined.mean_logprob == pytest.approx(-0.19)
    assert (joined.num_tokens, joined.duration_s, joined.seconds) == (10, 3.0, 1.5)
    assert joined.truncated
    assert joined.flags == ()
    assert joined.adapter is None
    assert joined.route == "base"


def test_a_recording_that_is_empty_throughout_says_so_and_adapters_are_counted():
    joined = join([piece("", flags=("empty",)), piece("", flags=("empty", "silent"), adapter="robust")])
    assert joined.flags == ("empty", "silent")
    assert joined.adapter == "robust"
    assert joined.route == "base (adapter on 1 of 2 pieces)"


@pytest.mark.parametrize(
    ("language", "one", "other", "joined"),
    [
        ("zh", "你好", "世界", "你好世界"),
        ("yue", "你好", "世界", "你好世界"),
        ("ja", "今日は", "晴れ", "今日は晴れ"),
        ("th", "สวัสดี", "ครับ", "สวัสดีครับ"),
        ("ko", "안녕", "세계", "안녕 세계"),
        ("hi", "नमस्ते", "दुनिया", "नमस्ते दुनिया"),
    ],
)
def test_languages_without_spaces_are_joined_without(language, one, other, joined):
    assert join([Transcript(one, language), Transcript(other, language)]).text == joined
