import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr_degradations.dsp.stutter import KEEP, MUTE, apply_stutter, stutter_events

probabilities = st.floats(0.0, 1.0)
lengths = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)


def draw(num_frames, stutter_prob, repeat_prob, max_repeats, seed=0):
    return stutter_events(num_frames, stutter_prob, repeat_prob, max_repeats, np.random.default_rng(seed))


def assert_binomial(count: int, trials: int, probability: float) -> None:
    """Within five standard deviations; the seeds are fixed, so it holds always or never."""
    spread = math.sqrt(trials * probability * (1 - probability))
    assert abs(count - trials * probability) <= 5 * spread


@given(st.integers(0, 200), probabilities, probabilities, lengths, seeds)
def test_every_loss_is_one_run_of_bounded_length_after_the_frame_it_repeats(frames, stutter, repeat, longest, seed):
    actions = draw(frames, stutter, repeat, longest, seed)
    assert actions.shape == (frames,)
    assert (actions[:1] == KEEP).all()
    assert (actions >= MUTE).all()
    for source in np.unique(actions[actions >= 0]):
        run = np.flatnonzero(actions == source)
        assert run.tolist() == list(range(source + 1, source + 1 + len(run)))
        assert len(run) <= longest


@given(st.integers(0, 200), st.integers(0, 200), probabilities, probabilities, lengths, seeds)
def test_a_longer_clip_begins_with_the_same_losses(shorter, more, stutter, repeat, longest, seed):
    long = draw(shorter + more, stutter, repeat, longest, seed)
    np.testing.assert_array_equal(draw(shorter, stutter, repeat, longest, seed), long[:shorter])


@given(st.integers(0, 200), probabilities, probabilities, lengths, seeds)
def test_the_generator_advances_by_the_number_of_frames_alone(frames, stutter, repeat, longest, seed):
    rng, other = np.random.default_rng(seed), np.random.default_rng(seed)
    stutter_events(frames, stutter, repeat, longest, rng)
    other.random(3 * frames)
    assert rng.random() == other.random()


@given(st.integers(2, 100), lengths, seeds)
def test_probabilities_of_zero_and_one_are_certain(frames, longest, seed):
    assert (draw(frames, 0.0, 0.5, longest, seed) == KEEP).all()
    assert (draw(frames, 1.0, 0.0, longest, seed)[1:] == MUTE).all()
    assert (draw(frames, 1.0, 1.0, longest, seed)[1:] >= 0).all()
    np.testing.assert_array_equal(draw(frames, 1.0, 1.0, 1, seed)[1:], np.arange(frames - 1))


@pytest.mark.parametrize("stutter_prob", [0.05, 0.3, 0.7])
@pytest.mark.parametrize("repeat_prob", [0.3, 0.7])
def test_losses_begin_and_are_repeated_as_often_as_asked(stutter_prob, repeat_prob):
    # With one frame a loss each frame but the first is an independent trial.
    actions = draw(20_001, stutter_prob, repeat_prob, 1)
    lost = int((actions != KEEP).sum())
    assert_binomial(lost, 20_000, stutter_prob)
    assert_binomial(int((actions >= 0).sum()), lost, repeat_prob)


@pytest.mark.parametrize("max_repeats", [2, 4])
def test_lengths_are_uniform(max_repeats):
    actions = draw(50_000, 0.1, 1.0, max_repeats)
    _, found = np.unique(actions[actions >= 0], return_counts=True)
    events = found[:-1]  # the last one may have been cut
    for length in range(1, max_repeats + 1):
        assert_binomial(int((events == length).sum()), len(events), 1 / max_repeats)
    # A trial takes place at every frame that no earlier loss covers.
    assert_binomial(len(found), 50_000 - 1 - int((found - 1).sum()), 0.1)


@given(
    frames=st.integers(0, 40),
    frame_samples=st.integers(1, 8),
    rest=st.integers(0, 7),
    stutter=probabilities,
    repeat=probabilities,
    seed=seeds,
)
def test_lost_frames_sound_like_what_was_heard_before_and_the_others_stay(
    frames, frame_samples, rest, stutter, repeat, seed
):
    samples = np.arange(1, frames * frame_samples + rest % frame_samples + 1, dtype=np.float32)
    kept = samples.copy()
    samples.flags.writeable = False
    actions = draw(frames, stutter, repeat, 4, seed)
    output = apply_stutter(samples, frame_samples, actions)
    heard: list[np.ndarray] = []
    for frame, action in enumerate(actions):  # as a receiver would, who knows only what it has played
        played = kept[frame * frame_samples : (frame + 1) * frame_samples]
        heard.append(played if action == KEEP else np.zeros_like(played) if action == MUTE else heard[action])
    expected = np.concatenate([*heard, kept[frames * frame_samples :]])
    np.testing.assert_array_equal(output, expected)
    np.testing.assert_array_equal(samples, kept)
    assert output.dtype == np.float32
    assert not np.shares_memory(output, samples)


def test_a_copy_of_a_lost_frame_is_a_copy_of_its_replacement():
    samples = np.repeat(np.arange(1, 7, dtype=np.float32), 2)
    actions = np.array([KEEP, MUTE, 1, KEEP, 3, 4])
    assert apply_stutter(samples, 2, actions).reshape(6, 2)[:, 0].tolist() == [1, 0, 0, 4, 4, 4]


@pytest.mark.parametrize("num_samples", [0, 1, 319])
def test_less_than_two_frames_stay_what_they_are(num_samples):
    samples = np.ones(num_samples, np.float32)
    actions = draw(num_samples // 160, 1.0, 0.0, 4)
    np.testing.assert_array_equal(apply_stutter(samples, 160, actions), samples)
