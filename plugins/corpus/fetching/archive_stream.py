"""Reads an archive once from its beginning, decompressed, with bounded memory and a bounded size."""

from __future__ import annotations

import zlib
from bz2 import BZ2Decompressor
from collections.abc import Callable, Iterator
from lzma import FORMAT_XZ, LZMADecompressor
from pathlib import Path
from typing import Any, BinaryIO

from megaasr import one_line

from .archive_limits import Account
from .errors import FetchError

PIECE_BYTES = 2**16


class DamagedError(Exception):
    """Raised for an archive that contradicts its format."""


class _Gzip:
    """`zlib.decompressobj` with the interface of the decompressors of bz2 and lzma."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def needs_input(self) -> bool:
        return not self._decoder.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)


def _decoder_for(start: bytes, decoder_bytes: int) -> tuple[bytes, Callable[[], Any]] | None:
    """Magic and constructor of the decompressor for a file that starts so; None for a plain file."""
    makers: dict[bytes, Callable[[], Any]] = {
        b"\x1f\x8b": _Gzip,
        b"BZh": BZ2Decompressor,
        b"\xfd7zXZ\0": lambda: LZMADecompressor(FORMAT_XZ, memlimit=decoder_bytes),
    }
    return next(((magic, make) for magic, make in makers.items() if start.startswith(magic)), None)


class ArchiveStream:
    """The decompressed bytes of a file; gzip, bzip2 and xz are recognised by their first bytes.

    Checksums of the compression are verified by the time the end is reached; see `read_to_end`.

    Args:
        archive: path, for messages.
        file: the file, at its beginning.
        account: bounds the number of decompressed bytes.
    """

    def __init__(self, archive: Path, file: BinaryIO, account: Account) -> None:
        self.archive, self._file, self._account = archive, file, account
        self._buffer, self._at = b"", 0
        self._start = self._read(PIECE_BYTES)
        self._kind = _decoder_for(self._start, account.limits.decoder_bytes)
        self._decoder = self._kind[1]() if self._kind else None

    def exactly(self, size: int) -> bytes:
        """The next bytes; DamagedError if fewer are left. `size` is small: the bytes are held in memory."""
        return b"".join(self.chunks(size))

    def chunks(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes in pieces; DamagedError if fewer are left."""
        while size:
            if self._at == len(self._buffer):
                self._buffer, self._at = self._next(), 0
                if not self._buffer:
                    raise DamagedError("it ends early")
            piece = self._buffer[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def read_to_end(self) -> None:
        """Read the padding behind the last member; DamagedError if there is anything else."""
        piece = self._buffer[self._at :]
        while True:
            if piece.count(0) != len(piece):
                raise DamagedError("there are data behind its end mark")
            piece = self._next()
            if not piece:
                return

    def _read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:
            raise FetchError(f"cannot read {self.archive}: {error.strerror or one_line(error)}") from error

    def _packed(self) -> bytes:
        data, self._start = self._start, b""
        return data or self._read(PIECE_BYTES)

    def _next(self) -> bytes:
        """The next decompressed piece; empty at the end."""
        while True:
            if self._decoder is None:
                piece = self._packed()
            elif self._decoder.eof:
                if not self._starts_again():
                    return b""
                continue
            else:
                packed = self._packed() if self._decoder.needs_input else b""
                piece = self._decoder.decompress(packed, PIECE_BYTES)
                if not piece and not packed and self._decoder.needs_input and not self._decoder.eof:
                    raise DamagedError("it ends early")
                if not piece:
                    continue
            self._account.add_bytes(len(piece), self.archive)
            return piece

    def _starts_again(self) -> bool:
        """Whether another compressed stream follows; zeros may lie between."""
        assert self._kind is not None
        assert self._decoder is not None
        magic, make = self._kind
        rest = self._decoder.unused_data.lstrip(b"\0")
        while len(rest) < len(magic):
            more = self._packed()
            if not more:
                break
            rest = (rest + more).lstrip(b"\0")
        if not rest:
            return False
        if not rest.startswith(magic):
            raise DamagedError("there are data behind its end")
        self._start, self._decoder = rest, make()
        return True
