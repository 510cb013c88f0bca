"""From a picture to a bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.avatars.bundle import Bundle, BundleInfo, Joint, Material, MaterialKind
from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character import mouth
from avatarkit.studio.character.clip import clip, drop_loose
from avatarkit.studio.character.eyes import eyeball
from avatarkit.studio.character.parts import Part, Triangles, smooth
from avatarkit.studio.character.person import Eye, neck_head_shares
from avatarkit.studio.character.source import Points
from avatarkit.studio.character.unwrap import pack
from avatarkit.studio.photo import regions
from avatarkit.studio.photo.atlas import lay_on
from avatarkit.studio.photo.border import face_level
from avatarkit.studio.photo.eye_picture import eye_picture
from avatarkit.studio.photo.framing import SIDE_PX, Field, Portrait, frame
from avatarkit.studio.photo.head import Head, fit_head
from avatarkit.studio.photo.landmarks import find_faces
from avatarkit.studio.photo.matte import clean_colors, fill, person_alpha
from avatarkit.studio.photo.picture import read_picture
from avatarkit.studio.photo.refusal import refuse
from avatarkit.studio.photo.relief import depth_map
from avatarkit.studio.photo.sheet import Sheet, raise_sheet
from avatarkit.studio.photo.view import DISTANCE_M
from avatarkit.types import Camera

Progress = Callable[[float, str], None]
"""Called with the share done, 0..1, and what is being done."""

_SKIN_BELOW_M: Final = 0.016
"""How far under the jaw the face's own mesh goes on."""


def create(source: Path | bytes, name: str, progress: Progress | None = None) -> Bundle:
    """Make an avatar from a portrait."""

    def tell(share: float, what: str) -> None:
        if progress is not None:
            progress(share, what)

    tell(0.0, "reading the picture")
    picture = read_picture(source)
    tell(0.05, "looking for the face")
    faces = find_faces(picture)
    if not faces:
        raise refuse("no_face", "No face was found in the picture.")
    portrait = frame(picture, faces[0])
    tell(0.15, "cutting out")
    alpha = person_alpha(portrait)
    colors = clean_colors(portrait.rgb, alpha)
    tell(0.3, "fitting the head")
    head = fit_head(portrait.landmarks)
    tell(0.6, "texture")
    parts, textures = _parts(portrait, head, alpha, colors)
    tell(0.9, "packing")
    return Bundle(
        info=BundleInfo(name, "private", "AvatarKit, from a photo", camera=_camera(head, alpha)),
        meshes=tuple(part.to_mesh() for part in parts),
        joints=_joints(head),
        textures=textures,
    )


def _parts(
    portrait: Portrait, head: Head, alpha: Field, colors: npt.NDArray[np.float64]
) -> tuple[list[Part], tuple[npt.NDArray[np.uint8], ...]]:
    person, body = head.person, head.body
    marks = portrait.landmarks
    not_skin = regions.eye_openings(marks) | regions.mouth_opening(marks)
    trusted = np.where(not_skin, 0.0, alpha)
    uv = pack(body.base_uv)
    outer = body.triangles[~body.lining]
    skin_texture = lay_on(head, colors, trusted, uv, outer)
    edge = clip(outer, face_level(head, marks))
    used, triangles = drop_loose(edge.triangles, len(edge.first))

    def carried(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return edge(values)[used]

    points = carried(body.points)
    skin = Part(
        name="skin", points=points, triangles=triangles,
        material=Material("skin", MaterialKind.PHOTO, texture=0),
        shapes={name: carried(deltas) for name, deltas in body.shapes.items()}, uv=carried(uv),
        neck_head=neck_head_shares(points, person.neck_pivot, person.head_pivot),
    )  # fmt: skip
    inner, lining_triangles = drop_loose(body.triangles[body.lining], len(body.points))
    lining = Part(
        name="mouth", points=body.points[inner], triangles=lining_triangles,
        material=Material("mouth", MaterialKind.MOUTH, roughness=0.4),
        shapes={n: d[inner] for n, d in body.shapes.items()},
        colors=np.tile(np.array([0.26, 0.035, 0.03]), (len(inner), 1)),
    )  # fmt: skip
    face = regions.face(marks)
    front, back = raise_sheet(head, alpha, marks, depth_map(head, outer))
    around = np.concatenate([_around(colors, alpha, face), alpha[..., None]], axis=2)
    sheet_texture = np.asarray(np.rint(np.clip(around, 0.0, 1.0) * 255.0), np.uint8)
    parts = [
        skin, lining,
        *(_eye(eye, 1 + row) for row, eye in enumerate(person.eyes)),
        mouth.teeth(person, upper=True), mouth.teeth(person, upper=False), mouth.tongue(person), mouth.hollow(),
        _sheet_part(head, front, "around"), _sheet_part(head, back, "back"),
    ]  # fmt: skip
    pictures = [eye_picture(eye, head.fit, colors, marks) for eye in person.eyes]
    return parts, (skin_texture, *pictures, sheet_texture)


def _eye(eye: Eye, texture: int) -> Part:
    """A plain ball: a cornea would need more room than the lids of a fitted head are sure to leave."""
    part = eyeball(eye, Material("eye", MaterialKind.PHOTO, texture=texture))
    rest = part.points - eye.centre
    size = np.linalg.norm(rest, axis=1, keepdims=True)
    part.points = eye.centre + rest / size * eye.radius
    part.shapes = {name: deltas / size * eye.radius for name, deltas in part.shapes.items()}
    part.occlusion = 0.55 + 0.45 * part.occlusion
    return part


def _around(colors: npt.NDArray[np.float64], alpha: Field, face: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """The portrait without the face, which has its own mesh: what it hides takes the colours around it."""
    known = ~ndimage.binary_dilation(face, iterations=1) & (alpha > 0.9)
    filled = fill(colors, known)
    return np.where(face[..., None], filled, colors)


def _sheet_part(head: Head, sheet: Sheet, name: str) -> Part:
    used, triangles = drop_loose(sheet.triangles, len(sheet.points))
    points = sheet.points[used]
    person = head.person
    return Part(
        name=name, points=points, triangles=triangles,
        material=Material(name, MaterialKind.PHOTO, texture=3, alpha_cutoff=0.5, double_sided=False),
        uv=np.clip(sheet.uv[used], 0.0, 1.0),
        neck_head=_shares(points, person.neck_pivot, person.head_pivot),
    )  # fmt: skip


def _shares(points: Points, neck: Points, head: Points) -> npt.NDArray[np.float64]:
    both = neck_head_shares(points, neck, head)
    return both


def _camera(head: Head, alpha: Field) -> Camera:
    """The view of the photo, cut so that its lower border is never seen and there is air above the hair."""
    rows = np.flatnonzero((alpha > 0.5).any(axis=1))
    top = max(float(rows[0]) - 0.06 * SIDE_PX, 0.0) if len(rows) else 0.0
    bottom = (float(rows[-1]) if len(rows) else SIDE_PX) - 10.0
    view = head.fit.view
    depth = view.to_camera(np.zeros((1, 3)))[:, 2]
    high = view.lift(np.array([[SIDE_PX / 2, top]]), depth)[0]
    low = view.lift(np.array([[SIDE_PX / 2, bottom]]), depth)[0]
    middle, span = (high + low) / 2, float(high[1] - low[1])
    fov = 2.0 * np.degrees(np.arctan(span / 2 / DISTANCE_M))
    place = (float(round(middle[0], 4)), float(round(middle[1], 4)))
    return Camera((*place, DISTANCE_M), (*place, 0.0), float(round(fov, 3)))


def _joints(head: Head) -> tuple[Joint, ...]:
    def place(point: Points) -> tuple[float, float, float]:
        x, y, z = (float(np.float32(value)) for value in point)
        return x, y, z

    person = head.person
    return (
        Joint("root", None, place(person.neck_pivot - np.array([0.0, 0.10, 0.0]))),
        Joint("neck", 0, place(person.neck_pivot)),
        Joint("head", 1, place(person.head_pivot)),
    )
