"""Strict reader of CTranslate2's `model.bin` that needs only numpy.

The file (binary version 6, little endian) is

    uint32 version | string spec | uint32 revision
    uint32 count | count x (string name, uint8 rank, rank x uint32 size, uint8 dtype, uint32 bytes, the values)
    uint32 count | count x (string alias, string name)

where a string is a uint16 length that includes a closing NUL, then UTF-8. Source: the layout that CTranslate2 4 writes;
the tests compare this reader with files written by CTranslate2.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from megaasr import BackendError

Tensor = NDArray[Any]

_BINARY_VERSION = 6
_DTYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}  # 5 is bfloat16, which numpy does not support
_MAX_RANK = 8


@dataclass(frozen=True)
class Ctranslate2Model:
    """Contents of a `model.bin`: `variables` by name (read-only views of the bytes) and `aliases` (alias -> name)."""

    source: str
    spec: str
    revision: int
    variables: dict[str, Tensor]
    aliases: dict[str, str]


class _Bytes:
    """A cursor over the bytes of a file that never reads past the end."""

    def __init__(self, data: bytes, source: str) -> None:
        self.data, self.source, self.offset = data, source, 0

    def fault(self, what: str) -> BackendError:
        return BackendError(f"cannot read {self.source}: {what} (near byte {self.offset}); get a complete copy")

    def take(self, count: int) -> memoryview:
        if count > len(self.data) - self.offset:
            raise self.fault(f"{count} bytes are expected and {len(self.data) - self.offset} are left")
        self.offset += count
        return memoryview(self.data)[self.offset - count : self.offset]

    def number(self, code: str) -> int:
        return int(struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0])

    def text(self) -> str:
        raw = bytes(self.take(self.number("H")))
        if len(raw) < 2 or raw.find(0) != len(raw) - 1:
            raise self.fault("a name is empty or not closed by one NUL")
        try:
            return raw[:-1].decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.fault("a name is not UTF-8") from error

    def variable(self, name: str) -> Tensor:
        rank = self.number("B")
        if rank > _MAX_RANK:
            raise self.fault(f"{name} has {rank} dimensions, more than {_MAX_RANK}")
        shape = tuple(self.number("I") for _ in range(rank))
        if 0 in shape:
            raise self.fault(f"{name} has shape {shape} without values")
        code = self.number("B")
        if code not in _DTYPES:
            raise self.fault(f"{name} has type {code}, not one of {sorted(_DTYPES)} (float32, int8-32, float16)")
        dtype, size = np.dtype(_DTYPES[code]), self.number("I")
        if size != math.prod(shape) * dtype.itemsize:
            raise self.fault(f"{name} of shape {shape} and type {dtype} has {size} bytes")
        return np.frombuffer(self.take(size), dtype=dtype).reshape(shape)


def read_model(data: bytes, source: str) -> Ctranslate2Model:
    """Parse a complete `model.bin`.

    Args:
        data: the bytes of the file; the returned arrays are read-only views of them.
        source: name of the file in error messages.

    Raises:
        BackendError: another binary version, an inconsistent size, a duplicate name, an alias of an unknown name, or
            bytes left over after the last alias.
    """
    cursor = _Bytes(data, source)
    version = cursor.number("I")
    if version != _BINARY_VERSION:
        raise cursor.fault(f"binary version {version}, but only version {_BINARY_VERSION} is supported")
    spec, revision = cursor.text(), cursor.number("I")
    variables: dict[str, Tensor] = {}
    for _ in range(cursor.number("I")):
        name = cursor.text()
        if name in variables:
            raise cursor.fault(f"{name} occurs twice")
        variables[name] = cursor.variable(name)
    aliases: dict[str, str] = {}
    for _ in range(cursor.number("I")):
        alias, name = cursor.text(), cursor.text()
        if alias in variables or alias in aliases or name not in variables:
            raise cursor.fault(f"alias {alias} occurs twice, or refers to {name}, which does not exist")
        aliases[alias] = name
    if cursor.offset != len(data):
        raise cursor.fault(f"{len(data) - cursor.offset} bytes are left over")
    return Ctranslate2Model(source, spec, revision, variables, aliases)
