"""Kind `adapter`: damaged LoRA folders, read and mounted on a small random network."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import torch
from safetensors.torch import save

from megaasr import Lora, mount_lora, read_lora, unmount_lora

from .cases import Case, Kind
from .mutators import mutated
from .oracle import Judge
from .values import as_json, mutated_value

CONFIG, WEIGHTS, BLOCKS = "adapter_config.json", "adapter_model.safetensors", "mega_lora_blocks.json"
WIDTH, RANK = 8, 4
MODULES = ("layers.0.q_proj", "layers.0.v_proj", "layers.1.q_proj", "layers.1.v_proj")
SETTINGS: dict[str, Any] = {
    **{"peft_type": "LORA", "task_type": None, "base_model_name_or_path": "whisper", "r": RANK, "lora_alpha": 8},
    **{
        "target_modules": ["q_proj", "v_proj"],
        "lora_dropout": 0.0,
        "bias": "none",
        "use_rslora": False,
        "use_dora": False,
    },
    **{
        "rank_pattern": {},
        "alpha_pattern": {},
        "modules_to_save": None,
        "fan_in_fan_out": False,
        "inference_mode": True,
    },
    **{"init_lora_weights": True, "layers_to_transform": None, "layers_pattern": None, "exclude_modules": None},
    **{"layer_replication": None, "loftq_config": {}, "alora_invocation_tokens": None, "lora_bias": False},
}
EXPRESSIONS = (
    "(a+)+$",
    "(.|.|.|.|.|.)*!",
    "(.*)*x",
    ".*",
    "(" * 50,
    "[",
    "^(?:(?:a?)+)+$",
    "(q|q_|q_p)*proj!",
    "\\",
    "",
)
"""For fields that PEFT takes as regular expressions; some take exponential time."""


class Layer(torch.nn.Module):
    """Two projections."""

    def __init__(self) -> None:
        super().__init__()
        self.q_proj = torch.nn.Linear(WIDTH, WIDTH)
        self.v_proj = torch.nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Their sum."""
        return self.q_proj(x) + self.v_proj(x)


class Network(torch.nn.Module):
    """Two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList([Layer(), Layer()])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One layer behind the other."""
        for layer in self.layers:
            x = layer(x)
        return x


class Adapters(Kind):
    """Configuration, blocks or weights are damaged, or a file is missing."""

    name: ClassVar[str] = "adapter"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self._network = Network()
            self._tensors = {
                f"base_model.model.{module}.lora_{half}.weight": torch.randn(
                    (RANK, WIDTH) if half == "A" else (WIDTH, RANK)
                )
                for module in MODULES
                for half in "AB"
            }
        self._before = _described(self._network)
        self._input = torch.ones(1, WIDTH)
        self._output = self._network(self._input).detach()
        for name, data in ((CONFIG, json.dumps(SETTINGS).encode()), (WEIGHTS, save(self._tensors))):
            (home / name).write_bytes(data)
        self._mounted(read_lora(home))  # imports PEFT, which sets variables of the environment

    def make(self, rng: Random, folder: Path) -> Case:
        """An adapter, one of its files damaged."""
        what = rng.choice(("config", "config", "config", "blocks", "tensors", "bytes", "missing"))
        files = {CONFIG: json.dumps(SETTINGS).encode(), WEIGHTS: save(self._tensors)}
        if what == "blocks" or rng.random() < 0.2:
            files[BLOCKS] = json.dumps(_blocks()).encode()
        note = what
        if what == "config":
            settings, note = _changed_settings(rng)
            files[CONFIG] = as_json(settings, rng).encode("utf-8", "surrogatepass")
        elif what == "blocks":
            blocks, note = mutated_value(_blocks(), rng)
            files[BLOCKS] = as_json(blocks, rng).encode("utf-8", "surrogatepass")
        elif what == "tensors":
            tensors, note = _changed_tensors(self._tensors, rng)
            files[WEIGHTS] = save(tensors)
        elif what == "bytes":
            name = rng.choice(sorted(files))
            files[name], more = mutated(files[name], rng)
            note = f"{name}: {more}"
        else:
            name = rng.choice(sorted(files))
            del files[name]
            note = f"{name} is missing"
        for name, data in files.items():
            (folder / name).write_bytes(data)
        return Case(note, lambda judge: self._judge(judge, folder), "megaasr transcribe clip.wav --adapter .")

    def _judge(self, judge: Judge, folder: Path) -> None:
        lora = judge.call("read_lora", lambda: read_lora(folder), _check_lora)
        if lora is None:
            return
        judge.call("mount_lora", lambda: self._mounted(lora), lambda found: found)
        judge.call("refused mount", self._unchanged, lambda found: found)

    def _mounted(self, lora: Lora) -> str | None:
        """Mount, compute and unmount; what is wrong with the result."""
        mount_lora(self._network, lora, "robust")
        try:
            output = self._network(self._input)
            return None if bool(torch.isfinite(output).all()) else "the network returns what is not finite"
        finally:
            unmount_lora(self._network, "robust")

    def _unchanged(self) -> str | None:
        """Whether the network is as it was; a new one stands in for a network that is not."""
        after = _described(self._network)
        if after == self._before and torch.equal(self._network(self._input), self._output):
            return None
        left = sorted(after ^ self._before)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self._network = Network()
        return f"{len(left)} modules differ behind it: {left[:2]}"


def _described(network: torch.nn.Module) -> set[str]:
    return {f"{name}: {type(module).__name__}" for name, module in network.named_modules()}


def _blocks() -> dict[str, Any]:
    half = RANK // 2
    two = [
        {"start": 0, "end": half, "rank": half, "alpha": 4.0},
        {"start": half, "end": RANK, "rank": half, "alpha": 2.0},
    ]
    return {module: copy.deepcopy(two) for module in MODULES}


def _changed_settings(rng: Random) -> tuple[dict[str, Any] | Any, str]:
    settings = dict(SETTINGS)
    if rng.random() < 0.3:
        name = rng.choice(("target_modules", "exclude_modules", "layers_pattern", "rank_pattern", "alpha_pattern"))
        expression = rng.choice(EXPRESSIONS)
        settings[name] = (
            {expression: rng.choice((1, 4, 0, -1, 1e38))}
            if name.endswith("_pattern") and name[0] != "l"
            else expression
        )
        return settings, f"{name} {settings[name]!r}"
    if rng.random() < 0.2:
        name, value = rng.choice((*CHANGING, *OTHERS))
        settings[name] = value
        return settings, f"{name} {value!r}"
    return mutated_value(settings, rng)


CHANGING = (
    *(("init_lora_weights", value) for value in ("pissa", "pissa_niter_4", "olora", "loftq", "corda")),
    *(("layer_replication", [[0, 1], [0, 2]]), ("alora_invocation_tokens", [1, 2]), ("lora_bias", True)),
    *(("use_dora", True), ("bias", "all"), ("peft_type", "LOHA")),
    *(("modules_to_save", ["x"]), ("use_qalora", True), ("trainable_token_indices", [1]), ("target_parameters", ["x"])),
)
"""Features of PEFT that change what an adapter computes, so that one that is not understood must be refused."""
OTHERS = (
    *(("init_lora_weights", False), ("init_lora_weights", "gaussian"), ("r", 2 * RANK), ("r", 1), ("lora_alpha", 0)),
    *(("lora_alpha", -8), ("lora_alpha", 1e38), ("megatron_config", {}), ("future_field", 1)),
    ("loftq_config", {"loftq_bits": 4}),  # read only where init_lora_weights says loftq
)


def _changed_tensors(tensors: dict[str, torch.Tensor], rng: Random) -> tuple[dict[str, torch.Tensor], str]:
    changed = {name: tensor.clone() for name, tensor in tensors.items()}
    name = rng.choice(sorted(changed))
    tensor = changed[name]
    what = rng.choice(
        ("nan", "inf", "huge", "integers", "float64", "empty", "rank", "scalar", "missing", "added", "renamed")
    )
    place = rng.randrange(tensor.numel())
    if what in ("nan", "inf"):
        tensor.view(-1)[place] = float(what)
    elif what == "huge":
        tensor.view(-1)[place] = 3e38
    elif what == "missing":
        del changed[name]
    elif what == "added":
        changed[
            rng.choice(("x", "layers.9.q_proj.lora_A.weight", "layers.0.q_proj.lora_C.weight", "layers.0.q_proj.bias"))
        ] = tensor.clone()
    elif what == "renamed":
        changed[name.replace("layers", rng.choice(("layer", "thinker.layers", "")))] = changed.pop(name)
    else:
        changed[name] = {
            "integers": tensor.to(torch.int64),
            "float64": tensor.double(),
            "empty": tensor[:0].clone(),
            "rank": torch.ones(RANK + 1, WIDTH),
            "scalar": torch.tensor(1.0),
        }[what]
    return changed, f"{name}: {what}"


def _check_lora(lora: Lora) -> str | None:
    for name, tensor in lora.tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            return f"{name} is not finite"
    for module, (rank, scale) in lora.modules.items():
        if not abs(scale) < 1e6:
            return f"{module} has scale {scale}"
        if not lora.config.rank_pattern and not lora.block_modules and rank != lora.config.r:
            return f"{module} has rank {rank}, the configuration says {lora.config.r}"
    settings = json.loads((lora.folder / CONFIG).read_text())
    kept = [f"{name} {value!r}" for name, value in CHANGING if name in settings and settings[name] == value]
    return f"accepted, and it changes the result: {kept[0]}" if kept else None
