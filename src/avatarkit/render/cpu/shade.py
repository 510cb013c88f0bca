"""From the visibility buffer to pixels, by way of fragments."""

from __future__ import annotations

import numpy as np

from avatarkit.render.cpu.dress import apply_color, apply_normals, receive_shadow
from avatarkit.render.cpu.fragments import ALBEDO, CHUNK, FIELDS, MARKS, PIXEL, SHARE
from avatarkit.render.cpu.gather import find, interpolate, sort_by_material
from avatarkit.render.cpu.jit import F32, I32, U8, Real, kernel
from avatarkit.render.cpu.lighting import light_fragments
from avatarkit.render.cpu.materials import NORMAL_TEXTURE, TEXTURE, UNLIT
from avatarkit.render.cpu.visibility import SAMPLES


@kernel
def _add(marks: I32, order: I32, begin: int, count: int, fragments: F32, total: F32) -> None:
    """Add fragments, weighed by their samples, to the row ``total`` (w, 4): linear RGB and samples."""
    for i in range(count):
        n = order[begin + i]
        x, share = marks[n, PIXEL], np.float32(marks[n, SHARE])
        for k in range(3):
            total[x, k] += share * fragments[ALBEDO + k * CHUNK + i]
        total[x, 3] += share


@kernel
def _encode_row(total: F32, encode: U8, out: U8, y: int) -> None:
    """Write a row of sums as sRGB with straight alpha and clear it."""
    last = np.float32(encode.shape[0] - 1)
    for x in range(total.shape[0]):
        covered = total[x, 3]
        if covered == 0.0:
            out[y, x, 0] = out[y, x, 1] = out[y, x, 2] = out[y, x, 3] = 0
            continue
        scale = last / covered
        for k in range(3):
            out[y, x, k] = encode[int(min(total[x, k] * scale, last) + np.float32(0.5))]
            total[x, k] = 0.0
        out[y, x, 3] = int(covered * np.float32(255.0 / SAMPLES) + np.float32(0.5))
        total[x, 3] = 0.0


@kernel
def shade_band(
    triangles: I32, materials: I32, factors: F32, flags: I32, texels: U8, levels: I32, counts: I32, record: F32,
    tangents: F32, lights: F32, light_view: F32, shadow: F32, reach: F32, texel_m: Real, seen: I32, encode: U8,
    out: U8, top: int, bottom: int,
) -> None:  # fmt: skip
    """Fill rows ``top`` to ``bottom`` (exclusive) of ``out`` uint8 (h, w, 4): sRGB with straight alpha."""
    width = out.shape[1]
    fragments = np.zeros(FIELDS * CHUNK, np.float32)
    marks, places = np.empty((SAMPLES * width, MARKS), np.int32), np.empty((SAMPLES * width, 2), np.float32)
    order, starts = np.empty(SAMPLES * width, np.int32), np.empty(factors.shape[0] + 1, np.int32)
    total = np.zeros((width, 4), np.float32)
    for y in range(top, bottom):
        listed = find(seen, materials, y - top, y, width, marks, places)
        sort_by_material(marks, listed, starts, order)
        for row in range(factors.shape[0]):
            for begin in range(starts[row], starts[row + 1], CHUNK):
                count = min(CHUNK, starts[row + 1] - begin)
                interpolate(
                    triangles, factors, flags, record, tangents, row, order, marks, places, begin, count, fragments
                )
                image = flags[row, TEXTURE]
                if image >= 0:
                    apply_color(texels, levels[image, : counts[image]], count, fragments)
                image = flags[row, NORMAL_TEXTURE]
                if image >= 0:
                    apply_normals(texels, levels[image, : counts[image]], count, fragments)
                if flags[row, UNLIT] == 0:
                    receive_shadow(light_view, shadow, reach, texel_m, count, fragments)
                    light_fragments(lights, factors[row], count, fragments)
                _add(marks, order, begin, count, fragments, total)
        _encode_row(total, encode, out, y)
