"""Vector types for numba (sixteen numbers in registers), and helpers that define operations on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.errors import TypingError
from numba.extending import intrinsic, models, register_model

LANES = 16
I32 = ir.IntType(32)


class Vector(types.Type):  # type: ignore[misc]
    """A numba type for sixteen numbers of the same type in registers."""

    def __init__(self, name: str, element: ir.Type) -> None:
        super().__init__(name)
        self.llvm = ir.VectorType(element, LANES)


class Float(Vector):
    """Sixteen float32."""


class Bits(Vector):
    """Sixteen 32-bit integers."""


class Energies(Vector):
    """Sixteen float64: sums of squares."""


FLOATS = Float("float32x16", ir.FloatType())
BITS = Bits("uint32x16", I32)
ENERGIES = Energies("float64x16", ir.DoubleType())


class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, vector.llvm)


register_model(Float)(_Model)
register_model(Bits)(_Model)
register_model(Energies)(_Model)


def constant(indices: list[int]) -> ir.Constant:
    """A constant vector of sixteen integers, for shuffles."""
    return ir.Constant(ir.VectorType(I32, LANES), indices)


def spread(builder: Any, vector: Vector, scalar: Any) -> Any:
    """A vector with the scalar in every lane."""
    empty = ir.Constant(vector.llvm, ir.Undefined)
    first = builder.insert_element(empty, scalar, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, empty, constant([0] * LANES))


def call(builder: Any, name: str, args: Any) -> Any:
    """Call an LLVM intrinsic on vectors of sixteen floats."""
    kind = ir.FunctionType(FLOATS.llvm, [FLOATS.llvm] * len(args))
    full = f"llvm.{name}.v16f32"
    function = builder.module.globals.get(full) or ir.Function(builder.module, kind, full)
    return builder.call(function, args)


def operation(result: Vector, *arguments: Vector) -> Callable[[Callable[[Any, Any], Any]], Any]:
    """Decorator that makes an intrinsic with fixed vector types from ``emit(builder, args)``."""

    def make(emit: Callable[[Any, Any], Any]) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return emit(builder, args)

        # numba needs an explicit number of arguments
        if not arguments:
            return intrinsic(lambda typing: (result(), generate))
        if len(arguments) == 1:
            return intrinsic(lambda typing, a: (result(*arguments), generate))
        if len(arguments) == 2:
            return intrinsic(lambda typing, a, b: (result(*arguments), generate))
        return intrinsic(lambda typing, a, b, c: (result(*arguments), generate))

    return make


def pointer(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Pointer to the sixteen floats of the array args[0] from index args[1] on."""
    data = context.make_array(signature.args[0])(context, builder, args[0]).data
    return builder.bitcast(builder.gep(data, [args[1]]), FLOATS.llvm.as_pointer())


def check_single(array: Any) -> None:
    """Refuse an array that is not float32; memory is read without conversion."""
    if array.dtype != types.float32:
        raise TypingError(f"an array of float32 is expected, not {array}")
