"""The 54 scenarios give the bits that tests/data/scenario_digests.json records: ten samples each, by sha256.

Where soxr takes part, bits are the same on machines of one kind only; elsewhere they are within TOLERANCE of the values
in tests/data/scenario_values.json.
`python -m tests.degradations.test_same_bits` writes both files anew; do so only where a revision was raised on purpose.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from megaasr import Audio, SampleKey, SoundBank, installed_plugins, plan, read_audio, render

ROOT = Path(__file__).parents[2]
STORED = ROOT / "tests" / "data" / "scenario_digests.json"
VALUES = ROOT / "tests" / "data" / "scenario_values.json"
UTTERANCE = "LJ001-0001"
SEEDS = range(10)
PLUGINS = installed_plugins()
TOLERANCE = 1e-5
"""As megaasr_plugins.corpus.rendering.probes states it."""
PLACES = slice(101, None, 3_001)
"""Samples whose values are stored: 16 of three seconds."""


@cache
def speech() -> Audio:
    """Three seconds at 16 kHz."""
    return read_audio(ROOT / "examples" / "clean" / f"{UTTERANCE}.flac").cut(0, 48_000)


@cache
def banks() -> dict[str, SoundBank]:
    return {"noise": SoundBank.open(ROOT / "examples" / "noise")}


def rendered(name: str, seed: int) -> bytes:
    audio = speech()
    size = {"num_samples": len(audio.samples), "sample_rate": audio.sample_rate}
    recipe = plan(PLUGINS.scenarios[name], SampleKey(seed, UTTERANCE), PLUGINS, banks=banks(), **size)
    return render(audio, recipe, PLUGINS, banks()).audio.samples.tobytes()


def digest(name: str) -> str:
    return sha256(b"".join(rendered(name, seed) for seed in SEEDS)).hexdigest()


def resampler() -> str:
    """Digest of what soxr makes of the speech, as `add_resample` calls it: SIMD instructions round otherwise."""
    narrow = soxr.resample(speech().samples, 16_000, 8_000, quality="HQ")
    return sha256(soxr.resample(narrow, 8_000, 16_000, quality="HQ").tobytes()).hexdigest()


def values(name: str) -> list[list[float]]:
    """Some samples of each seed."""
    return [[round(float(one), 8) for one in np.frombuffer(rendered(name, seed), np.float32)[PLACES]] for seed in SEEDS]


def resamples(name: str) -> bool:
    """Nothing else is resampled: the speech and the noise have 16 kHz."""
    return "add_resample" in {
        step.primitive for effect in name.split("+") for step in PLUGINS.degradations[effect].chain
    }


@cache
def stored(path: Path = STORED) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def deviation(name: str) -> float:
    """Largest difference from the stored values."""
    return float(np.max(np.abs(np.subtract(values(name), stored(VALUES)[name]))))


def test_every_scenario_of_megaasr_is_recorded():
    assert set(stored()) == {*PLUGINS.scenarios.in_tree, "resampler"}
    assert len(stored()) == 55
    assert set(stored(VALUES)) == {name for name in PLUGINS.scenarios.in_tree if resamples(name)}


@pytest.mark.parametrize("name", PLUGINS.scenarios.in_tree)
def test_a_scenario_keeps_its_bits(name):
    if resamples(name) and resampler() != stored()["resampler"]:
        assert deviation(name) <= TOLERANCE  # soxr gives other bits here than where the digests were recorded
    else:
        assert digest(name) == stored()[name]


def test_the_stored_values_are_those_of_the_digests():
    assert deviation("recording") <= (0.0 if resampler() == stored()["resampler"] else TOLERANCE)


@pytest.mark.slow
def test_without_simd_soxr_stays_within_the_tolerance_and_the_kernels_keep_their_bits():
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    without = {"SOXR_USE_SIMD": "0", "SOXR_USE_SIMD32": "0", "SOXR_USE_SIMD64": "0"}
    script = (
        "import json; from tests.degradations import test_same_bits as own\n"
        "print(json.dumps({'resampler': own.resampler(), 'far': own.deviation('recording+distortion'),"
        " 'bits': {name: own.digest(name) for name in ('noise', 'dropout', 'echo_reverb+distortion')}}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **without, **({"NPY_DISABLE_CPU_FEATURES": " ".join(found)} if found else {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    told = json.loads(result.stdout)
    if platform.machine() in ("x86_64", "AMD64"):
        assert told["resampler"] != resampler()  # the variables reached soxr
    assert told["bits"] == {name: stored()[name] for name in told["bits"]}
    assert told["far"] <= TOLERANCE


if __name__ == "__main__":
    digests = {"resampler": resampler(), **{name: digest(name) for name in PLUGINS.scenarios.in_tree}}
    STORED.write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
    lines = [f'"{name}": {json.dumps(values(name))}' for name in PLUGINS.scenarios.in_tree if resamples(name)]
    VALUES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
