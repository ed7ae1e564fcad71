"""Reference implementations of six effects with pedalboard, pyloudnorm and scipy, from the same recipe and noise."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

import numpy as np

from megaasr import Recipe, RecipeStep, Samples

# The reference libraries are imported inside functions: tests that do not need them run without the extra `[oracle]`.
EFFECTS = ("noise", "far_field", "obstructed", "echo_reverb", "distortion")
"""Effects that are compared sample by sample; the sixth, recording, differs by the filter of the resampler."""


def oracle(samples: Samples, recipe: Recipe, noise: Samples) -> Samples:
    """Apply the steps of a recipe with the reference libraries; `noise` is the unscaled noise of add_noise."""
    for step in recipe.steps:
        samples = STEPS[step.primitive](samples, recipe.sample_rate, step, noise)
    return samples


def _add_noise(samples: Samples, _: int, step: RecipeStep, noise: Samples) -> Samples:
    gain = np.sqrt(np.mean(samples.astype(float) ** 2) / np.mean(noise.astype(float) ** 2))
    return (samples + step.parameters["wet"] * gain * 10 ** (-step.parameters["snr_db"] / 20) * noise).astype(
        np.float32
    )


def _add_reverb(samples: Samples, rate: int, step: RecipeStep, _: Samples) -> Samples:
    import pedalboard

    return np.asarray(pedalboard.Reverb(**step.parameters)(samples, rate))


def _apply_filter(samples: Samples, rate: int, step: RecipeStep, _: Samples) -> Samples:
    import pedalboard

    numbers = step.parameters
    plugin = pedalboard.LowpassFilter if numbers["type"] == "lowpass" else pedalboard.HighpassFilter
    filtered = pedalboard.Pedalboard([plugin(numbers["cutoff_hz"]) for _ in range(numbers["repeat"])])(samples, rate)
    return ((1 - numbers["wet"]) * samples + numbers["wet"] * np.asarray(filtered)).astype(np.float32)


def _add_echo(samples: Samples, rate: int, step: RecipeStep, _: Samples) -> Samples:
    import pedalboard

    numbers = step.parameters
    return np.asarray(pedalboard.Delay(numbers["delay_s"], numbers["feedback"], numbers["mix"])(samples, rate))


def _add_distortion(samples: Samples, rate: int, step: RecipeStep, _: Samples) -> Samples:
    import pedalboard

    board = pedalboard.Pedalboard([pedalboard.Distortion(step.parameters["drive_db"]), pedalboard.Clipping(0.0)])
    return np.asarray(board(samples, rate))


def _change_volume(samples: Samples, rate: int, step: RecipeStep, _: Samples) -> Samples:
    import pyloudnorm

    loudness = pyloudnorm.Meter(rate).integrated_loudness(samples.astype(float))
    return (samples * 10 ** ((step.parameters["target_lufs"] - loudness) / 20)).astype(np.float32)


def _add_resample(samples: Samples, rate: int, step: RecipeStep, _: Samples) -> Samples:
    """Resample with scipy's polyphase filter, since pedalboard's Resample aliases above the new Nyquist frequency."""
    from scipy.signal import resample_poly

    if step.parameters["prob"] <= step.parameters["threshold"]:
        return samples
    low = step.parameters["target_rate_hz"]
    up, down = low // gcd(low, rate), rate // gcd(low, rate)
    return np.asarray(resample_poly(resample_poly(samples, up, down), down, up)[: len(samples)], np.float32)


STEPS: dict[str, Callable[[Samples, int, RecipeStep, Samples], Samples]] = {
    "add_noise": _add_noise,
    "add_reverb": _add_reverb,
    "add_resample": _add_resample,
    "apply_filter": _apply_filter,
    "add_echo": _add_echo,
    "add_distortion": _add_distortion,
    "change_volume": _change_volume,
}
