"""Packet loss: draws the lost frames, and replaces them by copies or silence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from megaasr import Samples

from .raw_draws import uniforms

KEEP, MUTE = -1, -2
"""Actions of a frame; any other action is the index of the frame that replaces it."""


def stutter_events(
    num_frames: int, stutter_prob: float, repeat_prob: float, max_repeats: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw one action per frame, shape (num_frames,).

    From the second frame on, a loss starts at each frame that is not yet lost with probability `stutter_prob`. It lasts
    1..max_repeats frames (uniform), which become copies of the frame before the loss with probability `repeat_prob`,
    otherwise silence (Mega-ASR).

    Args:
        num_frames: number of frames of the clip.
        stutter_prob, repeat_prob: in [0, 1].
        max_repeats: at least 1.
        rng: source of three numbers per frame, drawn whether used or not. The losses of a clip are therefore a prefix
            of those of a longer clip, and the draws of a frame do not depend on those of earlier frames.
    """
    return _losses(uniforms(rng, 3 * num_frames).reshape(num_frames, 3), stutter_prob, repeat_prob, max_repeats)


def apply_stutter(samples: Samples, frame_samples: int, actions: npt.NDArray[np.int64]) -> Samples:
    """Replace the lost frames by copies or silence; the length is kept and a partial last frame is not changed.

    A copy repeats the output before the loss: if that frame was lost too, its replacement, which may be silence.

    Args:
        samples: shape (num_samples,), at least ``len(actions) * frame_samples`` long.
        frame_samples: length of a frame in samples.
        actions: from `stutter_events`, shape (num_frames,); a source frame precedes its copy.
    """
    return _replaced(samples, frame_samples, actions)


@njit(cache=True, nogil=True)
def _losses(draws, stutter_prob, repeat_prob, max_repeats):  # type: ignore[no-untyped-def]
    num_frames = len(draws)
    actions = np.full(num_frames, KEEP, np.int64)
    frame = 1
    while frame < num_frames:
        begins, copies, length = draws[frame]
        lost = 0
        if begins < stutter_prob:
            lost = min(1 + int(length * max_repeats), num_frames - frame)
            actions[frame : frame + lost] = frame - 1 if copies < repeat_prob else MUTE
        frame += max(1, lost)
    return actions


@njit(cache=True, nogil=True)
def _replaced(samples, frame_samples, actions):  # type: ignore[no-untyped-def]
    """Process the frames in order, so that each source frame is final when it is copied."""
    result = samples.copy()
    for frame in range(len(actions)):
        start = frame * frame_samples
        if actions[frame] == MUTE:
            result[start : start + frame_samples] = 0.0
        elif actions[frame] >= 0:
            source = actions[frame] * frame_samples
            for i in range(frame_samples):
                result[start + i] = result[source + i]
    return result
