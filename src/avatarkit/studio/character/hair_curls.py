"""Tight curls that stand away from the head all around: a rough form, and tufts on it that break its outline."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character.curl_texture import TUFTS
from avatarkit.studio.character.groom import unit
from avatarkit.studio.character.hair import Dye, cap, mixed
from avatarkit.studio.character.noise import value_noise
from avatarkit.studio.character.parts import Part, Scalars, grid_triangles, outside, smooth
from avatarkit.studio.character.scalp import CENTRE, Scalp
from avatarkit.studio.character.source import Points

_RISE_M: Final = 0.022
_LAYERS: Final = ((150, 0.0005, 0.034, 1.45), (170, 0.0035, 0.029, 1.95))
"""Tufts, metres that they rise above the form, their width in metres, and their shade."""
_EDGE: Final = (64, 0.0, 0.017, 1.20)
"""The same of the small tufts along the hairline."""
_ROWS: Final = 3.6
"""Turns of the picture from the crown to the hairline."""
_CANDIDATES: Final = 12
"""Places that are looked at for each tuft."""
_BENT: Final = 0.30
"""How far a tuft's edges fall back, as a share of its width."""


def make(scalp: Scalp, dye: Dye, texture: int, rng: np.random.Generator) -> list[Part]:
    """The tufts, and the form below them."""
    base = cap(scalp, dye, _RISE_M, texture, shade=0.50, matte=True, fine=2, turns=9)
    if base.uv is not None:
        base.uv[:, 1] *= _ROWS
    away = unit(base.points - CENTRE)
    inside = smooth(0.0, 0.03, scalp.level(base.points))
    base.points = base.points + away * (inside * _lumps(base.points, dye.seed))[:, None]
    base.normals = unit(vertex_normals(base.points, base.triangles) + away)
    # Deep between the lumps it is darker.
    base.colors = base.colors * (1.6 + 130.0 * _lumps(base.points, dye.seed))[:, None]
    return [_tufts(scalp, base, dye, texture, rng), base]


def _lumps(points: Points, seed: int) -> Scalars:
    """Metres that the form rises and falls."""
    return np.asarray(0.0045 * value_noise(points, 0.030, seed) + 0.0035 * value_noise(points, 0.013, seed + 1))


def _along_hairline(scalp: Scalp, count: int, rng: np.random.Generator) -> tuple[Points, Points]:
    """Places a little within the hairline, and ways out that lean forward."""
    roots = scalp.roots(30 * count, rng, inset_m=0.0)
    level = scalp.level(roots)
    roots = roots[(level > 0.002) & (level < 0.010)]
    roots = roots[np.sort(rng.choice(len(roots), count, replace=False))]
    out = unit(roots - CENTRE)
    return roots + 0.0035 * out, out


def _spread(form: Part, count: int, rng: np.random.Generator) -> tuple[Points, Points]:
    """Places spread evenly over a part, and its normals there."""
    corners = form.points[form.triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    faces = form.triangles[rng.choice(len(area), _CANDIDATES * count, p=area / area.sum())]
    mix = rng.dirichlet((1.0, 1.0, 1.0), len(faces))[..., None]
    places = (form.points[faces] * mix).sum(axis=1)
    normals = unit((vertex_normals(form.points, form.triangles)[faces] * mix).sum(axis=1))
    chosen = [0]
    room = np.linalg.norm(places - places[0], axis=1)
    for _ in range(count - 1):
        # Of some that are left, the one with most room about it.
        some = rng.integers(len(places), size=_CANDIDATES * 2)
        chosen.append(int(some[room[some].argmax()]))
        room = np.minimum(room, np.linalg.norm(places - places[chosen[-1]], axis=1))
    return places[chosen], normals[chosen]


def _tufts(scalp: Scalp, form: Part, dye: Dye, texture: int, rng: np.random.Generator) -> Part:
    grid = np.stack(np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], indexing="ij"), axis=2).reshape(-1, 2)
    # Corners drawn in: there is nothing in the picture's corners.
    reach = grid * np.where(np.abs(grid).sum(axis=1) > 1.5, 0.80, 1.0)[:, None]
    fallen = _BENT * (grid**2).sum(axis=1)
    points, normals, colors, triangles, uv = [], [], [], [], []
    for layer in (*_LAYERS, _EDGE):
        count, above, width, shade = layer
        roots, out = _along_hairline(scalp, count, rng) if layer is _EDGE else _spread(form, count, rng)
        middle = roots + out * above
        lean = unit(out + 0.38 * rng.normal(size=(count, 3)))
        side = unit(np.cross(lean, rng.normal(size=(count, 3))))
        up = np.cross(lean, side)
        half = 0.5 * width * rng.uniform(0.75, 1.2, count)
        own = reach[None, :, :1] * side[:, None] + reach[None, :, 1:] * up[:, None]
        own = own - fallen[None, :, None] * lean[:, None]
        points.append((middle[:, None] + own * half[:, None, None]).reshape(-1, 3))
        normals.append(unit(out[:, None] + 0.55 * own + np.zeros((count, len(grid), 3))).reshape(-1, 3))
        tone = shade * (1.0 + 0.22 * value_noise(roots, 0.02, dye.seed)) * rng.uniform(0.85, 1.15, count)
        colors.append(np.repeat(mixed(dye, count) * tone[:, None], len(grid), axis=0))
        cell = rng.integers(TUFTS, size=(count, 2))
        uv.append(((cell[:, None] + 0.5 + 0.49 * reach[None]) / TUFTS).reshape(-1, 2))
        start = sum(len(own) for own in points[:-1])
        faces = grid_triangles(3, 3)
        triangles.append((np.arange(count)[:, None, None] * len(grid) + faces[None]).reshape(-1, 3) + start)
    all_points, all_normals = np.concatenate(points), np.concatenate(normals)
    return Part(
        name="hair tufts",
        points=all_points,
        triangles=outside(all_points, all_normals, np.concatenate(triangles).astype(np.uint32)),
        material=Material("hair tufts", MaterialKind.LASH, texture=texture, alpha_cutoff=0.5),
        colors=np.concatenate(colors),
        uv=np.concatenate(uv),
        normals=all_normals,
    )
