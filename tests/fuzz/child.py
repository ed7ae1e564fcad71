"""The process in which cases run: it says over a pipe which case begins and what became of it.

The campaign starts it with `python -m tests.fuzz.child PIPE WORK SEED KIND:START:STOP...`; see `campaign`.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import resource
import shutil
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cases import Kind

ADDRESS_SPACE = 1024 * 2**20
"""What a case may reserve beyond what the process has at its start; more raises MemoryError."""
LARGEST_FILE = 160 * 2**20


def main(pipe: int, work: Path, seed: int, jobs: Sequence[str]) -> None:
    """Run the cases of the jobs; inputs of cases that fail stay in ``work/failed``."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    import rich.progress  # noqa: F401  # draws from `random` when it is imported

    from .kinds import kind_named

    with os.fdopen(pipe, "w", encoding="utf-8") as out:
        scratch = work / "scratch"
        (scratch / "tmp").mkdir(parents=True, exist_ok=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(scratch / "tmp")
        os.environ["PATH"] = "/usr/bin:/bin"
        os.chdir(scratch)
        for job in jobs:
            name, start, stop = job.split(":")
            home = work / "home" / name
            home.mkdir(parents=True, exist_ok=True)
            _limit_memory(None)
            kind = kind_named(name)(home)
            _limit_memory(ADDRESS_SPACE)
            for number in range(int(start), int(stop)):
                _run(kind, seed, number, work, out)


def _run(kind: Kind, seed: int, number: int, work: Path, out: IO[str]) -> None:
    from .campaign import keep_folder
    from .cases import generator
    from .oracle import Judge

    folder = work / "cases" / f"{kind.name}-{seed}-{number}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    case = kind.make(generator(seed, kind.name, number), folder)
    _say(out, {"kind": kind.name, "begin": number, "note": case.note[:1000], "command": case.command})
    judge = Judge(folder, (folder.name,))
    with judge.watching(case.written):
        case.run(judge)
    faults = [asdict(fault) for fault in judge.faults]
    if faults:
        keep_folder(folder, work / "failed" / folder.name)
    _say(out, {"end": number, "faults": faults, "accepted": judge.accepted, "refused": judge.refused})
    shutil.rmtree(folder, ignore_errors=True)
    if number % 200 == 0:
        gc.collect()


def _limit_memory(more: int | None) -> None:
    """Let the process reserve so many bytes beyond what it has; None: no limit."""
    reserved = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = resource.RLIM_INFINITY if more is None else reserved + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _say(out: IO[str], message: dict[str, Any]) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
