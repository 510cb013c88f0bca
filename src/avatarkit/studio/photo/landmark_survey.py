"""Finding out where MediaPipe's landmarks lie on the head: ``python -m avatarkit.studio.photo.landmark_survey``.

Built people of all kinds are rendered with their jaws ajar, their faces are found in the pictures, and the skin is
looked up under each landmark; of the answers of all people and three camera distances the middle one counts. The
inner rings of the lips are put on the seam between skin and mouth. Writes ``landmarks.npy`` (see
:mod:`.landmark_map`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars import Bundle
from avatarkit.render import open_renderer
from avatarkit.render.cpu.views import camera_matrix
from avatarkit.studio.character import build, random_spec
from avatarkit.studio.character.person import Person
from avatarkit.studio.character.skin import Body, refine_body
from avatarkit.studio.character.source import Points, data_folder
from avatarkit.studio.character.spec import CharacterSpec, FacialHair, Glasses, HairStyle
from avatarkit.studio.photo import indices
from avatarkit.studio.photo.landmark_map import FACE_POINTS, FILE
from avatarkit.studio.photo.landmarks import find_faces
from avatarkit.studio.photo.preview import pose_of
from avatarkit.studio.photo.seal import lip_seam
from avatarkit.types import Camera

Plane = npt.NDArray[np.float64]
"""float64 (n, 2)."""

_SIDE: Final = 1024
_OTHERS: Final = 8
"""People beside the first built-in character."""
_VIEWS: Final = ((0.3, 0.8, 20.0), (0.2, 0.9, 17.0), (0.4, 0.7, 22.0))
"""Weight of jawOpen, the camera's distance in metres, its vertical field of view in degrees."""
_WALL: Final = (210.0, 214.0, 220.0)
_BEHIND_M: Final = 0.03
"""What lies further behind the camera's target than this is not the face's front."""


def survey() -> Plane:
    """Texture coordinates of the base mesh under each landmark, (468, 2), origin at the bottom left."""
    found = []
    for spec in _people():
        body, bundle = refine_body(Person(data_folder(), spec)), build(spec)
        views = [_look(body, bundle, *view) for view in _VIEWS]
        own = np.median([_under(body, seen, marks) for seen, marks in views], axis=0)
        _put_lips_on_seam(own, body, *views[0])
        found.append(own)
    return np.asarray(np.median(found, axis=0))


def _people() -> list[CharacterSpec]:
    """The first built-in character, and others with nothing before their faces."""
    others = (random_spec(seed) for seed in range(_OTHERS))
    return [CharacterSpec()] + [
        replace(spec, hair_style=HairStyle.NONE, facial_hair=FacialHair.NONE, glasses=Glasses.NONE) for spec in others
    ]


def _look(body: Body, bundle: Bundle, jaw: float, distance_m: float, fov_deg: float) -> tuple[Points, Plane]:
    """The body's vertices as pixels and distance (n, 3), and the landmarks found in the picture (468, 2)."""
    renderer = open_renderer()
    renderer.load(bundle)
    camera = Camera((0.0, -0.03, distance_m), (0.0, -0.03, 0.0), fov_deg)
    image = renderer.draw(pose_of({"jawOpen": jaw}), camera, (_SIDE, _SIDE)).astype(np.float64)
    share = image[..., 3:] / 255.0
    picture = np.rint(image[..., :3] * share + np.array(_WALL) * (1.0 - share)).astype(np.uint8)
    faces = find_faces(picture)
    if not faces:
        raise RuntimeError("no face was found in the built character")
    matrix = camera_matrix(camera, (_SIDE, _SIDE)).astype(np.float64)
    seen = (body.points + jaw * body.shapes["jawOpen"]) @ matrix[:3, :3].T + matrix[:3, 3]
    pixels = seen[:, :2] / seen[:, 2:] * matrix[3, :2] + matrix[3, 2:]
    return np.column_stack([pixels, seen[:, 2] - distance_m]), faces[0][:FACE_POINTS, :2]


def _under(body: Body, seen: Points, marks: Plane) -> Plane:
    """The skin's texture coordinates under each landmark; beside an opening, those of the nearest skin."""
    skin = body.triangles[~body.lining]
    middle = body.points[skin].mean(axis=1)
    socket = (np.abs(middle[:, 0]) < 0.06) & (np.abs(middle[:, 1]) < 0.02) & (middle[:, 2] < 0.0085)
    skin = skin[~socket]
    a, b, c = (seen[skin[:, i], :2] for i in range(3))
    area = _cross(b - a, c - a)
    front = (area < 0.0) & (seen[skin, 2].mean(axis=1) < _BEHIND_M)  # pixels count downwards
    skin, a, b, c, area = skin[front], a[front], b[front], c[front], area[front]
    near, vertices = seen[skin, 2].mean(axis=1), np.unique(skin)
    out = np.zeros((len(marks), 2))
    for row, mark in enumerate(marks):
        v, w = _cross(mark - a, c - a) / area, _cross(b - a, mark - a) / area
        shares = np.stack([1.0 - v - w, v, w], axis=1)
        hits = np.flatnonzero(shares.min(axis=1) > -1e-3)
        if len(hits):
            hit = hits[np.argmin(near[hits])]
            inside = shares[hit].clip(0.0, 1.0)
            out[row] = inside @ body.base_uv[skin[hit]] / inside.sum()
        else:
            away = np.linalg.norm(seen[vertices, :2] - mark, axis=1)
            out[row] = body.base_uv[vertices[np.argmin(away)]]
    return out


def _put_lips_on_seam(found: Plane, body: Body, seen: Points, marks: Plane) -> None:
    """The inner lips meet where skin and the mouth's lining do."""
    seam, lower = lip_seam(body)
    of_skin = np.isin(seam, body.triangles[~body.lining])
    seam, lower = seam[of_skin], lower[of_skin]
    for ring, own in (
        (indices.UPPER_LIP_INNER, seam[~lower]),
        (indices.LOWER_LIP_INNER, seam[lower]),
        (indices.LIP_CORNERS_INNER, seam),
    ):
        for mark in ring:
            away = np.abs(seen[own, :2] - marks[mark]) @ np.array([1.0, 0.3])
            found[mark] = body.base_uv[own[np.argmin(away)]]


def _cross(a: Plane, b: Plane) -> npt.NDArray[np.float64]:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


if __name__ == "__main__":
    np.save(FILE, survey().astype(np.float32))
