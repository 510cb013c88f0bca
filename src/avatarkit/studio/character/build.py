"""From a spec to a bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from avatarkit.avatars.bundle import Bundle, BundleInfo, Joint
from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character import mouth
from avatarkit.studio.character.brows import brows
from avatarkit.studio.character.clothing import jumper
from avatarkit.studio.character.eyes import eye_material, eye_texture, eyeball
from avatarkit.studio.character.hair import locks, under_layer
from avatarkit.studio.character.hair_shape import Bob, Skull
from avatarkit.studio.character.hair_texture import hair_texture
from avatarkit.studio.character.lashes import lashes
from avatarkit.studio.character.occlusion import ambient, relaxed, sample_surface
from avatarkit.studio.character.parts import Part, Scalars, Triangles, smooth
from avatarkit.studio.character.person import Person
from avatarkit.studio.character.skin import refine_body, split
from avatarkit.studio.character.skin_texture import paint_skin
from avatarkit.studio.character.source import Points, data_folder
from avatarkit.studio.character.spec import CharacterSpec
from avatarkit.studio.character.surface import FrontSurface
from avatarkit.types import Camera

Progress = Callable[[float, str], None]
"""Called with the share done, 0..1, and what is being done."""

AUTHOR: Final = (
    "AvatarKit, from the MakeHuman base mesh and targets and the ARKit face units for MakeHuman (both CC0)"
)
_CAMERA: Final = Camera(position=(0.0, -0.020, 1.12), target=(0.0, -0.034, 0.0), vertical_fov_deg=19.5)


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
    bob = Bob(Skull(body.points))
    skin, lining, base_uv = split(person, body, normals, bob.hides(body.points))
    cloth = jumper(person, spec.cloth)
    tell(0.3, "eyes and mouth")
    scalp = bob.cover(skin.points)
    textures = [
        eye_texture(spec.iris, spec.seed),
        hair_texture(spec.seed),
        paint_skin(person, spec, folder, skin=skin, base_uv=base_uv, scalp=scalp),
    ]
    skin.material = replace(skin.material, texture=2)
    eyes = [eyeball(eye, eye_material(0)) for eye in person.eyes]
    surface = FrontSurface(skin.points, skin.triangles, skin.shapes, (-0.075, 0.075, 0.0, 0.07))
    under = under_layer(bob, spec.hair)
    parts = [
        skin,
        lining,
        *eyes,
        mouth.teeth(person, upper=True),
        mouth.teeth(person, upper=False),
        mouth.tongue(person),
        mouth.hollow(),
        lashes(person, spec.seed),
        brows(person, surface, spec.hair, spec.seed),
        cloth,
        under,
        *locks(bob, spec.hair, 1, spec.seed),
    ]
    tell(0.6, "light")
    _bake(person, [skin, cloth], [skin, cloth, under])
    tell(0.95, "packing")
    bundle = Bundle(
        info=BundleInfo(spec.name, "CC0-1.0", AUTHOR, camera=_CAMERA, background=spec.background),
        meshes=tuple(part.to_mesh() for part in parts),
        joints=_joints(person),
        textures=tuple(textures),
    )
    tell(1.0, "done")
    return bundle


def _lids(person: Person, points: Points) -> Scalars:
    """1 on the lids, which fold open and shut: what is baked there must suit both."""
    distance = np.min([np.linalg.norm(points - eye.centre, axis=1) / eye.radius for eye in person.eyes], axis=0)
    return smooth(1.75, 1.25, distance)


def _bake(person: Person, receivers: list[Part], scene: list[Part]) -> None:
    samples = np.concatenate([sample_surface(part.points, part.triangles) for part in scene])
    for part in receivers:
        normals = part.normals if part.normals is not None else vertex_normals(part.points, part.triangles)
        open_sky = relaxed(
            ambient(part.points, np.asarray(normals, np.float64), samples), part.points, part.triangles
        )
        part.occlusion = np.clip(0.12 + 1.02 * open_sky**0.8, 0.0, 1.0)
        if part.name == "skin":
            part.occlusion = np.maximum(part.occlusion, 0.80 * _lids(person, part.points))


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
