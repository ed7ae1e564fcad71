"""Files of Debian packages, not installed: containers often leave /usr/share/doc out, and root is not needed."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tempfile
from pathlib import Path

from megaasr import one_line

from .base import SourceError


def unpacked(package: str, cache: Path) -> Path:
    """The folder of a package's files, fetched by apt-get once and kept in `cache`.

    Raises:
        SourceError: no apt-get, or no such package.
    """
    folder = cache / package
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".unpacking-") as temporary:
        place = Path(temporary)
        place.chmod(0o755)  # apt fetches as a user of its own
        try:
            for command in (["apt-get", "download", package], ["sh", "-c", "dpkg-deb -x ./*.deb files"]):
                subprocess.run(command, cwd=place, check=True, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise SourceError(f"{package}: there is no apt-get here; leave this source out with --skip") from error
        except subprocess.CalledProcessError as error:
            reason = one_line(error.stderr)[-200:]
            raise SourceError(f"{package}: not to be had ({reason}); run 'apt-get update' first") from error
        shutil.move(place / "files", folder)
    return folder


def document(package: str, name: str, cache: Path) -> str:
    """The text of a file of a package's documentation, packed or not; SourceError when it has none of that name."""
    found = sorted((unpacked(package, cache) / "usr/share/doc").rglob(f"{name}*"))
    if not found:
        raise SourceError(f"{package}: holds no document {name}")
    data = found[0].read_bytes()
    return (gzip.decompress(data) if found[0].suffix == ".gz" else data).decode("utf-8", errors="replace")
