"""Files of Debian packages, unpacked without installation: needs no root, and keeps /usr/share/doc."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tempfile
from pathlib import Path

from megaasr import one_line

from .base import SourceError


def unpacked(package: str, cache: Path) -> Path:
    """The folder of a package's files, fetched once by apt-get and kept in `cache`.

    Raises:
        SourceError: there is no apt-get or no such package.
    """
    folder = cache / package
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".unpacking-") as temporary:
        place = Path(temporary)
        place.chmod(0o755)  # apt downloads as the user _apt
        try:
            for command in (["apt-get", "download", package], ["sh", "-c", "dpkg-deb -x ./*.deb files"]):
                subprocess.run(command, cwd=place, check=True, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise SourceError(f"{package}: there is no apt-get here; leave this source out with --skip") from error
        except subprocess.CalledProcessError as error:
            reason = one_line(error.stderr)[-200:]
            raise SourceError(f"{package}: cannot be fetched ({reason}); run 'apt-get update' first") from error
        shutil.move(place / "files", folder)
    return folder


def document(package: str, name: str, cache: Path) -> str:
    """The text of a documentation file of a package, gzipped or not; SourceError when there is no such file."""
    paths = sorted((unpacked(package, cache) / "usr/share/doc").rglob(f"{name}*"))
    if not paths:
        raise SourceError(f"{package}: holds no document {name}")
    data = paths[0].read_bytes()
    return (gzip.decompress(data) if paths[0].suffix == ".gz" else data).decode("utf-8", errors="replace")
