"""What every case must satisfy: a sane result, or one `MegaasrError` of one line; nothing else may have changed."""

from __future__ import annotations

import os
import random
import sys
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from megaasr import MegaasrError

TRACEBACK, HANG, CRASH, MEMORY, WRONG, MESSAGE, LEFT = (
    *("traceback", "hang", "crash", "over memory", "wrong success", "message", "left behind"),
)
FAULTS = (TRACEBACK, HANG, CRASH, MEMORY, WRONG, MESSAGE, LEFT)
"""What can be wrong with a case. A hang and the end of the process are seen by the campaign, the others here."""
MOST_BYTES = 512 * 2**20
"""Memory that a case may take beyond what the process had before it."""
LONGEST_MESSAGE = 8_000
ROOT = Path(__file__).parents[2]

Check = Callable[[Any], str | None]
"""Of a result: what is wrong with it, or None."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a case.

    Args:
        fault: one of `FAULTS`.
        call: the function or command.
        detail: the exception, or what is wrong, in one line.
        where: file and line of the project's innermost frame, where there is one.
    """

    fault: str
    call: str
    detail: str
    where: str = ""


class Judge:
    """Calls functions on one case and records what is wrong.

    Args:
        folder: of the case.
        names: one of these must occur in a message: names of the case's files.

    Attributes:
        faults: what was wrong.
        accepted, refused: calls that returned, and that raised a `MegaasrError`.
    """

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self.folder = folder
        self.faults: list[Fault] = []
        self.accepted = self.refused = 0
        self._names = names

    def call(self, label: str, function: Callable[[], Any], check: Check = lambda result: None) -> Any:
        """The result of a call, or None when it was refused or is wrong."""
        try:
            result = function()
            self.accepted += 1
            wrong = check(result)
        except MegaasrError as error:
            self.refused += 1
            self._judge_error(label, error)
        except MemoryError as error:
            self._add(MEMORY, label, repr(error), error)
        except Exception as error:
            self._add(TRACEBACK, label, repr(error), error)
        else:
            if not wrong:
                return result
            self._add(WRONG, label, wrong)
        return None

    @contextmanager
    def watching(self, written: tuple[str, ...] = ()) -> Iterator[None]:
        """See that the calls of this block leave everything as it was, and that they need little memory.

        Args:
            written: names of files or folders in the case's folder that the calls may write.
        """
        before, files = _state(), self._files(written)
        _forget_peak()
        resident = _resident_bytes("VmRSS")
        yield
        if (taken := _resident_bytes("VmHWM") - resident) > MOST_BYTES:
            self._add(MEMORY, "the case", f"{taken / 2**20:.0f} MiB")
        for what, value in _state().items():
            if value != before[what]:
                self._add(LEFT, "the case", f"{what} changed")
        _restore(before)
        if added := self._files(written) - files:
            self._add(LEFT, "the case", f"files {sorted(added)[:3]}")

    def take(self, other: Judge) -> None:
        """Add what another judge of the same case has recorded."""
        self.faults += other.faults
        self.accepted += other.accepted
        self.refused += other.refused

    def _judge_error(self, label: str, error: MegaasrError) -> None:
        text = str(error)
        faults = {
            "no text": not text.strip(),
            "several lines": "\n" in text.strip() or "\r" in text,
            f"{len(text)} characters": len(text) > LONGEST_MESSAGE,
            "names no file": not (text.startswith("/") or any(name in text for name in self._names)),
        }
        for what, present in faults.items():
            if present:
                self._add(MESSAGE, label, f"{what}: {type(error).__name__}: {text}", error)
        if any(isinstance(cause, MemoryError) for cause in _causes(error)):
            self._add(MEMORY, label, text, error)

    def _add(self, fault: str, call: str, detail: str, error: BaseException | None = None) -> None:
        self.faults.append(Fault(fault, call, _shown(detail), _where(error) if error else ""))

    def _files(self, written: tuple[str, ...]) -> set[str]:
        found = set()
        for parent, folders, files in os.walk(self.folder):
            for name in (*folders, *files):
                path = os.path.relpath(os.path.join(parent, name), self.folder)  # noqa: PTH118
                if not written or not path.startswith(written):
                    found.add(path)
        return found


def check_samples(samples: Any, least: int, flags: Collection[str] = ()) -> str | None:
    """What is wrong with samples that were accepted: not finite, unbounded, or fewer than `least` without a flag."""
    if not np.isfinite(samples).all():
        return "samples are not finite"
    if len(samples) and (peak := float(np.abs(samples).max())) > LOUDEST:
        return f"a sample of {peak:.3g}"
    if len(samples) < least and not flags:
        return f"{len(samples)} samples of at least {least}, without a flag"
    return None


LOUDEST = 2.0**32
"""Above what integers in a float file can reach, so that it is damage."""


def _state() -> dict[str, Any]:
    """What a call must leave as it is."""
    torch = sys.modules.get("torch")
    return {
        "working folder": os.getcwd(),  # noqa: PTH109
        "random state": random.getstate(),
        "numpy random state": np.random.get_state()[1].tobytes(),  # type: ignore[index,union-attr]  # noqa: NPY002
        "torch random state": torch.get_rng_state().numpy().tobytes() if hasattr(torch, "get_rng_state") else b"",
        "file executed": Path("executed").exists(),
        "plugins named by data": "fuzz_canary" in sys.modules,
        "environment": dict(os.environ),
    }


def _restore(state: dict[str, Any]) -> None:
    os.chdir(state["working folder"])
    random.setstate(state["random state"])
    Path("executed").unlink(missing_ok=True)
    for name in [name for name in sys.modules if "fuzz_canary" in name]:
        del sys.modules[name]


def _forget_peak() -> None:
    """Let the kernel measure the peak of resident memory from now on."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _resident_bytes(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return 1024 * int(line.split()[1])
    return 0


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        frame for frame in frames if Path(frame.filename).is_relative_to(ROOT) and "tests/fuzz" not in frame.filename
    ]
    ours = [frame for frame in ours if ".venv" not in frame.filename]
    return f"{Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}" if ours else ""


def _shown(text: str) -> str:
    line = " ".join(text.encode("unicode_escape", "replace").decode().split())
    return line if len(line) <= 400 else f"{line[:400]}…"
