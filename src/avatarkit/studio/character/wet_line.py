"""The wet line: the thin film of tears that stands where the lower lid meets the eyeball."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.studio.character.eyes import bulge
from avatarkit.studio.character.groom import unit
from avatarkit.studio.character.parts import Part, grid_triangles, linear, smooth
from avatarkit.studio.character.person import Eye
from avatarkit.studio.character.skin import Body
from avatarkit.studio.character.source import Points

_COLUMNS: Final = 15
_HEIGHT_M: Final = 0.00048
"""How far the film climbs the ball."""
_BELOW_M: Final = -0.0012
"""The lower lid's edge lies below this height over the ball's centre."""
_REACH: Final = 0.66
"""How far to each side of the ball's centre it goes, as a share of the radius."""
_COLORS: Final = ((0.78, 0.56, 0.52), (0.94, 0.79, 0.76), (0.93, 0.85, 0.83))
"""sRGB, from the lid to the ball."""
_FILM_M: Final = 0.00016
"""Thickness."""
_SUNK_M: Final = 0.0024
"""How far a blink takes it back into the ball, so that it never shows through the lids."""


def wet_line(eyes: tuple[Eye, ...], body: Body) -> Part:
    """The films of both eyes as one part; each moves with the lid below it."""
    points, normals, starts = [], [], []
    names = sorted(body.shapes)
    moves: dict[str, list[Points]] = {name: [] for name in names}
    grid = grid_triangles(len(_COLORS), _COLUMNS)
    for number, eye in enumerate(eyes):
        own, lean, nearest = _film(eye, body)
        points.append(own)
        normals.append(lean)
        starts.append(grid + np.uint32(number * len(own)))
        blink = "eyeBlinkLeft" if eye.side > 0 else "eyeBlinkRight"
        for name in names:
            move = body.shapes[name][nearest]
            if name == blink:
                move = move - _SUNK_M * unit(own - eye.centre)
            moves[name].append(move)
    joined = {name: np.concatenate(move) for name, move in moves.items()}
    triangles = np.concatenate(starts)
    where, outward = np.concatenate(points), np.concatenate(normals)
    a, b, c = (where[triangles[:, i]] for i in range(3))
    inside = (np.cross(b - a, c - a) * outward[triangles].sum(axis=1)).sum(axis=1) < 0.0
    triangles[inside] = triangles[inside, ::-1]
    return Part(
        name="wet line",
        points=where,
        triangles=triangles,
        material=Material("wet line", MaterialKind.EYE, roughness=0.05),
        colors=np.tile(np.repeat(linear(np.array(_COLORS)), _COLUMNS, axis=0), (len(eyes), 1)),
        shapes={name: move for name, move in joined.items() if np.abs(move).max() > 3e-4},
        normals=outward,
    )


def _film(eye: Eye, body: Body) -> tuple[Points, Points, npt.NDArray[np.int64]]:
    """Points, normals, and for each point the vertex of the skin that it follows."""
    edge = _lid_edge(eye, body)
    # The film thins out towards the corners.
    full = 0.08 + 0.92 * smooth(1.0, 0.7, np.abs(np.linspace(-1.0, 1.0, _COLUMNS)))
    points, normals = [edge - np.array([0.0, 0.0003, 0.0003])], [unit(edge + np.array([0.0, 0.02, 0.0]))]
    for height, lean in ((0.4 * _HEIGHT_M, 0.9), (_HEIGHT_M, 0.25)):
        x, y = edge[:, 0], edge[:, 1] + height * full
        out = unit(np.column_stack([x, y, np.sqrt(np.maximum(eye.radius**2 - x**2 - y**2, 1e-9))]))
        degrees = np.degrees(np.arccos(out[:, 2]))
        on_ball = out * (eye.radius * bulge(degrees) + _FILM_M)[:, None]
        points.append(on_ball if height == _HEIGHT_M else 0.4 * edge + 0.6 * on_ball)
        normals.append(unit(out + np.array([0.0, lean, 0.0])))
    # All of a column follows one place of the lid, or the film would fold.
    _, nearest = cKDTree(body.points).query(eye.centre + edge)
    return eye.centre + np.concatenate(points), np.concatenate(normals), np.tile(nearest, 3)


def _lid_edge(eye: Eye, body: Body) -> Points:
    """The upper edge of the lower lid as it is seen from in front, (columns, 3) metres from the ball's centre."""
    own = body.points - eye.centre
    sides = np.concatenate([body.triangles[:, [0, 1]], body.triangles[:, [1, 2]], body.triangles[:, [2, 0]]])
    near = (np.linalg.norm(own, axis=1) < 1.3 * eye.radius) & (own[:, 2] > 0.3 * eye.radius) & (own[:, 1] < 0.002)
    a, b = sides[near[sides].all(axis=1)].T
    columns = np.linspace(-_REACH, _REACH, _COLUMNS) * eye.radius
    edge = []
    for x in columns:
        through = (own[a, 0] - x) * (own[b, 0] - x) < 0.0
        first, second = own[a[through]], own[b[through]]
        share = ((x - first[:, 0]) / (second[:, 0] - first[:, 0]))[:, None]
        place = first * (1.0 - share) + second * share
        length = np.linalg.norm(place, axis=1)
        cornea = bulge(np.degrees(np.arccos(np.clip(place[:, 2] / length, -1.0, 1.0))))
        shown = place[(length > eye.radius * cornea) & (place[:, 1] < _BELOW_M)]
        if len(shown):
            edge.append(shown[shown[:, 1].argmax()])
    found = np.array(edge)
    curves = [np.polynomial.Polynomial.fit(found[:, 0], found[:, axis], 4) for axis in (1, 2)]
    return np.column_stack([columns, curves[0](columns), curves[1](columns)])
