"""Operations on vectors of sixteen numbers in numba-compiled loops, lowered to the registers of the machine.

The loops are vectorised explicitly, because the compiler does not vectorise recursions, and because every machine then
performs the same operations in the same order: `fma` rounds once everywhere, sums use one fixed tree.

Inside an ``@njit`` function: ``+ - * /`` on equal types, and the functions below. Arrays are float32, C-contiguous, and
are read and written without bounds checks: keep index + 16 within the array (or use `load_until`).
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
    """``array[index : index + 16]``, with zeros from ``end`` on; memory from ``end`` on is not read."""

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


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """The transpose of sixteen rows: swaps off-diagonal blocks of 1, 2, 4 and 8 lanes between pairs of rows."""
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
    """Transpose a 16 by 16 block: row k is ``source[start + k * stride :][:16]``; the same for `target`."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        def places(array, begin, step):  # type: ignore[no-untyped-def]
            data = context.make_array(signature.args[array])(context, builder, args[array]).data
            for row in range(LANES):
                index = builder.add(args[begin], builder.mul(args[step], ir.Constant(args[step].type, row)))
                yield builder.bitcast(builder.gep(data, [index]), FLOATS.llvm.as_pointer())

        rows = [builder.load(place) for place in places(0, 1, 2)]
        for row in rows:
            row.align = 4
        for place, row in zip(places(3, 4, 5), _transposed(builder, rows), strict=True):
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
    """Square root of each lane."""
    return call(builder, "sqrt", args)


@operation(FLOATS, FLOATS, FLOATS)
def largest(builder: Any, args: Any) -> Any:
    """The maximum of each pair of lanes."""
    return call(builder, "maxnum", args)


@operation(FLOATS, FLOATS, FLOATS)
def smallest(builder: Any, args: Any) -> Any:
    """The minimum of each pair of lanes."""
    return call(builder, "minnum", args)


@operation(FLOATS, FLOATS)
def flushed(builder: Any, args: Any) -> Any:
    """The vector with numbers below 1e-30 in magnitude (600 dB below full scale) set to 0.

    A decaying recursion would otherwise reach denormal numbers, which are ten times slower.
    """
    size = call(builder, "fabs", args)
    tiny = ir.Constant(FLOATS.llvm, [ir.Constant(ir.FloatType(), float.fromhex("0x1p-100"))] * LANES)
    zero = ir.Constant(FLOATS.llvm, [0.0] * LANES)
    return builder.select(builder.fcmp_ordered("<", size, tiny), zero, args[0])


@operation(FLOATS, FLOATS)
def last(builder: Any, args: Any) -> Any:
    """The last lane copied to every lane."""
    return builder.shuffle_vector(args[0], args[0], constant([LANES - 1] * LANES))


def _delay(by: int) -> Any:
    indices = constant(list(range(LANES - by, 2 * LANES - by)))
    return operation(FLOATS, FLOATS, FLOATS)(lambda builder, args: builder.shuffle_vector(*args, indices))


delay1, delay2, delay4, delay8 = _delay(1), _delay(2), _delay(4), _delay(8)
"""``delayN(before, now)``: `now` delayed by N samples, where `before` is the vector that precedes `now`."""


@operation(ENERGIES)
def no_energy(builder: Any, args: Any) -> Any:
    """Sixteen sums of squares, initialised to 0."""
    return ir.Constant(ENERGIES.llvm, [0.0] * LANES)


@operation(ENERGIES, ENERGIES, FLOATS)
def with_squares(builder: Any, args: Any) -> Any:
    """The sums of squares plus the squares of sixteen numbers, in double precision."""
    wide = builder.fpext(args[1], ENERGIES.llvm)
    return builder.fadd(args[0], builder.fmul(wide, wide))  # the square of a float32 is exact in float64


@intrinsic
def total(typing, energies):  # type: ignore[no-untyped-def]
    """The sum over the lanes as a float64, by pairwise summation."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        summed = args[0]
        for half in (8, 4, 2, 1):
            low, high = (constant([lane % half + side * half for lane in range(LANES)]) for side in (0, 1))
            summed = builder.fadd(*(builder.shuffle_vector(summed, summed, side) for side in (low, high)))
        return builder.extract_element(summed, ir.Constant(I32, 0))

    return types.float64(ENERGIES), generate


@operation(FLOATS, BITS)
def from_bits(builder: Any, args: Any) -> Any:
    """The floats with the given bits."""
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
    """The integers 0 to 15."""
    return constant(list(range(LANES)))


def _register_operator(symbol: Any, vector: type[Vector], result: Vector, instruction: str) -> None:
    """Implement ``a symbol b`` for two vectors of one type by an LLVM instruction."""
    kind = FLOATS if vector is Float else BITS
    emitted = operation(result, kind, kind)(lambda builder, args: getattr(builder, instruction)(*args))

    @overload(symbol)
    def choose(a, b):  # type: ignore[no-untyped-def]
        if isinstance(a, vector) and isinstance(b, vector):
            return lambda a, b: emitted(a, b)  # noqa: PLW0108 (numba compiles this function; an intrinsic cannot be returned)
        return None


for _operator, _instruction in (("add", "fadd"), ("sub", "fsub"), ("mul", "fmul"), ("truediv", "fdiv")):
    _register_operator(getattr(operator, _operator), Float, FLOATS, _instruction)
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
    _register_operator(getattr(operator, _operator), Bits, BITS, _instruction)
