"""`megaasr.transcribe` and `megaasr.degrade`: the library in three lines."""

import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import megaasr
from megaasr import Audio, AudioError, ParameterError, SoundBank, Transcriber, Transcript, Utterance, quick

EXAMPLES = Path(__file__).parents[1] / "examples"
CLEAN = EXAMPLES / "clean" / "LJ001-0001.flac"


@pytest.fixture
def opened(monkeypatch):
    """Stands for the transcribers that are opened, so that no model is; the arguments of each."""
    calls = []
    monkeypatch.setattr(quick, "_opened", {})

    def transcribe(utterance):
        return Transcript(f"{len(calls)}:{utterance.name}", utterance.language or "none")

    def opens(**settings):
        calls.append(settings)
        return SimpleNamespace(transcribe=transcribe)

    monkeypatch.setattr(Transcriber, "open", opens)
    return calls


def test_the_example_of_the_readme():
    text = megaasr.transcribe(EXAMPLES / "vitw" / "mixed.flac").text
    assert text == "My sister is bringing dinner over later, so we do not need to cook tonight."


def test_equal_arguments_share_a_transcriber_in_all_threads(opened):
    audio = Audio(np.zeros(160, np.float32), 16_000, "a")
    texts = []
    threads = [threading.Thread(target=lambda: texts.append(megaasr.transcribe(audio).text)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert texts == ["1:a"] * 8
    assert opened == [{"backend": None, "router": None, "adapter": None}]
    megaasr.transcribe(audio, adapter="robust")
    megaasr.transcribe(audio, adapter=Path("robust"))
    megaasr.transcribe(audio, backend="other", router="always_base")
    assert opened[1:] == [
        {"backend": None, "router": None, "adapter": "robust"},
        {"backend": "other", "router": "always_base", "adapter": None},
    ]


def test_the_language_and_the_backend_of_the_environment_reach_it(opened, monkeypatch):
    audio = Audio(np.zeros(160, np.float32), 16_000, "a")
    assert megaasr.transcribe(audio).language == "none"
    assert megaasr.transcribe(audio, language="Chinese").language == "zh"
    assert megaasr.transcribe(Utterance(audio, "fr")).language == "fr"
    assert len(opened) == 1
    monkeypatch.setenv("MEGAASR_BACKEND", "other")
    megaasr.transcribe(audio)
    assert opened[-1]["backend"] == "other"


def test_degrading_gives_the_bits_of_the_command(tmp_path):
    target, noise = tmp_path / "noisy.wav", EXAMPLES / "noise"
    arguments = ["degrade", str(CLEAN), str(target), "--scenario", "far_field+noise", "--severity", "0.7"]
    command = [sys.executable, "-m", "megaasr_core.cli", *arguments, "--seed", "1", "--noise", str(noise)]
    subprocess.run(command, check=True)
    expected = megaasr.read_audio(target)
    settings = {"severity": 0.7, "seed": 1}
    for recording in (CLEAN, str(CLEAN), megaasr.read_audio(CLEAN)):
        noisy = megaasr.degrade(recording, "far_field+noise", noise=noise, **settings)
        assert np.array_equal(noisy.samples, expected.samples)
    bank = SoundBank.open(noise)
    again = megaasr.degrade(CLEAN, "far_field+noise", banks={"noise": bank}, **settings)
    assert np.array_equal(again.samples, expected.samples)
    other = megaasr.degrade(CLEAN, "far_field+noise", noise=bank, utterance="another", **settings)
    assert not np.array_equal(other.samples, expected.samples)


def test_plain_samples_have_16_khz_unless_told(tmp_path):
    samples = 0.1 * np.random.default_rng(0).standard_normal(16_000)
    (tmp_path / "quiet.yaml").write_text("name: quiet\neffects: [far_field]\n")
    plain = megaasr.degrade(samples, "far_field", severity=0.5)
    assert (plain.sample_rate, plain.samples.dtype, plain.samples.shape) == (16_000, np.float32, (16_000,))
    assert np.array_equal(megaasr.degrade(samples, tmp_path / "quiet.yaml", severity=0.5).samples, plain.samples)
    assert megaasr.degrade(samples, "far_field", severity=0.5, sample_rate=8_000).sample_rate == 8_000


def test_what_cannot_be_degraded_is_one_line():
    with pytest.raises(AudioError, match="floating point, full scale at ±1, is expected, not int16"):
        megaasr.degrade(np.zeros(160, np.int16), "far_field")
    with pytest.raises(AudioError, match=r"mono samples of shape \(num_samples,\) are expected"):
        megaasr.degrade(np.zeros((2, 160)), "far_field")
    with pytest.raises(ParameterError, match="sample_rate = 8000: is that of samples"):
        megaasr.degrade(CLEAN, "far_field", sample_rate=8_000)
