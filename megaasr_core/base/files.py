"""Files that are written whole or not at all, and text that any encoding can hold."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import ManifestError, OutputError, one_line

ESCAPED = "json_escape"
"""Name of the error handler that writes what an encoding lacks as ``\\uXXXX``, so that JSON stays JSON."""


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)), error.end


codecs.register_error(ESCAPED, _escaped)


def temporary_name(path: Path) -> Path:
    """A name beside `path`, of the same suffix, that nobody can guess; `run_folder` clears away what is left of it."""
    stem = path.stem[:40].encode("ascii", "replace").decode()
    return path.with_name(f".{stem}.{os.urandom(8).hex()}.tmp{path.suffix if len(path.suffix) <= 10 else ''}")


def real_target(path: Path) -> Path:
    """The file that `path` names through links, which stay as they are; it need not exist.

    Raises:
        OutputError: a folder, a device or a read-only file is there, or its folder is not.
    """
    try:
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise OutputError(f"cannot write {path}: it is a folder; name a file")
        if not target.parent.is_dir():
            raise OutputError(
                f"cannot write {path}: folder {target.parent} does not exist; create it or choose another"
            )
        if target.is_symlink() or (target.exists() and not target.is_file()):
            raise OutputError(f"cannot write {path}: it is a device or a broken link, not a file; name a file")
        if target.exists() and not os.access(target, os.W_OK):
            raise OutputError(f"cannot write {path}: it is read-only; make it writable or name another file")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or one_line(error)}") from error
    return target


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give an empty file beside `path`; rename it to `path` when the block ends well, remove it when it does not.

    Its name keeps the suffix, since audio writers choose the format by it. A link stays: what it names is replaced.

    Raises:
        OutputError: the place cannot be written.
    """
    target = real_target(path)
    temporary = temporary_name(target)
    try:
        temporary.touch(exist_ok=False)  # follows no link
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise OutputError(f"cannot write in {target.parent}: {reason}; choose a folder that can be written") from error
    try:
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or one_line(error)}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def read_text(path: Path) -> str:
    """Read a UTF-8 text file; ManifestError in one line when that cannot be done."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise ManifestError(f"cannot read {path}: {reason}") from error
