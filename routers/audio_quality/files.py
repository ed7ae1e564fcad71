"""Router files: safetensors with the configuration as JSON under ``config`` in the metadata.

Two formats are read. Files of megaasr are complete. The reference's file (``best_acc_model.safetensors``) has only
``model`` in its configuration, which is not reliable: it states four layers and a linear head, but the file holds one
layer and a head of two matrices. Sizes are therefore taken from the tensors, and a configuration that contradicts them
is refused, except for the number of layers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from megaasr import AdapterError, ManifestError, atomic_path, first_fault, one_line, parse_json

from .features import DEFINITION, MAX_FRAMES
from .network import Network, NetworkSettings, sinusoids

FILE = "audio_quality.safetensors"
REFERENCE_FILE = "best_acc_model.safetensors"
POSITIONS = "pos_encoder.pe"
COUNTERS = ".num_batches_tracked"
FIXED = {"num_classes": 2, "pooling": "attention"}
"""Settings of the configuration that must have these values if they are present."""


class ModelConfig(BaseModel):
    """The ``model`` part of the configuration, with the reference's field names; other fields are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    n_mels: int | None = Field(None, gt=0)
    d_model: int | None = Field(None, gt=0)
    nhead: int = Field(4, gt=0)
    dim_feedforward: int | None = Field(None, gt=0)
    dropout: float = Field(0.1, ge=0, lt=1)


class RouterConfig(BaseModel):
    """The ``router`` part of the configuration, which only files of megaasr have."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    version: Literal[1]
    features: str
    downsampling: Literal[2, 4]
    positions: int = Field(gt=0)
    temperature: float = Field(gt=0)
    threshold: float = Field(ge=0)
    objective: str = ""


@dataclass(frozen=True)
class TrainedRouter:
    """A network with its temperature and threshold.

    Args:
        network: the classifier.
        temperature: divisor of the logits (Guo et al. 2017).
        threshold: p(degraded) from which on the adapter is used; above 1 it is never used.
        objective: training objective, ``label`` or ``outcome``; empty if the file does not state it.
    """

    network: Network
    temperature: float = 1.0
    threshold: float = 0.5
    objective: str = ""


def find_weights(path: Path) -> Path:
    """The router file at a path: the path itself, or the router file in a folder.

    Raises:
        AdapterError: there is no router file.
    """
    if path.is_dir():
        for name in (FILE, REFERENCE_FILE):
            if (path / name).is_file():
                return path / name
        raise AdapterError(f"{path}: holds neither {FILE} nor {REFERENCE_FILE}; name the router's file")
    if not path.is_file():
        raise AdapterError(f"{path}: no such router file; create one with `megaasr train router`")
    return path


def read_router(path: Path) -> TrainedRouter:
    """Read a router file of megaasr or of the reference; the network is in evaluation mode.

    Raises:
        AdapterError: the file is missing or damaged, or holds another network.
    """
    path = find_weights(path)
    tensors, config = _load(path)
    model = _parse(ModelConfig, config.get("model", {}), path, "model")
    for name, fixed in FIXED.items():
        value = config.get("model", {}).get(name, fixed)
        if value != fixed:
            raise AdapterError(f"{path}: config: model.{name} is {value!r}; only {fixed!r} is supported")
    router: RouterConfig | None = None
    if "router" in config:
        router = _parse(RouterConfig, config["router"], path, "router")
        if router.features != DEFINITION:
            raise AdapterError(f"{path}: made for features {router.features!r}, this version computes {DEFINITION!r}")
    settings = _settings(path, tensors, model, router)
    with torch.device("meta"):  # no random initialisation, since the weights are replaced
        network = Network(settings)
    tensors.setdefault(POSITIONS, sinusoids(settings.positions, settings.hidden))
    _check_fit(path, tensors, network)
    _fill(network, tensors)
    if router is None:
        return TrainedRouter(network.eval())
    return TrainedRouter(network.eval(), router.temperature, router.threshold, router.objective)


def write_router(path: Path, router: TrainedRouter) -> None:
    """Write a router file atomically; equal routers give equal bytes."""
    from safetensors.torch import save

    settings = router.network.settings
    state = router.network.state_dict()
    tensors = {
        name: tensor.contiguous() for name, tensor in state.items() if name != POSITIONS and COUNTERS not in name
    }
    config = {
        "model": {
            "n_mels": settings.n_mels,
            "d_model": settings.hidden,
            "nhead": settings.heads,
            "dim_feedforward": settings.ffn,
            "num_layers": settings.layers,
            "dropout": settings.dropout,
            **FIXED,
        },
        "router": RouterConfig(
            version=1,
            features=DEFINITION,
            downsampling=settings.downsampling,
            positions=settings.positions,
            temperature=router.temperature,
            threshold=router.threshold,
            objective=router.objective,
        ).model_dump(),
    }
    with atomic_path(path) as temporary:
        # Only one key, because safetensors writes several keys in random order.
        temporary.write_bytes(save(tensors, metadata={"config": json.dumps(config, sort_keys=True)}))


def _load(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("config")
            tensors = {name: file.get_tensor(name) for name in file.keys() if not name.endswith(COUNTERS)}  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError) as error:
        raise AdapterError(f"{path}: cannot be read as safetensors ({one_line(error)})") from error
    if text is None:
        raise AdapterError(f"{path}: its metadata holds no 'config'; is this a router's file?")
    try:
        config = parse_json(text.encode(errors="surrogatepass"), str(path))
    except ManifestError as error:
        raise AdapterError(f"{path}: config is not JSON ({one_line(error)})") from error
    if not isinstance(config, dict) or not isinstance(config.get("model", {}), dict):
        raise AdapterError(f"{path}: config: an object with an object 'model' is expected")
    return {name: tensor.float() for name, tensor in tensors.items()}, config


def _parse(model: Any, data: Any, path: Path, part: str) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise AdapterError(f"{path}: config: {part}.{first_fault(error, part)}") from error


def _settings(
    path: Path, tensors: dict[str, torch.Tensor], model: ModelConfig, router: RouterConfig | None
) -> NetworkSettings:
    """Sizes of the network from the tensors; AdapterError if the configuration contradicts them."""
    _, n_mels, _ = _shape(path, tensors, "frontend.conv.0.weight", 3)
    (hidden,) = _shape(path, tensors, "transformer.norm.weight", 1)
    ffn, _ = _shape(path, tensors, "transformer.layers.0.linear1.weight", 2)
    for name, stated, actual in (
        ("n_mels", model.n_mels, n_mels),
        ("d_model", model.d_model, hidden),
        ("dim_feedforward", model.dim_feedforward, ffn),
    ):
        if stated is not None and stated != actual:
            raise AdapterError(f"{path}: config says {name} {stated}, its tensors {actual}")
    if hidden % (2 * model.nhead):
        raise AdapterError(f"{path}: d_model {hidden} is not an even multiple of nhead {model.nhead}")
    layers = {name.split(".")[2] for name in tensors if name.startswith("transformer.layers.")}
    positions = router.positions if router else _shape(path, tensors, POSITIONS, 3)[1]
    downsampling: Literal[2, 4] = router.downsampling if router else 4
    if positions * downsampling < MAX_FRAMES:
        raise AdapterError(f"{path}: {positions} positions are too few for 30 s; {MAX_FRAMES // downsampling} at least")
    head: Literal["linear", "mlp"] = "linear" if "classifier.weight" in tensors else "mlp"
    return NetworkSettings(n_mels, hidden, model.nhead, ffn, len(layers), positions, model.dropout, downsampling, head)


def _shape(path: Path, tensors: dict[str, torch.Tensor], name: str, axes: int) -> torch.Size:
    if name not in tensors:
        raise AdapterError(f"{path}: lacks the tensor {name}; is this a router's file?")
    if tensors[name].dim() != axes:
        raise AdapterError(f"{path}: {name} has shape {tuple(tensors[name].shape)}; {axes} axes are expected")
    return tensors[name].shape


def _check_fit(path: Path, tensors: dict[str, torch.Tensor], network: Network) -> None:
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items() if not name.endswith(COUNTERS)}
    for name, shape in wanted.items():
        if name not in tensors:
            raise AdapterError(f"{path}: lacks the tensor {name}")
        if tuple(tensors[name].shape) != shape:
            raise AdapterError(f"{path}: {name} has shape {tuple(tensors[name].shape)}; {shape} is expected")
        if not bool(tensors[name].isfinite().all()):
            raise AdapterError(f"{path}: {name} holds NaN or infinity; the file is damaged")
    unknown = sorted(set(tensors) - set(wanted))
    if unknown:
        raise AdapterError(f"{path}: {unknown[0]} is not a tensor of this network ({len(unknown)} such)")


def _fill(network: Network, tensors: dict[str, torch.Tensor]) -> None:
    counters = {name: torch.tensor(0) for name in network.state_dict() if name.endswith(COUNTERS)}
    network.load_state_dict({**tensors, **counters}, assign=True)
    network.requires_grad_(False)
