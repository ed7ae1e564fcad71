"""Run the whole recipe, from recordings and packages to weights and tables: ``make reproduce DATA=DIR``.

    python -m recipes.tiny.reproduce DATA --out OUT

Every step prints its command and runs it. A completed step is skipped unless its command, an earlier step, the code or
the recordings have changed; a killed step resumes where it stopped. Where a folder of a training or a plan is of other
code or data, the step says which part differs, and which folder to remove.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from megaasr import MegaasrError, RecordingsState, code_identity, write_text

from . import command, dataset_files

HERE = Path(__file__).parent
SCENARIOS = HERE / "scenarios"
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**33), "MALLOC_TOP_PAD_": str(2**28)}
"""glibc settings that keep freed memory of large tensors; they save a tenth of the time of training and decoding."""
NOISY = ",".join(str(SCENARIOS / f"{name}.yaml") for name in ("wide_noise", "phone_noise"))
REST = ",".join(str(SCENARIOS / f"{name}.yaml") for name in ("quiet_phone", "room_noise"))
EASIER = ("--severity", "sqrt-backward")
EFFECTS = ("noise", "far_field", "obstructed", "echo_reverb", "recording", "distortion", "dropout")
DRAWS = 2
"""Number of draws of passages and plans for the adapter; the router is trained on a separate draw."""
LAST = "compare evaluation"
"""The name of the last step."""
ROUTERS = {"by_sound": "audio_quality", "routed": "second_opinion"}
"""Routers to evaluate, by the name of their results."""


@dataclass(frozen=True)
class Step:
    """One command of the recipe, or several that run in parallel, as many at once as there are cores.

    Args:
        name: name of its mark below OUT/steps.
        commands: arguments of ``python -m``, run in OUT.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]


def megaasr(name: str, *arguments: str) -> Step:
    """A step that runs a command of `megaasr`."""
    return Step(name, (("megaasr_core.cli", *arguments),))


def recipe(name: str, *arguments: str) -> Step:
    """A step that runs a module of this recipe; the first word of the step's name is the module."""
    return Step(name, ((f"recipes.tiny.{name.partition(' ')[0]}", *arguments),))


def together(name: str, *steps: Step) -> Step:
    """One step that runs the commands of several in parallel: two decodings of one thread each share two cores well."""
    return Step(name, tuple(command for step in steps for command in step.commands))


def plan(name: str, scenarios: str, count: int, seed: int, speech: str, *options: str) -> Step:
    """A step that plans a corpus over recordings of speech, with noises and room responses of the same split."""
    split = "dev" if speech.startswith("dev/") else "train"
    banks = ("--noise", f"noise/{split}.jsonl", "--rir", f"rir/{split}.jsonl")
    counted = ("--count", str(count), "--seed", str(seed))
    return megaasr(
        f"plan {name}", "corpus", "plan", "--speech", speech, *banks, "--scenarios", scenarios, *counted, *options,
        "-o", f"plans/{name}",
    )  # fmt: skip


def draw(number: int, passages: int) -> list[Step]:
    """The steps of one draw of training data for the adapter: passages, and plans of about 2.6 samples a passage."""
    folder = f"draws/{number}"
    speech = f"{folder}/manifest.jsonl"
    thinned, counted = ("--thin", "packages"), ("--count", str(passages), "--seed", str(100 + number))
    return [
        recipe(f"pack_speech of {folder}", "clean/train.jsonl", "--out", folder, *thinned, *counted),
        plan(f"wild_{number}", "all", passages * 14 // 15, 1000 + number, speech, *EASIER),
        plan(f"hard_{number}", "all", passages * 8 // 15, 2000 + number, speech),
        plan(f"noise_{number}", NOISY, passages * 14 // 15, 3000 + number, speech),
        plan(f"rest_{number}", REST, passages * 2 // 9, 4000 + number, speech),
    ]


def steps(data: Path, passages: int) -> list[Step]:
    """All steps of the recipe, in order.

    Args:
        data: folder of the recordings.
        passages: number of passages of clean speech for the router; each draw for the adapter has 15 % as many.
    """
    real = data / "dev_real" / "noizeus" / "manifest.jsonl"
    held = ("--held-out", str(real)) if real.is_file() else ()
    packed = "packs/manifest.jsonl"
    drawn = [step for number in range(DRAWS) for step in draw(number, passages * 3 // 20)]
    dev_speech = "dev/passages/manifest.jsonl"
    never_single = ("--single", "0")
    evaluated = ("plans/singles", "plans/wild_dev", "dev/quiet/manifest.jsonl")
    return [
        recipe("build_speech", "speech", *held),
        recipe("select_speech", str(data), "packages=speech", "--out", "clean", *held),
        recipe("build_noise", str(data), "--out", "noise"),
        recipe("pack_speech", "clean/train.jsonl", "--out", "packs", "--count", str(passages)),
        recipe("manifests", str(data), "--out", "."),
        recipe("pack_speech of dev", "dev/clean.jsonl", "--out", "dev/passages", "--count", "400", *never_single),
        recipe("pack_speech of dev, clean", "dev/clean.jsonl", "--out", "dev/quiet", "--count", "190", *never_single),
        plan("wild", "all", passages * 7 // 30, 1, packed, *EASIER),
        plan("noise", NOISY, passages * 9 // 30, 2, packed),
        plan("rest", REST, passages * 2 // 30, 3, packed),
        *drawn,
        plan("choose", "all", 54, 11, "dev/clean.jsonl"),
        plan("outcome", "all", 270, 12, "dev/clean.jsonl"),
        plan("singles", ",".join(EFFECTS), 665, 13, dev_speech),
        plan("wild_dev", "all", 702, 14, dev_speech),  # so that each slice of the tables has 3,000 words
        megaasr("train sft", "train", "sft", str(HERE / "sft.yaml"), "-o", "sft"),
        *map(both_ways, ("plans/outcome", "dev/clean.jsonl")),
        recipe("outcomes of simulated", *results("outcome"), "--out", "results/outcome.jsonl"),
        recipe("outcomes of clean", *results("clean"), "--out", "results/clean.jsonl"),
        megaasr("train router", "train", "router", str(HERE / "router.yaml"), "-o", "router"),
        *compared("dev/clean.jsonl", "source"),
        *(measured("dev/real.jsonl", "snr_db", "noise", "chosen_by") if held else ()),
        recipe("join_manifests", *evaluated, "--out", "dev/evaluation.jsonl"),
        *measured("dev/evaluation.jsonl", "condition", "effect", "effects", "severity", "scenario"),
    ]


def measured(source: str, *by: str) -> list[Step]:
    """The steps that decode a source both ways and compare base, adapter and routers, with curves."""
    return [both_ways(source), *compared(source, *by, curves=True)]


def compared(source: str, *by: str, curves: bool = False) -> list[Step]:
    """The steps that route a decoded source by each router and compare all systems with the base."""
    name, (base, robust) = stem(source), results(stem(source))
    fields = [part for field in by for part in ("--by", field)]
    chosen = {system: f"results/{name}.{system}.jsonl" for system in ROUTERS}
    systems = [f"{system}={path}" for system, path in {"robust": robust, **chosen}.items()]
    written = ["--report", f"report/{name}.md", "--summary", f"report/{name}.json"]
    written += ["--curves", f"report/{name}.png"] if curves else []
    decoded = (source, base, robust, "--weights", "router/audio_quality.safetensors")
    return [
        *(
            recipe(f"routed {name} by {router}", *decoded, "--router", router, "--out", chosen[system])
            for system, router in ROUTERS.items()
        ),
        megaasr(f"compare {name}", "compare", base, *systems, "--oracle", "robust", *fields, *written),
    ]


def stem(source: str) -> str:
    """The name of the results of a manifest or a plan: the last part of its path, without suffix."""
    return Path(source).stem


def results(name: str) -> tuple[str, str]:
    """The paths of the results of the base and of the adapter."""
    return f"results/{name}.base.jsonl", f"results/{name}.robust.jsonl"


def both_ways(source: str) -> Step:
    """The step that decodes a source by the base and by the adapter."""
    return together(f"both ways {stem(source)}", by_base(source), by_adapter("robust", source, "sft/adapter"))


def by_base(source: str) -> Step:
    """The step that decodes a source by the base."""
    name = stem(source)
    return megaasr(f"base on {name}", "eval", source, results(name)[0], "--router", "always_base", "--batch-size", "64")


def by_adapter(system: str, source: str, adapter: str) -> Step:
    """The step that decodes a source by an adapter; the results carry the name of the system."""
    name, how = stem(source), ("--adapter", adapter, "--router", "always_robust", "--batch-size", "64")
    return megaasr(f"{system} on {name}", "eval", source, f"results/{name}.{system}.jsonl", *how)


def inputs(data: Path) -> str:
    """Digest of what all steps depend on: code of megaasr and of the recipe, sizes and times of the files of `data`."""
    files = RecordingsState()
    files.add_files(sorted(path for path in data.rglob("*") if path.is_file()))
    sources = sorted(path for path in HERE.rglob("*") if path.suffix in (".py", ".txt"))
    return dataset_files.digest_of(code_identity(), dataset_files.code_digest(*map(str, sources)), files.hexdigest())


def finished(out: Path) -> str:
    """Digest of the code and of the recipe that a folder holds, for steps that begin where it ends."""
    mark = out / "steps" / dataset_files.slug(LAST) / dataset_files.DONE
    return dataset_files.digest_of(code_identity(), mark.read_text(encoding="utf-8") if mark.is_file() else None)


def run(step: Step, out: Path, before: str) -> str:
    """Run a step unless it is complete, and return its digest, on which the digest of the next step depends.

    Args:
        step: the step to run.
        out: the recipe's folder.
        before: digest of the step before.

    Raises:
        MegaasrError: a command of the step failed.
    """
    parts = [name for command in step.commands for part in command for name in part.split(",")]
    settings = [Path(name).read_text(encoding="utf-8") for name in parts if name.endswith(".yaml")]
    digest = dataset_files.digest_of(step.commands, settings, before)
    folder = out / "steps" / dataset_files.slug(step.name)
    if dataset_files.is_done(folder, digest):
        return digest
    dataset_files.mark_undone(folder)
    parallel = min(len(step.commands), os.cpu_count() or 1)
    with ThreadPoolExecutor(parallel) as pool:
        codes = list(pool.map(lambda arguments: start(arguments, out, parallel), step.commands))
    if any(codes):
        failed = next(filter(None, codes))
        raise MegaasrError(f"step {step.name!r} ended with exit code {failed}; run the recipe again to resume it")
    dataset_files.mark_done(folder, digest)
    return digest


def start(arguments: tuple[str, ...], out: Path, parallel: int) -> int:
    """Run a command as one of `parallel` commands that share the cores, and return its exit code."""
    command.say(f"[{time.strftime('%H:%M:%S')}] python -m {' '.join(arguments)}")
    path = os.pathsep.join(filter(None, (str(HERE.parents[1]), os.environ.get("PYTHONPATH"))))  # for `recipes` itself
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // parallel))} if parallel > 1 else {}
    environment = {**KEEP_MEMORY, **threads, **os.environ, "PYTHONPATH": path}
    return subprocess.run([sys.executable, "-m", *arguments], cwd=out, check=False, env=environment).returncode


def main(
    data: Annotated[Path, typer.Argument(help="Folder with speech/, noise/, rir/ and perhaps dev_real/.")],
    out: Annotated[Path, typer.Option(help="Folder to write everything to.")],
    passages: Annotated[int, typer.Option(min=300, help="Number of passages of clean speech.")] = 3_000,
) -> None:
    """Build the data, train adapter and router, and evaluate both."""
    out.mkdir(parents=True, exist_ok=True)
    started, digest = time.monotonic(), inputs(data.resolve())
    for folder in ("dev", "report", "results"):
        (out / folder).mkdir(exist_ok=True)
    for step in steps(data.resolve(), passages):
        digest = run(step, out, digest)
    write_text(out / "WALL_TIME", f"{time.monotonic() - started:.0f} s\n")


if __name__ == "__main__":
    command.run(main)
