"""The avatar's meshes and textures, from a portrait and the head fitted to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.studio.character import mouth
from avatarkit.studio.character.clip import clip, drop_loose
from avatarkit.studio.character.eyes import eyeball
from avatarkit.studio.character.parts import Part, Scalars, Triangles, smooth
from avatarkit.studio.character.person import Eye, neck_head_shares
from avatarkit.studio.character.unwrap import pack
from avatarkit.studio.photo import indices, regions
from avatarkit.studio.photo.atlas import Skin, lay_on
from avatarkit.studio.photo.border import face_level, held_still
from avatarkit.studio.photo.eye_picture import eye_picture
from avatarkit.studio.photo.framing import Field, Portrait
from avatarkit.studio.photo.head import Head
from avatarkit.studio.photo.landmarks import Landmarks
from avatarkit.studio.photo.lids import plain_skin
from avatarkit.studio.photo.matte import fill
from avatarkit.studio.photo.relief import depth_map
from avatarkit.studio.photo.sheet import Sheet, raise_sheet
from avatarkit.studio.photo.spectacles import find_spectacles, make_spectacles, take_off
from avatarkit.studio.photo.teeth import look_at_teeth, make_teeth

Texture = npt.NDArray[np.uint8]

_JAW_PX: Final = 9
"""How far around the jaw the portrait is painted over with the neck."""
_STRIP_PX: Final = 22
"""So far under the face the portrait goes on at its sides, where a turned head uncovers it."""
_SOFT_MM: Final = 3.5
"""The face fades into what is around it over this distance."""
_LINING: Final = (0.26, 0.035, 0.03)
"""Linear colour of the inside of the mouth."""
_SKIN, _EYES, _AROUND, _TEETH = 0, 1, 3, 4
"""Places of the textures: the skin, two eyes, what is around the face, teeth when they are seen."""


def make_parts(
    portrait: Portrait, head: Head, alpha: Field, colors: npt.NDArray[np.float64]
) -> tuple[list[Part], tuple[Texture, ...]]:
    """All parts, and the textures that they refer to.

    ``alpha`` is the person's opacity in the frame and ``colors`` the portrait with its background taken out.
    """
    person, body, marks = head.person, head.body, portrait.landmarks
    outer = body.triangles[~body.lining]
    relief = depth_map(head, outer)
    front, back = raise_sheet(head, alpha, marks, relief)
    rims = find_spectacles(portrait.rgb, marks)
    pictured = colors
    if rims is not None:
        colors = take_off(rims, colors)
    face, edge = _skin(head, marks)
    seen = look_at_teeth(person, head.fit.view, portrait.rgb, marks)
    parts = [
        face,
        _lining(head),
        *(_eye(eye, _EYES + row) for row, eye in enumerate(person.eyes)),
        *make_teeth(person, head.fit.view, seen, _TEETH),
        mouth.tongue(person),
        mouth.hollow(person),
        # What is soft blends with what is drawn before it.
        _relief(head, back),
        _relief(head, front),
        edge,
    ]
    # Teeth and the dark corners of a smile are no skin; the lash line is.
    not_skin = regions.eye_openings(marks) | regions.not_lips(marks)
    trusted = np.where(not_skin, 0.0, alpha)
    opened = bool(regions.mouth_opening(marks).any())
    skin = lay_on(head, Skin(colors, trusted, plain_skin(trusted, marks), opened), pack(body.base_uv), outer)
    eyes = [eye_picture(eye, head.fit, colors, marks) for eye in person.eyes]
    around = np.concatenate([_around(colors, alpha, marks), alpha[..., None]], axis=2)
    textures = [skin, *eyes, np.asarray(np.rint(np.clip(around, 0.0, 1.0) * 255.0), np.uint8)]
    if seen.picture is not None:
        textures.append(seen.picture)
    if rims is not None:
        glasses, picture = make_spectacles(rims, head, pictured, relief, len(textures))
        parts.append(glasses)
        textures.append(picture)
    return parts, tuple(textures)


def _skin(head: Head, marks: Landmarks) -> list[Part]:
    """The face, and the strip along its border that fades out."""
    body, person = head.body, head.person
    level = face_level(head, marks)
    follow = held_still(head, level)
    outer = body.triangles[~body.lining]
    uv = pack(body.base_uv)

    def part(name: str, triangles: Triangles, carried: Callable[[Any], Scalars], alpha: Scalars | None) -> Part:
        used, triangles = drop_loose(triangles, len(carried(level)))
        points = carried(body.points)[used]
        return Part(
            name=name,
            points=points,
            triangles=triangles,
            material=Material(name, MaterialKind.PHOTO, texture=_SKIN, alpha_cutoff=None if alpha is None else 0.5),
            shapes={shape: carried(deltas * follow[:, None])[used] for shape, deltas in body.shapes.items()},
            uv=carried(uv)[used],
            neck_head=neck_head_shares(points, person.neck_pivot, person.head_pivot),
            alpha=np.ones(0) if alpha is None else alpha[used],
        )

    whole = clip(outer, level - _SOFT_MM)
    wide = clip(outer, level)
    strip = clip(wide.triangles, _SOFT_MM - wide(level))
    fading = strip(wide(level))
    return [
        part("skin", whole.triangles, whole, None),
        part("skin edge", strip.triangles, lambda values: strip(wide(values)), smooth(0.0, _SOFT_MM, fading)),
    ]


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

    At its sides the face goes on a little, as a turned head uncovers there what lies behind its border. Along the
    chin some more is taken out: one that moves must not leave its shadow on the neck.
    """
    face = regions.face(marks)
    rows, columns = np.arange(len(face))[:, None], np.arange(len(face))[None, :]
    left, right = sorted(marks[list(indices.JAW_SIDES), 0])
    below = (rows > marks[list(indices.MOUTH_CORNERS), 1].mean()) & (columns > left) & (columns < right)
    hidden = ndimage.binary_erosion(face, iterations=_STRIP_PX)
    hidden |= ndimage.binary_dilation(face, iterations=_JAW_PX) & below
    known = ~ndimage.binary_dilation(hidden, iterations=2) & (alpha > 0.9)
    return np.where(hidden[..., None], fill(colors, known), colors)
