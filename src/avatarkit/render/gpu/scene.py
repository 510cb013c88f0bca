"""An avatar in the memory of a GPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import wgpu

from avatarkit.avatars.bundle import Bundle
from avatarkit.render.cpu.lights import KEY_DIRECTION, unit
from avatarkit.render.cpu.materials import CUTOFF, DOUBLE_SIDED, FACTORS, NORMAL_TEXTURE, SOFT, TEXTURE, UNLIT
from avatarkit.render.cpu.scene import Scene, build_scene
from avatarkit.render.cpu.textures import TexturePool
from avatarkit.render.cpu.views import light_matrix

SHADOW_TEXELS: Final = 512
SHADOW_MARGIN_M: Final = 0.04
_DEPTH_MARGIN_M: Final = 0.5
DEFORMED: Final = 10
"""Numbers of a deformed vertex: position, normal, tangent and its side."""

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Part:
    """Triangles of one material, which are drawn at once."""

    material: int
    first: int
    """First index."""
    count: int
    """Indices."""
    is_cut: bool
    double_sided: bool
    casts: bool
    maps: Any
    """Bind group with its textures."""


@dataclass(frozen=True, slots=True)
class GpuScene:
    """Buffers and textures of a bundle."""

    scene: Scene
    light_view: F32
    """float32 (3, 4): see :func:`avatarkit.render.cpu.views.light_matrix`."""
    light_depth_m: tuple[float, float]
    """The nearest depth in that view, and how far the shadow map reaches from there."""
    parts: tuple[Part, ...]
    indices: Any
    still: Any
    """Colour and texture coordinates of every vertex."""
    deformed: Any
    materials: Any
    deform_buffers: tuple[Any, Any, Any]
    """At rest, where the changes of each vertex begin, and the changes."""


def put_scene(device: Any, bundle: Bundle, map_layout: Any) -> GpuScene:
    """Put a bundle into a device's memory. Raises ``ValueError`` as :func:`build_scene`."""
    scene = build_scene(bundle)
    rig = scene.rig
    light_view = light_matrix(unit(KEY_DIRECTION), rig.positions, SHADOW_MARGIN_M, SHADOW_TEXELS)
    depth = rig.positions @ light_view[2, :3] + light_view[2, 3]
    nearest, farthest = float(depth.min()) - _DEPTH_MARGIN_M, float(depth.max()) + _DEPTH_MARGIN_M
    order = np.argsort(scene.triangle_material, kind="stable")
    storage, vertex = wgpu.BufferUsage.STORAGE, wgpu.BufferUsage.VERTEX
    rest = np.column_stack([rig.positions, rig.neck_weights, rig.normals, rig.head_weights, scene.tangents])
    starts, changes = _changes_by_vertex(scene)

    def put(data: npt.NDArray[Any], usage: int) -> Any:
        return device.create_buffer_with_data(data=np.ascontiguousarray(data), usage=usage)

    return GpuScene(
        scene=scene,
        light_view=light_view,
        light_depth_m=(nearest, farthest - nearest),
        parts=tuple(_parts(device, scene, order, map_layout)),
        indices=put(scene.triangles[order].astype(np.uint32), wgpu.BufferUsage.INDEX),
        still=put(np.column_stack([scene.colors, scene.uv]), vertex),
        deformed=device.create_buffer(size=4 * DEFORMED * len(rig.positions), usage=storage | vertex),
        materials=put(_material_rows(scene), storage),
        deform_buffers=(put(rest.astype(np.float32), storage), put(starts, storage), put(changes, storage)),
    )


def _changes_by_vertex(scene: Scene) -> tuple[npt.NDArray[np.uint32], F32]:
    """All morph targets, sorted by vertex and then by shape: where each vertex's begin, and rows of 8 numbers."""
    rig = scene.rig
    shapes = np.repeat(np.arange(len(rig.morph_starts) - 1, dtype=np.uint32), np.diff(rig.morph_starts))
    order = np.argsort(rig.morph_indices, kind="stable")
    rows = np.zeros((max(1, len(order)), 8), np.float32)
    rows[: len(order), 0:3], rows[: len(order), 4:7] = rig.morph_positions[order], rig.morph_normals[order]
    rows[: len(order), 3] = shapes[order].view(np.float32)
    counts = np.bincount(rig.morph_indices, minlength=len(rig.positions))
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32), rows


def _material_rows(scene: Scene) -> npt.NDArray[np.float32]:
    rows = np.zeros((len(scene.factors), 24), np.float32)
    rows[:, :FACTORS] = scene.factors
    flags = scene.flags
    told = np.column_stack([flags[:, TEXTURE] >= 0, flags[:, NORMAL_TEXTURE] >= 0, flags[:, UNLIT], flags[:, SOFT]])
    rows[:, 20:] = told.astype(np.int32).view(np.float32)
    return rows


def _parts(device: Any, scene: Scene, order: npt.NDArray[np.int64], layout: Any) -> list[Part]:
    """One part for each material that has triangles; what is cut out by alpha last, as the CPU draws it."""
    normal_maps = {int(index) for index in scene.flags[:, NORMAL_TEXTURE] if index >= 0}
    used = {int(index) for index in scene.flags[:, [TEXTURE, NORMAL_TEXTURE]].ravel() if index >= 0}
    views = {index: _texture(device, scene.textures, index, index in normal_maps) for index in sorted(used)}
    views[-1] = _blank(device)
    counts = np.bincount(scene.triangle_material, minlength=len(scene.factors))
    first = np.concatenate([[0], np.cumsum(counts)])
    casts = np.zeros(len(counts), bool)
    casts[scene.caster_material] = True
    solid_first = sorted(np.flatnonzero(counts), key=lambda row: (scene.factors[row, CUTOFF] >= 0.0, row))
    return [
        Part(
            material=int(row),
            first=3 * int(first[row]),
            count=3 * int(counts[row]),
            is_cut=bool(scene.factors[row, CUTOFF] >= 0.0),
            double_sided=bool(scene.flags[row, DOUBLE_SIDED]),
            casts=bool(casts[row]),
            maps=device.create_bind_group(
                layout=layout,
                entries=[
                    {"binding": 0, "resource": views[int(scene.flags[row, TEXTURE])]},
                    {"binding": 1, "resource": views[int(scene.flags[row, NORMAL_TEXTURE])]},
                ],
            ),
        )
        for row in solid_first
    ]


def _texture(device: Any, pool: TexturePool, index: int, plain: bool) -> Any:
    """A texture with the CPU renderer's own mipmaps: linear light, or the plain numbers of a normal map."""
    levels = int(pool.counts[index])
    size = (int(pool.levels[index, 0, 1]), int(pool.levels[index, 0, 2]), 1)
    usage = wgpu.TextureUsage.TEXTURE_BINDING | wgpu.TextureUsage.COPY_DST
    texture = device.create_texture(size=size, format="rgba16float", usage=usage, mip_level_count=levels)
    for level in range(levels):
        texels = pool.picture(index, level).astype(np.float32) / np.float32(255)
        height, width = texels.shape[:2]
        if not plain:
            texels[..., :3] *= texels[..., :3]
        device.queue.write_texture(
            {"texture": texture, "mip_level": level, "origin": (0, 0, 0)},
            np.ascontiguousarray(texels.astype(np.float16)),
            {"offset": 0, "bytes_per_row": 8 * width, "rows_per_image": height},
            (width, height, 1),
        )
    return texture.create_view()


def _blank(device: Any) -> Any:
    usage = wgpu.TextureUsage.TEXTURE_BINDING
    return device.create_texture(size=(1, 1, 1), format="rgba16float", usage=usage).create_view()
