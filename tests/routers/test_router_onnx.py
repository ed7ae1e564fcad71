"""The exported graph says what the router says."""

import json
import sys

import numpy as np
import pytest

from megaasr import Utterance
from megaasr_core.base.errors import AdapterError, OutputError, ParameterError
from megaasr_routers.audio_quality import AudioQuality
from megaasr_routers.audio_quality.export import export_onnx
from megaasr_routers.audio_quality.features import log_mel, mel_filters, pad_batch
from megaasr_routers.audio_quality.files import write_router
from tests.routers.quality import lively_router, noise_clip, speech_clip, write_reference

onnxruntime = pytest.importorskip("onnxruntime")


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def asked(graph, inputs, clips):
    """Probabilities by the graph."""
    samples, lengths = pad_batch(clips)
    if inputs == "features":
        samples, lengths = log_mel(samples, lengths)
    (found,) = graph.run(["probability"], {inputs: samples.numpy(), "lengths": lengths.numpy()})
    return found


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "audio_quality.safetensors"
    write_router(path, lively_router(temperature=1.5, threshold=0.4))
    return path


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return write_reference(tmp_path_factory.mktemp("onnx") / "best_acc_model.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize(("weights", "inputs"), [("own", "samples"), ("reference", "features")])
def test_the_graph_equals_the_router(weights, inputs, request, tmp_path):
    weights = request.getfixturevalue(weights)
    mel_filters.cache_clear()  # the exporter must not leave symbolic constants behind
    export_onnx(weights, tmp_path / "router.onnx", inputs=inputs)
    graph = session(tmp_path / "router.onnx")
    router = AudioQuality(weights=weights)
    batches = [
        [noise_clip(1)],
        [noise_clip(16_000)],
        [speech_clip(1)],
        [speech_clip(2), speech_clip(3, 5.0), noise_clip(480_000), noise_clip(777), noise_clip(40_000, 3)],
    ]
    for clips in batches:
        expected = [route.probability for route in router.route([Utterance(clip) for clip in clips])]
        np.testing.assert_allclose(asked(graph, inputs, clips), expected, atol=1e-5)
    meta = graph.get_modelmeta().custom_metadata_map
    assert json.loads(meta["threshold"]) == router.load().threshold
    assert [path.name for path in tmp_path.iterdir()] == ["router.onnx"]


def test_what_cannot_be_exported_is_one_line(own, tmp_path, monkeypatch):
    with pytest.raises(AdapterError, match="no such router file"):
        export_onnx(tmp_path / "none", tmp_path / "router.onnx")
    with pytest.raises(ParameterError, match="inputs 'mel' is none of features, samples"):
        export_onnx(own, tmp_path / "router.onnx", inputs="mel")
    with pytest.raises(OutputError, match="does not exist"):
        export_onnx(own, tmp_path / "nowhere" / "router.onnx")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ParameterError, match=r"needs onnxscript; pip install 'megaasr\[onnx\]'"):
        export_onnx(own, tmp_path / "router.onnx")
