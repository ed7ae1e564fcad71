"""Resumable downloads; a file gets its final name only after its checksum was verified."""

from __future__ import annotations

import http.client
import re
import shutil
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from megaasr import OutputError, one_line, progress

from .checksums import Fetched, verify
from .errors import FetchError, quoted
from .http_client import DownloadLimits, Pace, open_url
from .partial_file import PartialFile

__all__ = ["LIMITS", "PAUSE_S", "TRIES", "FetchError", "Fetched", "check_space", "download", "verify"]

CHUNK_BYTES = 2**18
LIMITS = DownloadLimits()
TRIES = LIMITS.tries
"""Consecutive attempts without progress before the download is given up."""
PAUSE_S = 1.0
"""Pause before the second attempt; it doubles with each further attempt."""
TRY_AGAIN = (408, 429, 500, 502, 503, 504)
"""HTTP status codes of temporary failures, after which the request is repeated (RFC 9110)."""
LOCALLY = "or download it elsewhere and name its folder with --from"
PACKED = (".gz", ".tgz")
"""Names of files that some servers announce as gzip-encoded: the bytes are those of the file."""


def check_space(target: Path, needed: int) -> None:
    """Raise OutputError if the file system of `target` has fewer than `needed` bytes free."""
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        raise OutputError(f"cannot write {target}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free")


class _CutOff(Exception):
    """Raised when a connection ends early; the bytes received so far are kept."""


def download(
    url: str,
    target: Path,
    *,
    md5: str | None = None,
    sha256: str | None = None,
    pause_s: float = PAUSE_S,
    tell: Callable[[str], None] = lambda line: None,
    limits: DownloadLimits = LIMITS,
    clock: Callable[[], float] = time.monotonic,
) -> Fetched:
    """Download a file; continue a ``NAME.partial`` of an earlier run if the server supports ranges.

    Args:
        url: http or https address.
        target: path of the file; its folder must exist.
        md5, sha256: published checksums, hexadecimal.
        pause_s: pause before the second attempt, in seconds.
        tell: called with one line when the server answers: the address and the size.
        limits: bounds of size, speed and attempts.
        clock: time in seconds, for the speed.

    Raises:
        FetchError: no connection, an answer without the file, one beyond the limits, or a wrong checksum; a wrong
            file is removed.
        OutputError: the target cannot be written, or the disk is full.
    """
    if not url.startswith(("http://", "https://")):
        raise FetchError(f"{quoted(url)}: only http and https are fetched")
    partial = PartialFile(target)
    partial.check()
    _Download(url, partial, tell, bool(md5 or sha256), limits, clock).run(pause_s)
    try:
        if not partial.size():
            raise FetchError(f"{target.name}: the server sent an empty file")
        verified = verify(partial.path, target.name, md5, sha256)
    except FetchError as error:
        partial.remove()
        raise FetchError(f"{one_line(error)}; it was removed: start again, {LOCALLY}") from error
    partial.path.replace(target)
    partial.mark.unlink(missing_ok=True)
    return Fetched(target, verified.num_bytes, verified.md5, verified.sha256, verified.is_checked)


class _Download:
    """The attempts of one download."""

    def __init__(
        self,
        url: str,
        partial: PartialFile,
        tell: Callable[[str], None],
        is_published: bool,
        limits: DownloadLimits,
        clock: Callable[[], float],
    ) -> None:
        self.url, self.partial, self.tell, self.limits, self.clock = url, partial, tell, limits, clock
        self.is_published = is_published
        self.has_answered = False
        self.begins = 0
        """Answers that began with the first byte of the file."""

    def run(self, pause_s: float) -> None:
        """Request the missing bytes until all are there, or the attempts bring nothing."""
        failures, largest = 0, self.partial.size()
        for number in range(1, self.limits.max_tries + 1):
            try:
                return self._resume()
            except _CutOff as cut:
                size = self.partial.size()
                failures = 1 if size >= largest + self.limits.progress_bytes else failures + 1
                largest = max(largest, size)
                if max(failures, self.begins) >= self.limits.tries or number == self.limits.max_tries:
                    raise FetchError(f"{self.url}: {cut}; start again to go on from there, {LOCALLY}") from cut
                time.sleep(pause_s * 2 ** (failures - 1))

    def _resume(self) -> None:
        """Request the missing bytes and append them."""
        have, version = self.partial.size(), self.partial.version()
        headers = {"User-Agent": "megaasr", "Accept-Encoding": "identity"}
        if have and self.is_published:
            headers["Range"] = f"bytes={have}-"
        elif have and version:
            headers |= {"Range": f"bytes={have}-", "If-Range": version}
        try:
            response, pace = open_url(self.url, headers, self.limits, self.clock)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = quoted(getattr(error, "reason", error)) or type(error).__name__
            if self.has_answered:
                raise _CutOff(f"the connection was lost ({reason})") from error
            raise FetchError(f"{self.url}: no connection ({reason}); try again with a network, {LOCALLY}") from error
        with response:
            self.has_answered = True
            if isinstance(response, urllib.error.HTTPError) or response.status not in (200, 206):
                self._refused(response, have)
            else:
                self._receive(response, pace, have, version if "If-Range" in headers else "")

    def _refused(self, response: Any, have: int) -> None:
        code = response.status
        if code == 416:  # the requested range is empty: the partial file is complete or of another version
            whole = re.fullmatch(r"bytes \*/(\d{1,15})", response.headers.get("Content-Range", ""))
            if whole and int(whole[1]) == have:
                return
            self.partial.remove()
            raise _CutOff("the server has another version of the file")
        answer = f"the server answers {code} {quoted(response.reason)}"
        if code in TRY_AGAIN:
            raise _CutOff(answer)
        raise FetchError(f"{self.url}: {answer}; name a mirror with --from, {LOCALLY}")

    def _receive(self, response: Any, pace: Pace, have: int, version: str) -> None:
        self._check_content(response)
        is_rest = response.status == 206
        begin = have if is_rest else 0
        length, total = self._sizes(response, begin)
        tag, date = response.headers.get("ETag"), response.headers.get("Last-Modified")
        if is_rest and version and (tag if version.startswith('"') else date) not in (None, version):
            self.partial.remove()
            raise _CutOff("the server has another version of the file")
        check_space(self.partial.path, length or 0)
        size = f"{total / 1e6:.1f} MB" if total is not None else "unknown size"
        self.tell(f"{self.url}: {size}" + (f", continuing after {begin / 1e6:.1f} MB" if begin else ""))
        if not begin:
            self.begins += 1
            self.partial.begin(tag or date or "")
        self._append(response, pace, length)
        if total is not None and self.partial.size() < total:
            raise _CutOff(f"cut off after {self.partial.size()} of {total} bytes")

    def _check_content(self, response: Any) -> None:
        """FetchError if the answer is something else than the file."""
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        is_file = self.partial.path.stem.lower().endswith(PACKED) and encoding in ("gzip", "x-gzip")
        if encoding not in ("identity", "") and not is_file:
            raise FetchError(f"{self.url}: sent with the encoding {quoted(encoding)!r}, which was not asked for")
        if response.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
            raise FetchError(f"{self.url}: the server sent an HTML page instead of the file; open it in a browser")

    def _sizes(self, response: Any, begin: int) -> tuple[int | None, int | None]:
        """Bytes of this answer and of the whole file, None if the server does not state them.

        Raises:
            FetchError: a size that is no number, or beyond the limits.
            _CutOff: another range than the requested one.
        """
        lengths = set(response.headers.get_all("Content-Length", ()))
        length = None
        if lengths and not response.chunked:
            text = lengths.pop()
            if lengths or not re.fullmatch(r"[0-9]{1,18}", text):
                raise FetchError(f"{self.url}: the server states a wrong size, Content-Length {quoted(text)!r}")
            length = int(text)
        total = begin + length if length is not None else None
        if response.status == 206:
            found = re.fullmatch(
                r"bytes ([0-9]{1,18})-([0-9]{1,18})/(?:([0-9]{1,18})|\*)", response.headers.get("Content-Range", "")
            )
            first, last = (int(found[1]), int(found[2])) if found else (-1, -1)
            is_whole = found and first == begin <= last and (length is None or length == last - first + 1)
            if not found or not is_whole or (found[3] and int(found[3]) <= last):
                self.partial.remove()
                self.begins += 1
                raise _CutOff("the server sent another range of the file than was requested")
            length, total = last - first + 1, int(found[3]) if found[3] else last + 1
        if total is not None and total > self.limits.max_bytes:
            raise FetchError(f"{self.url}: refused, {total} bytes; the bound is {self.limits.max_bytes}")
        return length, total

    def _append(self, response: Any, pace: Pace, length: int | None) -> None:
        bound = length if length is not None else self.limits.max_unsized_bytes
        try:
            with self.partial.appending() as file:
                steps = -(-length // CHUNK_BYTES) if length is not None else None
                for chunk in progress(_chunks(response, pace, bound + 1), total=steps, what=self.partial.path.stem):
                    bound -= len(chunk)
                    if bound < 0:
                        break
                    file.write(chunk)
        except OSError as error:
            raise OutputError(f"cannot write {self.partial.path}: {error.strerror or one_line(error)}") from error
        if bound < 0:
            self.partial.remove()
            limit = f"{self.limits.max_unsized_bytes} bytes" if length is None else f"the stated {length} bytes"
            raise FetchError(f"{self.url}: refused, the server sends more than {limit}")


def _chunks(response: Any, pace: Pace, bound: int) -> Iterator[bytes]:
    """The body of a response in chunks, at most `bound` bytes; a connection error raises `_CutOff` behind the last."""
    chunk = b""
    cut: Exception | None = None
    while bound and cut is None:
        try:
            piece = response.read1(min(CHUNK_BYTES, bound))
        except (OSError, http.client.HTTPException, ValueError) as error:
            piece, cut = b"", error
        pace.delivered()
        bound -= len(piece)
        chunk += piece
        if not piece or len(chunk) >= CHUNK_BYTES:
            if chunk:
                yield chunk
            if not piece:
                break
            chunk = b""
    else:
        if chunk:
            yield chunk
    if cut is not None:
        raise _CutOff(f"the connection was lost ({quoted(cut) or type(cut).__name__})") from cut
