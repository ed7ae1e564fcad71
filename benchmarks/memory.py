"""Peak memory of decoding with the base alone and with an adapter, each measured in a separate process."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

MIB = 1024


def memory_rows() -> list[dict[str, object]]:
    """Peak resident memory with the base alone and with an adapter mounted, and their ratio."""
    alone, both = (_peak_mib(with_adapter) for with_adapter in (False, True))
    return [{"base, MiB": round(alone), "base and adapter, MiB": round(both), "ratio": round(both / alone, 3)}]


def _peak_mib(with_adapter: bool) -> float:
    code = f"from benchmarks.memory import decode; decode({with_adapter})"
    root = Path(__file__).parents[1]
    return float(
        subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout
    )


def decode(with_adapter: bool) -> None:
    """Decode two clips (the first with the adapter, if there is one) and print the peak memory in MiB."""
    from megaasr import Utterance, installed_plugins, read_audio

    backend = installed_plugins().backends["whisper"].create({"device": "cpu"})
    if with_adapter:
        with tempfile.TemporaryDirectory() as folder:
            write_adapter(Path(folder))
            backend.mount("robust", Path(folder))
    clips = [Utterance(read_audio(path)) for path in sorted(Path("examples/vitw").glob("*.flac"))[:2]]
    for routes in ([None, None], ["robust" if with_adapter else None, None]):
        backend.transcribe(clips, backend.make_options(), routes)
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB}\n")


def write_adapter(folder: Path, rank: int = 8, width: int = 384, layers: int = 4) -> None:
    """Write a LoRA of the paper's rank on every attention projection of tiny.en's encoder; all its weights are zero."""
    import torch
    from safetensors.torch import save_file

    parts = ("q_proj", "k_proj", "v_proj", "out_proj")
    modules = [f"model.encoder.layers.{layer}.self_attn.{part}" for layer in range(layers) for part in parts]
    tensors = {f"{module}.lora_A.weight": torch.zeros(rank, width) for module in modules}
    tensors |= {f"{module}.lora_B.weight": torch.zeros(width, rank) for module in modules}
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"r": rank, "lora_alpha": 2 * rank, "target_modules": modules}
    (folder / "adapter_config.json").write_text(json.dumps(config))
