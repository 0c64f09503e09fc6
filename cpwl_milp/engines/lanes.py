"""Eight numbers at once, in compiled code: LLVM's vectors as a numba type.

numba leaves it to LLVM to find vectors in loops, which fails where a loop keeps sums in registers
or turns comparisons into bits. Here a vector is a value: `load` eight neighbours of an array,
compute, `store` them or compare them into eight bits. LLVM makes the best of it on any processor
(one register of AVX-512, two of AVX2, four of NEON). Indices are not checked: arrays are padded.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

N_LANES = 8

_DOUBLE = ir.DoubleType()
_VECTOR = ir.VectorType(_DOUBLE, N_LANES)
_WORD = ir.IntType(64)
# A product and a sum may be one rounding; nothing here is NaN.
_FLAGS = ("contract", "nnan", "nsz")


class Lanes(types.Type):  # type: ignore[misc]
    """Eight float64 in a vector register."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Address of ``array[index]`` as that of a vector."""
    data = cgutils.create_struct_proxy(kind)(context, builder, value=array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


def _filled(builder: Any, value: Any) -> Any:
    """The vector of eight times `value`."""
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), N_LANES), None)
    return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), zeros)


@intrinsic
def load(typing, array, index):  # type: ignore[no-untyped-def]
    """``array[index : index + 8]`` of a contiguous float64 array."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], args[0], args[1])
        return builder.load(place, align=8)

    return lanes(array, types.int64), codegen


@intrinsic
def store(typing, array, index, value):  # type: ignore[no-untyped-def]
    """``array[index : index + 8] = value``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], place, align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, lanes), codegen


@intrinsic
def plus_scaled(typing, total, value, factor):  # type: ignore[no-untyped-def]
    """``total + factor * value`` for a number `factor`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        total, value, factor = args
        product = builder.fmul(value, _filled(builder, factor), flags=_FLAGS)
        return builder.fadd(total, product, flags=_FLAGS)

    return lanes(lanes, lanes, types.float64), codegen


@intrinsic
def filled(typing, value):  # type: ignore[no-untyped-def]
    """Eight times a number."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _filled(builder, args[0])

    return lanes(types.float64), codegen


@intrinsic
def plus_product(typing, total, a, b):  # type: ignore[no-untyped-def]
    """``total + a * b``, one rounding or two; NaN and infinity as in IEEE 754."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        total, a, b = args
        product = builder.fmul(a, b, flags=("contract",))
        return builder.fadd(total, product, flags=("contract",))

    return lanes(lanes, lanes, lanes), codegen


@intrinsic
def quotient(typing, a, b):  # type: ignore[no-untyped-def]
    """``a / b``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fdiv(args[0], args[1])

    return lanes(lanes, lanes), codegen


@intrinsic
def where_above(typing, a, b, yes, no):  # type: ignore[no-untyped-def]
    """``yes[k]`` where ``a[k] > b[k]``, else ``no[k]``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, b, yes, no = args
        return builder.select(builder.fcmp_ordered(">", a, b), yes, no)

    return lanes(lanes, lanes, lanes, lanes), codegen


@intrinsic
def least_lane(typing, a):  # type: ignore[no-untyped-def]
    """The least of the eight."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = args[0]
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        for half in (4, 2, 1):
            order = [(k + half) % N_LANES for k in range(N_LANES)]
            mask = ir.Constant(ir.VectorType(ir.IntType(32), N_LANES), order)
            other = builder.shuffle_vector(found, undefined, mask)
            found = builder.select(builder.fcmp_ordered("<", found, other), found, other)
        return builder.extract_element(found, ir.IntType(32)(0))

    return types.float64(lanes), codegen


@intrinsic
def least(typing, a, b):  # type: ignore[no-untyped-def]
    """The lesser of each pair."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, b = args
        return builder.select(builder.fcmp_ordered("<", a, b, flags=_FLAGS), a, b)

    return lanes(lanes, lanes), codegen


@intrinsic
def most(typing, a, b):  # type: ignore[no-untyped-def]
    """The greater of each pair."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, b = args
        return builder.select(builder.fcmp_ordered(">", a, b, flags=_FLAGS), a, b)

    return lanes(lanes, lanes), codegen


@intrinsic
def above(typing, a, b):  # type: ignore[no-untyped-def]
    """Bit k is 1 iff ``a[k] > b[k]``, as an int64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.fcmp_ordered(">", args[0], args[1])
        return builder.zext(builder.bitcast(bits, ir.IntType(N_LANES)), _WORD)

    return types.int64(lanes, lanes), codegen


@intrinsic
def above_zero(typing, a):  # type: ignore[no-untyped-def]
    """Bit k is 1 iff ``a[k] > 0``, as an int64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.fcmp_ordered(">", args[0], ir.Constant(_VECTOR, None))
        return builder.zext(builder.bitcast(bits, ir.IntType(N_LANES)), _WORD)

    return types.int64(lanes), codegen


@intrinsic
def minus(typing, a):  # type: ignore[no-untyped-def]
    """``-a``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fneg(args[0])

    return lanes(lanes), codegen


@intrinsic
def lowest_bit(typing, word):  # type: ignore[no-untyped-def]
    """Place of the lowest bit that is 1 in an int64 other than 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.IntType(1)(1))

    return types.int64(types.int64), codegen


@intrinsic
def leading_zeros(typing, word):  # type: ignore[no-untyped-def]
    """How many bits of a uint64 other than 0 stand above its highest 1."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.IntType(1)(1))

    return types.int64(types.uint64), codegen


@intrinsic
def ones(typing, word):  # type: ignore[no-untyped-def]
    """How many bits of a uint64 are 1."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), codegen


@intrinsic
def alone(typing, word):  # type: ignore[no-untyped-def]
    """The same int64, of which LLVM knows nothing: it leaves a loop with it as it is.

    Loops over the few corners of a polygon are slower in vectors: checks that never pay.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # No instruction: the value stays in its register.
        return builder.asm(ir.FunctionType(_WORD, [_WORD]), "", "=r,0", args, side_effect=False)

    return types.int64(types.int64), codegen
