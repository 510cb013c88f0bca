"""The avatar bundle in memory: what a GLB file holds, as arrays.

Space: metres, right-handed, +Y up; the avatar faces +Z and its left is +X. Triangles wind counter-clockwise
seen from outside. Colours of vertices are linear; textures are sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from avatarkit.frames import FloatArray
from avatarkit.types import Camera

IndexArray = npt.NDArray[np.uint32]


class MaterialKind(StrEnum):
    """How a surface answers light; a hint for renderers (``extras.avatarkit.kind``). Unknown files get ``MATTE``."""

    SKIN = "skin"
    EYE = "eye"
    TEETH = "teeth"
    MOUTH = "mouth"
    HAIR = "hair"
    LASH = "lash"
    CLOTH = "cloth"
    MATTE = "matte"
    PHOTO = "photo"
    """The texture already holds the light; drawn as it is."""


@dataclass(frozen=True, slots=True)
class Material:
    """A surface. ``texture`` and ``normal_texture`` are indices into :attr:`Bundle.textures`."""

    name: str
    kind: MaterialKind = MaterialKind.MATTE
    base_color: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    """Linear RGBA factor."""
    roughness: float = 0.6
    texture: int | None = None
    normal_texture: int | None = None
    double_sided: bool = False
    alpha_cutoff: float | None = None
    """Pixels whose alpha is below it are not drawn; ``None`` draws all opaque."""


@dataclass(frozen=True, slots=True)
class Morph:
    """A morph target, sparse: moves ``positions[indices]`` by ``deltas`` at weight 1."""

    indices: IndexArray
    """uint32 (k,), ascending."""
    deltas: FloatArray
    """float32 (k, 3), metres."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """One drawable part: n vertices, m triangles, one material."""

    name: str
    positions: FloatArray
    """float32 (n, 3), metres, at rest."""
    normals: FloatArray
    """float32 (n, 3), unit length, at rest."""
    triangles: IndexArray
    """uint32 (m, 3)."""
    material: Material
    uv: FloatArray | None = None
    """float32 (n, 2), origin at the top left as in glTF."""
    colors: FloatArray | None = None
    """float32 (n, 4), linear RGBA; multiplies the base colour. Baked ambient occlusion is in here."""
    morphs: dict[str, Morph] = field(default_factory=dict)
    """ARKit shapes by name; a shape that does not move this mesh is absent."""
    joints: npt.NDArray[np.uint16] | None = None
    """uint16 (n, 4): joints that carry a vertex; ``None`` for a part that follows the ``head`` joint rigidly."""
    joint_weights: FloatArray | None = None
    """float32 (n, 4), rows sum to 1."""


@dataclass(frozen=True, slots=True)
class Joint:
    """A joint of the skeleton at rest (rest rotation is identity)."""

    name: str
    """``root``, ``neck`` or ``head`` in our own characters."""
    parent: int | None
    position: tuple[float, float, float]
    """Metres, in avatar space."""


@dataclass(frozen=True, slots=True)
class BundleInfo:
    """What ``asset.extras.avatarkit`` says about the avatar."""

    name: str
    license: str
    author: str
    version: int = 1
    minimum_sdk: str = "0.1.0"
    camera: Camera = field(default_factory=Camera)
    background: tuple[float, float, float] = (0.86, 0.88, 0.91)
    """sRGB 0..1; used when a surface asks for no other."""
    provenance: str = ""
    """Where the likeness comes from, as JSON text of at most 4096 characters; empty for a built character."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Bundle:
    """An avatar, whole."""

    info: BundleInfo
    meshes: tuple[Mesh, ...]
    joints: tuple[Joint, ...] = ()
    textures: tuple[npt.NDArray[np.uint8], ...] = ()
    """uint8 (h, w, 3 or 4), sRGB."""
