"""From the visibility buffer to pixels, by way of fragments."""

from __future__ import annotations

import numpy as np

from avatarkit.render.cpu.dress import apply_textures, receive_shadow
from avatarkit.render.cpu.fragments import ALBEDO, CHUNK, FIELDS, MARKS, PIXEL, SHARE
from avatarkit.render.cpu.gather import find, interpolate
from avatarkit.render.cpu.jit import F32, I32, I64, U8, Real, kernel
from avatarkit.render.cpu.lighting import light_fragments
from avatarkit.render.cpu.raster import SAMPLES


@kernel
def _add(marks: I32, fragments: F32, count: int, total: F32) -> None:
    """Add fragments, weighed by their samples, to the row ``total`` (w, 4): linear RGB and samples."""
    for i in range(count):
        x = marks[PIXEL + i]
        share = np.float32(marks[SHARE + i])
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
    triangles: I32, materials: I32, factors: F32, flags: I32, texels: U8, levels: I32, counts: I32, tables: F32,
    record: F32, tangents: F32, lights: F32, light_view: F32, shadow: F32, texel_m: Real, seen: I64, encode: U8,
    textured: bool, out: U8, top: int, bottom: int,
) -> None:  # fmt: skip
    """Fill rows ``top`` to ``bottom`` (exclusive) of ``out`` uint8 (h, w, 4): sRGB with straight alpha."""
    width = out.shape[1]
    fragments, marks = np.zeros(FIELDS * CHUNK, np.float32), np.zeros(MARKS * CHUNK, np.int32)
    places, chosen = np.empty(2 * CHUNK, np.float32), np.empty(CHUNK, np.int32)
    total = np.zeros((width, 4), np.float32)
    for y in range(top, bottom):
        x = 0
        while x < width:
            count, x = find(seen, materials, y, x, width, marks, places, chosen)
            if count > 0:
                interpolate(triangles, factors, flags, record, tangents, marks, places, chosen, count, fragments)
                if textured:
                    apply_textures(flags, texels, levels, counts, tables, marks, count, fragments)
                receive_shadow(light_view, shadow, texel_m, count, fragments)
                light_fragments(lights, count, fragments)
                _add(marks, fragments, count, total)
        _encode_row(total, encode, out, y)
