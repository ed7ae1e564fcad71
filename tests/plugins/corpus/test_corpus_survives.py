"""`megaasr corpus` as its users meet it: several processes, killed at given moments, short of disk, begun again."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import megaasr, megaasr_process
from tests.core.fuse_plugin import VARIABLE
from tests.plugins.corpus.corpora import contents, rows_of, write_noise, write_speech

FUSE = str(Path(__file__).parents[2] / "core" / "fuse_plugin.py")
TONES = str(Path(__file__).parents[2] / "core" / "tone_plugin.py")
FORK = ("--workers", 2, "--engine-set", "start_method=fork")
"""Two workers that need not import everything again."""
POISON = 4_321
"""Samples of the one clip that `length:4321` kills a process over."""


def corpus(*args, fuse=""):
    """Run a command; one that a fuse kills is a process of its own."""
    return megaasr_process("corpus", *args, **{VARIABLE: fuse}) if fuse else megaasr("corpus", *args)


NAMED = ("--plugin", FUSE, "--plugin", TONES)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    return write_speech(folder / "speech"), write_noise(folder / "noise")


def plan(sources, out, *more, fuse=""):
    speech, noise = sources
    scenarios = ("--scenarios", "fuse_alone,room+hissy,crowd", *NAMED)
    size = ("--count", 40, "--shard-size", 5, "--seed", 3, "--convert")
    return corpus("plan", "--speech", speech, "--noise", noise, *scenarios, *size, "-o", out, *more, fuse=fuse)


@pytest.fixture(scope="module")
def planned(sources, tmp_path_factory):
    folder = tmp_path_factory.mktemp("planned") / "plan"
    done = plan(sources, folder, "--workers", 2)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def rendered(planned, tmp_path_factory):
    out = tmp_path_factory.mktemp("rendered") / "out"
    done = corpus("render", *NAMED, planned, "-o", out, "--workers", 2)
    assert (done.returncode, done.stderr) == (0, "")
    assert "40 clips" in done.stdout
    return out


@pytest.mark.parametrize(
    "options", [("--workers", 1, "--engine-set", "start_method=fork"), ("--workers", 4), ("--workers", 3, "--json")]
)
def test_the_bytes_do_not_depend_on_the_workers(sources, planned, rendered, tmp_path, options):
    assert plan(sources, tmp_path / "plan", *options).returncode == 0
    assert contents(tmp_path / "plan") == contents(planned)
    done = corpus("render", *NAMED, tmp_path / "plan", "-o", tmp_path / "out", *options)
    assert done.returncode == 0
    assert contents(tmp_path / "out") == contents(rendered)
    if "--json" in options:
        assert json.loads(done.stdout)["clips"] == 40


@pytest.mark.slow
def test_nor_on_the_engine(planned, rendered, tmp_path):
    pytest.importorskip("ray")
    done = corpus("render", *NAMED, planned, "-o", tmp_path / "out", "--workers", 2, "--engine", "ray")
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "out") == contents(rendered)


@pytest.mark.parametrize("moment", [1, 6, 12])
def test_killed_while_rendering_and_started_again(planned, rendered, tmp_path, moment):
    out = tmp_path / "out"
    killed = corpus("render", *NAMED, planned, "-o", out, *FORK, fuse=f"apply:{moment}:{tmp_path / 'count'}")
    assert killed.returncode == -signal.SIGKILL
    before = {path: path.stat().st_mtime_ns for path in out.glob("manifest-*")}
    assert len(before) < 8
    done = corpus("render", *NAMED, planned, "-o", out, *FORK)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(out) == contents(rendered)
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("moment", [2, 9])
def test_killed_while_planning_and_started_again(sources, planned, tmp_path, moment):
    # The first draw is the trial that every scenario is put to.
    killed = plan(sources, tmp_path / "plan", "--workers", 2, fuse=f"draw:{moment}:{tmp_path / 'count'}")
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "plan" / "plan.json").exists()
    assert corpus("render", *NAMED, tmp_path / "plan", "-o", tmp_path / "out").returncode == 2
    assert plan(sources, tmp_path / "plan", "--workers", 1).returncode == 0
    assert contents(tmp_path / "plan") == contents(planned)


def test_a_clip_that_kills_its_worker_costs_its_shards_alone(planned, rendered, tmp_path):
    out = tmp_path / "out"
    poisoned = {
        f"shard-{index:05d}"
        for index in range(8)
        for row in rows_of(planned / f"recipes-{index:05d}.jsonl")
        if row["recipe"]["scenario"] == "fuse_alone" and row["recipe"]["num_samples"] == POISON
    }
    assert 0 < len(poisoned) < 8
    done = corpus("render", *NAMED, planned, "-o", out, *FORK, fuse=f"length:{POISON}")
    assert done.returncode == 1
    said = done.stderr.strip().split("\n")
    assert len(said) == len(poisoned) + 1
    assert {line.split(": ")[2] for line in said[:-1]} == poisoned
    assert all("the worker died 3 times (killed by SIGKILL" in line for line in said[:-1])
    assert f"{len(poisoned)} of 8 shards failed" in said[-1]
    assert {path.stem for path in out.glob("*.tar")} == {f"shard-{index:05d}" for index in range(8)} - poisoned
    assert not list(out.glob(".*"))
    assert corpus("render", *NAMED, planned, "-o", out, *FORK).returncode == 0
    assert contents(out) == contents(rendered)


def test_where_the_disk_ends_the_rest_is_done(planned, rendered, tmp_path):
    out = tmp_path / "out"
    sizes = [path.stat().st_size for path in rendered.glob("*.tar")]
    limit = (min(sizes) + max(sizes)) // 2
    too_large = sum(size > limit for size in sizes)
    assert 0 < too_large < 8

    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, usual[1]))  # the workers inherit it
        done = corpus("render", *NAMED, planned, "-o", out, "--workers", 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert done.returncode == 1
    said = done.stderr.strip().split("\n")
    assert len(said) == too_large + 1
    assert all("cannot write" in line and "File too large" in line for line in said[:-1])
    assert len(list(out.glob("manifest-*.jsonl"))) == 8 - too_large
    assert not list(out.glob(".*"))
    assert corpus("render", *NAMED, planned, "-o", out, *FORK).returncode == 0
    assert contents(out) == contents(rendered)


@pytest.mark.usefixtures("hears_interrupts")
@pytest.mark.parametrize("moment", ["render.json", "manifest-00001.jsonl"])
def test_interrupted_it_says_one_line_and_leaves_nothing_unfinished(planned, rendered, tmp_path, moment):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "megaasr_core.cli", "corpus", "render", *NAMED, str(planned), "-o", str(out)]
    with subprocess.Popen([*command, "--workers", "2"], stderr=subprocess.PIPE, start_new_session=True) as run:
        while not (out / moment).exists():
            assert run.poll() is None
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does
        _, said = run.communicate(timeout=20)
    assert run.returncode == 130
    assert said.count(b"\n") <= 1, said.decode()
    assert not list(out.glob(".*"))
    assert corpus("render", *NAMED, planned, "-o", out, *FORK).returncode == 0
    assert contents(out) == contents(rendered)


def test_failures_are_said_counted_and_coded(sources, planned, tmp_path):
    speech = sources[0].parent / "1.flac"
    kept, before = speech.read_bytes(), speech.stat()
    try:
        speech.write_bytes(b"words")
        done = corpus("render", *NAMED, planned, "-o", tmp_path / "out", "--workers", 1, "--format", "folder", "--json")
        again = plan(sources, tmp_path / "plan", "--workers", 1, "--json")
    finally:
        speech.write_bytes(kept)
        os.utime(speech, ns=(before.st_atime_ns, before.st_mtime_ns))  # the recording of the other tests
    failed = json.loads(done.stdout)["failed"]
    assert done.returncode == 1
    assert failed > 0
    assert done.stderr.count("cannot be read as audio") == failed == len(rows_of(tmp_path / "out" / "failures.jsonl"))
    assert again.returncode == 1
    assert again.stderr.count("megaasr: left out: ") == 1
    assert json.loads(again.stdout)["unreadable"] == 1


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("--engine", "lokal"), "did you mean 'local'"),
        (("--engine-set", "start_method=teleport"), "start_method = 'teleport'"),
        (("--engine-set", "workers=0"), "workers = 0"),
    ],
)
def test_a_wrong_engine_is_one_line(planned, tmp_path, args, reason):
    done = corpus("render", *NAMED, planned, "-o", tmp_path / "out", *args)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["plan", "render"])
def test_every_command_explains_itself_with_an_example(command):
    assert f"Example: megaasr corpus {command}" in corpus(command, "--help").stdout


def test_what_a_composition_drops_is_printed_when_it_is_planned(sources, tmp_path):
    speech, noise = sources
    named = ("--scenarios", "room+hissy,crowd+room+hissy", "--plugin", TONES)
    size = ("--count", 2, "--convert", "--workers", 1)
    done = corpus("plan", "--speech", speech, "--noise", noise, *named, *size, "-o", tmp_path / "plan")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [  # what the registered room+hissy drops is in the list of scenarios
        f"megaasr: note: scenario crowd+room+hissy: step {step} of hissy is dropped: merges with gain of room"
        for step in ("down", "up")
    ]
