"""Downloads that go on where they stopped, and get their name only when the checksum is right."""

from __future__ import annotations

import http.client
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import md5 as new_md5
from hashlib import sha256 as new_sha256
from pathlib import Path
from typing import Any

from megaasr import MegaasrError, OutputError, one_line, progress

CHUNK_BYTES = 2**18
TIMEOUT_S = 60.0
TRIES = 5
"""Times in a row that nothing came before the download is given up."""
PAUSE_S = 1.0
"""Before the second try; it doubles with each."""
TRY_AGAIN = (408, 429, 500, 502, 503, 504)
"""What a server says that may serve in a moment (RFC 9110)."""
LOCALLY = "or download it elsewhere and name its folder with --from"


class FetchError(MegaasrError):
    """An archive that cannot be brought, or is not what was published."""


@dataclass(frozen=True)
class Fetched:
    """An archive that is here.

    Args:
        path: where.
        num_bytes: its length.
        md5, sha256: hex, computed.
        is_checked: whether a published checksum was there to compare with.
    """

    path: Path
    num_bytes: int
    md5: str
    sha256: str
    is_checked: bool


def check_space(target: Path, needed: int) -> None:
    """OutputError when the file system that a path lies on has fewer than `needed` bytes free."""
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        raise OutputError(f"cannot write {target}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free")


class _CutOff(Exception):
    """The connection ended early; what has come is kept."""


def verify(path: Path, name: str, md5: str | None, sha256: str | None) -> Fetched:
    """Compute a file's checksums and compare those that are published.

    Raises:
        FetchError: one differs, or the file cannot be read.
    """
    sums = {"md5": new_md5(usedforsecurity=False), "sha256": new_sha256()}
    size = path.stat().st_size if path.is_file() else 0
    try:
        with path.open("rb") as file:
            chunks = iter(lambda: file.read(CHUNK_BYTES), b"")
            for chunk in progress(chunks, total=-(-size // CHUNK_BYTES), what=f"checking {name}"):
                for one in sums.values():
                    one.update(chunk)
    except OSError as error:
        raise FetchError(f"cannot read {path}: {error.strerror or one_line(error)}") from error
    for kind, published in (("md5", md5), ("sha256", sha256)):
        found = sums[kind].hexdigest()
        if published is not None and found != published:
            raise FetchError(f"{name}: wrong checksum, {kind} {found} where {published} is published")
    return Fetched(path, size, sums["md5"].hexdigest(), sums["sha256"].hexdigest(), bool(md5 or sha256))


def download(
    url: str,
    target: Path,
    *,
    md5: str | None = None,
    sha256: str | None = None,
    pause_s: float = PAUSE_S,
    tell: Callable[[str], None] = lambda line: None,
) -> Fetched:
    """Bring a file; what an earlier run left as ``NAME.partial`` is gone on with, where the server can do that.

    Args:
        url: http or https.
        target: its folder must exist.
        md5, sha256: hex, as published.
        pause_s: before the second try, in seconds.
        tell: is given a line when the server answers: the address and how much comes.

    Raises:
        FetchError: no connection, an answer without the file, or a wrong checksum; a wrong file is removed.
        OutputError: the place cannot be written, or has no room.
    """
    if not url.startswith(("http://", "https://")):
        raise FetchError(f"{url}: only http and https are fetched")
    partial = _Partial(url, target, tell, is_published=bool(md5 or sha256))
    failures, largest = 0, partial.size()
    while True:
        try:
            partial.go_on()
            break
        except _CutOff as cut:
            failures = 1 if partial.size() > largest else failures + 1
            largest = max(largest, partial.size())
            if failures >= TRIES:
                raise FetchError(f"{url}: {cut}; start again to go on from there, {LOCALLY}") from cut
            time.sleep(pause_s * 2 ** (failures - 1))
    try:
        found = verify(partial.path, target.name, md5, sha256)
    except FetchError as error:
        partial.remove()
        raise FetchError(f"{one_line(error)}; it was removed: start again, {LOCALLY}") from error
    partial.path.replace(target)
    partial.mark.unlink(missing_ok=True)
    return Fetched(target, found.num_bytes, found.md5, found.sha256, found.is_checked)


class _Partial:
    """``NAME.partial`` and, beside it, by which mark the server knows the version of the file (RFC 9110, 13.1.5).

    A published checksum tells in the end whether both halves are of one file, and the rest may come from a mirror;
    without one only the mark does, and what has none begins again.
    """

    def __init__(self, url: str, target: Path, tell: Callable[[str], None], is_published: bool) -> None:
        self.url = url
        self.tell = tell
        self.path = target.with_name(f"{target.name}.partial")
        self.mark = target.with_name(f"{target.name}.partial.mark")
        self.is_published = is_published
        self.has_answered = False

    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self.mark.unlink(missing_ok=True)

    def go_on(self) -> None:
        """Ask for what is lacking, and append it."""
        have = self.size()
        version = self.mark.read_text(encoding="utf-8") if have and self.mark.is_file() else ""
        headers = {"User-Agent": "megaasr", "Accept-Encoding": "identity"}
        if have and self.is_published:
            headers["Range"] = f"bytes={have}-"
        elif have and version:
            headers |= {"Range": f"bytes={have}-", "If-Range": version}
        try:
            response = urllib.request.urlopen(urllib.request.Request(self.url, headers=headers), timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            with error:
                self.has_answered = True
                return self._refused(error, have)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = one_line(getattr(error, "reason", error))
            if self.has_answered:
                raise _CutOff(f"the connection was lost ({reason})") from error
            raise FetchError(f"{self.url}: no connection ({reason}); try again with a network, {LOCALLY}") from error
        with response:
            self.has_answered = True
            self._receive(response, have)

    def _refused(self, error: urllib.error.HTTPError, have: int) -> None:
        if error.code == 416:  # nothing lies behind what is here
            whole = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range", ""))
            if whole and int(whole[1]) == have:
                return
            self.remove()
            raise _CutOff("the server has another version of the file")
        if error.code in TRY_AGAIN:
            raise _CutOff(f"the server says {error.code} {error.reason}")
        raise FetchError(
            f"{self.url}: the server says {error.code} {error.reason}; name a mirror with --from, {LOCALLY}"
        )

    def _receive(self, response: Any, have: int) -> None:
        is_rest = response.status == 206
        if is_rest and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            self.remove()
            raise _CutOff("the server sent another part of the file than was asked for")
        begin = have if is_rest else 0
        length = response.headers.get("Content-Length")
        total = begin + int(length) if length else None
        check_space(self.path, total - begin if total is not None else 0)
        size = f"{total / 1e6:.1f} MB" if total is not None else "unknown size"
        self.tell(f"{self.url}: {size}" + (f", going on after {begin / 1e6:.1f} MB" if begin else ""))
        try:
            if not is_rest:
                self.remove()
                version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
                if version and not version.startswith("W/"):  # a weak mark does not promise the same bytes
                    self.mark.write_text(version, encoding="utf-8")
            with self.path.open("ab") as file:
                steps = -(-(total - begin) // CHUNK_BYTES) if total is not None else None
                for chunk in progress(_chunks(response), total=steps, what=self.path.stem):
                    file.write(chunk)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or one_line(error)}") from error
        if total is not None and self.size() < total:
            raise _CutOff(f"cut off after {self.size()} of {total} bytes")


def _chunks(response: Any) -> Iterator[bytes]:
    """The body in pieces; an end that comes early by an error of the connection is a `_CutOff`."""
    while True:
        try:
            chunk = response.read(CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _CutOff(f"the connection was lost ({one_line(error) or type(error).__name__})") from error
        if not chunk:
            return
        yield chunk
