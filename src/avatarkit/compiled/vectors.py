"""Sixteen numbers at once, for loops that the compiler does not turn into vector instructions by itself.

It does so only where it can prove that what a loop stores and what it looks up never touch each other, which it
cannot for texels and vertices. In kernels, vectors of float32, int32 and flags (see :mod:`.vector_code`) are what
registers hold, whatever the processor's real width. Operators work lane by lane; a scalar counts for every lane.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba.core import types

from avatarkit.compiled.vector_code import (
    FLAGS,
    FLOATS,
    I32,
    UNSAID,
    VECTORS,
    WHOLES,
    WIDTH,
    VectorType,
    as_vectors,
    at_element,
    call,
    for_kernels,
    of_one,
    of_two,
    splat,
    turned,
)

Vector = Any
"""A vector in a kernel."""


def _either(floats: str, wholes: str) -> Any:
    return lambda b, kind, v: getattr(b, floats if kind is FLOATS else wholes)(*v)


def _compare(sign: str) -> Any:
    return lambda b, kind, v: (b.fcmp_ordered if kind is FLOATS else b.icmp_signed)(sign, *v)


of_two(_either("fadd", "add"), of=operator.add)
of_two(_either("fsub", "sub"), of=operator.sub)
of_two(_either("fmul", "mul"), of=operator.mul)
of_two(_either("fdiv", "sdiv"), of=operator.truediv)
of_two(lambda b, _, v: b.and_(*v), of=operator.and_)
of_two(lambda b, _, v: b.or_(*v), of=operator.or_)
of_two(lambda b, _, v: b.lshr(*v), of=operator.rshift)
of_two(lambda b, _, v: b.shl(*v), of=operator.lshift)
for _sign, _of in ((">", operator.gt), (">=", operator.ge), ("<", operator.lt), ("<=", operator.le)):
    of_two(_compare(_sign), FLAGS, _of)
equal = of_two(_compare("=="), FLAGS)
least = of_two(lambda b, kind, v: b.select(_compare("<")(b, kind, v), *v))
most = of_two(lambda b, kind, v: b.select(_compare(">")(b, kind, v), *v))
floor = of_one(lambda b, kind, v: call(b, "llvm.floor.v16f32", kind.code, v))
root = of_one(lambda b, kind, v: call(b, "llvm.sqrt.v16f32", kind.code, v))
size = of_one(lambda b, kind, v: call(b, "llvm.fabs.v16f32", kind.code, v))
rounded = of_one(lambda b, kind, v: call(b, "llvm.rint.v16f32", kind.code, v))
"""To the nearest whole number, halves to the even one."""
to_floats = of_one(lambda b, _, v: b.sitofp(v[0], FLOATS.code), FLOATS)
to_wholes = of_one(lambda b, _, v: b.fptosi(v[0], WHOLES.code), WHOLES)
"""Towards zero; what 32 bits do not hold has no meaning."""
as_floats = of_one(lambda b, _, v: b.bitcast(v[0], FLOATS.code), FLOATS)
"""The numbers whose bits these are."""


@for_kernels
def where(typing: Any, flags: Any, x: Any, y: Any) -> Any:
    """``x`` in the lanes whose flag is set, else ``y``; one of the two may be a scalar."""
    kind = x if isinstance(x, VectorType) else y

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(args[0], *as_vectors(context, builder, kind, signature.args[1:], args[1:]))

    return kind(flags, x, y), generate


@for_kernels
def bits(typing: Any, flags: Any) -> Any:
    """The flags as the bits of a number, the first lane's being the lowest."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.zext(builder.bitcast(args[0], ir.IntType(WIDTH)), ir.IntType(64))

    return types.int64(flags), generate


@for_kernels
def first_of_four(typing: Any, vector: Any) -> Any:
    """Every fourth lane, from the first on, in its own place and the three that follow it."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        lanes = ir.VectorType(I32, WIDTH)([lane // 4 * 4 for lane in range(WIDTH)])
        return builder.shuffle_vector(args[0], args[0], lanes)

    return vector(vector), generate


@for_kernels
def append(typing: Any, flags: Any, array: Any, index: Any, vector: Any) -> Any:
    """Write the int32 whose flag is set behind one another, from ``index`` on; returns how many they are.

    What follows them, up to sixteen in all, is written over.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = at_element(context, builder, signature.args[1], args[1], args[2], WHOLES.code)
        left = call(builder, "llvm.experimental.vector.compress.v16i32", WHOLES.code, [args[3], args[0], args[3]])
        builder.store(left, place, align=4)
        return builder.zext(builder.ctpop(builder.bitcast(args[0], ir.IntType(WIDTH))), ir.IntType(64))

    return types.int64(flags, array, types.uint64, vector), generate


@for_kernels
def floats_of(typing: Any, scalar: Any) -> Any:
    """A float32 in every lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return splat(builder, context.cast(builder, args[0], signature.args[0], types.float32))

    return FLOATS(scalar), generate


@for_kernels
def wholes_of(typing: Any, scalar: Any) -> Any:
    """An int32 in every lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return splat(builder, context.cast(builder, args[0], signature.args[0], types.int32))

    return WHOLES(scalar), generate


@for_kernels
def load(typing: Any, array: Any, index: Any) -> Any:
    """Sixteen elements of a flat float32, int32 or uint32 array from ``index`` on."""
    kind = VECTORS[array.dtype]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(at_element(context, builder, signature.args[0], args[0], args[1], kind.code), align=4)

    return kind(array, types.uint64), generate


@for_kernels
def store(typing: Any, array: Any, index: Any, vector: Any) -> Any:
    """Write sixteen elements of a flat array from ``index`` on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = at_element(context, builder, signature.args[0], args[0], args[1], vector.code)
        builder.store(args[2], place, align=4)
        return context.get_dummy_value()

    return types.void(array, types.uint64, vector), generate


@for_kernels
def load_halves(typing: Any, array: Any, first: Any, second: Any) -> Any:
    """Eight elements of a flat array from ``first`` on, then eight from ``second`` on."""
    kind = VECTORS[array.dtype]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = ir.VectorType(kind.code.element, WIDTH // 2)
        halves = [
            builder.load(at_element(context, builder, signature.args[0], args[0], at, code), align=4)
            for at in args[1:]
        ]
        return builder.shuffle_vector(*halves, ir.VectorType(I32, WIDTH)(list(range(WIDTH))))

    return kind(array, types.uint64, types.uint64), generate


@for_kernels
def store_halves(typing: Any, array: Any, first: Any, second: Any, vector: Any) -> Any:
    """Write the first eight numbers to a flat array from ``first`` on, the others from ``second`` on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        half = WIDTH // 2
        for number, at in enumerate(args[1:3]):
            mask = ir.VectorType(I32, half)(list(range(number * half, (number + 1) * half)))
            part = builder.shuffle_vector(args[3], args[3], mask)
            builder.store(part, at_element(context, builder, signature.args[0], args[0], at, part.type), align=4)
        return context.get_dummy_value()

    return types.void(array, types.uint64, types.uint64, vector), generate


@for_kernels
def look_up(typing: Any, array: Any, indices: Any) -> Any:
    """The elements of a flat array at sixteen places."""
    kind = VECTORS[array.dtype]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        out = ir.Constant(kind.code, UNSAID)
        for lane in range(WIDTH):
            index = builder.zext(builder.extract_element(args[1], I32(lane)), ir.IntType(64))
            found = builder.load(builder.gep(data, [index]))
            if found.type != kind.code.element:
                found = builder.zext(found, I32)
            out = builder.insert_element(out, found, I32(lane))
        return out

    return kind(array, indices), generate


@for_kernels
def look_up_pairs(typing: Any, array: Any, indices: Any) -> Any:
    """The elements of a flat array at sixteen places, and those that follow them, of 32 bits each: two vectors."""
    kind, pair = VECTORS[array.dtype], ir.IntType(64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        found = ir.Constant(ir.VectorType(pair, WIDTH), UNSAID)
        for lane in range(WIDTH):
            index = builder.zext(builder.extract_element(args[1], I32(lane)), pair)
            place = builder.bitcast(builder.gep(data, [index]), pair.as_pointer())
            found = builder.insert_element(found, builder.load(place, align=4), I32(lane))
        high = builder.lshr(found, ir.Constant(found.type, [32] * WIDTH))
        halves = [builder.bitcast(builder.trunc(half, WHOLES.code), kind.code) for half in (found, high)]
        return context.make_tuple(builder, signature.return_type, halves)

    return types.UniTuple(kind, 2)(array, indices), generate  # type: ignore[no-untyped-call]


@for_kernels
def turn(typing: Any, array: Any, places: Any, index: Any, out: Any, to: Any) -> Any:
    """Write sixteen rows of sixteen float32 as columns, behind one another, into ``out`` from ``to`` on.

    ``array`` (n, 16) holds rows; those at ``places`` (int32) from ``index`` on are taken.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = FLOATS.code
        first = builder.load(at_element(context, builder, signature.args[1], args[1], args[2], WHOLES.code), align=4)
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        rows = []
        for row in range(WIDTH):
            place = builder.zext(builder.extract_element(first, I32(row)), ir.IntType(64))
            pointer = builder.gep(data, [builder.mul(place, place.type(WIDTH))])
            rows.append(builder.load(builder.bitcast(pointer, code.as_pointer()), align=4))
        columns = turned(builder, rows)
        for row in range(WIDTH):
            place = builder.add(args[4], args[4].type(row * WIDTH))
            builder.store(
                columns[row], at_element(context, builder, signature.args[3], args[3], place, code), align=4
            )
        return context.get_dummy_value()

    return types.void(array, places, types.uint64, out, types.uint64), generate


@for_kernels
def total(typing: Any, vector: Any) -> Any:
    """The sum of all lanes, in a fixed order."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sum_, width = args[0], WIDTH
        while width > 1:
            width //= 2
            mask = ir.VectorType(I32, WIDTH)([(k + width) % WIDTH for k in range(WIDTH)])
            sum_ = builder.fadd(sum_, builder.shuffle_vector(sum_, sum_, mask))
        return builder.extract_element(sum_, I32(0))

    return types.float32(vector), generate


@for_kernels
def smallest(typing: Any, vector: Any) -> Any:
    """The least of sixteen int32."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return call(builder, "llvm.vector.reduce.smin.v16i32", I32, args)

    return types.int32(vector), generate


@for_kernels
def largest(typing: Any, vector: Any) -> Any:
    """The greatest of sixteen int32."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return call(builder, "llvm.vector.reduce.smax.v16i32", I32, args)

    return types.int32(vector), generate


@for_kernels
def exponent(typing: Any, vector: Any) -> Any:
    """The whole part of the logarithm to base 2 of numbers above 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        plain = builder.bitcast(args[0], WHOLES.code)
        high = builder.lshr(plain, splat(builder, I32(23)))
        return builder.sub(builder.and_(high, splat(builder, I32(255))), splat(builder, I32(127)))

    return WHOLES(vector), generate
