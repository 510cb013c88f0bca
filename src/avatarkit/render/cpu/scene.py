"""A bundle flattened into the arrays that the kernels walk: all meshes behind one another."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars.bundle import Bundle, Material, MaterialKind, Mesh
from avatarkit.avatars.rig import Rig, RigArrays
from avatarkit.render.cpu.arrays import F32, I32, U8
from avatarkit.render.cpu.materials import CUTOFF, material_tables
from avatarkit.render.cpu.tangents import strand_directions, texture_tangents
from avatarkit.render.cpu.textures import TexturePool, pool_textures

VERTEX_CHUNK: Final = 4096
"""Vertices that one task deforms."""


_LAYER_M: Final = 0.01
"""Depth of a layer in the order of drawing."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Scene:
    """n vertices, m triangles, p meshes; each mesh has its own row in the material tables."""

    rig: RigArrays
    """Geometry, morphs and joint weights."""
    morph_starts: I32
    """int32 (52, chunks + 1): where the changes of every shape to each chunk of vertices begin."""
    tangents: F32
    """float32 (n, 4): hair: direction of the strand; normal-mapped: direction of +u and the sign of +v."""
    colors: F32
    """float32 (n, 4), linear."""
    uv: F32
    """float32 (n, 2)."""
    triangles: I32
    """int32 (m, 3): the rig's, what is cut out by alpha last and from the outside inwards."""
    triangle_material: I32
    """int32 (m,)."""
    factors: F32
    flags: I32
    casters: I32
    """int32 (c, 3): the triangles that cast a shadow."""
    caster_material: I32
    """int32 (c,)."""
    casts: U8
    """uint8 (c,): 1 for each of them, as the kernels take it."""
    textures: TexturePool


class SharedScenes:
    """Gives renderers that draw the same bundle at the same time, as those of a film do, one scene between them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bundle: Callable[[], Bundle | None] = lambda: None
        self._scene: Callable[[], Scene | None] = lambda: None

    def scene(self, bundle: Bundle) -> Scene:
        """The scene of a bundle, built where no renderer holds it. Raises as :func:`build_scene`."""
        with self._lock:
            scene = self._scene() if self._bundle() is bundle else None
            if scene is None:
                scene = build_scene(bundle)
                self._bundle, self._scene = weakref.ref(bundle), weakref.ref(scene)
            return scene


def build_scene(bundle: Bundle) -> Scene:
    """Flatten a bundle. Raises ``ValueError`` when there is nothing to draw or a texture is missing."""
    meshes = bundle.meshes
    if not any(len(mesh.triangles) for mesh in meshes):
        raise ValueError("the bundle holds no triangles")
    materials = [mesh.material for mesh in meshes]
    _check_textures(materials, len(bundle.textures))
    factors, flags = material_tables(materials)
    normal_maps = {m.normal_texture for m in materials if m.normal_texture is not None}
    with ThreadPoolExecutor(1, "avatarkit-textures") as beside:
        pooling = beside.submit(pool_textures, bundle.textures, normal_maps)
        rig = Rig(bundle).arrays
        tangents = _stack([_tangents(mesh) for mesh in meshes])
        textures = pooling.result()
    triangle_material = np.repeat(np.arange(len(meshes), dtype=np.int32), np.diff(rig.triangle_starts))
    order = _drawing_order(rig, factors[triangle_material, CUTOFF] >= 0.0)
    triangle_material = triangle_material[order]
    casting = np.array([_casts(material) for material in materials], bool)[triangle_material]
    triangles = np.ascontiguousarray(rig.triangles[order])
    return Scene(
        rig=rig,
        morph_starts=_starts_by_chunk(rig),
        tangents=tangents,
        colors=_stack([np.ones((len(m.positions), 4), np.float32) if m.colors is None else m.colors for m in meshes]),
        uv=_stack([np.zeros((len(m.positions), 2), np.float32) if m.uv is None else m.uv for m in meshes]),
        triangles=triangles,
        triangle_material=triangle_material,
        factors=factors,
        flags=flags,
        casters=np.ascontiguousarray(triangles[casting]),
        caster_material=np.ascontiguousarray(triangle_material[casting]),
        casts=np.ones(int(casting.sum()), np.uint8),
        textures=textures,
    )


def _starts_by_chunk(rig: RigArrays) -> I32:
    """See :attr:`Scene.morph_starts`; the rig lists every shape's vertices in ascending order."""
    edges = np.arange(-(-len(rig.positions) // VERTEX_CHUNK) + 1) * VERTEX_CHUNK
    spans = pairwise(rig.morph_starts)
    return np.array(
        [first + np.searchsorted(rig.morph_indices[first:last], edges) for first, last in spans], np.int32
    )


def _casts(material: Material) -> bool:
    """Whether a shadow is worth drawing.

    Lashes and brows are thinner than a texel of the shadow map, and so is what is cut out by alpha: their shadows
    would be noise, or solid. What lies within the head throws its shadow where nobody sees it.
    """
    inner = (MaterialKind.EYE, MaterialKind.TEETH, MaterialKind.MOUTH)
    return material.kind is not MaterialKind.LASH and material.kind not in inner and material.alpha_cutoff is None


def _drawing_order(rig: RigArrays, cut: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Solid triangles first, then the cut ones; both from the front to the back, in layers.

    What lies behind what is drawn already costs least. Within a layer the order stays, and with it neighbours in
    memory.
    """
    front = rig.positions[rig.triangles][..., 2].max(axis=1)
    layer = np.floor(front / -_LAYER_M)
    return np.lexsort([layer, cut])


def _stack(parts: list[F32]) -> F32:
    return np.ascontiguousarray(np.concatenate(parts), np.float32)


def _check_textures(materials: list[Material], count: int) -> None:
    for material in materials:
        for index in (material.texture, material.normal_texture):
            if index is not None and not 0 <= index < count:
                raise ValueError(f"material '{material.name}' names texture {index} of {count}")


def _tangents(mesh: Mesh) -> F32:
    if mesh.material.kind is MaterialKind.HAIR:
        return strand_directions(mesh)
    if mesh.material.normal_texture is not None:
        return texture_tangents(mesh)
    return np.zeros((len(mesh.positions), 4), np.float32)
