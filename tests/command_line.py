"""The command line as tests call it: inside their own process, which has imported everything, or in a new one."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from unittest import mock

from megaasr.library import text
from megaasr_core.cli.main import main
from megaasr_core.discovery import loading

ROOT = Path(__file__).parents[1]
LOGS = ("megaasr", "megaasr.plugins")


def megaasr(
    *args: object, cwd: Path | None = None, path: str | Path = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``megaasr`` in this process; environment, folder, log and the modules of plugins are restored after it.

    Args:
        args: the words behind ``megaasr``.
        cwd: folder to run in.
        path: folder whose modules and distributions can be imported.
        environment: variables to set.
    """
    words = [str(word) for word in args]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(sys, "argv", ["megaasr", *words]))
        stack.enter_context(mock.patch.dict(os.environ, environment))
        stack.enter_context(mock.patch.object(text, "_used", []))  # the normalisers that the call uses
        stack.enter_context(chdir(cwd or Path.cwd()))
        stack.enter_context(mock.patch.object(loading, "entry_points", entry_points))  # which fixtures replace
        stack.enter_context(_restored_imports())
        stack.enter_context(_restored_log())
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        sys.path[:0] = [str(path)] if path else []
        try:
            main()
            code = 0
        except SystemExit as done:
            code = int(done.code or 0)
        except Exception:
            traceback.print_exc()
            code = 1
    return subprocess.CompletedProcess(words, code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


def refused(*args: object, code: int = 2, **options: Any) -> str:
    """Run a call that must fail, and return its one line."""
    result = megaasr(*args, **options)
    assert result.returncode == code, result.stderr
    lines = result.stderr.strip().split("\n")
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("megaasr: error: ")
    return lines[0]


def megaasr_process(*args: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """As `megaasr`, in a process and a process group of its own: for calls that are killed."""
    command = [sys.executable, "-m", "megaasr_core.cli", *map(str, args)]
    variables = {**os.environ, **environment}
    return subprocess.run(
        command, cwd=cwd, env=variables, capture_output=True, text=True, check=False, start_new_session=True
    )


@contextmanager
def _restored_imports() -> Iterator[None]:
    """Forget the modules that files outside the project and its environment have given."""
    before, path = set(sys.modules), list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if name.startswith("megaasr_plugin_") or (file and not _is_installed(Path(file))):
                del sys.modules[name]


def _is_installed(file: Path) -> bool:
    return any(file.is_relative_to(folder) for folder in (ROOT, sys.prefix, sys.base_prefix))


@contextmanager
def _restored_log() -> Iterator[None]:
    """Run with the log as a new process has it."""
    root, levels = logging.getLogger(), {name: logging.getLogger(name).level for name in LOGS}
    handlers = root.handlers[:]
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = handlers
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
