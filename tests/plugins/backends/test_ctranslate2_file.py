"""The reader of CTranslate2's model.bin: exact on whole files, one line of refusal on anything else."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from megaasr_core.base.errors import BackendError
from megaasr_plugins.backends.ctranslate2_file import read_model

CODES = {"<f4": 0, "|i1": 1, "<i2": 2, "<i4": 3, "<f2": 4}
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
ARRAYS = st.sampled_from(sorted(CODES)).flatmap(
    lambda code: hnp.arrays(np.dtype(code), hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3))
)


def text(value: str) -> bytes:
    raw = value.encode() + b"\0"
    return struct.pack("<H", len(raw)) + raw


def entry(name: str, values: NDArray[Any]) -> bytes:
    head = text(name) + struct.pack("<B", values.ndim) + struct.pack(f"<{values.ndim}I", *values.shape)
    return head + struct.pack("<BI", CODES[values.dtype.str], values.nbytes) + values.tobytes()


def model_bytes(
    variables: Mapping[str, NDArray[Any]], aliases: Mapping[str, str] | None = None, version: int = 6
) -> bytes:
    aliases = aliases or {}
    data = struct.pack("<I", version) + text("WhisperSpec") + struct.pack("<II", 3, len(variables))
    data += b"".join(entry(name, values) for name, values in variables.items()) + struct.pack("<I", len(aliases))
    return data + b"".join(text(alias) + text(name) for alias, name in aliases.items())


SMALL = model_bytes({"a/weight": np.ones((2, 3), "<f2"), "b": np.int8(3).reshape(())}, {"c": "a/weight"})


@given(st.dictionaries(NAMES, ARRAYS, max_size=4))
def test_whole_files_are_read_bit_for_bit(variables: dict[str, NDArray[Any]]) -> None:
    aliases = {f"{name}\n": name for name in variables if f"{name}\n" not in variables}
    model = read_model(model_bytes(variables, aliases), "m")
    assert (model.spec, model.revision, model.aliases) == ("WhisperSpec", 3, aliases)
    assert list(model.variables) == list(variables)
    for name, values in variables.items():
        found = model.variables[name]
        assert (found.dtype, found.shape, found.tobytes()) == (values.dtype, values.shape, values.tobytes())
        assert not found.flags.writeable


@pytest.mark.parametrize("length", range(len(SMALL)))
def test_a_file_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(BackendError, match=r"cannot read m: .* get a complete copy"):
        read_model(SMALL[:length], "m")


@given(st.binary(min_size=1, max_size=40))
def test_bytes_after_the_end_are_refused(extra: bytes) -> None:
    with pytest.raises(BackendError, match=f"{len(extra)} bytes are left over"):
        read_model(SMALL + extra, "m")


@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
def test_a_damaged_byte_is_read_or_refused_but_never_crashes(position: int, flip: int) -> None:
    data = bytearray(SMALL)
    data[position] ^= flip
    with suppress(BackendError):  # a damaged size is seen; a damaged value, which is what a sum is for, is not
        assert len(read_model(bytes(data), "m").variables) == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (model_bytes({}, version=5), "binary version 5"),
        (SMALL.replace(b"c\0", b"b\0"), "b occurs twice"),
        (model_bytes({"a": np.zeros(1, "<f4")}, {"b": "nothing"}), "nothing, which does not exist"),
        (model_bytes({"a": np.zeros((1,) * 9, "<f4")}), "9 dimensions"),
        (model_bytes({"a": np.zeros((2, 0), "<f4")}), "without values"),
        (model_bytes({"a": np.zeros(2, "<f4")}).replace(b"\x00\x08\x00\x00\x00", b"\x05\x08\x00\x00\x00"), "type 5"),
        (model_bytes({"a": np.zeros(2, "<f4")}).replace(b"\x00\x08\x00\x00\x00", b"\x00\x07\x00\x00\x00"), "7 bytes"),
    ],
)
def test_what_does_not_fit_is_named(data: bytes, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        read_model(data, "m")


def test_a_name_twice_is_refused() -> None:
    one = entry("a", np.zeros(1, "<f4"))
    data = struct.pack("<I", 6) + text("S") + struct.pack("<II", 1, 2) + one + one + struct.pack("<I", 0)
    with pytest.raises(BackendError, match="a occurs twice"):
        read_model(data, "m")
