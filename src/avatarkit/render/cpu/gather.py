"""From the visibility buffer to fragments: what is seen in each pixel, interpolated over its triangle."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.render.cpu.fragments import (
    ALBEDO,
    CHOSEN,
    CHUNK,
    GRADIENT,
    MATERIAL,
    NORMAL,
    PIXEL,
    POSITION,
    SHARE,
    SIDE,
    TANGENT,
    U,
    V,
)
from avatarkit.render.cpu.jit import F32, I32, kernel
from avatarkit.render.cpu.materials import BASE, DIRECTED, NORMAL_TEXTURE, TEXTURE
from avatarkit.render.cpu.visibility import PIXELS, SAMPLE_X, SAMPLE_Y, SAMPLES, TRIANGLE

SAME_SURFACE: Final = 0.006
"""Samples of one material whose depths differ by less than this share are lit as one surface."""


@kernel
def find(seen: I32, materials: I32, line: int, y: int, width: int, marks: I32, places: F32) -> int:
    """List the fragments of the image's row ``y``, the buffer's ``line``, from left to right.

    Returns how many there are, at most four a pixel.

    ``marks`` (4 width, MARKS) gets what they are, ``places`` (4 width, 2) the middle of the covered samples in
    pixels.
    """
    count = 0
    half = np.float32(0.5)
    for x in range(width):
        block, k = x // PIXELS, SAMPLES * (x % PIXELS)
        m = TRIANGLE + k
        t0, t1 = seen[line, block, m], seen[line, block, m + 1]
        t2, t3 = seen[line, block, m + 2], seen[line, block, m + 3]
        if t0 | t1 | t2 | t3 == 0:
            continue
        if t0 == t1 and t1 == t2 and t2 == t3:
            marks[count, PIXEL] = x
            marks[count, SHARE] = SAMPLES
            marks[count, MATERIAL] = materials[t0 - 1]
            marks[count, CHOSEN] = t0 - 1
            places[count, 0] = np.float32(x) + half
            places[count, 1] = np.float32(y) + half
            count += 1
            continue
        done = 0
        for s in range(SAMPLES):
            triangle = seen[line, block, m + s] - 1
            if triangle < 0 or done & (1 << s):
                continue
            material = materials[triangle]
            depth = np.float32(seen[line, block, k + s])
            slack = np.float32(SAME_SURFACE) * depth
            members, px, py = 0, 0, 0
            for o in range(s, SAMPLES):
                other = seen[line, block, m + o] - 1
                if (
                    other >= 0
                    and not done & (1 << o)
                    and abs(np.float32(seen[line, block, k + o]) - depth) < slack
                    and materials[other] == material
                ):
                    done |= 1 << o
                    members += 1
                    px += SAMPLE_X[o]
                    py += SAMPLE_Y[o]
            scale = np.float32(1.0 / 256.0) / np.float32(members)
            marks[count, PIXEL] = x
            marks[count, SHARE] = members
            marks[count, MATERIAL] = material
            marks[count, CHOSEN] = triangle
            places[count, 0] = np.float32(x) + np.float32(px) * scale
            places[count, 1] = np.float32(y) + np.float32(py) * scale
            count += 1
    return count


@kernel
def sort_by_material(marks: I32, count: int, starts: I32, order: I32) -> None:
    """Order a row's fragments by material; ``starts`` (materials + 1,) gets where each material's begin."""
    starts[:] = 0
    for n in range(count):
        starts[marks[n, MATERIAL] + 1] += 1
    for material in range(starts.shape[0] - 1):
        starts[material + 1] += starts[material]
    for n in range(count):
        material = marks[n, MATERIAL]
        order[starts[material]] = n
        starts[material] += 1
    for material in range(starts.shape[0] - 1, 0, -1):
        starts[material] = starts[material - 1]
    starts[0] = 0


@kernel
def interpolate(
    triangles: I32, factors: F32, flags: I32, record: F32, tangents: F32, row: int, order: I32, marks: I32,
    places: F32, begin: int, count: int, to: F32,
) -> None:  # fmt: skip
    """Fill the fields of ``count`` fragments of material ``row``, perspective-correct.

    The fragments are those in ``order`` from ``begin`` on. A place outside its triangle, as edges of the surface
    have them, is drawn onto it. Normals and tangents do not have unit length.
    """
    zero, one = np.float32(0.0), np.float32(1.0)
    red, green, blue = factors[row, BASE], factors[row, BASE + 1], factors[row, BASE + 2]
    directed, textured = flags[row, DIRECTED] != 0, flags[row, TEXTURE] >= 0 or flags[row, NORMAL_TEXTURE] >= 0
    for i in range(count):
        # Unsigned indices spare the processor the question whether they count from the end.
        n = np.uint32(order[begin + i])
        t = np.uint32(marks[n, CHOSEN])
        a, b, c = np.uint32(triangles[t, 0]), np.uint32(triangles[t, 1]), np.uint32(triangles[t, 2])
        x0, y0 = record[a, 0], record[a, 1]
        x1, y1, x2, y2 = record[b, 0] - x0, record[b, 1] - y0, record[c, 0] - x0, record[c, 1] - y0
        px, py = places[n, 0] - x0, places[n, 1] - y0
        area = x1 * y2 - x2 * y1
        turned = one if area < zero else -one
        # Twice the areas opposite to the corners, over the corners' depths: their shares, but for one division.
        w1 = max(-turned * (px * y2 - x2 * py), zero)
        w2 = max(-turned * (x1 * py - px * y1), zero)
        w0 = max(abs(area) - w1 - w2, zero) * record[a, 2]
        w1 *= record[b, 2]
        w2 *= record[c, 2]
        scale = one / (w0 + w1 + w2)
        w0, w1, w2 = w0 * scale, w1 * scale, w2 * scale
        to[POSITION + i] = w0 * record[a, 3] + w1 * record[b, 3] + w2 * record[c, 3]
        to[POSITION + CHUNK + i] = w0 * record[a, 4] + w1 * record[b, 4] + w2 * record[c, 4]
        to[POSITION + 2 * CHUNK + i] = w0 * record[a, 5] + w1 * record[b, 5] + w2 * record[c, 5]
        to[NORMAL + i] = turned * (w0 * record[a, 6] + w1 * record[b, 6] + w2 * record[c, 6])
        to[NORMAL + CHUNK + i] = turned * (w0 * record[a, 7] + w1 * record[b, 7] + w2 * record[c, 7])
        to[NORMAL + 2 * CHUNK + i] = turned * (w0 * record[a, 8] + w1 * record[b, 8] + w2 * record[c, 8])
        to[ALBEDO + i] = red * (w0 * record[a, 9] + w1 * record[b, 9] + w2 * record[c, 9])
        to[ALBEDO + CHUNK + i] = green * (w0 * record[a, 10] + w1 * record[b, 10] + w2 * record[c, 10])
        to[ALBEDO + 2 * CHUNK + i] = blue * (w0 * record[a, 11] + w1 * record[b, 11] + w2 * record[c, 11])
        if directed:
            to[TANGENT + i] = w0 * tangents[a, 0] + w1 * tangents[b, 0] + w2 * tangents[c, 0]
            to[TANGENT + CHUNK + i] = w0 * tangents[a, 1] + w1 * tangents[b, 1] + w2 * tangents[c, 1]
            to[TANGENT + 2 * CHUNK + i] = w0 * tangents[a, 2] + w1 * tangents[b, 2] + w2 * tangents[c, 2]
            to[SIDE + i] = tangents[a, 3]
        if textured:
            over = one / area
            to[U + i] = w0 * record[a, 13] + w1 * record[b, 13] + w2 * record[c, 13]
            to[V + i] = w0 * record[a, 14] + w1 * record[b, 14] + w2 * record[c, 14]
            u1, u2 = (record[b, 13] - record[a, 13]) * over, (record[c, 13] - record[a, 13]) * over
            v1, v2 = (record[b, 14] - record[a, 14]) * over, (record[c, 14] - record[a, 14]) * over
            to[GRADIENT + i], to[GRADIENT + CHUNK + i] = u1 * y2 - u2 * y1, u2 * x1 - u1 * x2
            to[GRADIENT + 2 * CHUNK + i], to[GRADIENT + 3 * CHUNK + i] = v1 * y2 - v2 * y1, v2 * x1 - v1 * x2
