"""Reading glTF accessors: every offset, count and index is checked before a byte is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars import fields, limits
from avatarkit.avatars.container import Json, refuse

COMPONENTS: Final[dict[int, type[np.generic]]] = {
    5120: np.int8,
    5121: np.uint8,
    5122: np.int16,
    5123: np.uint16,
    5125: np.uint32,
    5126: np.float32,
}
"""NumPy type of each glTF component type."""

WIDTHS: Final[dict[str, int]] = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
"""Numbers in one element."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Layout:
    kind: type[np.generic]
    width: int
    count: int
    normalized: bool


class AccessorReader:
    """Decodes the accessors of one file, within one memory budget."""

    def __init__(self, document: Json, binary: memoryview) -> None:
        self._accessors = fields.objects(document, "accessors")
        self._views = fields.objects(document, "bufferViews")
        self._binary = binary
        self._left_bytes = min(limits.DECODED_BYTES, limits.DECODED_LEAST_BYTES + limits.DECODED_FACTOR * len(binary))

    @property
    def accessors(self) -> list[Json]:
        """The accessor objects, for range checks of indices that point to them."""
        return self._accessors

    def count(self, index: int) -> int:
        """Elements that accessor ``index`` has."""
        return self._layout(self._accessors[index]).count

    def floats(self, index: int, width: int) -> npt.NDArray[np.float32]:
        """Float32 (count, width), normalised integers decoded, sparse parts applied; all finite."""
        accessor = self._accessors[index]
        layout = self._layout(accessor, width)
        out = _to_float(self._base(accessor, layout), layout)
        if "sparse" in accessor:
            where, values = self._sparse(accessor, layout)
            out[where] = _to_float(values, layout)
        return _finite(out)

    def integers(self, index: int, width: int) -> Array:
        """Unsigned integers (count, width) as stored."""
        accessor = self._accessors[index]
        layout = self._layout(accessor, width)
        if layout.kind not in (np.uint8, np.uint16, np.uint32):
            raise refuse("indices are not unsigned integers")
        if "sparse" in accessor:
            raise refuse("indices are sparse")
        return self._base(accessor, layout)

    def sparse_floats(self, index: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32]]:
        """The non-zero rows of a VEC3 accessor: ascending indices (k,) and values (k, 3)."""
        accessor = self._accessors[index]
        layout = self._layout(accessor, 3)
        if "sparse" in accessor and "bufferView" not in accessor:
            where, values = self._sparse(accessor, layout)
            rows = _finite(_to_float(values, layout))
        else:
            dense = self.floats(index, 3)
            where = np.flatnonzero(np.any(dense != 0.0, axis=1)).astype(np.uint32)
            rows = dense[where]
        return where.astype(np.uint32), rows

    def view_bytes(self, index: int) -> memoryview:
        """The bytes of buffer view ``index``."""
        return self._view(index)[0]

    def _layout(self, accessor: Json, width: int | None = None) -> _Layout:
        kind = COMPONENTS.get(fields.whole(accessor, "componentType"))
        found = WIDTHS.get(fields.text(accessor, "type", "", longest=16))
        if kind is None or found is None or (width is not None and found != width):
            raise refuse("an accessor has an unexpected type")
        count = fields.whole(accessor, "count", low=1, high=3 * limits.TRIANGLES)
        return _Layout(kind, found, count, accessor.get("normalized") is True)

    def _base(self, accessor: Json, layout: _Layout) -> Array:
        if "bufferView" not in accessor:
            self._spend(layout.count * layout.width * 4)
            return np.zeros((layout.count, layout.width), layout.kind)
        view = fields.index(accessor, "bufferView", self._views)
        return self._rows(view, fields.whole(accessor, "byteOffset", default=0), layout)

    def _sparse(self, accessor: Json, layout: _Layout) -> tuple[npt.NDArray[np.uint32], Array]:
        sparse = fields.obj(accessor, "sparse")
        count = fields.whole(sparse, "count", low=1, high=layout.count)
        where_at, values_at = fields.obj(sparse, "indices"), fields.obj(sparse, "values")
        kind = COMPONENTS.get(fields.whole(where_at, "componentType"))
        if kind not in (np.uint8, np.uint16, np.uint32):
            raise refuse("sparse indices are not unsigned integers")
        where = self._rows(
            fields.index(where_at, "bufferView", self._views),
            fields.whole(where_at, "byteOffset", default=0),
            _Layout(kind, 1, count, False),
        )[:, 0].astype(np.uint32)
        if int(where[-1]) >= layout.count or np.any(where[1:] <= where[:-1]):
            raise refuse("sparse indices are out of order or out of range")
        values = self._rows(
            fields.index(values_at, "bufferView", self._views),
            fields.whole(values_at, "byteOffset", default=0),
            _Layout(layout.kind, layout.width, count, layout.normalized),
        )
        return where, values

    def _view(self, index: int) -> tuple[memoryview, int]:
        view = self._views[index]
        if fields.whole(view, "buffer") != 0:
            raise refuse("it uses data outside the file")
        offset = fields.whole(view, "byteOffset", default=0)
        length = fields.whole(view, "byteLength", low=1)
        if offset + length > len(self._binary):
            raise refuse("a buffer view reaches past the end of the data")
        return self._binary[offset : offset + length], fields.whole(view, "byteStride", high=252, default=0)

    def _rows(self, view_index: int, offset: int, layout: _Layout) -> Array:
        view, stride = self._view(view_index)
        size = np.dtype(layout.kind).itemsize
        row = size * layout.width
        stride = stride or row
        if stride < row or offset + (layout.count - 1) * stride + row > len(view):
            raise refuse("an accessor reaches past the end of its buffer view")
        self._spend(layout.count * layout.width * 4)
        source = np.frombuffer(view, np.uint8)
        rows = np.lib.stride_tricks.as_strided(source[offset:], (layout.count, row), (stride, 1))
        little = np.dtype(layout.kind).newbyteorder("<")
        return np.ascontiguousarray(rows).view(little).astype(layout.kind, copy=False)

    def _spend(self, count: int) -> None:
        self._left_bytes -= count
        if self._left_bytes < 0:
            raise refuse("it decodes to far more than it holds")


def _to_float(values: Array, layout: _Layout) -> npt.NDArray[np.float32]:
    out: npt.NDArray[np.float32] = values.astype(np.float32)
    if layout.normalized and values.dtype.kind in "iu":
        # glTF 2.0 section 3.6.2.1: signed values map -max..max to -1..1, the lowest one is clamped.
        out = np.maximum(out / float(np.iinfo(values.dtype).max), -1.0).astype(np.float32)
    return out


def _finite(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if not np.isfinite(values).all():
        raise refuse("it holds numbers that are not finite")
    return values
