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
    frames (uniform), which become copies of the frame before the loss with `repeat_prob`, else silence (Mega-ASR).

    Args:
        stutter_prob, repeat_prob: in [0, 1].
        max_repeats: at least 1.
        rng: three numbers a frame are taken from it, frame by frame, used or not. So the losses of a clip are the
            beginning of those of a longer clip, and one frame's fate never shifts the draws of the next.
    """
    begins, copies, lengths = rng.random((num_frames, 3)).T
    actions = np.full(num_frames, KEEP, np.int64)
    next_free = 1
    for frame in np.flatnonzero(begins < stutter_prob).tolist():
        if frame < next_free:
            continue
        next_free = frame + 1 + int(lengths[frame] * max_repeats)
        actions[frame:next_free] = frame - 1 if copies[frame] < repeat_prob else MUTE
    return actions


def apply_stutter(samples: Samples, frame_samples: int, actions: npt.NDArray[np.int64]) -> Samples:
    """Put copies or silence in place of the lost frames; the length stays and a partial last frame is left alone.

    A copy repeats what was heard before the loss: if that was itself lost, its replacement, which may be silence.

    Args:
        samples: shape (num_samples,), at least ``len(actions) * frame_samples`` long.
        frame_samples: length of a frame in samples.
        actions: as `stutter_events` draws them, shape (num_frames,); a copied frame lies before its copy.
    """
    result = samples.copy()
    frames = result[: len(actions) * frame_samples].reshape(len(actions), frame_samples)
    # Silence first, then copies from left to right: each source is final when it is copied.
    frames[actions == MUTE] = 0.0
    for frame in np.flatnonzero(actions >= 0).tolist():
        frames[frame] = frames[actions[frame]]
    return result
