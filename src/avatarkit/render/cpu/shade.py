"""From the visibility buffer to pixels, by way of fragments."""

from __future__ import annotations

import numpy as np

from avatarkit.compiled.vectors import Vector, least, load, look_up, store, to_wholes
from avatarkit.render.cpu.arrays import F32, I32, U8, U32
from avatarkit.render.cpu.dress import apply_color, apply_normals, receive_shadow
from avatarkit.render.cpu.fragments import ALBEDO, CHUNK, COLUMN_BITS, FIELDS, LANES, MASK_BITS, ROWS
from avatarkit.render.cpu.gather import find, interpolate, sort_by_material
from avatarkit.render.cpu.jit import Real, inlined, kernel
from avatarkit.render.cpu.lighting import light_fragments
from avatarkit.render.cpu.materials import NORMAL_TEXTURE, TEXTURE, UNLIT
from avatarkit.render.cpu.visibility import BLOCK_SIDE, SAMPLES

_ALL: int = (1 << SAMPLES) - 1


@inlined
def _encoded(light: Vector, encode: U8, last: Real) -> Vector:
    """sRGB bytes of linear light."""
    return look_up(encode, to_wholes(least(light * last, last) + 0.5))


@kernel
def _put(
    places: I32, begin: int, count: int, top: int, fragments: F32, encode: U8, room: I32, sums: F32, out: U32
) -> None:
    """Write the fragments that fill their pixels, and add the others to the ``sums`` (rows, w, 4) of their pixels.

    Sums are linear RGB, weighed by samples, and the number of samples.
    """
    last = np.float32(encode.shape[0] - 1)
    for i in range(0, count, LANES):
        k = np.uint64(i)
        red = _encoded(load(fragments, k + np.uint64(ALBEDO)), encode, last)
        green = _encoded(load(fragments, k + np.uint64(ALBEDO + CHUNK)), encode, last)
        blue = _encoded(load(fragments, k + np.uint64(ALBEDO + 2 * CHUNK)), encode, last)
        store(room, np.uint64(0), red | (green << 8) | (blue << 16) | np.int32(-16777216))
        for lane in range(min(LANES, count - i)):
            place = np.uint32(places[np.uint32(begin + i + lane)])
            members = place & np.uint32(_ALL)
            row, x = (
                place >> np.uint32(MASK_BITS + COLUMN_BITS),
                (place >> np.uint32(MASK_BITS)) & np.uint32((1 << COLUMN_BITS) - 1),
            )
            if members == _ALL:
                out[np.uint32(top + row), x] = np.uint32(room[lane])
                continue
            share = np.float32((members & 1) + (members >> 1 & 1) + (members >> 2 & 1) + (members >> 3))
            at = k + np.uint64(lane)
            sums[row, x, 0] += share * fragments[at + np.uint64(ALBEDO)]
            sums[row, x, 1] += share * fragments[at + np.uint64(ALBEDO + CHUNK)]
            sums[row, x, 2] += share * fragments[at + np.uint64(ALBEDO + 2 * CHUNK)]
            sums[row, x, 3] += share


@kernel
def _finish(places: I32, count: int, top: int, sums: F32, encode: U8, out: U32) -> None:
    """Write the pixels that several fragments share, or that are covered in part: sRGB with straight alpha."""
    last = np.float32(encode.shape[0] - 1)
    for n in range(count):
        place = np.uint32(places[np.uint32(n)])
        if place & np.uint32(_ALL) == _ALL:
            continue
        row, x = (
            place >> np.uint32(MASK_BITS + COLUMN_BITS),
            (place >> np.uint32(MASK_BITS)) & np.uint32((1 << COLUMN_BITS) - 1),
        )
        covered = sums[row, x, 3]
        if covered == 0.0:
            continue
        scale = last / covered
        pixel = np.uint32(covered * np.float32(255.0 / SAMPLES) + np.float32(0.5)) << np.uint32(24)
        for channel in range(3):
            light = min(sums[row, x, channel] * scale, last)
            pixel |= np.uint32(encode[np.uint32(light + np.float32(0.5))]) << np.uint32(8 * channel)
        out[np.uint32(top + row), x] = pixel
        for k in range(4):
            sums[row, x, k] = np.float32(0.0)


@kernel
def shade_band(
    triangles: I32, materials: I32, factors: F32, flags: I32, texels: U32, levels: I32, counts: I32, record: F32,
    view: F32, lights: F32, light_view: F32, shadow: F32, reach: F32, texel_m: Real, seen: I32, encode: U8,
    out: U32, top: int, bottom: int,
) -> None:  # fmt: skip
    """Fill rows ``top`` to ``bottom`` (exclusive) of ``out`` uint32 (h, w): sRGB with straight alpha."""
    width = out.shape[1]
    fragments = np.zeros(FIELDS * CHUNK, np.float32)
    room = np.empty(LANES, np.int32)
    corners, columns = np.empty(3 * LANES, np.int32), np.empty(3 * LANES * LANES, np.float32)
    materials_count = factors.shape[0]
    tally, starts = np.empty(materials_count, np.int32), np.empty(materials_count, np.int32)
    most = ROWS * SAMPLES * width + LANES
    places, chosen = np.empty(most, np.int32), np.empty(most, np.int32)
    kinds, runs = np.empty(most, np.int32), np.empty(most, np.int32)
    most += materials_count * LANES
    sorted_places, sorted_chosen = np.empty(most, np.int32), np.empty(most, np.int32)
    sums = np.zeros((ROWS, width, 4), np.float32)
    for first in range(top, bottom, ROWS):
        rows = min(ROWS, bottom - first)
        for row in range(rows):
            for x in range(width):
                out[first + row, x] = 0
        listed = 0
        for row in range(0, rows, BLOCK_SIDE):
            line = (first - top + row) // BLOCK_SIDE
            listed = find(seen, materials, line, row, width, rows, listed, places, chosen, kinds)
        if listed == 0:
            continue
        sort_by_material(listed, places, chosen, kinds, runs, tally, starts, sorted_places, sorted_chosen)
        for kind in range(materials_count):
            end = starts[kind] + tally[kind]
            for begin in range(starts[kind], end, CHUNK):
                count = min(CHUNK, end - begin)
                interpolate(
                    triangles, factors, flags, record, view, kind, sorted_places, sorted_chosen, first, begin, count,
                    corners, columns, fragments,
                )  # fmt: skip
                image = flags[kind, TEXTURE]
                if image >= 0:
                    apply_color(texels, levels, counts, image, count, fragments)
                image = flags[kind, NORMAL_TEXTURE]
                if image >= 0:
                    apply_normals(texels, levels, counts, image, count, fragments)
                if flags[kind, UNLIT] == 0:
                    receive_shadow(light_view, shadow, reach, texel_m, count, columns, fragments)
                    light_fragments(lights, factors[kind], count, fragments)
                _put(sorted_places, begin, count, first, fragments, encode, room, sums, out)
        _finish(places, listed, first, sums, encode, out)
