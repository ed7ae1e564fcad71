"""Steps of the recipe: commands that are run once, in order, and resumed after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from megaasr import MegaasrError, code_identity, content_digest

from . import command, dataset_files

HERE = Path(__file__).parent
LAST = "compare noizeus"
"""The name of the recipe's last step."""
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**33), "MALLOC_TOP_PAD_": str(2**28)}
"""glibc settings that keep freed memory of large tensors; they save a tenth of the time of training and decoding."""


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


def inputs(data: Path) -> str:
    """Digest of what all steps depend on: the code of megaasr and of the recipe, and the content of `data`.

    Of the content, not of times of change as in a run of a command: a copy of the data costs no second training.
    """
    sources = sorted(path for path in HERE.rglob("*") if path.suffix in (".py", ".txt"))
    return dataset_files.digest_of(code_identity(), dataset_files.code_digest(*map(str, sources)), content_digest(data))


def finished(out: Path) -> str:
    """Digest of the code and of the recipe that a folder holds, for steps that begin where the recipe ends."""
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
