"""ONNX export of the router, for runtimes without torch (extra [onnx])."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from megaasr import ParameterError, atomic_path, one_line

from .features import HOP, SAMPLE_RATE_HZ, log_mel
from .files import TrainedRouter, read_router

OPSET = 18
INPUTS = Literal["features", "samples"]


class _Graph(torch.nn.Module):
    """The exported module: maps inputs to p(degraded), including the temperature."""

    def __init__(self, router: TrainedRouter, inputs: INPUTS) -> None:
        super().__init__()
        self.network = router.network
        self.temperature = router.temperature
        self.inputs = inputs

    def forward(self, sound: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """p(degraded), shape (batch,)."""
        if self.inputs == "samples":
            sound, lengths = log_mel(sound, lengths, self.network.settings.n_mels)
        logits = self.network(sound, lengths) / self.temperature
        return logits.softmax(1)[:, 1]


def export_onnx(weights: Path, path: Path, opset: int = OPSET, inputs: INPUTS = "features") -> None:
    """Write a router as an ONNX graph with an output ``probability``, p(degraded), shape (batch,).

    Args:
        weights: file or folder of a router.
        path: path of the .onnx file; written atomically, with the weights inside.
        opset: 18 or later.
        inputs: ``features``: inputs ``features`` (batch, frames, n_mels), the log-mel of `features.log_mel`, and
            ``lengths`` (batch,), int64, in frames. ``samples``: inputs ``samples`` (batch, num_samples) at 16 kHz with
            zero padding, and ``lengths`` in samples; the features are computed in the graph. At most 30 s.

    Raises:
        AdapterError: the weights cannot be read.
        ParameterError: onnx is not installed, or the exporter fails.
        OutputError: `path` cannot be written.
    """
    if inputs not in get_args(INPUTS):
        raise ParameterError(f"ONNX export: inputs {inputs!r} is none of {', '.join(get_args(INPUTS))}")
    try:
        import onnx
        import onnxscript  # noqa: F401  (needed by torch's exporter)
    except ImportError as error:
        raise ParameterError(f"ONNX export needs {error.name}; pip install 'megaasr[onnx]'") from error
    router = read_router(weights)
    graph = _Graph(router, inputs).eval()
    size = (2, 300, router.network.settings.n_mels) if inputs == "features" else (2, 300 * HOP)
    example = (torch.zeros(size), torch.tensor([size[1], size[1] // 2]))
    batch, time = torch.export.Dim("batch"), torch.export.Dim("frames" if inputs == "features" else "num_samples")
    axes = {"sound": {0: batch, 1: time}, "lengths": {0: batch}}
    with torch.no_grad():
        graph(*example)  # fills the caches of constants before the exporter traces with symbolic tensors
    try:
        with warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore")  # the exporter raises deprecation warnings about itself
            program: Any = torch.onnx.export(
                graph,
                example,
                dynamo=True,
                opset_version=opset,
                input_names=[inputs, "lengths"],
                output_names=["probability"],
                dynamic_shapes=axes,
                verbose=False,
            )
    except Exception as error:  # whatever the exporter or its dependencies raise
        raise ParameterError(f"ONNX export of {weights} with opset {opset}: {one_line(error)[:300]}") from error
    model = program.model_proto
    meta = {"threshold": router.threshold, "sample_rate": SAMPLE_RATE_HZ, "output": "p(degraded)"}
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in meta.items()})
    with atomic_path(path) as temporary:
        onnx.save(model, str(temporary))


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the exporter's log messages about a missing torchvision."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
