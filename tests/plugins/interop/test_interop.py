"""The readers of other libraries on one small corpus: the same samples as `corpus render` writes."""

import gzip
import json
import pickle
from collections import Counter

import numpy as np
import pytest
import soundfile
from torch.utils.data import DataLoader

from megaasr import load_plugins, read_sample
from megaasr_core.base.errors import AudioError, ManifestError, ParameterError
from megaasr_core.base.jsonl import read_rows
from megaasr_plugins.corpus.planning.plan_corpus import PlanRequest, plan_corpus
from megaasr_plugins.corpus.planning.scenario_lists import open_scenarios
from megaasr_plugins.corpus.rendering.render_corpus import render_corpus
from megaasr_plugins.engines.local import Local
from megaasr_plugins.interop.hf_dataset import load_corpus
from megaasr_plugins.interop.lhotse_cuts import write_cuts
from megaasr_plugins.interop.recipe_dataset import RecipeDataset, RecipeStream, collate

COUNT = 13


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Thirteen samples, planned and rendered into folders."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "speech").mkdir()
    rng = np.random.default_rng(5)
    rows = []
    for number in range(4):
        soundfile.write(folder / "speech" / f"{number}.flac", 0.05 * rng.standard_normal(8_000 + number), 16_000)
        rows.append({"audio": f"{number}.flac", "text": f"words {number}", "speaker": f"s{number}"})
    manifest = folder / "speech" / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plugins = load_plugins()
    request = PlanRequest(manifest, open_scenarios("dropout,distortion,recording", plugins), count=COUNT, shard_size=5)
    engine = Local.create({"workers": 1, "start_method": "fork"})
    plan_corpus(request, folder / "plan", plugins, engine)
    render_corpus(folder / "plan", folder / "out", engine, "folder")
    return folder


def samples_of(loader):
    return {one["id"]: one["samples"].numpy() for batch in loader for one in batch}


def test_a_sample_is_what_rendering_writes(corpus):
    dataset = RecipeDataset(corpus / "plan")
    assert len(dataset) == COUNT
    rows = list(read_rows(corpus / "out" / "manifest.jsonl"))
    for index in (0, 4, 5, COUNT - 1):
        sample, written = dataset[index], read_sample(corpus / "out" / rows[index]["audio"])
        assert sample["id"] == rows[index]["id"]
        assert sample["text"] == rows[index]["text"]
        assert sample["scenario"] == rows[index]["scenario"]
        gain = 10 ** (rows[index]["gain_db"] / 20)
        np.testing.assert_allclose(gain * sample["samples"].numpy(), written.samples, atol=1 / 32_768)
    assert dataset[-1]["id"] == rows[-1]["id"]
    with pytest.raises(IndexError):
        dataset[COUNT]


@pytest.mark.slow
@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_workers_change_no_bit(corpus, start_method):
    dataset = RecipeDataset(corpus / "plan")
    alone = samples_of(DataLoader(dataset, batch_size=4, collate_fn=list))
    loader = DataLoader(
        dataset, batch_size=4, collate_fn=list, num_workers=2, multiprocessing_context=start_method, shuffle=True
    )
    shared = samples_of(loader)
    assert sorted(shared) == sorted(alone)
    for name, samples in shared.items():
        np.testing.assert_array_equal(samples, alone[name])


def test_a_dataset_can_be_pickled(corpus):
    dataset = RecipeDataset(corpus / "plan")
    again = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(again[3]["samples"], dataset[3]["samples"])


def test_a_stream_gives_each_sample_once_to_one_rank(corpus):
    counts = Counter(
        one["id"] for rank in range(3) for one in RecipeStream(corpus / "plan", seed=1, rank=rank, world_size=3)
    )
    assert set(counts.values()) == {1}
    assert len(counts) == COUNT


def test_a_stream_is_parted_over_workers(corpus):
    loader = DataLoader(RecipeStream(corpus / "plan"), batch_size=None, num_workers=2, multiprocessing_context="fork")
    assert sorted(one["id"] for one in loader) == [f"{index:09d}" for index in range(COUNT)]


def test_the_seed_and_the_epoch_shuffle(corpus):
    def order(seed, epoch=0):
        stream = RecipeStream(corpus / "plan", seed=seed)
        stream.epoch = epoch
        return [one["id"] for one in stream]

    assert order(None) == sorted(order(1))
    assert order(1) == order(1)
    assert len({tuple(order(1)), tuple(order(2)), tuple(order(1, epoch=1)), tuple(order(None))}) == 4
    with pytest.raises(ParameterError, match="rank 3"):
        RecipeStream(corpus / "plan", rank=3, world_size=3)


def test_a_recording_that_is_gone_raises_or_is_skipped_and_counted(corpus, tmp_path):
    import shutil

    shutil.copytree(corpus, tmp_path / "copy")
    plan = tmp_path / "copy" / "plan"
    settings = json.loads((plan / "plan.json").read_text())
    settings["speech_root"] = str(tmp_path / "copy" / "speech")
    (plan / "plan.json").write_text(json.dumps(settings))
    (tmp_path / "copy" / "speech" / "2.flac").unlink()
    with pytest.raises(AudioError, match=r"2\.flac: no such file"):
        list(RecipeStream(plan))
    stream = RecipeStream(plan, on_error="skip")
    left = list(stream)
    assert len(left) + stream.skipped == COUNT
    assert stream.skipped >= COUNT // 4


def test_a_batch_is_padded_and_knows_its_lengths(corpus):
    dataset = RecipeDataset(corpus / "plan")
    batch = collate([dataset[index] for index in range(5)])
    assert batch["samples"].shape == (5, int(batch["lengths"].max()))
    for row, length in zip(batch["samples"], batch["lengths"], strict=True):
        assert not row[length:].any()
    assert len(batch["text"]) == 5


def test_a_folder_that_is_no_plan_is_refused(tmp_path):
    with pytest.raises(ManifestError, match="holds no complete plan"):
        RecipeDataset(tmp_path)


def test_hugging_face_decodes_what_is_looked_at(corpus):
    pytest.importorskip("datasets")
    dataset = load_corpus(corpus / "out" / "manifest.jsonl")
    assert len(dataset) == COUNT
    row = dataset[4]
    written = read_sample(corpus / "out" / row["audio"]["path"])
    np.testing.assert_array_equal(np.asarray(row["audio"]["array"], np.float32), written.samples)
    assert row["audio"]["sampling_rate"] == 16_000
    assert dataset[2:4]["text"] == [row["text"] for row in list(read_rows(corpus / "out" / "manifest.jsonl"))[2:4]]


@pytest.mark.parametrize("name", ["cuts.jsonl", "cuts.jsonl.gz"])
def test_cuts_have_the_fields_that_lhotse_reads(corpus, tmp_path, name):
    assert write_cuts(corpus / "out" / "manifest.jsonl", tmp_path / name) == COUNT
    opener = gzip.open if name.endswith("gz") else open
    with opener(tmp_path / name, "rt") as file:
        cuts = [json.loads(line) for line in file]
    for cut, row in zip(cuts, read_rows(corpus / "out" / "manifest.jsonl"), strict=True):
        assert (cut["id"], cut["type"], cut["supervisions"][0]["text"]) == (row["id"], "MonoCut", row["text"])
        info = soundfile.info(cut["recording"]["sources"][0]["source"])
        assert (info.frames, info.samplerate) == (cut["recording"]["num_samples"], cut["recording"]["sampling_rate"])
        assert cut["custom"]["recipe"] == row["recipe"]


def test_lhotse_reads_them_back(corpus, tmp_path):
    lhotse = pytest.importorskip("lhotse")
    write_cuts(corpus / "out" / "manifest.jsonl", tmp_path / "cuts.jsonl")
    cuts = list(lhotse.CutSet.from_file(tmp_path / "cuts.jsonl"))
    rows = list(read_rows(corpus / "out" / "manifest.jsonl"))
    assert [cut.supervisions[0].text for cut in cuts] == [row["text"] for row in rows]
    np.testing.assert_allclose(
        cuts[3].load_audio()[0], read_sample(corpus / "out" / rows[3]["audio"]).samples, atol=1e-6
    )


def test_what_lhotse_cannot_take_is_refused(corpus, tmp_path):
    with pytest.raises(ParameterError, match=r"name a \.jsonl"):
        write_cuts(corpus / "out" / "manifest.jsonl", tmp_path / "cuts.json")
    (tmp_path / "m.jsonl").write_text('{"id": "0", "audio": "shard-00000.tar#0.flac", "recipe": {}}\n')
    with pytest.raises(ParameterError, match="line 1: its audio is in a tar shard"):
        write_cuts(tmp_path / "m.jsonl", tmp_path / "cuts.jsonl")
    assert not (tmp_path / "cuts.jsonl").exists()
