"""The 54 scenarios give the bits that tests/data/scenario_digests.json records: ten samples each, by sha256.

`python -m tests.degradations.test_same_bits` writes the file anew; do so only where a revision was raised on purpose.
"""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

from megaasr import Audio, SampleKey, SoundBank, installed_plugins, plan, read_audio, render

ROOT = Path(__file__).parents[2]
STORED = ROOT / "tests" / "data" / "scenario_digests.json"
UTTERANCE = "LJ001-0001"
SEEDS = range(10)
PLUGINS = installed_plugins()


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
    """Digest of what soxr, which uses the SIMD instructions of the machine, makes of the speech."""
    return sha256(speech().resampled(8_000).resampled(16_000).samples.tobytes()).hexdigest()


def stored() -> dict[str, str]:
    found: dict[str, str] = json.loads(STORED.read_text(encoding="utf-8"))
    return found


def test_every_scenario_of_megaasr_is_recorded():
    assert set(stored()) == {*PLUGINS.scenarios.in_tree, "resampler"}
    assert len(stored()) == 55


@pytest.mark.parametrize("name", PLUGINS.scenarios.in_tree)
def test_a_scenario_keeps_its_bits(name):
    # Nothing else is resampled: the speech and the noise have 16 kHz.
    primitives = {step.primitive for effect in name.split("+") for step in PLUGINS.degradations[effect].chain}
    if "add_resample" in primitives and resampler() != stored()["resampler"]:
        pytest.skip("soxr gives other bits on this machine than on the one that recorded the digests")
    assert digest(name) == stored()[name]


if __name__ == "__main__":
    digests = {"resampler": resampler(), **{name: digest(name) for name in PLUGINS.scenarios.in_tree}}
    STORED.write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
