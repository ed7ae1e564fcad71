"""Tests of the recipe's passages, small manifests, outcomes, routed results, ablations and driver."""

from __future__ import annotations

import importlib.util
import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from megaasr.library.scenarios import open_scenario
from megaasr_core.base.audio import Audio
from megaasr_core.base.errors import ManifestError, MegaasrError
from megaasr_core.contracts.router import Route
from megaasr_core.discovery.loading import load_plugins
from megaasr_plugins.training.commands.run_trainer import open_trainer
from recipes.tiny import (
    ablations,
    dataset_files,
    join_manifests,
    manifests,
    opinions,
    outcomes,
    pack_speech,
    reproduce,
    routed,
    router_objectives,
    ship,
)

RATE = 16_000


def speech(folder: Path, seconds: list[float], **fields: object) -> list[dataset_files.Row]:
    """Write clips of constant samples that identify the clip, and their manifest; return its rows."""
    rows = []
    for number, length in enumerate(seconds):
        name = f"{number}.flac"
        dataset_files.write_clip(folder / name, np.full(int(length * RATE), (number + 1) / 100, np.float32))
        row = {"audio": name, "text": f"text {number}", "duration_s": length, "speaker": f"s{number}"}
        rows.append({**row, "source": "made", "licence": "CC0 1.0", "split": "train", **fields})
    dataset_files.write_manifest(folder / dataset_files.MANIFEST, rows)
    return rows


def test_a_passage_has_all_the_words_of_its_utterances_and_fits_the_window(tmp_path: Path) -> None:
    rows = speech(tmp_path / "clean", [2.0, 3.0, 4.0, 14.0])
    made = pack_speech.pack(rows, tmp_path / "clean", tmp_path / "packs", 40, real=1.0, single=0.3, seed=1)
    assert {row["utterances"] for row in made} > {1, 2}
    for row in made:
        samples = dataset_files.read_clip(tmp_path / "packs" / row["audio"])
        assert len(samples) / RATE == pytest.approx(row["duration_s"], abs=1e-3)
        assert row["duration_s"] <= 14.6
        spoken = [int(word) for word in row["text"].split()[1::2]]
        assert len(spoken) == row["utterances"]
        edges = np.flatnonzero(np.diff(np.concatenate([[0], (np.abs(samples) > 1e-3).astype(int), [0]])))
        lengths = np.diff(edges)[::2] / RATE
        speeds = np.array([rows[number]["duration_s"] for number in spoken]) / lengths
        slowest, fastest = pack_speech.SPEEDS
        assert slowest - 0.01 <= speeds.min() <= speeds.max() <= fastest + 0.01
        assert row["split"] == "train"
    again = pack_speech.pack(rows, tmp_path / "clean", tmp_path / "again", 40, real=1.0, single=0.3, seed=1)
    assert again == made


def test_every_second_clip_of_a_folder_is_left_out(tmp_path: Path) -> None:
    names = ("audio/packages/a", "audio/speech/b", "audio/packages/c", "audio/packages/d", "audio/packages/e")
    kept = pack_speech.thinned([{"audio": name} for name in names], "packages")
    assert [row["audio"] for row in kept] == ["audio/speech/b", "audio/packages/c", "audio/packages/e"]
    with pytest.raises(
        ManifestError, match=r"--thin package: no clip lies below audio/package; there are packages, speech$"
    ):
        pack_speech.thinned([{"audio": name} for name in names], "package")


def test_dev_passages_are_said_as_fast_as_they_were(tmp_path: Path) -> None:
    rows = speech(tmp_path, [2.0, 3.0, 4.0], split="dev")
    made = pack_speech.pack(rows, tmp_path, tmp_path / "packs", 10, real=1.0, single=1.0, seed=1)
    for row in made:
        number = int(row["text"].split()[1])
        assert row["duration_s"] == rows[number]["duration_s"]
        assert np.array_equal(
            dataset_files.read_clip(tmp_path / "packs" / row["audio"]) > 0.0,
            dataset_files.read_clip(tmp_path / f"{number}.flac") > 0.0,
        )
        assert row["split"] == "dev"


def test_synthetic_voices_have_passages_of_their_own(tmp_path: Path) -> None:
    people = speech(tmp_path, [2.0, 2.0])
    made = [{**row, "text_source": "spoken from it (synthetic)", "speaker": "robot"} for row in people]
    rows = pack_speech.pack([*people, *made], tmp_path, tmp_path / "packs", 60, real=0.5, single=0.0, seed=0)
    robots = ["robot" in row["speakers"] for row in rows]
    assert all(row["speakers"] == ["robot"] for row, robot in zip(rows, robots, strict=True) if robot)
    assert 15 < sum(robots) < 45


def test_manifests_leave_synthetic_dev_voices_and_other_splits_out(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    rows = speech(out / "clean", [1.0, 1.0, 1.0])
    rows[0]["split"] = rows[1]["split"] = "dev"
    rows[1]["text_source"] = "spoken from it (synthetic)"
    dataset_files.write_manifest(out / "clean" / dataset_files.MANIFEST, rows)
    speech(out / "packs", [5.0])
    rooms = speech(data / "rir", [0.5, 0.5])
    dataset_files.write_manifest(data / "rir" / dataset_files.MANIFEST, [{**row, "kind": "room"} for row in rooms])
    real = speech(data / "dev_real" / "noizeus", [1.0, 1.0, 1.0], split="dev_real")
    counts = {path.relative_to(out).as_posix(): count for path, count in manifests.write_all(data, out).items()}
    assert counts == {
        "dev/clean.jsonl": 1,
        "clean/people.jsonl": 1,
        "packs/clean.jsonl": 1,
        "rir/train.jsonl": 2,
        "rir/dev.jsonl": 0,
        "dev/real.jsonl": 3,
        "dev/steer.jsonl": 2,
    }
    for name in counts:
        for row in map(json.loads, (out / name).read_text().splitlines()):
            assert ((out / name).parent / row["audio"]).is_file()
    assert len(real) == 3
    marked = [row["chosen_by"] for row in map(json.loads, (out / "dev" / "real.jsonl").read_text().splitlines())]
    assert marked == [True, True, False]


def test_outcomes_are_joined_by_clip() -> None:
    base = [{"id": "a", "audio": "a.flac", "num_edits": 3}, {"audio": "b.flac", "num_edits": 0}]
    robust = [{"id": "a", "audio": "a.flac", "num_edits": 1}, {"audio": "b.flac", "num_edits": 2}]
    assert outcomes.join(base, robust) == [
        {"id": "a", "base_edits": 3, "robust_edits": 1},
        {"id": "b.flac", "base_edits": 0, "robust_edits": 2},
    ]
    with pytest.raises(ManifestError, match="not of the same clips"):
        outcomes.join(base, robust[::-1])
    with pytest.raises(ManifestError, match=r"a\.flac failed: gone"):
        outcomes.join(base, [{"id": "a", "audio": "a.flac", "error": "gone"}, robust[1]])


def test_joined_rows_say_what_was_degraded(tmp_path: Path) -> None:
    speech(tmp_path / "clean", [1.0])
    speech(tmp_path / "bad", [1.0], scenario="noise")
    places = [tmp_path / name / dataset_files.MANIFEST for name in ("clean", "bad")]
    rows = join_manifests.join(places, tmp_path)
    assert [(row["scenario"], row["condition"], row["audio"]) for row in rows] == [
        ("clean", "clean", "clean/0.flac"),
        ("noise", "degraded", "bad/0.flac"),
    ]


def results(edits: list[int], prediction: str = "words", logprob: float = -0.2, adapter: str | None = None) -> list:
    """Rows of results with these numbers of edits."""
    fields = {"prediction": prediction, "language": "en", "mean_logprob": logprob, "flags": [], "adapter": adapter}
    return [{"id": f"c{number}", "num_edits": count, **fields} for number, count in enumerate(edits)]


def test_routed_rows_are_those_of_the_route_and_of_the_second_opinion(monkeypatch: pytest.MonkeyPatch) -> None:
    router = load_plugins().routers["second_opinion"].create()
    monkeypatch.setattr(type(router), "load", lambda self: SimpleNamespace(threshold=0.5))
    monkeypatch.setattr(type(router), "probabilities", lambda self, batch: [0.9, 0.1, 0.9][: len(batch)])
    audios = [Audio(np.random.default_rng(1).uniform(-0.1, 0.1, RATE).astype(np.float32), RATE)] * 3
    base, robust = results([3, 0, 5]), results([1, 2, 4], adapter="robust")
    robust[2] = {**robust[2], "mean_logprob": -2.0, "prediction": "some words that nobody said"}
    base[2] = {**base[2], "mean_logprob": -1.0}
    rows = routed.choose(router, audios, base, robust)
    assert [row["num_edits"] for row in rows] == [1, 0, 5]
    assert rows[0]["route"] == "degraded: p(degraded) 0.90"
    assert rows[2]["route"] == "second opinion, the first was unsure: mean log-probability -2.00"
    later = routed.choose(router, audios[:1], base, robust, first=1)
    assert later[0]["id"] == "c1"


def test_bounds_of_the_second_opinion_are_compared_by_the_edits_they_leave() -> None:
    audios = [Audio(np.random.default_rng(1).uniform(-0.1, 0.1, RATE).astype(np.float32), RATE)] * 2
    routes = [Route("robust", "degraded")] * 2
    base, robust = results([1, 2], logprob=-1.4), results([3, 4], "more words", -0.9, "robust")
    clips = opinions.Decoded(audios, base, robust, routes)
    counts = [
        opinions.counted(opinions.router(sure_logprob=sure, lost_logprob=lost), [clips, clips])
        for sure, lost in ((-1.0, -1.1), (-0.8, -1.1), (-0.8, -1.2))
    ]
    assert counts == [(14, 0), (6, 4), (14, 4)]


def test_every_clip_is_heard_once_whatever_the_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, classified = load_plugins().routers["second_opinion"], []
    monkeypatch.setattr(kind, "load", lambda self: SimpleNamespace(threshold=0.5))
    monkeypatch.setattr(kind, "probabilities", lambda self, batch: classified.extend(batch) or [0.9] * len(batch))
    speech(tmp_path / "plans" / "few", [1.0, 1.0])
    (tmp_path / "results").mkdir()
    (tmp_path / "report").mkdir()
    for name, rows in (("base", results([3, 5])), ("robust", results([1, 4], adapter="robust"))):
        (tmp_path / "results" / f"manifest.{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr(opinions, "SOURCES", ("plans/few/manifest.jsonl",))
    opinions.main(tmp_path)
    table = (tmp_path / "report" / "opinions.md").read_text().splitlines()
    assert table[0] == "base 8 edits, adapter 5"
    assert len(table) == 4 + len(opinions.SURE) * len(opinions.LOST)
    assert table[4] == "| -0.6 | -1.1 | 5 | 0 |"
    assert len(classified) == 2


def test_results_of_other_clips_are_refused(tmp_path: Path) -> None:
    speech(tmp_path / "clips", [1.0])
    for name, rows in (("base", results([1])), ("robust", results([1, 2]))):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    names = (tmp_path / "clips" / dataset_files.MANIFEST, tmp_path / "base.jsonl", tmp_path / "robust.jsonl")
    with pytest.raises(ManifestError, match="not of the same clips"):
        routed.main(*names, weights=tmp_path / "router", out=tmp_path / "routed.jsonl")
    (tmp_path / "robust.jsonl").write_text('{"id": "c0", "audio": "0.flac", "error": "gone"}\n')
    (tmp_path / "base.jsonl").write_text('{"id": "c0", "audio": "0.flac", "num_edits": 1}\n')
    with pytest.raises(ManifestError, match=r"0\.flac failed: gone"):
        routed.main(*names, weights=tmp_path / "router", out=tmp_path / "routed.jsonl")
    assert not (tmp_path / "routed.jsonl").exists()


def test_the_driver_runs_a_step_once_and_again_when_one_before_it_changed(tmp_path: Path) -> None:
    (tmp_path / "count.py").write_text(
        "import sys; from pathlib import Path; Path(sys.argv[1]).open('a').write('x'); sys.exit(int(sys.argv[2]))"
    )
    step = reproduce.Step("count", (("count", "ran", "0"),))
    digest = reproduce.run(step, tmp_path, "")
    assert reproduce.run(step, tmp_path, "") == digest
    assert (tmp_path / "ran").read_text() == "x"
    assert reproduce.run(step, tmp_path, "another before") != digest
    assert (tmp_path / "ran").read_text() == "xx"
    failing = reproduce.Step("fails", (("count", "well", "0"), ("count", "failed", "3")))
    for _ in range(2):
        with pytest.raises(MegaasrError, match="step 'fails' ended with exit code 3"):
            reproduce.run(failing, tmp_path, "")
    assert (tmp_path / "failed").read_text() == (tmp_path / "well").read_text() == "xx"


def test_commands_of_a_step_run_side_by_side_and_share_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    # Each command waits for the other to start: if they ran in turn, the first would fail.
    (tmp_path / "meet.py").write_text(
        "import os, sys, time; from pathlib import Path; mine, other = map(Path, sys.argv[1:]);"
        "mine.write_text(os.environ['OMP_NUM_THREADS'])\n"
        "end = time.monotonic() + 60\n"
        "while not other.exists(): time.sleep(0.01) if time.monotonic() < end else sys.exit('alone')"
    )
    one, other = (reproduce.Step(name, (("meet", *names),)) for name, names in (("a", "xy"), ("b", "yx")))
    reproduce.run(reproduce.together("both", one, other), tmp_path, "")
    assert (tmp_path / "x").read_text() == (tmp_path / "y").read_text() == "3"


def test_no_more_commands_run_at_once_than_there_are_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    # Each command fails if another is running, and must see no limit on its threads.
    (tmp_path / "alone.py").write_text(
        "import os; open('busy', 'x').close(); open('told', 'a').write(os.environ.get('OMP_NUM_THREADS', 'all '))\n"
        "os.remove('busy')"
    )
    reproduce.run(reproduce.Step("in turn", (("alone",),) * 3), tmp_path, "")
    assert (tmp_path / "told").read_text() == "all all all "


def test_steps_keep_memory_unless_told_not_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "MALLOC_MMAP_MAX_"
    (tmp_path / "tell.py").write_text(f"import os; open('told', 'a').write(os.environ['{name}'] + ' ')")
    step = reproduce.Step("tell", (("tell",),))
    monkeypatch.delenv(name, raising=False)
    reproduce.run(step, tmp_path, "")
    monkeypatch.setenv(name, "7")
    reproduce.run(step, tmp_path, "again")
    assert (tmp_path / "told").read_text() == "0 7 "


def check_order(listed: list[reproduce.Step], known: set[str]) -> set[str]:
    """Check that every step reads only `known` paths and paths that earlier steps write; return all known paths."""
    assert len({step.name for step in listed}) == len(listed)
    written = set(known)
    for step in listed:
        together = set[str]()  # commands of a step must not depend on each other
        for arguments in step.commands:
            assert importlib.util.find_spec(arguments[0])
            parts = [part.rpartition("=")[2] for part in arguments]
            made = {part for before, part in itertools.pairwise(parts) if before in ("-o", "--out")}
            made |= {parts[3]} if "eval" in arguments else set()
            for part in parts:
                if part.startswith(("plans/", "labels/", "results/")):
                    assert part in written | made, (step.name, part)
            together |= made
        written |= together
    return written


def test_every_step_reads_what_an_earlier_one_writes(tmp_path: Path) -> None:
    (real := tmp_path / "dev_real" / "noizeus" / "manifest.jsonl").parent.mkdir(parents=True)
    real.touch()
    written = check_order(reproduce.steps(tmp_path, 6_000), set())
    check_order(ablations.steps(tmp_path), written)
    more = check_order(router_objectives.steps(), written)
    for name, known in (("sft.yaml", written), ("router.yaml", written), ("router_outcome.yaml", more)):
        config = (reproduce.HERE / name).read_text()
        for word in config.replace(",", " ").replace("}", " ").split():
            if word.startswith(("plans/", "labels/", "results/")):
                assert word in known, (name, word)


def test_every_ablation_is_a_training_of_the_same_number_of_clips(tmp_path: Path) -> None:
    plugins = load_plugins()
    listed = ablations.steps(tmp_path)
    assert len({step.name for step in listed}) == len(listed)
    (ordered,) = (variant for variant in ablations.variants() if variant.is_ordered)
    learned = (tmp_path / "ablations" / f"{ordered.name}.yaml").read_text()
    assert learned.count("labels/plans_") == 8
    assert learned.count("labels/draws_") == learned.count("limit: 150") == 2
    labelled = [command for step in listed for command in step.commands if "label" in command]
    assert len(labelled) == 10
    assert [command[3] for command in labelled if command[-2:] == ("--limit", "150")] == [
        f"draws/{number}/manifest.jsonl" for number in (0, 1)
    ]
    for variant in ablations.variants():
        assert sum(phase["clips"] for phase in variant.phases) == ablations.CLIPS
        open_trainer(plugins, "sft", tmp_path / "ablations" / f"{variant.name}.yaml")
        adapter = f"ablations/{variant.name}/adapter"
        used = [command for step in listed for command in step.commands if adapter in command]
        assert len(used) == len(ablations.MEASURED)


def test_what_ships_is_whole_and_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("sft/adapter/adapter_config.json", "sft/adapter/adapter_model.safetensors")
    names += ("sft/adapter/mega_lora_blocks.json", "router/audio_quality.safetensors")
    for name in (*names, "sft/report.json", "router/report.json", "report/real.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert set(ship.files_of(tmp_path)) == {tmp_path / name for name in names}
    tables = {
        source.relative_to(tmp_path).as_posix(): target.name for source, target in ship.tables_of(tmp_path).items()
    }
    assert tables == {"report/real.md": "real.md", "sft/report.json": "sft.json", "router/report.json": "router.json"}
    monkeypatch.setattr(ship, "MOST_BYTES", 20)
    with pytest.raises(ManifestError, match="at most 20 are allowed"):
        ship.files_of(tmp_path)
    (tmp_path / names[0]).unlink()
    with pytest.raises(ManifestError, match=r"adapter_config\.json is missing"):
        ship.files_of(tmp_path)


def test_the_recipes_scenarios_and_configurations_are_valid() -> None:
    plugins = load_plugins()
    names = sorted(path.name for path in reproduce.SCENARIOS.glob("*.yaml"))
    assert names == ["phone_noise.yaml", "quiet_phone.yaml", "room_noise.yaml", "wide_noise.yaml"]
    for name in names:
        assert open_scenario(str(reproduce.SCENARIOS / name), plugins).name == name.removesuffix(".yaml")
    for trainer, name in (("sft", "sft.yaml"), ("router", "router.yaml"), ("router", "router_outcome.yaml")):
        assert open_trainer(plugins, trainer, reproduce.HERE / name).name == trainer
