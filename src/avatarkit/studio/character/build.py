"""From a spec to a bundle."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from avatarkit.avatars.bundle import Bundle, BundleInfo, Joint, MaterialKind
from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character import mouth
from avatarkit.studio.character.beard import facial_hair
from avatarkit.studio.character.brows import brows
from avatarkit.studio.character.clothing import garment, neckline
from avatarkit.studio.character.coiffure import hair_parts, hair_picture, hides, recession_m
from avatarkit.studio.character.eyes import eye_material, eye_texture, eyeball
from avatarkit.studio.character.fabric import fabric_texture
from avatarkit.studio.character.glasses import glasses
from avatarkit.studio.character.lashes import lashes
from avatarkit.studio.character.occlusion import ambient, relaxed, sample_surface
from avatarkit.studio.character.parts import Part, Scalars, Triangles, smooth
from avatarkit.studio.character.person import Person
from avatarkit.studio.character.scalp import Scalp
from avatarkit.studio.character.skin import refine_body, split
from avatarkit.studio.character.skin_texture import paint_skin
from avatarkit.studio.character.source import Points, data_folder
from avatarkit.studio.character.spec import CharacterSpec
from avatarkit.studio.character.surface import FrontSurface
from avatarkit.studio.character.wet_line import wet_line
from avatarkit.types import Camera

Progress = Callable[[float, str], None]
"""Called with the share done, 0..1, and what is being done."""

AUTHOR: Final = (
    "AvatarKit, from the MakeHuman base mesh and targets and the ARKit face units for MakeHuman (both CC0)"
)
_EYES, _LOCKS, _SKIN, _CLOTH = range(4)
"""The bundle's textures."""
_CAMERA_M: Final = 1.12
"""Distance of the camera: that of a conversation."""
_HEAD_SHARE: Final = 0.64
"""Height of the head, hair included, in the picture."""
_HEADROOM: Final = 0.085
"""Free height above it, as a share of the picture."""


def build(spec: CharacterSpec, progress: Progress | None = None) -> Bundle:
    """Make a character. The same spec gives the same bundle.

    Raises ``AvatarError`` (``missingDependency``) when the head data is not installed.
    """

    def tell(share: float, what: str) -> None:
        if progress is not None:
            progress(share, what)

    tell(0.0, "reading the head")
    folder = data_folder()
    person = Person(folder, spec)
    tell(0.1, "shaping")
    body = refine_body(person)
    normals = _seamless_normals(body.points, body.triangles)
    scalp = Scalp(body.points, recession_m(spec))
    skin, lining, base_uv = split(
        person,
        body,
        normals,
        hidden=hides(scalp, spec.hair_style, body.points),
        covered=neckline(person, spec.clothing, body.points),
    )
    cloth = garment(person, spec, _CLOTH)
    tell(0.2, "hair")
    hair = hair_parts(person, scalp, spec, _LOCKS)
    tell(0.3, "skin")
    textures = [
        eye_texture(spec.iris, spec.seed),
        hair_picture(spec),
        paint_skin(person, spec, folder, skin=skin, base_uv=base_uv, scalp=scalp),
        fabric_texture(spec.clothing, spec.seed),
    ]
    skin.material = replace(skin.material, texture=_SKIN)
    surface = FrontSurface(skin.points, skin.triangles, skin.shapes, (-0.075, 0.075, 0.0, 0.07))
    parts = [
        skin,
        lining,
        *(eyeball(eye, eye_material(_EYES)) for eye in person.eyes),
        wet_line(person.eyes, body),
        mouth.teeth(person, upper=True),
        mouth.teeth(person, upper=False),
        mouth.tongue(person),
        mouth.hollow(person),
        lashes(person, spec),
        brows(person, surface, spec),
        *facial_hair(person, skin, spec),
        *glasses(person, body.points, spec),
        *cloth,
        *hair,
    ]
    tell(0.6, "light")
    _bake(person, skin, cloth, hair)
    tell(0.95, "packing")
    bundle = Bundle(
        info=BundleInfo(spec.name, "CC0-1.0", AUTHOR, camera=_camera(body.points, hair), background=spec.background),
        meshes=tuple(part.to_mesh() for part in parts),
        joints=_joints(person),
        textures=tuple(textures),
    )
    tell(1.0, "done")
    return bundle


def _camera(body: Points, hair: list[Part]) -> Camera:
    """Head and shoulders, as in a video call."""
    front = body[(np.abs(body[:, 0]) < 0.01) & (body[:, 2] > -0.01) & (body[:, 1] > -0.14)]
    chin = float(front[:, 1].min())
    top = max(float(body[:, 1].max()), *(float(np.percentile(part.points[:, 1], 99.8)) for part in hair), chin)
    height = (top - chin) / _HEAD_SHARE
    middle = round(top + _HEADROOM * height - height / 2, 4)
    angle = round(2.0 * math.degrees(math.atan(0.5 * height / _CAMERA_M)), 2)
    return Camera(
        position=(0.0, round(middle + 0.012, 4), _CAMERA_M), target=(0.0, middle, 0.0), vertical_fov_deg=angle
    )


def _lids(person: Person, points: Points) -> Scalars:
    """1 on the lids, which fold open and shut: what is baked there must suit both."""
    distance = np.min([np.linalg.norm(points - eye.centre, axis=1) / eye.radius for eye in person.eyes], axis=0)
    return smooth(1.95, 1.30, distance)


def _bake(person: Person, skin: Part, cloth: list[Part], hair: list[Part]) -> None:
    parts = [skin, *cloth, *hair]
    samples = np.concatenate([sample_surface(part.points, part.triangles) for part in parts])
    normals = [
        part.normals if part.normals is not None else vertex_normals(part.points, part.triangles) for part in parts
    ]
    open_sky = ambient(
        np.concatenate([part.points for part in parts]), np.concatenate(normals).astype(np.float64), samples
    )
    ends = np.cumsum([len(part.points) for part in parts])
    for part, seen in zip(parts, np.split(open_sky, ends[:-1]), strict=True):
        if part.material.kind in (MaterialKind.HAIR, MaterialKind.LASH):
            part.occlusion = np.clip(0.50 + 0.65 * seen, 0.0, 1.0)
        else:
            part.occlusion = np.clip(0.12 + 1.02 * relaxed(seen, part.points, part.triangles) ** 0.8, 0.0, 1.0)
    skin.occlusion = np.maximum(skin.occlusion, 0.86 * _lids(person, skin.points))


def _joints(person: Person) -> tuple[Joint, ...]:
    def place(point: Points) -> tuple[float, float, float]:
        x, y, z = (float(np.float32(value)) for value in point)
        return x, y, z

    return (
        Joint("root", None, place(person.neck_pivot - np.array([0.0, 0.10, 0.0]))),
        Joint("neck", 0, place(person.neck_pivot)),
        Joint("head", 1, place(person.head_pivot)),
    )


def _seamless_normals(points: Points, triangles: Triangles) -> Points:
    """Normals that agree where texture seams split a vertex."""
    _, inverse = np.unique(np.round(points, 7), axis=0, return_inverse=True)
    joined = inverse.ravel()
    welded = np.zeros((joined.max() + 1, 3))
    welded[joined] = points
    return np.asarray(vertex_normals(welded, joined[triangles]), np.float64)[joined]
