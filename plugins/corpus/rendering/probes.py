"""Probes of a plan: a few samples as they were when it was planned, to compare with what is rendered elsewhere."""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import Any

import numpy as np

from megaasr import Audio, Plugins, RecipeError, Samples, SoundBank, differences, environment

from ..planning.plan_folder import PlanFolder, Probe
from ..planning.plan_index import row_of
from .plan_renderer import PlanRenderer

MOST_PROBES = 4
MOST_PROBE_S = 30.0
VALUES = 64
"""Samples of a probe that are kept, evenly spaced."""
TOLERANCE = 1e-5
"""Largest difference of a sample between two environments, re full scale, or re the peak where that is larger.

A third of a step of 16 bits. Without SIMD, soxr differs by 2.6e-7, and by 1.3e-6 behind a distortion of 60 dB; numpy's
paths for other processors differ by less. Another resampler, or another noise, differs by 1e-3 and more.
"""
LOSSY = frozenset({"codec"})
LOSSY_TOLERANCE_DB = 1.0
"""Of the level: a coder quantises, so a difference of 1e-7 before it may be one of its steps behind it."""


def taken(folder: PlanFolder, plugins: Plugins, banks: dict[str, SoundBank]) -> list[Probe]:
    """Probes of the first shard that together contain as many of its primitives as `MOST_PROBES` can.

    The severest samples come first, since a step such as add_resample does nothing below some severity. A sample that
    cannot be rendered is no probe: `corpus render` reports it.
    """
    renderer = PlanRenderer.of(folder, plugins, banks)
    probes: list[Probe] = []
    covered: set[str] = set()
    rows = sorted(enumerate(folder.rows(0)), key=lambda numbered: -float(numbered[1]["recipe"]["severity"]))
    for number, row in rows:
        primitives = _primitives(row)
        if len(probes) < MOST_PROBES and not primitives <= covered and _seconds(row) <= MOST_PROBE_S:
            audio = _rendered(renderer, row)
            if audio is not None:
                probes.append(_probe(number, audio.samples))
                covered |= primitives
    return probes


def checked(renderer: PlanRenderer, *, also_here: bool = False) -> str | None:
    """Compare the plan's environment with this one, and its probes where they differ.

    Args:
        renderer: of the plan.
        also_here: compare the probes, bit for bit, where the environment is the same.

    Returns:
        A line that names what differs and by how much; None where nothing does, or the plan records no environment.

    Raises:
        RecipeError: a probe differs by more than `TOLERANCE`.
    """
    settings = renderer.folder.settings
    if not settings.environment:
        return None
    differing = differences(environment(), settings.environment)
    if not differing and not also_here:
        return None
    where = f"here {'; '.join(differing)}" if differing else "the environment is the same"
    worst, equal = 0.0, True
    for probe in settings.probes:
        row = row_of(renderer.folder, probe.number)
        audio = _rendered(renderer, row)
        if audio is not None:
            equal = equal and _digest(audio.samples) == probe.digest
            worst = max(worst, _difference(probe, audio.samples, row))
    if equal:
        return f"planned in another environment ({where}); the probes have equal bits" if differing else None
    if worst > TOLERANCE:
        raise RecipeError(
            f"{renderer.folder.path}: rendered samples are not those of the plan: they differ by {worst:.2g} of full "
            f"scale, and {TOLERANCE:g} is allowed; {where}; restore the versions and recordings, or plan anew"
        )
    if differing:
        return f"planned in another environment ({where}); samples differ by up to {worst:.1g} of full scale"
    return f"samples differ by up to {worst:.1g} of full scale from those of the plan, although {where}"


def _rendered(renderer: PlanRenderer, row: dict[str, Any]) -> Audio | None:
    """The sample; None where it cannot be rendered, which is reported where the whole plan is."""
    try:
        return renderer.render(row)[1].audio
    except Exception:  # a plugin's own code runs here
        return None


def _probe(number: int, samples: Samples) -> Probe:
    return Probe(number=number, digest=_digest(samples), rms=_rms(samples), values=_values(samples))


def _difference(probe: Probe, samples: Samples, row: dict[str, Any]) -> float:
    """Largest difference of the kept samples and of the level, so that `TOLERANCE` is the limit."""
    rms = _rms(samples)
    if _primitives(row) & LOSSY:
        level_db = 20.0 * abs(math.log10(max(rms, 1e-9) / max(probe.rms, 1e-9)))
        return 0.0 if level_db <= LOSSY_TOLERANCE_DB else abs(rms - probe.rms) + 2 * TOLERANCE
    values = _values(samples)
    if len(values) != len(probe.values):
        return math.inf
    scale = max(1.0, *map(abs, probe.values)) if probe.values else 1.0
    largest = max((abs(now - then) for now, then in zip(values, probe.values, strict=True)), default=0.0)
    return max(largest, abs(rms - probe.rms)) / scale


def _primitives(row: dict[str, Any]) -> set[str]:
    return {step["primitive"] for step in row["recipe"]["steps"]}


def _seconds(row: dict[str, Any]) -> float:
    return float(row["recipe"]["num_samples"] / row["recipe"]["sample_rate"])


def _values(samples: Samples) -> list[float]:
    places = np.linspace(0, max(len(samples) - 1, 0), min(VALUES, len(samples))).astype(int)
    return [float(samples[place]) for place in places]


def _rms(samples: Samples) -> float:
    return math.sqrt(float(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def _digest(samples: Samples) -> str:
    return blake2b(samples.astype("<f4").tobytes(), digest_size=16).hexdigest()
