"""The skin: head, neck and what the neckline shows, and the lining of the mouth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.studio.character.clip import clip, drop_loose
from avatarkit.studio.character.clothing import CUT_BELOW_M
from avatarkit.studio.character.parts import Part, Scalars, Triangles, linear, smooth
from avatarkit.studio.character.person import Person, neck_head_shares
from avatarkit.studio.character.source import Points
from avatarkit.studio.character.subdivide import catmull_clark
from avatarkit.studio.character.thin_out import Limits, thin_out

_UNDER_CLOTH_M: Final = 0.014
"""How far the skin goes on below the garment's edge."""
_LINING_BACK_M: Final = -0.022
"""The throat behind it is never lit."""
_LINING_DEPTH_M: Final = 2e-4
"""The lining lies this far under the lips where the two overlap."""
_FAINT_M: Final = 5e-4
"""Movements of skin and lining below it are left out; the same for both, or they part at the lips."""
_LIMITS: Final = Limits(0.00020)
"""How far the skin is thinned out; by less where :func:`_care` says so."""
_LINING_LIMITS: Final = Limits(0.00012)
_POSES: Final = (
    ("jawOpen", "browDownLeft", "browDownRight"),
    ("mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "eyeBlinkRight", "browInnerUp"),
    ("mouthPucker", "eyeSquintLeft", "eyeSquintRight", "noseSneerLeft", "noseSneerRight"),
)
"""Shapes that the thinned skin has to carry as well as the whole one."""
_MOUTH: Final = (0.55, 0.20, 0.19)


@dataclass(frozen=True, slots=True)
class Body:
    """The refined body surface with texture coordinates that are right at seams."""

    points: Points
    triangles: Triangles
    base_uv: npt.NDArray[np.float64]
    """float64 (n, 2) in the base mesh's layout, origin at the bottom left."""
    shapes: dict[str, Points]
    lining: npt.NDArray[np.bool_]
    """Per triangle: belongs to the inside of the mouth."""


def refine_body(person: Person) -> Body:
    """Cut the body at the chest, subdivide it, and split vertices at texture seams."""
    group = person.base.groups["body"]
    keep = person.points[group.quads][:, :, 1].min(axis=1) > CUT_BELOW_M
    quads, uv_quads = group.quads[keep], group.uv_quads[keep]
    sources, uv_sources = np.unique(quads), np.unique(uv_quads)
    step = catmull_clark(np.searchsorted(sources, quads), len(sources))
    uv_step = catmull_clark(np.searchsorted(uv_sources, uv_quads), len(uv_sources))
    calm = _calm(person.points[quads])
    pairs = step.quads * (uv_step.quads.max() + 1) + uv_step.quads
    faces = _mixed(pairs, step.quads, calm)
    unique, corners = np.unique(faces, return_inverse=True)
    vertex, uv_vertex = np.divmod(unique, uv_step.quads.max() + 1)
    triangles = corners.reshape(-1, 3).astype(np.uint32)
    uv = uv_step(person.base.uv[uv_sources])[uv_vertex]
    # The lining has its own island at the bottom right of the base mesh's layout.
    middle = uv[triangles].mean(axis=1)
    lining = (middle[:, 0] > 0.745) & (middle[:, 1] < 0.145)
    shapes = {name: step(deltas[sources])[vertex] for name, deltas in person.shapes.items()}
    return Body(step(person.points[sources])[vertex], triangles, uv, shapes, lining)


def _calm(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which quads (m, 4, 3) need no refining: neck, shoulders, back of the head, and ears, dense as they are."""
    x, y, z = (corners[..., axis] for axis in range(3))
    neck = (y < -0.116).all(axis=1)
    back = ((z < -0.050) & (np.abs(x) < 0.071)).all(axis=1)
    behind = (z < -0.108).all(axis=1)
    crown = ((y > 0.042) & (z < 0.002)).all(axis=1)
    ears = ((z < -0.030) & (np.abs(x) > 0.058) & (np.abs(y + 0.010) < 0.050)).all(axis=1)
    return np.asarray(neck | back | behind | crown | ears)


def _mixed(
    pairs: npt.NDArray[np.int64], quads: npt.NDArray[np.int64], calm: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Triangles (k, 3), in numbers of ``pairs``: of refined faces all four quads, of ``calm`` ones the outline only.

    ``quads`` (4 m, 4) are those of the refined mesh, of which rows i, m + i, 2 m + i and 3 m + i belong to face i;
    where a calm face meets a refined one it takes the middle of their edge along, so that no crack opens.
    """
    count = len(calm)
    own = pairs.reshape(4, count, 4)
    lively = np.zeros(quads.max() + 1, np.bool_)
    lively[quads.reshape(4, count, 4)[:, ~calm, 1]] = True
    fine = own[:, ~calm].reshape(-1, 4)
    out = [fine[:, [0, 1, 2]], fine[:, [0, 2, 3]]]
    touching = lively[quads.reshape(4, count, 4)[:, :, 1]]
    alone = calm & ~touching.any(axis=0)
    plain = own[:, alone, 0].T
    out += [plain[:, [0, 1, 2]], plain[:, [0, 2, 3]]]
    for face in np.flatnonzero(calm & touching.any(axis=0)):
        outline = []
        for side in range(4):
            outline.append(own[side, face, 0])
            if touching[side, face]:
                outline.append(own[side, face, 1])
        middle = own[0, face, 2]
        out.append(np.array([(middle, a, b) for a, b in zip(outline, outline[1:] + outline[:1], strict=True)]))
    return np.concatenate(out)


def split(
    person: Person, body: Body, normals: Points, *, hidden: npt.NDArray[np.bool_], covered: Scalars
) -> tuple[Part, Part, npt.NDArray[np.float64]]:
    """The skin and the mouth's lining as parts, and the skin's texture coordinates in the base layout.

    ``hidden`` (n,) marks vertices of the body that hair hides for good; triangles of them only are left out.
    ``covered`` (n,) is the garment's level, metres.
    """
    outside = body.triangles[~body.lining]
    outside = outside[~(hidden | _behind_eyes(body))[outside].all(axis=1)]
    bare = clip(outside, _UNDER_CLOTH_M - covered)
    used, triangles = drop_loose(bare.triangles, len(bare.first))

    def carried(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return bare(values)[used]

    points = carried(body.points)
    unit = carried(normals)
    shapes = _moving({name: carried(deltas) for name, deltas in body.shapes.items()}, _FAINT_M)
    base_uv = carried(body.base_uv)
    care = _care(points, shapes)
    triangles = thin_out(_posed(points, shapes), triangles, _LIMITS, weight=care, uv=base_uv)
    used, triangles = drop_loose(triangles, len(points))
    points, unit, base_uv = points[used], unit[used], base_uv[used]
    skin = Part(
        name="skin",
        points=points,
        triangles=triangles,
        material=Material("skin", MaterialKind.SKIN, roughness=0.5),
        shapes={name: deltas[used] for name, deltas in shapes.items()},
        normals=unit / np.linalg.norm(unit, axis=1, keepdims=True),
        neck_head=neck_head_shares(points, person.neck_pivot, person.head_pivot),
    )
    lined = _with_rim(body)
    lined = lined[body.points[lined, 2].max(axis=1) > _LINING_BACK_M]
    lined = thin_out(_posed(body.points, body.shapes), lined, _LINING_LIMITS)
    inner, lining_triangles = drop_loose(lined, len(body.points))
    lining = Part(
        name="mouth",
        points=body.points[inner] - normals[inner] * _LINING_DEPTH_M,
        triangles=lining_triangles,
        material=Material("mouth", MaterialKind.MOUTH, roughness=0.4),
        shapes=_moving({name: deltas[inner] for name, deltas in body.shapes.items()}, _FAINT_M),
        normals=normals[inner],
    )
    lining.colors = np.tile(linear(_MOUTH), (len(inner), 1))
    lining.occlusion = _depth_shade(lining.points)
    return skin, lining, base_uv


def _posed(points: Points, shapes: dict[str, Points]) -> list[Points]:
    """Points at rest and in the poses that thinning looks at."""
    none = np.zeros_like(points)
    return [points, *(points + sum((shapes.get(name, none) for name in names), none) for names in _POSES)]


def _care(points: Points, shapes: dict[str, Points]) -> Scalars:
    """How much more exact than elsewhere thinning is: most where lips and lids move, least at neck and skull."""
    none = np.zeros_like(points)
    fine = np.zeros(len(points))
    for name in ("mouthRollUpper", "mouthRollLower", "eyeBlinkLeft", "eyeBlinkRight"):
        fine = np.maximum(fine, smooth(0.0005, 0.003, np.linalg.norm(shapes.get(name, none), axis=1)))
    calm = np.maximum(smooth(-0.105, -0.125, points[:, 1]), smooth(-0.03, -0.06, points[:, 2]))
    calm = np.maximum(calm, smooth(0.055, 0.075, points[:, 1]))
    return np.asarray(1.0 - 0.5 * calm + 2.0 * fine)


def _with_rim(body: Body) -> Triangles:
    """The lining's triangles and the skin's that touch them, so that no crack can open between the two."""
    _, inverse = np.unique(np.round(body.points, 7), axis=0, return_inverse=True)
    place = inverse.ravel()
    touched = np.zeros(place.max() + 1, bool)
    touched[place[body.triangles[body.lining]]] = True
    return np.asarray(body.triangles[body.lining | touched[place[body.triangles]].any(axis=1)])


def _behind_eyes(body: Body) -> npt.NDArray[np.bool_]:
    """Vertices of the eye sockets, an island of its own at the left of the base layout, that the balls hide."""
    u, v = body.base_uv.T
    return np.asarray((u < 0.17) & (v > 0.53) & (v < 0.65) & (body.points[:, 2] < 0.0065))


def _moving(shapes: dict[str, Points], floor: float) -> dict[str, Points]:
    """Shapes with their faint outskirts, below ``floor`` metres, eased away: a third of the file."""
    out = {}
    for name, deltas in shapes.items():
        size = np.linalg.norm(deltas, axis=1, keepdims=True)
        eased = deltas * np.clip(
            (size - floor) / np.maximum(size, 1e-12) * (1.0 + floor / np.maximum(size, floor)), 0, 1
        )
        if np.abs(eased).max() > 1e-4:
            out[name] = eased
    return out


def _depth_shade(points: Points) -> Scalars:
    corners = smooth(0.016, 0.023, np.abs(points[:, 0])) * smooth(0.006, 0.014, points[:, 2])
    return np.clip((0.06 + 0.94 * smooth(-0.012, 0.028, points[:, 2])) * (1.0 - 0.75 * corners), 0.0, 1.0)
