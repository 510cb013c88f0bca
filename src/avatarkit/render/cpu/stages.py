"""Stages of a frame, each one kernel: every call from Python takes its time."""

from __future__ import annotations

from avatarkit.render.cpu.arrays import F32, I32, I64, U8, U32
from avatarkit.render.cpu.deform import apply_morphs
from avatarkit.render.cpu.jit import Real, kernel
from avatarkit.render.cpu.placing import place
from avatarkit.render.cpu.raster import raster_band
from avatarkit.render.cpu.shade import shade_band


@kernel
def place_vertices(
    rest: F32, rest_normals: F32, weights: F32, starts: I32, vertices: I32, moves: F32, bends: F32, tangents: F32,
    neck_weights: F32, head_weights: F32, neck: F32, head: F32, view: F32, light: F32, positions: F32, normals: F32,
    record: F32, fixed: I32, in_light: F32, chunk: int, begin: int, end: int,
) -> None:  # fmt: skip
    """Take vertices ``begin`` to ``end``, the ``chunk``-th, from rest to the screen and to the light's view.

    See the two kernels that it calls; ``positions`` and ``normals`` (n, 3) are room to work in.
    """
    apply_morphs(
        rest, rest_normals, weights, starts, vertices, moves, bends, positions, normals, chunk, begin, end
    )  # fmt: skip
    place(
        positions, normals, tangents, neck_weights, head_weights, neck, head, view, light, record, fixed, in_light,
        begin, end,
    )  # fmt: skip


@kernel
def paint_band(
    listed: I32, starts: I64, triangles: I32, materials: I32, factors: F32, flags: I32, texels: U32, masks: U32,
    levels: I32, counts: I32, fixed: I32, record: F32, view: F32, lights: F32, light_view: F32, shadow: F32,
    reach: F32, texel_m: Real, buffers: I32, encode: U8, out: U32, number: int, slot: int, top: int, bottom: int,
) -> None:  # fmt: skip
    """Fill rows ``top`` to ``bottom`` (exclusive) of ``out``, the band ``number``, by way of ``buffers[slot]``."""
    seen = buffers[slot]
    raster_band(
        listed[starts[number] : starts[number + 1]], triangles, materials, factors, flags, masks, levels, counts,
        fixed, record, seen, out.shape[1], top, bottom,
    )  # fmt: skip
    shade_band(
        triangles, materials, factors, flags, texels, levels, counts, record, view, lights, light_view, shadow,
        reach, texel_m, seen, encode, out, top, bottom,
    )  # fmt: skip
