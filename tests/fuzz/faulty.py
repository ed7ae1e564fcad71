"""Kind `faulty`: a case of every fault, for the tests of the oracle and of the campaign themselves."""

from __future__ import annotations

import ctypes
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import numpy as np

from megaasr import AudioError

from .cases import Case, Kind
from .oracle import CRASH, HANG, LEFT, MEMORY, MESSAGE, TRACEBACK, WRONG, Check, Judge, check_samples


class Faulty(Kind):
    """The cases of `CASES`, in order."""

    name: ClassVar[str] = "faulty"

    def make(self, rng: Random, folder: Path) -> Case:
        """The next case; its number is that of the folder."""
        fault, function, check = CASES[int(folder.name.rpartition("-")[2])]
        (folder / "input").write_text(fault)
        return Case(fault, lambda judge: _call(judge, lambda: function(folder), check), "megaasr")


def _call(judge: Judge, function: Callable[[], Any], check: Check) -> None:
    judge.call("call", function, check)


def _refuse(text: str) -> Callable[[Path], Any]:
    def refuse(folder: Path) -> Any:
        raise AudioError(text.format(folder))

    return refuse


def _short(samples: Any) -> str | None:
    return check_samples(samples, 100)


FINE = "fine"
CASES: tuple[tuple[str, Callable[[Path], Any], Check], ...] = (
    (FINE, lambda folder: np.zeros(100, np.float32), _short),
    (FINE, _refuse("{}: is damaged; copy it again"), _short),
    (TRACEBACK, lambda folder: int("x"), _short),
    (TRACEBACK, lambda folder: _nested(0), _short),
    (CRASH, lambda folder: ctypes.string_at(0), _short),
    (FINE, lambda folder: np.ones(101, np.float32), _short),
    (HANG, lambda folder: threading.Event().wait(), _short),
    (MEMORY, lambda folder: np.zeros(2**33, np.uint8), _short),
    (MEMORY, lambda folder: np.ones(600 * 2**20, np.uint8)[:100], _short),
    (WRONG, lambda folder: np.zeros(99, np.float32), _short),
    (WRONG, lambda folder: np.full(100, np.nan, np.float32), _short),
    (WRONG, lambda folder: np.full(100, 1e38, np.float32), _short),
    (MESSAGE, _refuse("is damaged; copy it again"), _short),
    (MESSAGE, _refuse(""), _short),
    (MESSAGE, _refuse("{}: is damaged" + "!" * 9000), _short),
    (LEFT, lambda folder: (folder / "left").touch(), lambda result: None),
    (LEFT, lambda folder: random.seed(0), lambda result: None),
    (LEFT, lambda folder: np.random.seed(0), lambda result: None),  # noqa: NPY002
    (LEFT, lambda folder: os.chdir("/"), lambda result: None),
    (FINE, lambda folder: np.ones(101, np.float32), _short),
)


def _nested(depth: int) -> int:
    return _nested(depth + 1)
