"""Sixteen numbers at a time in compiled loops: vector types for numba, lowered to whatever registers the machine has.

Written out rather than left to the compiler's own vectoriser, because recursions are not vectorised by it, and because
every machine then does the same operations in the same order: `fma` rounds once everywhere, sums have one tree.

Inside an ``@njit`` function: ``+ - * /`` on equal types, and the functions below. Arrays are float32, C-contiguous, and
are read and written without bounds checks: keep index + 16 within them (or use `load_until`).
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, overload

from .vector_types import (
    BITS,
    ENERGIES,
    FLOATS,
    I32,
    LANES,
    Bits,
    Float,
    Vector,
    call,
    check_single,
    constant,
    operation,
    pointer,
    spread,
)


@intrinsic
def splat(typing, number):  # type: ignore[no-untyped-def]
    """A float in every lane, rounded to single precision."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        single = context.cast(builder, args[0], signature.args[0], types.float32)
        return spread(builder, FLOATS, single)

    return FLOATS(number), generate


@intrinsic
def splat_bits(typing, number):  # type: ignore[no-untyped-def]
    """The low 32 bits of an integer in every lane."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return spread(builder, BITS, context.cast(builder, args[0], signature.args[0], types.uint32))

    return BITS(number), generate


@intrinsic
def load(typing, array, index):  # type: ignore[no-untyped-def]
    """``array[index : index + 16]``."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        vector = builder.load(pointer(context, builder, signature, args))
        vector.align = 4
        return vector

    check_single(array)
    return FLOATS(array, types.intp), generate


@intrinsic
def load_until(typing, array, index, end):  # type: ignore[no-untyped-def]
    """``array[index : index + 16]``, with zeros from ``end`` on, where nothing is read."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        place = pointer(context, builder, signature, args)
        left = builder.trunc(builder.sub(args[2], args[1]), I32)
        mask = builder.icmp_signed("<", constant(list(range(LANES))), spread(builder, BITS, left))
        kind = ir.FunctionType(FLOATS.llvm, [place.type, I32, mask.type, FLOATS.llvm])
        name = "llvm.masked.load.v16f32.p0"
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        zeros = ir.Constant(FLOATS.llvm, [0.0] * LANES)
        return builder.call(function, [place, ir.Constant(I32, 4), mask, zeros])

    check_single(array)
    return FLOATS(array, types.intp, types.intp), generate


@intrinsic
def store(typing, array, index, vector):  # type: ignore[no-untyped-def]
    """``array[index : index + 16] = vector``."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        builder.store(args[2], pointer(context, builder, signature, args)).align = 4
        return context.get_dummy_value()

    check_single(array)
    return types.void(array, types.intp, FLOATS), generate


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Sixteen rows as sixteen columns: off-diagonal blocks of 1, 2, 4 and 8 lanes are swapped, pair by pair of rows."""
    rows = list(rows)
    for width in (1, 2, 4, 8):
        upper = [bool(lane & width) for lane in range(LANES)]
        low = constant([lane + (LANES - width if upper[lane] else 0) for lane in range(LANES)])
        high = constant([lane + (LANES if upper[lane] else width) for lane in range(LANES)])
        for row in (row for row in range(LANES) if not row & width):
            pair = rows[row], rows[row + width]
            rows[row], rows[row + width] = builder.shuffle_vector(*pair, low), builder.shuffle_vector(*pair, high)
    return rows


@intrinsic
def transpose(typing, source, start, stride, target, target_start, target_stride):  # type: ignore[no-untyped-def]
    """Turn rows into columns, 16 by 16: row k is ``source[start + k * stride :][:16]``, and in `target` likewise."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        def places(array, begin, step):  # type: ignore[no-untyped-def]
            data = context.make_array(signature.args[array])(context, builder, args[array]).data
            for row in range(LANES):
                index = builder.add(args[begin], builder.mul(args[step], ir.Constant(args[step].type, row)))
                yield builder.bitcast(builder.gep(data, [index]), FLOATS.llvm.as_pointer())

        rows = [builder.load(place) for place in places(0, 1, 2)]
        for row in rows:
            row.align = 4
        for place, row in zip(places(3, 4, 5), _turned(builder, rows), strict=True):
            builder.store(row, place).align = 4
        return context.get_dummy_value()

    check_single(source)
    check_single(target)
    return types.void(source, types.intp, types.intp, target, types.intp, types.intp), generate


@operation(FLOATS, FLOATS, FLOATS, FLOATS)
def fma(builder: Any, args: Any) -> Any:
    """``a * b + c``, rounded once."""
    return call(builder, "fma", args)


@operation(FLOATS, FLOATS)
def sqrt(builder: Any, args: Any) -> Any:
    """Square roots."""
    return call(builder, "sqrt", args)


@operation(FLOATS, FLOATS, FLOATS)
def largest(builder: Any, args: Any) -> Any:
    """The larger of each pair."""
    return call(builder, "maxnum", args)


@operation(FLOATS, FLOATS, FLOATS)
def smallest(builder: Any, args: Any) -> Any:
    """The smaller of each pair."""
    return call(builder, "minnum", args)


@operation(FLOATS, FLOATS)
def flushed(builder: Any, args: Any) -> Any:
    """0 where a number is within 1e-30 of it (600 dB below full scale), else the number.

    A recursion that rings out would otherwise reach the denormal numbers and stay there, at a tenth of the speed.
    """
    size = call(builder, "fabs", args)
    tiny = ir.Constant(FLOATS.llvm, [ir.Constant(ir.FloatType(), float.fromhex("0x1p-100"))] * LANES)
    zero = ir.Constant(FLOATS.llvm, [0.0] * LANES)
    return builder.select(builder.fcmp_ordered("<", size, tiny), zero, args[0])


@operation(FLOATS, FLOATS)
def last(builder: Any, args: Any) -> Any:
    """The last lane in every lane."""
    return builder.shuffle_vector(args[0], args[0], constant([LANES - 1] * LANES))


def _delay(by: int) -> Any:
    indices = constant(list(range(LANES - by, 2 * LANES - by)))
    return operation(FLOATS, FLOATS, FLOATS)(lambda builder, args: builder.shuffle_vector(*args, indices))


delay1, delay2, delay4, delay8 = _delay(1), _delay(2), _delay(4), _delay(8)
"""``delayN(before, now)``: the sixteen numbers that ended N places ago, where `before` and `now` follow each other."""


@operation(ENERGIES)
def no_energy(builder: Any, args: Any) -> Any:
    """Sixteen sums of squares, of nothing yet."""
    return ir.Constant(ENERGIES.llvm, [0.0] * LANES)


@operation(ENERGIES, ENERGIES, FLOATS)
def with_squares(builder: Any, args: Any) -> Any:
    """Sums of squares, with sixteen more squares added in double precision."""
    wide = builder.fpext(args[1], ENERGIES.llvm)
    return builder.fadd(args[0], builder.fmul(wide, wide))  # the square of a float32 is exact in float64


@intrinsic
def total(typing, energies):  # type: ignore[no-untyped-def]
    """The sum over the lanes as a float64, in pairs."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        summed = args[0]
        for half in (8, 4, 2, 1):
            low, high = (constant([lane % half + side * half for lane in range(LANES)]) for side in (0, 1))
            summed = builder.fadd(*(builder.shuffle_vector(summed, summed, side) for side in (low, high)))
        return builder.extract_element(summed, ir.Constant(I32, 0))

    return types.float64(ENERGIES), generate


@operation(FLOATS, BITS)
def from_bits(builder: Any, args: Any) -> Any:
    """Floats of those bits."""
    return builder.bitcast(args[0], FLOATS.llvm)


@operation(BITS, FLOATS)
def to_bits(builder: Any, args: Any) -> Any:
    """The bits of floats."""
    return builder.bitcast(args[0], BITS.llvm)


@operation(FLOATS, BITS)
def to_floats(builder: Any, args: Any) -> Any:
    """Signed 32-bit integers as floats, rounded."""
    return builder.sitofp(args[0], FLOATS.llvm)


@operation(BITS)
def counting(builder: Any, args: Any) -> Any:
    """0..15."""
    return constant(list(range(LANES)))


def _offer(symbol: Any, vector: type[Vector], result: Vector, instruction: str) -> None:
    """Make ``a symbol b`` that instruction, for two vectors of one type."""
    kind = FLOATS if vector is Float else BITS
    emitted = operation(result, kind, kind)(lambda builder, args: getattr(builder, instruction)(*args))

    @overload(symbol)
    def choose(a, b):  # type: ignore[no-untyped-def]
        if isinstance(a, vector) and isinstance(b, vector):
            return lambda a, b: emitted(a, b)  # noqa: PLW0108 (numba compiles this function, and an intrinsic is none)
        return None


for _operator, _instruction in (("add", "fadd"), ("sub", "fsub"), ("mul", "fmul"), ("truediv", "fdiv")):
    _offer(getattr(operator, _operator), Float, FLOATS, _instruction)
for _operator, _instruction in (
    ("add", "add"),
    ("sub", "sub"),
    ("mul", "mul"),
    ("and_", "and_"),
    ("or_", "or_"),
    ("xor", "xor"),
    ("lshift", "shl"),
    ("rshift", "lshr"),
):
    _offer(getattr(operator, _operator), Bits, BITS, _instruction)
