"""The avatar's meshes and textures, from a portrait and the head fitted to it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.studio.character import mouth
from avatarkit.studio.character.clip import clip, drop_loose
from avatarkit.studio.character.eyes import eyeball
from avatarkit.studio.character.parts import Part
from avatarkit.studio.character.person import Eye, neck_head_shares
from avatarkit.studio.character.unwrap import pack
from avatarkit.studio.photo import indices, regions
from avatarkit.studio.photo.atlas import lay_on
from avatarkit.studio.photo.border import face_level
from avatarkit.studio.photo.eye_picture import eye_picture
from avatarkit.studio.photo.framing import Field, Portrait
from avatarkit.studio.photo.head import Head
from avatarkit.studio.photo.landmarks import Landmarks
from avatarkit.studio.photo.matte import fill
from avatarkit.studio.photo.relief import depth_map
from avatarkit.studio.photo.sheet import Sheet, raise_sheet

Texture = npt.NDArray[np.uint8]

_JAW_PX: Final = 12
"""How far around the jaw the portrait is painted over with the neck."""
_LINING: Final = (0.26, 0.035, 0.03)
"""Linear colour of the inside of the mouth."""
_SKIN, _EYES, _AROUND = 0, 1, 3
"""Places of the textures: the skin, two eyes, what is around the face."""


def make_parts(
    portrait: Portrait, head: Head, alpha: Field, colors: npt.NDArray[np.float64]
) -> tuple[list[Part], tuple[Texture, ...]]:
    """All parts, and the textures that they refer to.

    ``alpha`` is the person's opacity in the frame and ``colors`` the portrait with its background taken out.
    """
    person, body, marks = head.person, head.body, portrait.landmarks
    outer = body.triangles[~body.lining]
    front, back = raise_sheet(head, alpha, marks, depth_map(head, outer))
    parts = [
        _skin(head, marks),
        _lining(head),
        *(_eye(eye, _EYES + row) for row, eye in enumerate(person.eyes)),
        mouth.teeth(person, upper=True),
        mouth.teeth(person, upper=False),
        mouth.tongue(person),
        mouth.hollow(person),
        _relief(head, front),
        _relief(head, back),
    ]
    # Teeth and the dark corners of a smile are no skin; the lash line is.
    not_skin = regions.eye_openings(marks) | ndimage.binary_dilation(regions.mouth_opening(marks), iterations=4)
    skin = lay_on(head, colors, np.where(not_skin, 0.0, alpha), pack(body.base_uv), outer)
    eyes = [eye_picture(eye, head.fit, colors, marks) for eye in person.eyes]
    around = np.concatenate([_around(colors, alpha, marks), alpha[..., None]], axis=2)
    return parts, (skin, *eyes, np.asarray(np.rint(np.clip(around, 0.0, 1.0) * 255.0), np.uint8))


def _skin(head: Head, marks: Landmarks) -> Part:
    body, person = head.body, head.person
    edge = clip(body.triangles[~body.lining], face_level(head, marks))
    used, triangles = drop_loose(edge.triangles, len(edge.first))

    def carried(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return edge(values)[used]

    points = carried(body.points)
    return Part(
        name="skin",
        points=points,
        triangles=triangles,
        material=Material("skin", MaterialKind.PHOTO, texture=_SKIN),
        shapes={name: carried(deltas) for name, deltas in body.shapes.items()},
        uv=carried(pack(body.base_uv)),
        neck_head=neck_head_shares(points, person.neck_pivot, person.head_pivot),
    )


def _lining(head: Head) -> Part:
    body = head.body
    used, triangles = drop_loose(body.triangles[body.lining], len(body.points))
    return Part(
        name="mouth",
        points=body.points[used],
        triangles=triangles,
        material=Material("mouth", MaterialKind.MOUTH, roughness=0.4),
        shapes={name: deltas[used] for name, deltas in body.shapes.items()},
        colors=np.tile(np.array(_LINING), (len(used), 1)),
    )


def _eye(eye: Eye, texture: int) -> Part:
    """A plain ball: a cornea would need more room than the lids of a fitted head are sure to leave."""
    part = eyeball(eye, Material("eye", MaterialKind.PHOTO, texture=texture))
    rest = part.points - eye.centre
    size = np.linalg.norm(rest, axis=1, keepdims=True)
    part.points = eye.centre + rest / size * eye.radius
    part.shapes = {name: deltas / size * eye.radius for name, deltas in part.shapes.items()}
    part.occlusion = 0.55 + 0.45 * part.occlusion
    return part


def _relief(head: Head, sheet: Sheet) -> Part:
    used, triangles = drop_loose(sheet.triangles, len(sheet.points))
    points = sheet.points[used]
    name = "back" if sheet.back else "around"
    return Part(
        name=name,
        points=points,
        triangles=triangles,
        material=Material(name, MaterialKind.PHOTO, texture=_AROUND, alpha_cutoff=0.5),
        uv=np.clip(sheet.uv[used], 0.0, 1.0),
        neck_head=neck_head_shares(points, head.person.neck_pivot, head.person.head_pivot),
    )


def _around(colors: npt.NDArray[np.float64], alpha: Field, marks: Landmarks) -> npt.NDArray[np.float64]:
    """The portrait without the face, which has its own mesh: what it hides takes the colours around it.

    Along the jaw some more is taken out: a chin that moves must not leave its shadow on the neck.
    """
    face = regions.face(marks)
    rows = np.arange(len(face))[:, None]
    wider = ndimage.binary_dilation(face, iterations=_JAW_PX) & (rows > marks[indices.NOSE_TIP, 1])
    hidden = face | wider
    known = ~ndimage.binary_dilation(hidden, iterations=2) & (alpha > 0.9)
    return np.where(hidden[..., None], fill(colors, known), colors)
