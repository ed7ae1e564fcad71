"""Resumable downloads; a file gets its final name only after its checksum was verified."""

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
"""Consecutive attempts without new bytes before the download is given up."""
PAUSE_S = 1.0
"""Pause before the second attempt; it doubles with each further attempt."""
TRY_AGAIN = (408, 429, 500, 502, 503, 504)
"""HTTP status codes of temporary failures, after which the request is repeated (RFC 9110)."""
LOCALLY = "or download it elsewhere and name its folder with --from"


class FetchError(MegaasrError):
    """Raised when an archive cannot be downloaded, or differs from the published one."""


@dataclass(frozen=True)
class Fetched:
    """An archive on the local disk.

    Args:
        path: path of the file.
        num_bytes: size of the file in bytes.
        md5, sha256: computed checksums, hexadecimal.
        is_checked: whether a published checksum was available and matched.
    """

    path: Path
    num_bytes: int
    md5: str
    sha256: str
    is_checked: bool


def check_space(target: Path, needed: int) -> None:
    """Raise OutputError if the file system of `target` has fewer than `needed` bytes free."""
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        raise OutputError(f"cannot write {target}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free")


class _CutOff(Exception):
    """Raised when a connection ends early; the bytes received so far are kept."""


def verify(path: Path, name: str, md5: str | None, sha256: str | None) -> Fetched:
    """Compute the checksums of a file and compare them with the published ones.

    Raises:
        FetchError: a checksum differs, or the file cannot be read.
    """
    sums = {"md5": new_md5(usedforsecurity=False), "sha256": new_sha256()}
    size = path.stat().st_size if path.is_file() else 0
    try:
        with path.open("rb") as file:
            chunks = iter(lambda: file.read(CHUNK_BYTES), b"")
            for chunk in progress(chunks, total=-(-size // CHUNK_BYTES), what=f"checking {name}"):
                for checksum in sums.values():
                    checksum.update(chunk)
    except OSError as error:
        raise FetchError(f"cannot read {path}: {error.strerror or one_line(error)}") from error
    for kind, published in (("md5", md5), ("sha256", sha256)):
        computed = sums[kind].hexdigest()
        if published is not None and computed != published:
            raise FetchError(f"{name}: wrong checksum, {kind} {computed} where {published} is published")
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
    """Download a file; continue a ``NAME.partial`` of an earlier run if the server supports ranges.

    Args:
        url: http or https address.
        target: path of the file; its folder must exist.
        md5, sha256: published checksums, hexadecimal.
        pause_s: pause before the second attempt, in seconds.
        tell: called with one line when the server answers: the address and the size.

    Raises:
        FetchError: no connection, an answer without the file, or a wrong checksum; a wrong file is removed.
        OutputError: the target cannot be written, or the disk is full.
    """
    if not url.startswith(("http://", "https://")):
        raise FetchError(f"{url}: only http and https are fetched")
    partial = _Partial(url, target, tell, is_published=bool(md5 or sha256))
    failures, largest = 0, partial.size()
    while True:
        try:
            partial.resume()
            break
        except _CutOff as cut:
            failures = 1 if partial.size() > largest else failures + 1
            largest = max(largest, partial.size())
            if failures >= TRIES:
                raise FetchError(f"{url}: {cut}; start again to go on from there, {LOCALLY}") from cut
            time.sleep(pause_s * 2 ** (failures - 1))
    try:
        verified = verify(partial.path, target.name, md5, sha256)
    except FetchError as error:
        partial.remove()
        raise FetchError(f"{one_line(error)}; it was removed: start again, {LOCALLY}") from error
    partial.path.replace(target)
    partial.mark.unlink(missing_ok=True)
    return Fetched(target, verified.num_bytes, verified.md5, verified.sha256, verified.is_checked)


class _Partial:
    """``NAME.partial`` and, beside it, the server's validator (ETag or date) of the file's version (RFC 9110, 13.1.5).

    With a published checksum the rest may come from a mirror, because the checksum verifies the whole file. Without
    a checksum only the validator identifies the version; without a validator the download starts again.
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

    def resume(self) -> None:
        """Request the missing bytes and append them."""
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
        if error.code == 416:  # the requested range is empty: the partial file is complete or of another version
            whole = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range", ""))
            if whole and int(whole[1]) == have:
                return
            self.remove()
            raise _CutOff("the server has another version of the file")
        if error.code in TRY_AGAIN:
            raise _CutOff(f"the server answers {error.code} {error.reason}")
        raise FetchError(
            f"{self.url}: the server answers {error.code} {error.reason}; name a mirror with --from, {LOCALLY}"
        )

    def _receive(self, response: Any, have: int) -> None:
        is_rest = response.status == 206
        if is_rest and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            self.remove()
            raise _CutOff("the server sent another range of the file than was requested")
        begin = have if is_rest else 0
        length = response.headers.get("Content-Length")
        total = begin + int(length) if length else None
        check_space(self.path, total - begin if total is not None else 0)
        size = f"{total / 1e6:.1f} MB" if total is not None else "unknown size"
        self.tell(f"{self.url}: {size}" + (f", continuing after {begin / 1e6:.1f} MB" if begin else ""))
        try:
            if not is_rest:
                self.remove()
                version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
                if version and not version.startswith("W/"):  # a weak validator does not guarantee identical bytes
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
    """The body of a response in chunks; a connection error raises `_CutOff`."""
    while True:
        try:
            chunk = response.read(CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _CutOff(f"the connection was lost ({one_line(error) or type(error).__name__})") from error
        if not chunk:
            return
        yield chunk
