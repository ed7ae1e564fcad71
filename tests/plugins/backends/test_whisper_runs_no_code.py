"""A model folder or hub id is data: tensors are read from safetensors, and no Python of it is imported or unpickled."""

import ast
import json
import os
import pickle
import shutil
from pathlib import Path

import pytest

from megaasr import BackendError, DecodingOptions
from megaasr_plugins.backends.whisper import Whisper

PROJECT = Path(__file__).parents[3]
PARTS = ("megaasr", "megaasr_core", "plugins", "rewards", "routers", "degradations")
MODEL_LOADERS = {"WhisperForConditionalGeneration"}


@pytest.fixture(scope="module")
def calls():
    """Every call in the project's code, with the file that it stands in."""
    files = [path for part in PARTS for path in (PROJECT / part).rglob("*.py")]
    assert len(files) > 100
    trees = [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in files]
    return [(path, node) for path, tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_no_call_trusts_remote_code(calls):
    named = [(path.name, keyword.arg) for path, call in calls for keyword in call.keywords]
    assert not [one for one in named if one[1] in ("trust_remote_code", "custom_generate", "allow_pickle")]
    automatic = [path for path, call in calls if ast.unparse(call.func).startswith(("Auto", "transformers.Auto"))]
    assert not automatic, "an automatic class chooses the code by the model's own configuration"


def test_every_model_is_loaded_from_safetensors(calls):
    loads = [call for _, call in calls if ast.unparse(call.func).endswith(".from_pretrained")]
    models = [call for call in loads if ast.unparse(call.func).split(".")[0] in MODEL_LOADERS]
    assert models
    for call in models:
        assert "use_safetensors=True" in [ast.unparse(keyword) for keyword in call.keywords]
    kinds = {ast.unparse(call.func).split(".")[0] for call in loads}
    assert kinds == {*MODEL_LOADERS, "WhisperProcessor"}, "a new loader: does it read pickled weights?"
    torch_loads = [call for _, call in calls if ast.unparse(call.func) == "torch.load"]
    assert all("weights_only=True" in [ast.unparse(keyword) for keyword in call.keywords] for call in torch_loads)


class Marks:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture
def hostile_folder(small_folder, tmp_path):
    """The model with Python beside it that every configuration names; ``ran`` appears when any of it runs."""
    folder = shutil.copytree(small_folder, tmp_path / "model")
    (folder / "evil.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\nclass Evil: pass\n")
    names = ("AutoConfig", "AutoModel", "AutoModelForSpeechSeq2Seq", "AutoProcessor", "AutoTokenizer")
    auto_map = dict.fromkeys((*names, "AutoFeatureExtractor"), "evil.Evil")
    (folder / "custom_generate").mkdir()
    shutil.copy(folder / "evil.py", folder / "custom_generate" / "generate.py")
    for path in folder.glob("*.json"):
        settings = json.loads(path.read_text())
        if path.name.endswith("config.json"):
            tokenizer = {"AutoTokenizer": ["evil.Evil", "evil.Evil"]} if "tokenizer" in path.name else {}
            path.write_text(json.dumps(settings | {"auto_map": auto_map | tokenizer, "custom_generate": str(folder)}))
    return folder


def test_python_beside_a_model_is_not_run(hostile_folder, clips):
    backend = Whisper.create({"model": str(hostile_folder), "device": "cpu"})
    backend.load()
    assert len(backend.transcribe(clips[:1], DecodingOptions(min_tokens=3, tokens_per_second=0.1))) == 1
    assert not (hostile_folder.parent / "ran").exists()


def test_pickled_weights_are_refused(hostile_folder):
    (hostile_folder / "model.safetensors").unlink()
    (hostile_folder / "pytorch_model.bin").write_bytes(
        pickle.dumps({"proj_out.weight": Marks(hostile_folder.parent / "ran")})
    )
    backend = Whisper.create({"model": str(hostile_folder), "device": "cpu"})
    with pytest.raises(BackendError, match="backend whisper: cannot load model") as caught:
        backend.load()
    assert "\n" not in str(caught.value)
    assert not (hostile_folder.parent / "ran").exists()


@pytest.fixture
def hub_id(hostile_folder, tmp_path, monkeypatch):
    """The hostile model as the hub's client has cached it; nothing is asked of the network."""
    from huggingface_hub import constants

    commit, cached = "0" * 40, tmp_path / "hub" / "models--stranger--whisper"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(commit)
    hostile_folder.rename(cached / "model")
    (cached / "snapshots").mkdir()
    (cached / "model").rename(cached / "snapshots" / commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return "stranger/whisper", cached / "snapshots" / commit


@pytest.mark.parametrize("pickled_only", [False, True])
def test_a_hub_id_runs_no_code_either(hub_id, pickled_only, tmp_path):
    name, snapshot = hub_id
    pickled = pickle.dumps({"proj_out.weight": Marks(tmp_path / "ran")})
    (snapshot / "pytorch_model.bin").write_bytes(pickled)
    backend = Whisper.create({"model": name, "device": "cpu"})
    if pickled_only:
        (snapshot / "model.safetensors").unlink()
        with pytest.raises(BackendError, match="cannot load model 'stranger/whisper'") as caught:
            backend.load()
        assert "\n" not in str(caught.value)
    else:
        backend.load()
        assert backend.network.config.d_model == 32
    assert not (tmp_path / "ran").exists()
