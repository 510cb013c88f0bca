"""From the visibility buffer to fragments: what is seen in each pixel, interpolated over its triangle."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.render.cpu.fragments import (
    ALBEDO,
    AREA,
    CHUNK,
    MATERIAL,
    NORMAL,
    PIXEL,
    POSITION,
    RESPONSE,
    SHARE,
    SIDE,
    TANGENT,
    UV_AREA,
    U,
    V,
)
from avatarkit.render.cpu.jit import F32, I32, I64, kernel
from avatarkit.render.cpu.materials import DIRECTED, NORMAL_TEXTURE, RESPONSES, TEXTURE
from avatarkit.render.cpu.raster import LAST_TRIANGLE, SAMPLE_X, SAMPLE_Y, SAMPLES

SAME_SURFACE: Final = 0.006
"""Samples of one material whose depths differ by less than this share are lit as one surface."""


@kernel
def find(
    seen: I64, materials: I32, y: int, begin: int, width: int, marks: I32, places: F32, chosen: I32
) -> tuple[int, int]:
    """List the fragments of row ``y`` from column ``begin``: how many, and the column to go on from.

    Writes pixel, share and material to ``marks``, the triangle to ``chosen`` and the middle of the covered
    samples, in pixels, to ``places`` (x values, then y values).
    """
    count = 0
    x = begin
    while x < width and count <= CHUNK - SAMPLES:
        k = 4 * x
        k0, k1, k2, k3 = seen[y, k], seen[y, k + 1], seen[y, k + 2], seen[y, k + 3]
        if k0 | k1 | k2 | k3 == 0:
            x += 1
            continue
        done = 0
        for s in range(SAMPLES):
            key = seen[y, k + s]
            if key == 0 or done & (1 << s):
                continue
            triangle = LAST_TRIANGLE - (key & LAST_TRIANGLE)
            material = materials[triangle]
            depth = np.float32(key >> 32)
            slack = np.float32(SAME_SURFACE) * depth
            members, px, py = 0, 0, 0
            for o in range(s, SAMPLES):
                other = seen[y, k + o]
                if (
                    other != 0
                    and not done & (1 << o)
                    and abs(np.float32(other >> 32) - depth) < slack
                    and materials[LAST_TRIANGLE - (other & LAST_TRIANGLE)] == material
                ):
                    done |= 1 << o
                    members += 1
                    px += SAMPLE_X[o]
                    py += SAMPLE_Y[o]
            scale = np.float32(1.0 / 256.0) / np.float32(members)
            marks[PIXEL + count] = x
            marks[SHARE + count] = members
            marks[MATERIAL + count] = material
            chosen[count] = triangle
            places[count] = np.float32(x) + np.float32(px) * scale
            places[CHUNK + count] = np.float32(y) + np.float32(py) * scale
            count += 1
        x += 1
    return count, x


@kernel
def interpolate(
    triangles: I32, factors: F32, flags: I32, record: F32, tangents: F32, marks: I32, places: F32, chosen: I32,
    count: int, to: F32,
) -> None:  # fmt: skip
    """Fill the fields of ``count`` fragments, perspective-correct.

    A place outside its triangle, as edges of the surface have them, is drawn onto it.
    """
    zero, one = np.float32(0.0), np.float32(1.0)
    for i in range(count):
        t = chosen[i]
        px, py = places[i], places[CHUNK + i]
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, x1, y1, x2, y2 = record[a, 0], record[a, 1], record[b, 0], record[b, 1], record[c, 0], record[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        over = one / area
        w1 = max(((x0 - x2) * (py - y2) - (y0 - y2) * (px - x2)) * over, zero)
        w2 = max(((x1 - x0) * (py - y0) - (y1 - y0) * (px - x0)) * over, zero)
        w0 = max(one - w1 - w2, zero) * record[a, 2]
        w1 *= record[b, 2]
        w2 *= record[c, 2]
        scale = one / (w0 + w1 + w2)
        w0, w1, w2 = w0 * scale, w1 * scale, w2 * scale
        row = marks[MATERIAL + i]
        turned = one if area < 0.0 else -one
        for k in range(3):
            to[POSITION + k * CHUNK + i] = w0 * record[a, 3 + k] + w1 * record[b, 3 + k] + w2 * record[c, 3 + k]
            to[NORMAL + k * CHUNK + i] = turned * (
                w0 * record[a, 6 + k] + w1 * record[b, 6 + k] + w2 * record[c, 6 + k]
            )
            to[ALBEDO + k * CHUNK + i] = factors[row, 13 + k] * (
                w0 * record[a, 9 + k] + w1 * record[b, 9 + k] + w2 * record[c, 9 + k]
            )
        for k in range(RESPONSES):
            to[RESPONSE + k * CHUNK + i] = factors[row, k]
        if flags[row, DIRECTED] != 0:
            for k in range(3):
                to[TANGENT + k * CHUNK + i] = w0 * tangents[a, k] + w1 * tangents[b, k] + w2 * tangents[c, k]
            to[SIDE + i] = tangents[a, 3]
        if flags[row, TEXTURE] < 0 and flags[row, NORMAL_TEXTURE] < 0:
            continue
        to[U + i] = w0 * record[a, 13] + w1 * record[b, 13] + w2 * record[c, 13]
        to[V + i] = w0 * record[a, 14] + w1 * record[b, 14] + w2 * record[c, 14]
        u10, v10 = record[b, 13] - record[a, 13], record[b, 14] - record[a, 14]
        u20, v20 = record[c, 13] - record[a, 13], record[c, 14] - record[a, 14]
        to[UV_AREA + i] = abs(u10 * v20 - u20 * v10)
        to[AREA + i] = abs(area)
