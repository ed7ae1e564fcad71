"""Packet loss: which frames are lost, and what stands in their place."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from megaasr_core.base.audio import Samples

KEEP, MUTE = -1, -2
"""Actions of a frame; any other action is the index of the frame that is copied into its place."""


def stutter_events(
    num_frames: int, stutter_prob: float, repeat_prob: float, max_repeats: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw an action a frame, shape (num_frames,).

    From the second frame on, each frame that is not yet lost begins a loss with `stutter_prob`; it takes 1..max_repeats
    frames, which become copies of the frame before it with `repeat_prob`, else silence.
    """
    # Three numbers a frame, used or not: one frame's fate never shifts the draws of the next.
    begins, copies, lengths = rng.random((3, num_frames))
    actions = np.full(num_frames, KEEP, np.int64)
    frame = 1
    while frame < num_frames:
        if begins[frame] >= stutter_prob:
            frame += 1
            continue
        length = 1 + int(lengths[frame] * max_repeats)
        actions[frame : frame + length] = frame - 1 if copies[frame] < repeat_prob else MUTE
        frame += length
    return actions


def apply_stutter(samples: Samples, frame_samples: int, actions: npt.NDArray[np.int64]) -> Samples:
    """Put copies or silence in place of the lost frames; the length stays and a partial last frame is left alone.

    Args:
        samples: shape (num_samples,), at least ``len(actions) * frame_samples`` long.
    """
    result = samples.copy()
    frames = result[: len(actions) * frame_samples].reshape(len(actions), frame_samples)
    copied = actions >= 0
    # In order, since the frame before a loss may itself be the end of an earlier one: what was heard there is repeated.
    for frame in np.flatnonzero(copied):
        frames[frame] = frames[actions[frame]]
    frames[actions == MUTE] = 0.0
    return result
