"""Tests of the recipe's driver, ablations, shipped files and configurations."""

from __future__ import annotations

import importlib.util
import itertools
import os
from pathlib import Path

import pytest
import yaml

from megaasr.library.scenarios import open_scenario
from megaasr_core.base.errors import ManifestError, MegaasrError, UnknownNameError
from megaasr_core.discovery.loading import load_plugins
from megaasr_plugins.training.commands.run_trainer import open_trainer
from recipes.tiny import ablations, mixtures, reproduce, router_objectives, running, ship
from recipes.tiny.family_rows import FAMILIES


def test_the_driver_runs_a_step_once_and_again_when_one_before_it_changed(tmp_path: Path) -> None:
    (tmp_path / "count.py").write_text(
        "import sys; from pathlib import Path; Path(sys.argv[1]).open('a').write('x'); sys.exit(int(sys.argv[2]))"
    )
    step = running.Step("count", (("count", "ran", "0"),))
    digest = running.run(step, tmp_path, "")
    assert running.run(step, tmp_path, "") == digest
    assert (tmp_path / "ran").read_text() == "x"
    assert running.run(step, tmp_path, "another before") != digest
    assert (tmp_path / "ran").read_text() == "xx"
    failing = running.Step("fails", (("count", "well", "0"), ("count", "failed", "3")))
    for _ in range(2):
        with pytest.raises(MegaasrError, match="step 'fails' ended with exit code 3"):
            running.run(failing, tmp_path, "")
    assert (tmp_path / "failed").read_text() == (tmp_path / "well").read_text() == "xx"


def test_the_steps_depend_on_the_recordings_and_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "speech").mkdir()
    clip = tmp_path / "speech" / "a.flac"
    clip.write_bytes(b"one")
    before = running.inputs(tmp_path)
    assert running.inputs(tmp_path) == before
    os.utime(clip, ns=(0, clip.stat().st_mtime_ns + 10**9))
    assert running.inputs(tmp_path) == before, "data that is copied anew is the same data"
    clip.write_bytes(b"two")
    later = running.inputs(tmp_path)
    assert later != before
    (tmp_path / "noise.jsonl").write_text("{}")
    assert running.inputs(tmp_path) not in (before, later)
    (tmp_path / "noise.jsonl").unlink()
    monkeypatch.setattr(running, "code_identity", lambda: {"sources": "of another checkout"})
    assert running.inputs(tmp_path) not in (before, later)


def test_what_begins_where_the_recipe_ends_depends_on_its_last_step(tmp_path: Path) -> None:
    last = reproduce.steps(tmp_path, tmp_path, 300, mixtures.open_mixture("mild"))[-1]
    assert last.name == running.LAST
    before = running.finished(tmp_path)
    (tmp_path / "nothing.py").write_text("")
    digests = [running.run(running.Step(last.name, (("nothing",),)), tmp_path, data) for data in ("one", "other")]
    assert len({before, running.finished(tmp_path), *digests}) == 4
    assert running.finished(tmp_path) == running.finished(tmp_path)


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
    one, other = (running.Step(name, (("meet", *names),)) for name, names in (("a", "xy"), ("b", "yx")))
    running.run(running.together("both", one, other), tmp_path, "")
    assert (tmp_path / "x").read_text() == (tmp_path / "y").read_text() == "3"


def test_no_more_commands_run_at_once_than_there_are_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    # Each command fails if another is running, and must see no limit on its threads.
    (tmp_path / "alone.py").write_text(
        "import os; open('busy', 'x').close(); open('told', 'a').write(os.environ.get('OMP_NUM_THREADS', 'all '))\n"
        "os.remove('busy')"
    )
    running.run(running.Step("in turn", (("alone",),) * 3), tmp_path, "")
    assert (tmp_path / "told").read_text() == "all all all "


def test_steps_keep_memory_unless_told_not_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "MALLOC_MMAP_MAX_"
    (tmp_path / "tell.py").write_text(f"import os; open('told', 'a').write(os.environ['{name}'] + ' ')")
    step = running.Step("tell", (("tell",),))
    monkeypatch.delenv(name, raising=False)
    running.run(step, tmp_path, "")
    monkeypatch.setenv(name, "7")
    running.run(step, tmp_path, "again")
    assert (tmp_path / "told").read_text() == "0 7 "


def is_known(path: str, known: set[str]) -> bool:
    """Whether a path is written by a step, or lies in a folder that a step fills."""
    return path in known or any(path.startswith(f"{folder}/") for folder in known)


def check_order(listed: list[running.Step], known: set[str]) -> set[str]:
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
            made |= {"sources"} if step.name == "manifests" else set()
            for part in parts:
                if part.startswith(PREFIXES) or part in ("choose.jsonl", "report.jsonl", "ablation.jsonl"):
                    assert is_known(part, written) or part in made, (step.name, part)
            together |= made
        written |= together
    return written


PREFIXES = ("plans/", "labels/", "results/", "parts/", "draws/", "noise/", "sources/", "clean/", "packs/")


def steps(out: Path, mixture: str = "mild", clips: int = 1_500) -> list[running.Step]:
    return reproduce.steps(Path("/data"), out, clips, mixtures.open_mixture(mixture))


@pytest.mark.parametrize("mixture", mixtures.MIXTURES)
def test_every_step_reads_what_an_earlier_one_writes(tmp_path: Path, mixture: str) -> None:
    written = check_order(steps(tmp_path, mixture), set())
    check_order(ablations.steps(tmp_path), written)
    more = check_order(router_objectives.steps(), written)
    files = (tmp_path / "sft.yaml", running.HERE / "router.yaml", running.HERE / "router_outcome.yaml")
    for file, known in zip(files, (written, written, more), strict=True):
        words = file.read_text().replace(",", " ").replace("}", " ").split()
        named = [word for word in words if word.startswith(PREFIXES) or word == "choose.jsonl"]
        assert named
        for word in named:
            assert is_known(word, known), (file.name, word)


def test_nothing_before_the_report_reads_its_recordings_but_to_keep_them_apart(tmp_path: Path) -> None:
    listed = steps(tmp_path)
    first = next(index for index, step in enumerate(listed) if step.name == "both ways report")
    trained = [index for index, step in enumerate(listed) if step.name.startswith("train ")]
    assert max(trained) < first
    keeps_apart = ("build_speech", "select_speech", "build_noise", "parts", "plan report", "join_manifests report")
    for step in listed[:first]:
        read = " ".join(word for arguments in step.commands for word in arguments)
        assert step.name in keeps_apart or "report.jsonl" not in read.replace("report/compare", ""), step.name
    configs = [tmp_path / "sft.yaml", *running.HERE.glob("router*.yaml")]
    assert not any("report" in line for file in configs for line in file.read_text().splitlines() if "manifest" in line)
    checked = next(index for index, step in enumerate(listed) if step.name == "parts")
    assert checked < min(index for index, step in enumerate(listed) if "pack_speech" in step.name)


def test_all_runs_together_train_on_most_clips_of_a_mixture(tmp_path: Path) -> None:
    config = yaml.safe_load((running.HERE / "sft.yaml").read_text())
    wanted = config["runs"] * sum(phase["clips"] for phase in config["phases"])
    for name, mixture in mixtures.MIXTURES.items():
        clips = mixtures.DRAWS * 1_500 * (mixture.clean + sum(group.share for group in mixture.groups))
        assert 0.75 <= wanted / clips <= 1.0, name
    mild = mixtures.MIXTURES["mild"]
    gentle = mild.clean + sum(group.share for group in mild.groups if group.name in ("mild", "bands"))
    assert gentle > 1.5 * sum(group.share for group in mild.groups if group.name not in ("mild", "bands"))
    with pytest.raises(UnknownNameError, match="mild"):
        mixtures.open_mixture("milt")


def test_the_configuration_in_the_repository_is_that_of_the_default(tmp_path: Path) -> None:
    steps(tmp_path)
    made = (tmp_path / "sft.yaml").read_text()
    assert yaml.safe_load(made) == yaml.safe_load((running.HERE / "sft.yaml").read_text())
    steps(tmp_path, "hard", 300)
    assert "plans/hard_0" in (tmp_path / "sft.yaml").read_text()
    assert open_trainer(load_plugins(), "sft", tmp_path / "sft.yaml").name == "sft"


def test_every_family_has_the_same_weight_in_the_choice() -> None:
    config = yaml.safe_load((running.HERE / "sft.yaml").read_text())
    assert {source["name"] for source in config["dev"]} == {family.name for family in FAMILIES} | {"simulated"}
    assert not any("weight" in source for source in config["dev"])
    guarded = {source["name"] for source in config["dev"] if "most_worse" in source}
    assert guarded == {family.name for family in FAMILIES if family.condition == "clean"}


def test_every_ablation_is_a_training_of_the_same_number_of_clips(tmp_path: Path) -> None:
    plugins = load_plugins()
    steps(tmp_path)
    listed = ablations.steps(tmp_path)
    assert len({step.name for step in listed}) == len(listed)
    (ordered,) = (variant for variant in ablations.variants() if variant.is_ordered)
    learned = (tmp_path / "ablations" / f"{ordered.name}.yaml").read_text()
    assert learned.count("labels/plans_") == 10
    assert learned.count("labels/draws_") == learned.count("limit: 300") == 2
    labelled = [command for step in listed for command in step.commands if "label" in command]
    assert len(labelled) == 12
    assert [command[3] for command in labelled if command[-2:] == ("--limit", "300")] == [
        f"draws/{number}/manifest.jsonl" for number in (0, 1)
    ]
    for variant in ablations.variants():
        assert sum(phase["clips"] for phase in variant.phases) == ablations.CLIPS
        open_trainer(plugins, "sft", tmp_path / "ablations" / f"{variant.name}.yaml")
        adapter = f"ablations/{variant.name}/adapter"
        assert [command[2] for step in listed for command in step.commands if adapter in command] == ["ablation.jsonl"]


def test_what_ships_is_whole_and_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("sft/adapter/adapter_config.json", "sft/adapter/adapter_model.safetensors")
    names += ("sft/adapter/mega_lora_blocks.json", "router/audio_quality.safetensors")
    names += ("router/second_opinion.json",)
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
    names = sorted(path.stem for path in mixtures.SCENARIOS.glob("*.yaml"))
    used = {*mixtures.NOISY, *mixtures.REST}
    used |= {name for mixture in mixtures.MIXTURES.values() for group in mixture.groups for name in group.scenarios}
    assert names == sorted(used - {"all"})
    for name in names:
        assert open_scenario(str(mixtures.SCENARIOS / f"{name}.yaml"), plugins).name == name
    for trainer, name in (("sft", "sft.yaml"), ("router", "router.yaml"), ("router", "router_outcome.yaml")):
        assert open_trainer(plugins, trainer, running.HERE / name).name == trainer
