"""From the visibility buffer to fragments: what is seen in each pixel, interpolated over its triangle."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.compiled.vectors import (
    Vector,
    bits,
    equal,
    floats_of,
    load,
    most,
    size,
    store,
    to_floats,
    turn,
    where,
)
from avatarkit.render.cpu import records
from avatarkit.render.cpu.arrays import F32, I32
from avatarkit.render.cpu.fragments import (
    ALBEDO,
    CHUNK,
    COLUMN_BITS,
    GRADIENT,
    LANES,
    MASK_BITS,
    NORMAL,
    POSITION,
    SIDE,
    TANGENT,
    U,
    V,
)
from avatarkit.render.cpu.jit import Whole, inlined, kernel
from avatarkit.render.cpu.materials import BASE, DIRECTED, NORMAL_TEXTURE, TEXTURE
from avatarkit.render.cpu.visibility import BLOCK, BLOCK_SIDE, SAMPLE_X, SAMPLE_Y, SAMPLES, TRIANGLE

SAME_SURFACE: Final = 0.006
"""Samples of one material whose depths differ by less than this share are lit as one surface."""

_ALL: Final = (1 << SAMPLES) - 1


@kernel
def find(
    seen: I32,
    materials: I32,
    line: int,
    row: int,
    width: int,
    height: int,
    count: int,
    places: I32,
    chosen: I32,
    starts: I32,
) -> int:
    """List the fragments of a ``line`` of the buffer's blocks behind the ``count`` that are listed.

    Returns how many there are then; a pixel has at most four. ``places`` gets where they lie, from the row ``row`` on
    (see :mod:`.fragments`), ``chosen`` their triangles, and ``starts`` how many there are of each material, one
    further on. What lies beyond ``width`` and ``height`` is left out.
    """
    flat, stride = seen.reshape(-1), np.uint64(seen.shape[1] * seen.shape[2])
    for block in range((width + BLOCK_SIDE - 1) // BLOCK_SIDE):
        at = np.uint64(line) * stride + np.uint64(block * BLOCK)
        m = at + np.uint64(TRIANGLE)
        marks = load(flat, m)
        if bits(marks > 0) == 0:
            continue
        # Each lane beside the next: three alike in a pixel make four.
        alike = bits(equal(marks, load(flat, m + np.uint64(1))))
        for pixel in range(BLOCK_SIDE * BLOCK_SIDE):
            x, y = block * BLOCK_SIDE + pixel % BLOCK_SIDE, row + pixel // BLOCK_SIDE
            if x >= width or y >= height:
                continue
            k = np.uint64(SAMPLES * pixel)
            where_ = np.int32(((y << COLUMN_BITS) + x) << MASK_BITS)
            if (alike >> np.int64(SAMPLES * pixel)) & 7 == 7:
                triangle = flat[m + k] - 1
                if triangle >= 0:
                    places[count], chosen[count] = where_ + _ALL, triangle
                    starts[materials[np.uint32(triangle)] + 1] += 1
                    count += 1
                continue
            done = 0
            for s in range(SAMPLES):
                triangle = flat[m + k + np.uint64(s)] - 1
                if triangle < 0 or done & (1 << s):
                    continue
                material = materials[np.uint32(triangle)]
                depth = np.float32(flat[at + k + np.uint64(s)])
                slack = np.float32(SAME_SURFACE) * depth
                members = 0
                for o in range(s, SAMPLES):
                    other = flat[m + k + np.uint64(o)] - 1
                    if (
                        other >= 0
                        and not done & (1 << o)
                        and abs(np.float32(flat[at + k + np.uint64(o)]) - depth) < slack
                        and materials[np.uint32(other)] == material
                    ):
                        members |= 1 << o
                done |= members
                places[count], chosen[count] = where_ + members, triangle
                starts[material + 1] += 1
                count += 1
    return count


@kernel
def sort_by_material(
    count: int, materials: I32, places: I32, chosen: I32, starts: I32, sorted_places: I32, sorted_chosen: I32
) -> None:
    """Order fragments by material; ``starts`` (materials + 1,) held how many there are, and gets where they begin."""
    for material in range(starts.shape[0] - 1):
        starts[material + 1] += starts[material]
    for n in range(count):
        triangle = chosen[np.uint32(n)]
        kind = np.uint32(materials[np.uint32(triangle)])
        to = np.uint32(starts[kind])
        sorted_places[to], sorted_chosen[to] = places[np.uint32(n)], triangle
        starts[kind] += 1
    for material in range(starts.shape[0] - 1, 0, -1):
        starts[material] = starts[material - 1]
    starts[0] = 0
    # Vectors reach beyond the last one.
    for n in range(count, count + LANES):
        sorted_places[n], sorted_chosen[n] = _ALL, 0


@inlined
def _middle(place: Vector, top: Whole) -> tuple[Vector, Vector]:
    """The middle of the covered samples, in pixels."""
    first, second, third, fourth = place & 1, (place >> 1) & 1, (place >> 2) & 1, (place >> 3) & 1
    over = floats_of(1.0 / 256.0) / to_floats(first + second + third + fourth)
    x = first * SAMPLE_X[0] + second * SAMPLE_X[1] + third * SAMPLE_X[2] + fourth * SAMPLE_X[3]
    y = first * SAMPLE_Y[0] + second * SAMPLE_Y[1] + third * SAMPLE_Y[2] + fourth * SAMPLE_Y[3]
    column, row = (place >> MASK_BITS) & ((1 << COLUMN_BITS) - 1), (place >> (MASK_BITS + COLUMN_BITS)) + top
    return to_floats(column) + to_floats(x) * over, to_floats(row) + to_floats(y) * over


@kernel
def interpolate(
    triangles: I32, factors: F32, flags: I32, record: F32, view: F32, row: int, places: I32, chosen: I32, top: int,
    begin: int, count: int, corners: I32, columns: F32, to: F32,
) -> None:  # fmt: skip
    """Fill the fields of ``count`` fragments of material ``row``, perspective-correct.

    The fragments are those from ``begin`` on. A place outside its triangle, as edges of the surface have them, is
    drawn onto it. Normals and tangents do not have unit length. ``corners`` and ``columns`` are room to work in.
    """
    red, green, blue = factors[row, BASE], factors[row, BASE + 1], factors[row, BASE + 2]
    directed, textured = flags[row, DIRECTED] != 0, flags[row, TEXTURE] >= 0 or flags[row, NORMAL_TEXTURE] >= 0
    near = np.float32(1.0) / view[3, 0]
    middle_x, middle_y = view[3, 2], view[3, 3]
    for i in range(0, count, LANES):
        for lane in range(LANES):
            t = np.uint32(chosen[np.uint32(begin + i + lane)])
            corners[lane] = triangles[t, 0]
            corners[LANES + lane] = triangles[t, 1]
            corners[2 * LANES + lane] = triangles[t, 2]
        for corner in range(3):
            turn(record, corners, np.uint64(corner * LANES), columns, np.uint64(corner * 256))
        px, py = _middle(load(places, np.uint64(begin + i)), top)
        k = np.uint64(i)
        x0, y0 = load(columns, np.uint64(0)), load(columns, np.uint64(16))
        x1, y1 = load(columns, np.uint64(256)) - x0, load(columns, np.uint64(272)) - y0
        x2, y2 = load(columns, np.uint64(512)) - x0, load(columns, np.uint64(528)) - y0
        qx, qy = px - x0, py - y0
        area = x1 * y2 - x2 * y1
        turned = where(area < 0.0, floats_of(1.0), floats_of(-1.0))
        # Twice the areas opposite to the corners, over the corners' depths: their shares, but for one division.
        w1 = most((x2 * qy - qx * y2) * turned, 0.0)
        w2 = most((qx * y1 - x1 * qy) * turned, 0.0)
        w0 = most(size(area) - w1 - w2, 0.0)
        whole = w0 + w1 + w2
        w0 = w0 * load(columns, np.uint64(32))
        w1 = w1 * load(columns, np.uint64(288))
        w2 = w2 * load(columns, np.uint64(544))
        scale = floats_of(1.0) / (w0 + w1 + w2)
        depth = whole * scale
        w0, w1, w2 = w0 * scale, w1 * scale, w2 * scale
        # Back through the camera.
        cx, cy = (px - middle_x) * near * depth - view[0, 3], (py - middle_y) * near * depth - view[1, 3]
        cz = depth - view[2, 3]
        store(to, k + np.uint64(POSITION), cx * view[0, 0] + cy * view[1, 0] + cz * view[2, 0])
        store(to, k + np.uint64(POSITION + CHUNK), cx * view[0, 1] + cy * view[1, 1] + cz * view[2, 1])
        store(to, k + np.uint64(POSITION + 2 * CHUNK), cx * view[0, 2] + cy * view[1, 2] + cz * view[2, 2])
        store(to, k + np.uint64(NORMAL), _mixed(columns, records.NORMAL, w0, w1, w2) * turned)
        store(to, k + np.uint64(NORMAL + CHUNK), _mixed(columns, records.NORMAL + 1, w0, w1, w2) * turned)
        store(to, k + np.uint64(NORMAL + 2 * CHUNK), _mixed(columns, records.NORMAL + 2, w0, w1, w2) * turned)
        store(to, k + np.uint64(ALBEDO), _mixed(columns, records.COLOR, w0, w1, w2) * red)
        store(to, k + np.uint64(ALBEDO + CHUNK), _mixed(columns, records.COLOR + 1, w0, w1, w2) * green)
        store(to, k + np.uint64(ALBEDO + 2 * CHUNK), _mixed(columns, records.COLOR + 2, w0, w1, w2) * blue)
        if directed:
            store(to, k + np.uint64(TANGENT), _mixed(columns, records.TANGENT, w0, w1, w2))
            store(to, k + np.uint64(TANGENT + CHUNK), _mixed(columns, records.TANGENT + 1, w0, w1, w2))
            store(to, k + np.uint64(TANGENT + 2 * CHUNK), _mixed(columns, records.TANGENT + 2, w0, w1, w2))
            store(to, k + np.uint64(SIDE), load(columns, np.uint64(16 * records.SIDE)))
        if textured:
            over = floats_of(1.0) / area
            store(to, k + np.uint64(U), _mixed(columns, records.U, w0, w1, w2))
            store(to, k + np.uint64(V), _mixed(columns, records.V, w0, w1, w2))
            u, v = load(columns, np.uint64(16 * records.U)), load(columns, np.uint64(16 * records.V))
            u1, u2 = (
                (load(columns, np.uint64(256 + 16 * records.U)) - u) * over,
                (load(columns, np.uint64(512 + 16 * records.U)) - u) * over,
            )
            v1, v2 = (
                (load(columns, np.uint64(256 + 16 * records.V)) - v) * over,
                (load(columns, np.uint64(512 + 16 * records.V)) - v) * over,
            )
            store(to, k + np.uint64(GRADIENT), u1 * y2 - u2 * y1)
            store(to, k + np.uint64(GRADIENT + CHUNK), u2 * x1 - u1 * x2)
            store(to, k + np.uint64(GRADIENT + 2 * CHUNK), v1 * y2 - v2 * y1)
            store(to, k + np.uint64(GRADIENT + 3 * CHUNK), v2 * x1 - v1 * x2)


@inlined
def _mixed(columns: F32, column: int, w0: Vector, w1: Vector, w2: Vector) -> Vector:
    """A column of the corners' records, by the corners' shares."""
    k = np.uint64(16 * column)
    return load(columns, k) * w0 + load(columns, k + np.uint64(256)) * w1 + load(columns, k + np.uint64(512)) * w2
