"""Helpers of the router tests: generated routers, weights files and clips."""

import json

import numpy as np
import torch
from safetensors.torch import save_file

from megaasr import Audio
from megaasr_core.testing import speech_like
from megaasr_routers.audio_quality.files import TrainedRouter
from megaasr_routers.audio_quality.network import Network, NetworkSettings, sinusoids

SMALL = NetworkSettings(hidden=32, heads=2, ffn=48)


def lively_router(settings=SMALL, seed=0, **fields):
    """A router with random weights and batch statistics, so that each clip gets a different probability."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(settings)
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2.0)
            elif name.endswith(("running_mean", "bias")):
                tensor.normal_(0.0, 0.2)
            elif "classifier" in name or name == "pooling.query.weight":
                tensor.normal_(0.0, 1.0)
    return TrainedRouter(network.eval().requires_grad_(False), **fields)


def reference_tensors(hidden=32, ffn=64, positions=850, seed=0):
    """The 35 tensors of the published file, with its names and proportions."""
    generator = torch.Generator().manual_seed(seed)
    half = hidden // 2

    def draw(*shape, scale=0.3):
        return scale * torch.randn(*shape, generator=generator)

    tensors = {"pos_encoder.pe": sinusoids(positions, hidden).contiguous()}
    for place, (wide, narrow) in {0: (half, 80), 4: (hidden, half)}.items():
        tensors[f"frontend.conv.{place}.weight"] = draw(wide, narrow, 3)
        tensors[f"frontend.conv.{place}.bias"] = draw(wide)
        norm = f"frontend.conv.{place + 1}"
        tensors[f"{norm}.weight"] = 1 + draw(wide)
        tensors[f"{norm}.bias"] = draw(wide)
        tensors[f"{norm}.running_mean"] = draw(wide)
        tensors[f"{norm}.running_var"] = 1 + draw(wide).abs()
        tensors[f"{norm}.num_batches_tracked"] = torch.tensor(7)
    layer = "transformer.layers.0"
    for name, shape in {
        f"{layer}.self_attn.in_proj_weight": (3 * hidden, hidden),
        f"{layer}.self_attn.in_proj_bias": (3 * hidden,),
        f"{layer}.self_attn.out_proj.weight": (hidden, hidden),
        f"{layer}.self_attn.out_proj.bias": (hidden,),
        f"{layer}.linear1.weight": (ffn, hidden),
        f"{layer}.linear1.bias": (ffn,),
        f"{layer}.linear2.weight": (hidden, ffn),
        f"{layer}.linear2.bias": (hidden,),
        f"{layer}.norm1.weight": (hidden,),
        f"{layer}.norm1.bias": (hidden,),
        f"{layer}.norm2.weight": (hidden,),
        f"{layer}.norm2.bias": (hidden,),
        "transformer.norm.weight": (hidden,),
        "transformer.norm.bias": (hidden,),
        "pooling.query.weight": (1, hidden),
        "pooling.query.bias": (1,),
        "classifier.0.weight": (half, hidden),
        "classifier.0.bias": (half,),
        "classifier.3.weight": (2, half),
        "classifier.3.bias": (2,),
    }.items():
        tensors[name] = draw(*shape)
    return tensors


REFERENCE_MODEL = {
    "type": "transformer_mini",
    "n_mels": 80,
    "d_model": 32,
    "nhead": 4,
    "num_layers": 4,  # the published file states 4 and has one layer
    "dim_feedforward": 64,
    "dropout": 0.1,
    "max_len": 3000,
    "num_classes": 2,
    "pooling": "attention",
}


def write_reference(path, tensors=None, **model):
    """Write a weights file in the published form and return its path."""
    config = {"model": {**REFERENCE_MODEL, **model}, "training": {"epochs": 3}}
    save_file(tensors or reference_tensors(), path, metadata={"config": json.dumps(config)})
    return path


def noise_clip(num_samples, seed=0, rate=16_000, rms=0.05):
    samples = rms * np.random.default_rng(seed).standard_normal(num_samples)
    return Audio(samples.astype(np.float32), rate, f"noise {seed}")


def speech_clip(number, snr_db=None, duration_s=1.0):
    """Synthetic speech of the voice `number`; with an SNR, white noise is added."""
    clean = speech_like(duration_s=duration_s, key=f"voice {number}")
    if snr_db is None:
        return Audio(clean.copy(), 16_000)
    noise = noise_clip(len(clean), number, rms=0.05 * 10 ** (-snr_db / 20))
    return Audio(clean + noise.samples, 16_000)
