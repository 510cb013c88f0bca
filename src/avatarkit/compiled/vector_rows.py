"""Rows of a few numbers, sixteen at once, as columns and back."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from avatarkit.compiled.vector_code import FLOATS, I32, VECTORS, WIDTH, VectorType, at_element, for_kernels, turned


def _tuple(kind: VectorType, members: int) -> Any:
    return types.UniTuple(kind, members)  # type: ignore[no-untyped-call]


def _members(builder: Any, columns: Any) -> list[Any]:
    return list(cgutils.unpack_tuple(builder, columns))  # type: ignore[no-untyped-call]


def _places(context: Any, builder: Any, signature: Any, args: Any, code: Any, width: int) -> list[Any]:
    """Pointers to the vectors that sixteen rows of an array, from a row on, consist of."""
    start = builder.mul(args[1], args[1].type(width))
    starts = [builder.add(start, start.type(part * WIDTH)) for part in range(width)]
    return [at_element(context, builder, signature.args[0], args[0], at, code) for at in starts]


def _picked(builder: Any, vectors: list[Any], wanted: list[int]) -> Any:
    """Of several vectors behind one another, the elements at sixteen places."""
    out, done = vectors[0], False
    for number, vector in enumerate(vectors[1:], 1):
        mask = []
        for lane, place in enumerate(wanted):
            before = lane if done else place % WIDTH
            mask.append(WIDTH + place % WIDTH if place // WIDTH == number else before)
        out, done = builder.shuffle_vector(out, vector, ir.VectorType(I32, WIDTH)(mask)), True
    return out


def _load_rows(width: int) -> Any:
    @for_kernels
    def load_rows(typing: Any, array: Any, index: Any) -> Any:
        kind = VECTORS[array.dtype]
        gives = _tuple(kind, width)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            places = _places(context, builder, signature, args, kind.code, width)
            parts = [builder.load(place, align=4) for place in places]
            columns = [
                _picked(builder, parts, [row * width + column for row in range(WIDTH)]) for column in range(width)
            ]
            return context.make_tuple(builder, gives, columns)

        return gives(array, types.uint64), generate

    return load_rows


def _store_rows(width: int) -> Any:
    @for_kernels
    def store_rows(typing: Any, array: Any, index: Any, columns: Any) -> Any:
        kind = VECTORS[array.dtype]

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            columns = _members(builder, args[2])
            for part, place in enumerate(_places(context, builder, signature, args, kind.code, width)):
                elements = range(part * WIDTH, (part + 1) * WIDTH)
                row = _picked(builder, columns, [n % width * WIDTH + n // width for n in elements])
                builder.store(row, place, align=4)
            return context.get_dummy_value()

        return types.void(array, types.uint64, _tuple(kind, width)), generate

    return store_rows


load_threes = _load_rows(3)
"""Three columns of the sixteen rows of an (n, 3) array from row ``index`` on."""
load_fours = _load_rows(4)
"""Four columns of the sixteen rows of an (n, 4) array from row ``index`` on."""
store_threes = _store_rows(3)
"""Write three columns, a tuple, to the sixteen rows of an (n, 3) array from row ``index`` on."""
store_fours = _store_rows(4)
"""Write four columns, a tuple, to the sixteen rows of an (n, 4) array from row ``index`` on."""


@for_kernels
def store_columns(typing: Any, array: Any, index: Any, columns: Any, which: Any) -> Any:
    """Write some of sixteen columns, a tuple, to the sixteen rows of an (n, 16) array from row ``index`` on.

    The bits of ``which`` say which columns are written, the first column's being the lowest.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        written = builder.bitcast(builder.trunc(args[3], ir.IntType(WIDTH)), ir.VectorType(ir.IntType(1), WIDTH))
        places = _places(context, builder, signature, args, FLOATS.code, WIDTH)
        for row, place in zip(turned(builder, _members(builder, args[2])), places, strict=True):
            builder.store(builder.select(written, row, builder.load(place, align=4)), place, align=4)
        return context.get_dummy_value()

    return types.void(array, types.uint64, _tuple(FLOATS, WIDTH), types.int64), generate
