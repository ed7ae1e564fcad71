"""Runs the cases of a kind in a child process, and goes on in a new one behind a case that hangs or ends it."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .oracle import CRASH, HANG, ROOT, Fault

QUIET_S = 120.0
"""A case that takes longer hangs; most take milliseconds, so that the speed of the machine does not matter."""
START_S = 600.0
"""How long the process may take before its first case: it imports torch and compiles kernels."""


@dataclass(frozen=True)
class Result:
    """What became of one case.

    Args:
        kind, seed, number: which case.
        note: what was done to the input; command: what takes it.
        faults: what was wrong; nothing for most.
        accepted, refused: calls that returned, and that were refused as they should be.
    """

    kind: str
    seed: int
    number: int
    note: str = ""
    command: str = ""
    faults: tuple[Fault, ...] = field(default=())
    accepted: int = 0
    refused: int = 0

    @property
    def again(self) -> str:
        """The command that runs this case again."""
        return f"python -m tests.fuzz --kind {self.kind} --seed {self.seed} --only {self.number}"

    def __str__(self) -> str:
        faults = "; ".join(f"{one.fault} in {one.call}: {one.detail} {one.where}" for one in self.faults)
        return f"{self.again}\n  {self.note}\n  {faults}"


@dataclass(frozen=True)
class Job:
    """The cases `start`..`stop` of a kind."""

    kind: str
    start: int
    stop: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.start}:{self.stop}"


def run_jobs(jobs: Sequence[Job], seed: int, work: Path, quiet_s: float = QUIET_S) -> Iterator[Result]:
    """The results of all cases, in order.

    Args:
        work: folder for the files of the cases; ``failed`` in it keeps those of cases that failed.
        quiet_s: how long a case may take before it counts as a hang.
    """
    work = work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    left = [job for job in jobs if job.start < job.stop]
    while left:
        with _Child(left, seed, work) as child:
            for result in child.results(quiet_s):
                left = _behind(left, result)
                yield result
        if (child.code == 0 and left) or not child.began:
            raise RuntimeError(f"the child process could not start: {child.log()}")


def run_cases(kind: str, seed: int, start: int, stop: int, work: Path, quiet_s: float = QUIET_S) -> Iterator[Result]:
    """As `run_jobs`, for the cases `start`..`stop` of one kind."""
    return run_jobs([Job(kind, start, stop)], seed, work, quiet_s)


def _behind(jobs: list[Job], done: Result) -> list[Job]:
    """What is left behind a case."""
    place = next(place for place, job in enumerate(jobs) if job.kind == done.kind)
    rest = replace(jobs[place], start=done.number + 1)
    return [*([rest] if rest.start < rest.stop else []), *jobs[place + 1 :]]


def keep_folder(folder: Path, kept: Path) -> None:
    """Copy the files of a case as far as that can be done: hostile ones may have names that are too long."""
    shutil.rmtree(kept, ignore_errors=True)
    with suppress(shutil.Error, OSError):
        shutil.copytree(folder, kept, symlinks=True)
    kept.mkdir(parents=True, exist_ok=True)


class _Child:
    """One child process."""

    def __init__(self, jobs: list[Job], seed: int, work: Path) -> None:
        self._seed = seed
        self._work, self._log = work, work / f"log-{jobs[0].kind}-{jobs[0].start}.txt"
        self.began = False
        reading, writing = os.pipe()
        command = [sys.executable, "-m", "tests.fuzz.child", *map(str, (writing, work, seed, *jobs))]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                pass_fds=(writing,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=environment,
            )
        os.close(writing)
        self._pipe = os.fdopen(reading, "rb", buffering=0)

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pipe.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    @property
    def code(self) -> int | None:
        return self._process.poll()

    def log(self) -> str:
        """The end of what the process and the libraries in it wrote."""
        return self._log.read_text(errors="replace")[-3000:]

    def results(self, quiet_s: float) -> Iterator[Result]:
        """The results until the process ends; the last may be a hang or a crash."""
        begun: dict[str, Any] | None = None
        for message in self._messages(quiet_s):
            if "begin" in message:
                self.began, begun = True, message
            elif begun is not None:
                faults = tuple(Fault(**fault) for fault in message["faults"])
                yield self._result(begun, faults, message["accepted"], message["refused"])
                begun = None
        self._end()
        if begun is not None:
            name = f"{begun['kind']}-{self._seed}-{begun['begin']}"
            shutil.copytree(
                self._work / "cases" / name, self._work / "failed" / name, dirs_exist_ok=True, symlinks=True
            )
            what = HANG if self._hung else CRASH
            ended = f"no end after {quiet_s:g} s" if self._hung else f"the process ended with {self.code}"
            yield self._result(begun, (Fault(what, begun["command"], f"{ended}: {self._innermost()}"),), 0, 0)

    def _messages(self, quiet_s: float) -> Iterator[dict[str, Any]]:
        self._hung = False
        waiting = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._pipe, selectors.EVENT_READ)
            while True:
                if not selector.select(quiet_s if self.began else START_S):
                    self._hung = True
                    return
                if not (chunk := self._pipe.read(1 << 16)):
                    return
                *lines, waiting = (waiting + chunk).split(b"\n")
                yield from map(json.loads, lines)

    def _end(self) -> None:
        """Let a process that hangs write where it is, and wait for the end."""
        if self._hung:
            self._process.send_signal(signal.SIGABRT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self._process.kill()
        self._process.wait()

    def _innermost(self) -> str:
        """The stack that faulthandler wrote, innermost first, in one line."""
        lines = [line.strip() for line in self.log().splitlines()]
        return " < ".join(line.removeprefix("File ") for line in lines if line.startswith(("File ", "Fatal")))[:600]

    def _result(self, begun: dict[str, Any], faults: tuple[Fault, ...], accepted: int, refused: int) -> Result:
        key = begun["kind"], self._seed, begun["begin"]
        return Result(*key, begun["note"], begun["command"], faults, accepted, refused)
