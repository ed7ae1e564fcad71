"""Tests of the recipe's driver, ablations, shipped files and configurations."""

from __future__ import annotations

import importlib.util
import itertools
import os
from pathlib import Path

import pytest

from megaasr.library.scenarios import open_scenario
from megaasr_core.base.errors import ManifestError, MegaasrError
from megaasr_core.discovery.loading import load_plugins
from megaasr_plugins.training.commands.run_trainer import open_trainer
from recipes.tiny import ablations, reproduce, router_objectives, ship


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


def test_the_steps_depend_on_the_recordings_and_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "speech").mkdir()
    clip = tmp_path / "speech" / "a.flac"
    clip.write_bytes(b"one")
    before = reproduce.inputs(tmp_path)
    assert reproduce.inputs(tmp_path) == before
    os.utime(clip, ns=(0, clip.stat().st_mtime_ns + 10**9))
    later = reproduce.inputs(tmp_path)
    assert later != before
    (tmp_path / "noise.jsonl").write_text("{}")
    assert reproduce.inputs(tmp_path) not in (before, later)
    (tmp_path / "noise.jsonl").unlink()
    monkeypatch.setattr(reproduce, "code_identity", lambda: {"sources": "of another checkout"})
    assert reproduce.inputs(tmp_path) not in (before, later)


def test_what_begins_where_the_recipe_ends_depends_on_its_last_step(tmp_path: Path) -> None:
    last = reproduce.steps(tmp_path, 300)[-1]
    assert last.name == reproduce.LAST
    before = reproduce.finished(tmp_path)
    (tmp_path / "nothing.py").write_text("")
    digests = [reproduce.run(reproduce.Step(last.name, (("nothing",),)), tmp_path, data) for data in ("one", "other")]
    assert len({before, reproduce.finished(tmp_path), *digests}) == 4
    assert reproduce.finished(tmp_path) == reproduce.finished(tmp_path)


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
