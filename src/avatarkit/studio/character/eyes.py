"""Eyeballs: a ball with a cornea, a painted iris, and the eight gaze shapes as rotations."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.studio.character.parts import Part, Scalars, grid_triangles, smooth
from avatarkit.studio.character.person import Eye
from avatarkit.studio.character.source import Points
from avatarkit.studio.character.spec import Color

IRIS_DEGREES: Final = 26.0
"""Half-angle of the iris seen from the centre of the ball."""
_PUPIL_DEGREES: Final = 10.0
_EDGE_DEGREES: Final = 104.0
"""The ball ends where the socket hides it."""
_TEXTURE_SIDE: Final = 256
_TEXTURE_REACH: Final = 1.02
"""The texture is the ball seen from the front; its edge is this many radii out."""
_RINGS: Final = 11
_SPOKES: Final = 24
_GAZE_DEGREES: Final = {"Out": (0.0, 30.0), "In": (0.0, -30.0), "Up": (-22.0, 0.0), "Down": (26.0, 0.0)}
"""Pitch (down positive) and yaw (outwards positive) at weight 1."""


def eyeball(eye: Eye, material: Material) -> Part:
    """One eyeball as a part; ``material`` holds :func:`eye_texture`."""
    steps = np.linspace(0.0, 1.0, _RINGS)
    angle = np.radians(_EDGE_DEGREES * (0.55 * steps + 0.45 * steps**2.5))
    spin = np.linspace(0.0, 2.0 * np.pi, _SPOKES, endpoint=False)
    a, s = (grid.ravel() for grid in np.meshgrid(angle, spin, indexing="ij"))
    directions = np.stack([np.sin(a) * np.cos(s), np.sin(a) * np.sin(s), np.cos(a)], axis=1)
    local = directions * (eye.radius * bulge(np.degrees(a)))[:, None]
    triangles = grid_triangles(_RINGS, _SPOKES, closed=True)
    triangles = triangles[(triangles[:, 0] != triangles[:, 1]) & (triangles.max(axis=1) >= _SPOKES)][:, ::-1]
    suffix = "Left" if eye.side > 0 else "Right"
    shapes = {}
    for name, (pitch, yaw) in _GAZE_DEGREES.items():
        turned = local @ _rotation(np.radians(pitch), np.radians(yaw) * eye.side).T
        shapes[f"eyeLook{name}{suffix}"] = turned - local
    reach = directions[:, :2] * (1.0 / _TEXTURE_REACH)
    behind = directions[:, 2] < 0.0
    reach[behind] /= np.maximum(np.linalg.norm(reach[behind], axis=1, keepdims=True), 1e-9)
    uv = np.stack([0.5 + 0.5 * reach[:, 0] * 0.98, 0.5 - 0.5 * reach[:, 1] * 0.98], axis=1)
    return Part(
        name=f"eye {suffix.lower()}",
        points=eye.centre + local,
        triangles=np.ascontiguousarray(triangles),
        material=material,
        occlusion=_lid_shadow(directions),
        shapes=shapes,
        uv=uv,
        normals=_cornea_normals(a, s),
    )


def bulge(degrees: Scalars) -> Scalars:
    """Radius of the ball with its cornea, as a share of the ball's, so far from the way it looks."""
    return 1.0 + 0.045 * smooth(IRIS_DEGREES + 7.0, 0.0, degrees)


def _cornea_normals(angle: Scalars, spin: Scalars) -> Points:
    """Normals of a ball whose cornea is more strongly curved: it gathers the highlight near the pupil."""
    edge = np.radians(IRIS_DEGREES + 5.0)
    inside = np.clip(angle / edge, 0.0, 1.0)
    tilt = angle * (1.0 + 0.75 * (1.0 - inside**3) * (angle < edge))
    return np.stack([np.sin(tilt) * np.cos(spin), np.sin(tilt) * np.sin(spin), np.cos(tilt)], axis=1)


def eye_material(texture: int) -> Material:
    """The wet surface."""
    return Material("eye", MaterialKind.EYE, roughness=0.08, texture=texture)


def eye_texture(iris: Color, seed: int) -> npt.NDArray[np.uint8]:
    """The eyeball seen from the front, sRGB uint8 (256, 256, 3): sclera with veins, limbus, iris fibres, pupil."""
    rng = np.random.default_rng(seed)
    axis = (np.arange(_TEXTURE_SIDE) + 0.5) / _TEXTURE_SIDE * 2.0 - 1.0
    x, y = np.meshgrid(axis / 0.98 * _TEXTURE_REACH, -axis / 0.98 * _TEXTURE_REACH)
    radius = np.hypot(x, y)
    degrees = np.degrees(np.arcsin(np.clip(radius, 0.0, 1.0)))
    spin = np.arctan2(y, x)
    white = np.array([0.925, 0.905, 0.885]) - smooth(0.55, 1.0, radius)[..., None] * np.array([0.04, 0.13, 0.14])
    white = white - _veins(spin, degrees, rng)[..., None] * np.array([0.02, 0.09, 0.08])
    color = _iris(np.array(iris), spin, degrees, y / np.maximum(radius, 1e-6), rng)
    edge = smooth(IRIS_DEGREES + 1.8, IRIS_DEGREES - 1.2, degrees)[..., None]
    out = white * (1.0 - edge) + color * edge
    # The limbus casts a soft grey ring onto the white.
    ring = np.exp(-(((degrees - IRIS_DEGREES - 1.5) / 3.0) ** 2))[..., None] * (1.0 - edge)
    out = out * (1.0 - 0.22 * ring)
    return np.asarray(np.rint(np.clip(out, 0.0, 1.0) * 255.0), np.uint8)


def _iris(
    color: npt.NDArray[np.float64], spin: Scalars, degrees: Scalars, height: Scalars, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    fibres = np.zeros_like(spin)
    for count, share in ((23, 0.30), (41, 0.30), (67, 0.25), (97, 0.15)):
        phase, wobble = rng.uniform(0.0, 2.0 * np.pi, 2)
        fibres += share * np.sin(count * spin + phase + 0.6 * np.sin(5 * spin + wobble + 0.25 * degrees))
    along = np.clip((degrees - _PUPIL_DEGREES) / (IRIS_DEGREES - _PUPIL_DEGREES), 0.0, 1.0)
    tone = 1.0 + 0.16 * fibres * (0.4 + along)
    collarette = np.exp(-(((along - 0.28 - 0.04 * np.sin(9 * spin)) / 0.13) ** 2))
    warm = color * np.array([1.25, 1.12, 0.90])
    base = color[None, None, :] * tone[..., None] * 1.15 + (warm * 0.45)[None, None, :] * collarette[..., None]
    # Light falls in from above and gathers in the lower half.
    base = base * (1.0 - 0.40 * height - 0.08)[..., None] * 1.18
    base = base * (1.0 - 0.88 * smooth(0.68, 0.96, along))[..., None]
    pupil = smooth(_PUPIL_DEGREES + 0.9, _PUPIL_DEGREES - 0.9, degrees)[..., None]
    return np.asarray(base * (1.0 - pupil) + 0.012 * pupil)


def _veins(spin: Scalars, degrees: Scalars, rng: np.random.Generator) -> Scalars:
    out = np.zeros_like(spin)
    for _ in range(14):
        at, bend, phase = rng.uniform(-np.pi, np.pi), rng.uniform(0.03, 0.10), rng.uniform(0.0, 6.0)
        off = np.angle(np.exp(1j * (spin - at - bend * np.sin(degrees * 0.25 + phase))))
        out += np.exp(-((off / 0.016) ** 2)) * smooth(IRIS_DEGREES + 10.0, IRIS_DEGREES + 34.0, degrees)
    return np.clip(out, 0.0, 1.0) * 0.6


def _lid_shadow(directions: Points) -> Scalars:
    """Shade from the lids and lashes: stronger above and in the corners."""
    # Not too dark: it turns with the ball, and a look down brings it into view.
    above = 0.62 * smooth(-0.06, 0.30, directions[:, 1])
    below = 0.20 * smooth(-0.22, -0.48, directions[:, 1])
    corners = 0.38 * smooth(0.45, 0.92, np.abs(directions[:, 0]))
    return np.clip(1.0 - above - below - corners, 0.22, 1.0)


def _rotation(pitch: float, yaw: float) -> Points:
    cx, sx, cy, sy = np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw)
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]])
    about_y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    return np.asarray(about_y @ about_x)
