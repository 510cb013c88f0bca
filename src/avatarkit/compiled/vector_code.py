"""What functions of sixteen numbers are made of: their types to numba and to LLVM, and the code that they become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba import extending
from numba.core import types

WIDTH: Final = 16
"""Numbers in a vector."""

I32: Final = ir.IntType(32)
UNSAID: Final = ir.Undefined


class VectorType(types.Type):
    """The type of a vector, to numba."""

    def __init__(self, name: str, lane: Any, code: ir.Type) -> None:
        self.lane, self.code = lane, ir.VectorType(code, WIDTH)
        super().__init__(name)


FLOATS: Final = VectorType("float32x16", types.float32, ir.FloatType())
WHOLES: Final = VectorType("int32x16", types.int32, I32)
FLAGS: Final = VectorType("boolx16", types.boolean, ir.IntType(1))
VECTORS: Final = {types.float32: FLOATS, types.int32: WHOLES, types.uint32: WHOLES, types.uint8: WHOLES}


@extending.register_model(VectorType)
class _VectorModel(extending.models.PrimitiveModel):
    def __init__(self, manager: Any, kind: VectorType) -> None:
        super().__init__(manager, kind, kind.code)  # type: ignore[no-untyped-call]


def for_kernels(function: Callable[..., Any]) -> Any:
    """Let a function write its own code where a kernel calls it: it returns types, and what generates the code."""
    return extending.intrinsic(function)


def splat(builder: Any, scalar: Any) -> Any:
    """The scalar in every lane."""
    kind = ir.VectorType(scalar.type, WIDTH)
    first = builder.insert_element(ir.Constant(kind, UNSAID), scalar, I32(0))
    return builder.shuffle_vector(first, ir.Constant(kind, UNSAID), ir.VectorType(I32, WIDTH)([0] * WIDTH))


def as_vectors(context: Any, builder: Any, kind: VectorType, types_: Any, values: Any) -> list[Any]:
    """The values as vectors: scalars become alike in every lane."""
    return [
        value if isinstance(of, VectorType) else splat(builder, context.cast(builder, value, of, kind.lane))
        for of, value in zip(types_, values, strict=True)
    ]


def call(builder: Any, name: str, gives: Any, args: list[Any]) -> Any:
    """Call one of LLVM's own functions."""
    kind = ir.FunctionType(gives, [arg.type for arg in args])
    return builder.call(builder.module.declare_intrinsic(name, (), kind), args)


def _lanewise(build: Callable[[Any, VectorType, list[Any]], Any], gives: VectorType | None = None) -> Any:
    """An operation on vectors of one type and scalars; gives that type, unless told otherwise."""

    def typed(args: tuple[Any, ...], code: Any) -> Any:
        kinds = {arg for arg in args if isinstance(arg, VectorType)}
        if len(kinds) != 1:
            return None
        kind = kinds.pop()

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return build(builder, kind, as_vectors(context, builder, kind, signature.args, values))

        return (gives or kind)(*args), generate

    return typed


def of_one(build: Any, gives: VectorType | None = None) -> Any:
    """A function of one vector; ``build(builder, kind, values)`` writes its code, ``gives`` is what it returns."""
    typed = _lanewise(build, gives)

    @for_kernels
    def operation(typing: Any, x: Any) -> Any:
        return typed((x,), None)

    return operation


def of_two(build: Any, gives: VectorType | None = None, of: Any = None) -> Any:
    """As :func:`of_one`, of two vectors or a vector and a scalar; ``of`` is the operator that stands for it."""
    typed = _lanewise(build, gives)

    @for_kernels
    def operation(typing: Any, x: Any, y: Any) -> Any:
        return typed((x, y), None)

    if of is not None:

        @extending.overload(of, strict=False)
        def choose(x: Any, y: Any) -> Any:
            if isinstance(x, VectorType) or isinstance(y, VectorType):
                return lambda x, y: operation(x, y)  # noqa: PLW0108 - numba takes functions alone
            return None

    return operation


def at_element(context: Any, builder: Any, kind: Any, array: Any, index: Any, code: Any) -> Any:
    """Pointer to the vector that begins at an element of an array."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), code.as_pointer())


def turned(builder: Any, rows: list[Any]) -> list[Any]:
    """The columns of sixteen rows of sixteen, or the rows of sixteen columns."""
    rows = list(rows)
    for step in (8, 4, 2, 1):
        # Swap the blocks beside the diagonal, of half the size each time.
        low = [k if not k & step else k - step + WIDTH for k in range(WIDTH)]
        high = [k + step if not k & step else k + WIDTH for k in range(WIDTH)]
        swaps = [ir.VectorType(I32, WIDTH)(mask) for mask in (low, high)]
        for k in range(WIDTH):
            if not k & step:
                pair = rows[k], rows[k + step]
                rows[k], rows[k + step] = (builder.shuffle_vector(*pair, mask) for mask in swaps)
    return rows
