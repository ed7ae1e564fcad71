"""Seconds of audio processed a second on one core: megaasr and pedalboard + pyloudnorm, in turn in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from megaasr import Audio, SampleKey, find_scenario, installed_plugins, plan, read_audio, render

from .oracles import oracle
from .parity import SPEECH

EFFECTS = ("far_field", "obstructed", "echo_reverb", "distortion")
"""Effects without a noise bank, so that only signal processing is timed."""
ROUNDS = 21


def speed_rows() -> list[dict[str, object]]:
    """The speed of each effect and its reference, and their ratio: medians over the rounds."""
    speech = read_audio(SPEECH)
    return [_row(effect, speech) for effect in EFFECTS]


def _row(effect: str, speech: Audio) -> dict[str, object]:
    plugins = installed_plugins()
    size = len(speech.samples)
    recipe = plan(
        find_scenario(effect, plugins),
        SampleKey(0, "speed"),
        plugins,
        num_samples=size,
        sample_rate=speech.sample_rate,
        severity=0.5,
    )
    no_noise = np.zeros(0, np.float32)
    ours = _timed(lambda: render(speech, recipe, plugins))
    theirs = _timed(lambda: oracle(speech.samples, recipe, no_noise))
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    ours_s, theirs_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratios = sorted(b / a for a, b in pairs)
    return {
        "effect": effect,
        "ours, x real time": round(speech.duration_s / ours_s),
        "pedalboard + pyloudnorm, x real time": round(speech.duration_s / theirs_s),
        "ratio, median [min, max]": f"{statistics.median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]",
    }


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    work()  # compile and warm up

    def once() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return once
