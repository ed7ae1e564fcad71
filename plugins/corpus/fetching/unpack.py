"""Unpacks untrusted archives: refuses members outside the folder; the folder appears only when it is complete."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from megaasr import OutputError, one_line, progress

from .download import FetchError, check_space

PARTIAL = ".partial"
SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar", ".zip")


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
        folder: must not exist. ``NAME.partial`` of a killed run is removed.
        finish: called with the unpacked folder before it gets its final name.

    Raises:
        FetchError: the archive is damaged, or a member would be written outside the folder.
        OutputError: the folder cannot be written.
    """
    partial = folder.with_name(f"{folder.name}{PARTIAL}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        extract(archive, partial)
        inside = list(partial.iterdir())
        top = inside[0] if len(inside) == 1 and inside[0].is_dir() else partial
        finish(top)
        top.replace(folder)
    except OSError as error:
        raise OutputError(f"cannot unpack {archive} into {folder}: {error.strerror or one_line(error)}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def extract(archive: Path, folder: Path) -> None:
    """Unpack every member of an archive below `folder`.

    Raises:
        FetchError: the archive is damaged or encrypted, or a member would be written outside the folder.
    """
    try:
        if zipfile.is_zipfile(archive):
            _extract_zip(archive, folder)
        else:
            _extract_tar(archive, folder)
    except tarfile.FilterError as error:
        raise FetchError(f"{archive}: refused, {one_line(error)}; get it from its publisher") from error
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, EOFError, RuntimeError) as error:
        raise FetchError(f"{archive}: damaged or not an archive ({one_line(error)}); fetch it again") from error
    except OSError as error:
        if error.errno is None:  # gzip and bz2 raise this for damaged data
            raise FetchError(f"{archive}: damaged ({one_line(error)}); fetch it again") from error
        raise


def _extract_tar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive, "r:*") as tar:
        for member in progress(tar, total=None, what=f"unpacking {archive.name}"):
            _check_name(member.name, archive)
            tar.extract(member, folder, filter="data")  # refuses links and devices that lead out of the folder


def _extract_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        members = file.infolist()
        for member in members:  # all are checked before the first is written
            _check_name(member.filename, archive)
            if stat.S_ISLNK(member.external_attr >> 16):
                raise FetchError(f"{archive}: refused, member {member.filename!r} is a link; get it from its publisher")
        check_space(folder, sum(member.file_size for member in members))
        for member in progress(members, total=len(members), what=f"unpacking {archive.name}"):
            file.extract(member, folder)


def _check_name(name: str, archive: Path) -> None:
    """Refuse a member with an absolute path or with ``..`` in its path."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        raise FetchError(f"{archive}: refused, member {name!r} lies outside the folder; get it from its publisher")
