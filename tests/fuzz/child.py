"""The process in which cases run: it says over a pipe which case begins and what became of it.

The campaign starts it with `python -m tests.fuzz.child PIPE WORK KIND SEED START STOP`; see `campaign`.
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
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

ADDRESS_SPACE = 1024 * 2**20
"""What a case may reserve beyond what the process has at its start; more raises MemoryError."""
LARGEST_FILE = 256 * 2**20


def main(pipe: int, work: Path, kind: str, seed: int, start: int, stop: int) -> None:
    """Run the cases `start`..`stop`; inputs of cases that fail stay in ``work/failed``."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    import rich.progress  # noqa: F401  # draws from `random` when it is imported

    from .campaign import keep_folder
    from .cases import generator
    from .kinds import kind_named
    from .oracle import Judge

    with os.fdopen(pipe, "w", encoding="utf-8") as out:
        home, scratch = work / "home" / kind, work / "scratch"
        for folder in (home, scratch / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(scratch / "tmp")
        os.environ["PATH"] = "/usr/bin:/bin"
        os.chdir(scratch)
        cases = kind_named(kind)(home)
        _limit_memory()
        for number in range(start, stop):
            folder = work / "cases" / f"{kind}-{seed}-{number}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            case = cases.make(generator(seed, kind, number), folder)
            _say(out, {"begin": number, "note": case.note[:1000], "command": case.command})
            judge = Judge(folder, (folder.name,), case.written)
            case.run(judge)
            faults = [asdict(fault) for fault in judge.faults]
            if faults:
                keep_folder(folder, work / "failed" / folder.name)
            _say(out, {"end": number, "faults": faults, "accepted": judge.accepted, "refused": judge.refused})
            shutil.rmtree(folder, ignore_errors=True)
            if number % 200 == 0:
                gc.collect()


def _limit_memory() -> None:
    reserved = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (reserved + ADDRESS_SPACE, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _say(out: IO[str], message: dict[str, Any]) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], *map(int, sys.argv[4:7]))
