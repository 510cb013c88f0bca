"""Everything around the face: hair, ears, neck and shoulders as a relief of the portrait with soft edges.

A grid over the frame is raised to where the surface must be: the fitted head's own depth on neck and shoulders, a
rounded volume where the outline shows hair or a hat, meeting the face at its border. A second, mirrored relief closes
the hair behind, so that a turned head is not a mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

from avatarkit.studio.character.parts import Triangles, smooth
from avatarkit.studio.character.source import Points
from avatarkit.studio.photo.framing import SIDE_PX, Field
from avatarkit.studio.photo.head import Head
from avatarkit.studio.photo.landmarks import Landmarks
from avatarkit.studio.photo.regions import face
from avatarkit.studio.photo.view import DISTANCE_M

STEP_PX: Final = 8
_CELLS: Final = SIDE_PX // STEP_PX
_OUTLINE_DEPTH_M: Final = -0.085
"""Depth of a head's outline seen from the front, from between the eyes: the widest ring of skull and hair."""
_SHOULDER_DEPTH_M: Final = -0.075
_ROUND_M: Final = 0.075
"""Hair and hats round off over this distance from their outline."""
_BULGE: Final = 0.95
_BEHIND: Final = 1.75
"""So much farther back than the front's distance from the outline lies the back."""
_MEET_PX: Final = 36.0
_UNDER_FACE_PX: Final = 56
"""So far under the face the relief goes on: a turned head uncovers some of it."""
_UNDER_FACE_M: Final = 0.0025
"""The relief runs on this far behind the border of the face."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A relief: vertices in head space, triangles, and texture coordinates that are those of the frame."""

    points: Points
    triangles: Triangles
    uv: npt.NDArray[np.float64]
    back: bool
    """Faces backwards."""


def raise_sheet(head: Head, alpha: Field, landmarks: Landmarks, relief: Field) -> tuple[Sheet, Sheet]:
    """The front and the back relief.

    ``alpha`` is the person's opacity and ``relief`` the camera-space depth in metres of the fitted skin for each
    pixel, NaN where there is none.
    """
    hole = face(landmarks)
    corner = np.arange(_CELLS + 1) * STEP_PX
    y, x = (grid.astype(np.float64) for grid in np.meshgrid(corner, corner, indexing="ij"))
    near = np.clip(corner, 0, SIDE_PX - 1)
    solid = alpha > 0.5
    inside = np.asarray(ndimage.distance_transform_edt(solid))[np.ix_(near, near)]
    within = np.asarray(ndimage.distance_transform_edt(hole))
    depth = _solve(head, inside, relief[np.ix_(near, near)], within[np.ix_(near, near)], (x, y))
    used = ndimage.binary_dilation(alpha > 0.02, iterations=STEP_PX)[np.ix_(near, near)]
    covered = ndimage.binary_erosion(hole, iterations=_UNDER_FACE_PX)[np.ix_(near, near)]
    points = head.fit.view.lift(np.column_stack([x.ravel(), y.ravel()]), depth.ravel())
    uv = np.column_stack([x.ravel(), y.ravel()]) / SIDE_PX
    front = _triangles(used & ~covered)
    outline = _level(head, y)
    # Both reliefs meet along the outline, wherever the front one comes to lie there.
    behind = depth - _BEHIND * np.maximum(depth - outline, 0.0) * smooth(0.0, _MEET_PX, inside)
    chin = head.fit.view.project(np.array([[0.0, -0.105, 0.06]]))[0, 1]
    high = used & (y < chin)
    back_points = head.fit.view.lift(np.column_stack([x.ravel(), y.ravel()]), behind.ravel())
    return (
        Sheet(points, front, uv, back=False),
        Sheet(back_points, _triangles(high)[:, ::-1], uv, back=True),
    )


def _level(head: Head, y: Field) -> Field:
    """Camera-space depth of the outline for each row: the head's above, the shoulders' below the chin."""
    chin = head.fit.view.project(np.array([[0.0, -0.11, 0.06]]))[0, 1]
    share = smooth(chin - 60.0, chin + 140.0, y)
    ahead = head.fit.view.to_camera(np.zeros((1, 3)))[0, 2]
    return np.asarray(ahead + _OUTLINE_DEPTH_M * (1.0 - share) + _SHOULDER_DEPTH_M * share)


def _solve(head: Head, inside: Field, relief: Field, within: Field, place: tuple[Field, Field]) -> Field:
    """Depth of the grid: as smooth as can be between what is known.

    ``inside`` and ``within`` are distances in pixels into the person's outline and into the face.
    """
    x, y = place
    outline = _level(head, y)
    metre = head.fit.view.focal_px / DISTANCE_M
    run = np.clip(inside / (_ROUND_M * metre), 0.0, 1.0)
    volume = outline + _BULGE * _ROUND_M * np.sqrt(np.clip(run * (2.0 - run), 0.0, 1.0))
    known = np.isfinite(relief)
    hole = within > 0.0
    jaw = head.fit.view.project(np.array([[0.0, -0.055, 0.06]]))[0, 1]
    # Under the jaw the face's own mesh runs on to the throat; the relief lies far behind it there, so that a jaw
    # that drops finds room.
    off = np.abs(x - head.fit.view.project(np.array([[0.0, -0.055, 0.06]]))[0, 0]) / metre
    chin = smooth(jaw - 40.0, jaw + 40.0, y) * smooth(0.062, 0.044, off)
    drop = _UNDER_FACE_M + within / metre * (0.35 + 0.45 * chin) + 0.02 * chin
    target = np.where(known & ~hole, np.fmax(relief, volume), volume)
    target = np.where(hole, relief - drop, target)
    target = np.where(np.isfinite(target), target, outline)
    pull = np.where(hole & known, 4.0, np.where(inside > 0, 0.25, 0.02))
    edge = (inside > 0) & (inside <= 1.5 * STEP_PX) & ~hole
    target = np.where(edge, outline, target)
    pull = np.where(edge, 1.0, pull)
    return _membrane(target, pull)


def _membrane(target: Field, pull: Field) -> Field:
    """The surface that balances staying near ``target`` (by ``pull``) against bending (thin plate)."""
    rows, columns = target.shape
    count = rows * columns
    index = np.arange(count).reshape(rows, columns)
    pairs = np.concatenate(
        [np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], axis=1),
         np.stack([index[:-1].ravel(), index[1:].ravel()], axis=1)]
    )  # fmt: skip
    ones = np.ones(len(pairs))
    link = sparse.coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), (count, count))
    link = link + link.T
    laplace = sparse.diags(np.asarray(link.sum(axis=1)).ravel()) - link
    system = (laplace.T @ laplace) * 0.5 + laplace * 0.05 + sparse.diags(pull.ravel())
    return np.asarray(spsolve(system.tocsc(), pull.ravel() * target.ravel())).reshape(rows, columns)


def _triangles(used: npt.NDArray[np.bool_]) -> Triangles:
    """Two triangles for each cell with a used corner, facing the camera."""
    cells = used[:-1, :-1] | used[1:, :-1] | used[:-1, 1:] | used[1:, 1:]
    row, column = np.nonzero(cells)
    a = row * (_CELLS + 1) + column
    b, c, d = a + 1, a + _CELLS + 1, a + _CELLS + 2
    return np.concatenate([np.stack([a, c, d], axis=1), np.stack([a, d, b], axis=1)]).astype(np.uint32)
