"""Sixteen numbers at a time in compiled loops: vector types for numba, lowered to whatever registers the machine has.

Written out rather than left to the compiler's own vectoriser, because recursions are not vectorised by it, and because
every machine then does the same operations in the same order: `fma` rounds once everywhere, sums have one tree.

Inside an ``@njit`` function: ``+ - * /`` on equal types, and the functions below. Arrays are float32, C-contiguous, and
are read and written without bounds checks: keep index + 16 within them (or use `load_until`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.errors import TypingError
from numba.extending import intrinsic, models, overload, register_model

LANES = 16
_I32 = ir.IntType(32)


class _Vector(types.Type):  # type: ignore[misc]
    """A numba type for sixteen equal numbers in registers."""

    def __init__(self, name: str, element: ir.Type) -> None:
        super().__init__(name)
        self.llvm = ir.VectorType(element, LANES)


class _Float(_Vector):
    pass


class _Bits(_Vector):
    pass


class _Energies(_Vector):
    pass


FLOATS = _Float("float32x16", ir.FloatType())
BITS = _Bits("uint32x16", _I32)
ENERGIES = _Energies("float64x16", ir.DoubleType())


class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, vector: _Vector) -> None:
        super().__init__(manager, vector, vector.llvm)


register_model(_Float)(_Model)
register_model(_Bits)(_Model)
register_model(_Energies)(_Model)


def _constant(indices: list[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(_I32, LANES), indices)


def _spread(builder: Any, vector: _Vector, scalar: Any) -> Any:
    empty = ir.Constant(vector.llvm, ir.Undefined)
    first = builder.insert_element(empty, scalar, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, empty, _constant([0] * LANES))


def _call(builder: Any, name: str, args: Any) -> Any:
    """One of LLVM's own functions on sixteen floats."""
    kind = ir.FunctionType(FLOATS.llvm, [FLOATS.llvm] * len(args))
    full = f"llvm.{name}.v16f32"
    function = builder.module.globals.get(full) or ir.Function(builder.module, kind, full)
    return builder.call(function, args)


def _operation(result: _Vector, *arguments: _Vector) -> Callable[[Callable[[Any, Any], Any]], Any]:
    """Make an intrinsic of fixed vector types from ``emit(builder, args)``."""

    def make(emit: Callable[[Any, Any], Any]) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return emit(builder, args)

        # numba wants the number of arguments spelled out
        if not arguments:
            return intrinsic(lambda typing: (result(), generate))
        if len(arguments) == 1:
            return intrinsic(lambda typing, a: (result(*arguments), generate))
        if len(arguments) == 2:
            return intrinsic(lambda typing, a, b: (result(*arguments), generate))
        return intrinsic(lambda typing, a, b, c: (result(*arguments), generate))

    return make


def _pointer(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, args[0]).data
    return builder.bitcast(builder.gep(data, [args[1]]), FLOATS.llvm.as_pointer())


def _single(array: Any) -> None:
    """Memory is read as it is: another type than float32 would be nonsense, not a conversion."""
    if array.dtype != types.float32:
        raise TypingError(f"an array of float32 is expected, not {array}")


@intrinsic
def splat(typing, number):  # type: ignore[no-untyped-def]
    """A float in every lane, rounded to single precision."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        single = context.cast(builder, args[0], signature.args[0], types.float32)
        return _spread(builder, FLOATS, single)

    return FLOATS(number), generate


@intrinsic
def splat_bits(typing, number):  # type: ignore[no-untyped-def]
    """The low 32 bits of an integer in every lane."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return _spread(builder, BITS, context.cast(builder, args[0], signature.args[0], types.uint32))

    return BITS(number), generate


@intrinsic
def load(typing, array, index):  # type: ignore[no-untyped-def]
    """``array[index : index + 16]``."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        vector = builder.load(_pointer(context, builder, signature, args))
        vector.align = 4
        return vector

    _single(array)
    return FLOATS(array, types.intp), generate


@intrinsic
def load_until(typing, array, index, end):  # type: ignore[no-untyped-def]
    """``array[index : index + 16]``, with zeros from ``end`` on, where nothing is read."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        pointer = _pointer(context, builder, signature, args)
        left = builder.trunc(builder.sub(args[2], args[1]), _I32)
        mask = builder.icmp_signed("<", _constant(list(range(LANES))), _spread(builder, BITS, left))
        kind = ir.FunctionType(FLOATS.llvm, [pointer.type, _I32, mask.type, FLOATS.llvm])
        name = "llvm.masked.load.v16f32.p0"
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        zeros = ir.Constant(FLOATS.llvm, [0.0] * LANES)
        return builder.call(function, [pointer, ir.Constant(_I32, 4), mask, zeros])

    _single(array)
    return FLOATS(array, types.intp, types.intp), generate


@intrinsic
def store(typing, array, index, vector):  # type: ignore[no-untyped-def]
    """``array[index : index + 16] = vector``."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        builder.store(args[2], _pointer(context, builder, signature, args)).align = 4
        return context.get_dummy_value()

    _single(array)
    return types.void(array, types.intp, FLOATS), generate


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Sixteen rows as sixteen columns: off-diagonal blocks of 1, 2, 4 and 8 lanes are swapped, pair by pair of rows."""
    rows = list(rows)
    for width in (1, 2, 4, 8):
        upper = [bool(lane & width) for lane in range(LANES)]
        low = _constant([lane + (LANES - width if upper[lane] else 0) for lane in range(LANES)])
        high = _constant([lane + (LANES if upper[lane] else width) for lane in range(LANES)])
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

    _single(source)
    _single(target)
    return types.void(source, types.intp, types.intp, target, types.intp, types.intp), generate


@_operation(FLOATS, FLOATS, FLOATS, FLOATS)
def fma(builder: Any, args: Any) -> Any:
    """``a * b + c``, rounded once."""
    return _call(builder, "fma", args)


@_operation(FLOATS, FLOATS)
def sqrt(builder: Any, args: Any) -> Any:
    """Square roots."""
    return _call(builder, "sqrt", args)


@_operation(FLOATS, FLOATS, FLOATS)
def largest(builder: Any, args: Any) -> Any:
    """The larger of each pair."""
    return _call(builder, "maxnum", args)


@_operation(FLOATS, FLOATS, FLOATS)
def smallest(builder: Any, args: Any) -> Any:
    """The smaller of each pair."""
    return _call(builder, "minnum", args)


@_operation(FLOATS, FLOATS)
def flushed(builder: Any, args: Any) -> Any:
    """0 where a number is within 1e-30 of it (600 dB below full scale), else the number.

    A recursion that rings out would otherwise reach the denormal numbers and stay there, at a tenth of the speed.
    """
    size = _call(builder, "fabs", args)
    tiny = ir.Constant(FLOATS.llvm, [ir.Constant(ir.FloatType(), float.fromhex("0x1p-100"))] * LANES)
    zero = ir.Constant(FLOATS.llvm, [0.0] * LANES)
    return builder.select(builder.fcmp_ordered("<", size, tiny), zero, args[0])


@_operation(FLOATS, FLOATS)
def last(builder: Any, args: Any) -> Any:
    """The last lane in every lane."""
    return builder.shuffle_vector(args[0], args[0], _constant([LANES - 1] * LANES))


def _delay(by: int) -> Any:
    indices = _constant(list(range(LANES - by, 2 * LANES - by)))
    return _operation(FLOATS, FLOATS, FLOATS)(lambda builder, args: builder.shuffle_vector(*args, indices))


delay1, delay2, delay4, delay8 = _delay(1), _delay(2), _delay(4), _delay(8)
"""``delayN(before, now)``: the sixteen numbers that ended N places ago, where `before` and `now` follow each other."""


@_operation(ENERGIES)
def no_energy(builder: Any, args: Any) -> Any:
    """Sixteen sums of squares, of nothing yet."""
    return ir.Constant(ENERGIES.llvm, [0.0] * LANES)


@_operation(ENERGIES, ENERGIES, FLOATS)
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
            low, high = (_constant([lane % half + side * half for lane in range(LANES)]) for side in (0, 1))
            summed = builder.fadd(*(builder.shuffle_vector(summed, summed, side) for side in (low, high)))
        return builder.extract_element(summed, ir.Constant(_I32, 0))

    return types.float64(ENERGIES), generate


@_operation(FLOATS, BITS)
def from_bits(builder: Any, args: Any) -> Any:
    """Floats of those bits."""
    return builder.bitcast(args[0], FLOATS.llvm)


@_operation(BITS, FLOATS)
def to_bits(builder: Any, args: Any) -> Any:
    """The bits of floats."""
    return builder.bitcast(args[0], BITS.llvm)


@_operation(FLOATS, BITS)
def to_floats(builder: Any, args: Any) -> Any:
    """Signed 32-bit integers as floats, rounded."""
    return builder.sitofp(args[0], FLOATS.llvm)


@_operation(BITS)
def counting(builder: Any, args: Any) -> Any:
    """0..15."""
    return _constant(list(range(LANES)))


def _offer(operation: Any, vector: type[_Vector], result: _Vector, instruction: str) -> None:
    """Make ``a operation b`` that instruction, for two vectors of one type."""
    kind = FLOATS if vector is _Float else BITS
    emitted = _operation(result, kind, kind)(lambda builder, args: getattr(builder, instruction)(*args))

    @overload(operation)
    def choose(a, b):  # type: ignore[no-untyped-def]
        if isinstance(a, vector) and isinstance(b, vector):
            return lambda a, b: emitted(a, b)  # noqa: PLW0108 (numba compiles this function, and an intrinsic is none)
        return None


for _operator, _instruction in (("add", "fadd"), ("sub", "fsub"), ("mul", "fmul"), ("truediv", "fdiv")):
    _offer(getattr(operator, _operator), _Float, FLOATS, _instruction)
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
    _offer(getattr(operator, _operator), _Bits, BITS, _instruction)
