"""From the visibility buffer to fragments: what is seen in each pixel, interpolated over its triangle."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.compiled.vectors import (
    Vector,
    bits,
    equal,
    first_of_four,
    floats_of,
    load,
    look_up,
    most,
    size,
    store,
    to_floats,
    turn,
    where,
    wholes_of,
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
_PIXELS: Final = LANES // SAMPLES
_BLOCK: Final = (1 << LANES) - 1
_FIRSTS: Final = _BLOCK // _ALL
"""A block's samples as bits, and the first of each pixel."""


@inlined
def _alike(flat: I32, materials: I32, at: Whole, marks: Vector) -> tuple[Whole, Whole]:
    """The samples of a block, as bits, that show the same triangle as the first of their pixel; the same surface."""
    triangles = bits(equal(marks, first_of_four(marks)))
    if triangles == _BLOCK:
        return triangles, triangles
    kinds, depths = look_up(materials, most(marks - 1, 0)), to_floats(load(flat, at))
    first = first_of_four(depths)
    near = (marks > 0) & (size(depths - first) < first * SAME_SURFACE)
    return triangles, bits(near & equal(kinds, first_of_four(kinds)))


@inlined
def _whole(samples: Whole) -> Whole:
    """The first samples, as bits, of the pixels all of whose samples are set."""
    return samples & (samples >> 1) & (samples >> 2) & (samples >> 3) & _FIRSTS


@inlined
def _members(flat: I32, materials: I32, at: Whole, sample: Whole, done: Whole, material: Whole) -> Whole:
    """The samples of the pixel at ``at``, less those ``done``, that show the surface of ``sample``."""
    depth = np.float32(flat[at + np.uint64(sample)])
    slack = np.float32(SAME_SURFACE) * depth
    members = 0
    for other in range(sample, SAMPLES):
        triangle = flat[at + np.uint64(TRIANGLE + other)] - 1
        if (
            triangle >= 0
            and not done & (1 << other)
            and abs(np.float32(flat[at + np.uint64(other)]) - depth) < slack
            and materials[np.uint32(triangle)] == material
        ):
            members |= 1 << other
    return members


@inlined
def _place(x: Whole, y: Whole, members: Whole) -> Whole:
    """Where a fragment lies, see :mod:`.fragments`."""
    return (((y << COLUMN_BITS) + x) << MASK_BITS) + members


@kernel
def find(
    seen: I32, materials: I32, line: int, row: int, width: int, height: int, count: int, places: I32, chosen: I32,
    kinds: I32,
) -> int:  # fmt: skip
    """List the fragments of a ``line`` of the buffer's blocks behind the ``count`` that are listed.

    Returns how many there are then; a pixel has at most four. ``places`` gets where they lie, from the row ``row`` on
    (see :mod:`.fragments`), ``chosen`` their triangles, and ``kinds`` their materials. What lies beyond ``width`` and
    ``height`` is left out.
    """
    flat, stride = seen.reshape(-1), np.uint64(seen.shape[1] * seen.shape[2])
    n = np.uint64(count)
    for block in range((width + BLOCK_SIDE - 1) // BLOCK_SIDE):
        at = np.uint64(line) * stride + np.uint64(block * BLOCK)
        marks = load(flat, at + np.uint64(TRIANGLE))
        covered = bits(marks > 0)
        if covered == 0:
            continue
        same, near = _alike(flat, materials, at, marks)
        whole = _whole(same) | _whole(near)
        left = block * BLOCK_SIDE
        if whole & covered == _FIRSTS and left + BLOCK_SIDE <= width and row + BLOCK_SIDE <= height:
            for pixel in range(_PIXELS):
                x, y = left + pixel % BLOCK_SIDE, row + pixel // BLOCK_SIDE
                triangle = flat[at + np.uint64(TRIANGLE + SAMPLES * pixel)] - 1
                places[n], chosen[n] = _place(x, y, _ALL), triangle
                kinds[n] = materials[np.uint32(triangle)]
                n += np.uint64(1)
            continue
        for pixel in range(_PIXELS):
            x, y = left + pixel % BLOCK_SIDE, row + pixel // BLOCK_SIDE
            if x >= width or y >= height:
                continue
            first = at + np.uint64(SAMPLES * pixel)
            is_whole, done = whole >> np.int64(SAMPLES * pixel) & 1 != 0, 0
            for sample in range(SAMPLES):
                triangle = flat[first + np.uint64(TRIANGLE + sample)] - 1
                if triangle >= 0 and not done & (1 << sample):
                    material = materials[np.uint32(triangle)]
                    members = _ALL if is_whole else _members(flat, materials, first, sample, done, material)
                    done |= members
                    places[n], chosen[n] = _place(x, y, members), triangle
                    kinds[n] = material
                    n += np.uint64(1)
    return int(np.int64(n))


@kernel
def _find_runs(count: int, kinds: I32, runs: I32, tally: I32) -> int:
    """Find where the material changes, ``runs``; count the fragments of each, ``tally``; returns how many runs."""
    for kind in range(tally.shape[0]):
        tally[kind] = 0
    kind, begin, found = kinds[np.uint32(0)], 0, 0
    for n in range(1, count + 1):
        if n == count or kinds[np.uint32(n)] != kind:
            runs[np.uint32(found)] = begin
            tally[np.uint32(kind)] += n - begin
            kind, begin, found = kinds[np.uint32(n)], n, found + 1
    runs[np.uint32(found)] = count
    return found


@kernel
def sort_by_material(
    count: int, places: I32, chosen: I32, kinds: I32, runs: I32, tally: I32, starts: I32, sorted_places: I32,
    sorted_chosen: I32,
) -> None:  # fmt: skip
    """Order fragments by material; see :func:`find` for what there is.

    ``tally`` (materials,) gets how many each material has, and ``starts`` where they begin. ``LANES`` places lie
    between two materials: vectors reach beyond the last one of each. Neighbours mostly are of one material, and are
    moved together; ``runs`` is room to work in.
    """
    found = _find_runs(count, kinds, runs, tally)
    first = 0
    for kind in range(tally.shape[0]):
        starts[kind] = first
        first += tally[kind] + LANES
    for run in range(found):
        begin, end = np.int64(runs[np.uint32(run)]), np.int64(runs[np.uint32(run + 1)])
        own = np.uint32(kinds[np.uint32(begin)])
        to = np.int64(starts[own]) - begin
        for n in range(begin, end, LANES):
            store(sorted_places, np.uint64(to + n), load(places, np.uint64(n)))
            store(sorted_chosen, np.uint64(to + n), load(chosen, np.uint64(n)))
        starts[own] = to + end
    for kind in range(tally.shape[0]):
        store(sorted_places, np.uint64(starts[kind]), wholes_of(_ALL))
        store(sorted_chosen, np.uint64(starts[kind]), wholes_of(0))
        starts[kind] -= tally[kind]


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
