"""One request to a server that is not trusted: no slow, endless or misdirected answer is accepted."""

from __future__ import annotations

import http.client
import io
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

from .errors import FetchError, quoted

SCHEMES = ("http", "https")
REDIRECTS = (301, 302, 303, 307, 308)
MAX_REDIRECTS = 10
OVERHEAD_BYTES = 2**19
"""Bytes that may arrive (headers, interim answers, chunk sizes, trailers) before the next byte of the file."""


@dataclass(frozen=True)
class DownloadLimits:
    """Limits of a download.

    Args:
        timeout_s: longest silence of the server, and the period over which its speed is measured.
        min_bytes_per_s: slowest speed over such a period, headers included.
        max_bytes: largest file; the largest public archives have some 100 GB.
        max_unsized_bytes: largest file whose size the server does not state.
        tries: consecutive attempts without `progress_bytes` new bytes, and restarts from the beginning.
        progress_bytes: new bytes of an attempt that count as progress.
        max_tries: attempts in all.
    """

    timeout_s: float = 30.0
    min_bytes_per_s: float = 1_000.0
    max_bytes: int = 2 * 10**11
    max_unsized_bytes: int = 10**10
    tries: int = 5
    progress_bytes: int = 2**16
    max_tries: int = 1_000


class Pace:
    """Ends an answer that is slower than the limit, or that sends much besides the file."""

    def __init__(self, limits: DownloadLimits, clock: Callable[[], float]) -> None:
        self._limits, self._clock = limits, clock
        self._since, self._in_period, self._overhead = clock(), 0, 0

    def received(self, number: int) -> None:
        """Count bytes of the connection.

        Raises:
            TimeoutError: the server is too slow.
            HTTPException: it sends more than `OVERHEAD_BYTES` besides the file.
        """
        self._in_period += number
        self._overhead += number
        if self._overhead > OVERHEAD_BYTES:
            raise http.client.HTTPException(f"more than {OVERHEAD_BYTES} bytes of headers")
        now, limits = self._clock(), self._limits
        if now - self._since >= limits.timeout_s:
            if self._in_period < limits.min_bytes_per_s * (now - self._since):
                raise TimeoutError(f"slower than {limits.min_bytes_per_s:g} bytes per second")
            self._since, self._in_period = now, 0

    def delivered(self) -> None:
        """Bytes of the file have arrived."""
        self._overhead = 0


class _Paced(io.RawIOBase):
    """The bytes of a connection, counted."""

    def __init__(self, file: io.BufferedReader, pace: Pace) -> None:
        self._file, self._pace = file, pace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read1(len(buffer))
        buffer[: len(data)] = data
        self._pace.received(len(data))
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, *args: Any, pace: Pace, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fp = io.BufferedReader(_Paced(self.fp, pace))


def open_url(
    url: str,
    headers: Mapping[str, str],
    limits: DownloadLimits,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Any, Pace]:
    """Send a GET request and follow redirects to http and https; the answer's body is not read.

    Returns:
        The answer (an HTTPError for status codes from 400), and the pace to call `delivered` of.

    Raises:
        FetchError: the address or a redirect is refused.
        OSError, HTTPException, ValueError: no answer.
    """
    for _ in range(MAX_REDIRECTS + 1):
        pace = Pace(limits, clock)
        try:
            return _opener(pace).open(
                urllib.request.Request(url, headers=dict(headers)), timeout=limits.timeout_s
            ), pace
        except urllib.error.HTTPError as error:
            if error.code not in REDIRECTS or not error.headers.get("Location"):
                return error, pace
            with error:
                url = redirected(url, error.headers["Location"])
    raise FetchError(f"{quoted(url)}: more than {MAX_REDIRECTS} redirects; name a mirror with --from")


def redirected(url: str, location: str) -> str:
    """The address of a redirect; FetchError if it leads to another scheme or out of encryption."""
    before, after = urlsplit(url).scheme, ""
    try:
        there = urljoin(url, location)
        after = urlsplit(there).scheme
    except ValueError:
        there = location
    if after not in SCHEMES:
        raise FetchError(f"{url}: redirected to {quoted(there)}; only http and https are fetched")
    if (before, after) == ("https", "http"):
        raise FetchError(f"{url}: redirected from https to {quoted(there)}, which is not encrypted; refused")
    return there


def _opener(pace: Pace) -> urllib.request.OpenerDirector:
    """An opener for http, https and the proxies of the environment; it follows no redirect, so reads no such body."""
    answer = partial(_Answer, pace=pace)

    def connected(make: Callable[..., http.client.HTTPConnection], host: str, **options: Any) -> Any:
        connection = make(host, **options)
        connection.response_class = answer  # type: ignore[assignment]
        return connection

    class Http(urllib.request.HTTPHandler):
        def http_open(self, request: Any) -> Any:
            return self.do_open(partial(connected, http.client.HTTPConnection), request)  # type: ignore[arg-type]

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, request: Any) -> Any:
            make = partial(connected, http.client.HTTPSConnection)
            return self.do_open(make, request, context=ssl.create_default_context())  # type: ignore[arg-type]

    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        Http(),
        Https(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
