"""Unpacks untrusted archives: only files and folders, only below one folder, which appears when it is complete."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from glob import escape
from pathlib import Path

from megaasr import MegaasrError, OutputError, one_line

from .archive_limits import shared_account
from .archive_members import Destination
from .archive_stream import ArchiveStream, DamagedError
from .errors import FetchError
from .tar_archive import unpack_tar
from .zip_archive import unpack_zip

PARTIAL = ".partial"
SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar", ".zip")
ZIP_MAGIC = (b"PK\3\4", b"PK\5\6")
HTML = (b"<!doctype html", b"<html")
NAME_KEPT = 80
"""Characters of the final name that the temporary name repeats."""


def is_archive(path: Path) -> bool:
    """Whether a file has the suffix of an archive that `extract` supports."""
    return path.name.lower().endswith(SUFFIXES) and path.is_file()


def folder_name(path: Path) -> str:
    """An archive's name without its suffix: the name of the folder that it is unpacked into."""
    name = path.name
    ending = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")
    return name.removesuffix(name[len(name) - len(ending) :]) if ending else name


def unpack(archive: Path, folder: Path, finish: Callable[[Path], None]) -> None:
    """Unpack an archive into a folder that appears only when complete; a single top-level folder is stripped.

    Args:
        archive: tar (plain, gz, bz2, xz) or zip.
        folder: must not exist, or be empty. What a killed run has left beside it is removed.
        finish: called with the unpacked folder before it gets its final name; archives that it unpacks with
            `extract` share the limits of this one.

    Raises:
        FetchError: the archive is damaged, holds a member that is refused, or unpacks to more than `ArchiveLimits`.
        OutputError: the folder is there already, or cannot be written.
    """
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"cannot unpack {archive}: {folder} is there already; remove it, or name another folder")
    _remove_unfinished(folder)
    private = folder.with_name(f".{folder.name[:NAME_KEPT]}.{secrets.token_hex(8)}{PARTIAL}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        private.mkdir(mode=0o700)
        content = private / "content"
        content.mkdir()
        with shared_account(archive):
            extract(archive, content)
            inside = list(content.iterdir())
            top = inside[0] if len(inside) == 1 and inside[0].is_dir() else content
            finish(top)
        top.replace(folder)
    except OSError as error:
        raise OutputError(f"cannot unpack {archive} into {folder}: {error.strerror or one_line(error)}") from error
    finally:
        shutil.rmtree(private, ignore_errors=True)


def extract(archive: Path, folder: Path) -> None:
    """Unpack every member of an archive below `folder`.

    Raises:
        FetchError: the archive is damaged or encrypted, a member is refused (links, devices, names that lead out of
            the folder or occur twice), or it unpacks to more than `ArchiveLimits`.
        OutputError: the folder cannot be written, or the disk is full.
    """
    try:
        with archive.open("rb") as file, shared_account(archive) as account:
            start = file.read(512)
            file.seek(0)
            if start.lstrip().lower().startswith(HTML):
                raise DamagedError("it is an HTML page")
            into = Destination(archive, folder, account)
            if start.startswith(ZIP_MAGIC):
                unpack_zip(file, into)
            else:
                unpack_tar(ArchiveStream(archive, file, account), into)
            if not into.num_files:
                raise DamagedError("it holds no file")
    except MegaasrError:
        raise
    except OSError as error:
        raise FetchError(f"cannot read {archive}: {error.strerror or one_line(error)}") from error
    except Exception as error:  # the decompressors and zipfile raise a dozen types for damaged data
        why = one_line(error) or type(error).__name__
        raise FetchError(f"{archive}: damaged or not an archive ({why[:200]}); fetch it again") from error


def _remove_unfinished(folder: Path) -> None:
    """Remove what killed runs have left beside `folder`; links are not followed."""
    for pattern in (f".{escape(folder.name[:NAME_KEPT])}.*{PARTIAL}", f"{escape(folder.name)}{PARTIAL}"):
        for path in folder.parent.glob(pattern):
            shutil.rmtree(path, ignore_errors=True)
