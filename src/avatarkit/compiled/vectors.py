"""Sixteen numbers at once, for loops that the compiler does not turn into vector instructions by itself.

It does so only where it can prove that what a loop stores and what it looks up never touch each other, which it
cannot for texels and vertices. In kernels, :data:`FLOATS`, :data:`WHOLES` and :data:`FLAGS` are what vector registers
hold, whatever the processor's real width. Operators work lane by lane; a scalar counts for every lane.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba import extending
from numba.core import types

WIDTH: Final = 16

Vector = Any
"""A vector in a kernel."""

_I32: Final = ir.IntType(32)
_UNSAID: Final = ir.Undefined


class VectorType(types.Type):
    """The type of a vector, to numba."""

    def __init__(self, name: str, lane: Any, code: ir.Type) -> None:
        self.lane, self.code = lane, ir.VectorType(code, WIDTH)
        super().__init__(name)


FLOATS: Final = VectorType("float32x16", types.float32, ir.FloatType())
WHOLES: Final = VectorType("int32x16", types.int32, _I32)
FLAGS: Final = VectorType("boolx16", types.boolean, ir.IntType(1))
_VECTORS: Final = {types.float32: FLOATS, types.int32: WHOLES, types.uint32: WHOLES, types.uint8: WHOLES}


@extending.register_model(VectorType)
class _VectorModel(extending.models.PrimitiveModel):
    def __init__(self, manager: Any, kind: VectorType) -> None:
        super().__init__(manager, kind, kind.code)  # type: ignore[no-untyped-call]


def _for_kernels(function: Callable[..., Any]) -> Any:
    """Let a function write its own code where a kernel calls it: it returns types, and what generates the code."""
    return extending.intrinsic(function)


def _splat(builder: Any, scalar: Any) -> Any:
    kind = ir.VectorType(scalar.type, WIDTH)
    first = builder.insert_element(ir.Constant(kind, _UNSAID), scalar, _I32(0))
    return builder.shuffle_vector(first, ir.Constant(kind, _UNSAID), ir.VectorType(_I32, WIDTH)([0] * WIDTH))


def _whole(context: Any, builder: Any, kind: VectorType, types_: Any, values: Any) -> list[Any]:
    """The values as vectors: scalars become alike in every lane."""
    return [
        value if isinstance(of, VectorType) else _splat(builder, context.cast(builder, value, of, kind.lane))
        for of, value in zip(types_, values, strict=True)
    ]


def _call(builder: Any, name: str, gives: Any, args: list[Any]) -> Any:
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
            return build(builder, kind, _whole(context, builder, kind, signature.args, values))

        return (gives or kind)(*args), generate

    return typed


def _one(build: Any, gives: VectorType | None = None) -> Any:
    typed = _lanewise(build, gives)

    @_for_kernels
    def operation(typing: Any, x: Any) -> Any:
        return typed((x,), None)

    return operation


def _two(build: Any, gives: VectorType | None = None, of: Any = None) -> Any:
    typed = _lanewise(build, gives)

    @_for_kernels
    def operation(typing: Any, x: Any, y: Any) -> Any:
        return typed((x, y), None)

    if of is not None:

        @extending.overload(of, strict=False)
        def choose(x: Any, y: Any) -> Any:
            if isinstance(x, VectorType) or isinstance(y, VectorType):
                return lambda x, y: operation(x, y)  # noqa: PLW0108 - numba takes functions alone
            return None

    return operation


def _either(floats: str, wholes: str) -> Any:
    return lambda b, kind, v: getattr(b, floats if kind is FLOATS else wholes)(*v)


def _compare(sign: str) -> Any:
    return lambda b, kind, v: (b.fcmp_ordered if kind is FLOATS else b.icmp_signed)(sign, *v)


_two(_either("fadd", "add"), of=operator.add)
_two(_either("fsub", "sub"), of=operator.sub)
_two(_either("fmul", "mul"), of=operator.mul)
_two(_either("fdiv", "sdiv"), of=operator.truediv)
_two(lambda b, _, v: b.and_(*v), of=operator.and_)
_two(lambda b, _, v: b.or_(*v), of=operator.or_)
_two(lambda b, _, v: b.lshr(*v), of=operator.rshift)
_two(lambda b, _, v: b.shl(*v), of=operator.lshift)
for _sign, _of in ((">", operator.gt), (">=", operator.ge), ("<", operator.lt), ("<=", operator.le)):
    _two(_compare(_sign), FLAGS, _of)
equal = _two(_compare("=="), FLAGS)
least = _two(lambda b, kind, v: b.select(_compare("<")(b, kind, v), *v))
most = _two(lambda b, kind, v: b.select(_compare(">")(b, kind, v), *v))
floor = _one(lambda b, kind, v: _call(b, "llvm.floor.v16f32", kind.code, v))
root = _one(lambda b, kind, v: _call(b, "llvm.sqrt.v16f32", kind.code, v))
size = _one(lambda b, kind, v: _call(b, "llvm.fabs.v16f32", kind.code, v))
rounded = _one(lambda b, kind, v: _call(b, "llvm.rint.v16f32", kind.code, v))
"""To the nearest whole number, halves to the even one."""
to_floats = _one(lambda b, _, v: b.sitofp(v[0], FLOATS.code), FLOATS)
to_wholes = _one(lambda b, _, v: b.fptosi(v[0], WHOLES.code), WHOLES)
"""Towards zero; what 32 bits do not hold has no meaning."""
as_floats = _one(lambda b, _, v: b.bitcast(v[0], FLOATS.code), FLOATS)
"""The numbers whose bits these are."""


@_for_kernels
def where(typing: Any, flags: Any, x: Any, y: Any) -> Any:
    """``x`` in the lanes whose flag is set, else ``y``; one of the two may be a scalar."""
    kind = x if isinstance(x, VectorType) else y

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(args[0], *_whole(context, builder, kind, signature.args[1:], args[1:]))

    return kind(flags, x, y), generate


@_for_kernels
def bits(typing: Any, flags: Any) -> Any:
    """The flags as the bits of a number, the first lane's being the lowest."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.zext(builder.bitcast(args[0], ir.IntType(WIDTH)), ir.IntType(64))

    return types.int64(flags), generate


@_for_kernels
def first_of_four(typing: Any, vector: Any) -> Any:
    """Every fourth lane, from the first on, in its own place and the three that follow it."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        lanes = ir.VectorType(_I32, WIDTH)([lane // 4 * 4 for lane in range(WIDTH)])
        return builder.shuffle_vector(args[0], args[0], lanes)

    return vector(vector), generate


@_for_kernels
def floats_of(typing: Any, scalar: Any) -> Any:
    """A float32 in every lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _splat(builder, context.cast(builder, args[0], signature.args[0], types.float32))

    return FLOATS(scalar), generate


@_for_kernels
def wholes_of(typing: Any, scalar: Any) -> Any:
    """An int32 in every lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _splat(builder, context.cast(builder, args[0], signature.args[0], types.int32))

    return WHOLES(scalar), generate


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any, code: Any) -> Any:
    """Pointer to the vector that begins at an element of an array."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), code.as_pointer())


@_for_kernels
def load(typing: Any, array: Any, index: Any) -> Any:
    """Sixteen elements of a flat float32, int32 or uint32 array from ``index`` on."""
    kind = _VECTORS[array.dtype]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_place(context, builder, signature.args[0], args[0], args[1], kind.code), align=4)

    return kind(array, types.uint64), generate


@_for_kernels
def store(typing: Any, array: Any, index: Any, vector: Any) -> Any:
    """Write sixteen elements of a flat array from ``index`` on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], args[0], args[1], vector.code)
        builder.store(args[2], place, align=4)
        return context.get_dummy_value()

    return types.void(array, types.uint64, vector), generate


@_for_kernels
def store_where(typing: Any, flags: Any, array: Any, index: Any, vector: Any) -> Any:
    """Write those of sixteen elements whose flag is set."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[1], args[1], args[2], vector.code)
        code = "f32" if vector is FLOATS else "i32"
        _call(builder, f"llvm.masked.store.v16{code}.p0v16{code}", ir.VoidType(), [args[3], place, _I32(4), args[0]])
        return context.get_dummy_value()

    return types.void(flags, array, types.uint64, vector), generate


@_for_kernels
def look_up(typing: Any, array: Any, indices: Any) -> Any:
    """The elements of a flat array at sixteen places."""
    kind = _VECTORS[array.dtype]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        out = ir.Constant(kind.code, _UNSAID)
        for lane in range(WIDTH):
            index = builder.zext(builder.extract_element(args[1], _I32(lane)), ir.IntType(64))
            found = builder.load(builder.gep(data, [index]))
            if found.type != kind.code.element:
                found = builder.zext(found, _I32)
            out = builder.insert_element(out, found, _I32(lane))
        return out

    return kind(array, indices), generate


@_for_kernels
def turn(typing: Any, array: Any, places: Any, index: Any, out: Any, to: Any) -> Any:
    """Write sixteen rows of sixteen float32 as columns, behind one another, into ``out`` from ``to`` on.

    ``array`` (n, 16) holds rows; those at ``places`` (int32) from ``index`` on are taken.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = FLOATS.code
        first = builder.load(_place(context, builder, signature.args[1], args[1], args[2], WHOLES.code), align=4)
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        rows = []
        for row in range(WIDTH):
            place = builder.zext(builder.extract_element(first, _I32(row)), ir.IntType(64))
            pointer = builder.gep(data, [builder.mul(place, place.type(WIDTH))])
            rows.append(builder.load(builder.bitcast(pointer, code.as_pointer()), align=4))
        for step in (8, 4, 2, 1):
            # Swap the blocks beside the diagonal, of half the size each time.
            low = [k if not k & step else k - step + WIDTH for k in range(WIDTH)]
            high = [k + step if not k & step else k + WIDTH for k in range(WIDTH)]
            swaps = [ir.VectorType(_I32, WIDTH)(mask) for mask in (low, high)]
            for k in range(WIDTH):
                if not k & step:
                    pair = rows[k], rows[k + step]
                    rows[k], rows[k + step] = (builder.shuffle_vector(*pair, mask) for mask in swaps)
        for row in range(WIDTH):
            place = builder.add(args[4], args[4].type(row * WIDTH))
            builder.store(rows[row], _place(context, builder, signature.args[3], args[3], place, code), align=4)
        return context.get_dummy_value()

    return types.void(array, places, types.uint64, out, types.uint64), generate


@_for_kernels
def total(typing: Any, vector: Any) -> Any:
    """The sum of all lanes, in a fixed order."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sum_, width = args[0], WIDTH
        while width > 1:
            width //= 2
            mask = ir.VectorType(_I32, WIDTH)([(k + width) % WIDTH for k in range(WIDTH)])
            sum_ = builder.fadd(sum_, builder.shuffle_vector(sum_, sum_, mask))
        return builder.extract_element(sum_, _I32(0))

    return types.float32(vector), generate


@_for_kernels
def exponent(typing: Any, vector: Any) -> Any:
    """The whole part of the logarithm to base 2 of numbers above 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        plain = builder.bitcast(args[0], WHOLES.code)
        high = builder.lshr(plain, _splat(builder, _I32(23)))
        return builder.sub(builder.and_(high, _splat(builder, _I32(255))), _splat(builder, _I32(127)))

    return WHOLES(vector), generate
