"""Fixtures of Whisper backends, clips and adapters."""

import json
from pathlib import Path

import numpy as np
import pytest

from megaasr import Audio, Utterance
from megaasr_core.base.audio_files import read_audio
from megaasr_plugins.backends.whisper import Whisper

EXAMPLES = Path(__file__).parents[3] / "examples" / "vitw"
ENCODER_Q = r".*encoder\.layers\.\d+\.self_attn\.(q_proj|v_proj)"


@pytest.fixture
def small(small_folder):
    backend = Whisper.create({"model": str(small_folder), "device": "cpu"})
    backend.load()
    return backend


@pytest.fixture(scope="session")
def tiny(tiny_folder):
    backend = Whisper.create({"model": str(tiny_folder), "device": "cpu"})
    backend.load()
    return backend


@pytest.fixture(scope="session")
def clips():
    rows = [json.loads(line) for line in (EXAMPLES / "manifest.jsonl").read_text().splitlines()]
    return [Utterance(read_audio(EXAMPLES / row["audio"]), id=row["audio"]) for row in rows]


@pytest.fixture(scope="session")
def noise_clips():
    rng = np.random.default_rng(3)
    sounds = {f"noise {n}": (0.1 * rng.standard_normal(8_000 * n)).astype(np.float32) for n in (1, 2, 3)}
    return [Utterance(Audio(samples, 16_000, name), id=name) for name, samples in sounds.items()]


@pytest.fixture
def make_adapter(small, tmp_path):
    """A function that writes a LoRA folder in PEFT's form, with random weights large enough to change transcripts."""

    def make(
        name="adapter", *, width=32, layers=2, rank=4, alpha=8, parts=("q_proj", "v_proj"), drop=(), extra=(), **config
    ):
        import torch
        from safetensors.torch import save_file

        generator = torch.Generator().manual_seed(len(name))
        tensors = {}
        for layer in range(layers):
            for part in parts:
                module = f"base_model.model.model.encoder.layers.{layer}.self_attn.{part}"
                tensors[f"{module}.lora_A.weight"] = torch.randn(rank, width, generator=generator)
                tensors[f"{module}.lora_B.weight"] = torch.randn(width, rank, generator=generator)
        for key in drop:
            del tensors[key]
        for key in extra:
            tensors[key] = torch.zeros(1)
        folder = tmp_path / name
        folder.mkdir()
        save_file(tensors, folder / "adapter_model.safetensors")
        settings = {"peft_type": "LORA", "r": rank, "lora_alpha": alpha, "target_modules": ENCODER_Q, **config}
        (folder / "adapter_config.json").write_text(json.dumps(settings))
        return folder

    return make
